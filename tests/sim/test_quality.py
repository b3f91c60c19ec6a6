"""How good the default policy is on real traces: nothing that is changed later may make it worse unseen."""

import pytest

from gavelq.sim.comparing import Comparison
from gavelq.sim.machine import parse_machine
from gavelq.sim.measures import Measures
from gavelq.sim.policies import named
from gavelq.sim.readers import read_trace
from tests.sim.loads import TRACES

pytestmark = pytest.mark.skipif(not TRACES.exists(), reason=f"the shared traces are not at {TRACES}")


def measured(name: str, n_gpus: int, policy: str) -> Measures:
    """A whole trace with the limits of seed 1."""
    load = read_trace(str(TRACES / f"{name}.csv.gz"))
    return Comparison(trace=load, machine=parse_machine(str(n_gpus))).run(named(policy), lambda: 0.0).measures


@pytest.mark.parametrize(("name", "n_gpus", "most"), [("ef-c10", 8, 1.55), ("ef-c05", 16, 1.30), ("ef-c05", 12, 1.37)])
def test_the_default_policy_is_near_the_bound_and_breaks_no_promise(name: str, n_gpus: int, most: float) -> None:
    found = measured(name, n_gpus, "fair")
    assert found.ratio_mean_jct is not None
    assert 1 <= found.ratio_mean_jct <= most
    assert found.promises_broken == 0


def test_the_default_policy_is_well_ahead_of_first_come_first_served_with_backfill() -> None:
    fair, fifo = measured("ef-c10", 8, "fair"), measured("ef-c10", 8, "fifo_easy")
    assert fair.mean_jct_s is not None
    assert fifo.mean_jct_s is not None
    assert fair.mean_jct_s < 0.6 * fifo.mean_jct_s
