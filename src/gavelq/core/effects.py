"""Effects: what the loop has to do once a step is committed. Imperatives, all of them."""

from dataclasses import dataclass

from gavelq.core.fixed import fixed
from gavelq.core.ids import TaskId


@fixed
class Spawn:
    """Start this attempt of a task."""

    task_id: TaskId
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAttempt:
    """Stop an attempt: `signal` to the whole tree, the grace time, then KILL."""

    task_id: TaskId
    attempt: int
    signal: int
    delay_s: float = 0.0
    """Begin so much later: a warning was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSignal:
    """Deliver a signal to the command's process group and leave it at that."""

    task_id: TaskId
    attempt: int
    signal: int


@fixed
class Forget:
    """The attempt's result is committed: the runner may drop its files."""

    task_id: TaskId
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteToLog:
    """Append a line to a task's own log, for its owner to read."""

    task_id: TaskId
    text: str


@fixed
class Wake:
    """Ask for a scheduling cycle; many wakes make one cycle."""


@fixed
class Resample:
    """Look at the GPUs again soon: something on them just changed."""


Effect = Spawn | StopAttempt | SendSignal | Forget | WriteToLog | Wake | Resample
