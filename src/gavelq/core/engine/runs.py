"""Runs of command files: what a start adds to a submission, and what an edited file changes in one that runs."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from gavelq.core.command_files import KEPT_RUNS, ChangedMeanwhile, Run, RunNotFound, StoredFile
from gavelq.core.effects import Wake
from gavelq.core.engine.files import is_stopping, live_run
from gavelq.core.engine.quotas import within_quota
from gavelq.core.engine.rules import EngineRules
from gavelq.core.engine.submitting import new_tasks, require_acceptable
from gavelq.core.errors import WrongState
from gavelq.core.events import LaneEntry, RunEdited
from gavelq.core.ids import SubmissionId, TaskId
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.step import Record, Step
from gavelq.core.task import Ending, LanePlace, Task, TaskRequest, end
from gavelq.core.view import View


def run_started(view: View, step: Step, run: Run, submission: SubmissionId, now: float) -> None:
    """Note the run of a submission. Raises WrongState where the configuration runs already."""
    run = replace(run, submission=submission, started_at=now, owners=tuple(step.reply))
    file = view.files.get(run.file) if run.file is not None else None
    if file is not None:
        require_idle(view, file)
        step.changes.files[file.id] = replace(file, saved=run.content)
    step.changes.runs[submission] = run
    details = {"submission": submission, "mode": run.mode, "n_tasks": len(run.owners), "tenant": run.tenant}
    step.changes.records.append(Record(at=now, kind="run_started", by=run.by, subject=run.name, details=details))
    for old in _forgettable(view, run):
        step.changes.runs[old] = None


def require_idle(view: View, file: StoredFile) -> None:
    """Raises WrongState where the configuration runs."""
    running = live_run(view, file.id)
    if running is None:
        return
    named = f"{file.place + 1} --mode {file.mode}"
    if is_stopping(view, running):
        raise WrongState(
            what=f"configuration {file.place + 1} of mode {file.mode} ({file.name})",
            state=f"stopping (submission {running})",
            problem="the last of its tasks have not ended yet",
            hint=f"start it again when it is over: gavelq file state -f {named}",
        )
    raise WrongState(
        what=f"configuration {file.place + 1} of mode {file.mode} ({file.name})",
        state=f"running (submission {running})",
        problem="it can run only once at a time",
        hint=f"look at it with `gavelq file state`, stop it with `gavelq file stop {named}`, or bring what you edited "
        f"into it with `gavelq file apply {named}`",
    )


def _forgettable(view: View, new: Run) -> list[SubmissionId]:
    """Runs that have ended, but for the last one of each configuration and some more."""
    runs = sorted(view.runs.items())
    last = {run.file: number for number, run in runs if run.file not in (None, new.file)}
    kept = set(last.values())
    ended = [number for number, _ in runs if not view.n_of(number) and number not in kept]
    return ended[: max(0, len(ended) - KEPT_RUNS)]


def run_edited(view: View, event: RunEdited, now: float, rules: EngineRules) -> Step:
    """`file apply`: what has not started becomes as the file says, all of it or nothing.

    The reply is the ids of the new tasks. Raises RunNotFound, WrongState for a run that is over, ChangedMeanwhile
    where what has started since the difference was made stands in its way, and what a submission of the new tasks
    would raise.
    """
    run = _live_run_of(view, event.submission)
    waiting = {task.id: task for task in view.tasks_of(event.submission) if is_untouched(task)}
    _require_unhindered(event, waiting.keys())
    step = Step()
    added = [entry for lane in event.lanes.values() for entry in lane if isinstance(entry, TaskRequest)]
    require_acceptable(view, added, rules)
    first = view.next_task_id
    allowed = [within_quota(view, request) for request in added]
    new = dict(zip(map(id, added), new_tasks(view, allowed, {}, first, event.submission, now, rules), strict=True))
    kept = _lay_out(view, step, event, waiting, new, now)
    for task in waiting.values():
        if task.id not in kept:
            _take_out(step, task, event.by, now)
    step.changes.blobs.update(event.blobs)
    if added:
        step.changes.next_task_id = TaskId(first + len(added))
    owners = tuple(new[id(owner)].id if isinstance(owner, TaskRequest) else owner for owner in event.owners)
    step.changes.runs[run.submission] = replace(run, content=event.content, owners=owners)
    if run.file is not None and (file := view.files.get(run.file)) is not None:
        step.changes.files[run.file] = replace(file, saved=event.content)
    details = {
        "submission": run.submission, "added": len(added), "removed": len(waiting) - len(kept), "tenant": run.tenant,
    }  # fmt: skip
    step.changes.records.append(Record(at=now, kind="run_edited", by=event.by, details=details))
    step.effects.append(Wake())
    step.reply = tuple(task.id for task in new.values())
    return step


def _require_unhindered(event: RunEdited, waiting: Set[TaskId]) -> None:
    """Raises ChangedMeanwhile where a task has started, or ended, that the edit removes, moves, or puts others before.

    One that only stays where it is may have started: of thousands of short tasks some always have.
    """
    if waiting <= event.based_on <= waiting | event.in_place:
        return
    run = event.submission
    message = f"run {run} changed meanwhile: tasks have started that the edit removes, moves, or puts others before"
    hint = f"apply it again, or while nothing starts: gavelq task hold --submission {run}"
    raise ChangedMeanwhile(message, hint=hint, what=f"run {run}", version="another")


def is_untouched(task: Task) -> bool:
    """Whether a task has never been started, so that an edit of its file may change it."""
    return task.state in (TaskState.PENDING, TaskState.HELD) and task.n_attempts == 0


def _live_run_of(view: View, submission: SubmissionId) -> Run:
    run = view.runs.get(submission)
    if run is None:
        raise RunNotFound(run=submission)
    if not view.n_of(submission):
        raise WrongState(
            what=f"run {submission}", state="over", problem="nothing can be added to it",
            hint="start the configuration again: gavelq file start",
        )  # fmt: skip
    return run


def _lay_out(
    view: View, step: Step, event: RunEdited, waiting: Mapping[TaskId, Task], new: Mapping[int, Task], now: float
) -> set[TaskId]:
    """Put each lane into its order: behind what has started come kept and new tasks as the file has them."""
    kept: set[TaskId] = set()
    started = lanes_in_order([task for task in view.tasks_of(event.submission) if task.id not in waiting])
    for lane, entries in event.lanes.items():
        behind = started[lane][-1].id if lane in started else None
        for entry in entries:
            if isinstance(entry, LaneEntry) and entry.task_id not in waiting:
                continue  # it has started since
            task, record = _entry(event, entry, waiting, new, now)
            kept.add(task.id)
            placed = replace(task, behind=behind)
            if isinstance(entry, LaneEntry):
                name = entry.name or task.request.name
                placed = replace(placed, request=replace(task.request, lane=entry.place, name=name))
            if record is not None or placed != task:
                moved = Record(at=now, kind="lane_changed", by=event.by, task_id=task.id, details={"behind": behind})
                step.put_task(placed, record or moved)
            behind = task.id
    return kept & set(waiting)


def _entry(
    event: RunEdited,
    entry: LaneEntry | TaskRequest,
    waiting: Mapping[TaskId, Task],
    new: Mapping[int, Task],
    now: float,
) -> tuple[Task, Record | None]:
    """The task of an entry, with its first record where it is new."""
    if isinstance(entry, LaneEntry):
        return waiting[entry.task_id], None
    task = new[id(entry)]
    details = {"name": entry.name, "queue": entry.queue, "submission": event.submission}
    return task, Record(at=now, kind="submitted", by=event.by, task_id=task.id, details=details)


def _lane_of(task: Task) -> str | None:
    return task.request.lane.lane if task.request.lane is not None else None


def _at(task: Task) -> int:
    place: LanePlace | None = task.request.lane
    return place.at if place is not None else 0


_TAKEN_OUT = "taken out of its file before it started"


def is_taken_out(task: Task) -> bool:
    """Whether an edit of its file took the task out of its run: it is no failure of the run."""
    return task.ending is not None and task.n_attempts == 0 and task.ending.detail.startswith(_TAKEN_OUT)


def _take_out(step: Step, task: Task, by: str, now: float) -> None:
    detail = f"{_TAKEN_OUT}, by {by}"
    reason = EndReason.CANCELLED_BY_USER
    record = Record(at=now, kind="ended", by=by, task_id=task.id, details={"reason": reason.value, "told": detail})
    step.put_task(end(replace(task, behind=None), Ending(reason=reason, at=now, detail=detail)), record)


def lanes_in_order(tasks: Sequence[Task]) -> dict[str, list[Task]]:
    """The tasks of a submission by lane, each lane in its order."""
    found: dict[str, list[Task]] = {}
    for task in sorted(tasks, key=lambda task: (_at(task), task.id)):
        lane = _lane_of(task)
        if lane is not None:
            found.setdefault(lane, []).append(task)
    return found
