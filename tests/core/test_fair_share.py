"""What tenants had of the GPUs: it fades, and what is charged does not depend on how it is cut up."""

from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gavelq.core import events as ev
from gavelq.core.engine import EngineRules
from gavelq.core.fair_share import charged, decayed, present_use
from gavelq.core.ids import TaskId
from gavelq.core.learned import ShareUse
from gavelq.core.task import AttemptResult, GpuRequest
from gavelq.core.units import MiB
from tests.support.builders import GIB, World, card

UNTIMED = settings(deadline=None)  # the machine may be busy
HALF_LIFE = 7 * 86400.0
TIMES = st.floats(min_value=0, max_value=1e8)
SPANS = st.just(0.0) | st.floats(min_value=1e-6, max_value=1e7)
GPUS = st.integers(min_value=0, max_value=16)
HALF_LIVES = st.floats(min_value=60, max_value=365 * 86400)
USES = st.builds(ShareUse, gpu_s=st.floats(min_value=0, max_value=1e9), at=TIMES)


def close(value: float) -> object:
    return pytest.approx(value, rel=1e-6, abs=1e-3)


def test_a_gpu_second_counts_half_after_a_half_life_and_a_quarter_after_two() -> None:
    use = ShareUse(gpu_s=100.0, at=50.0)
    assert decayed(use, 50.0 + HALF_LIFE, HALF_LIFE) == ShareUse(gpu_s=50.0, at=50.0 + HALF_LIFE)
    assert decayed(use, 50.0 + 2 * HALF_LIFE, HALF_LIFE).gpu_s == 25.0


@UNTIMED
@given(use=USES, now=TIMES, half_life=HALF_LIVES)
def test_use_never_grows_by_itself_and_never_falls_below_nothing(use: ShareUse, now: float, half_life: float) -> None:
    assert 0 <= decayed(use, now, half_life).gpu_s <= use.gpu_s


@UNTIMED
@given(use=USES, first=SPANS, second=SPANS, half_life=HALF_LIVES)
def test_decaying_twice_is_decaying_once(use: ShareUse, first: float, second: float, half_life: float) -> None:
    twice = decayed(decayed(use, use.at + first, half_life), use.at + first + second, half_life)
    assert twice.gpu_s == close(decayed(use, use.at + first + second, half_life).gpu_s)


@UNTIMED
@given(use=USES, gpus=GPUS, first=SPANS, second=SPANS, later=SPANS, half_life=HALF_LIVES)
def test_charging_in_two_parts_is_charging_at_once(
    use: ShareUse, gpus: int, first: float, second: float, later: float, half_life: float
) -> None:
    start, middle = use.at, use.at + first
    end = middle + second
    now = end + later
    once = charged(use, gpus, start, end, now=now, half_life_s=half_life)
    one_by_one = charged(use, gpus, start, middle, now=now, half_life_s=half_life)
    one_by_one = charged(one_by_one, gpus, middle, end, now=now, half_life_s=half_life)
    as_it_goes = charged(use, gpus, start, middle, now=middle, half_life_s=half_life)
    as_it_goes = charged(as_it_goes, gpus, middle, end, now=now, half_life_s=half_life)
    assert one_by_one.gpu_s == close(once.gpu_s)
    assert as_it_goes.gpu_s == close(once.gpu_s)


@UNTIMED
@given(use=USES, spans=st.lists(st.tuples(GPUS, TIMES, SPANS), max_size=6), data=st.data())
def test_the_order_of_charges_does_not_matter(
    use: ShareUse, spans: list[tuple[int, float, float]], data: st.DataObject
) -> None:
    now = max([use.at, *(start + span for _, start, span in spans)])
    found = []
    for order in (spans, data.draw(st.permutations(spans))):
        total = use
        for gpus, start, span in order:
            total = charged(total, gpus, start, start + span, now=now, half_life_s=HALF_LIFE)
        found.append(total.gpu_s)
    assert found[0] == close(found[1])


@UNTIMED
@given(gpus=GPUS, start=TIMES, span=SPANS, half_life=HALF_LIVES)
def test_a_charge_is_never_more_than_the_time_it_took(gpus: int, start: float, span: float, half_life: float) -> None:
    use = charged(None, gpus, start, start + span, now=start + span, half_life_s=half_life)
    took = (start + span) - start
    assert 0 <= use.gpu_s <= gpus * took * (1 + 1e-9)


def test_a_short_task_costs_its_gpus_times_its_time() -> None:
    assert charged(None, 2, 0.0, 600.0, now=600.0, half_life_s=HALF_LIFE).gpu_s == pytest.approx(1200, rel=1e-3)


def test_a_gpu_that_is_held_for_ever_costs_no_more_than_a_limit() -> None:
    """Else one who ran for a year would be last for the next."""
    use = charged(None, 1, 0.0, 365 * 86400.0, now=365 * 86400.0, half_life_s=HALF_LIFE)
    assert use.gpu_s == pytest.approx(HALF_LIFE / log(2))


@pytest.mark.parametrize(("since", "until"), [(100.0, 50.0), (300.0, 400.0), (300.0, 100.0)])
def test_times_that_cannot_be_cost_nothing(since: float, until: float) -> None:
    assert charged(ShareUse(gpu_s=5.0, at=200.0), 4, since, until, now=200.0, half_life_s=60.0).gpu_s == 5.0


def test_a_clock_that_was_far_ahead_does_not_keep_use_for_ever() -> None:
    ahead = ShareUse(gpu_s=100.0, at=1e9)
    back = decayed(ahead, 1000.0, 60.0)
    assert back == ShareUse(gpu_s=100.0, at=1000.0)
    assert decayed(back, 1060.0, 60.0).gpu_s == 50.0


# --- the engine -------------------------------------------------------------------------------------------


def use(world: World, tenant: str = "me") -> float:
    found = world.state.shares.get(tenant)
    return 0.0 if found is None else found.gpu_s


def ran(world: World, seconds: float, **request: object) -> int:
    """A task that runs for so long and completes; its id."""
    task_id = begun(world, **request)
    world.now += seconds
    world.ended(task_id)
    return task_id


def begun(world: World, **request: object) -> TaskId:
    """A task that runs."""
    task_id = world.submit(**request)
    world.look(*(card(number) for number in range(4)))
    assert world.run_all() == [task_id]
    return task_id


def test_every_attempt_charges_its_tenant_however_it_ended() -> None:
    world = World(rules=EngineRules(log_dir="/logs", share_half_life_s=1e12))
    ran(world, 100.0, count=3)
    assert use(world) == close(300.0)
    killed = begun(world, tenant="other")
    world.now += 50
    world.send(ev.TaskKilled(by="other", task_id=killed, signal=15, is_ending=True))
    world.now += 10
    world.ended(killed, exit_code=None, signal=15, cause="stopped")
    assert (use(world), use(world, "other")) == (close(300.0), close(60.0))


def test_tasks_without_a_gpu_cost_nothing_and_sharing_ones_half() -> None:
    world = World(rules=EngineRules(log_dir="/logs", share_half_life_s=1e12))
    ran(world, 100.0, count=0)
    assert world.state.shares == {}
    ran(world, 100.0, gpus=GpuRequest(count=2, memory=MiB(GIB), share=True))
    assert use(world) == close(100.0)


def test_an_end_that_was_heard_of_late_charges_only_until_then() -> None:
    world = World(rules=EngineRules(log_dir="/logs", share_half_life_s=1e12))
    task_id = begun(world)
    result = AttemptResult(exit_code=0, signal=None, started_at=world.now, ended_at=world.now + 30, cause="exited")
    world.now += 5000
    world.send(ev.AttemptEnded(task_id=task_id, attempt=1, result=result))
    assert use(world) == close(30.0)


def test_a_report_that_comes_twice_is_charged_once() -> None:
    world = World()
    task_id = begun(world)
    world.now += 100
    result = AttemptResult(exit_code=0, signal=None, started_at=world.now - 100, ended_at=world.now, cause="exited")
    for _ in range(2):
        world.send(ev.AttemptEnded(task_id=task_id, attempt=1, result=result))
    assert use(world) == pytest.approx(100, rel=1e-3)


def test_running_tasks_count_as_much_as_they_will_when_they_end() -> None:
    """A day-long task must not look like no use at all until it ends."""
    world = World()
    task_id = begun(world, count=2)
    world.now += 3 * 86400
    running = present_use(world.state.shares, world.state.holding.values(), world.now, HALF_LIFE)
    world.ended(task_id)
    ended = present_use(world.state.shares, world.state.holding.values(), world.now, HALF_LIFE)
    assert running == {"me": close(ended["me"])}
    assert 0 < ended["me"] < 2 * 3 * 86400


def test_a_task_that_waits_has_used_nothing() -> None:
    world = World()
    world.submit(hold=True)
    assert present_use(world.state.shares, world.state.holding.values(), world.now, HALF_LIFE) == {}
