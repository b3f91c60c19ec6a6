"""The closed lists of words."""

from typing import Literal

State = Literal["held", "pending", "starting", "running", "stopping", "completed", "failed", "cancelled", "aborted"]
MemType = Literal["ignore", "absolute", "percentage"]
Mode = Literal["single", "multi"]
IsolationLevel = Literal["visible", "watched", "device", "mps"]
