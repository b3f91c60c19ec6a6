"""Events about queues."""

from collections.abc import Mapping
from dataclasses import dataclass

from gavelq.core.ids import QueueName
from gavelq.core.queue import Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCreated:
    """`queue create`, with the options that were given."""

    by: str
    name: QueueName
    options: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueChanged:
    """`queue set`, `set-limit`, `pause`, `resume`: new values for some options."""

    by: str
    name: QueueName
    options: Mapping[str, object]
    based_on: Queue | None = None
    """What was edited: another one by now is not touched. None: whichever there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDeleted:
    """`queue delete` of an empty queue; its GPUs go back to the pool."""

    by: str
    name: QueueName


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMerged:
    """`queue merge`: all tasks of `source` move; the queue and its GPUs stay."""

    by: str
    source: QueueName
    target: QueueName
