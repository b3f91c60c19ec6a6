"""What `gavelq simulate` is to run: a trace from a file, from gavelq's own history, or made up."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gavelq.cli.call import Call
from gavelq.cli.simulated_options import Kind
from gavelq.client.http import query
from gavelq.core.errors import InvalidField, NotFound, UsageError
from gavelq.core.units import parse_duration

if TYPE_CHECKING:
    from gavelq.sim.limits import Limits
    from gavelq.sim.machine import Machine
    from gavelq.sim.readers.history import Past
    from gavelq.sim.trace import Trace

_PAGE = 1000
_ENDED = ("completed", "failed", "cancelled", "aborted")
_NO_GPUS = "say which GPUs it has: --gpus 16, or --gpus 8x24GiB,2x80GiB"
_SOURCES = "name a trace, or --synthetic bursty, or --from-history 30d, or --queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What the command line says of the load; the first three exclude each other."""

    path: str | None
    synthetic: str | None
    history: str | None
    n_jobs: int
    load: str
    seed: int

    def kind(self, *, is_queue: bool) -> Kind:
        """Which one was named. `is_queue`: the live queue was. Raises UsageError unless exactly one was."""
        of: dict[Kind, bool] = {
            "trace": self.path is not None, "synthetic": self.synthetic is not None,
            "history": self.history is not None, "queue": is_queue,
        }  # fmt: skip
        named = [kind for kind, is_named in of.items() if is_named]
        if len(named) != 1:
            problem = "nothing to simulate was named" if not named else "only one thing can be simulated at a time"
            raise UsageError(problem, hint=_SOURCES)
        return named[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A trace, the machine that it is to run on, and what is known of it beside."""

    trace: Trace
    machine: Machine
    limits: Limits
    """Where nobody asked for others."""
    past: Past | None = None
    """How it went, where it is gavelq's own past."""


def read_load(call: Call, source: Source, gpus: str | None, nodes: int) -> Load:
    """Read or make it. The machine has to be named, except for the past: that ran on this one.

    Raises UsageError, InvalidField, InvalidFile, NotFound, and what the daemon answers.
    """
    from gavelq.sim.machine import parse_machine
    from gavelq.sim.readers import read_trace
    from gavelq.sim.synthetic import Recipe, as_kind, bursty

    if source.history is not None:
        return _past(call, source.history, gpus, nodes)
    if gpus is None:
        raise UsageError("no machine was named", hint=_NO_GPUS)
    machine = parse_machine(gpus, nodes=nodes)
    if source.path is not None:
        return Load(trace=read_trace(source.path), machine=machine, limits="modelled")
    as_kind(source.synthetic or "")
    recipe = Recipe(n_jobs=source.n_jobs, seed=source.seed, load=_load(source.load))
    return Load(trace=bursty(recipe, machine), machine=machine, limits="own")


def parse_part(written: str) -> float | None:
    """`80%` or `0.8`; None: neither."""
    written = written.strip()
    try:
        return float(written.removesuffix("%")) / 100 if written.endswith("%") else float(written)
    except ValueError:
        return None


def _load(written: str) -> float:
    from gavelq.sim.synthetic import LEAST_LOAD, MOST_LOAD

    part = parse_part(written)
    if part is None or not LEAST_LOAD <= part <= MOST_LOAD:
        hint = "write 1% to 1000%, such as 80% (or 0.8)"
        raise InvalidField(field="load", problem=f"{written!r:.80} is no part of the machine", hint=hint)
    return part


def _past(call: Call, span: str, gpus: str | None, nodes: int) -> Load:
    from gavelq.sim.machine import parse_machine
    from gavelq.sim.readers.history import machine_of, read_past

    seconds = parse_duration(span, field="from_history")
    since = time.time() - seconds
    own: Machine = machine_of(call.link().fetch("GET", "/api/gpus"))
    past = read_past(_ended_since(call, since), own)
    if not past.trace.jobs:
        hint = "ask for a longer time, or simulate a trace from a file"
        raise NotFound(f"no task with a GPU was submitted and has ended within the last {span}", hint=hint)
    machine = own if gpus is None else parse_machine(gpus, nodes=nodes)
    return Load(trace=past.trace, machine=machine, limits="own", past=past)


def _ended_since(call: Call, since: float) -> list[dict[str, Any]]:
    """Ended tasks that were submitted since then, by pages from the newest backwards: ids rise with submission."""
    from datetime import UTC, datetime

    from gavelq.sim.readers.history import FIELDS

    begin = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    found: list[dict[str, Any]] = []
    before: int | None = None
    while True:
        pairs = [*(("state", state) for state in _ENDED), ("before", before), ("newest", 1), ("limit", _PAGE)]
        page = call.link().fetch("GET", "/api/tasks" + query([*pairs, ("fields", ",".join(FIELDS))]))
        found += [row for row in page if row["submitted_at"] >= begin]
        if len(page) < _PAGE or min(row["submitted_at"] for row in page) < begin:
            return sorted(found, key=lambda row: row["id"])
        before = min(row["id"] for row in page)
