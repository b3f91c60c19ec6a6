"""Tasks that let their GPUs lie: how that is seen, and what their queue does about it."""

from dataclasses import replace

import pytest

from gavelq.core import events as ev
from gavelq.core.effects import StopAttempt, WriteToLog
from gavelq.core.engine import EngineRules
from gavelq.core.gpu import CardSample, GpuSample
from gavelq.core.idling import IdleBook, looks_idle
from gavelq.core.ids import RUNNING_QUEUE, TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.notices import NotifyOn
from gavelq.core.task import Lease
from tests.support.builders import World, card

URL = "https://hooks.example/secret"


def powered(util: int | None, power: float | None, limit: float | None = 300.0) -> CardSample:
    return replace(card(0, util=util), power_w=power, power_limit_w=limit)


@pytest.mark.parametrize(
    ("util", "power", "level", "is_idle"),
    [
        (0, 60.0, 50.0, True), (3, 60.0, 50.0, True), (4, 50.0, 50.0, False), (None, 50.0, 50.0, None),
        (0, 150.0, 50.0, False), (0, 85.0, 50.0, True), (0, 50.0, None, True), (0, 150.0, None, False),
        (0, None, None, True),
    ],
)  # fmt: skip
def test_utilisation_and_power_together_say_idle(
    util: int | None, power: float | None, level: float | None, is_idle: bool | None
) -> None:
    assert looks_idle(powered(util, power), level) is is_idle


def look(world: World, book: IdleBook, util: int | None, power: float | None = None) -> None:
    sample = GpuSample(taken_at=world.now, cards=(powered(util, power),))
    book.take(sample, world.state.holding)


def running(**given: object) -> tuple[World, TaskId]:
    world = World(n_cards=1, rules=EngineRules(log_dir="/logs", has_channels=True))
    task_id = world.submit(**given)
    world.run_all()
    return world, task_id


@pytest.mark.parametrize("leap_s", [43_200.0, -43_200.0])
def test_hours_that_the_clock_leapt_or_the_machine_slept_were_not_idle(leap_s: float) -> None:
    (world, task_id), book = running(), IdleBook()
    for _ in range(11):
        look(world, book, 0)
        world.now += 1
    world.now += leap_s
    assert book.idle_s(task_id) == 10.0
    look(world, book, 0)
    assert book.idle_s(task_id) == 0.0


def test_a_task_is_idle_since_the_first_of_many_idle_looks_in_a_row() -> None:
    (world, task_id), book = running(), IdleBook()
    began = world.now
    for util in (0, 1, None, 2):
        look(world, book, util)
        world.now += 1
    assert book.since(task_id) == began
    look(world, book, 50)
    assert book.since(task_id) is None


def test_looks_that_tell_nothing_for_long_end_an_idle_time() -> None:
    (world, task_id), book = running(), IdleBook()
    look(world, book, 0)
    world.now += 40
    look(world, book, None)
    assert book.since(task_id) is None


def test_a_card_that_draws_power_works_even_where_its_utilisation_is_low() -> None:
    world, book = World(n_cards=1), IdleBook()
    look(world, book, 0, 50.0)
    task_id = world.submit()
    world.run_all()
    world.now += 1
    look(world, book, 0, 60.0)
    assert book.since(task_id) is not None
    world.now += 1
    look(world, book, 0, 200.0)
    assert book.since(task_id) is None


def idled(world: World, task_id: TaskId, idle_s: float) -> None:
    world.send(ev.TaskIdled(task_id=task_id, attempt=1, idle_s=idle_s))


def policy(world: World, action: str) -> None:
    world.send(ev.QueueChanged(by="me", name=RUNNING_QUEUE, options={"idle_after": "2h", "idle_action": action}))


def test_without_a_policy_nothing_follows() -> None:
    world, task_id = running(notify=(URL,))
    idled(world, task_id, 1e6)
    assert world.task(task_id).state is TaskState.RUNNING
    assert world.state.outbox == {}


@pytest.mark.parametrize(("action", "told"), [("warn", []), ("notify", [URL, ""])])
def test_a_warning_is_given_once_and_leaves_the_task_alone(action: str, told: list[str]) -> None:
    world, task_id = running(notify=(URL,))
    policy(world, action)
    idled(world, task_id, 3600)
    assert world.task(task_id).attempt.idle_since is None  # type: ignore[union-attr]  # it runs
    for _ in range(3):
        idled(world, task_id, 7200)
    assert [message.to for message in world.state.outbox.values()] == told
    assert len([e for e in world.effects if isinstance(e, WriteToLog)]) == 1
    assert world.task(task_id).state is TaskState.RUNNING


@pytest.mark.parametrize("action", ["requeue", "end"])
def test_gpus_are_taken_back_after_a_warning(action: str) -> None:
    world, task_id = running()
    policy(world, action)
    idled(world, task_id, 3600)
    assert world.task(task_id).state is TaskState.RUNNING
    assert any(isinstance(e, WriteToLog) and "after 2h00m it is" in e.text for e in world.effects)
    idled(world, task_id, 7200)
    assert any(isinstance(e, StopAttempt) for e in world.effects)
    world.ended(task_id, exit_code=None, signal=15, cause="stopped")
    if action == "requeue":
        assert world.task(task_id).state is TaskState.PENDING
        assert world.task(task_id).n_failures == 0
    else:
        ending = world.gone[task_id].ending
        assert ending is not None
        assert (ending.reason, world.gone[task_id].state) == ("idle", TaskState.ABORTED)
        assert "idle for 2h00m" in ending.detail


def test_a_lease_is_ended_even_where_tasks_are_put_back() -> None:
    world, task_id = running(command=Lease())
    policy(world, "requeue")
    idled(world, task_id, 7200)
    idled(world, task_id, 7200)
    world.ended(task_id, exit_code=None, signal=15, cause="stopped")
    ending = world.gone[task_id].ending
    assert ending is not None
    assert ending.reason == "idle"


def test_a_task_that_works_again_is_warned_anew() -> None:
    world, task_id = running()
    policy(world, "warn")
    idled(world, task_id, 7200)
    world.send(ev.TaskBusied(task_id=task_id, attempt=1))
    assert world.task(task_id).attempt.idle_since is None  # type: ignore[union-attr]  # it runs
    idled(world, task_id, 7200)
    assert len([e for e in world.effects if isinstance(e, WriteToLog)]) == 2


def test_news_of_another_attempt_is_ignored() -> None:
    world, task_id = running()
    policy(world, "end")
    world.send(ev.TaskIdled(task_id=task_id, attempt=2, idle_s=world.now))
    assert world.task(task_id).state is TaskState.RUNNING


# --- what is told of a task's life ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "exit_code", "told"),
    [
        (("end",), 0, ["end"]), (("end",), 1, ["end"]), (("fail",), 0, []), (("fail",), 1, ["end"]),
        (("start",), 1, ["start"]), (("start", "end", "fail"), 1, ["start", "end"]),
    ],
)  # fmt: skip
def test_a_task_tells_what_it_was_asked_to(on: tuple[str, ...], exit_code: int, told: list[str]) -> None:
    world, task_id = running(notify=(URL,), notify_on=tuple(NotifyOn(one) for one in on))
    world.ended(task_id, exit_code=exit_code)
    assert [message.event for message in world.state.outbox.values()] == told
    assert all(message.to == URL and message.task_id == task_id for message in world.state.outbox.values())


def test_an_end_that_comes_without_its_start_tells_both() -> None:
    world = World()
    task_id = world.submit(notify=(URL,), notify_on=(NotifyOn.START, NotifyOn.END))
    world.cycle()
    world.ended(task_id)
    assert [message.event for message in world.state.outbox.values()] == ["start", "end"]


def test_a_delivered_message_leaves_the_outbox_and_no_record_holds_its_secret() -> None:
    world, task_id = running(notify=(URL,))
    world.ended(task_id)
    (key,) = world.state.outbox
    world.send(ev.MessagesSettled(delivered=(key,)))
    assert world.state.outbox == {}
    assert world.records[-1].kind == "notified"
    assert not any("secret" in str(record.details) for record in world.records)
