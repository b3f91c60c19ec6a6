"""The monitor joins looks that are a moment old with what happened meanwhile."""

import asyncio
import threading
from collections.abc import Callable

from gavelq.core.events import AttemptStarted, GpusSampled
from gavelq.core.gpu import GpuSample
from gavelq.core.task import ProcessIdentity
from gavelq.daemon.monitor import Monitor
from gavelq.daemon.watching import Watching
from gavelq.testing.fake_clock import FakeClock
from tests.support.builders import World, card, process


class Probe:
    """Shows one process on card 0; each look waits until it is let go."""

    name = "fake"

    def __init__(self) -> None:
        self.looking, self.go = threading.Event(), threading.Event()
        self.fails = False

    def sample(self, now: float) -> GpuSample:
        """See GpuProbe."""
        if self.fails:
            raise RuntimeError("a broken probe")
        self.looking.set()
        self.go.wait(10)
        return GpuSample(taken_at=now, cards=(card(0, process(500, 1000)),))

    def close(self) -> None:
        """See GpuProbe."""


class Family:
    """Process 500 is a child of supervisor 77."""

    def ancestors(self, pid: int) -> list[int]:
        """See ProcessTable."""
        return [pid, 77, 1]

    def identify(self, pid: int) -> ProcessIdentity | None:
        """See ProcessTable."""
        raise NotImplementedError

    def start_time(self, pid: int) -> float | None:
        """See ProcessTable."""
        raise NotImplementedError


def _monitor(world: World, probe: Probe, post: Callable[[GpusSampled], None]) -> Monitor:
    return Monitor(
        probe=probe, claims=None, processes=Family(), clock=FakeClock(world.now), state=world.state, post=post,
        interval_s=0.01, configured={}, watching=Watching(
            state=world.state, clock=FakeClock(world.now), post=lambda _: None, window_s=1, count=1
        ),
    )  # fmt: skip


def test_a_look_from_before_a_task_s_end_does_not_make_its_processes_foreign() -> None:
    world, probe = World(n_cards=1), Probe()
    first = world.submit()
    world.cycle()
    supervisor = ProcessIdentity(pid=77, start_ticks=1, boot_id="b")
    world.send(AttemptStarted(task_id=first, attempt=1, pid=500, supervisor=supervisor, at=world.now))

    async def scenario() -> None:
        monitor = _monitor(world, probe, world.send)
        started = asyncio.create_task(monitor.start(10))
        await asyncio.to_thread(probe.looking.wait, 10)
        world.ended(first)  # while the look is under way
        probe.go.set()
        await started
        monitor.stop()

    asyncio.run(scenario())
    second = world.submit()
    assert world.cycle() == [second]


def test_a_probe_that_breaks_its_promise_does_not_silence_the_monitor() -> None:
    world, probe = World(n_cards=1), Probe()
    probe.go.set()
    probe.fails = True
    seen: list[GpusSampled] = []

    async def scenario() -> None:
        monitor = _monitor(world, probe, seen.append)
        await monitor.start(0.1)
        assert seen == []
        probe.fails = False
        await asyncio.wait_for(_until(lambda: bool(seen)), 10)
        monitor.stop()

    asyncio.run(scenario())
    assert seen


async def _until(is_true: Callable[[], bool]) -> None:
    while not is_true():  # noqa: ASYNC110  # what is waited for happens in a thread
        await asyncio.sleep(0.005)
