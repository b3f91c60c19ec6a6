"""What would become of a task that is not there, and of those that wait under other rules."""

from dataclasses import replace

from gavelq.core.ids import SubmissionId, TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.task import Task
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.snapshot import take_snapshot
from gavelq.scheduling.trial import Comparison, Trial, compare, try_task
from tests.support.builders import World, request, uuid


def made_up(world: World, **given: object) -> Task:
    wanted = request(**given)
    return Task(
        id=TaskId(world.state.next_task_id), submission_id=SubmissionId(99), request=wanted, state=TaskState.PENDING,
        queue=wanted.queue, priority=wanted.priority, log_path="", submitted_at=world.now,
    )  # fmt: skip


def tried(world: World, **given: object) -> Trial:
    snapshot = take_snapshot(world.state, world.policy, world.now)
    return try_task(made_up(world, **given), snapshot, world.policy)


def compared(world: World, **rules: object) -> Comparison:
    changed = replace(world.policy, **rules)  # type: ignore[arg-type]  # fields of a policy, by name
    now = take_snapshot(world.state, world.policy, world.now)
    return compare(now, world.policy, take_snapshot(world.state, changed, world.now), changed)


def test_a_task_that_fits_would_start_and_nothing_has_changed() -> None:
    world = World(n_cards=2)
    trial = tried(world, count=2)
    assert trial.start is not None
    assert set(trial.start.gpus) == {uuid(0), uuid(1)}
    assert len(world.state.pending) == 0
    assert world.cycle() == []


def test_one_that_does_not_fit_is_told_why_and_when() -> None:
    world = World(n_cards=1)
    running = world.submit(time_limit_s=3600)
    world.run_all()
    trial = tried(world)
    assert trial.start is None
    assert trial.reason is not None
    assert f"task {running}" in trial.reason.text
    assert trial.explanation.forecast.position == 1
    assert trial.explanation.forecast.at is not None


def test_those_that_wait_already_go_first() -> None:
    world = World(n_cards=1)
    world.submit()
    assert tried(world).start is None
    assert tried(world).explanation.forecast.position == 2
    assert tried(world, priority=9).start is not None


def test_a_trial_watches_no_card() -> None:
    world = World(n_cards=2, policy=Policy(selection="sampled"))
    assert tried(world).start is not None


def test_other_rules_start_others_and_those_that_differ_are_named() -> None:
    world = World(n_cards=4)
    tasks = [world.submit() for _ in range(3)]
    found = compared(world, max_gpu=1)
    assert [one.task_id for one in found.now.starts] == tasks
    assert [one.task_id for one in found.then.starts] == tasks[:1]
    assert list(found.different) == tasks[1:]


def test_the_same_rules_differ_in_nothing() -> None:
    world = World(n_cards=1)
    world.submit()
    world.submit()
    assert compared(world).different == ()


def test_another_reason_is_a_difference() -> None:
    world = World(n_cards=1)
    world.submit()
    world.run_all()
    waiting = world.submit()
    assert compared(world).different == ()
    assert compared(world, max_running=1).different == (waiting,)
