"""The SDK's verbs for measures over time."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypedDict, cast

from gavelq.client.http import Link, query
from gavelq.client.measured import GpuSeries, Measured, TaskSeries
from gavelq.client.shapes import Gpu, State


class MeasuredGpu(Gpu):
    """A GPU as it is now, with its series."""

    series: GpuSeries


class MeasuredTask(TypedDict):
    """A task, what it used in all, and its series."""

    id: int
    name: str
    state: State
    measured: Measured | None
    series: TaskSeries


Metrics = TypedDict(
    "Metrics",
    {
        "at": str, "from": str, "to": str, "step_s": int, "level_s": int, "n_points": int, "note": str | None,
        "problem": str | None, "gpus": list[MeasuredGpu], "tasks": list[MeasuredTask],
    },
)  # fmt: skip
"""Point number i of a series, from 0, covers the `step_s` seconds from `from` + i * `step_s` on."""

When = str | float | datetime
"""ISO 8601, seconds since 1970, a datetime, or so long ago: `-1h`."""


class MonitorVerbs:
    """What a Client can ask about the past. Raises as Client does."""

    _link: Link

    def metrics(
        self,
        *,
        gpus: Iterable[str | int] = (),
        tasks: Iterable[int] = (),
        since: When | None = None,
        until: When | None = None,
        step_s: int | None = None,
    ) -> Metrics:
        """These GPUs now, and what they and these tasks did in a range of time; without any, all GPUs.

        Without a range: the last hour, and of tasks alone their whole run. Steps may be wider than asked for (`note`).
        """
        pairs: list[tuple[str, object]] = [("gpu", gpu) for gpu in gpus]
        pairs += [("task", task) for task in tasks]
        pairs += [("from", written(since)), ("to", written(until)), ("step", step_s)]
        return cast(Metrics, self._link.fetch("GET", "/api/monitor/metrics" + query(pairs)))


def written(when: When | None) -> str | None:
    """A time as the API takes it. A datetime without a zone is in the local one."""
    if isinstance(when, datetime):
        return f"{when.timestamp():.6f}"
    return None if when is None else str(when)
