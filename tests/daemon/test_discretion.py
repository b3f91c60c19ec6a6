"""What is told of others' tasks, in words."""

import pytest

from gavelq.daemon.caller import Caller
from gavelq.daemon.discretion import Discretion
from tests.support.builders import World

NEEDS = "needs 4 GPU(s), 0 would do now: "


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("held by task 1 (2 GPUs); held by task 2", "held by other tenants' tasks (3 GPUs)"),
        ("held by task 3; held by task 1; held by task 2", "held by task 3; held by other tenants' tasks (2 GPUs)"),
        ("held by task 1 (2 GPUs); ignored; and 2 more", "held by another tenant's task (2 GPUs); ignored; and 2 more"),
    ],
)
def test_causes_that_differed_in_others_ids_alone_are_told_once(words: str, told: str) -> None:
    world = World()
    for tenant in ("bob", "bob", "ada"):
        world.submit(tenant=tenant)
    assert Discretion(Caller(name="ada", tenant="ada"), world.state.tasks).text(NEEDS + words) == NEEDS + told
