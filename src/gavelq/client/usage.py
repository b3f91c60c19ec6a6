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
    gpu_hours: float
    idle_gpu_hours: float | None
    foreign_gpu_hours: float | None
    efficiency_percent: float | None
    n_started: int
    n_ended: int
    n_completed: int
    n_failed: int
    n_cancelled: int
    n_aborted: int
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
        by: Iterable[Literal["tenant", "queue", "day"]] = (),
        tenant: str | None = None,
    ) -> Usage:
        """GPU-hours, waits, ends and efficiency since then (default: seven days ago), split by what `by` names.

        Of one's own tenant; an admin's is of all, or of one.
        """
        pairs = [("since", written(since)), ("until", written(until)), ("by", ",".join(by) or None), ("tenant", tenant)]
        return cast(Usage, self._link.fetch("GET", "/api/usage" + query(pairs)))
