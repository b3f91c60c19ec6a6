"""The contract, kept by the real runner and by the fake."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from gavelq.core.events import RunnerEvent
from gavelq.core.ids import TaskId
from gavelq.core.task import ProcessIdentity
from gavelq.ports import Runner, SpawnRequest
from gavelq.testing.fake_runner import FakeRunner
from tests.adapters.runner.box import Box
from tests.adapters.runner.contract import Bench, Known, RunnerContract
from tests.adapters.runner.owners import Owner

GATED = "while [ ! -s gate-{0} ]; do sleep 0.01; done; exit $(cat gate-{0})"


class RealBench:
    """The real runner; tasks wait for a file that holds their exit code."""

    def __init__(self, box: Box, stack: contextlib.ExitStack) -> None:
        self._box = box
        self._stack = stack
        self._owners: dict[int, Owner] = {}
        self.events = box.events

    def spawn(self, task_id: int) -> None:
        self._box.spawn(task_id, GATED.format(task_id))

    def spawn_impossible(self, task_id: int) -> None:
        self._box.spawn(task_id, (("no-such-program",),))

    def spawn_lease(self, task_id: int) -> int:
        owner = self._owners[task_id] = self._stack.enter_context(Owner())
        self._box.spawn(task_id, (), lease=True, owner=owner.identity)
        return owner.process.pid

    def end_owner(self, task_id: int) -> None:
        self._owners[task_id].end()

    def overrun(self, task_id: int) -> None:
        self._box.call(self._box.client.set_limit, TaskId(task_id), 1, time_limit_s=0.0, grace_s=5.0)

    def let_end(self, task_id: int, exit_code: int) -> None:
        (self._box.root / f"gate-{task_id}").write_text(str(exit_code))

    def stop(self, task_id: int) -> None:
        self._box.stop(task_id)

    def forget(self, task_id: int) -> None:
        self._box.forget(task_id)

    def inventory(self) -> dict[int, Known]:
        return self._box.inventory()

    def interrupt(self) -> None:
        before = self._box.n_reconnections
        os.kill(self._box.runner_pid, signal.SIGKILL)
        self._box.await_reconnection(before + 1)


class FakeBench:
    """The fake; the bench plays the tasks."""

    def __init__(self) -> None:
        self.events: list[RunnerEvent] = []
        self.n_reconnections = 0
        self._runner = FakeRunner(starts_at_once=True, ends_when_stopped=True)
        asyncio.run(self._runner.connect(self.events.append, self._reconnected))

    def _reconnected(self) -> None:
        self.n_reconnections += 1

    def spawn(self, task_id: int) -> None:
        self._runner.spawn(_request(task_id))

    def spawn_impossible(self, task_id: int) -> None:
        self._runner.starts_at_once = False
        self._runner.spawn(_request(task_id))
        self._runner.report_spawn_failed(TaskId(task_id), 1)

    def spawn_lease(self, task_id: int) -> int:
        owner = ProcessIdentity(pid=4000 + task_id, start_ticks=1, boot_id="fake")
        self._runner.spawn(_request(task_id, steps=(), lease=True, owner=owner))
        return owner.pid

    def end_owner(self, task_id: int) -> None:
        self._runner.report_owner_gone(TaskId(task_id), 1)

    def overrun(self, task_id: int) -> None:
        self._runner.report_time_limit(TaskId(task_id), 1)

    def let_end(self, task_id: int, exit_code: int) -> None:
        self._runner.report_ended(TaskId(task_id), 1, exit_code=exit_code)

    def stop(self, task_id: int) -> None:
        self._runner.stop(TaskId(task_id), 1, signal=signal.SIGTERM, grace_s=0.3)

    def forget(self, task_id: int) -> None:
        self._runner.forget(TaskId(task_id), 1)

    def inventory(self) -> dict[int, Known]:
        return {known.task_id: known for known in asyncio.run(self._inventory())}

    async def _inventory(self) -> list[Known]:
        return list(await self._runner.inventory())

    def interrupt(self) -> None:
        self._runner.break_connection()
        self._runner.reconnect()
        assert self.n_reconnections


def _request(task_id: int, **changes: Any) -> SpawnRequest:
    fields: dict[str, Any] = {
        "task_id": TaskId(task_id),
        "attempt": 1,
        "steps": (("sleep", "1"),),
        "workdir": "/",
        "env": {},
        "log_path": "/log",
        "log_max_bytes": 0,
        **changes,
    }
    return SpawnRequest(**fields)


class TestRealRunner(RunnerContract):
    """Processes."""

    @pytest.fixture
    def bench(self, box: Box) -> Iterator[Bench]:
        with contextlib.ExitStack() as stack:
            yield RealBench(box, stack)


class TestFakeRunner(RunnerContract):
    """No processes."""

    @pytest.fixture
    def bench(self) -> Bench:
        return FakeBench()


def test_both_satisfy_the_port(box: Box) -> None:
    runners: list[Runner] = [box.client, FakeRunner()]
    assert [runner.pid is None for runner in runners] == [False, True]
