"""Full machines and more urgent tasks: who is stopped may be, is needed, and is not stopped in vain."""

from functools import partial
from random import Random

import hypothesis.strategies as st
from hypothesis import given

from gavelq.core import events as ev
from gavelq.core.ids import QueueName
from gavelq.core.lifecycle import TaskState
from gavelq.scheduling.policy import Policy
from tests.properties import lives
from tests.properties.lives import CHANCE
from tests.properties.machine import Machine
from tests.properties.phases import examples
from tests.support.builders import World, uuid

POLICIES = st.sampled_from(
    [
        Policy(preemption=True, min_run_s=1.0),
        Policy(preemption=True, min_run_s=1.0, max_per_gpu=3, unknown_utilization=30),
        Policy(preemption=True, min_run_s=1.0, min_levels=1, order="fifo", max_gpu=4),
        Policy(min_run_s=1.0),
    ]
)
OWNER = QueueName("a")


def fill(machine: Machine, chance: Random) -> None:
    """Tasks that may be stopped, most of them, on all cards; some of them are guests."""
    for _ in range(12):
        wishes = lives.wishes(chance) | {"queue": QueueName("running"), "hold": False, "priority": chance.randrange(4)}
        machine.hand_in(**wishes | {"preemptible": chance.random() < 0.8})
        begin(machine)
    machine.pass_time(chance.choice([0.5, 1.0, 2.0]))


def begin(machine: Machine) -> None:
    """A cycle, and what it placed starts."""
    machine.cycle()
    for task in [task for task in machine.state.holding.values() if task.state is TaskState.STARTING]:
        machine.take(partial(World.started, task_id=task.id))


@examples(60)
@given(POLICIES, CHANCE)
def test_whoever_is_stopped_may_be_and_is_needed_and_the_other_one_starts(policy: Policy, chance: Random) -> None:
    machine = Machine(policy)
    machine.send(ev.QueueCreated(by="me", name=OWNER, options={"lend": True}))
    owned = tuple(uuid(number) for number in range(chance.choice([0, 0, 2, 3])))
    if owned:
        machine.send(ev.GpusAllocated(by="me", queue=OWNER, gpus=owned))
    fill(machine, chance)
    for _ in range(4):
        queue = OWNER if owned and chance.random() < 0.5 else QueueName("running")
        wishes = lives.wishes(chance) | {"queue": queue, "hold": False, "priority": chance.randrange(2, 9)}
        machine.hand_in(**wishes)
        begin(machine)
        machine.pass_time(chance.choice([0.0, 1.0, 15.0]))
        for task in [task for task in machine.state.holding.values() if task.state is TaskState.STOPPING]:
            if chance.random() < 0.5:
                machine.end(task, None, 15, "stopped")
        begin(machine)
        machine.check()
