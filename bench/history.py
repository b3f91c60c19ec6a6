"""Figures of measures over time: the size of 30 days, what recording costs, and how long a question takes."""

import random
import sqlite3
import tempfile
import time
from pathlib import Path

from bench.contenders import Contender, settle
from bench.measuring import Row, cpu_s
from gavelq.adapters.history.reading import read
from gavelq.adapters.history.sqlite_history import WRITE_S
from gavelq.adapters.history.statements import WIDTHS, table_of
from gavelq.adapters.history.writer import Writer
from gavelq.core.measures import Keeping, Kind, Look, Subject, span_of

DAYS = 30
N_GPUS = 8
DAY_S = 86400
START = 1_800_000_000 // DAY_S * DAY_S
END = START + DAY_S
IDLE_S = 30.0


def history(contenders: list[Contender]) -> list[Row]:
    """A file with 30 days of 8 GPUs, each with a task on it; and an idle daemon with 8 simulated GPUs."""
    with tempfile.TemporaryDirectory(prefix="gqb-") as directory:
        day, month = Path(directory) / "day.db", Path(directory) / "month.db"
        took_s = _simulate(day)
        _repeat(day, month)
        rows = [
            Row(
                what=f"{DAYS} days of {N_GPUS} GPUs, each with a task", unit="MB", most=300,
                values={"gavelq": month.stat().st_size / 1e6},
                notes={"gavelq": "one day, second by second; its minutes were repeated for the days before it"},
            ),
            Row(what="writing that day", unit="% of a core", values={"gavelq": took_s / DAY_S * 100}),
            *_questions(month),
        ]  # fmt: skip
    settle(3)
    before = {contender.name: cpu_s(contender.server_pids()) for contender in contenders}
    time.sleep(IDLE_S)
    used: dict[str, float | None] = {
        c.name: (cpu_s(c.server_pids()) - before[c.name]) / IDLE_S * 100 for c in contenders
    }
    return [*rows, Row(what=f"idle daemon that watches {N_GPUS} GPUs", unit="% of a core", most=1, values=used)]


def _simulate(path: Path) -> float:
    """A day in virtual time, a look every second, written as often as a daemon does; the processor time of writing."""
    writer, chance, took_s = Writer(str(path)), random.Random(1), 0.0
    for begin in range(START, END, int(WRITE_S)):
        looks = [look for at in range(begin, begin + int(WRITE_S)) for look in _looks(at, chance)]
        before = time.thread_time()
        if not writer.write(looks, Keeping()):
            raise RuntimeError(f"the history could not be written: {writer.problem}")
        took_s += time.thread_time() - before
    writer.close()
    return took_s


def _looks(at: int, chance: random.Random) -> list[Look]:
    """Everything that is measured is known, and changes all the time: nothing that is kept could be longer."""
    found = []
    for number in range(N_GPUS):
        busy = chance.randrange(101)
        memory = 40_000 + chance.randrange(40_000)
        card: dict[str, float | None] = {
            "utilization_percent": busy, "memory_utilization_percent": busy // 2, "memory_used_mib": memory,
            "foreign_memory_mib": busy * 100, "power_w": 60.0 + busy * 6.1, "temperature_c": 35 + busy // 2,
            "n_tasks": 1,
        }  # fmt: skip
        task: dict[str, float | None] = {"gpu_memory_mib": memory, "gpu_utilization_percent": busy}
        if at % 5 == 0:
            task |= {"cpu_percent": busy * 7.7, "rss_mib": memory // 2, "n_processes": 9 + busy % 5}
        found.append(Look(kind=Kind.GPU, subject=f"GPU-{number}", at=at, values=card))
        found.append(Look(kind=Kind.TASK, subject=1000 + number, at=at, values=task))
    return found


def _repeat(day: Path, month: Path) -> None:
    """A file in which the minutes of that day stand for each of the days before it, written in the order of time."""
    writer = Writer(str(month))
    writer.write([], Keeping())
    writer.close()
    connection = sqlite3.connect(month)
    connection.execute("ATTACH ? AS day", (str(day),))
    connection.execute("INSERT INTO gpus SELECT * FROM day.gpus")
    kept = [level.width_s for level in Keeping().levels if level.keep_s > DAY_S]
    for table in [table_of(kind, width_s) for kind in Kind for width_s in kept]:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        rest = ", ".join(columns[1:])
        for back in range(DAYS - 1, 0, -1):
            connection.execute(
                f"INSERT INTO {table} SELECT at - {back * DAY_S}, {rest} FROM day.{table} ORDER BY at, subject"  # noqa: S608  # all of it our own
            )
            connection.commit()
    for table in [table_of(kind, width_s) for kind in Kind for width_s in WIDTHS]:
        connection.execute(f"INSERT INTO {table} SELECT * FROM day.{table}")  # noqa: S608  # the same
    connection.execute("INSERT INTO totals SELECT * FROM day.totals")
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _questions(path: Path) -> list[Row]:
    connection = sqlite3.connect(path)
    rows = []
    every: list[Subject] = [f"GPU-{number}" for number in range(N_GPUS)]
    for what, back_s, step_s, gpus in (
        ("the last hour of 8 GPUs by minutes", 3600, 60, every),
        ("30 days of a GPU", DAYS * DAY_S, None, every[:1]),
        ("30 days of 8 GPUs", DAYS * DAY_S, None, every),
    ):
        span = span_of(Keeping().levels, start=END - back_s, end=END, step_s=step_s, now=END)
        begin = time.perf_counter()
        found = read(connection, Kind.GPU, gpus, span)
        took_ms = (time.perf_counter() - begin) * 1000
        if len(found) != len(gpus):
            raise RuntimeError(f"{what}: {len(found)} of {len(gpus)} GPUs were found")
        rows.append(Row(what=f"reading {what}", unit="ms", values={"gavelq": took_ms}))
    connection.close()
    return rows
