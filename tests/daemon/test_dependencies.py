"""Dependencies, edits and reruns: over fakes where an end comes between a look and its answer, else for real."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gavelq.config import load
from gavelq.core import events as ev
from gavelq.core.engine import EngineRules
from gavelq.core.errors import GavelqError, Refused, TaskNotFound
from gavelq.core.ids import TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.state import State
from gavelq.core.task import Dependency, DependencyKind
from gavelq.core.tenants import Role
from gavelq.daemon.caller import Caller
from gavelq.daemon.loop import Loop
from gavelq.daemon.service import dependencies
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.waiters import Waiters
from gavelq.scheduling.policy import Policy
from gavelq.testing.fake_clock import FakeClock
from gavelq.testing.fake_history import FakeHistory
from gavelq.testing.fake_store import FakeStore
from tests.support.builders import request
from tests.support.daemon import Box, Failure

ADMIN = Caller(name="root", tenant="root", role=Role.ADMIN)
ANY, OK = DependencyKind.ANY, DependencyKind.OK

# --- over fakes ----------------------------------------------------------------------------------------------


def submission(*ids: int, kind: DependencyKind = ANY, key: str | None = None, **given: Any) -> ev.TasksSubmitted:
    """One held task that depends on these."""
    wanted = tuple(Dependency(task_id=TaskId(number), kind=kind) for number in ids)
    requests = (request(hold=True, count=0, depends_on=wanted, **given),)
    return ev.TasksSubmitted(by="me", requests=requests, blobs={}, key=key)


def kill(number: int) -> ev.TaskKilled:
    """The end of a held task."""
    return ev.TaskKilled(by="me", task_id=TaskId(number), signal=15, is_ending=True)


def with_desk(story: Callable[[Desk, FakeStore], Awaitable[None]]) -> None:
    """Run a story at a desk with a loop, a store in memory and no daemon around them."""

    async def play() -> None:
        store, clock, waiters = FakeStore(), FakeClock(), Waiters()
        loop = Loop(
            state=State(), store=store, clock=clock, rules=EngineRules(log_dir="/logs"), policy=Policy(),
            carry_out=lambda _: None, is_debug=True,
        )  # fmt: skip
        loop.on_applied.append(waiters.notice)
        desk = Desk(
            history=FakeHistory(),
            loop=loop,
            store=store,
            clock=clock,
            waiters=waiters,
            config=lambda: load("/nowhere", {}),
            identify=lambda _: None,
        )
        running = asyncio.create_task(loop.run())
        await loop.ask(submission())
        await story(desk, store)
        loop.stop()
        await running

    asyncio.run(play())


def test_an_end_in_the_same_batch_is_found_by_a_second_look() -> None:
    async def story(desk: Desk, store: FakeStore) -> None:
        _, ids = await asyncio.gather(desk.loop.ask(kill(1)), dependencies.ask(desk, ADMIN, submission(1)))
        assert len(store.commits) == 3  # the end was committed before the second look
        assert desk.state.tasks[ids[0]].waits_for == ()

    with_desk(story)


def test_an_end_that_is_being_committed_is_found_by_a_second_look() -> None:
    async def story(desk: Desk, store: FakeStore) -> None:
        store.hold_commits()
        killing = asyncio.create_task(desk.loop.ask(kill(1)))
        await asyncio.sleep(0.01)  # the loop waits for the disk
        asking = asyncio.create_task(dependencies.ask(desk, ADMIN, submission(1)))
        await asyncio.sleep(0.01)
        store.release_commits()
        await killing
        assert desk.state.tasks[(await asking)[0]].waits_for == ()

    with_desk(story)


def test_an_end_between_two_looks_that_can_never_do_is_refused() -> None:
    async def story(desk: Desk, store: FakeStore) -> None:
        del store
        asking = dependencies.ask(desk, ADMIN, submission(1, kind=OK))
        found = (await asyncio.gather(desk.loop.ask(kill(1)), asking, return_exceptions=True))[1]
        assert isinstance(found, Refused)
        assert "task 1 was cancelled" in found.message

    with_desk(story)


def test_a_removal_between_two_looks_leaves_nothing_to_wait_for() -> None:
    async def story(desk: Desk, store: FakeStore) -> None:
        del store
        removal = ev.TaskRemoved(by="me", task_id=TaskId(1))
        asking = dependencies.ask(desk, ADMIN, submission(1))
        found = (await asyncio.gather(desk.loop.ask(removal), asking, return_exceptions=True))[1]
        assert isinstance(found, TaskNotFound)
        assert not desk.state.tasks

    with_desk(story)


def test_the_task_of_another_tenant_does_not_exist() -> None:
    async def story(desk: Desk, store: FakeStore) -> None:
        stranger = Caller(name="eve", tenant="eve")
        owner = Caller(name="me", tenant="me")
        for _ in ("alive", "ended"):
            with pytest.raises(TaskNotFound, match="no task 1"):
                await dependencies.ask(desk, stranger, submission(1, tenant="eve"))
            await dependencies.ask(desk, owner, submission(1))
            if TaskId(1) in desk.state.tasks:
                await desk.loop.ask(kill(1))
        assert store.disk.tasks[TaskId(1)].state is TaskState.CANCELLED

    with_desk(story)


def test_a_repetition_is_answered_although_its_dependency_is_forgotten() -> None:
    async def story(desk: Desk, store: FakeStore) -> None:
        first = await dependencies.ask(desk, ADMIN, submission(1, key="root:k"))
        await desk.loop.ask(kill(1))
        del store.disk.tasks[TaskId(1)]
        assert await dependencies.ask(desk, ADMIN, submission(1, key="root:k")) == first

    with_desk(story)


def test_mistakes_are_told_by_task() -> None:
    async def story(desk: Desk, store: FakeStore) -> None:
        del store
        await desk.loop.ask(kill(1))
        requests = {n: submission(*ids, kind=OK).requests[0] for n, ids in enumerate([(), (1,), (9,), (9,)])}
        found: dict[int, GavelqError] = await dependencies.wrong_ones(desk, ADMIN, requests)
        assert {index: type(error) for index, error in found.items()} == {1: Refused, 2: TaskNotFound, 3: TaskNotFound}

    with_desk(story)


# --- with a real daemon --------------------------------------------------------------------------------------


def gate(tmp_path: Path) -> tuple[Path, str]:
    """A file and the command that waits for it, then ends with what the file says."""
    path = tmp_path / "gate"
    return path, f"until [ -s {path} ]; do sleep 0.05; done; exit $(cat {path})"


def refused(daemon: Box, method: str, path: str, body: Any) -> dict[str, Any]:
    """The problem document of a request that must fail."""
    with pytest.raises(Failure) as failure:
        daemon.request(method, path, body)
    found: dict[str, Any] = failure.value.body
    return found


def test_a_chain_runs_in_order_and_what_can_never_start_is_aborted(daemon: Box, tmp_path: Path) -> None:
    path, command = gate(tmp_path)
    first = daemon.submit(command, name="first")
    second = daemon.submit("true", name="second", after=first)
    alarm = daemon.submit("true", after_fail=[first])
    behind = daemon.submit("true", after=f"{alarm}")
    always = daemon.submit("true", after_any=[first, alarm])
    waiting = daemon.wait(second, "pending")
    assert (waiting["pending_reason"], waiting["pending_detail"]) == (
        "dependency", f"waits for task {first} to complete",
    )  # fmt: skip
    assert daemon.task(first)["dependents"] == [second, alarm, always]
    assert daemon.get(f"/api/tasks/{second}/why")["summary"].endswith(f"waits for task {first} to complete")
    path.write_text("0")
    assert daemon.wait(second)["state"] == "completed"
    assert daemon.wait(always)["state"] == "completed"
    fallen = daemon.wait(alarm)
    assert (fallen["state"], fallen["end_reason"]) == ("aborted", "dependency_failed")
    assert fallen["end_detail"] == f"task {first} completed, and this one waits for it to fail"
    assert daemon.wait(behind)["end_detail"] == f"task {alarm} was aborted (dependency_failed)"


def test_the_tasks_around_one_are_shown(daemon: Box) -> None:
    top = daemon.submit("true", name="top", hold=True)
    middle = daemon.submit("true", name="middle", after=[top])
    below = [daemon.submit("true", after_any=[middle]) for _ in range(2)]
    nodes = {node["id"]: node for node in daemon.task(middle)["graph"]}
    assert nodes.keys() == {top, middle, *below}
    assert nodes[top] == {
        "id": top, "name": "top", "state": "held", "end_reason": None, "dependencies": [], "dependents": [middle],
    }  # fmt: skip
    assert nodes[below[0]]["dependencies"] == [{"task_id": middle, "kind": "any", "is_open": True}]
    daemon.post(f"/api/tasks/{top}/kill")
    assert daemon.wait(middle)["dependencies"] == [{"task_id": top, "kind": "ok", "is_open": False}]
    assert daemon.wait(below[0])["state"] == "completed"


def test_dependencies_survive_a_kill_of_the_daemon(fresh: Box, tmp_path: Path) -> None:
    path, command = gate(tmp_path)
    first = fresh.submit(command)
    let_go, falls = fresh.submit("true", after=first), fresh.submit("true", after_fail=first)
    deeper = fresh.submit("true", after=let_go)
    fresh.wait(first, "running")
    fresh.kill()
    fresh.start()
    assert fresh.task(first)["dependents"] == [let_go, falls]
    assert fresh.state(deeper) == "pending"
    fresh.kill()
    path.write_text("0")  # it ends while nobody looks
    fresh.start()
    assert fresh.wait(deeper)["state"] == "completed"
    assert fresh.task(falls)["end_reason"] == "dependency_failed"
    late = fresh.submit("true", after=first)
    assert fresh.wait(late)["state"] == "completed"


def test_a_list_of_tasks_is_refused_with_the_index_and_the_field(daemon: Box) -> None:
    done = daemon.submit("false")
    daemon.wait(done)
    tasks: list[dict[str, Any]] = [
        {"command": "true"},
        {"command": "true", "after": [99_999]},
        {"command": "true", "after": done},
    ]
    answer = refused(daemon, "POST", "/api/submissions", {"tasks": tasks, "base": {"workdir": "/tmp"}})
    told = [(mistake["index"], mistake["field"]) for mistake in answer["details"]["mistakes"]]
    assert told == [(1, "after"), (2, "after")]
    single = refused(daemon, "POST", "/api/tasks", tasks[1] | {"workdir": "/tmp"})
    assert (single["status"], single["code"], single["details"]["field"]) == (404, "task_not_found", "after")


def test_an_edit_changes_a_task_for_good(fresh: Box) -> None:
    task_id = fresh.submit('echo "$A $B"', not_before="+1h", env={"A": "1", "B": "1", "PATH": "/usr/bin:/bin"})
    changes = {"priority": 9, "env": {"A": "2", "B": None}, "time_limit": "1h", "name": "better"}
    edited = fresh.request("PATCH", f"/api/tasks/{task_id}", changes)
    assert (edited["priority"], edited["time_limit_s"], edited["name"]) == (9, 3600.0, "better")
    assert edited["pending_reason"] == "begin_time"
    fresh.restart()
    assert fresh.task(task_id)["name"] == "better"
    assert fresh.task(task_id)["events"][-1]["details"]["fields"] == ["env", "name", "priority", "time_limit_s"]
    fresh.request("PATCH", f"/api/tasks/{task_id}", {"not_before": None})
    assert fresh.wait(task_id)["state"] == "completed"
    assert fresh.log(task_id) == "2 \n"


def test_several_tasks_are_edited_together_or_not_at_all(daemon: Box) -> None:
    held = [daemon.submit("true", hold=True) for _ in range(2)]
    done = daemon.submit("true")
    daemon.wait(done)
    assert (
        refused(daemon, "POST", "/api/tasks/edit", {"ids": [*held, done], "changes": {"priority": 5}})["status"] == 409
    )
    assert [daemon.task(number)["priority"] for number in held] == [0, 0]
    edited = daemon.post("/api/tasks/edit", {"ids": held[::-1], "changes": {"priority": 5, "after": None}})
    assert [(task["id"], task["priority"]) for task in edited] == [(held[1], 5), (held[0], 5)]


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"gpu_count": 9}, 422, "asks for 9 GPUs"),
        ({"queue": "nowhere"}, 404, "no queue named 'nowhere'"),
        ({"after": [99_999]}, 404, "no task 99999"),
        ({"priority": 200}, 400, "priority"),
        ({"colour": "red"}, 400, "colour"),
        ({}, 400, "nothing is to change"),
    ],
)
def test_an_impossible_edit_says_why(daemon: Box, changes: dict[str, Any], status: int, said: str) -> None:
    task_id = daemon.submit("true", hold=True)
    answer = refused(daemon, "PATCH", f"/api/tasks/{task_id}", changes)
    assert answer["status"] == status
    assert said in answer["message"]


def test_ids_of_an_edit_are_bounded_and_numbers(daemon: Box) -> None:
    for ids in (None, [], "1", [True], ["1"], list(range(1, 10_002))):
        assert refused(daemon, "POST", "/api/tasks/edit", {"ids": ids, "changes": {"priority": 1}})["status"] in (
            400,
            422,
        )


def test_a_circle_through_an_edit_is_refused(daemon: Box) -> None:
    first = daemon.submit("true", hold=True)
    second = daemon.submit("true", after=first)
    answer = refused(daemon, "PATCH", f"/api/tasks/{first}", {"after": [second]})
    assert answer["message"].endswith(f"{first} -> {second} -> {first}")
    assert answer["details"]["field"] == "after"


def test_a_rerun_takes_changes_and_leaves_dependencies_behind(daemon: Box) -> None:
    first = daemon.submit("true")
    old = daemon.submit('echo "$A"', after_any=first, name="old", env={"A": "1", "PATH": "/usr/bin:/bin"}, tags=["x"])
    daemon.wait(old)
    new = daemon.post(f"/api/tasks/{old}/rerun", {"env": {"A": "2"}, "name": "new", "time_limit": 60})
    assert (new["depends_on"], new["tags"], new["name"], new["time_limit_s"]) == ([], ["x"], "new", 60.0)
    assert daemon.wait(new["id"])["state"] == "completed"
    assert daemon.log(new["id"]) == "2\n"
    again = daemon.post(f"/api/tasks/{old}/rerun", {"after": old})
    assert again["depends_on"] == [old]
    answer = refused(daemon, "POST", f"/api/tasks/{old}/rerun", {"memory": 500})
    assert (answer["status"], answer["details"]["field"]) == (422, "memory")


def test_a_rerun_goes_where_the_task_ran_and_not_back_on_hold(daemon: Box) -> None:
    held, waiting, never = (
        daemon.submit("true", hold=True),
        daemon.submit("true", queue="waiting"),
        daemon.submit("x", hold=True),
    )
    for number in (held, waiting):
        daemon.post(f"/api/tasks/{number}/run")
    daemon.post(f"/api/tasks/{never}/kill")
    for number in (held, waiting):
        assert daemon.wait(number)["state"] == "completed"
        again = daemon.post(f"/api/tasks/{number}/rerun")
        assert again["queue"] == "running"
        assert daemon.wait(again["id"])["state"] == "completed"
    assert daemon.post(f"/api/tasks/{never}/rerun")["state"] == "held", "nobody ever let it go"


def test_a_rerun_with_a_key_is_made_once(daemon: Box) -> None:
    old = daemon.submit("true")
    daemon.wait(old)
    headers = {"Content-Type": "application/json", "Idempotency-Key": "again"}
    made = [daemon.raw("POST", f"/api/tasks/{old}/rerun", b"{}", headers) for _ in range(2)]
    assert [status for status, _, _ in made] == [201, 201]
    assert json.loads(made[0][2])["id"] == json.loads(made[1][2])["id"]


def test_a_task_does_not_begin_before_its_time(daemon: Box) -> None:
    task_id = daemon.submit("true", not_before="+1h")
    waiting = daemon.wait(task_id, "pending")
    assert waiting["pending_reason"] == "begin_time"
    assert waiting["not_before"] > waiting["submitted_at"]
    past = daemon.submit("true", not_before="2020-01-01")
    assert daemon.wait(past)["state"] == "completed"
    soon = daemon.submit("true", not_before="+1")
    ended = daemon.wait(soon)
    assert ended["started_at"] >= ended["not_before"]
    daemon.post(f"/api/tasks/{task_id}/kill")
