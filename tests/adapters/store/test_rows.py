"""Rows: strict, explicit, and complete."""

import json
from dataclasses import dataclass, fields, replace

import pytest

from gavelq.adapters.store import rows
from gavelq.adapters.store.facts import facts_of, reservation_of
from gavelq.adapters.store.rows import (
    TaskReader,
    TaskRow,
    attempt_of,
    attempt_text,
    card_of,
    card_text,
    queue_of,
    queue_text,
    task_rows,
)
from gavelq.adapters.store.shape import TEXT, RowError, Shape
from gavelq.core.task import ShellLines
from tests.adapters.store.made import (
    COMMANDS,
    full_attempt,
    full_card,
    full_learned,
    full_queue,
    full_reservation,
    full_share,
    full_task,
    request,
    task,
)


def row_of(number: int = 1, request_text: str | None = None, standing: str | None = None) -> TaskRow:
    (row,) = task_rows([task(number)])
    found = (*row[:6], row[9], row[10])
    return (*found[:6], request_text or found[6], standing or found[7])  # type: ignore[return-value]  # the columns that queries select


def test_the_test_tasks_leave_no_field_at_its_default() -> None:
    """Else the round trips of the contract would prove nothing about that field."""
    full, queue = full_task(1, COMMANDS[0]), full_queue()
    parts = (
        full, full.request, full.request.gpus, full.request.warn, full.request.retry, full.attempt, full.stop,
        full.ending, queue, queue.retry, full_card(), full_reservation(), full_learned(), full_share(), COMMANDS[3],
    )  # fmt: skip
    for part in parts:
        assert part is not None
        for field in fields(part):
            if field.name != "exit_code":
                assert getattr(part, field.name) != field.default, (type(part).__name__, field.name)


def test_a_field_that_no_codec_stores_is_noticed_at_import() -> None:
    @dataclass
    class Grown:
        old: str
        new: str = ""

    with pytest.raises(TypeError, match=r"Grown: \['new'\] need a codec"):
        Shape(Grown, old=TEXT)
    with pytest.raises(TypeError, match=r"Grown: \['gone'\]"):
        Shape(Grown, old=TEXT, new=TEXT, gone=TEXT)


def test_a_shared_request_is_encoded_once_and_decoded_into_one_object() -> None:
    shared = request()
    encoded = task_rows([task(n, request=shared) for n in (1, 2)])
    assert encoded[0][9] is encoded[1][9]
    reader = TaskReader()
    first, second = (reader.task(row_of(n)) for n in (1, 2))
    assert first.request is second.request


def test_defaults_are_not_stored() -> None:
    (row,) = task_rows([task(1)])
    assert json.loads(str(row[10])) == {"log_path": "/logs/1.log"}
    assert set(json.loads(str(row[9]))) == {"command", "name", "workdir", "env", "queue", "tenant"}


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (row_of(request_text="{"), "task 1: not JSON"),
        (row_of(request_text="[]"), "task 1: .* is not an object"),
        (row_of(request_text='{"name": "x"}'), "task 1: missing field 'command'"),
        (row_of(standing="{}"), "task 1: missing field 'log_path'"),
        (row_of(standing='{"log_path": 3}'), "task 1: log_path: 3 is not a text"),
        (row_of(standing='{"log_path": "x", "future": 1}'), "task 1: unknown field 'future'"),
        (row_of(standing='{"log_path": "x", "stop": {"reason": "y"}}'), "task 1: stop: reason: 'y' is not one of"),
        (row_of(standing='{"log_path": "x", "attempt": {"number": true}}'), "attempt: number: True is not a whole"),
    ],
)
def test_documents_that_say_something_else_are_refused_by_field(row: TaskRow, problem: str) -> None:
    with pytest.raises(RowError, match=problem):
        TaskReader().task(row)


def test_an_unknown_state_is_refused() -> None:
    row = row_of()
    with pytest.raises(RowError, match="task 1: 'dreaming' is not a valid TaskState"):
        TaskReader().task((*row[:2], "dreaming", *row[3:]))


@pytest.mark.parametrize("text", ['{"shell": {"lines": ["a"]}, "argv": {}}', '{"magic": {}}', '"ls"', "{}"])
def test_a_command_is_one_of_three_kinds(text: str) -> None:
    whole = json.dumps(
        {"command": json.loads(text), "name": "n", "workdir": "/", "env": "e", "queue": "q", "tenant": "t"}
    )
    with pytest.raises(RowError, match=r"command: .* is not a command"):
        TaskReader().task(row_of(request_text=whole))


def test_text_that_sqlite_could_not_hold_is_escaped() -> None:
    odd = request(ShellLines(lines=("echo \udcff \0 \U0001f600",)))
    (row,) = task_rows([task(1, request=odd, log_path="/\udcff")])
    assert str(row[9]).isascii()
    assert str(row[10]).isascii()
    reader = TaskReader()
    assert reader.task((*row[:6], row[9], row[10])) == task(1, request=odd, log_path="/\udcff")  # type: ignore[arg-type]  # these columns


def test_attempts_queues_and_cards_come_back() -> None:
    assert attempt_of(attempt_text(full_attempt())) == full_attempt()
    assert queue_of(queue_text(full_queue())) == full_queue()
    assert card_of(card_text(full_card())) == full_card()
    plain = replace(full_attempt(), supervisor=None, result=None, pid=None)
    assert attempt_of(rows.attempt_text(plain)) == plain


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (("learned", "x/t", "{"), "fact learned x/t: not JSON"),
        (("learned", "x/t", '{"n_ends":"many"}'), "fact learned x/t: n_ends: 'many' is not a whole number"),
        (("learned", "x/t", '{"run_times_s":[1,"2"]}'), "run_times_s: .* is not a list of numbers"),
        (("share", "x", '{"gpu_s":1.0}'), "fact share x: missing field 'at'"),
        (("streak", "1", "true"), "fact streak 1: True cannot be understood"),
        (("streak", "one", "1"), "fact streak one: 1 cannot be understood"),
        (("dream", "x", "1"), "fact dream x: 1 cannot be understood"),
    ],
)
def test_a_fact_that_says_something_else_is_refused_by_its_key(row: tuple[str, str, str], problem: str) -> None:
    with pytest.raises(RowError, match=problem):
        facts_of([row])


@pytest.mark.parametrize("text", ["{}", '{"task_id":"1"}', '{"task_id":1,"gpus":"GPU-1"}', '{"task_id":1,"until":2}'])
def test_a_reservation_that_says_something_else_is_refused(text: str) -> None:
    with pytest.raises(RowError):
        reservation_of(text)


def test_a_sweep_s_values_are_pairs() -> None:
    document = json.loads(str(task_rows([full_task(1, COMMANDS[0])])[0][9]))
    document["params"] = [["lr", "1", "2"]]
    with pytest.raises(RowError, match=r"task 1: params: .* is not a list of pairs"):
        TaskReader().task(row_of(request_text=json.dumps(document)))
