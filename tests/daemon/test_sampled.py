"""Bursts of looks for `selection: sampled`: taken by the monitor's thread, never in the way of its usual samples."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from gavelq.adapters.clock import SystemClock
from gavelq.core.bursts import Burst
from gavelq.core.events import GpusSampled, GpusWatched
from gavelq.core.gpu import GpuSample
from gavelq.core.task import ProcessIdentity
from gavelq.daemon.monitor import Monitor
from gavelq.daemon.watching import Watching
from tests.daemon.test_foreign import configure, foreign_on
from tests.support.builders import World, card, uuid
from tests.support.daemon import box

WINDOW_S = 0.3
COUNT = 10


class Nobody:
    """No process is known."""

    def ancestors(self, pid: int) -> list[int]:
        """See ProcessTable."""
        raise NotImplementedError

    def identify(self, pid: int) -> ProcessIdentity | None:
        """See ProcessTable."""
        raise NotImplementedError

    def start_time(self, pid: int) -> float | None:
        """See ProcessTable."""
        raise NotImplementedError


@dataclass
class Probe:
    """Two cards; what card 0 uses grows with each look. A look waits while `go` is not set."""

    name: str = "fake"
    n_looks: int = 0
    fails: bool = False
    threads: set[int] = field(default_factory=set)
    xids: list[int] = field(default_factory=list)
    is_lost: bool = False
    go: threading.Event = field(default_factory=threading.Event)

    def sample(self, now: float) -> GpuSample:
        """See GpuProbe."""
        self.threads.add(threading.get_ident())
        self.n_looks += 1
        self.go.wait(20)
        if self.fails:
            raise RuntimeError("a broken probe")
        told = (self.xids.pop(),) if self.xids else ()
        if self.is_lost:
            return GpuSample(taken_at=now, cards=(card(1, used=700, util=33),), lost=(uuid(0),))
        first = replace(card(0, used=self.n_looks, util=50), memory_utilization=8, xids=told)
        return GpuSample(taken_at=now, cards=(first, card(1, used=700, util=33)))

    def close(self) -> None:
        """See GpuProbe."""


@dataclass
class Watched:
    """A monitor with its probe, and all that it posted."""

    world: World
    probe: Probe
    watching: Watching
    monitor: Monitor
    samples: list[GpusSampled]
    answers: list[GpusWatched]

    @property
    def bursts(self) -> dict[str, Burst]:
        """The bursts of the last answer, by card."""
        return {burst.uuid: burst for burst in self.answers[-1].bursts}


@contextmanager
def watched(*, interval_s: float, window_s: float = WINDOW_S, count: int = COUNT) -> Iterator[Watched]:
    """See Watched. Answers and samples join the world, as the loop would see to it."""
    world, probe, clock = World(n_cards=2), Probe(), SystemClock()
    probe.go.set()
    samples: list[GpusSampled] = []
    answers: list[GpusWatched] = []

    def post(event: GpusSampled | GpusWatched) -> None:
        world.now = clock.now()
        world.send(event)
        samples.append(event) if isinstance(event, GpusSampled) else answers.append(event)

    watching = Watching(state=world.state, clock=clock, post=post, window_s=window_s, count=count)
    monitor = Monitor(
        probe=probe, claims=None, processes=Nobody(), clock=clock, state=world.state, post=post,
        interval_s=interval_s, configured={}, watching=watching,
    )  # fmt: skip
    try:
        yield Watched(world, probe, watching, monitor, samples, answers)
    finally:
        probe.go.set()
        monitor.stop()


async def until(is_true: Callable[[], object]) -> None:
    """Until something is true that a thread brings about."""
    deadline = time.monotonic() + 15
    while not is_true():  # what is waited for happens in a thread
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario on a loop of its own."""

    async def main() -> None:
        await scenario()

    asyncio.run(main())


def test_a_burst_is_many_looks_by_the_one_thread_and_tells_their_means() -> None:
    with watched(interval_s=60) as w:

        async def scenario() -> None:
            await w.monitor.start(10)
            w.watching.want({uuid(0), uuid(1)})
            await until(lambda: w.answers)

        run(scenario)
        assert (len(w.answers), len(w.samples)) == (1, 1), "a burst brings no further sample"
        found = w.bursts
        assert set(found) == {uuid(0), uuid(1)}
        n = found[uuid(0)].n_samples
        assert 1 < n <= COUNT
        assert w.probe.n_looks == n + 1
        assert found[uuid(0)].used == pytest.approx(sum(range(2, n + 2)) / n)
        assert (found[uuid(0)].memory_utilization, found[uuid(1)].memory_utilization) == (8, 33)
        assert len(w.probe.threads) == 1
        assert threading.get_ident() not in w.probe.threads
        assert set(w.world.state.books.bursts) == {uuid(0), uuid(1)}


def test_what_is_wanted_during_a_burst_joins_it() -> None:
    with watched(interval_s=60) as w:

        async def scenario() -> None:
            await w.monitor.start(10)
            w.watching.want({uuid(0)})
            await until(lambda: w.probe.n_looks > 3)
            w.watching.want({uuid(1)})
            w.watching.want({uuid(0), uuid(1)})
            await until(lambda: w.answers)
            w.watching.want({uuid(1)})
            await until(lambda: len(w.answers) == 2)

        run(scenario)
        assert [len(answer.bursts) for answer in w.answers] == [2, 1]
        assert w.probe.n_looks <= 1 + 2 * COUNT


def test_the_usual_samples_go_on_during_a_burst() -> None:
    with watched(interval_s=0.05, window_s=60) as w:

        async def scenario() -> None:
            await w.monitor.start(10)
            w.watching.want({uuid(0)})
            await until(lambda: len(w.samples) > 5)
            assert w.answers == [], "the burst is still under way"

        run(scenario)


@pytest.mark.parametrize("count", [1, COUNT])
def test_a_driver_that_hangs_leaves_nobody_waiting(count: int) -> None:
    with watched(interval_s=60, count=count) as w:

        async def scenario() -> None:
            await w.monitor.start(10)
            w.probe.go.clear()
            w.watching.want({uuid(0), uuid(1)})
            await until(lambda: w.answers)
            assert {b.uuid: (b.n_samples, b.used) for b in w.bursts.values()} == {uuid(0): (1, 1), uuid(1): (1, 700)}
            w.probe.go.set()  # its look comes back, long after anybody wanted it
            w.watching.want({uuid(1)})
            await until(lambda: len(w.answers) == 2)

        run(scenario)
        assert set(w.bursts) == {uuid(1)}, "and when it answers again, it is watched again"
        assert w.bursts[uuid(1)].n_samples == 1 if count == 1 else w.bursts[uuid(1)].n_samples > 1
        assert w.probe.n_looks >= 3, "with looks of its own"


def test_a_probe_that_breaks_its_promise_ends_a_burst_all_the_same() -> None:
    with watched(interval_s=60) as w:

        async def scenario() -> None:
            await w.monitor.start(10)
            w.probe.fails = True
            w.watching.want({uuid(1)})
            await until(lambda: w.answers)

        run(scenario)
        assert (w.bursts[uuid(1)].n_samples, w.bursts[uuid(1)].used) == (1, 700)


def test_errors_that_a_burst_is_told_are_in_the_next_sample() -> None:
    with watched(interval_s=60) as w:

        async def scenario() -> None:
            await w.monitor.start(10)
            w.probe.xids = [79, 48]
            w.watching.want({uuid(1)})
            await until(lambda: w.answers)
            assert not w.probe.xids, "the burst's looks were told"
            w.monitor.kick()
            await until(lambda: len(w.samples) == 2)
            w.monitor.kick()
            await until(lambda: len(w.samples) == 3)

        run(scenario)
        told = [sample.sample.by_uuid[uuid(0)].xids for sample in w.samples]
        assert told == [(), (48, 79), ()], "each one once"


def test_what_a_card_told_a_burst_before_it_was_lost_is_in_the_next_sample() -> None:
    with watched(interval_s=60) as w:

        async def scenario() -> None:
            await w.monitor.start(10)
            w.probe.xids = [79]
            w.watching.want({uuid(1)})
            await until(lambda: w.answers)
            w.probe.is_lost = True
            w.monitor.kick()
            await until(lambda: len(w.samples) == 2)

        run(scenario)
        silent = w.samples[1].sample.by_uuid[uuid(0)]
        assert (silent.xids, silent.memory_used, w.samples[1].sample.lost) == ((79,), None, (uuid(0),))
        assert "Xid 79" in w.world.state.cards[uuid(0)].fault


def test_looks_from_before_a_task_ended_on_the_card_do_not_count() -> None:
    with watched(interval_s=60) as w:

        async def scenario() -> None:
            await w.monitor.start(10)
            task_id = w.world.submit(allowed=(uuid(0),))
            w.world.run_all()
            w.watching.want({uuid(0), uuid(1)})
            await until(lambda: w.probe.n_looks > 4)
            w.world.now = SystemClock().now()
            w.world.ended(task_id)
            await until(lambda: w.answers)

        run(scenario)
        found = w.bursts
        assert found[uuid(0)].n_samples <= found[uuid(1)].n_samples - 3


@pytest.mark.parametrize(("selection", "chosen"), [("sampled", 1), ("best_fit", 0)])
def test_a_task_takes_the_calmest_card(selection: str, chosen: int) -> None:
    env = {"GAVELQ_SELECTION": selection, "GAVELQ_SAMPLING_WINDOW_S": "0.5"}
    with box(n_gpus=2, env=env) as instance, foreign_on(instance, 0, "--util", "60"):
        for _ in range(2):
            done = instance.wait(instance.submit("true", memory="4G"))
            assert done["gpus"] == [chosen]


def test_only_those_wait_who_have_a_choice() -> None:
    with box(n_gpus=3) as instance:
        configure(instance, "selection: sampled\nsampling: {window_s: 60}\n")
        waiting = instance.submit("true")
        assert instance.task(waiting)["pending_reason"] == "gpu_sampling"
        assert instance.wait(instance.submit("true", gpu_ids=["1"]))["gpus"] == [1], "it is held up by no burst"
        assert instance.state(waiting) == "pending"
        configure(instance, "selection: first\n")
        assert instance.wait(waiting)["gpus"] == [0]
