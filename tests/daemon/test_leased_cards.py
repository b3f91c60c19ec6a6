"""The monitor says which processes on leased cards belong to the lease."""

import asyncio
from dataclasses import replace

from gavelq.core.events import AttemptStarted, GpusSampled
from gavelq.core.gpu import GpuSample
from gavelq.core.task import Lease, ProcessIdentity
from gavelq.daemon.monitor import Monitor
from gavelq.daemon.watching import Watching
from gavelq.testing.fake_clock import FakeClock
from tests.support.builders import World, card, process

OWNER = ProcessIdentity(pid=50, start_ticks=1, boot_id="b")
ANCESTRY = {50: [50, 1], 51: [51, 50, 1], 60: [60, 1], 61: [61, 1], 62: [62, 77, 1]}


class Probe:
    """Shows on both cards: the owner's old child, a new stranger, an old stranger, and a child of supervisor 77."""

    name = "fake"

    def sample(self, now: float) -> GpuSample:
        """See GpuProbe."""
        ages = {51: -100.0, 60: 1.0, 61: -100.0, 62: 1.0}
        processes = [replace(process(pid, 100), started_at=now + age) for pid, age in ages.items()]
        return GpuSample(taken_at=now, cards=(card(0, *processes), card(1, *processes)))

    def close(self) -> None:
        """See GpuProbe."""


class Family:
    """Who descends from whom."""

    def ancestors(self, pid: int) -> list[int]:
        """See ProcessTable."""
        return ANCESTRY[pid]

    def identify(self, pid: int) -> ProcessIdentity | None:
        """See ProcessTable."""
        return ProcessIdentity(pid=pid, start_ticks=1, boot_id="b")

    def start_time(self, pid: int) -> float | None:
        """See ProcessTable."""
        raise NotImplementedError


def test_processes_on_leased_cards_are_told_from_foreign_ones() -> None:
    world = World(n_cards=2)
    lease, task = world.submit(command=Lease(owner=OWNER)), world.submit()
    assert world.cycle() == [lease, task]
    for task_id, pid in ((lease, 70), (task, 77)):
        supervisor = ProcessIdentity(pid=pid, start_ticks=1, boot_id="b")
        world.send(AttemptStarted(task_id=task_id, attempt=1, pid=pid, supervisor=supervisor, at=world.now))
    seen: list[GpusSampled] = []

    async def scenario() -> None:
        clock = FakeClock(world.now)
        watching = Watching(state=world.state, clock=clock, post=lambda _: None, window_s=1, count=1)
        monitor = Monitor(
            probe=Probe(), claims=None, processes=Family(), clock=clock, state=world.state, post=seen.append,
            interval_s=60.0, configured={}, watching=watching,
        )  # fmt: skip
        await monitor.start(10)
        monitor.stop()

    asyncio.run(scenario())
    leased = next(i for i in (0, 1) if world.task(lease).held_gpus == (seen[0].sample.cards[i].uuid,))
    told = [{p.pid: p.task_id for p in seen[0].sample.cards[i].processes} for i in (leased, 1 - leased)]
    # On its own card the task's child is the task's; on a card without a lease the owner is a stranger.
    assert told == [{51: lease, 60: lease, 61: None, 62: task}, {51: None, 60: None, 61: None, 62: task}]
