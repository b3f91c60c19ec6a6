"""Short ways to say what a test is about: cards, samples, requests, and an engine with a state."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gavelq.core import events as ev
from gavelq.core.card_config import CardConfig
from gavelq.core.effects import Effect
from gavelq.core.engine import EngineRules, handle
from gavelq.core.event_names import misfits
from gavelq.core.gpu import CardSample, GpuProcess, GpuSample
from gavelq.core.ids import BlobKey, GpuUuid, QueueName, TaskId
from gavelq.core.invariants import violations
from gavelq.core.state import State
from gavelq.core.step import Record
from gavelq.core.task import AttemptResult, GpuRequest, ProcessIdentity, ShellLines, Task, TaskRequest
from gavelq.core.units import MiB
from gavelq.core.view import View
from gavelq.scheduling.cycle import Plan, plan
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.snapshot import Camera, take_snapshot

GIB = 1024


def uuid(number: int) -> GpuUuid:
    """The UUID of the test card with that index."""
    return GpuUuid(f"GPU-test-{number}")


def process(pid: int, mib: int | None, *, task_id: int | None = None, user: str = "mallory") -> GpuProcess:
    """A process on a GPU; without a task it is foreign."""
    memory = None if mib is None else MiB(mib)
    return GpuProcess(pid=pid, user=user, memory=memory, task_id=None if task_id is None else TaskId(task_id))


def card(
    number: int, *processes: GpuProcess, total: int = 24 * GIB, util: int | None = 0, used: int | None = None
) -> CardSample:
    """A sample of a 24 GiB card; memory in use is what its processes use, unless told."""
    in_use = sum(p.memory or 0 for p in processes) if used is None else used
    return CardSample(
        uuid=uuid(number), index=str(number), name="Test 24G", memory_total=MiB(total), memory_used=MiB(in_use),
        utilization=util, processes=processes,
    )  # fmt: skip


GPU_FIELDS = ("count", "max_count", "gpu_left", "memory", "allowed", "max_util", "share")


def request(**given: Any) -> TaskRequest:
    """A task request; GPU fields may be given flat (GPU_FIELDS)."""
    gpu_fields = {name: given.pop(name) for name in GPU_FIELDS if name in given}
    values: dict[str, Any] = {
        "command": ShellLines(lines=("true",)), "name": "t", "workdir": "/", "env": BlobKey("e"),
        "queue": QueueName("running"), "tenant": "me", "gpus": GpuRequest(**gpu_fields),
    }  # fmt: skip
    return TaskRequest(**(values | given))


@dataclass
class World:
    """An engine, a cycle and a state without any I/O: events in, effects out, invariants after each."""

    n_cards: int = 4
    now: float = 1000.0
    policy: Policy = field(default_factory=Policy)
    state: State = field(default_factory=State)
    effects: list[Effect] = field(default_factory=list)
    last: Plan | None = None
    gone: dict[TaskId, Task] = field(default_factory=dict)
    """Tasks that have ended."""
    records: list[Record] = field(default_factory=list)
    """The history so far."""
    rules: EngineRules = field(default_factory=lambda: EngineRules(log_dir="/logs"))
    camera: Camera = field(init=False)
    n_cycles: int = 0

    def __post_init__(self) -> None:
        self.camera = Camera(self.state)
        self.look(*(card(number) for number in range(self.n_cards)))

    def send(self, event: ev.Event) -> Any:
        """One event: step, commit, invariants. The engine's reply."""
        step = handle(View(self.state), event, self.now, self.rules)
        self.state.apply(step.changes)
        self.gone.update(
            (t, task) for t, task in step.changes.tasks.items() if task is not None and task.state.is_ended
        )
        self.state.observe(step, self.now)
        broken = violations(self.state) + misfits(step.changes.records)
        assert not broken, "; ".join(broken)
        self.effects += step.effects
        self.records += step.changes.records
        return step.reply

    def look(
        self,
        *cards: CardSample,
        problem: str | None = None,
        configured: Mapping[str, CardConfig] | None = None,
        lost: tuple[GpuUuid, ...] = (),
    ) -> None:
        """The monitor takes a sample."""
        sample = GpuSample(taken_at=self.now, cards=cards, problem=problem, lost=lost)
        self.send(ev.GpusSampled(sample=sample, configured=configured or {}))

    def submit(self, **given: Any) -> TaskId:
        """One task; its id."""
        ids = self.send(ev.TasksSubmitted(by="me", requests=(request(**given),), blobs={BlobKey("e"): b"{}"}))
        first: TaskId = ids[0]
        return first

    def cycle(self) -> list[TaskId]:
        """One scheduling cycle; the ids that start, in order."""
        self.last = self.planned()
        self.send(
            ev.PlanMade(starts=self.last.starts, reservations=self.last.reservations, preemptions=self.last.preemptions)
        )
        return [start.task_id for start in self.last.starts]

    def planned(self) -> Plan:
        """What a cycle decides now. What a camera kept, and leaving out the hopeless, must make no difference.

        In long lives only every fourth cycle is made in all ways: to compare costs three times what a cycle costs.
        """
        if self.camera.state is not self.state:  # a restart
            self.camera = Camera(self.state)
        kept = self.camera.take(self.policy, self.now)
        self.n_cycles += 1
        if self.n_cycles > 20 and self.n_cycles % 4:
            return plan(kept, self.policy)
        fresh = take_snapshot(self.state, self.policy, self.now)
        assert kept == fresh
        assert list(kept.gpus) == list(fresh.gpus)
        first, untold, again = plan(fresh, self.policy), plan(kept, self.policy, is_told=False), plan(kept, self.policy)
        assert again == first
        assert [no.text for no in again.reasons.values()] == [no.text for no in first.reasons.values()]
        assert replace(untold, reasons=first.reasons) == first
        return again

    def started(self, task_id: TaskId) -> None:
        """The runner reports a start."""
        self.send(
            ev.AttemptStarted(
                task_id=task_id, attempt=self.task(task_id).n_attempts, pid=1000 + task_id, at=self.now,
                supervisor=ProcessIdentity(pid=2000 + task_id, start_ticks=1, boot_id="b"),
            )
        )  # fmt: skip

    def ended(
        self, task_id: TaskId, exit_code: int | None = 0, signal: int | None = None, cause: str = "exited",
        **evidence: str,
    ) -> None:  # fmt: skip
        """The runner reports an end; `log_tail` and `host_oom` are what the daemon found out about it."""
        attempt = self.task(task_id).attempt
        began = self.now if attempt is None or attempt.started_at is None else attempt.started_at
        result = AttemptResult(exit_code=exit_code, signal=signal, started_at=began, ended_at=self.now, cause=cause)
        self.send(ev.AttemptEnded(task_id=task_id, attempt=self.task(task_id).n_attempts, result=result, **evidence))

    def run_all(self) -> list[TaskId]:
        """One cycle whose tasks are reported started."""
        ids = self.cycle()
        for task_id in ids:
            self.started(task_id)
        return ids

    def task(self, task_id: TaskId) -> Task:
        """A live task."""
        return self.state.tasks[task_id]

    def reason(self, task_id: TaskId) -> str:
        """Why a pending task waits, as the last cycle saw it."""
        assert self.last is not None
        return self.last.reasons[self.state.pending.shape_of(self.task(task_id))].reason.value

    def gpus(self, task_id: TaskId) -> list[str]:
        """The indices that a task holds."""
        attempt = self.task(task_id).attempt
        return list(attempt.indices) if attempt else []
