"""Memory without a visible process on a card on which tasks of ours end one soon after the other."""

from tests.support.builders import GIB, World, card


def fill_while_held() -> World:
    """A task runs on the only card, fifty more wait, and 20 GiB appear that no visible process accounts for."""
    world = World(n_cards=1)
    first = world.submit()
    world.run_all()
    for _ in range(50):
        world.submit()
    world.now += 30
    world.look(card(0, used=20 * GIB))
    world.ended(first)
    return world


def fail_one_after_the_other(world: World, used: int) -> int:
    """Each task that starts fails half a second later; how many did within a minute."""
    n_failed = 0
    for _ in range(120):
        started = world.run_all()
        world.now += 0.5
        world.look(card(0, used=used))
        for task_id in started:
            world.ended(task_id, exit_code=1)
            n_failed += 1
    return n_failed


def test_what_a_task_left_keeps_nobody_waiting() -> None:
    world = fill_while_held()
    assert len(world.cycle()) == 1, "a container's memory may be in the look that was taken before its end"


def test_a_card_that_somebody_filled_does_not_eat_one_task_after_the_other() -> None:
    world = fill_while_held()
    n_failed = fail_one_after_the_other(world, used=20 * GIB)
    assert n_failed < 25, "it is not theirs: it was there for ten seconds, whoever came and went"
    last = next(iter(world.state.pending.ids()))
    world.cycle()
    assert world.reason(last) == "gpu_unavailable"


def test_short_tasks_that_leave_nothing_follow_each_other_at_once() -> None:
    world = fill_while_held()
    assert fail_one_after_the_other(world, used=0) == 50
