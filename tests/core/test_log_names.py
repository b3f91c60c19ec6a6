"""What stands in a log file's path for a task's id, submission, name and index, and when it is filled in."""

from dataclasses import replace
from typing import Any

import pytest

from gavelq.core import events as ev
from gavelq.core.errors import InvalidField
from gavelq.core.ids import BlobKey, GpuUuid, TaskId
from gavelq.core.log_names import MAX_NAME_BYTES, fill
from gavelq.core.retrying import RetryRules
from tests.support.builders import World, request, uuid


def filled(path: str, name: str = "fit", index: int | None = 3) -> str:
    return fill(path, task_id=12, submission=7, name=name, index=index)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/l/{id}.txt", "/l/12.txt"),
        ("/l/{submission}_{index}-{name}.txt", "/l/7_3-fit.txt"),
        ("/l/{id:05}.{index:03}.{submission:01}", "/l/00012.003.7"),
        ("/l/{id}{id}", "/l/1212"),
        ("/l/plain.txt", "/l/plain.txt"),
        (
            "/l/${id}.\\{id}.{{id}}.{ID}.{id:5}.{name:05}.{}.{pid}",
            "/l/${id}.\\{id}.{{id}}.{ID}.{id:5}.{name:05}.{}.{pid}",
        ),
    ],
)
def test_a_path_is_filled_with_what_the_task_is(path: str, found: str) -> None:
    assert filled(path) == found


def test_a_task_without_an_index_keeps_the_word() -> None:
    assert filled("/l/{index}.txt", index=None) == "/l/{index}.txt"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a/b", "a_b"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("..", "__"),
        (".", "_"),
        ("{id}", "{id}"),
        ("two words\n\x1b", "two_words__"),
        ("模型", "模型"),
    ],
)
def test_a_name_cannot_lead_into_another_directory(name: str, found: str) -> None:
    assert filled("/l/{name}/x", name=name) == f"/l/{found}/x"
    assert filled("/l/.{name}/x", name=name) == f"/l/.{found}/x"


def test_a_long_name_is_cut_at_a_whole_character() -> None:
    found = filled("{name}", name="模" * 200)
    assert set(found) == {"模"}
    assert MAX_NAME_BYTES - 3 < len(found.encode()) <= MAX_NAME_BYTES


def test_a_path_that_becomes_too_long_is_refused() -> None:
    with pytest.raises(InvalidField, match="more than 4095 bytes"):
        filled("/" + "{name}" * 50, name="n" * 200)


def test_tasks_of_a_submission_get_their_own_paths_when_they_get_their_ids() -> None:
    world = World()
    world.submit()
    one = request(name="fit", log_path="/l/{submission}-{id}-{name}.txt")
    ids = world.send(ev.TasksSubmitted(by="me", requests=(one, one), blobs={BlobKey("e"): b"{}"}))
    assert [world.task(number).log_path for number in ids] == ["/l/2-2-fit.txt", "/l/2-3-fit.txt"]


@pytest.mark.parametrize(
    ("name", "params", "found"),
    [("fit[3]", (), "fit"), ("fit[lr=.1,3]", (("lr", ".1"),), "fit"), ("new", (), "new"), ("[3]", (), "_")],
)
def test_a_name_stands_there_without_what_a_sweep_added(
    name: str, params: tuple[tuple[str, str], ...], found: str
) -> None:
    world = World()
    task_id = world.submit(name=name, log_path="/l/{name}.{index}", array_index=3, params=params)
    assert world.task(task_id).log_path == f"/l/{found}.3"


def start(world: World, task_id: TaskId) -> str:
    """Start a task; where its attempt writes to."""
    world.send(ev.PlanMade(starts=(ev.Placement(task_id=task_id, gpus=(GpuUuid(uuid(0)),)),), reservations={}))
    world.started(task_id)
    attempt = world.task(task_id).attempt
    assert attempt is not None
    assert attempt.log_path == world.task(task_id).log_path
    return attempt.log_path


def test_all_attempts_of_a_task_write_to_the_same_file() -> None:
    world = World()
    task_id = world.submit(log_path="/l/{id}.txt", retry=RetryRules(retries=1))
    assert start(world, task_id) == "/l/1.txt"
    world.ended(task_id, exit_code=1)
    assert start(world, task_id) == "/l/1.txt"


def test_an_edit_of_the_name_or_the_path_moves_the_log_of_a_task_that_has_not_started() -> None:
    world = World()
    task_id = world.submit(name="old", log_path="/l/{name}.txt")
    changes: list[tuple[dict[str, Any], str]] = [
        ({"name": "new"}, "/l/new.txt"),
        ({"log_path": "/l/{id}-{name}"}, "/l/1-new"),
    ]
    for changed, found in changes:
        edited = replace(world.task(task_id).request, **changed)
        world.send(ev.TasksEdited(by="me", requests={task_id: edited}, fields=tuple(changed), ended={}, based_on={}))
        assert world.task(task_id).log_path == found
    assert start(world, task_id) == "/l/1-new"


def test_an_edit_to_a_path_that_becomes_too_long_is_refused_even_between_two_attempts() -> None:
    world = World()
    task_id = world.submit(name="n" * 200, log_path="/l/x", retry=RetryRules(retries=1))
    start(world, task_id)
    world.ended(task_id, exit_code=1)
    edited = replace(world.task(task_id).request, log_path="/l/" + "{name}" * 50)
    with pytest.raises(InvalidField, match="log_path"):
        world.send(ev.TasksEdited(by="me", requests={task_id: edited}, fields=("log_path",), ended={}, based_on={}))
    assert start(world, task_id) == "/l/x"
