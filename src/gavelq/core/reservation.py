"""Reservations: cards that are held back for one task, and when it is to have them."""

from gavelq.core.fixed import fixed
from gavelq.core.ids import GpuUuid, TaskId


@fixed
class Reservation:
    """A promise to one pending task. Kept until it starts, ends or stops being eligible."""

    task_id: TaskId
    gpus: tuple[GpuUuid, ...] = ()
    """The cards that it is to get, as the last cycle saw it."""
    expected_at: float | None = None
    """When all of them are free at the latest, by time limits; None: a task without a limit is in the way."""
    promised_at: float | None = None
    """The earliest such time that was ever told: it starts no later while limits hold."""
    is_preempting: bool = False
    """The cards are being emptied for it."""
