"""What must be true after every event. Checked in tests after each step, and by the daemon with `--debug`."""

from gavelq.core.lifecycle import TaskState
from gavelq.core.running import Running
from gavelq.core.state import State


def violations(state: State) -> list[str]:
    """Every broken invariant, in words; empty when all is well."""
    found: list[str] = []
    _check_tasks(state, found)
    _check_lanes(state, found)
    _check_gpus(state, found)
    _check_indexes(state, found)
    _check_hours(state, found)
    return found


def _check_tasks(state: State, found: list[str]) -> None:
    for task in state.tasks.values():
        if task.state.is_ended or task.ending is not None:
            found.append(f"task {task.id} is among the live ones and has ended")
        if task.queue not in state.queues:
            found.append(f"task {task.id} is in queue {task.queue}, which does not exist")
        if task.id >= state.next_task_id:
            found.append(f"task {task.id} has an id that is still to be given")
        if (task.stop is not None) != (task.state is TaskState.STOPPING):
            found.append(f"task {task.id} is {task.state} with stop {task.stop}")
        if task.state.holds_gpus and (task.attempt is None or task.attempt.result is not None):
            found.append(f"task {task.id} is {task.state} without a present attempt")
        if len(task.held_gpus) != len(set(task.held_gpus)):
            found.append(f"task {task.id} holds a GPU twice")
        least, most = task.request.gpus.count, task.request.gpus.max_count or task.request.gpus.count
        if task.state.holds_gpus and not least <= len(task.held_gpus) <= most:
            found.append(f"task {task.id} asked for {least} to {most} GPUs and holds {len(task.held_gpus)}")
        if task.waits_for and task.state.holds_gpus:
            found.append(f"task {task.id} is {task.state} and still waits for {task.waits_for}")


def _check_lanes(state: State, found: list[str]) -> None:
    for task in state.tasks.values():
        if task.behind is None:
            continue
        before = state.tasks.get(task.behind)
        if before is None or before.submission_id != task.submission_id:
            found.append(f"task {task.id} stands behind task {task.behind}, which is not there")
        if task.state.holds_gpus:
            found.append(f"task {task.id} is {task.state} behind task {task.behind}")
    behind = [task.behind for task in state.tasks.values() if task.behind is not None]
    if len(behind) != len(set(behind)):
        found.append("two tasks stand behind the same one")
    if state.followers != {task.behind: task.id for task in state.tasks.values() if task.behind is not None}:
        found.append("the index of lanes and the tasks disagree")
    members: dict[int, set[int]] = {}
    for task in state.tasks.values():
        members.setdefault(task.submission_id, set()).add(task.id)
    if members != state.members:
        found.append("the index of submissions and the tasks disagree")


def _check_gpus(state: State, found: list[str]) -> None:
    for gpu, held in state.ledger.items():
        if gpu not in state.cards:
            found.append(f"GPU {gpu} is held and not in the register")
            continue
        if len(held) > 1 and not all(a.share and a.memory is not None for a in held.values()):
            found.append(f"GPU {gpu} is promised to tasks {sorted(held)}, not all of which share")
        total = sum(a.memory or 0 for a in held.values())
        if len(held) > 1 and total > state.cards[gpu].memory_total:
            found.append(f"GPU {gpu} has promised {total} MiB of {state.cards[gpu].memory_total}")


def _check_indexes(state: State, found: list[str]) -> None:
    pending = sorted(t.id for t in state.tasks.values() if t.state is TaskState.PENDING)
    if pending != sorted(state.pending.ids()) or len(pending) != len(state.pending):
        found.append("the index of pending tasks and the tasks disagree")
    holding = {t.id for t in state.tasks.values() if t.state.holds_gpus}
    if holding != set(state.holding):
        found.append("the index of holding tasks and the tasks disagree")
    held = {(gpu, t.id) for t in state.tasks.values() for gpu in t.held_gpus}
    if held != {(gpu, task_id) for gpu, on in state.ledger.items() for task_id in on}:
        found.append("the ledger and the tasks disagree")
    counted: dict[tuple[str, TaskState], int] = {}
    for task in state.tasks.values():
        counted[task.queue, task.state] = counted.get((task.queue, task.state), 0) + 1
    waiting: dict[str | None, int] = {}
    for message in state.outbox.values():
        waiting[message.tenant] = waiting.get(message.tenant, 0) + 1
    running = Running()
    for task in state.holding.values():
        running.put(task)
    if vars(running) != vars(state.running):
        found.append("the counts of what runs and a recount disagree")
    if counted != state.n_by_queue or waiting != state.n_messages:
        found.append("the counters and a recount disagree")


def _check_hours(state: State, found: list[str]) -> None:
    by_tenant: dict[str, dict[int, float]] = {}
    by_hour: dict[int, set[str]] = {}
    for key, seconds in state.hours.items():
        by_tenant.setdefault(key.tenant, {})[key.hour] = seconds
        by_hour.setdefault(key.hour, set()).add(key.tenant)
    if by_tenant != state.hours_of or by_hour != state.tenants_of or sorted(by_hour) != state.hour_order:
        found.append("the indexes of hours and the hours disagree")
