"""A commit that fails by a fault of ours: who brought it hears of it, all others get what they asked for."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from gavelq.core import events as ev
from gavelq.core.engine import EngineRules
from gavelq.core.errors import StoreCorrupt, StoreUnavailable, WrongState
from gavelq.core.ids import QueueName, TaskId
from gavelq.core.state import State
from gavelq.core.step import Changes
from gavelq.daemon.loop import Loop
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.reasons import Reason
from gavelq.testing.fake_clock import FakeClock
from gavelq.testing.fake_store import FakeStore
from tests.support.builders import request


class Picky(FakeStore):
    """A store whose codec stumbles over queues of one name, as one with a mistake would."""

    error: Exception | None = ValueError("no codec for this")

    async def commit(self, changes: Changes) -> None:
        """See Store.commit."""
        if "poison" in changes.queues and self.error is not None:
            raise self.error
        await super().commit(changes)


def queue(name: str) -> ev.QueueCreated:
    return ev.QueueCreated(by="me", name=QueueName(name), options={})


def with_loop(story: Callable[[Loop, Picky], Coroutine[Any, Any, None]]) -> None:
    """Run a story beside a loop; that must end by `stop` alone."""

    async def play() -> None:
        store = Picky()
        loop = Loop(
            state=State(), store=store, clock=FakeClock(), rules=EngineRules(log_dir="/logs"), policy=Policy(),
            carry_out=lambda _: None, is_debug=True,
        )  # fmt: skip
        running, told = asyncio.create_task(loop.run()), asyncio.ensure_future(story(loop, store))
        await asyncio.wait({running, told}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            told.cancel()
        else:
            await told
            loop.stop()
        await running

    asyncio.run(play())


def test_a_request_that_cannot_be_written_fails_alone_and_leaves_nothing() -> None:
    async def story(loop: Loop, store: Picky) -> None:
        with pytest.raises(ValueError, match="no codec"):
            await loop.ask(queue("poison"))
        assert "poison" not in loop.state.queues
        await loop.ask(queue("good"))
        assert set(store.disk.queues) == {"good"}

    with_loop(story)


def test_others_of_its_batch_are_committed_and_answered_in_their_order() -> None:
    async def story(loop: Loop, store: Picky) -> None:
        submission = ev.TasksSubmitted(by="me", requests=(request(queue="late", count=0),), blobs={})
        asked: list[ev.Event] = [queue("good"), queue("poison"), queue("good"), queue("late"), submission]
        told: list[Any] = await asyncio.gather(*map(loop.ask, asked), return_exceptions=True)
        assert isinstance(told[1], ValueError)
        assert isinstance(told[2], WrongState), "there is one of that name already"
        assert (told[0], told[3], told[4]) == ("good", "late", (TaskId(1),))
        assert set(store.disk.queues) == {"good", "late"}
        assert loop.state.tasks.keys() == {TaskId(1)}

    with_loop(story)


def test_news_that_came_along_with_it_are_not_lost() -> None:
    async def story(loop: Loop, store: Picky) -> None:
        loop.post(queue("news"))
        with pytest.raises(ValueError, match="no codec"):
            await loop.ask(queue("poison"))
        assert "news" in loop.state.queues
        assert "news" in store.disk.queues

    with_loop(story)


def test_a_fault_in_what_nobody_asked_for_ends_the_loop() -> None:
    async def story(loop: Loop, store: Picky) -> None:
        loop.post(queue("poison"))
        await loop.ask(queue("good"))

    with pytest.raises(ValueError, match="no codec"):
        with_loop(story)


def test_an_event_that_no_listener_could_know_of_ends_a_loop_that_is_debugged() -> None:
    async def story(loop: Loop, _: Picky) -> None:
        await loop.ask(ev.ActNoted(by="me", kind="painted"))

    with pytest.raises(AssertionError, match="an event painted was recorded"):
        with_loop(story)


def test_a_damaged_disk_ends_the_loop_whoever_asked() -> None:
    async def story(loop: Loop, store: Picky) -> None:
        store.error = StoreCorrupt(path="/db", why="it is")
        await loop.ask(queue("poison"))

    with pytest.raises(StoreCorrupt):
        with_loop(story)


def test_a_reason_is_told_once_what_it_goes_by_is_committed() -> None:
    """A paused queue is to go on, and that cannot be written: its task waits for the same as before."""

    async def story(loop: Loop, store: Picky) -> None:
        store.error = None
        await loop.ask(ev.QueueCreated(by="me", name=QueueName("poison"), options={"paused": True}))
        submission = ev.TasksSubmitted(by="me", requests=(request(queue="poison", count=0),), blobs={})
        await loop.ask(submission)
        shape = loop.state.pending.shape_of(loop.state.tasks[TaskId(1)])
        assert loop.reasons[shape].reason is Reason.QUEUE_PAUSED
        store.error = StoreUnavailable(why="no space left")
        with pytest.raises(StoreUnavailable):
            await loop.ask(ev.QueueChanged(by="me", name=QueueName("poison"), options={"paused": False}))
        assert loop.reasons[shape].reason is Reason.QUEUE_PAUSED

    with_loop(story)
