"""A clock that is set: nothing lasts longer or shorter for it, nothing ends before it began."""

from dataclasses import replace

import pytest

from gavelq.core import events as ev
from gavelq.core.engine import EngineRules
from gavelq.core.engine.leases import expires_at
from gavelq.core.gpu import GpuProcess
from gavelq.core.ids import TaskId
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.retrying import Backoff, RetryRules
from gavelq.core.task import AttemptResult, Lease, ProcessIdentity
from gavelq.core.tenants import HOUR_S
from gavelq.scheduling.gpu_view import stale_text
from tests.support.builders import GIB, World, card, process, uuid

HALF_A_DAY = 12 * 3600.0
YEARS = 20 * 365 * 86400.0
NOW = 1_800_000_000.0
STEPS = pytest.mark.parametrize("by_s", [HALF_A_DAY, -HALF_A_DAY, YEARS, -YEARS])


def world_of(**given: object) -> World:
    return World(now=NOW, rules=EngineRules(log_dir="/logs", share_half_life_s=1e12), **given)  # type: ignore[arg-type]


def set_clock(world: World, by_s: float, *, since: float = NOW) -> None:
    """As the daemon's loop tells it."""
    world.now += by_s
    world.send(ev.ClockSet(by_s=by_s, since=since))


def running(world: World, **request: object) -> TaskId:
    task_id = world.submit(**request)
    assert world.run_all() == [task_id]
    return task_id


@STEPS
def test_a_running_task_ran_as_long_as_it_ran(by_s: float) -> None:
    world = world_of()
    task_id = running(world, count=2)
    world.now += 100
    set_clock(world, by_s)
    world.now += 50
    world.ended(task_id)
    gone = world.gone[task_id]
    attempt = gone.attempt
    assert attempt is not None
    assert attempt.started_at is not None
    assert gone.ending is not None
    assert gone.ending.at - attempt.started_at == pytest.approx(150)
    assert world.state.shares["me"].gpu_s == pytest.approx(300)
    assert sum(world.state.hours.values()) == pytest.approx(300)
    assert gone.submitted_at <= attempt.placed_at <= attempt.started_at


@STEPS
def test_a_pause_before_another_try_ends_when_it_would_have_ended(by_s: float) -> None:
    world = world_of()
    retry = RetryRules(retries=3, backoff=Backoff(first_s=600.0))
    task_id = running(world, retry=retry)
    world.ended(task_id, exit_code=1)
    world.now += 100
    set_clock(world, by_s)
    world.look(card(0))
    assert world.cycle() == []
    world.now += 499
    world.look(card(0))
    assert world.cycle() == []
    world.now += 100
    world.look(card(0))
    assert world.cycle() == [task_id]


def test_a_new_daemon_under_a_clock_of_1970_waits_for_no_pause_that_lies_decades_ahead() -> None:
    world = world_of()
    task_id = running(world, retry=RetryRules(retries=3, backoff=Backoff(first_s=10.0, cap_s=10.0)))
    world.ended(task_id, exit_code=1)
    world.now = 100.0
    world.send(ev.ClockSet())
    assert (world.task(task_id).retry_at or 0.0) <= 100 + 60
    set_clock(world, NOW, since=50.0)
    world.now += 60
    world.look(card(0))
    assert world.cycle() == [task_id]


@STEPS
def test_a_promise_is_for_the_same_moment(by_s: float) -> None:
    world = world_of(n_cards=2)
    running(world, time_limit_s=3600.0)
    wide = world.submit(count=2, time_limit_s=3600.0)
    assert world.cycle() == []
    promised = world.state.reservations["pool"].promised_at
    assert promised is not None
    set_clock(world, by_s)
    world.look(card(0), card(1))
    late = world.submit(time_limit_s=7200.0)
    assert world.cycle() == [], "nobody delays it, whatever the clock says"
    kept = world.state.reservations["pool"]
    assert kept.task_id == wide
    assert kept.promised_at == pytest.approx(promised + by_s)
    assert world.task(late).state is TaskState.PENDING


@STEPS
def test_a_lease_has_the_time_that_it_had(by_s: float) -> None:
    world = world_of()
    task_id = running(world, command=Lease(renew_s=60.0))
    world.now += 50
    world.send(ev.LeaseRenewed(by="me", task_id=task_id))
    world.now += 20
    since = world.now
    set_clock(world, by_s)
    # As a watch that has not noticed yet hands it in.
    world.send(ev.LeasesChecked(since=0.0 if by_s > 0 else since + by_s, due=(task_id,)))
    assert world.task(task_id).state is TaskState.RUNNING
    assert expires_at(world.task(task_id), 0.0) == pytest.approx(world.now + 40)
    world.now += 40
    world.send(ev.LeasesChecked(since=0.0, due=(task_id,)))
    assert world.task(task_id).state is TaskState.STOPPING


def test_a_day_that_somebody_chose_stays_that_day() -> None:
    world = world_of()
    task_id = world.submit(not_before=NOW + HALF_A_DAY)
    set_clock(world, -3600)
    assert world.task(task_id).request.not_before == NOW + HALF_A_DAY
    set_clock(world, HALF_A_DAY + 3600)
    world.look(card(0))
    assert world.cycle() == [task_id]


@STEPS
def test_those_who_came_first_have_waited_longest(by_s: float) -> None:
    world = world_of()
    first = world.submit()
    world.now += 60
    set_clock(world, by_s)
    world.now += 60
    second = world.submit()
    assert world.now - world.task(first).submitted_at == pytest.approx(120)
    assert world.task(first).submitted_at < world.task(second).submitted_at


def test_what_came_before_the_watch_keeps_its_time() -> None:
    world = world_of()
    task_id = world.submit()
    world.now += 3600
    set_clock(world, -600, since=world.now)
    assert world.task(task_id).submitted_at == NOW, "it was read from the clock of another boot"


@STEPS
def test_the_process_that_a_card_is_shared_with_stays_known(by_s: float) -> None:
    world = world_of(n_cards=1)
    tom: GpuProcess = replace(process(77, GIB), started_at=NOW - 500)
    world.look(card(0, tom))
    world.send(ev.GpuShared(by="me", gpu=uuid(0)))
    set_clock(world, by_s)
    world.look(card(0, replace(tom, started_at=NOW - 500 + by_s)))
    assert [one.pid for one in world.state.cards[uuid(0)].accepted] == [77]


@STEPS
def test_hours_of_a_quota_are_forgotten_no_later(by_s: float) -> None:
    world = world_of()
    task_id = running(world)
    world.now += 1800
    world.ended(task_id)
    set_clock(world, by_s)
    assert sum(world.state.hours.values()) == pytest.approx(1800)
    assert all(key.hour <= world.now // HOUR_S for key in world.state.hours)
    assert world.state.shares["me"].at <= world.now


def test_a_clock_that_goes_wrong_and_is_put_right_leaves_all_as_it_was() -> None:
    world = world_of()
    running(world, time_limit_s=600.0)
    world.submit(count=4)
    world.ended(running(world, name="short"))
    world.cycle()
    before = (dict(world.state.tasks), dict(world.state.hours), dict(world.state.reservations))
    set_clock(world, -YEARS)
    set_clock(world, YEARS, since=NOW - YEARS)
    assert (dict(world.state.tasks), dict(world.state.hours), dict(world.state.reservations)) == before


def end_of(world: World, task_id: TaskId, started_at: float, ended_at: float) -> tuple[float, float, float]:
    """The runner tells of an end; when the attempt was placed, started and ended, as it is kept."""
    result = AttemptResult(exit_code=0, signal=None, started_at=started_at, ended_at=ended_at, cause="exited")
    world.send(ev.AttemptEnded(task_id=task_id, attempt=1, result=result))
    gone = world.gone[task_id]
    assert gone.ending is not None
    assert gone.attempt is not None
    assert gone.attempt.started_at is not None
    return gone.attempt.placed_at, gone.attempt.started_at, gone.ending.at


@STEPS
def test_an_end_of_while_no_daemon_watched_the_clock_is_told_by_its_supervisor(by_s: float) -> None:
    world = world_of()
    task_id = running(world)
    world.now += by_s + 1000
    told = end_of(world, task_id, NOW + by_s, NOW + by_s + 600)
    assert world.gone[task_id].submitted_at == told[0], "it did not wait"
    assert told == (NOW + by_s, NOW + by_s, NOW + by_s + 600)
    assert sum(world.state.hours.values()) == pytest.approx(600)


def test_nothing_ends_in_the_future() -> None:
    world = world_of()
    task_id = running(world)
    world.now += 1000 - HALF_A_DAY
    placed_at, started_at, ended_at = end_of(world, task_id, NOW, NOW + 600)
    assert (placed_at, started_at, ended_at) == (world.now - 600, world.now - 600, world.now)


def test_nothing_ends_before_it_started() -> None:
    world = world_of()
    task_id = running(world)
    world.now += 700
    _, started_at, ended_at = end_of(world, task_id, NOW, NOW - HALF_A_DAY)
    assert started_at <= ended_at


def test_a_failure_of_the_future_is_tried_again_after_its_pause() -> None:
    world = world_of()
    task_id = running(world, retry=RetryRules(retries=1, backoff=Backoff(first_s=10.0)))
    result = AttemptResult(exit_code=1, signal=None, started_at=NOW, ended_at=NOW + HALF_A_DAY, cause="exited")
    world.send(ev.AttemptEnded(task_id=task_id, attempt=1, result=result))
    assert world.task(task_id).attempt.reason is EndReason.EXIT_NONZERO  # type: ignore[union-attr]  # it ran
    assert (world.task(task_id).retry_at or 0.0) <= NOW + 20


@pytest.mark.parametrize("at", [NOW - HALF_A_DAY, NOW + HALF_A_DAY])
def test_nothing_starts_before_it_was_placed_or_in_the_future(at: float) -> None:
    world = world_of()
    task_id = world.submit()
    world.cycle()
    world.now += 1
    supervisor = ProcessIdentity(pid=2000, start_ticks=1, boot_id="b")
    world.send(ev.AttemptStarted(task_id=task_id, attempt=1, pid=1000, at=at, supervisor=supervisor))
    attempt = world.task(task_id).attempt
    assert attempt is not None
    assert attempt.started_at is not None
    assert attempt.placed_at <= attempt.started_at <= world.now


def test_a_new_daemon_moves_what_the_clock_moved_under() -> None:
    world = world_of()
    task_id, other = running(world), running(world)
    world.now -= HALF_A_DAY
    world.send(ev.ClockSet(attempts={task_id: -HALF_A_DAY}))
    assert world.task(task_id).attempt.started_at == world.now  # type: ignore[union-attr]  # it runs
    assert world.task(other).attempt.started_at == NOW  # type: ignore[union-attr]  # it runs
    assert [world.task(one).submitted_at for one in (task_id, other)] == [world.now, NOW]


@STEPS
def test_a_look_at_the_cards_is_as_old_as_it_was(by_s: float) -> None:
    world = world_of(n_cards=1)
    world.now += 2
    set_clock(world, by_s)
    assert stale_text(world.state, world.now, world.policy) is None
    world.now += world.policy.stale_s
    assert stale_text(world.state, world.now, world.policy) is not None


def test_a_card_that_a_task_just_left_is_not_excused_for_the_hours_that_the_clock_lost() -> None:
    world = world_of(n_cards=1)
    task_id = running(world)
    world.look(card(0, process(5, GIB, task_id=task_id)))
    world.ended(task_id)
    set_clock(world, -HALF_A_DAY)
    world.look(card(0, util=70))
    assert world.state.books.ended_lately(uuid(0), world.now)
    world.now += 11
    world.look(card(0, util=70))
    assert not world.state.books.ended_lately(uuid(0), world.now)
    assert world.state.books.sample.by_uuid[uuid(0)].utilization == 70
