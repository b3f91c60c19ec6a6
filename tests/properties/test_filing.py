"""Command files alone: lanes stay lanes, whoever is killed, held, removed, fails or is edited away."""

from functools import partial
from random import Random

from hypothesis import given

from gavelq.core import events as ev
from gavelq.core.ids import TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.task import Task
from gavelq.scheduling.policy import Policy
from tests.properties import filing
from tests.properties.lanes import lane_of, place_of
from tests.properties.lives import CHANCE
from tests.properties.machine import Machine
from tests.properties.phases import examples
from tests.support.builders import World


def act(machine: Machine, chance: Random) -> None:
    """Something happens to one of the tasks, or to a whole file."""
    tasks = list(machine.state.tasks.values())
    if not tasks or chance.random() < 0.1:
        filing.hand_in(machine, chance)
        return
    if chance.random() < 0.2:
        filing.edit(machine, chance.randrange(9), chance)
        return
    task = chance.choice(tasks)
    if task.state is TaskState.STARTING:
        machine.take(partial(World.started, task_id=task.id))
    elif task.state.holds_gpus:
        cause = chance.choice(["exited", "exited", "lost"]) if task.stop is None else "stopped"
        machine.end(task, chance.choice([0, 0, 1]), None, cause)
    else:
        events: list[ev.Event] = [
            ev.TaskKilled(by="me", task_id=task.id, signal=15, is_ending=True),
            ev.TaskHeld(by="me", task_id=task.id),
            ev.TaskReleased(by="me", task_id=task.id),
            ev.TaskRemoved(by="me", task_id=task.id),
        ]
        machine.send(chance.choice(events))


def check_that_broken_lanes_are_over(machine: Machine, before: dict[TaskId, Task]) -> None:
    """Where a task of a strict lane failed in the last step, nobody who stood behind it is left."""
    for number, task in before.items():
        after = machine.world.gone.get(task.id)
        lane = task.request.lane
        if after is None or lane is None or not lane.is_strict:
            continue
        if after.state in (TaskState.FAILED, TaskState.ABORTED):
            left = [
                one.id
                for one in machine.state.tasks.values()
                if one.submission_id == task.submission_id and lane_of(one) == lane.lane and one.id in before
                if place_of(before[one.id]) > lane.at
            ]
            assert not left, f"task {number} failed, and {left} are left"


@examples(80)
@given(CHANCE)
def test_lanes_stay_lanes(chance: Random) -> None:
    machine = Machine(Policy())
    filing.hand_in(machine, chance)
    for _ in range(40):
        before = dict(machine.state.tasks)
        act(machine, chance)
        check_that_broken_lanes_are_over(machine, before)
        machine.check()
        if chance.random() < 0.5:
            machine.pass_time(chance.choice([0.0, 1.0, 10.0]))
            machine.take(lambda world: world.cycle())
            machine.check()
