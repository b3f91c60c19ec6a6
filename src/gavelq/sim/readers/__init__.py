"""Traces from files."""

from gavelq.core.errors import NotFound
from gavelq.sim.readers import csv_file, swf
from gavelq.sim.trace import Trace


def read_trace(path: str) -> Trace:
    """Read a trace, by the name of its file. Raises NotFound, InvalidFile."""
    try:
        return swf.read(path) if path.lower().endswith((".swf", ".swf.gz")) else csv_file.read(path)
    except OSError as error:
        hint = "name a trace: a CSV file or a .swf log, plain or compressed (.gz)"
        raise NotFound(f"the trace {path} cannot be read: {error.strerror}", hint=hint) from None
