"""Isolation: which level a task gets, what cannot be given, and what follows where a task goes beyond it."""

from dataclasses import replace

from gavelq.core.effects import WriteToLog
from gavelq.core.engine.rules import EngineRules
from gavelq.core.engine.stopping import stop_task
from gavelq.core.errors import InvalidField, Refused
from gavelq.core.gpu import GpuSample
from gavelq.core.isolation import Violation, includes, level_of, violation_text
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.step import Record, Step
from gavelq.core.task import Lease, Stop, Task, TaskRequest
from gavelq.core.tenants import Isolation
from gavelq.core.view import View
from gavelq.core.violations import Sighting, new_violations

OURSELVES = "gavelq"


def base_level(view: View, rules: EngineRules, tenant: str) -> Isolation:
    """The least that tasks of this tenant get. The daemon's own user has no row: the configuration speaks for it."""
    found = view.tenants.get(tenant)
    return rules.isolation if found is None else found.isolation


def level_for(view: View, rules: EngineRules, request: TaskRequest) -> Isolation:
    """The level that a task gets when it starts now."""
    return level_of(base_level(view, rules, request.tenant), request.isolation)


def is_enforced(view: View, rules: EngineRules, tenant: str) -> bool:
    """Whether a watched task of this tenant is stopped for a violation."""
    found = view.tenants.get(tenant)
    return rules.enforce if found is None else found.enforce


def require_isolation(view: View, rules: EngineRules, request: TaskRequest) -> None:
    """Raises InvalidField for a level that is laxer than the tenant's, and Refused for one that cannot be given."""
    base = base_level(view, rules, request.tenant)
    wish = request.isolation
    if wish is not None and not includes(wish, base):
        raise InvalidField(
            field="isolation",
            problem=f"{wish} does not keep the task from all that {base} does, which is the least for {request.tenant}",
            hint=f"leave it out (it is {base} then), or ask for a stricter one",
        )
    level = level_of(base, wish)
    if request.mps_percent is not None and level is not Isolation.MPS:
        problem = f"a task of level {level} has all of its GPU's compute"
        raise InvalidField(field="mps_percent", problem=problem, hint="add --isolation mps, or leave it out")
    problem = _not_for_this(level, request) or rules.unavailable.get(level, "")
    if problem:
        asked = "it was asked for" if wish is not None else f"it is the least for {request.tenant}"
        raise Refused(
            problem=f"isolation {level} cannot be given: {problem} ({asked})",
            hint="`gavelq doctor` shows which levels this machine offers; docs/isolation.md what each protects",
            field="isolation",
        )


def _not_for_this(level: Isolation, request: TaskRequest) -> str:
    if level in (Isolation.DEVICE, Isolation.MPS) and isinstance(request.command, Lease):
        return "the processes of a lease are started by its owner, not by gavelq, and can only be watched"
    if level is Isolation.MPS:
        gpus = request.gpus
        if gpus.count != 1 or gpus.is_elastic:
            return "a private MPS daemon serves one GPU, and the task does not ask for exactly one"
        if gpus.memory is not None and not gpus.share:
            return "MPS shares a GPU between tasks: ask for a whole one, or for --memory and --share"
    return ""


def note_violations(view: View, step: Step, sample: GpuSample, now: float, rules: EngineRules) -> None:
    """Write down what the look shows: an event and a note with the attempt, whatever the level; see docs/isolation.md.

    From `watched` on the task's own log says so, too, and where it is enforced the task is stopped.
    """
    for sighting in new_violations(sample, view.look, view.find_task, tolerance=rules.tolerance_mib):
        task = step.changes.tasks.get(sighting.task_id, view.find_task(sighting.task_id))
        if task is not None and task.attempt is not None and task.state.holds_gpus:
            _note(view, step, task, sighting, now, rules)


def _note(view: View, step: Step, task: Task, sighting: Sighting, now: float, rules: EngineRules) -> None:
    attempt, violation = task.attempt, sighting.violation
    if attempt is None:
        raise AssertionError(f"task {task.id} holds GPUs without an attempt")
    text = violation_text(violation)
    changed = replace(task, attempt=replace(attempt, violations=(*attempt.violations, violation)))
    step.put_task(changed, Record(
        at=now, kind="violation", by=OURSELVES, task_id=task.id, subject=violation.gpu, details=_details(violation),
    ))  # fmt: skip
    if not includes(attempt.isolation, Isolation.WATCHED):
        return
    is_stopped = is_enforced(view, rules, task.request.tenant)
    told = f"{text}; the task is stopped for it" if is_stopped else text
    step.effects.append(WriteToLog(task_id=task.id, text=f"gavelq: violation: {told}"))
    if is_stopped and changed.state is not TaskState.STOPPING:
        stop_task(step, changed, Stop(reason=EndReason.VIOLATION, by=OURSELVES, since=now))


def _details(violation: Violation) -> dict[str, object]:
    return {
        "what": violation.kind.value, "gpu": violation.index, "pid": violation.pid, "memory_mib": violation.memory,
        "declared_mib": violation.declared, "says": violation_text(violation),
    }  # fmt: skip


def violations_told(task: Task) -> str:
    """What a task was stopped for, in words."""
    return "; ".join(violation_text(v) for v in (task.attempt.violations if task.attempt else ()))
