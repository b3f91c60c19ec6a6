"""How many cards an elastic task takes: what is free, less what it leaves; more who wait behind it never raise that."""

import hypothesis.strategies as st
from hypothesis import given

from gavelq.core import events as ev
from gavelq.core.ids import QueueName
from gavelq.scheduling.policy import Policy
from tests.properties.phases import examples
from tests.support.builders import World

HELD_UP = QueueName("paused")
BEHIND = st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=5)
"""Those behind it: how many cards each needs, and whether its queue is paused."""


def taken(n_free: int, least: int, most: int, left: int | None, behind: list[tuple[int, bool]]) -> int:
    """How many cards an elastic task gets; 0: it does not start."""
    world = World(n_cards=n_free, policy=Policy(order="fifo", max_cpu_tasks=0))
    world.send(ev.QueueCreated(by="me", name=HELD_UP, options={"paused": True}))
    task_id = world.submit(count=least, max_count=most, gpu_left=left, priority=1, allow_infeasible=True)
    for count, is_paused in behind:
        queue = HELD_UP if is_paused else QueueName("running")
        world.submit(count=count, queue=queue, allow_infeasible=True)
    world.cycle()
    return len(world.task(task_id).held_gpus)


@examples(150)
@given(st.integers(1, 6), st.integers(1, 3), st.integers(0, 4), st.sampled_from([None, None, 0, 1, 3]), BEHIND)
def test_an_elastic_task_takes_what_the_formula_says(
    n_free: int, least: int, more: int, left: int | None, behind: list[tuple[int, bool]]
) -> None:
    demand = sum(count for count, is_paused in behind if not is_paused and count <= n_free)
    leaves = demand if left is None else left
    expected = min(least + more, max(least, n_free - leaves)) if least <= n_free else 0
    assert taken(n_free, least, least + more, left, behind) == expected


@examples(100)
@given(st.integers(1, 6), st.integers(1, 3), st.integers(0, 4), BEHIND, st.integers(0, 3))
def test_more_who_wait_behind_never_raise_what_an_elastic_task_takes(
    n_free: int, least: int, more: int, behind: list[tuple[int, bool]], another: int
) -> None:
    alone = taken(n_free, least, least + more, None, behind)
    assert taken(n_free, least, least + more, None, [*behind, (another, False)]) <= alone
