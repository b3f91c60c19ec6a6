"""The usage report over many attempts: what a question costs a daemon, without HTTP."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.contenders import Contender
from bench.measuring import Row
from gavelq.adapters.store.sqlite_store import SqliteStore
from gavelq.core.ids import GpuUuid, QueueName, SubmissionId, TaskId
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.step import Changes, Record
from gavelq.core.task import Attempt, AttemptResult, Ending, GpuRequest, ShellLines, Task, TaskRequest
from gavelq.core.units import MiB
from gavelq.core.usage import By, CardMinutes
from gavelq.daemon.requests import blob_key
from gavelq.daemon.usage import Tally, days_of

N_TASKS = 100_000
DAYS = 30
N_GPUS = 8
DAY_S = 86400.0
END = 1_800_000_000.0
START = END - DAYS * DAY_S
_CARDS = tuple(GpuUuid(f"GPU-{number:08d}-0000-0000-0000-000000000000") for number in range(N_GPUS))
_AT_ONCE = 5000


def usage(_: list[Contender]) -> list[Row]:
    """Four tenants' tasks of a month, half of which had to wait; the report by tenant and day."""
    with tempfile.TemporaryDirectory(prefix="gqb-") as directory:
        store = SqliteStore(str(Path(directory) / "state.db"))
        asyncio.run(_fill(store))
        wall, cpu = time.perf_counter(), time.process_time()
        n_rows = asyncio.run(_ask(store))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return [
        Row(
            what=f"usage by tenant and day, {N_TASKS:,} attempts in {DAYS} days", unit="s of a core", most=2,
            values={"gavelq": cpu}, notes={"gavelq": f"{wall:.1f} s on the clock, {n_rows} rows"},
        )
    ]  # fmt: skip


async def _fill(store: SqliteStore) -> None:
    tasks = _tasks()
    for _ in range(0, N_TASKS, _AT_ONCE):
        changes = Changes(blobs={blob_key(b"{}"): b"{}"})
        for _, task in zip(range(_AT_ONCE), tasks, strict=False):
            changes.tasks[task.id] = task
            attempt = task.attempt
            assert attempt is not None
            changes.attempts[task.id, attempt.number] = attempt
            times = {"submitted": task.submitted_at, "started": attempt.placed_at, "completed": attempt.placed_at + 60}
            changes.records += [Record(at=at, kind=kind, by="ada", task_id=task.id) for kind, at in times.items()]
        await store.commit(changes)


def _tasks() -> Iterator[Task]:
    for number in range(N_TASKS):
        at = START + number * DAYS * DAY_S / N_TASKS
        placed = at + (0.1 if number % 2 else 30.0)
        ended = placed + 60 + number % 600
        card = number % N_GPUS
        request = TaskRequest(
            command=ShellLines(lines=(f"python train.py --seed {number}",)), name=f"train-{number}",
            workdir="/home/ada", env=blob_key(b"{}"), gpus=GpuRequest(memory=MiB(8192)), queue=QueueName("running"),
            tenant=f"tenant-{number % 4}", time_limit_s=3600.0,
        )  # fmt: skip
        result = AttemptResult(
            exit_code=0, signal=None, started_at=placed, ended_at=ended, cause="exited", cpu_s=12.5, max_rss_mib=900.0
        )
        attempt = Attempt(
            number=1, gpus=(_CARDS[card],), indices=(str(card),), placed_at=placed, started_at=placed, pid=1234,
            result=result, reason=EndReason.EXIT_ZERO, utilization=81.5, log_path=f"/home/ada/logs/{number}.log",
        )  # fmt: skip
        yield Task(
            id=TaskId(number + 1), submission_id=SubmissionId(number // 10 + 1), request=request,
            state=TaskState.COMPLETED, queue=request.queue, priority=0, submitted_at=at, log_path=attempt.log_path,
            attempt=attempt, ending=Ending(reason=EndReason.EXIT_ZERO, at=ended, exit_code=0),
        )  # fmt: skip


async def _ask(store: SqliteStore) -> int:
    idle = {card: range(int(START), int(END), 3600) for card in _CARDS}  # a minute of every hour
    minutes = CardMinutes(idle=idle, since=START)
    tally = Tally(days=days_of(START, END), by=(By.TENANT, By.DAY), now=END, minutes=minutes, names={})
    await store.usage(since=START, until=END, tenant=None, hold=tally.hold, end=tally.end)
    told = await tally.told(with_foreign=True)
    if told["total"]["n_started"] != N_TASKS:
        raise RuntimeError(f"{told['total']['n_started']} of {N_TASKS} starts were counted")
    await store.close()
    return len(told["rows"])
