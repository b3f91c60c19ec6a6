"""`gavelq simulate`: the scheduler over a trace, in virtual time."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from gavelq.cli.base import Command, Count, pass_call
from gavelq.cli.call import Call
from gavelq.cli.output.document import print_document
from gavelq.core.errors import InvalidField, UsageError
from gavelq.core.units import parse_duration

if TYPE_CHECKING:
    from gavelq.sim.comparing import Comparison, Result
    from gavelq.sim.faults import Mishaps
    from gavelq.sim.policies import NamedPolicy

_NODES = Count(1, 1024)
_SEED = Count(0, 2**63)


@click.command("simulate", cls=Command)
@click.argument("trace", metavar="TRACE")
@click.option("--gpus", metavar="GPUS", help="The machine: 16, or 8x24GiB,2x80GiB.")
@click.option("--nodes", type=_NODES, default=1, metavar="N", help="So many such machines; a job runs within one.")
@click.option("--policy", "policies", default="fair", metavar="NAMES", help="One policy or several: fair,fifo,sjf.")
@click.option("--backfill", type=click.Choice(("easy", "skip", "none")), help="Who goes ahead of those that wait.")
@click.option(
    "--limits", type=click.Choice(("modelled", "none", "exact")), default="modelled",
    help="Time limits of jobs whose trace tells none.",
)  # fmt: skip
@click.option("--seed", type=_SEED, default=1, metavar="S", help="Of everything that is drawn by chance.")
@click.option("--share", is_flag=True, help="Jobs whose memory the trace tells may share cards.")
@click.option("--weights", metavar="T=W,...", help="Weights of tenants in fair share: ada=2,bob=1.")
@click.option("--mtbf", metavar="TIME", help="Cards break: the mean time between two faults of one, such as 30d.")
@click.option("--repair", metavar="TIME", default="4h", help="How long a broken card is away on average.")
@click.option("--foreign", metavar="PERCENT", help="Others use each card for this part of the time, such as 10%.")
@pass_call
def simulate(
    call: Call, trace: str, gpus: str | None, nodes: int, policies: str, backfill: str | None, limits: str, seed: int,
    share: bool, weights: str | None, mtbf: str | None, repair: str, foreign: str | None,
) -> int:  # fmt: skip
    """Run the scheduler over a trace, and tell how its jobs would have fared.

    TRACE is a CSV file with the columns submit_s, duration_s, gpus, plain or compressed. The policies are fair (what
    the daemon does unless told otherwise), fifo (strict), fifo_skip, fifo_easy, largest_first, smallest_first, and the
    oracles sjf and srtf, which know how long each job takes. JCT is the time from a job's submission to its end.
    """
    from gavelq.cli.output.simulation import print_simulation
    from gavelq.sim.comparing import Comparison
    from gavelq.sim.limits import as_limits
    from gavelq.sim.machine import parse_machine
    from gavelq.sim.readers import read_trace
    from gavelq.sim.simulator import Options

    if gpus is None:
        raise UsageError("no machine was named", hint="say which GPUs it has: --gpus 16, or --gpus 8x24GiB,2x80GiB")
    chosen = _policies(policies, backfill)
    mishaps = _mishaps(mtbf, repair, foreign, seed)
    machine = parse_machine(gpus, nodes=nodes)
    options = Options(share=share, weights=_weights(weights), mishaps=mishaps)
    comparison = Comparison(
        trace=read_trace(trace), machine=machine, limits=as_limits(limits), seed=seed, options=options
    )
    results = [_run(comparison, one) for one in chosen]
    if call.is_json:
        print_document([asdict(result.measures) for result in results])
    else:
        print_simulation(comparison, results)
    return 0


def _run(comparison: Comparison, policy: NamedPolicy) -> Result:
    from gavelq.cli.output.progress import Bar

    bar = Bar(policy.name)
    try:
        # Processor time: what else goes on on the machine says nothing about the simulator.
        return comparison.run(policy, time.process_time, bar.show)
    finally:
        bar.clear()


def _policies(written: str, backfill: str | None) -> list[NamedPolicy]:
    from gavelq.sim.policies import as_backfill, named

    names = [name.strip() for name in written.split(",") if name.strip()]
    if not names:
        raise InvalidField(field="policy", problem="no policy was named", hint="write for example --policy fair,fifo")
    own = None if backfill is None else as_backfill(backfill)
    found = {policy.name: policy for policy in (named(name, backfill=own) for name in names)}
    return list(found.values())


def _weights(written: str | None) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in (written or "").split(","):
        if not part.strip():
            continue
        name, sign, value = part.partition("=")
        number = _number(value)
        if not sign or not name.strip() or number is None or not 0.001 <= number <= 1000:
            problem = f"{part.strip()!r:.80} is no tenant with its weight (0.001 to 1000)"
            raise InvalidField(field="weights", problem=problem, hint="write for example ada=2,bob=1")
        found[name.strip()] = number
    return found


def _mishaps(mtbf: str | None, repair: str, foreign: str | None, seed: int) -> Mishaps:
    from gavelq.sim.faults import Mishaps

    part = 0.0
    if foreign is not None:
        number = _number(foreign.strip().removesuffix("%"))
        if number is None or not 0 <= number <= 95:
            problem = f"{foreign!r:.80} is no part of the time"
            raise InvalidField(field="foreign", problem=problem, hint="write a percentage from 0 to 95, such as 10%")
        part = number / 100
    return Mishaps(
        mtbf_s=None if mtbf is None else parse_duration(mtbf, field="mtbf"),
        repair_s=parse_duration(repair, field="repair"), foreign=part, seed=seed,
    )  # fmt: skip


def _number(written: str) -> float | None:
    try:
        return float(written)
    except ValueError:
        return None
