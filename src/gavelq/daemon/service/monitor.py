"""What GPUs and tasks did as time went by."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gavelq.core.errors import InvalidField
from gavelq.core.ids import TaskId
from gavelq.core.measures import MAX_POINTS, MEASURES, Kind, Span, Stat, Subject, span_of
from gavelq.core.task import Task
from gavelq.core.units import parse_duration
from gavelq.daemon.caller import Caller
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.gpus import GpuService
from gavelq.daemon.views import Json, stamp

LAST_S = 3600.0
"""Without a range the last hour is told, by minutes."""
LAST_STEP_S = 60
MAX_SUBJECTS = 64
MAX_POINTS_TOLD = 32_000
"""Of all that are asked for together: with more than 16 of them steps get wider."""
MAX_RANGE_S = 3660 * 86400.0
_YEARS = (2001, 2200)
_HINT = "write for example -1h, 2026-12-01T18:00:00Z or 1795328174"
_Points = Mapping[Subject, Mapping[str, Sequence[Stat | None]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question about the history, as it was written."""

    gpus: Sequence[str] = ()
    tasks: Sequence[TaskId] = ()
    start: str | None = None
    end: str | None = None
    step_s: int | None = None


class MonitorService:
    """Measures over time."""

    def __init__(self, desk: Desk, gpus: GpuService) -> None:
        self._desk = desk
        self._history = desk.history
        self._gpus = gpus

    async def metrics(self, caller: Caller, asked: Asked) -> Json:
        """`GET /api/monitor/metrics`: the named GPUs and tasks (without any: all GPUs) now and over a range.

        Raises InvalidField, GpuNotFound, and TaskNotFound also for another tenant's task.
        """
        for name, given in (("gpu", asked.gpus), ("task", asked.tasks)):
            if len(given) > MAX_SUBJECTS:
                raise InvalidField(
                    field=name, problem=f"{len(given)} of them are asked for, at most {MAX_SUBJECTS} are told at once",
                    hint="ask in several requests",
                )  # fmt: skip
        named = [self._gpus.show(caller, name) for name in dict.fromkeys(asked.gpus)]
        gpus = named if named or asked.tasks else self._gpus.list_gpus(caller)
        tasks = [await self._desk.require(caller, task_id) for task_id in dict.fromkeys(asked.tasks)]
        now = self._desk.clock.now()
        most = min(MAX_POINTS, MAX_POINTS_TOLD // max(1, len(gpus) + len(tasks)))
        span = self._span(asked, tasks if not gpus else [], now, most)
        cards = await self._history.read(Kind.GPU, [gpu["uuid"] for gpu in gpus], span) if gpus else {}
        used = await self._history.read(Kind.TASK, [task.id for task in tasks], span) if tasks else {}
        totals = {task.id: await self._desk.measured(task) for task in tasks}
        return {
            "at": stamp(now),
            "from": stamp(span.start),
            "to": stamp(span.end),
            "step_s": span.step_s,
            "level_s": span.width_s,
            "n_points": span.n,
            "note": span.note or None,
            "problem": self._history.problem,
            # In a thread: some hundred thousand numbers take their time.
            "gpus": await asyncio.to_thread(_gpus, gpus, cards, span),
            "tasks": await asyncio.to_thread(_tasks, tasks, used, span, totals),
        }

    def _span(self, asked: Asked, tasks: Sequence[Task], now: float, most: int) -> Span:
        end = now if asked.end is None else min(now, moment(asked.end, now, field="to"))
        if asked.start is not None:
            start = moment(asked.start, now, field="from")
        elif tasks and asked.end is None:
            start, end = _lives(tasks, now)
        else:
            start = end - LAST_S
        if not start < end:
            raise InvalidField(
                field="from", problem="the range ends before it begins, or lies in the future", hint=_HINT
            )
        if end - start > MAX_RANGE_S:
            raise InvalidField(field="from", problem="the range is longer than ten years", hint=_HINT)
        step_s = asked.step_s
        if step_s is None and asked.start is None and not tasks:
            step_s = LAST_STEP_S
        return span_of(self._history.keeping.levels, start=start, end=end, step_s=step_s, now=now, max_points=most)


def _lives(tasks: Sequence[Task], now: float) -> tuple[float, float]:
    """From the first start to the last end; where there were several attempts, from the submission on."""
    starts = [
        task.attempt.placed_at if task.attempt is not None and task.attempt.number == 1 else task.submitted_at
        for task in tasks
    ]
    ends = [task.ending.at if task.ending is not None else now for task in tasks]
    end = min(now, max(ends)) + 1.0
    return min(*starts, end - 1.0), end


def _gpus(gpus: Sequence[Json], found: _Points, span: Span) -> list[Json]:
    return [gpu | {"series": _series(Kind.GPU, found, gpu["uuid"], span)} for gpu in gpus]


def _tasks(tasks: Sequence[Task], found: _Points, span: Span, totals: Mapping[TaskId, Json | None]) -> list[Json]:
    return [
        {
            "id": task.id,
            "name": task.request.name,
            "state": task.state.value,
            "measured": totals[task.id],
            "series": _series(Kind.TASK, found, task.id, span),
        }
        for task in tasks
    ]


def _series(kind: Kind, found: _Points, subject: Subject, span: Span) -> Json:
    """Every measure, also those of which nothing is known: their points are null."""
    series = found.get(subject, {})
    told: Json = {}
    for name in MEASURES[kind]:
        points = series.get(name) or [None] * span.n
        told[name] = {
            "mean": [None if point is None else round(point.mean, 2) for point in points],
            "min": [None if point is None else point.low for point in points],
            "max": [None if point is None else point.high for point in points],
            "count": [0 if point is None else point.n for point in points],
        }
    return told


def moment(written: str, now: float, *, field: str) -> float:
    """ISO 8601 (without a zone: UTC), seconds since the epoch, or so long ago (`-1h`). Raises InvalidField."""
    text = written.strip()
    try:
        if re.fullmatch(r"-\s*\d.*", text):
            return now - parse_duration(text[1:], field=field)
        try:
            at = datetime.fromtimestamp(float(text), UTC)
        except ValueError:
            at = datetime.fromisoformat(text)
            at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        if not _YEARS[0] <= at.year <= _YEARS[1]:
            raise ValueError("out of range")
        return at.timestamp()
    except (ValueError, OverflowError, OSError, InvalidField):
        problem = f"{written[:60]!r} is neither a time from {_YEARS[0]} to {_YEARS[1]} nor how long ago"
        raise InvalidField(field=field, problem=problem, hint=_HINT) from None
