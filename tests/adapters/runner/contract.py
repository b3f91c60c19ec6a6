"""What every runner does (ports.Runner): one suite for the real one and for the fake."""

import signal
from typing import Protocol

from gavelq.core.events import AttemptEnded, AttemptStarted, RunnerEvent, SpawnFailed
from gavelq.core.ids import TaskId
from gavelq.ports import RunningAttempt
from gavelq.testing.waiting import wait_until

Known = RunningAttempt | RunnerEvent


class Bench(Protocol):
    """A runner with a handle on its tasks."""

    events: list[RunnerEvent]

    def spawn(self, task_id: int) -> None:
        """Ask for a task that runs until it is let go."""
        ...

    def spawn_impossible(self, task_id: int) -> None:
        """Ask for a task whose program does not exist."""
        ...

    def let_end(self, task_id: int, exit_code: int) -> None:
        """Make a task end by itself."""
        ...

    def spawn_lease(self, task_id: int) -> int:
        """Ask for a lease of an owner of its own; the owner's pid."""
        ...

    def end_owner(self, task_id: int) -> None:
        """Make the owner of a lease end."""
        ...

    def overrun(self, task_id: int) -> None:
        """Make the time limit end an attempt."""
        ...

    def stop(self, task_id: int) -> None: ...

    def forget(self, task_id: int) -> None: ...

    def inventory(self) -> dict[int, Known]: ...

    def interrupt(self) -> None:
        """Break the connection; returns once it is there again and `on_reconnect` was called."""
        ...


class RunnerContract:
    """Subclasses provide the fixture `bench`."""

    def test_a_task_is_started_and_ended_by_one_report_each(self, bench: Bench) -> None:
        bench.spawn(1)
        _wait_for(bench, AttemptStarted)
        bench.let_end(1, 3)
        _wait_for(bench, AttemptEnded)
        assert [type(event) for event in bench.events] == [AttemptStarted, AttemptEnded]
        ended = bench.events[1]
        assert isinstance(ended, AttemptEnded)
        assert (ended.task_id, ended.attempt) == (1, 1)
        assert (ended.result.exit_code, ended.result.signal, ended.result.cause) == (3, None, "exited")
        assert ended.result.started_at is not None
        assert ended.result.started_at <= ended.result.ended_at

    def test_what_cannot_start_is_ended_by_one_failure(self, bench: Bench) -> None:
        bench.spawn_impossible(1)
        _wait_for(bench, SpawnFailed)
        assert [type(event) for event in bench.events] == [SpawnFailed]
        assert bench.inventory()[1] == bench.events[0]

    def test_a_stop_leads_to_an_end_by_that_signal(self, bench: Bench) -> None:
        bench.spawn(1)
        _wait_for(bench, AttemptStarted)
        bench.stop(1)
        _wait_for(bench, AttemptEnded)
        ended = bench.events[-1]
        assert isinstance(ended, AttemptEnded)
        assert (ended.result.signal, ended.result.exit_code, ended.result.cause) == (signal.SIGTERM, None, "stopped")

    def test_the_time_limit_ends_a_task_by_a_signal(self, bench: Bench) -> None:
        bench.spawn(1)
        _wait_for(bench, AttemptStarted)
        bench.overrun(1)
        assert _end(bench) == (None, signal.SIGTERM, "time_limit")

    def test_a_lease_runs_as_its_owner_and_ends_without_a_signal_when_stopped(self, bench: Bench) -> None:
        pid = bench.spawn_lease(1)
        _wait_for(bench, AttemptStarted)
        started = bench.events[0]
        assert isinstance(started, AttemptStarted)
        assert started.pid == pid != started.supervisor.pid
        known = bench.inventory()[1]
        assert isinstance(known, RunningAttempt)
        assert known.pid == pid
        bench.stop(1)
        assert _end(bench) == (0, None, "stopped")

    def test_a_lease_ends_with_its_owner(self, bench: Bench) -> None:
        bench.spawn_lease(1)
        _wait_for(bench, AttemptStarted)
        bench.end_owner(1)
        assert _end(bench) == (0, None, "owner_gone")

    def test_the_time_limit_ends_a_lease_without_a_signal(self, bench: Bench) -> None:
        bench.spawn_lease(1)
        _wait_for(bench, AttemptStarted)
        bench.overrun(1)
        assert _end(bench) == (0, None, "time_limit")

    def test_a_known_attempt_is_not_started_again(self, bench: Bench) -> None:
        bench.spawn(1)
        _wait_for(bench, AttemptStarted)
        bench.spawn(1)
        _wait_for(bench, AttemptStarted, 2)
        assert bench.events[0] == bench.events[1]
        bench.let_end(1, 0)
        _wait_for(bench, AttemptEnded)
        bench.spawn(1)
        _wait_for(bench, AttemptEnded, 2)
        assert bench.events[-1] == bench.events[-2]

    def test_the_inventory_tells_the_running_and_the_unforgotten(self, bench: Bench) -> None:
        for number in (1, 2):
            bench.spawn(number)
        _wait_for(bench, AttemptStarted, 2)
        bench.let_end(2, 4)
        _wait_for(bench, AttemptEnded)
        started = next(e for e in bench.events if isinstance(e, AttemptStarted) and e.task_id == 1)
        running = RunningAttempt(
            task_id=TaskId(1), attempt=1, pid=started.pid, supervisor=started.supervisor, started_at=started.at
        )
        assert bench.inventory() == {1: running, 2: bench.events[-1]}
        bench.forget(2)
        assert bench.inventory() == {1: running}

    def test_a_running_attempt_cannot_be_forgotten(self, bench: Bench) -> None:
        bench.spawn(1)
        _wait_for(bench, AttemptStarted)
        bench.forget(1)
        assert list(bench.inventory()) == [1]

    def test_tasks_and_ends_survive_a_broken_connection(self, bench: Bench) -> None:
        for number in (1, 2):
            bench.spawn(number)
        _wait_for(bench, AttemptStarted, 2)
        bench.let_end(2, 4)
        _wait_for(bench, AttemptEnded)
        bench.interrupt()
        known = bench.inventory()
        assert isinstance(known[1], RunningAttempt)
        assert isinstance(known[2], AttemptEnded)
        bench.let_end(1, 5)
        _wait_for(bench, AttemptEnded, 2)


def _end(bench: Bench) -> tuple[int | None, int | None, str]:
    _wait_for(bench, AttemptEnded)
    ended = bench.events[-1]
    assert isinstance(ended, AttemptEnded)
    return ended.result.exit_code, ended.result.signal, ended.result.cause


def _wait_for(bench: Bench, kind: type[RunnerEvent], count: int = 1) -> None:
    def seen() -> bool:
        return sum(isinstance(event, kind) for event in list(bench.events)) >= count

    wait_until(seen, what=f"{count} x {kind.__name__}; events {bench.events}")
