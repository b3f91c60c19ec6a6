"""Names for the identifiers that travel through the system, so that a type checker keeps them apart."""

from typing import NewType

TaskId = NewType("TaskId", int)
"""Positive, given once, never used again."""

SubmissionId = NewType("SubmissionId", int)
GpuUuid = NewType("GpuUuid", str)
"""What NVML calls the UUID of a card (`GPU-...`) or MIG device (`MIG-...`). Indices are for people."""

QueueName = NewType("QueueName", str)
BlobKey = NewType("BlobKey", str)
"""SHA-256 (hex) of a stored blob: an environment or a script's text."""

RUNNING_QUEUE = QueueName("running")
WAITING_QUEUE = QueueName("waiting")
