"""What is done once an hour: history that is older than its retention goes, with its logs."""

import asyncio
from collections.abc import Callable, Iterable

from gavelq.config import Config
from gavelq.core.errors import GavelqError
from gavelq.core.ids import TaskId
from gavelq.core.state import State
from gavelq.daemon import journal
from gavelq.daemon.service.tasks import remove_logs
from gavelq.ports import Clock, Store

INTERVAL_S = 3600.0
KEY_LIFE_S = 86400.0
DAY_S = 86400.0


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


async def keep_house(
    store: Store, state: State, config: Callable[[], Config], clock: Clock, removed: Removed = lambda _: None
) -> None:
    """A round now and then one each hour, until cancelled."""
    while True:
        try:
            n_gone = await tidy(store, state, config(), clock.now(), removed)
            if n_gone:
                journal.note("old tasks were removed", n_tasks=n_gone)
        except GavelqError as error:
            journal.fail("old history could not be removed; the next try is in an hour", error)
        await asyncio.sleep(INTERVAL_S)
