"""The live queue looked ahead: by the engine and the cycle, from the state as it is."""

import io

import pytest

from gavelq.core import events as ev
from gavelq.core.ids import GpuUuid, QueueName, TaskId
from gavelq.core.learned import Learned, name_key
from gavelq.core.step import Changes
from gavelq.core.task import Dependency, DependencyKind
from gavelq.daemon.service.simulation import _rows, _written
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.question import Question
from gavelq.sim.live.answering import answer, read_question
from gavelq.sim.live.forecast import Forecast, forecast, state_of
from tests.support.builders import World, uuid

HOUR = 3600.0
EXACT = Policy(allowance_s=0.0, grace_s=0.0)


def looked(world: World, policy: Policy = EXACT, *, hours: float = 24, assume: float | None = None) -> Forecast:
    """What is expected of the world's queue, asked as the daemon asks: in bytes."""
    stream = io.BytesIO(b"".join(_written(question(world, policy, hours=hours, assume=assume), _rows(world.state))))
    asked, pieces = read_question(stream)
    return forecast(asked, state_of(asked, pieces), policy)


def question(world: World, *policies: Policy, hours: float = 24, assume: float | None = None) -> Question:
    return Question(
        now=world.now, until=world.now + hours * HOUR, sample=world.state.books.sample, unattributed_mib=1024,
        rules=world.rules, policies=policies, assumed_s=assume,
    )  # fmt: skip


def running(world: World, **fields: object) -> TaskId:
    task_id = world.submit(**fields)
    assert world.cycle() == [task_id]
    world.started(task_id)
    return task_id


def test_tasks_start_when_those_before_them_reach_their_limits() -> None:
    world = World(n_cards=2)
    running(world, count=2, time_limit_s=600.0)
    world.now += 100
    wide, narrow = world.submit(count=2, time_limit_s=300.0), world.submit(count=1, time_limit_s=3000.0)
    found = looked(world)
    assert (found.starts[wide].at, found.starts[wide].end) == (1600, 1900)
    assert (found.starts[narrow].at, found.starts[narrow].end) == (1900, 4900)
    assert set(found.starts[wide].gpus) == {uuid(0), uuid(1)}
    assert found.is_whole
    assert not found.waits


def test_what_was_learned_counts_for_more_than_a_limit() -> None:
    world = World(n_cards=1)
    running(world, name="train", is_named=True, time_limit_s=7200.0)
    waiting = world.submit(name="train", is_named=True, time_limit_s=7200.0)
    world.state.apply(Changes(learned={name_key("me", "train"): Learned(n_ends=3, run_times_s=(500.0, 600.0, 700.0))}))
    start = looked(world).starts[waiting]
    assert (start.at, start.end) == (1600, 2200)
    world.now += 5000  # it has outrun what is usual: it may end at any moment
    assert looked(world).starts[waiting].at == world.now


def test_behind_a_task_of_unknown_length_nobody_can_tell_unless_one_is_assumed() -> None:
    world = World(n_cards=1)
    running(world)
    waiting = world.submit(time_limit_s=60.0)
    found = looked(world)
    assert found.starts == {}
    assert found.waits[waiting].startswith("it waits for tasks of which nobody knows how long they run: needs 1 GPU")
    assert looked(world, assume=7200.0).starts[waiting].at == 1000 + 7200


def test_other_rules_give_another_order() -> None:
    world = World(n_cards=1)
    running(world, time_limit_s=100.0)
    long, short = world.submit(time_limit_s=50_000.0), world.submit(time_limit_s=60.0)
    fair, fifo = looked(world), looked(world, Policy(order="fifo", allowance_s=0.0, grace_s=0.0))
    assert (fair.starts[short].at, fair.starts[long].at) == (1100, 1160)
    assert (fifo.starts[long].at, fifo.starts[short].at) == (1100, 51_100)


def test_a_dependent_task_follows_and_one_that_waits_for_a_failure_does_not_start() -> None:
    world = World(n_cards=2)
    first = running(world, time_limit_s=100.0)
    after = world.submit(depends_on=(Dependency(task_id=first),), time_limit_s=10.0)
    mourner = world.submit(depends_on=(Dependency(task_id=first, kind=DependencyKind.FAIL),), time_limit_s=10.0)
    found = looked(world)
    assert found.starts[after].at == 1100
    assert "does not come about" in found.waits[mourner]


def test_gates_that_open_by_themselves_are_waited_for_and_others_are_named() -> None:
    world = World(n_cards=1)
    later = world.submit(not_before=5000.0, time_limit_s=10.0)
    world.send(ev.QueueCreated(by="me", name=QueueName("shut"), options={"paused": True}))
    shut = world.submit(queue="shut", time_limit_s=10.0)
    found = looked(world)
    assert found.starts[later].at == 5000
    assert "paused" in found.waits[shut]
    assert looked(world, hours=1).waits[later] == "not within the time that was looked ahead"


def test_tasks_that_are_stopped_for_others_begin_anew() -> None:
    world = World(n_cards=1)
    low = world.submit(preemptible=True, time_limit_s=1000.0)
    world.cycle()
    world.started(low)
    world.now += 700
    high = world.submit(priority=90, time_limit_s=100.0)
    policy = Policy(preemption=True, allowance_s=0.0, grace_s=0.0)
    assert looked(world, policy).starts[high].at == 1700
    assert looked(world, EXACT).starts[high].at == 2000


def test_a_start_that_comes_to_nothing_is_not_told() -> None:
    world = World(n_cards=1)
    low = world.submit(preemptible=True, time_limit_s=3000.0)
    world.submit(priority=90, not_before=2000.0, time_limit_s=50_000.0)
    policy = Policy(preemption=True, allowance_s=0.0, grace_s=0.0)
    assert looked(world, policy, hours=2).waits == {low: "not within the time that was looked ahead"}
    assert looked(world, policy, hours=20).starts[low].at == 52_000


def test_looking_ahead_changes_nothing_of_the_state_that_is_asked_about() -> None:
    world = World(n_cards=1)
    running(world, time_limit_s=100.0)
    world.submit(time_limit_s=60.0)
    before = world.state.as_changes()
    looked(world)
    assert world.state.as_changes() == before


def test_the_answer_holds_one_forecast_for_each_policy_and_the_basis_of_each_run_time() -> None:
    world = World(n_cards=1)
    first = running(world, time_limit_s=100.0)
    waiting, unknown = world.submit(time_limit_s=60.0), world.submit()
    found = answer(question(world, EXACT, EXACT, hours=24), [world.state.as_changes()])
    assert len(found["forecasts"]) == 2
    assert found["forecasts"][0] == found["forecasts"][1]
    assert found["lengths"] == {first: [100.0, "limit"], waiting: [60.0, "limit"], unknown: [None, "unknown"]}
    at, end, gpus = found["forecasts"][0]["starts"][unknown]
    assert (at, end, gpus) == (1160.0, None, (GpuUuid("GPU-test-0"),))


@pytest.mark.parametrize("n_cards", [1, 3])
def test_what_is_expected_is_what_comes(n_cards: int) -> None:
    """Where limits are kept to the second, the forecast of the first moment is the story of the whole."""
    world = World(n_cards=n_cards, policy=EXACT)
    lengths = [100.0 * (7 * n % 11 + 1) for n in range(20)]
    ids = [world.submit(count=n % n_cards + 1, time_limit_s=length) for n, length in enumerate(lengths)]
    found, ends = looked(world), list[tuple[float, TaskId]]()
    while world.state.tasks:
        for task_id in world.cycle():
            world.started(task_id)
            assert found.starts[task_id].at == pytest.approx(world.now)
            ends.append((world.now + lengths[ids.index(task_id)], task_id))
        ends.sort()
        world.now = ends[0][0]
        world.look(*world.state.books.sample.cards)
        while ends and ends[0][0] <= world.now:
            world.ended(ends.pop(0)[1])
