"""The watch over leases: when it looks, and what it takes for a long sleep."""

import asyncio
from collections.abc import Callable

from gavelq.core import events as ev
from gavelq.core.ids import TaskId
from gavelq.core.step import Changes
from gavelq.core.task import Lease, ProcessIdentity
from gavelq.core.view import View
from gavelq.daemon.lease_watch import AGAIN_S, OWNER_LOOK_S, LeaseWatch
from gavelq.testing.fake_clock import FakeClock
from tests.support.builders import World

OWNER = ProcessIdentity(pid=77, start_ticks=5, boot_id="b")


class Scene:
    """A watch over a world, and what it hands in."""

    def __init__(self, identify: Callable[[int], ProcessIdentity | None] = lambda _: OWNER) -> None:
        self.world = World(n_cards=1)
        self.clock = FakeClock(self.world.now)
        self.posted: list[ev.LeasesChecked] = []
        self.is_read_only = False
        self.watch = LeaseWatch(
            state=self.world.state, clock=self.clock, post=self.posted.append, identify=identify,
            is_read_only=lambda: self.is_read_only,
        )  # fmt: skip

    def submit(self, **command: object) -> TaskId:
        """A lease that the watch hears of."""
        task_id = self.world.submit(command=Lease(**command))  # type: ignore[arg-type]  # the test's own fields
        self.tell(task_id)
        return task_id

    def tell(self, task_id: TaskId) -> None:
        """A commit with this task as it is."""
        task = View(self.world.state).find_task(task_id) or self.world.gone[task_id]
        self.watch.notice(Changes(tasks={task_id: task}))

    def later(self, seconds: float) -> None:
        """Time passes."""
        self.clock.advance(seconds)
        self.world.now += seconds


def test_without_leases_it_sleeps() -> None:
    scene = Scene()
    scene.tell(scene.world.submit())
    assert scene.watch.look() is None
    assert scene.posted == []


def test_it_wakes_when_the_next_renewal_would_be_missing() -> None:
    scene = Scene()
    one = scene.submit(renew_s=60.0)
    assert scene.watch.look() == 60.0
    scene.later(20)
    two = scene.submit(renew_s=60.0)
    assert scene.watch.look() == 40.0
    scene.later(40)
    assert scene.watch.look() == AGAIN_S
    assert [event.due for event in scene.posted] == [(one,)]
    for _ in range(20):
        scene.later(1)
        scene.watch.look()
    assert scene.posted[-1].due == (one, two)


def test_leases_of_an_earlier_daemon_are_known() -> None:
    scene = Scene()
    scene.world.submit(command=Lease(renew_s=60.0))
    again = LeaseWatch(
        state=scene.world.state, clock=scene.clock, post=scene.posted.append, identify=lambda _: None,
        is_read_only=lambda: False,
    )  # fmt: skip
    assert again.look() == 60.0


def test_a_renewal_puts_the_look_off() -> None:
    scene = Scene()
    task_id = scene.submit(renew_s=60.0)
    scene.later(50)
    scene.world.send(ev.LeaseRenewed(by="me", task_id=task_id))
    scene.tell(task_id)
    assert scene.watch.look() == 60.0


def test_what_has_ended_is_forgotten() -> None:
    scene = Scene()
    task_id = scene.submit(renew_s=60.0)
    scene.world.send(ev.LeaseReleased(by="me", task_id=task_id))
    scene.tell(task_id)
    assert scene.watch.look() is None


def test_owners_of_waiting_leases_are_looked_for() -> None:
    alive: list[ProcessIdentity | None] = [OWNER]
    scene = Scene(lambda _: alive[0])
    task_id = scene.submit(owner=OWNER)
    assert scene.watch.look() == OWNER_LOOK_S
    assert scene.posted == []
    alive[0] = ProcessIdentity(pid=77, start_ticks=6, boot_id="b")
    scene.watch.look()
    assert scene.posted[-1].ownerless == (task_id,), "the pid belongs to another process now"


def test_owners_of_granted_leases_are_left_to_their_supervisors() -> None:
    scene = Scene(lambda _: None)
    task_id = scene.submit(owner=OWNER)
    scene.world.run_all()
    scene.tell(task_id)
    assert scene.watch.look() is None
    assert scene.posted == []


def test_a_disk_that_cannot_be_written_counts_against_nobody() -> None:
    scene = Scene()
    scene.submit(renew_s=60.0)
    scene.is_read_only = True
    scene.later(60)
    assert scene.watch.look() == 60.0
    assert scene.posted == []
    scene.is_read_only = False
    scene.later(60)
    scene.watch.look()
    assert len(scene.posted) == 1


def test_a_machine_that_slept_slept_with_its_owners() -> None:
    scene = Scene()
    scene.submit(renew_s=60.0)
    assert scene.watch.look() == 60.0
    scene.later(3600)
    assert scene.watch.look() == 60.0
    assert scene.posted == []


def test_a_clock_that_is_set_back_keeps_no_lease_for_the_time_that_it_lost() -> None:
    scene = Scene()
    task_id = scene.submit(renew_s=60.0)
    scene.later(10)
    scene.world.send(ev.LeaseRenewed(by="me", task_id=task_id))
    scene.clock.set(scene.clock.now() - 600)
    scene.world.now -= 600
    scene.world.send(ev.ClockSet(by_s=-600.0))
    scene.tell(task_id)
    assert scene.watch.look() == 60.0
    assert scene.watch.since <= scene.clock.now()


def test_a_sleep_counts_against_nobody_though_a_commit_wakes_the_watch_first() -> None:
    async def play() -> None:
        scene = Scene()
        task_id = scene.submit(renew_s=60.0)
        running = asyncio.create_task(scene.watch.run())
        await asyncio.sleep(0)
        scene.later(3600)
        scene.tell(task_id)
        async with asyncio.timeout(20):
            while scene.watch.since < scene.clock.now() and not scene.posted:  # noqa: ASYNC110  # seen from outside
                await asyncio.sleep(0)
        assert scene.posted == []
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(play())
