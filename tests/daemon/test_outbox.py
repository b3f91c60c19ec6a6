"""The outbox: messages are delivered at least once, tried again, or given up and told so."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from gavelq.core.events import MessagesSettled
from gavelq.core.ids import TaskId
from gavelq.core.notices import Message
from gavelq.core.state import State
from gavelq.core.step import Changes
from gavelq.daemon.outbox import AT_ONCE, Outbox
from gavelq.testing.fake_clock import FakeClock
from gavelq.testing.fake_notifier import FakeNotifier

A, B = "https://a.example/x", "https://b.example/y"


def message(key: str, to: str = A, tenant: str | None = "x") -> Message:
    return Message(
        key=key, at=1_700_000_000.0, to=to, event="end", title="t", text="t", details='{"ended_at": 0}', tenant=tenant,
        task_id=TaskId(1),
    )  # fmt: skip


async def becomes(predicate: Callable[[], Any]) -> None:
    """As `wait_until`, on a loop."""
    async with asyncio.timeout(10):
        while not predicate():  # noqa: ASYNC110  # what is waited for is seen from outside alone
            await asyncio.sleep(0.001)


class Desk:
    """An outbox over fakes; what it settles leaves its state as after a commit."""

    def __init__(
        self, *messages: Message, channels: tuple[str, ...] = (), notifier: FakeNotifier | None = None
    ) -> None:
        self.state, self.clock, self.notifier = State(), FakeClock(), notifier or FakeNotifier()
        self.settled: list[MessagesSettled] = []
        self.state.apply(Changes(outbox={one.key: one for one in messages}))
        self.outbox = Outbox(
            state=self.state, clock=self.clock, notifier=self.notifier, channels=lambda: channels, ask=self._ask,
            first_pause_s=0.001,
        )  # fmt: skip

    async def _ask(self, event: MessagesSettled) -> None:
        self.settled.append(event)
        changes = Changes(outbox=dict.fromkeys((*event.delivered, *event.given_up)))
        self.state.apply(changes)
        self.outbox.notice(changes)

    def run(self, until: Callable[[], Any], meanwhile: Callable[[], Awaitable[None]] | None = None) -> None:
        async def work() -> None:
            running = asyncio.create_task(self.outbox.run())
            if meanwhile is not None:
                await meanwhile()
            await becomes(until)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

        asyncio.run(work())


def test_what_an_earlier_daemon_left_is_delivered() -> None:
    desk = Desk(message("1"), message("2", B))
    desk.run(lambda: not desk.state.outbox)
    assert sorted(url for url, _ in desk.notifier.sent) == [A, B]
    assert desk.notifier.sent[0][1].document["ended_at"] == "1970-01-01T00:00:00.000000Z"


def test_what_fails_is_tried_again_until_it_works() -> None:
    desk = Desk(message("1"))
    desk.notifier.fail(A)

    async def comes_back() -> None:
        await becomes(lambda: len(desk.notifier.tries) >= 3)
        desk.notifier.failures.clear()

    desk.run(lambda: not desk.state.outbox, comes_back)
    assert desk.settled == [MessagesSettled(delivered=("1",))]


def test_what_can_never_work_and_what_is_late_is_given_up() -> None:
    desk = Desk(message("1"), message("2", B))
    desk.clock.advance(90_000)
    desk.notifier.fail(A, is_permanent=True)
    desk.notifier.fail(B)
    desk.run(lambda: not desk.state.outbox)
    given_up = {key: why for event in desk.settled for key, why in event.given_up.items()}
    assert given_up == {
        "1": "https://a.example was not told: it is away", "2": "https://b.example was not told: it is away",
    }  # fmt: skip


def test_a_clock_that_leaps_ahead_gives_nothing_up() -> None:
    desk = Desk(message("1"))
    desk.notifier.fail(A)

    async def leaps_and_comes_back() -> None:
        await becomes(lambda: desk.notifier.tries)
        desk.clock.set(desk.clock.now() + 1e9)
        n_tries = len(desk.notifier.tries)
        await becomes(lambda: len(desk.notifier.tries) >= n_tries + 3)
        desk.notifier.failures.clear()

    desk.run(lambda: not desk.state.outbox, leaps_and_comes_back)
    assert desk.settled == [MessagesSettled(delivered=("1",))]


def test_what_is_late_while_it_waits_is_given_up() -> None:
    desk = Desk(message("1"))
    desk.notifier.fail(A)

    async def waits() -> None:
        await becomes(lambda: desk.notifier.tries)
        desk.clock.advance(90_000)

    desk.run(lambda: not desk.state.outbox, waits)
    assert list(desk.settled[0].given_up) == ["1"]


def test_one_channel_that_fails_does_not_repeat_the_others() -> None:
    desk = Desk(message("1", to="", tenant=None), channels=(A, B))
    desk.notifier.fail(B)

    async def comes_back() -> None:
        await becomes(lambda: desk.notifier.tries.count(B) >= 3)
        desk.notifier.failures.clear()

    desk.run(lambda: not desk.state.outbox, comes_back)
    assert desk.notifier.tries.count(A) == 1


def test_an_owner_whose_servers_hang_delays_nobody_else() -> None:
    class Hanging(FakeNotifier):
        async def send(self, url: str, notice: Any) -> None:
            await super().send(url, notice)
            if url == A:
                await asyncio.Event().wait()

    stuck = [message(str(number)) for number in range(AT_ONCE * 3)]
    desk = Desk(*stuck, message("other", B, tenant="y"), notifier=Hanging())
    desk.run(lambda: "other" not in desk.state.outbox)
    assert desk.notifier.tries.count(A) == AT_ONCE


def test_the_channels_do_not_wait_behind_what_a_tenant_has_told_elsewhere() -> None:
    class Hanging(FakeNotifier):
        async def send(self, url: str, notice: Any) -> None:
            await super().send(url, notice)
            if url == A:
                await asyncio.Event().wait()

    stuck = [message(str(number)) for number in range(AT_ONCE * 3)]
    desk = Desk(*stuck, message("alert", to=""), channels=(B,), notifier=Hanging())
    desk.run(lambda: "alert" not in desk.state.outbox)
    assert [url for url, _ in desk.notifier.sent if url == B] == [B]
