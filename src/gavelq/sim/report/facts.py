"""What a report says about what was simulated: the trace, the machine, the limits, and what else was asked for."""

from collections import Counter
from collections.abc import Sequence

from gavelq.core.units import MiB, format_duration, format_memory
from gavelq.sim.comparing import Comparison, Result
from gavelq.sim.machine import Gpu, Machine
from gavelq.sim.report.page import Fact
from gavelq.sim.trace import Trace

_HOUR_S, _DAY_S = 3600.0, 86400.0


def title(comparison: Comparison) -> str:
    """`ef-c05 on 16 GPUs`."""
    n_gpus = comparison.machine.n_gpus
    return f"{comparison.trace.name} on {n_gpus} GPU{'s' if n_gpus != 1 else ''}"


def facts(comparison: Comparison, results: Sequence[Result], *, command: str, by: str) -> list[Fact]:
    """What has to be known to read the measures, and to get them again."""
    found = [
        ("Trace", _trace(comparison.trace)),
        ("Machine", _machine(comparison.machine)),
        ("Limits", _limits(comparison)),
    ]
    oracles = [result.outcome.policy for result in results if result.outcome.is_oracle]
    if oracles:
        found.append(("Oracles", f"{', '.join(oracles)}: know how long each job takes; nobody can have their figures"))
    found += [("Also", said) for said in _also(comparison)]
    for result in results:
        outcome = result.outcome
        if outcome.restarts:
            found.append((outcome.policy, f"broken cards cut {outcome.restarts} run(s) short, which began anew"))
        if outcome.n_cut:
            found.append((outcome.policy, f"time limits ended {outcome.n_cut} job(s)"))
    return [*found, ("Seed", str(comparison.seed)), ("Command", command), ("By", by)]


def _trace(trace: Trace) -> str:
    jobs = trace.jobs
    if not jobs:
        return f"{trace.name}: no jobs"
    gpu_s, widest = sum(job.gpu_s for job in jobs), max(job.gpus for job in jobs)
    size = f"{len(jobs):,} jobs, submitted within {format_duration(jobs[-1].submit_s - jobs[0].submit_s)}"
    amount = f"{gpu_s / _DAY_S:,.1f} GPU-days" if gpu_s > 3 * _DAY_S else f"{gpu_s / _HOUR_S:,.1f} GPU-hours"
    work = f"{amount} of work, at most {widest} GPU{'s' if widest != 1 else ''} a job"
    return "; ".join([f"{trace.name}: {size}, {work}", *trace.notes])


def _machine(machine: Machine) -> str:
    nodes: dict[int, list[Gpu]] = {}
    for gpu in machine.gpus:
        nodes.setdefault(gpu.node, []).append(gpu)
    one = Counter(gpu.memory for gpu in nodes[min(nodes)])
    cards = ", ".join(f"{n} GPU{'s' if n != 1 else ''} of {format_memory(MiB(memory))}" for memory, n in one.items())
    return cards if len(nodes) == 1 else f"{len(nodes)} nodes, each with {cards}; a job runs within one"


def _limits(comparison: Comparison) -> str:
    match comparison.limits:
        case "own":
            return "as the trace has them"
        case "none":
            return "none: nobody says how long a job takes"
        case "exact":
            return "exact: each job's limit is the time that it takes"
        case "modelled":
            rungs = "15 or 30 min, 1, 2, 4, 8, 12, 24 or 48 h, or whole days"
            return f"modelled where the trace has none: duration x U(1, 5), rounded up to {rungs}"


def _also(comparison: Comparison) -> list[str]:
    options = comparison.options
    found = []
    if options.share:
        found.append("jobs whose memory is known share cards")
    if options.weights:
        found.append(
            "weights of tenants: " + ", ".join(f"{name} {weight:g}" for name, weight in options.weights.items())
        )
    mishaps = options.mishaps
    if mishaps.mtbf_s is not None:
        mean, away = format_duration(mishaps.mtbf_s), format_duration(mishaps.repair_s)
        found.append(f"a card breaks every {mean} on average, and is away for {away}")
    if mishaps.foreign:
        found.append(
            f"others use each card for {mishaps.foreign:.0%} of the time, {format_duration(mishaps.visit_s)} at once"
        )
    return found
