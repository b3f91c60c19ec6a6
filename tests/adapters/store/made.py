"""Tasks and their parts for tests of the store: every field of them holds something."""

from typing import Any

from gavelq.core.gpu import Card
from gavelq.core.ids import BlobKey, GpuUuid, QueueName, SubmissionId, TaskId
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.queue import MemType, Queue
from gavelq.core.task import (
    Argv,
    Attempt,
    AttemptResult,
    Command,
    Ending,
    GpuRequest,
    ProcessIdentity,
    Script,
    ShellLines,
    Stop,
    Task,
    TaskRequest,
)
from gavelq.core.units import MiB

ENV = BlobKey("e" * 64)
GPU = GpuUuid("GPU-1")

COMMANDS: tuple[Command, ...] = (
    ShellLines(lines=("echo 'ä\n\u2028'", "true")),
    Argv(argv=("python3", "-c", "print(1)")),
    Script(name="a.py", blob=BlobKey("s" * 64), interpreter=("python3",), args=("1",)),
)


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
    )


def full_task(number: int, command: Command) -> Task:
    gpus = GpuRequest(count=2, allowed=(GPU,), memory=MiB(8192), max_util=20, share=True)
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
    )
    return task(
        number,
        request=wanted,
        state=TaskState.CANCELLED,
        queue=QueueName("other"),
        priority=9,
        is_held_by_user=True,
        retry_at=9.5,
        attempt=full_attempt(),
        stop=Stop(reason=EndReason.GPU_DRAINED, by="x", since=3.0, requeue=True, keep_success=True),
        ending=Ending(reason=EndReason.CANCELLED_BY_USER, at=4.0, exit_code=3, signal=15, detail="why"),
    )


def full_queue(name: str = "q") -> Queue:
    return Queue(
        name=QueueName(name),
        hold=True,
        paused=True,
        pool=False,
        priority=9,
        max_running=1,
        max_gpus=2,
        max_util=30,
        mem_type=MemType.PERCENTAGE,
        mem_value=40,
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
        configured="{}",
    )
