"""Why a task waits: data first, words second."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import Any

from gavelq.core.fixed import fixed


class Reason(StrEnum):
    """Pending reasons by precedence: the first that blocks is shown, `task why` shows all."""

    QUEUE_PAUSED = "queue_paused"
    BEGIN_TIME = "begin_time"
    DEPENDENCY = "dependency"
    BACKOFF = "backoff"
    INFEASIBLE = "infeasible"
    QUEUE_LIMIT = "queue_limit"
    TENANT_QUOTA = "tenant_quota"
    ARRAY_LIMIT = "array_limit"
    TASK_LIMIT = "task_limit"
    GPU_BUDGET = "gpu_budget"
    GPU_UNAVAILABLE = "gpu_unavailable"
    GPU_BUSY = "gpu_busy"
    GPU_MEMORY = "gpu_memory"
    GPU_COUNT = "gpu_count"
    GPU_SAMPLING = "gpu_sampling"
    SERIAL = "serial"
    PRIORITY = "priority"
    DEPTH = "depth"


@fixed
class Blocked:
    """One gate's no: the reason, a sentence with its numbers, and the same numbers as data."""

    reason: Reason
    words: str | Callable[[], str] = field(compare=False)
    """The sentence, or how to make it: a cycle finds thousands of reasons, and people read a few."""
    details: Mapping[str, Any] = field(default_factory=dict)
    causes: Callable[[], Sequence[Mapping[str, Any]]] | None = field(default=None, compare=False)
    """How to find what keeps single cards out, as data: the same as in the sentence, and made as seldom."""

    @property
    def text(self) -> str:
        """The sentence."""
        return self.words if isinstance(self.words, str) else self.words()

    @property
    def told(self) -> Mapping[str, Any]:
        """The details as they are shown: with `causes`, where cards are in the way."""
        return self.details if self.causes is None else {**self.details, "causes": self.causes()}
