"""Configurations of command files: kept, edited by several people at once, started once at a time, deleted."""

from typing import Any

import pytest

from gavelq.core import events as ev
from gavelq.core.command_files import (
    KEPT_RUNS,
    MAX_CONTENT,
    Binding,
    BindingKey,
    BindingNotFound,
    ChangedMeanwhile,
    FileId,
    FileNotStored,
    Run,
    StoredFile,
)
from gavelq.core.engine.files import files_of
from gavelq.core.errors import InvalidField, WrongState
from gavelq.core.ids import BlobKey, SubmissionId, TaskId
from gavelq.core.task import LanePlace
from gavelq.core.view import View
from tests.support.builders import World, request

KEY = BindingKey(file=FileId(2), queue_id="1", process_index=0)


def new(world: World, name: str = "", mode: str = "single", tenant: str = "me", content: str = "one") -> StoredFile:
    made: StoredFile = world.send(ev.FileCreated(by="me", tenant=tenant, mode=mode, name=name, content=content))
    return made


def edit(world: World, number: int, **given: Any) -> StoredFile:
    edited: StoredFile = world.send(ev.FileEdited(by="you", file=FileId(number), **given))
    return edited


def start(world: World, number: int, content: str = "one") -> SubmissionId:
    run = Run(mode="single", file=FileId(number), name="n", content=content, tenant="me", by="me", seed=1, work_dir="/")
    asked = request(lane=LanePlace(lane="1", at=0, rank=0))
    ids = world.send(ev.TasksSubmitted(by="me", requests=(asked,), blobs={BlobKey("e"): b"{}"}, run=run))
    return world.task(ids[0]).submission_id


def names(world: World, mode: str = "single", tenant: str = "me") -> list[str]:
    found = files_of(View(world.state), tenant, mode)
    assert [file.place for file in found] == list(range(len(found)))
    return [file.name for file in found]


def test_each_tenant_and_mode_counts_for_itself() -> None:
    world = World()
    new(world, "a")
    new(world, "b")
    new(world, "m", mode="multi")
    new(world, "other", tenant="you")
    assert (names(world), names(world, "multi"), names(world, tenant="you")) == (["a", "b"], ["m"], ["other"])
    assert new(world).name == "single 3"


def test_an_edit_of_an_older_version_is_refused_and_one_without_a_version_is_not() -> None:
    world = World()
    file = new(world)
    assert edit(world, 1, content="two", based_on=file.version).version == 2
    with pytest.raises(ChangedMeanwhile):
        edit(world, 1, content="three", based_on=file.version)
    assert world.state.files[FileId(1)].content == "two"
    assert edit(world, 1, content="three").version == 3
    with pytest.raises(FileNotStored):
        edit(world, 9, content="x")


def test_an_edit_without_a_difference_is_no_version() -> None:
    world = World()
    assert edit(world, new(world).id, content="one").version == 1


def test_a_text_that_is_too_long_is_refused() -> None:
    world = World()
    new(world)
    with pytest.raises(InvalidField):
        edit(world, 1, content="ä" * (MAX_CONTENT // 2 + 1))
    with pytest.raises(InvalidField):
        new(world, content="x" * (MAX_CONTENT + 1))


def test_a_reset_goes_back_to_what_ran_last() -> None:
    world = World()
    new(world)
    edit(world, 1, content="two")
    world.send(ev.FileReset(by="me", file=FileId(1)))
    assert world.state.files[FileId(1)].content == "one"
    edit(world, 1, content="three")
    start(world, 1, content="three")
    edit(world, 1, content="four")
    world.send(ev.FileReset(by="me", file=FileId(1)))
    assert world.state.files[FileId(1)].content == "three"


def test_a_configuration_runs_once_at_a_time_and_others_beside_it() -> None:
    world = World()
    new(world, "a")
    new(world, "b")
    run = start(world, 1)
    with pytest.raises(WrongState, match=f"submission {run}"):
        start(world, 1)
    start(world, 2)
    world.run_all()
    world.ended(TaskId(1))
    assert start(world, 1) == 3


def test_later_ones_move_up_when_one_is_deleted_and_its_bindings_go() -> None:
    world = World()
    for name in "abc":
        new(world, name)
    for number in (2, 3):
        key = BindingKey(file=FileId(number), queue_id="1", process_index=0)
        world.send(ev.LogBound(by="me", key=key, path="/x.log"))
    world.send(ev.FileDeleted(by="me", file=FileId(2)))
    assert names(world) == ["a", "c"]
    assert [key.file for key in world.state.bindings] == [3]
    assert new(world, "d").id == 4, "a number is never given twice"


def test_the_first_one_and_a_running_one_stay() -> None:
    world = World()
    new(world, "a")
    new(world, "b")
    with pytest.raises(WrongState, match="first"):
        world.send(ev.FileDeleted(by="me", file=FileId(1)))
    start(world, 2)
    with pytest.raises(WrongState, match="running"):
        world.send(ev.FileDeleted(by="me", file=FileId(2)))
    assert names(world) == ["a", "b"]


def test_a_log_is_bound_once_and_unbound_once() -> None:
    world = World()
    new(world)
    new(world)
    world.send(ev.LogBound(by="me", key=KEY, path="/a.log"))
    bound: Binding = world.send(ev.LogBound(by="me", key=KEY, path="/b.log"))
    assert world.state.bindings == {KEY: bound}
    assert world.send(ev.LogUnbound(by="me", key=KEY)) == bound
    with pytest.raises(BindingNotFound):
        world.send(ev.LogUnbound(by="me", key=KEY))
    with pytest.raises(FileNotStored):
        world.send(ev.LogBound(by="me", key=BindingKey(file=FileId(9), queue_id="1", process_index=0), path="/x"))


def test_old_runs_are_forgotten_but_the_last_one_of_each_configuration() -> None:
    world = World()
    new(world)
    new(world)
    first = start(world, 2)
    for _ in range(KEPT_RUNS + 5):
        world.run_all()
        for task_id in list(world.state.holding):
            world.ended(task_id)
        start(world, 1)
    assert first in world.state.runs
    assert len(world.state.runs) == KEPT_RUNS + 2
