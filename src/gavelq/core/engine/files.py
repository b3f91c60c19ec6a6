"""Configurations of command files and the logs bound to their tasks: create, edit, reset, delete, bind, unbind."""

from dataclasses import replace
from typing import assert_never

from gavelq.core import events as ev
from gavelq.core.command_files import (
    MAX_CONTENT,
    MAX_FILES,
    Binding,
    BindingNotFound,
    ChangedMeanwhile,
    FileId,
    FileNotStored,
    StoredFile,
)
from gavelq.core.errors import InvalidField, LimitReached, WrongState
from gavelq.core.ids import SubmissionId
from gavelq.core.lifecycle import TaskState
from gavelq.core.step import Record, Step
from gavelq.core.view import View

FileEvent = ev.FileCreated | ev.FileEdited | ev.FileReset | ev.FileDeleted | ev.LogBound | ev.LogUnbound
MAX_BINDINGS = 100_000


def handle(view: View, event: FileEvent, now: float) -> Step:
    """Answer an event about configurations. The reply is the configuration or the binding, where one is left."""
    step = Step()
    match event:
        case ev.FileCreated():
            _create(view, step, event, now)
        case ev.FileEdited():
            _edit(view, step, event, now)
        case ev.FileReset():
            file = _current(view, event.file, event.based_on)
            _put(step, replace(file, content=file.saved), "file_reset", event.by, now)
        case ev.FileDeleted():
            _delete(view, step, event, now)
        case ev.LogBound():
            _bind(view, step, event, now)
        case ev.LogUnbound():
            binding = view.bindings.get(event.key)
            if binding is None:
                raise BindingNotFound(process_index=event.key.process_index, queue_id=event.key.queue_id)
            step.changes.bindings[event.key] = None
            _note(view, step, "log_unbound", event.by, now, binding)
            step.reply = binding
        case _:
            assert_never(event)
    return step


def files_of(view: View, tenant: str, mode: str) -> list[StoredFile]:
    """A tenant's configurations of one mode, by place."""
    found = [file for file in view.files.values() if file.tenant == tenant and file.mode == mode]
    return sorted(found, key=lambda file: file.place)


def live_run(view: View, file: FileId) -> SubmissionId | None:
    """The run of a configuration that has not ended."""
    found = (number for number, run in view.runs.items() if run.file == file and view.n_of(number))
    return next(found, None)


def is_stopping(view: View, run: SubmissionId) -> bool:
    """Whether all that is left of a run is being stopped."""
    return all(task.state is TaskState.STOPPING for task in view.tasks_of(run))


def _current(view: View, number: FileId, based_on: int | None) -> StoredFile:
    file = view.files.get(number)
    if file is None:
        raise FileNotStored(wanted=number, mode="single or multi")
    if based_on is not None and based_on != file.version:
        raise ChangedMeanwhile(what=f"configuration {file.place + 1} ({file.name})", version=file.version)
    return file


def _require_size(content: str) -> None:
    if len(content.encode("utf-8")) > MAX_CONTENT:
        raise InvalidField(
            field="content", problem=f"the file has more than {MAX_CONTENT} bytes", hint="cut it into several"
        )


def _create(view: View, step: Step, event: ev.FileCreated, now: float) -> None:
    _require_size(event.content)
    others = files_of(view, event.tenant, event.mode)
    if len(others) >= MAX_FILES:
        problem = f"there are {len(others)} configurations of mode {event.mode}"
        raise LimitReached(limit="the number of configurations", problem=problem, hint="delete some: gavelq file list")
    file = StoredFile(
        id=view.next_file_id, tenant=event.tenant, mode=event.mode, place=len(others),
        name=event.name or f"{event.mode} {len(others) + 1}", content=event.content, saved=event.content,
        version=0, modified_at=now, modified_by=event.by, workdir=event.workdir, env=event.env,
    )  # fmt: skip
    step.changes.next_file_id = FileId(file.id + 1)
    _put(step, file, "file_created", event.by, now)


def _edit(view: View, step: Step, event: ev.FileEdited, now: float) -> None:
    file = _current(view, event.file, event.based_on)
    if event.content is not None:
        _require_size(event.content)
    edited = replace(
        file,
        content=file.content if event.content is None else event.content,
        name=event.name or file.name,
        workdir=event.workdir or file.workdir,
        env=file.env if event.env is None else event.env,
    )
    if edited == file:
        step.reply = file
        return
    _put(step, edited, "file_edited", event.by, now)


def _put(step: Step, file: StoredFile, kind: str, by: str, now: float) -> None:
    file = replace(file, version=file.version + 1, modified_at=now, modified_by=by)
    step.changes.files[file.id] = file
    details = {
        "file": file.id, "mode": file.mode, "name": file.name, "version": file.version, "tenant": file.tenant,
    }  # fmt: skip
    step.changes.records.append(Record(at=now, kind=kind, by=by, subject=f"{file.mode}:{file.id}", details=details))
    step.reply = file


def _delete(view: View, step: Step, event: ev.FileDeleted, now: float) -> None:
    file = _current(view, event.file, event.based_on)
    what = f"configuration {file.place + 1} of mode {file.mode} ({file.name})"
    if file.place == 0:
        raise WrongState(
            what=what, state="the first one", problem="the first configuration cannot be deleted",
            hint="give it another text with: gavelq file put or gavelq file edit",
        )  # fmt: skip
    run = live_run(view, file.id)
    if run is not None:
        named, is_over_soon = f"{file.place + 1} --mode {file.mode}", is_stopping(view, run)
        state = f"{'stopping' if is_over_soon else 'running'} (submission {run})"
        wait, stop = (
            f"wait until it is over: gavelq file state -f {named}",
            f"stop it first with: gavelq file stop {named}",
        )
        hint = wait if is_over_soon else stop
        raise WrongState(what=what, state=state, problem="it cannot be deleted now", hint=hint)
    step.changes.files[file.id] = None
    for later in files_of(view, file.tenant, file.mode)[file.place + 1 :]:
        step.changes.files[later.id] = replace(later, place=later.place - 1)
    for key in view.bindings:
        if key.file == file.id:
            step.changes.bindings[key] = None
    details = {"file": file.id, "mode": file.mode, "name": file.name, "tenant": file.tenant}
    subject = f"{file.mode}:{file.id}"
    step.changes.records.append(Record(at=now, kind="file_deleted", by=event.by, subject=subject, details=details))
    step.reply = file


def _bind(view: View, step: Step, event: ev.LogBound, now: float) -> None:
    _current(view, event.key.file, None)
    if event.key not in view.bindings and len(view.bindings) >= MAX_BINDINGS:
        problem = f"{len(view.bindings)} log files are bound"
        raise LimitReached(limit="the number of bindings", problem=problem, hint="unbind some: gavelq file bindings")
    binding = Binding(key=event.key, path=event.path, at=now, by=event.by)
    step.changes.bindings[event.key] = binding
    _note(view, step, "log_bound", event.by, now, binding)
    step.reply = binding


def _note(view: View, step: Step, kind: str, by: str, now: float, binding: Binding) -> None:
    key = binding.key
    details = {"path": binding.path, "queue_id": key.queue_id, "process_index": key.process_index}
    if (file := view.files.get(key.file)) is not None:
        details["tenant"] = file.tenant
    step.changes.records.append(Record(at=now, kind=kind, by=by, subject=f"file:{binding.key.file}", details=details))
