"""A history in memory that keeps every look and works out the answers when it is asked."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.measures import MEASURES, Keeping, Kind, Look, Span, Stat, Subject
from gavelq.core.usage import CardMinutes


class FakeHistory:
    """Port History for tests. Set `problem` and it answers nothing, as one does that cannot be read.

    Like the real one it forgets by the time of the latest call of `add`.
    """

    def __init__(self, keeping: Keeping | None = None, looks: list[Look] | None = None) -> None:
        """`FakeHistory(keeping, fake.looks)` is the history after a restart."""
        self.keeping = keeping or Keeping()
        self.looks: list[Look] = [] if looks is None else looks
        self.problem: str | None = None
        self._is_closed = False

    def add(self, looks: Sequence[Look]) -> None:
        """See History.add."""
        if not self._is_closed:
            self.looks.extend(looks)

    async def read(
        self, kind: Kind, subjects: Sequence[Subject], span: Span
    ) -> Mapping[Subject, Mapping[str, Sequence[Stat | None]]]:
        """See History.read."""
        level = next(level for level in self.keeping.levels if level.width_s == span.width_s)
        oldest = self._now() - level.keep_s
        found: dict[Subject, dict[str, list[Stat | None]]] = {}
        for subject in subjects if self._is_readable() else ():
            mine = [look for look in self.looks if (look.kind, look.subject) == (kind, subject)]
            for name in MEASURES[kind]:
                points = [
                    _stat(mine, name, lambda at, start=start: start <= at < start + span.step_s and at >= oldest)  # type: ignore[misc]  # mypy does not infer lambdas with defaults
                    for start in range(span.start, span.end, span.step_s)
                ]
                if any(points):
                    found.setdefault(subject, {})[name] = points
        return found

    async def total(self, task_id: TaskId) -> Mapping[str, Stat]:
        """See History.total."""
        mine = [look for look in self.looks if (look.kind, look.subject) == (Kind.TASK, task_id)]
        stats = {name: _stat(mine, name, lambda at: True) for name in MEASURES[Kind.TASK]}
        return {name: stat for name, stat in stats.items() if stat is not None} if self._is_readable() else {}

    async def minutes(self, start: float, end: float, idle_percent: float) -> CardMinutes:
        """See History.minutes."""
        if not self._is_readable():
            return CardMinutes()
        mine = [
            look for look in self.looks if look.kind is Kind.GPU and int(look.at) >= self._now() - self._longest_s()
        ]
        idle: dict[GpuUuid, list[int]] = {}
        foreign: dict[GpuUuid, list[int]] = {}
        for uuid, minute in sorted({(GpuUuid(str(look.subject)), int(look.at) // 60 * 60) for look in mine}):
            looks = [look for look in mine if look.subject == uuid and int(look.at) // 60 * 60 == minute]
            held, used, others = (
                _stat(looks, name, lambda at: True) for name in ("n_tasks", "utilization_percent", "foreign_memory_mib")
            )
            if held is None or not start - 60 < minute < end:
                continue
            if held.high > 0 and used is not None and used.mean < idle_percent:
                idle.setdefault(uuid, []).append(minute)
            elif held.high == 0 and others is not None and others.high > 0:
                foreign.setdefault(uuid, []).append(minute)
        return CardMinutes(
            idle=idle, foreign=foreign, since=min((int(look.at) // 60 * 60 for look in mine), default=None)
        )

    def _longest_s(self) -> float:
        return max(level.keep_s for level in self.keeping.levels)

    async def close(self) -> None:
        """See History.close."""
        self._is_closed = True

    def _now(self) -> float:
        return self.looks[-1].at if self.looks else 0.0

    def _is_readable(self) -> bool:
        return self.problem is None and not self._is_closed


def _stat(looks: Iterable[Look], name: str, is_meant: Callable[[int], bool]) -> Stat | None:
    values = [look.values.get(name) for look in looks if is_meant(int(look.at))]
    known = [round(value, 1) for value in values if value is not None]
    return Stat(n=len(known), total=sum(known), low=min(known), high=max(known)) if known else None
