"""What a simulation found, as a table."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from gavelq.cli.output.table import Column, print_table
from gavelq.cli.output.text import safe, say
from gavelq.cli.output.times import duration
from gavelq.sim.comparing import Comparison, Result
from gavelq.sim.measures import Measures


def print_simulation(comparison: Comparison, results: Sequence[Result]) -> None:
    """One row for each policy; then, for people, what should be known of them."""
    columns = [
        Column("POLICY"), Column("JCT", is_right=True), Column("x BOUND", is_right=True),
        Column("JCT P50", is_right=True, is_spare=True), Column("JCT P95", is_right=True, is_spare=True),
        Column("WAIT", is_right=True), Column("WAIT P95", is_right=True), Column("LONGEST", is_right=True),
        Column("SLOWDOWN", is_right=True, is_spare=True), Column("MAKESPAN", is_right=True),
        Column("x BOUND", is_right=True, is_spare=True), Column("BUSY", is_right=True),
        Column("AHEAD", is_right=True, is_spare=True), Column("BROKEN", is_right=True),
        Column("PREEMPTED", is_right=True, is_optional=True, is_spare=True),
    ]  # fmt: skip
    print_table(columns, [_cells(result) for result in results])
    if sys.stdout.isatty():
        for line in _notes(comparison, results):
            say(safe(line))


def _cells(result: Result) -> list[str]:
    found = result.measures
    return [
        found.policy + (" (oracle)" if result.outcome.is_oracle else ""),
        duration(found.mean_jct_s), _times(found.ratio_mean_jct),
        duration(found.p50_jct_s), duration(found.p95_jct_s),
        duration(found.mean_wait_s), duration(found.p95_wait_s), duration(found.max_wait_s),
        _times(found.mean_bounded_slowdown), duration(found.makespan_s), _times(found.ratio_makespan),
        "-" if found.utilisation is None else f"{found.utilisation:.0%}",
        str(found.backfilled), str(found.promises_broken), str(found.preemptions or "-"),
    ]  # fmt: skip


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _notes(comparison: Comparison, results: Sequence[Result]) -> list[str]:
    notes = [f"{comparison.trace.name}: {note}" for note in comparison.trace.notes]
    if not results:
        return notes
    first: Measures = results[0].measures
    jobs = f"{first.jobs} jobs on {comparison.machine.n_gpus} GPUs"
    if first.left_out:
        jobs += f"; {first.left_out} want more than there is and were left out"
    notes.append(jobs)
    notes += [
        f"{result.outcome.policy}: broken cards cut {result.outcome.restarts} run(s) short, which began anew"
        for result in results
        if result.outcome.restarts
    ]
    notes += [
        f"{result.outcome.policy}: time limits ended {result.outcome.n_cut} job(s)"
        for result in results
        if result.outcome.n_cut
    ]
    if comparison.options.share and all(job.memory_mib is None for job in comparison.trace.jobs):
        notes.append("no job's memory is known: nobody shares a card")
    if not comparison.options.mishaps.is_quiet and any(result.outcome.policy == "srtf" for result in results):
        notes.append("srtf: its cards never break, and nobody else uses them")
    if any(result.outcome.is_oracle for result in results):
        notes.append("oracles know how long each job takes: nobody can have their figures")
    return notes
