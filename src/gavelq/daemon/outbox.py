"""Delivers the messages of the outbox: each at least once, again and again with growing pauses, or given up.

A message leaves the outbox by an event, so that a daemon that dies before it is committed delivers it again. For each
owner only a few are on their way at once: whoever names a server that does not answer delays nobody else.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from socket import gethostname
from typing import Any

from gavelq.core.errors import CannotNotify, StoreUnavailable
from gavelq.core.events import MessagesSettled
from gavelq.core.notices import Message, masked
from gavelq.core.state import State
from gavelq.core.step import Changes
from gavelq.daemon import journal
from gavelq.ports import Clock, Notice, Notifier

AT_ONCE = 3
"""Of each owner."""
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 300.0
STORE_PAUSE_S = 5.0
GIVE_UP_S = 86400.0
"""Nobody wants to hear of a task a day late."""


class Outbox:
    """One worker for each message; those of one owner take turns."""

    def __init__(
        self, *, state: State, clock: Clock, notifier: Notifier, channels: Callable[[], Sequence[str]],
        ask: Callable[[MessagesSettled], Awaitable[Any]], give_up_s: float = GIVE_UP_S,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:  # fmt: skip
        """`channels`: the URLs of the configuration, which messages to nobody in particular go to."""
        self._state = state
        self._clock = clock
        self._notifier = notifier
        self._channels = channels
        self._ask = ask
        self._give_up_s = give_up_s
        self._first_pause_s = first_pause_s
        self._turns: dict[str | None, asyncio.Semaphore] = {}
        self._working: dict[str, asyncio.Task[None]] = {}

    def notice(self, changes: Changes) -> None:
        """A commit: new messages are taken up. Called on the loop's thread."""
        for key, message in changes.outbox.items():
            if message is not None:
                self._take(message)
            else:
                self._working.pop(key, None)

    async def run(self) -> None:
        """Take up what an earlier daemon left, and stop all work when cancelled."""
        for message in list(self._state.outbox.values()):
            self._take(message)
        try:
            await asyncio.Event().wait()
        finally:
            for task in self._working.values():
                task.cancel()

    def _take(self, message: Message) -> None:
        if message.key not in self._working:
            self._working[message.key] = asyncio.get_running_loop().create_task(self._deliver(message))

    async def _deliver(self, message: Message) -> None:
        # What goes to the channels does not wait behind what a tenant has told to go elsewhere.
        owner = message.tenant if message.to else None
        turns = self._turns.setdefault(owner, asyncio.Semaphore(AT_ONCE))
        left = [message.to] if message.to else list(self._channels())
        told: list[str] = []
        pause = self._first_pause_s
        whys: list[str] = []
        # Counted from here on: a clock that is set while a message waits makes nobody give it up.
        age_s = min(max(0.0, self._clock.now() - message.at), self._give_up_s)
        until = self._clock.passed() + self._give_up_s - age_s
        while True:
            async with turns:
                left, whys, is_over = await self._try(left, until, message, told, whys)
            if not left or is_over:
                break
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE_S, pause * 2)
        if whys:
            journal.warn("a notice was given up", about=message.title, why="; ".join(whys))
            await self._settle(MessagesSettled(given_up={message.key: "; ".join(whys)}))
        else:
            await self._settle(MessagesSettled(delivered=(message.key,)))

    async def _settle(self, event: MessagesSettled) -> None:
        """Until it is committed: a message that stays would be sent again after a restart."""
        while True:
            try:
                await self._ask(event)
            except StoreUnavailable:
                await asyncio.sleep(STORE_PAUSE_S)
            else:
                return

    async def _try(
        self, left: list[str], until: float, message: Message, told: list[str], whys: list[str]
    ) -> tuple[list[str], list[str], bool]:
        """Try each URL that is left; those to try again, what failed for good, and whether time is over."""
        again, failed, is_late = [], list(whys), self._clock.passed() >= until
        for url in left:
            try:
                await self._notifier.send(url, notice_of(message))
                told.append(url)
            except CannotNotify as error:
                if error.is_permanent or is_late:
                    failed.append(error.message)
                else:
                    again.append(url)
                    journal.detail("a notice was not delivered", about=message.title, why=error.message)
            except Exception as error:  # noqa: BLE001  # a library's fault must not lose the message, nor tell its URL
                failed.append(f"{masked(url)} was not told: {type(error).__name__}")
        return again, failed, is_late


def notice_of(message: Message) -> Notice:
    """A message as it is sent: with times as people and programs write them, and the name of this machine."""
    details: dict[str, Any] = {
        name: _stamp(value) if name.endswith("_at") else value for name, value in json.loads(message.details).items()
    }
    document = {
        "event": message.event, "title": message.title, "text": message.text, "at": _stamp(message.at),
        "host": gethostname(), "key": message.key, **details,
    }  # fmt: skip
    return Notice(title=message.title, text=message.text, document=document)


def _stamp(at: Any) -> str | None:
    if not isinstance(at, int | float):
        return None
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
