"""Named tasks that run in a world without I/O, and what was seen and learned of them."""

from typing import Any

from gavelq.core.gpu import CardSample
from gavelq.core.ids import TaskId
from gavelq.core.learned import Learned
from gavelq.core.task import Attempt
from tests.support.builders import World, card


def begun(world: World, **given: Any) -> TaskId:
    """A named task that runs, just now."""
    task_id = world.submit(**{"name": "train", "is_named": True, **given})
    world.look(*(card(number) for number in range(world.n_cards)))
    assert world.run_all() == [task_id]
    return task_id


def seen(world: World, *cards: CardSample, after_s: float = 3.0) -> None:
    """A look, so many seconds later."""
    world.now += after_s
    world.look(*cards)


def attempt_of(world: World, task_id: TaskId) -> Attempt:
    task = world.gone.get(task_id) or world.task(task_id)
    assert task.attempt is not None
    return task.attempt


def known(world: World, key: str = "me/train") -> Learned:
    return world.state.learned[key]


def run_through(world: World, seconds: float, exit_code: int = 0, **given: Any) -> TaskId:
    task_id = begun(world, **given)
    world.now += seconds
    world.ended(task_id, exit_code)
    return task_id
