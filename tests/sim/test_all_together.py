"""Everything at once: sharing, elastic jobs, cards of several kinds, nodes, faults, visitors; and what always holds."""

from collections.abc import Mapping
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from gavelq.sim.comparing import Comparison, Result
from gavelq.sim.faults import Mishaps
from gavelq.sim.limits import LIMITS, Limits
from gavelq.sim.machine import Machine, parse_machine
from gavelq.sim.outcome import Run
from gavelq.sim.policies import NAMES, named
from gavelq.sim.simulator import Options
from gavelq.sim.trace import Job, Trace
from tests.sim.loads import job, trace

QUIET = Mishaps()
ROUNDING = 1e-8
"""The simulator's times are exact to half a billionth of a second, and these jobs last a second or nothing."""


def _job(row: int, at: float, length: float, gpus: int, spare: int | None, more: Mapping[str, object]) -> Job:
    return job(row, at, length, gpus, max_gpus=gpus + spare if spare else None, **more)


ROWS = st.tuples(
    st.integers(0, 60) | st.floats(0, 60), st.integers(0, 40) | st.floats(1, 40), st.integers(1, 4),
    st.none() | st.integers(1, 3),
    st.fixed_dictionaries({
        "limit_s": st.none() | st.integers(1, 80).map(float),
        "memory_mib": st.sampled_from((None, None, 1000, 9000, 30_000)), "tenant": st.sampled_from("ab"),
        "utilization": st.sampled_from((None, 10.0, 55.5, 100.0)),
    }),
)  # fmt: skip
TRACES = st.lists(ROWS, min_size=1, max_size=12).map(lambda rows: trace(*(_job(n, *row) for n, row in enumerate(rows))))
MACHINES = st.builds(
    lambda gpus, nodes: parse_machine(gpus, nodes=nodes),
    st.sampled_from(("1", "4", "2x24GiB,2x80GiB", "1x10GiB,1x24GiB")), st.sampled_from((1, 1, 2)),
)  # fmt: skip
MISHAPS = st.sampled_from((QUIET, QUIET, Mishaps(mtbf_s=40.0, repair_s=5.0, foreign=0.3, visit_s=10.0)))


@given(TRACES, MACHINES, st.booleans(), MISHAPS, st.sampled_from(LIMITS), st.sampled_from(NAMES))
@settings(max_examples=60, deadline=None)
def test_all_jobs_run_where_they_may_nobody_beats_the_bounds_and_promises_hold(
    load: Trace, machine: Machine, share: bool, mishaps: Mishaps, limits: Limits, policy: str
) -> None:
    options = Options(share=share, weights={"a": 2.0}, mishaps=mishaps)
    comparison = Comparison(trace=load, machine=machine, limits=limits, options=options)
    found = comparison.run(named(policy), lambda: 0.0)
    _judge(found, load, machine)
    if mishaps is QUIET:
        assert found.measures.promises_broken == 0
    for one, other in combinations(found.outcome.runs, 2):
        assert _get_along(one, other, machine, share=share), (one, other)


def _judge(found: Result, load: Trace, machine: Machine) -> None:
    measures = found.measures
    assert measures.jobs + measures.left_out == len(load.jobs)
    assert measures.ratio_mean_jct is None or measures.ratio_mean_jct >= 1 - ROUNDING
    assert measures.ratio_makespan is None or measures.ratio_makespan >= 1 - ROUNDING
    assert measures.utilisation is None or 0 <= measures.utilisation <= 1 + 1e-9
    for run in found.outcome.runs:
        assert run.start_s >= run.job.submit_s - 1e-9
        cards = [machine.gpus[card] for card in run.cards]
        assert len({card.node for card in cards}) <= 1
        assert all(card.memory >= (run.job.memory_mib or 0) for card in cards)


def _get_along(one: Run, other: Run, machine: Machine, *, share: bool) -> bool:
    """Whether two jobs were never on one card at once, or may have been."""
    both = set(one.cards) & set(other.cards)
    if not both or one.end_s <= other.start_s + 1e-6 or other.end_s <= one.start_s + 1e-6:
        return True
    if not share or one.job.memory_mib is None or other.job.memory_mib is None:
        return one.start_s == one.end_s or other.start_s == other.end_s
    return all(one.job.memory_mib + other.job.memory_mib <= machine.gpus[card].memory for card in both)
