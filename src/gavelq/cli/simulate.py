"""`gavelq simulate`: the scheduler over a trace, in virtual time."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from gavelq.cli.base import Command, Count, pass_call
from gavelq.cli.call import Call
from gavelq.cli.forecasting import Wish, forecast_queue
from gavelq.cli.output.document import print_document
from gavelq.cli.simulated_elsewhere import simulate_with
from gavelq.cli.simulated_load import Load, Source, parse_part, read_load
from gavelq.cli.simulated_options import require_fitting
from gavelq.cli.simulated_policies import daemon_settings, read_policies
from gavelq.core.errors import InvalidField
from gavelq.core.units import parse_duration

if TYPE_CHECKING:
    from gavelq.sim.comparing import Comparison, Result
    from gavelq.sim.faults import Mishaps
    from gavelq.sim.policies import NamedPolicy
    from gavelq.sim.trace import Trace

_NODES = Count(1, 1024)
_SEED = Count(0, 2**63)
_JOBS = Count(1, 10_000_000)
_HOURS = Count(1, 720)
_MOST_FOREIGN = 0.95
_SHOWN = 10
"""Tenants that a message lists."""


@click.command("simulate", cls=Command)
@click.argument("trace", metavar="[TRACE]", required=False)
@click.option("--synthetic", metavar="KIND", help="Make a load up instead: bursty, like the shipped traces.")
@click.option("--jobs", "n_jobs", type=_JOBS, default=1000, metavar="N", help="So many jobs of it.")
@click.option("--load", default="80%", metavar="PART", help="So much of the machine it asks for.")
@click.option("--from-history", metavar="TIME", help="Tasks of the last days here instead: 30d.")
@click.option("--queue", "is_queue", is_flag=True, help="Forecast what waits at the daemon now instead.")
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE",
    help="Another constant: scheduling.ageing_s=7d. With --queue: the forecast under other settings, too.",
)  # fmt: skip
@click.option("--hours", type=_HOURS, default=None, metavar="N", help="With --queue: so far ahead; 24 unless given.")
@click.option("--assume", metavar="TIME", help="With --queue: tasks of unknown length take so long.")
@click.option("--gpus", metavar="GPUS", help="The machine: 16, or 8x24GiB,2x80GiB.")
@click.option("--nodes", type=_NODES, default=1, metavar="N", help="So many such machines; a job runs within one.")
@click.option(
    "--policy", "policies", metavar="NAMES",
    help="One policy or several: fair,fifo,sjf. Unless given fair; with --from-history the daemon's own.",
)  # fmt: skip
@click.option("--backfill", type=click.Choice(("easy", "skip", "none")), help="Who goes ahead of those that wait.")
@click.option(
    "--limits", type=click.Choice(("modelled", "none", "exact", "own")), default=None,
    help="Time limits: modelled where the trace tells none (so unless it is the past), or own, none, exact.",
)  # fmt: skip
@click.option("--seed", type=_SEED, default=1, metavar="S", help="Of everything that is drawn by chance.")
@click.option("--share", is_flag=True, help="Jobs whose memory the trace tells may share cards.")
@click.option("--weights", metavar="T=W,...", help="Weights of tenants in fair share: ada=2,bob=1.")
@click.option("--mtbf", metavar="TIME", help="Cards break: the mean time between two faults of one, such as 30d.")
@click.option("--repair", metavar="TIME", default="4h", help="How long a broken card is away on average.")
@click.option("--foreign", metavar="PERCENT", help="Others use each card for this part of the time, such as 10%.")
@click.option("--plot", metavar="FILE", help="Draw charts over time and waiting times: FILE.svg or FILE.png.")
@click.option("--report", metavar="FILE", help="Write all of it as one page: FILE.html.")
@click.option("--python", metavar="FILE", help="Simulate with this interpreter: pypy3 is much faster on many jobs.")
@pass_call
def simulate(
    call: Call, trace: str | None, synthetic: str | None, n_jobs: int, load: str, from_history: str | None,
    is_queue: bool, changes: tuple[str, ...], hours: int | None, assume: str | None, gpus: str | None, nodes: int,
    policies: str | None, backfill: str | None, limits: str | None, seed: int, share: bool, weights: str | None,
    mtbf: str | None, repair: str, foreign: str | None, plot: str | None, report: str | None, python: str | None,
) -> int:  # fmt: skip
    """Run the scheduler over a trace, and tell how its jobs would have fared.

    TRACE is a CSV file with the columns submit_s, duration_s, gpus, or a log in the Standard Workload Format (.swf),
    plain or compressed. The policies are fair (what
    the daemon does unless told otherwise), fifo (strict), fifo_skip, fifo_easy, largest_first, smallest_first, and the
    oracles sjf and srtf, which know how long each job takes. JCT is the time from a job's submission to its end.
    """
    from gavelq.cli import drawing
    from gavelq.cli.output.simulation import print_simulation
    from gavelq.sim.comparing import Comparison
    from gavelq.sim.limits import as_limits
    from gavelq.sim.simulator import Options

    source = Source(path=trace, synthetic=synthetic, history=from_history, n_jobs=n_jobs, load=load, seed=seed)
    require_fitting(click.get_current_context(), source.kind(is_queue=is_queue))
    if python is not None:
        simulate_with(python)
    drawing.check(plot, report, is_queue=is_queue)
    if is_queue:
        return forecast_queue(call, Wish(changes=changes, hours=hours, assume=assume))
    own = daemon_settings(call) if from_history is not None else None
    chosen = read_policies(policies, backfill, changes, own)
    mishaps = _mishaps(mtbf, repair, foreign, seed)
    found = read_load(call, source, gpus, nodes)
    options = Options(
        share=share or (found.past is not None and found.past.is_shared), weights=_weights(weights, found.trace),
        mishaps=mishaps,
    )  # fmt: skip
    comparison = Comparison(
        trace=found.trace, machine=found.machine, limits=found.limits if limits is None else as_limits(limits),
        seed=seed, options=options,
    )  # fmt: skip
    results = [*_reality(found), *(_run(comparison, one) for one in chosen)]
    if call.is_json:
        print_document([asdict(result.measures) for result in results])
    else:
        print_simulation(comparison, results)
    drawing.draw(comparison, results, plot=plot, report=report)
    return 0


def _reality(load: Load) -> list[Result]:
    """How it went, beside what would have been; the bounds are those of the machine that it ran on."""
    from gavelq.sim.bounds import bounds
    from gavelq.sim.comparing import Result
    from gavelq.sim.measures import measure

    past = load.past
    if past is None:
        return []
    bound = bounds(past.trace.jobs, past.machine)
    return [Result(outcome=past.outcome, measures=measure(past.outcome, bound, None))]


def _run(comparison: Comparison, policy: NamedPolicy) -> Result:
    from gavelq.cli.output.progress import Bar

    bar = Bar(policy.name)
    try:
        # Processor time: what else goes on on the machine says nothing about the simulator.
        return comparison.run(policy, time.process_time, bar.show)
    finally:
        bar.clear()


def _weights(written: str | None, trace: Trace) -> dict[str, float]:
    tenants = sorted({job.tenant for job in trace.jobs}) if written else []
    found: dict[str, float] = {}
    for part in (written or "").split(","):
        if not part.strip():
            continue
        name, sign, value = part.partition("=")
        number = _number(value)
        if not sign or not name.strip() or number is None or not 0.001 <= number <= 1000:
            problem = f"{part.strip()!r:.80} is no tenant with its weight (0.001 to 1000)"
            raise InvalidField(field="weights", problem=problem, hint="write for example ada=2,bob=1")
        if name.strip() not in tenants:
            hint = "its tenants are " + ", ".join(tenants[:_SHOWN]) + (" ..." if len(tenants) > _SHOWN else "")
            raise InvalidField(field="weights", problem=f"no job belongs to {name.strip()!r:.80}", hint=hint)
        if name.strip() in found:
            raise InvalidField(field="weights", problem=f"{name.strip()!r:.80} is given twice", hint="give it once")
        found[name.strip()] = number
    return found


def _mishaps(mtbf: str | None, repair: str, foreign: str | None, seed: int) -> Mishaps:
    from gavelq.sim.faults import Mishaps

    part = 0.0
    if foreign is not None:
        number = parse_part(foreign)
        if number is None or not 0 <= number <= _MOST_FOREIGN:
            hint = "write 0% to 95%, such as 10% (or 0.1)"
            raise InvalidField(field="foreign", problem=f"{foreign!r:.80} is no part of the time", hint=hint)
        part = number
    return Mishaps(
        mtbf_s=None if mtbf is None else parse_duration(mtbf, field="mtbf"),
        repair_s=parse_duration(repair, field="repair"), foreign=part, seed=seed,
    )  # fmt: skip


def _number(written: str) -> float | None:
    try:
        return float(written)
    except ValueError:
        return None
