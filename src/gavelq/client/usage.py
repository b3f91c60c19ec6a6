"""The SDK's verb for usage reports."""

from collections.abc import Iterable
from typing import Literal, TypedDict, cast

from gavelq.client.http import Link, query
from gavelq.client.monitor import When, written


class UsageRow(TypedDict):
    """What a group had. What the report is not split by is null; so is what nobody knows."""

    tenant: str | None
    queue: str | None
    day: str | None
    gpu: int | str | None
    """A card's index; its UUID where it is gone."""
    gpu_hours: float
    idle_gpu_hours: float | None
    foreign_gpu_hours: float | None
    efficiency_percent: float | None
    n_started: int | None
    n_ended: int | None
    n_completed: int | None
    n_failed: int | None
    n_cancelled: int | None
    n_aborted: int | None
    wait_mean_s: float | None
    wait_p50_s: float | None
    wait_p95_s: float | None


Usage = TypedDict(
    "Usage",
    {
        "at": str, "from": str, "to": str, "utc_offset_s": int, "by": list[str], "tenant": str | None,
        "note": str | None, "rows": list[UsageRow], "total": UsageRow,
    },
)  # fmt: skip
"""A report; `rows` is empty where it is not split."""


class UsageVerbs:
    """What a Client can ask about usage. Raises as Client does."""

    _link: Link

    def usage(
        self,
        *,
        since: When | None = None,
        until: When | None = None,
        by: Iterable[Literal["tenant", "queue", "day", "gpu"]] = (),
        tenant: str | None = None,
    ) -> Usage:
        """GPU-hours, waits, ends and efficiency since then (default: seven days ago), split by what `by` names.

        Split by card it has no starts, waits and ends: a task may hold several.
        Of one's own tenant; an admin's is of all, or of one.
        """
        pairs = [("since", written(since)), ("until", written(until)), ("by", ",".join(by) or None), ("tenant", tenant)]
        return cast(Usage, self._link.fetch("GET", "/api/usage" + query(pairs)))
