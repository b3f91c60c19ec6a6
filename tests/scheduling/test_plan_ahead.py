"""The next hours card by card: running tasks, reservations, what is expected to follow, and what keeps a card out."""

from math import inf

from gavelq.core import events as ev
from gavelq.core.gpu import GpuState
from gavelq.core.ids import QueueName, TaskId
from gavelq.core.learned import Learned, name_key
from gavelq.core.pending import shape_of
from gavelq.core.step import Changes
from gavelq.scheduling.forecast import Forecast, forecast
from gavelq.scheduling.plan_ahead import MAX_PENDING, Expected, Following, PlanAhead, Span, plan_ahead
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.snapshot import take_snapshot
from tests.support.builders import World, card, process, uuid

FIFO = Policy(order="fifo", grace_s=0, allowance_s=0)
HOUR = 3600.0


def machine(n_cards: int = 1) -> World:
    return World(n_cards=n_cards, policy=FIFO)


def ahead(world: World) -> PlanAhead:
    snapshot = take_snapshot(world.state, world.policy, world.now)
    states = {one: view.state(world.state.cards[one], len(view.held)) for one, view in snapshot.gpus.items()}
    return plan_ahead(snapshot, world.policy, states)


def spans(world: World, number: int = 0) -> list[tuple[str, int | None, float, float]]:
    """Kind, task, and start and end from now in hours."""
    found = ahead(world).cards[uuid(number)].spans
    return [(one.kind, one.task_id, (one.start - world.now) / HOUR, (one.end - world.now) / HOUR) for one in found]


def following(world: World, number: int = 0) -> Following:
    return ahead(world).cards[uuid(number)].following


def expected(world: World, task_id: TaskId) -> Expected:
    return next(one for one in ahead(world).pending if one.task_id == task_id)


def test_running_tasks_stand_until_their_limit_and_without_one_for_ever() -> None:
    world = machine(2)
    limited, endless = world.submit(time_limit_s=HOUR), world.submit()
    world.run_all()
    world.now += HOUR / 2
    world.look(card(0), card(1))
    assert spans(world, 0) == [("running", limited, -0.5, 0.5)]
    assert spans(world, 1) == [("running", endless, -0.5, inf)]
    assert following(world, 0) == Following(kind="ends", task_id=limited, at=world.now + HOUR / 2)
    assert following(world, 1) == Following(kind="ends", task_id=endless, at=inf)


def test_those_that_wait_follow_in_their_order_on_the_card_that_is_free_soonest() -> None:
    world = machine(2)
    first, second = world.submit(time_limit_s=HOUR), world.submit(time_limit_s=3 * HOUR)
    world.run_all()
    third, fourth = world.submit(time_limit_s=HOUR), world.submit(time_limit_s=HOUR)
    assert spans(world, 0) == [
        ("running", first, 0, 1), ("expected", third, 1, 2), ("expected", fourth, 2, 3),
    ]  # fmt: skip
    assert spans(world, 1) == [("running", second, 0, 3)]
    assert following(world, 0) == Following(kind="starts", task_id=third, at=world.now + HOUR)
    assert [one.position for one in ahead(world).pending] == [1, 2]
    assert expected(world, fourth).gpus == (uuid(0),)


def test_a_reservation_stands_on_its_cards_when_it_was_promised() -> None:
    world = machine(2)
    world.submit(time_limit_s=HOUR)
    world.submit(time_limit_s=2 * HOUR)
    world.run_all()
    wide = world.submit(count=2, time_limit_s=HOUR)
    world.cycle()
    assert world.state.reservations
    for number in (0, 1):
        assert spans(world, number)[-1] == ("reserved", wide, 2, 3)
        assert following(world, number) == Following(kind="starts", task_id=wide, at=world.now + 2 * HOUR)
    assert "a reservation" in expected(world, wide).basis


def told(world: World, task_id: TaskId) -> Forecast:
    """What `task why` tells of it."""
    snapshot = take_snapshot(world.state, world.policy, world.now)
    return forecast(task_id, shape_of(world.task(task_id)), snapshot, world.policy)


def assert_as_forecast(world: World, *task_ids: TaskId) -> None:
    for task_id in task_ids:
        found = told(world, task_id)
        one = expected(world, task_id)
        assert (one.position, None if one.at == inf else one.at) == (found.position, found.at)


def test_those_behind_a_reservation_are_expected_when_their_forecast_says() -> None:
    world = machine(2)
    known = Learned(n_ends=5, run_times_s=(600.0,) * 5, peaks=(), utilization=None, at=world.now)
    world.state.apply(Changes(learned={name_key("me", "train"): known}))
    world.submit(name="train", is_named=True, time_limit_s=2 * HOUR)
    world.submit(name="train", is_named=True, time_limit_s=3 * HOUR)
    world.run_all()
    wide = world.submit(count=2, time_limit_s=HOUR)
    behind = world.submit(time_limit_s=HOUR)
    world.cycle()
    assert expected(world, wide).at == world.now + 3 * HOUR, "as it was told"
    assert expected(world, behind).at == world.now + 600 + HOUR, "the wide one will probably have its cards in 600 s"
    assert following(world).task_id == wide
    assert_as_forecast(world, wide, behind)


def test_nobody_is_ahead_of_the_holders_of_two_queues() -> None:
    world = machine(4)
    world.send(ev.QueueCreated(by="me", name=QueueName("lab"), options={}))
    world.send(ev.GpusAllocated(by="me", queue=QueueName("lab"), gpus=(uuid(2), uuid(3))))
    lab = {"queue": QueueName("lab")}
    world.submit(time_limit_s=HOUR), world.submit(time_limit_s=HOUR, **lab)
    world.run_all()
    wide = [world.submit(count=2, time_limit_s=HOUR), world.submit(count=2, time_limit_s=HOUR, **lab)]
    last = world.submit(time_limit_s=HOUR, count=2)
    world.cycle()
    assert [expected(world, one).position for one in (*wide, last)] == [1, 1, 3]
    assert_as_forecast(world, *wide, last)


def test_a_reservation_under_a_budget_is_told() -> None:
    world = World(n_cards=3, policy=Policy(order="fifo", grace_s=0, allowance_s=0, max_gpu=2))
    world.send(ev.QueueCreated(by="me", name=QueueName("lab"), options={}))
    world.send(ev.GpusAllocated(by="me", queue=QueueName("lab"), gpus=(uuid(2),)))
    world.submit(time_limit_s=HOUR), world.submit()
    world.run_all()
    waiting = world.submit(queue=QueueName("lab"), share=True, memory=1000, time_limit_s=HOUR)
    world.cycle()
    assert world.state.reservations
    assert expected(world, waiting).at == world.now + HOUR
    assert_as_forecast(world, waiting)


def test_a_learned_run_time_is_no_limit() -> None:
    world = machine()
    known = Learned(n_ends=5, run_times_s=(600.0,) * 5, peaks=(), utilization=None, at=world.now)
    world.state.apply(Changes(learned={name_key("me", "train"): known}))
    world.submit(time_limit_s=HOUR)
    world.run_all()
    task = world.submit(name="train", is_named=True, time_limit_s=HOUR)
    last = ahead(world).cards[uuid(0)].spans[-1]
    assert (last.task_id, last.end - last.start, last.is_limit) == (task, 600, False)


def test_nobody_can_tell_behind_a_task_without_a_limit() -> None:
    world = machine()
    endless = world.submit()
    world.run_all()
    waiting = world.submit()
    assert expected(world, waiting).at == inf
    assert f"task {endless} is in its way" in expected(world, waiting).basis
    assert spans(world) == [("running", endless, 0, inf)]


def test_a_foreign_process_stays_for_ever_and_is_what_comes_next() -> None:
    world = machine()
    world.look(card(0, process(77, 20_000)))
    waiting = world.submit()
    world.cycle()
    assert [span[:2] for span in spans(world)] == [("foreign", None)]
    assert following(world) == Following(kind="foreign")
    assert expected(world, waiting).at == inf
    assert "pid 77" in expected(world, waiting).basis


def test_ignored_lost_and_draining_cards_say_so() -> None:
    world = machine(3)
    running = [world.submit(time_limit_s=HOUR) for _ in range(3)]
    world.run_all()
    world.send(ev.GpuIgnored(by="me", gpu=uuid(0)))
    world.send(ev.GpuDrained(by="me", gpu=uuid(1)))
    world.look(card(0), card(1), lost=(uuid(2),))
    assert [following(world, number).kind for number in range(3)] == ["ignored", "draining", "lost"]
    assert following(world, 1) == Following(kind="draining", task_id=running[1], at=world.now + HOUR)


def test_an_idle_card_has_nothing_ahead() -> None:
    world = machine()
    assert ahead(world).cards[uuid(0)].spans == ()
    assert following(world) == Following(kind="idle")


def test_the_first_fifty_are_planned_for() -> None:
    world = machine()
    for _ in range(MAX_PENDING + 10):
        world.submit(time_limit_s=HOUR)
    assert [one.position for one in ahead(world).pending] == list(range(1, MAX_PENDING + 1))


def test_what_cannot_start_takes_no_place() -> None:
    world = machine()
    world.send(ev.QueueChanged(by="me", name=QueueName("running"), options={"paused": True}))
    waiting = world.submit(time_limit_s=HOUR)
    assert expected(world, waiting).at == inf
    assert "paused" in expected(world, waiting).basis
    assert ahead(world).cards[uuid(0)].spans == ()


def test_the_state_of_a_card_decides_before_its_spans() -> None:
    world = machine()
    snapshot = take_snapshot(world.state, world.policy, world.now)
    assert plan_ahead(snapshot, world.policy, {uuid(0): GpuState.LOST}).cards[uuid(0)].following.kind == "lost"


def test_a_span_tells_whether_its_end_is_a_limit() -> None:
    world = machine(2)
    world.submit(time_limit_s=HOUR)
    world.submit()
    world.run_all()
    found: list[Span] = [ahead(world).cards[uuid(number)].spans[0] for number in (0, 1)]
    assert [span.is_limit for span in found] == [True, False]
