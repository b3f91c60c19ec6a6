"""A made-up past: two weeks of ended tasks and of measured cards, and live tasks that began some hours ago.

Nobody can wait two weeks for a picture. The daemon is stopped meanwhile; everything goes in through the adapters that
it uses itself, and it shows what it finds there.
"""

import asyncio
import random
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gavelq.adapters.history.writer import Writer
from gavelq.adapters.store.sqlite_store import SqliteStore
from gavelq.core.ids import GpuUuid, QueueName, SubmissionId, TaskId
from gavelq.core.lifecycle import END_STATES, EndReason
from gavelq.core.measures import Keeping, Kind, Look
from gavelq.core.step import Changes, Record
from gavelq.core.task import Attempt, AttemptResult, Ending, GpuRequest, ShellLines, Task, TaskRequest
from gavelq.core.units import MiB
from gavelq.daemon.requests import blob_key

DAYS = 14
HOUR_S, DAY_S = 3600.0, 86400.0
FIRST_ID = 1420
FOREIGN_CARD = 5
BEGUN_MINUTES = {0: 112, 1: 112, 2: 198, 3: 41, 6: 58}
"""How long ago on each card began what is there now."""
_ENDS = {
    EndReason.EXIT_ZERO: 93,
    EndReason.EXIT_NONZERO: 4,
    EndReason.OUT_OF_MEMORY_GPU: 2,
    EndReason.CANCELLED_BY_USER: 1,
}


@dataclass(frozen=True, slots=True)
class Habit:
    """How a tenant uses the machine: its part of all tasks, names, how busy and how long (hours, at most)."""

    tenant: str
    part: int
    names: tuple[str, ...]
    util: int
    hours: float


HABITS = (
    Habit("mei", 36, ("llama3-8b-sft", "clip-probe", "eval-mmlu"), 86, 6),
    Habit("jonas", 27, ("diffusion-ablate", "sam2-finetune"), 77, 7),
    Habit("priya", 21, ("embed-corpus", "whisper-batch", "lr-sweep"), 66, 5),
    Habit("vision-api", 16, ("deepseek-7b",), 43, 8),
)


@dataclass(frozen=True, slots=True)
class Stay:
    """A task on a card of the past; times are seconds since the epoch."""

    card: int
    since: float
    until: float
    habit: Habit
    waited_s: float

    def util(self, at: float) -> int:
        """Percent. Some tasks are left alone when they are done, and do nothing for the last part of their time."""
        is_left = int(self.since) % 5 == 0 and at > self.until - (self.until - self.since) * 0.3
        return 0 if is_left else self.habit.util


def stays(now: float, n_cards: int, chance: random.Random) -> list[Stay]:
    """Who was on which card: less at weekends, one card often taken by somebody else."""
    found = []
    for card in range(n_cards - 1):  # the last one is ignored
        at = now - DAYS * DAY_S + chance.uniform(0, 5) * HOUR_S
        last = now - BEGUN_MINUTES.get(card, 25) * 60
        while at < last - 0.3 * HOUR_S:
            habit = chance.choices(HABITS, [one.part for one in HABITS])[0]
            until = min(at + chance.uniform(0.3, habit.hours) * HOUR_S, last)
            found.append(Stay(card, at, until, habit, chance.choice((2, 5, 40, 300, 900, 2400, 6000))))
            is_quiet = int(until // DAY_S + 4) % 7 in (0, 6)  # the epoch began on a Thursday
            at = until + chance.uniform(0.2, 7.0 if is_quiet else 3.0) * HOUR_S
    return found


def write(state: Path, cards: Sequence[GpuUuid], now: float) -> None:
    """Two weeks into the state directory of a daemon that does not run."""
    chance = random.Random(5)  # noqa: S311  # the same past each time
    past = stays(now, len(cards), chance)
    asyncio.run(_tasks(state / "gavelq.db", cards, past, chance))
    writer = Writer(str(state / "history.db"))
    looks = list(_looks(cards, past, now, chance))
    for first in range(0, len(looks), 20_000):
        if not writer.write(looks[first : first + 20_000], Keeping()):
            raise RuntimeError(writer.problem)
    writer.close()


async def _tasks(path: Path, cards: Sequence[GpuUuid], past: Sequence[Stay], chance: random.Random) -> None:
    store = SqliteStore(str(path))
    changes = Changes(blobs={blob_key(b"{}"): b"{}"})
    for number, stay in enumerate(sorted(past, key=lambda one: one.since)):
        task = _task(TaskId(FIRST_ID + number), stay, cards[stay.card], chance)
        changes.tasks[task.id] = task
        if task.attempt is not None:
            changes.attempts[task.id, 1] = task.attempt
        times = {"submitted": task.submitted_at, "started": stay.since, "ended": stay.until}
        changes.records += [
            Record(at=at, kind=kind, by=stay.habit.tenant, task_id=task.id) for kind, at in times.items()
        ]
    await store.commit(changes)
    await store.close()


def _task(number: TaskId, stay: Stay, card: GpuUuid, chance: random.Random) -> Task:
    name = chance.choice(stay.habit.names)
    reason = chance.choices(list(_ENDS), list(_ENDS.values()))[0]
    code = 0 if reason is EndReason.EXIT_ZERO else 1
    request = TaskRequest(
        command=ShellLines(lines=(f"python {name}.py --seed {number % 7}",)), name=name, workdir="/",
        env=blob_key(b"{}"),
        gpus=GpuRequest(memory=MiB(chance.choice((10, 16, 24, 40)) * 1024)), queue=QueueName("running"),
        tenant=stay.habit.tenant, time_limit_s=8 * HOUR_S, is_named=True,
    )  # fmt: skip
    result = AttemptResult(
        exit_code=code, signal=None, started_at=stay.since, ended_at=stay.until, cause="exited", cpu_s=60
    )
    attempt = Attempt(
        number=1, gpus=(card,), indices=(str(stay.card),), placed_at=stay.since, started_at=stay.since, pid=4000,
        result=result, reason=reason, utilization=stay.habit.util + chance.uniform(-6, 6),
    )  # fmt: skip
    return Task(
        id=number, submission_id=SubmissionId(number), request=request, state=END_STATES[reason],
        queue=request.queue, priority=0, submitted_at=stay.since - stay.waited_s, log_path="", attempt=attempt,
        ending=Ending(reason=reason, at=stay.until, exit_code=code),
    )  # fmt: skip


def _looks(cards: Sequence[GpuUuid], past: Sequence[Stay], now: float, chance: random.Random) -> Iterator[Look]:
    """A look a minute at each card, six in the last hours."""
    begin = (now - DAYS * DAY_S) // 60 * 60
    for number, card in enumerate(cards):
        mine = sorted((stay for stay in past if stay.card == number), key=lambda one: one.since)
        at = begin
        last = now - BEGUN_MINUTES.get(number, 0.5) * 60  # from then on it has the measures of who is there now
        while at < last:
            while mine and mine[0].until <= at:
                mine.pop(0)
            stay = mine[0] if mine and mine[0].since <= at else None
            # Working hours of somebody without gavelq, on one card.
            is_foreign = stay is None and number == FOREIGN_CARD and 9 <= at % DAY_S // HOUR_S <= 20
            util = stay.util(at) if stay else 12 if is_foreign else 0
            yield _look(card, at, util, stay is not None, is_foreign, chance)
            at += 60 if at < now - 3 * HOUR_S else 10


def _look(card: GpuUuid, at: float, util: int, is_held: bool, is_foreign: bool, chance: random.Random) -> Look:
    busy = max(0, min(100, util + chance.randrange(-7, 8))) if util else 0
    values = {
        "utilization_percent": busy, "memory_utilization_percent": busy // 2,
        "memory_used_mib": 38_000 if is_foreign else 30_000 if is_held else 0,
        "foreign_memory_mib": 38_000 if is_foreign else 0, "power_w": 25.0 + busy * 3.0,
        "temperature_c": 33 + busy * 45 // 100, "n_tasks": int(is_held),
    }  # fmt: skip
    return Look(kind=Kind.GPU, subject=card, at=at, values=values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """A live task is to have begun so long ago, with so much memory and so busy."""

    minutes: float
    waited_minutes: float = 0.1
    gib: float = 0.0
    util: int = 0


def age(state: Path, ages: Mapping[TaskId, Age], now: float) -> None:
    """Move live tasks back in time, with their events and measures; those that wait, too. Ended ones stay."""
    live = asyncio.run(_move(state / "gavelq.db", ages))
    with sqlite3.connect(state / "gavelq.db") as connection:
        for task in live:
            back_s = (ages[task.id].minutes + ages[task.id].waited_minutes) * 60
            connection.execute("UPDATE records SET at = at - ? WHERE task_id = ?", (back_s, int(task.id)))
    connection.close()
    looks: list[Look] = []
    on_card: dict[tuple[GpuUuid, int], Counter[str]] = defaultdict(Counter)
    chance = random.Random(3)  # noqa: S311  # the same each time
    for task in live:
        wanted = ages[task.id]
        if task.attempt is not None and wanted.util:
            for at in range(int(now - wanted.minutes * 60) // 10 * 10, int(now) - 5, 10):
                busy = max(0, min(100, wanted.util + chance.randrange(-4, 5)))
                looks.append(_look_at_task(task.id, at, busy, wanted))
                for card in task.attempt.gpus:
                    on_card[card, at].update(util=busy, mib=int(wanted.gib * 1024), n=1)
    looks += [_look_at_card(card, at, seen) for (card, at), seen in on_card.items()]
    writer = Writer(str(state / "history.db"))
    if not writer.write(looks, Keeping()):
        raise RuntimeError(writer.problem)
    writer.close()


async def _move(path: Path, ages: Mapping[TaskId, Age]) -> list[Task]:
    """The tasks that were moved."""
    store, changes = SqliteStore(str(path)), Changes()
    live = [task for task in store.load().tasks if task.id in ages]
    for task in live:
        back_s, attempt = ages[task.id].minutes * 60, task.attempt
        if attempt is not None and attempt.started_at is not None:
            attempt = replace(attempt, placed_at=attempt.placed_at - back_s, started_at=attempt.started_at - back_s)
            changes.attempts[task.id, attempt.number] = attempt
        submitted_at = task.submitted_at - back_s - ages[task.id].waited_minutes * 60
        changes.tasks[task.id] = replace(task, submitted_at=submitted_at, attempt=attempt)
    await store.commit(changes)
    await store.close()
    return live


def _look_at_task(task_id: TaskId, at: int, busy: int, wanted: Age) -> Look:
    values = {
        "gpu_memory_mib": wanted.gib * 1024, "gpu_utilization_percent": busy, "cpu_percent": 110.0 + busy,
        "rss_mib": 9_000, "n_processes": 3,
    }  # fmt: skip
    return Look(kind=Kind.TASK, subject=int(task_id), at=at, values=values)


def _look_at_card(card: GpuUuid, at: int, seen: Counter[str]) -> Look:
    """All tasks that share it together."""
    busy = min(100, seen["util"])
    values = {
        "utilization_percent": busy, "memory_utilization_percent": busy // 2, "memory_used_mib": seen["mib"],
        "foreign_memory_mib": 0, "power_w": 25.0 + busy * 3.0, "temperature_c": 33 + busy * 45 // 100,
        "n_tasks": seen["n"],
    }  # fmt: skip
    return Look(kind=Kind.GPU, subject=card, at=at, values=values)
