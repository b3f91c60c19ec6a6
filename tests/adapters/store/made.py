"""Tasks and their parts for tests of the store: every field of them holds something."""

from typing import Any

from gavelq.core.alerts import Alert, Mute, RuleName
from gavelq.core.command_files import Binding, BindingKey, FileId, Run, StoredFile
from gavelq.core.gpu import Accepted, Card
from gavelq.core.idling import IdleAction
from gavelq.core.ids import BlobKey, GpuUuid, QueueName, SubmissionId, TaskId
from gavelq.core.isolation import Violation, ViolationKind
from gavelq.core.learned import Learned, ShareUse
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.notices import Message, NotifyOn
from gavelq.core.queue import MemType, Queue
from gavelq.core.reservation import Reservation
from gavelq.core.retrying import Backoff, OomAction, RetryRules, RetryWish
from gavelq.core.task import (
    Argv,
    Attempt,
    AttemptResult,
    Command,
    Dependency,
    DependencyKind,
    Ending,
    GpuRequest,
    LanePlace,
    Lease,
    ProcessIdentity,
    Script,
    ShellLines,
    Stop,
    Task,
    TaskRequest,
    Warn,
)
from gavelq.core.tenants import Isolation, Quota, Role, Scope, Tenant, Token, TokenId
from gavelq.core.units import MiB

ENV = BlobKey("e" * 64)
GPU = GpuUuid("GPU-1")

COMMANDS: tuple[Command, ...] = (
    ShellLines(lines=("echo 'ä\n\u2028'", "true")),
    Argv(argv=("python3", "-c", "print(1)")),
    Script(name="a.py", blob=BlobKey("s" * 64), interpreter=("python3",), args=("1",)),
    Lease(owner=ProcessIdentity(pid=75, start_ticks=4711, boot_id="b"), renew_s=12.5),
)
COMMAND_NAMES = ("shell", "argv", "script", "lease")


def request(command: Command = COMMANDS[0], **changes: Any) -> TaskRequest:
    fields: dict[str, Any] = {"name": "t", "workdir": "/w", "env": ENV, "queue": "running", "tenant": "x"}
    return TaskRequest(command=command, **{**fields, **changes})


def task(number: int, **changes: Any) -> Task:
    fields: dict[str, Any] = {
        "submission_id": SubmissionId(1),
        "request": request(),
        "state": TaskState.PENDING,
        "queue": QueueName("running"),
        "priority": 0,
        "log_path": f"/logs/{number}.log",
        "submitted_at": 1000.0 + number,
    }
    return Task(id=TaskId(number), **{**fields, **changes})


def ended(number: int, at: float = 2000.0, **changes: Any) -> Task:
    ending = Ending(reason=EndReason.EXIT_ZERO, at=at, exit_code=0)
    return task(number, state=TaskState.COMPLETED, ending=ending, **changes)


def full_attempt(number: int = 1) -> Attempt:
    return Attempt(
        number=number,
        gpus=(GPU, GpuUuid("MIG-2")),
        indices=("0", "1:2"),
        placed_at=1.5,
        started_at=2.5,
        pid=77,
        supervisor=ProcessIdentity(pid=76, start_ticks=12345, boot_id="b"),
        result=AttemptResult(
            exit_code=None,
            signal=9,
            started_at=2.5,
            ended_at=3.5,
            cause="stopped",
            cpu_s=1.25,
            max_rss_mib=2.0,
            detail="d",
        ),
        reason=EndReason.GPU_LOST,
        log_path="/logs/1.log",
        peak_memory=MiB(9318),
        utilization=62.5,
        borrowed=True,
        isolation=Isolation.WATCHED,
        violations=(
            Violation(
                kind=ViolationKind.MEMORY, gpu=GPU, index="0", pid=77, memory=MiB(9318), declared=MiB(8192), at=3.25
            ),
        ),
        idle_since=3.5,
    )


def full_retry() -> RetryRules:
    return RetryRules(
        retries=7,
        backoff=Backoff(first_s=30.5, factor=1.5, cap_s=300.0),
        burst=3,
        on=(EndReason.NCCL_ERROR, EndReason.GPU_LOST),
        on_gpu_oom=OomAction(factor=1.5),
    )


def full_task(number: int, command: Command) -> Task:
    gpus = GpuRequest(
        count=2, max_count=4, gpu_left=1, allowed=(GPU,), memory=MiB(8192), max_util=20, share=True, selection="first"
    )
    depends_on = tuple(Dependency(task_id=TaskId(90 + n), kind=kind) for n, kind in enumerate(DependencyKind))
    wanted = request(
        command,
        dropped_env=("A", "B"),
        gpus=gpus,
        priority=5,
        tags=("x",),
        time_limit_s=60.5,
        log_path="rel.log",
        hold=True,
        requeue=True,
        allow_infeasible=True,
        warn=Warn(signal=10, before_s=30.5),
        retry=full_retry(),
        depends_on=depends_on,
        not_before=900.5,
        preemptible=True,
        is_named=True,
        learn_memory=True,
        array_index=3,
        max_parallel=2,
        params=(("lr", ".1"), ("bs", "32")),
        lane=LanePlace(lane="car", at=2, rank=3, is_strict=True),
        isolation=Isolation.DEVICE,
        mps_percent=40,
        description="what it is for",
        notify=("https://a.example/secret", "mailto:a@example.org"),
        notify_on=(NotifyOn.START, NotifyOn.FAIL),
    )
    return task(
        number,
        request=wanted,
        state=TaskState.CANCELLED,
        queue=QueueName("other"),
        priority=9,
        is_held_by_user=True,
        hold_reason="why it is held",
        retry_at=9.5,
        n_failures=2,
        waits_for=depends_on[1:],
        behind=TaskId(6),
        renewed_at=8.5,
        attempt=full_attempt(),
        stop=Stop(reason=EndReason.GPU_DRAINED, by="x", since=3.0, requeue=True, keep_success=True),
        ending=Ending(reason=EndReason.CANCELLED_BY_USER, at=4.0, exit_code=3, signal=15, detail="why"),
    )


def full_queue(name: str = "q") -> Queue:
    return Queue(
        name=QueueName(name),
        hold=True,
        paused=True,
        paused_by="ada",
        paused_at=12.5,
        pool=False,
        priority=9,
        max_running=1,
        max_gpus=2,
        max_util=30,
        mem_type=MemType.PERCENTAGE,
        mem_value=40,
        lend=True,
        retry=RetryWish(
            retries=-1,
            backoff=Backoff(first_s=1.5, factor=3.0, cap_s=100.0),
            burst=3,
            on=(EndReason.TIME_LIMIT,),
            on_gpu_oom=OomAction(is_exclusive=True),
        ),
        time_limit_s=7200.0,
        max_time_limit_s=86400.5,
        idle_after_s=7200.5,
        idle_action=IdleAction.REQUEUE,
    )


def full_card(uuid: str = "GPU-1") -> Card:
    return Card(
        uuid=GpuUuid(uuid),
        index="0:1",
        name="A100",
        memory_total=MiB(40960),
        parent=GpuUuid("GPU-0"),
        queue=QueueName("q"),
        ignored=True,
        draining=True,
        lost=True,
        label="l",
        keep_free=MiB(5),
        fault="Xid 79",
        fault_at=7.5,
        accepted=(Accepted(pid=77, started_at=5.25), Accepted(pid=78, started_at=None)),
        configured="{}",
    )


def full_alert() -> Alert:
    """A firing alert with every field set."""
    return Alert(
        rule=RuleName.VIOLATION, subject="task:7", since=5.5, fired_at=6.5, text="t", value=3.25, tenant="x",
        is_told=True,
    )  # fmt: skip


def full_mute() -> Mute:
    """A mute with every field set."""
    return Mute(rule="gpu_fault", subject="gpu:GPU-1", until=99.5, by="you", at=5.5, reason="known")


def full_message() -> Message:
    """A message with every field set."""
    return Message(
        key="task/7/1/end/0", at=5.5, to="https://a.example/secret", event="end", title="ä", text="t", details="{}",
        tenant="x", task_id=TaskId(7),
    )  # fmt: skip


def full_reservation(number: int = 4) -> Reservation:
    return Reservation(
        task_id=TaskId(number), gpus=(GPU, GpuUuid("MIG-2")), expected_at=50.5, promised_at=40.5, is_preempting=True
    )


def full_learned() -> Learned:
    return Learned(n_ends=3, run_times_s=(60.0, 61.5), peaks=(MiB(9318), MiB(9001)), utilization=62.5, at=1500.5)


def full_share() -> ShareUse:
    return ShareUse(gpu_s=7200.25, at=1500.5)


def full_file(number: int = 3) -> StoredFile:
    """A configuration with every field set."""
    return StoredFile(
        id=FileId(number), tenant="me", mode="multi", place=1, name="nächste", content="1\ntrue\n2\n20\n", saved="old",
        version=7, modified_at=5.5, modified_by="you", workdir="/w", env=(("A", "1"), ("B", "ä=2")),
    )  # fmt: skip


def full_run(number: int = 4) -> Run:
    """A run with every field set."""
    return Run(
        submission=SubmissionId(number), mode="single", file=FileId(3), name="n", content="1\ntrue\n2\n", tenant="me",
        by="you", started_at=9.25, seed=17, work_dir="/w", options='{"queue": "q"}',
        owners=(TaskId(4), TaskId(5), TaskId(9), TaskId(2)),
    )  # fmt: skip


def full_binding(number: int = 3) -> Binding:
    """A binding with every field set."""
    return Binding(
        key=BindingKey(file=FileId(number), queue_id="a:b", process_index=2), path="/w/x.log", at=1.5, by="me"
    )


def full_tenant() -> Tenant:
    """A tenant with every field set."""
    quota = Quota(
        max_gpus=2, max_memory=MiB(4096), max_running=3, max_queued=4, gpu_hours=1.5, window_s=86400.0, max_priority=5,
        max_time_limit_s=60.5, queues=(QueueName("q"),), gpus=(GpuUuid("GPU-1"),),
    )  # fmt: skip
    return Tenant(
        name="x", role=Role.VIEWER, quota=quota, weight=2.5, uid=1001, isolation=Isolation.DEVICE, enforce=True,
        password="$argon2id$x", description="ä", created_at=3.5,
    )  # fmt: skip


def full_token() -> Token:
    """A token with every field set."""
    return Token(
        id=TokenId(5), tenant="x", hash="a" * 64, prefix="gvq_ab", scopes=(Scope.READ,), name="n", created_at=1.5,
        created_by="me", expires_at=9.5, used_at=2.5,
    )  # fmt: skip
