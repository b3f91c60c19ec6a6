"""Who had how much of the GPUs."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gavelq.core.errors import InvalidField
from gavelq.core.tenants import TenantNotFound
from gavelq.core.usage import IDLE_PERCENT, Held
from gavelq.daemon.caller import Caller
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.monitor import moment
from gavelq.daemon.usage import DEFAULT_DAYS, MAX_DAYS, Tally, days_of, note_of, parse_by
from gavelq.daemon.views import Json, stamp

DAY_S = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageAsked:
    """A question about usage, as it was written."""

    since: str | None = None
    until: str | None = None
    by: Sequence[str] = ()
    tenant: str | None = None


class UsageService:
    """`gavelq usage`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._one_at_a_time = asyncio.Lock()

    async def usage(self, caller: Caller, asked: UsageAsked) -> Json:
        """`GET /api/usage`: of one's own tenant; for admins of all, or of one.

        Raises InvalidField, and TenantNotFound for somebody else's and for one that never was.
        """
        if asked.tenant is not None and not (caller.owns(asked.tenant) and self._desk.is_tenant(asked.tenant)):
            raise TenantNotFound(tenant=asked.tenant[:80])
        tenant = asked.tenant or (None if caller.is_admin else caller.tenant)
        by = parse_by(asked.by)
        now = self._desk.clock.now()
        start, end = _window(asked, now)
        async with self._one_at_a_time:
            minutes = await self._desk.history.minutes(start, end, IDLE_PERCENT)
            names = {str(uuid): card.index for uuid, card in self._desk.state.cards.items()}
            tally = Tally(days=days_of(start, end), by=by, now=now, minutes=minutes, names=names)
            so_far = self._so_far()

            def hold(held: Held) -> None:
                if held.until is None:
                    used = so_far.get((held.task_id, held.number), held.utilization)
                    held = held._replace(utilization=used)
                tally.hold(held)

            await self._desk.store.usage(since=start, until=end, tenant=tenant, hold=hold, end=tally.end)
            told = await tally.told(with_foreign=tenant is None)
        return {
            "at": stamp(now),
            "from": stamp(start),
            "to": stamp(end),
            "utc_offset_s": _offset_s(now),
            "by": [each.value for each in by],
            "tenant": tenant,
            "note": note_of(minutes, start, self._desk.history.problem),
            **told,
        }

    def _so_far(self) -> dict[tuple[int, int], float]:
        """How busy running attempts kept their cards: that is written down when they end."""
        found: dict[tuple[int, int], float] = {}
        for task in self._desk.state.holding.values():
            meter = self._desk.state.books.meters.of(task.id, task.n_attempts)
            if meter is not None and meter.utilization is not None:
                found[task.id, task.n_attempts] = meter.utilization
        return found


def _window(asked: UsageAsked, now: float) -> tuple[float, float]:
    end = now if asked.until is None else min(now, moment(asked.until, now, field="until"))
    start = end - DEFAULT_DAYS * DAY_S if asked.since is None else moment(asked.since, now, field="since")
    hint = "write for example since=-7d, or since=2026-12-01T00:00:00Z"
    if not start < end:
        raise InvalidField(field="since", problem="the span ends before it begins, or lies in the future", hint=hint)
    if end - start > MAX_DAYS * DAY_S:
        raise InvalidField(field="since", problem=f"the span is longer than {MAX_DAYS} days", hint=hint)
    return start, end


def _offset_s(now: float) -> int:
    """Of the machine's time zone, in which days are counted."""
    local = datetime.fromtimestamp(now, UTC).astimezone()
    offset = local.utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
