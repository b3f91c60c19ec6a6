"""The machine's clock is set while a daemon runs: who notices, and what the loop, leases and old history make of it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gavelq.core import events as ev
from gavelq.core.engine import EngineRules
from gavelq.core.ids import BlobKey, TaskId
from gavelq.core.state import State
from gavelq.core.task import ProcessIdentity
from gavelq.daemon.clock_watch import UNKNOWN_S, ClockWatch, set_meanwhile
from gavelq.daemon.housekeeping import DAY_S, LEAP_S, Distrust
from gavelq.daemon.loop import Loop
from gavelq.scheduling.policy import Policy
from gavelq.testing.fake_clock import FakeClock
from gavelq.testing.fake_store import FakeStore
from tests.support.builders import World, request

HALF_A_DAY = 12 * 3600.0
BOTH_WAYS = pytest.mark.parametrize("by_s", [HALF_A_DAY, -HALF_A_DAY, -1_600_000_000.0, 500_000_000.0])


@BOTH_WAYS
def test_a_clock_that_is_set_is_told_once(by_s: float) -> None:
    clock = FakeClock()
    watch = ClockWatch(clock)
    began = clock.now()
    clock.advance(3600)
    assert watch.look() is None
    clock.set(clock.now() + by_s)
    assert watch.now() == began + 3600, "until it looks it goes by the former setting"
    assert watch.look() == ev.ClockSet(by_s=by_s, since=began)
    assert watch.now() == clock.now()
    assert watch.look() is None
    clock.set(clock.now() - by_s)
    assert watch.look() == ev.ClockSet(by_s=-by_s, since=began + by_s)


def test_a_suspended_machine_has_not_set_its_clock() -> None:
    clock = FakeClock()
    watch = ClockWatch(clock)
    clock.advance(HALF_A_DAY)
    assert watch.look() is None
    assert watch.now() == clock.now()


def test_a_clock_that_is_kept_right_bit_by_bit_is_followed_without_a_word() -> None:
    clock = FakeClock()
    watch = ClockWatch(clock)
    for _ in range(10):
        clock.set(clock.now() + 1.0)
        assert watch.look() is None
    assert watch.now() == clock.now()


class Interrupted(FakeClock):
    """A machine that is suspended between two readings of its clocks."""

    naps_s: list[float]

    def now(self) -> float:
        """Seconds since the epoch; whoever asked is sent to sleep."""
        told = super().now()
        if self.naps_s:
            self.advance(self.naps_s.pop())
        return told


def test_a_suspend_between_two_readings_is_no_setting() -> None:
    clock = Interrupted()
    clock.naps_s = []
    watch = ClockWatch(clock)
    clock.naps_s = [HALF_A_DAY, 600.0]
    assert watch.look() is None
    assert watch.now() == clock.now()


class Supervisors:
    """Port ProcessTable: one supervisor, started when the kernel says so."""

    def __init__(self, started_at: float, start_ticks: int = 1) -> None:
        self._started_at = started_at
        self._ticks = start_ticks

    def ancestors(self, pid: int) -> list[int]:
        """See ProcessTable."""
        raise NotImplementedError

    def identify(self, pid: int) -> ProcessIdentity | None:
        """See ProcessTable."""
        return ProcessIdentity(pid=pid, start_ticks=self._ticks, boot_id="b")

    def start_time(self, pid: int) -> float | None:
        """See ProcessTable."""
        return self._started_at


def test_a_new_daemon_asks_the_kernel_when_its_tasks_started() -> None:
    world = World(now=5000.0)
    task_id = world.submit()
    world.run_all()
    tasks = [world.task(task_id)]
    assert set_meanwhile(tasks, Supervisors(5000.0 - UNKNOWN_S)) == {}, "a slow disk"
    assert set_meanwhile(tasks, Supervisors(5000.0 - HALF_A_DAY)) == {task_id: -HALF_A_DAY}
    assert set_meanwhile(tasks, Supervisors(5000.0 - HALF_A_DAY, start_ticks=9)) == {}, "that is another process"


Story = Callable[[Loop, FakeClock], Awaitable[None]]


def with_loop(story: Story) -> None:
    """Run a story beside a loop."""

    async def play() -> None:
        clock = FakeClock()
        loop = Loop(
            state=State(), store=FakeStore(), clock=clock, rules=EngineRules(log_dir="/logs"), policy=Policy(),
            carry_out=lambda _: None, is_debug=True,
        )  # fmt: skip
        running = asyncio.create_task(loop.run())
        await story(loop, clock)
        loop.stop()
        await running

    asyncio.run(play())


async def submit(loop: Loop, **given: object) -> TaskId:
    blobs = {BlobKey("e"): b"{}"}
    ids = await loop.ask(ev.TasksSubmitted(by="me", requests=(request(count=0, **given),), blobs=blobs))
    return TaskId(ids[0])


@BOTH_WAYS
def test_no_event_meets_times_of_another_setting_of_the_clock(by_s: float) -> None:
    async def story(loop: Loop, clock: FakeClock) -> None:
        task_id = await submit(loop)
        async with asyncio.timeout(20):
            while not loop.state.holding:  # noqa: ASYNC110  # seen from outside alone
                await asyncio.sleep(0.001)
        began = clock.now()
        supervisor = ProcessIdentity(pid=7, start_ticks=1, boot_id="b")
        start = ev.AttemptStarted(task_id=task_id, attempt=1, pid=8, supervisor=supervisor, at=began)
        await loop.ask(start)
        clock.advance(100)
        clock.set(clock.now() + by_s)
        await submit(loop, hold=True)
        task = loop.state.tasks[task_id]
        assert task.attempt is not None
        assert (task.attempt.placed_at, task.attempt.started_at) == (began + by_s, began + by_s)
        assert [record.details for record in loop._store.disk.records if record.kind == "clock_set"] == [  # type: ignore[attr-defined]  # the fake's
            {"by_s": by_s}
        ]

    with_loop(story)


def test_a_begin_time_is_not_slept_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop's own waiting stands still while the machine is suspended; here it is only looked at more often."""
    monkeypatch.setattr("gavelq.daemon.loop.LONGEST_NAP_S", 0.01)

    async def story(loop: Loop, clock: FakeClock) -> None:
        task_id = await submit(loop, not_before=clock.now() + HALF_A_DAY)
        async with asyncio.timeout(20):
            while not loop.reasons:  # noqa: ASYNC110  # seen from outside alone: a cycle has planned for its time
                await asyncio.sleep(0.001)
            clock.advance(HALF_A_DAY)
            while task_id not in loop.state.holding:  # noqa: ASYNC110  # seen from outside alone
                await asyncio.sleep(0.001)

    with_loop(story)


def hours_until_believed(distrust: Distrust, clock: FakeClock) -> int:
    for hours in range(100):
        if distrust.is_over():
            return hours
        clock.advance(3600)
    raise AssertionError("it is never believed")


def test_old_history_goes_at_once_where_the_clock_goes_on_from_what_is_known() -> None:
    clock = FakeClock()
    assert Distrust(clock, None).is_over()
    assert Distrust(clock, clock.now() - 3600).is_over()
    assert Distrust(clock, clock.now() + HALF_A_DAY).is_over(), "behind: less is old than is"


def test_under_a_clock_that_is_years_ahead_nothing_is_removed_for_a_day() -> None:
    clock = FakeClock()
    distrust = Distrust(clock, clock.now() - 14 * 365 * DAY_S)
    assert hours_until_believed(distrust, clock) == LEAP_S / 3600


def test_a_clock_that_leaps_ahead_puts_it_off_as_well() -> None:
    clock = FakeClock()
    distrust = Distrust(clock, clock.now())
    assert distrust.is_over()
    clock.set(clock.now() + 14 * 365 * DAY_S)
    assert not distrust.is_over()
    clock.advance(3600)
    clock.set(clock.now() - 14 * 365 * DAY_S)
    assert hours_until_believed(distrust, clock) == LEAP_S / 3600 - 1
