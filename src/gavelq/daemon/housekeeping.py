"""What is done once an hour: history that is older than its retention goes, with its logs."""

import asyncio
from collections.abc import Callable, Iterable

from gavelq.config import Config
from gavelq.core.errors import GavelqError
from gavelq.core.ids import TaskId
from gavelq.core.state import State
from gavelq.daemon import journal
from gavelq.daemon.clock_watch import ClockWatch
from gavelq.daemon.service.tasks import remove_logs
from gavelq.ports import Clock, Store

INTERVAL_S = 3600.0
KEY_LIFE_S = 86400.0
DAY_S = 86400.0
LEAP_S = 86400.0
"""A clock that is so far ahead may be wrong; or the machine was off."""


Removed = Callable[[Iterable[TaskId]], None]
"""Told which ended tasks went."""


async def tidy(store: Store, state: State, config: Config, now: float, removed: Removed = lambda _: None) -> int:
    """One round; how many ended tasks went."""
    gone = await store.prune(
        ended_before=now - config.retention.tasks_days * DAY_S,
        records_before=now - config.retention.events_days * DAY_S,
        keys_before=now - KEY_LIFE_S,
    )
    state.forget_keys(now - KEY_LIFE_S)
    removed(task.id for task in gone)
    for task in gone:
        await asyncio.to_thread(remove_logs, task)
    return len(gone)


class Distrust:
    """Of a clock that is far ahead of the last that is known: what is removed for a wrong one is gone."""

    def __init__(self, clock: Clock, newest: float | None) -> None:
        """`newest`: when the last thing happened that an earlier daemon wrote down; None: there was none."""
        self._clock = clock
        self._watch = ClockWatch(clock)
        is_ahead = newest is not None and clock.now() - newest > LEAP_S
        self._until = clock.passed() + (LEAP_S if is_ahead else 0.0)

    def is_over(self) -> bool:
        """Whether the time may be believed: a day after the last leap nobody has put it right. To be asked often."""
        found = self._watch.look()
        if found is not None and found.by_s > LEAP_S:
            self._until = self._clock.passed() + LEAP_S
        return self._clock.passed() >= self._until


async def keep_house(
    store: Store, state: State, config: Callable[[], Config], clock: Clock, removed: Removed = lambda _: None, *,
    newest: float | None = None,
) -> None:  # fmt: skip
    """A round now and then one each hour, until cancelled; none while the clock is not to be believed.

    `newest`: see `Distrust`.
    """
    distrust = Distrust(clock, newest)
    while True:
        if distrust.is_over():
            await _round(store, state, config(), clock.now(), removed)
        await asyncio.sleep(INTERVAL_S)


async def _round(store: Store, state: State, config: Config, now: float, removed: Removed) -> None:
    try:
        n_gone = await tidy(store, state, config, now, removed)
        if n_gone:
            journal.note("old tasks were removed", n_tasks=n_gone)
    except GavelqError as error:
        journal.fail("old history could not be removed; the next try is in an hour", error)
