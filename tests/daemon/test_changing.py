"""Which fields a change touches, which follow, and which stay as they were decided at submission."""

from dataclasses import replace
from typing import Any

import pytest

from gavelq.core.errors import GavelqError, InvalidField, QueueNotFound, UsageError
from gavelq.core.gpu import Card
from gavelq.core.ids import BlobKey, GpuUuid, QueueName, TaskId
from gavelq.core.lifecycle import EndReason
from gavelq.core.queue import Queue
from gavelq.core.retrying import Backoff, RetryRules, RetryWish
from gavelq.core.task import (
    Argv,
    Dependency,
    DependencyKind,
    GpuRequest,
    Lease,
    Script,
    ShellLines,
    TaskRequest,
    Warn,
)
from gavelq.core.tenants import Role
from gavelq.core.units import MiB
from gavelq.daemon.caller import Caller
from gavelq.daemon.changing import changed, read_env
from gavelq.daemon.requests import Intake
from gavelq.formats.changes import parse_changes
from gavelq.formats.task_object import InvalidTasks, ParsedTask
from tests.support.builders import request, uuid

NOW = 1_800_000_000.0
CAPPED = Queue(name=QueueName("capped"), time_limit_s=600.0, max_time_limit_s=3600.0, retry=RetryWish(burst=3))
OLD = request(
    name="train", is_named=True, workdir="/nowhere/any/more", env=BlobKey("old"), dropped_env=("TOKEN",),
    time_limit_s=7200.0, warn=Warn(signal=10, before_s=60.5), log_path="/tmp/own.log", tags=("a",),
    retry=RetryRules(retries=3, backoff=Backoff(first_s=5.0), on=(EndReason.LOST,)), tenant="somebody",
    not_before=NOW + 5.25, depends_on=(Dependency(task_id=TaskId(1)),), preemptible=True, array_index=4,
    params=(("lr", ".1"),), max_parallel=2,
)  # fmt: skip


def intake() -> Intake:
    """One of a machine with two cards, asked by an admin."""
    cards = {uuid(n): Card(uuid=uuid(n), index=str(n), name="Test", memory_total=MiB(24576)) for n in (0, 1)}
    queues = {queue.name: queue for queue in (Queue(name=QueueName("running")), CAPPED)}
    caller = Caller(name="root", tenant="root", role=Role.ADMIN)
    return Intake(caller=caller, default_queue="running", cards=cards, queues=queues, now=NOW)


def change(old: TaskRequest, **changes: Any) -> TaskRequest:
    """The request with these changes."""
    return changed(old, parse_changes(changes), intake())


def test_a_default_queue_that_is_not_there_names_its_setting() -> None:
    caller, queues = Caller(name="root", tenant="root", role=Role.ADMIN), {CAPPED.name: CAPPED}
    lost = Intake(caller=caller, default_queue="gone", cards={}, queues=queues, now=NOW)
    with pytest.raises(QueueNotFound, match="there is no queue named 'gone'") as refused:
        lost.request(ParsedTask(command=("true",), workdir="/"), None)
    assert "submit.default_queue" in refused.value.hint
    assert lost.request(ParsedTask(command=("true",), workdir="/"), "capped").queue == "capped"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"priority": 7}, {"priority": 7}),
        ({"priority": None}, {"priority": 0}),
        ({"tags": ["b"]}, {"tags": ("b",)}),
        ({"tags": None}, {"tags": ()}),
        ({"workdir": "/tmp"}, {"workdir": "/tmp"}),
        ({"log_path": "out.log", "workdir": "/tmp"}, {"workdir": "/tmp", "log_path": "/tmp/out.log"}),
        ({"log_path": None}, {"log_path": None}),
        ({"not_before": "+60"}, {"not_before": NOW + 60}),
        ({"not_before": None}, {"not_before": None}),
        ({"preemptible": None, "requeue": True, "hold": True}, {"preemptible": False, "requeue": True, "hold": True}),
        ({"name": "other"}, {"name": "other"}),
        ({"name": None}, {"name": "true", "is_named": False}),
        ({"command": "echo x"}, {"command": ShellLines(lines=("echo x",))}),
        ({"argv": ["a", "b"]}, {"command": Argv(argv=("a", "b"))}),
        ({"time_limit": "3h"}, {"time_limit_s": 10800.0}),
        ({"warn": None, "timeout": None}, {"warn": None, "time_limit_s": None}),
        ({"warn": "USR1@60"}, {"warn": Warn(signal=10, before_s=60.0)}),
        ({"max_parallel": None}, {"max_parallel": None}),
        ({"allow_infeasible": True}, {"allow_infeasible": True}),
    ],
)
def test_a_change_touches_what_it_names_and_nothing_else(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert change(OLD, **changes) == replace(OLD, **expected)


GPUS = GpuRequest(count=1, allowed=(uuid(0),), memory=MiB(8192), max_util=50, share=True)
ELASTIC = GpuRequest(count=1, max_count=2, gpu_left=1)


@pytest.mark.parametrize(
    ("old", "changes", "expected"),
    [
        (GPUS, {"memory": 4}, replace(GPUS, memory=MiB(4096))),
        (GPUS, {"share": None, "memory_mb": None}, replace(GPUS, memory=None, share=False)),
        (GPUS, {"max_util": "none"}, replace(GPUS, max_util=None)),
        (GPUS, {"gpu_ids": None}, replace(GPUS, allowed=())),
        (GPUS, {"gpu_ids": [0, 1]}, replace(GPUS, count=2, allowed=(uuid(0), uuid(1)))),
        (GPUS, {"gpu_ids": [0, 1], "gpu_num": 1}, replace(GPUS, allowed=(uuid(0), uuid(1)))),
        (GpuRequest(count=2), {"max_gpus": 2}, GpuRequest(count=1, max_count=2)),
        (ELASTIC, {"gpu_count": 2}, GpuRequest(count=2)),
        (ELASTIC, {"min_gpus": 2}, replace(ELASTIC, count=2)),
        (ELASTIC, {"max_gpus": None}, GpuRequest(count=1)),
        (ELASTIC, {"gpu_left": None}, replace(ELASTIC, gpu_left=None)),
    ],
)
def test_counts_follow_each_other_as_at_submission(
    old: GpuRequest, changes: dict[str, Any], expected: GpuRequest
) -> None:
    assert change(replace(OLD, gpus=old), **changes) == replace(OLD, gpus=expected)


@pytest.mark.parametrize(
    ("old", "changes", "field"),
    [
        (OLD, {"priority": 101}, "priority"),
        (OLD, {"colour": "red"}, "colour"),
        (OLD, {"colour": None}, "colour"),
        (OLD, {"memory": 8, "memory_mib": 8192}, "memory_mib"),
        (OLD, {"time_limit": 30}, "warn"),
        (OLD, {"time_limit": None}, "warn"),
        (OLD, {"queue": "capped"}, "time_limit"),
        (OLD, {"workdir": "/nowhere"}, "workdir"),
        (OLD, {"share": True}, "share"),
        (OLD, {"gpu_left": 1}, "gpu_left"),
        (OLD, {"array": "0-9"}, "array"),
        (OLD, {"lease": True}, "lease"),
        (OLD, {"command": None}, "command"),
        (OLD, {"env": None}, "env"),
        (OLD, {"after": [0]}, "after"),
        (replace(OLD, gpus=GPUS), {"gpu_count": 2}, "gpu_count"),
        (replace(OLD, gpus=GPUS), {"memory": None}, "share"),
        (replace(OLD, command=Lease()), {"command": "echo"}, "command"),
        (replace(OLD, gpus=GpuRequest(allowed=(GpuUuid("GPU-gone"),))), {"memory": 4}, "gone"),
    ],
)
def test_nonsense_is_refused_with_the_field(old: TaskRequest, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(GavelqError) as refused:
        change(old, **changes)
    assert field in refused.value.message


def test_an_edit_of_something_else_is_not_refused_for_what_has_changed_around_the_task() -> None:
    old = replace(OLD, queue=QueueName("capped"), gpus=GpuRequest(allowed=(GpuUuid("GPU-gone"),)))
    assert change(old, priority=3) == replace(old, priority=3)


def test_no_changes_are_refused() -> None:
    with pytest.raises(UsageError, match="nothing is to change"):
        parse_changes({})
    with pytest.raises(UsageError, match="nothing is to change"):
        parse_changes({"// priority": 5})
    with pytest.raises(InvalidField, match="no such field") as unknown:
        parse_changes({"memroy": 5})
    assert unknown.value.hint == "did you mean memory?"
    with pytest.raises(InvalidField, match="not an object"):
        parse_changes([1])


def test_what_cannot_be_read_changed_nothing() -> None:
    with pytest.raises(InvalidTasks, match="a command line is empty") as refused:
        change(OLD, command="")
    assert refused.value.hint == "nothing was changed; correct this and try again"


def test_a_name_that_nobody_gave_follows_the_command() -> None:
    old = replace(OLD, name="true", is_named=False)
    assert change(old, command="echo x").name == "echo x"
    assert change(OLD, command="echo x").name == "train"
    named = change(old, command="echo x", name="mine")
    assert (named.name, named.is_named) == ("mine", True)


def test_a_script_takes_the_place_of_a_command() -> None:
    given, desk = parse_changes({"script": {"name": "a.sh", "content": "#!/bin/sh\ntrue\n"}}), intake()
    new = changed(OLD, given, desk)
    assert isinstance(new.command, Script)
    assert desk.blobs[new.command.blob] == b"#!/bin/sh\ntrue\n"


def test_retry_rules_change_one_by_one() -> None:
    assert change(OLD, retries=9).retry == replace(OLD.retry, retries=9)
    assert change(OLD, backoff="7").retry == replace(OLD.retry, backoff=Backoff(first_s=7.0, factor=1.0))
    assert change(OLD, retry_on=None).retry == replace(OLD.retry, on=RetryRules().on)
    in_queue = replace(OLD, queue=QueueName("capped"), time_limit_s=600.0)
    assert change(in_queue, retries=9).retry.burst is None
    assert change(in_queue, retry_burst=None).retry.burst == 3


def test_another_queue_gives_its_default_limit_to_a_task_without_one() -> None:
    old = replace(OLD, time_limit_s=None, warn=None)
    moved = change(old, queue="capped")
    assert (moved.queue, moved.time_limit_s) == ("capped", 600.0)
    assert change(replace(old, time_limit_s=60.0), queue="capped").time_limit_s == 60.0
    assert change(replace(old, queue=QueueName("capped")), priority=1).time_limit_s is None


def test_kinds_of_dependencies_change_one_by_one() -> None:
    both = change(OLD, after_any=[2, 3])
    assert [(one.task_id, one.kind) for one in both.depends_on] == [(1, "ok"), (2, "any"), (3, "any")]
    assert change(both, depends_on=None).depends_on == both.depends_on[1:]
    assert change(both, after=7).depends_on[0] == Dependency(task_id=TaskId(7), kind=DependencyKind.OK)


def test_the_environment_is_added_to_and_taken_from() -> None:
    given, desk = parse_changes({"env": {"B": "2", "A": None, "N": 3}}), intake()
    new = changed(OLD, given, desk, {"A": "1", "C": "3"})
    assert read_env(desk.blobs[new.env]) == {"B": "2", "C": "3", "N": "3"}
    assert new.dropped_env == OLD.dropped_env


def test_two_environments_of_one_edit_are_not_mistaken_for_each_other() -> None:
    given, desk = parse_changes({"env": {"B": "2"}}), intake()
    keys = [changed(OLD, given, desk, {"N": str(number)}).env for number in range(50)]
    assert [read_env(desk.blobs[key])["N"] for key in keys] == [str(number) for number in range(50)]
