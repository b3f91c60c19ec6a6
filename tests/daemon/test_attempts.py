"""A task with hundreds of attempts: what is told of it stays short, and each log can be read. Over fakes."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gavelq.config import load
from gavelq.core.errors import LogNotFound
from gavelq.core.ids import TaskId
from gavelq.core.task import Attempt, AttemptResult
from gavelq.core.tenants import Role
from gavelq.daemon.caller import Caller
from gavelq.daemon.loop import Loop
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.plan import PlanService
from gavelq.daemon.service.tasks import MAX_ATTEMPTS, TaskService
from gavelq.daemon.waiters import Waiters
from gavelq.testing.fake_clock import FakeClock
from gavelq.testing.fake_history import FakeHistory
from gavelq.testing.fake_store import FakeStore
from tests.support.builders import World

ADMIN = Caller(name="root", tenant="root", role=Role.ADMIN)
N = 250


@pytest.fixture
def service(tmp_path: Path) -> TaskService:
    """The verbs for task 1, which runs for the last of many times."""
    world, store = World(), FakeStore()
    world.submit(count=0)
    world.run_all()
    result = AttemptResult(exit_code=1, signal=None, started_at=1.0, ended_at=2.0, cause="exited")
    for number in range(1, N):
        path = tmp_path / f"{number}.log"
        path.write_text(f"try {number}\n")
        past = Attempt(number=number, gpus=(), indices=(), placed_at=1.0, result=result, log_path=str(path))
        store.disk.attempts[TaskId(1), number] = past
    task = world.task(TaskId(1))
    assert task.attempt is not None
    last = replace(task.attempt, number=N)
    store.disk.attempts[TaskId(1), N] = last
    world.state.tasks[TaskId(1)] = world.state.holding[TaskId(1)] = replace(task, attempt=last)
    loop = Loop(
        state=world.state, store=store, clock=FakeClock(), rules=world.rules, policy=world.policy,
        carry_out=lambda _: None,
    )  # fmt: skip
    desk = Desk(
        history=FakeHistory(), loop=loop, store=store, clock=FakeClock(), waiters=Waiters(),
        config=lambda: load("/nowhere", {}), identify=lambda _: None,
    )  # fmt: skip
    return TaskService(desk, PlanService(desk))


def test_the_newest_attempts_are_told_and_how_many_there_are(service: TaskService) -> None:
    shown = asyncio.run(service.show(ADMIN, TaskId(1)))
    assert shown["n_attempts"] == shown["attempt"] == N
    assert [one["attempt"] for one in shown["attempts"]] == list(range(N - MAX_ATTEMPTS + 1, N + 1))


def test_the_log_of_each_attempt_can_be_read(service: TaskService) -> None:
    for number in (1, 2, N - MAX_ATTEMPTS, N - 1):
        chunk, is_over, read = asyncio.run(service.log(ADMIN, TaskId(1), tail=None, offset=0, wait_s=0, attempt=number))
        assert (chunk.content, is_over, read) == (f"try {number}\n".encode(), True, number)


@pytest.mark.parametrize("number", [-(1 << 70), -1, 0, N + 1, 1 << 70])
def test_the_log_of_an_attempt_that_never_was_is_refused(service: TaskService, number: int) -> None:
    with pytest.raises(LogNotFound):
        asyncio.run(service.log(ADMIN, TaskId(1), tail=None, offset=0, wait_s=0, attempt=number))
