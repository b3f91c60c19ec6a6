"""After a start, and after every reconnection to a runner: make the books and the running processes agree."""

from collections.abc import Callable

from gavelq.core.effects import Effect, Spawn, StopAttempt
from gavelq.core.errors import RunnerUnavailable
from gavelq.core.events import AttemptStarted, AttemptUnknown, Event, NumbersFound
from gavelq.core.ids import TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.state import State
from gavelq.core.step import Changes
from gavelq.daemon import journal
from gavelq.ports import Loaded, Runner, RunningAttempt

SIGTERM = 15


def restore(loaded: Loaded) -> State:
    """The state as the store has it."""
    state = State()
    changes = Changes(
        tasks={task.id: task for task in loaded.tasks},
        queues={queue.name: queue for queue in loaded.queues},
        cards={card.uuid: card for card in loaded.cards},
        reservations=dict(loaded.reservations),
        learned=dict(loaded.learned),
        shares=dict(loaded.shares),
        streaks=dict(loaded.streaks),
        files=dict(loaded.files),
        runs=dict(loaded.runs),
        bindings=dict(loaded.bindings),
        tenants=dict(loaded.tenants),
        retired=dict(loaded.retired),
        tokens=dict(loaded.tokens),
        hours=dict(loaded.hours),
        alerts=dict(loaded.alerts),
        mutes=dict(loaded.mutes),
        outbox=dict(loaded.outbox),
        keys=list(loaded.keys),
        next_task_id=loaded.next_task_id,
        next_submission_id=loaded.next_submission_id,
        next_file_id=loaded.next_file_id,
        next_token_id=loaded.next_token_id,
    )
    state.apply(changes)
    return state


async def reconcile(
    state: State, runner: Runner, post: Callable[[Event], None], carry_out: Callable[[list[Effect]], None]
) -> None:
    """Ask the runner for all its attempts and act on every difference.

    Known and running: news of its start. Known and ended: its end. Unknown to the runner: a task that was to start is
    spawned again (idempotent), one that ran is lost. Unknown to us (a restored backup): left alone, and said so; its
    number goes to no other task.
    """
    # Only what ran before the question can be missing in the answer: later starts are on their way to the runner.
    ran = {(task.id, task.n_attempts) for task in state.holding.values() if task.state is not TaskState.STARTING}
    try:
        found = await runner.inventory()
    except RunnerUnavailable as error:
        journal.fail("the runner could not be asked for its attempts", error)
        return
    post(NumbersFound(last=TaskId(max((item.task_id for item in found), default=0))))
    seen: set[tuple[int, int]] = set()
    for item in found:
        seen.add((item.task_id, item.attempt))
        if not isinstance(item, RunningAttempt):
            post(item)
            continue
        _take_running(state, item, post)
    for task in list(state.holding.values()):
        attempt = task.attempt
        if attempt is None or (task.id, attempt.number) in seen:
            if attempt is not None and task.state is TaskState.STOPPING:
                carry_out([StopAttempt(task_id=task.id, attempt=attempt.number, signal=SIGTERM)])
            continue
        if task.state is TaskState.STARTING:
            carry_out([Spawn(task_id=task.id, attempt=attempt.number)])
        elif (task.id, attempt.number) in ran:
            post(AttemptUnknown(task_id=task.id, attempt=attempt.number))


def _take_running(state: State, item: RunningAttempt, post: Callable[[Event], None]) -> None:
    task = state.tasks.get(item.task_id)
    if task is None or task.attempt is None or task.attempt.number != item.attempt:
        journal.warn("the runner runs an attempt that the state does not know; it is left alone", task=item.task_id)
        return
    if item.pid is not None and item.supervisor is not None and item.started_at is not None:
        post(
            AttemptStarted(
                task_id=item.task_id, attempt=item.attempt, pid=item.pid, supervisor=item.supervisor,
                at=item.started_at,
            )
        )  # fmt: skip
