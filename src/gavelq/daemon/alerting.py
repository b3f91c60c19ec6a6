"""Looks at everything about once a second; tells the engine which alerts begin and end, and which tasks lie idle."""

import asyncio
import os
import time
from collections.abc import Callable

from gavelq.config import Config
from gavelq.core import events as ev
from gavelq.core.alerts import RuleName, RuleSpec, Watch, judge, to_tell
from gavelq.core.idling import IDLE_PERCENT, IdleBook, warn_after_s
from gavelq.core.lifecycle import TaskState
from gavelq.core.state import State
from gavelq.daemon.conditions import Facts, conditions, gone_subjects
from gavelq.daemon.loop import Loop
from gavelq.daemon.service.blocks import BlockCounter
from gavelq.ports import Clock

INTERVAL_S = 1.0
MAX_SHARE = 0.01
"""Looking takes at most such a part of a core: with very many tasks it comes less often."""
DISK_S = 5.0


class Alerting:
    """The watch over all rules; `watch` and `idle` are volatile."""

    def __init__(
        self, *, loop: Loop, clock: Clock, config: Callable[[], Config], blocks: BlockCounter, state_dir: str
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._config = config
        self._blocks = blocks
        self._state_dir = state_dir
        self._watch = Watch()
        self._disk_free: int | None = None
        self._disk_at = 0.0
        self.idle = IdleBook()

    @property
    def _state(self) -> State:
        return self._loop.state

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            began = time.perf_counter()
            if time.monotonic() - self._disk_at >= DISK_S:
                self._disk_free = await asyncio.to_thread(_free_mib, self._state_dir)
                self._disk_at = time.monotonic()
                began = time.perf_counter()
            if not self._loop.is_read_only and not self._loop.is_closing:
                await self.look()
            await asyncio.sleep(max(INTERVAL_S, (time.perf_counter() - began) / MAX_SHARE))

    async def look(self) -> None:
        """One look; returns when what it changes is committed, so that nothing is said twice."""
        config, now, state = self._config(), self._clock.now(), self._state
        specs = specs_of(config)
        rule = specs.get(RuleName.ALLOCATION_IDLE)
        percent = rule.threshold if rule is not None and rule.threshold is not None else IDLE_PERCENT
        self.idle.take(state.books.sample, state.holding, percent)
        events: list[ev.Event] = [*self._idlers(now)]
        verdict = judge(
            conditions(state, self._facts(now), specs), specs=specs, firing=state.alerts, watch=self._watch, now=now,
            resolve_s=config.alerts.resolve_s, gone=gone_subjects(state),
        )  # fmt: skip
        self._watch = verdict.watch
        left = [alert for key, alert in state.alerts.items() if key not in verdict.resolved]
        told = to_tell([*left, *verdict.fired], list(state.mutes.values()), is_quiet=is_quiet(config, now), now=now)
        expired = any(mute.until <= now for mute in state.mutes.values())
        if verdict.fired or verdict.resolved or told or expired:
            events.append(ev.AlertsJudged(fired=verdict.fired, resolved=verdict.resolved, told=told))
        for event in events:
            self._loop.post(event)

    def _facts(self, now: float) -> Facts:
        sample = self._state.books.sample
        return Facts(
            now=now,
            is_fresh=now - sample.taken_at <= self._loop.policy.stale_s and sample.problem is None,
            blocked=self._blocks.counts(),
            reasons=self._loop.reasons,
            idle_since={
                task_id: since
                for task_id in self._state.holding
                if (since := self.idle.since(task_id)) is not None
            },
            disk_free=self._disk_free,
        )  # fmt: skip

    def _idlers(self, now: float) -> list[ev.Event]:
        """News for the queues' idle policies: only what changes something."""
        found: list[ev.Event] = []
        for task in self._state.holding.values():
            attempt, queue = task.attempt, self._state.queues.get(task.queue)
            if attempt is None or queue is None or task.state is not TaskState.RUNNING:
                continue
            idle_s = self.idle.idle_s(task.id)
            if idle_s is None:
                if attempt.idle_since is not None and not self._is_new(now):
                    found.append(ev.TaskBusied(task_id=task.id, attempt=attempt.number))
                continue
            if queue.idle_after_s is None:
                continue
            is_warned = attempt.idle_since is not None
            due_s = queue.idle_after_s if is_warned else warn_after_s(queue.idle_after_s, queue.idle_action)
            if idle_s >= due_s and not (is_warned and not queue.idle_action.is_release):
                found.append(ev.TaskIdled(task_id=task.id, attempt=attempt.number, idle_s=idle_s))
        return found

    def _is_new(self, now: float) -> bool:
        """Before the first good look of a new daemon nothing is known of idleness."""
        sample = self._state.books.sample
        return sample.problem is not None or now - sample.taken_at > self._loop.policy.stale_s


def specs_of(config: Config) -> dict[RuleName, RuleSpec]:
    """The rules that are on."""
    found = {name: getattr(config.alerts, name.value) for name in RuleName}
    return {name: spec for name, spec in found.items() if spec is not None}


def is_quiet(config: Config, now: float) -> bool:
    """Whether it is a quiet hour, by the daemon's local time."""
    local = time.localtime(now)
    return config.alerts.quiet is not None and config.alerts.quiet.covers(local.tm_hour * 60 + local.tm_min)


def _free_mib(path: str) -> int | None:
    """What an ordinary user may still write there; None where that cannot be told."""
    try:
        found = os.statvfs(path)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize >> 20
