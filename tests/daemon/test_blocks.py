"""How many waiting tasks each card turns away for its foreign use."""

from gavelq.core.events import QueueChanged, QueueCreated
from gavelq.core.ids import QueueName
from gavelq.daemon.service.blocks import count_blocked
from gavelq.scheduling.snapshot import take_snapshot
from tests.support.builders import GIB, World, card, process, uuid


def counts(world: World) -> dict[int, int]:
    """The counts by the card's index, after a cycle."""
    world.cycle()
    assert world.last is not None
    found = count_blocked(take_snapshot(world.state, world.policy, world.now), world.last.reasons, world.policy)
    return {number: found[uuid(number)] for number in range(world.n_cards) if uuid(number) in found}


def test_each_card_counts_the_tasks_that_it_would_serve_but_for_others() -> None:
    world = World(n_cards=3)
    world.look(card(0, process(9, 10 * GIB)), card(1, process(8, 2 * GIB)), card(2))
    for _ in range(3):
        world.submit(allowed=(uuid(0),))
    world.submit(count=3)
    world.submit(count=1, memory=20 * GIB, allowed=(uuid(0), uuid(1)))
    assert counts(world) == {0: 4, 1: 1}, "the last one has found room beside the smaller process"


def test_who_waits_for_something_else_is_not_counted() -> None:
    world = World(n_cards=2)
    world.send(QueueCreated(by="me", name=QueueName("night"), options={}))
    world.send(QueueChanged(by="me", name=QueueName("night"), options={"paused": True}))
    world.look(card(0, process(9, 1)), card(1))
    world.submit(queue=QueueName("night"))
    world.submit(allowed=(uuid(1),))
    assert counts(world) == {}
    world.submit(allowed=(uuid(1),))
    assert counts(world) == {}, "that one waits for a task of gavelq"


def test_a_card_that_has_to_settle_still_turns_tasks_away() -> None:
    world = World(n_cards=1)
    world.look(card(0, process(9, 1)))
    world.now += 1
    world.look(card(0))
    world.submit()
    assert counts(world) == {0: 1}
    world.now += 5
    assert counts(world) == {}


def test_a_card_that_is_too_busy_turns_those_away_who_mind() -> None:
    world = World(n_cards=1)
    world.look(card(0, util=80))
    world.submit(max_util=50)
    world.submit(max_util=70)
    assert counts(world) == {0: 2}
