"""When a failed task is tried again: rules that a task, its queue and the configuration make together."""

from dataclasses import dataclass, fields, replace
from functools import lru_cache

from gavelq.core.fixed import fixed
from gavelq.core.lifecycle import EndReason

NO_LIMIT = -1
"""As a number of retries: again and again."""
MANY = 100
"""After so many failures of a task there is always a pause: each try writes a log, and no disk is endless."""
MANY_S = 1.0

DEFAULT_RETRY_ON = (
    EndReason.EXIT_NONZERO,
    EndReason.SIGNALLED,
    EndReason.OUT_OF_MEMORY_GPU,
    EndReason.OUT_OF_MEMORY_HOST,
    EndReason.NCCL_ERROR,
    EndReason.GPU_LOST,
    EndReason.LOST,
)
"""What a task that asks for retries is tried again after, unless it says so itself. Not: time limits, broken code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Pauses between tries: `first_s`, then `factor` times longer each time, at most `cap_s` (seconds)."""

    first_s: float
    factor: float = 2.0
    cap_s: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OomAction:
    """What changes after a GPU ran out of memory: the declared memory grows, or the task gets a card of its own."""

    factor: float | None = None
    is_exclusive: bool = False


@fixed
class RetryWish:
    """What one place (a task, a queue, the configuration) says about retries; None: nothing."""

    retries: int | None = None
    """Further tries; NO_LIMIT: again and again."""
    backoff: Backoff | None = None
    burst: int | None = None
    """SPEC section 6's rhythm: so many tries without a pause, then one of `backoff`, again and again."""
    on: tuple[EndReason, ...] | None = None
    on_gpu_oom: OomAction | None = None


NO_WISH = RetryWish()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRules:
    """What holds for a task, decided when it was submitted."""

    retries: int = 0
    backoff: Backoff = Backoff(first_s=10.0)
    burst: int | None = None
    on: tuple[EndReason, ...] = DEFAULT_RETRY_ON
    on_gpu_oom: OomAction = OomAction()


NO_RETRIES = RetryRules()


def is_tried_again(rules: RetryRules, reason: EndReason, n_failures: int) -> bool:
    """Whether a task that failed for this reason gets another try. `n_failures`: how often it had failed before."""
    return reason in rules.on and (rules.retries == NO_LIMIT or n_failures < rules.retries)


def pause_s(rules: RetryRules, n_failures: int, *, jitter: float, chance: float) -> float:
    """Seconds until the next try after the `n_failures`-th failure (counted from 1).

    With a burst only every so many-th failure is followed by a pause, and pauses grow from one to the next. `chance`
    (0 to 1) says how much of `jitter` (a part of the pause) is added: many that failed together come back apart.
    """
    n_pauses, rest = divmod(n_failures, rules.burst or 1)
    pause = 0.0 if rest else _grown(rules.backoff, n_pauses - 1) * (1 + jitter * chance)
    return max(pause, MANY_S if n_failures >= MANY else 0.0)


def _grown(backoff: Backoff, n_times: int) -> float:
    try:
        return min(backoff.cap_s, backoff.first_s * backoff.factor**n_times)
    except OverflowError:  # a float ends at 1e308
        return backoff.cap_s if backoff.first_s else 0.0


_MASK = (1 << 64) - 1


def chance_of(task_id: int, attempt: int) -> float:
    """A number from 0 up to 1 that is always the same for this attempt and looks like chance (splitmix64's mixing)."""
    mixed = (task_id * 0x9E3779B97F4A7C15 + attempt * 0xD1342543DE82EF95) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((mixed ^ (mixed >> 31)) >> 11) / (1 << 53)


@lru_cache(maxsize=256)  # most tasks come with the same few wishes
def resolved(*wishes: RetryWish) -> RetryRules:
    """The rules of a task: for each part the first wish that says something (task, then queue, then configuration)."""
    found: dict[str, object] = {}
    for wish in wishes:
        if wish != _NO_WISH:  # most tasks, and most queues, say nothing
            for name in _PARTS:
                value = getattr(wish, name)
                if value is not None:
                    found.setdefault(name, value)
    return replace(NO_RETRIES, **found) if found else NO_RETRIES  # type: ignore[arg-type]  # by name


_NO_WISH = RetryWish()
_PARTS = tuple(field.name for field in fields(RetryWish))
