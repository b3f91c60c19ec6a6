"""Runs of command files: a heading for each, and a line with a progress bar for each of its queue ids."""

import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

from gavelq.cli.output.table import Column, fitted
from gavelq.cli.output.text import paint, safe, shorten, terminal_columns
from gavelq.cli.output.times import local, memory

Run = dict[str, Any]
Lane = dict[str, Any]

_COLUMNS = (
    Column("QUEUE", is_soft=True),
    Column("PROGRESS"),
    Column("DONE", is_right=True),
    Column("FAILED", is_right=True, is_optional=True),
    Column("CANCELLED", is_right=True, is_optional=True),
    Column("TOTAL", is_right=True),
    Column("STATE"),
    Column("TASK", is_soft=True, is_optional=True),
    Column("GPUS", is_optional=True),
    Column("MEMORY", is_right=True, is_optional=True, is_spare=True),
    Column("RETRIES", is_right=True, is_optional=True, is_spare=True),
    Column("STARTED", is_right=True, is_optional=True, is_spare=True),
    Column("END", is_right=True, is_optional=True),
)
WHOLE = (
    "MODE", "INDEX", "NAME", "RUN", "RUN STATE", "QUEUE", "STATE", "DONE", "FAILED", "CANCELLED", "RUNNING", "PENDING",
    "TOTAL", "TASK ID", "TASK", "GPUS", "MEMORY MIB", "RETRIES", "STARTED", "EXPECTED END", "ENDED",
)  # fmt: skip
"""The columns of a row for programs."""
_WIDE = 110
"""With so many columns there is room for names and long bars."""
_GLYPHS = ("█", "x", "▓", "░")
_PLAIN = ("#", "x", ">", ".")
_COLOURS = {"failed": "31", "completed": "32", "retrying": "33"}


def is_live(run: Run) -> bool:
    """Whether a run is not over (one that never was is)."""
    return run["state"] in ("starting", "running", "stopping")


def block(runs: Sequence[Run], *, is_whole: bool, now: float) -> list[str]:
    """The lines of a terminal. Of runs that are over only the heading is shown, unless `is_whole`."""
    room = terminal_columns(sys.stdout) - 1  # a full line would make some terminals begin another one
    lines: list[str] = []
    for number, run in enumerate(runs):
        if number:
            lines.append("")
        title, *rest = (shorten(safe(line), room) for line in _heading(run, room, now))
        lines += [_coloured(title, run["state"]), *rest]
        if run["queues"] and (is_whole or is_live(run)):
            lines += _table(list(run["queues"].values()), room, now)
    return lines


def _heading(run: Run, room: int, now: float) -> list[str]:
    if run["state"] is None:
        return [f"{_title(run)}: it has not run; start it with: gavelq file start {run['index']} --mode {run['mode']}"]
    told = [f"{_title(run)}, run {run['run']}: {run['state']}", f"{bar(run, _bar_width(room))} {_counts(run)}"]
    times = f"started {clock(run['started_at'], now)}"
    if run["ended_at"]:
        times += f", ended {clock(run['ended_at'], now)}"
    elif run["expected_end_at"]:
        times += f", expected end {clock(run['expected_end_at'], now)} ({run['expected_basis']})"
    elif run["expected_basis"]:
        times += f", nobody can tell when it ends: {run['expected_basis']}"
    told.append(times)
    if run["last_error"] and run["state"] != "completed":
        told.append(f"last error: {run['last_error']}")
    return told


def _title(run: Run) -> str:
    if run["index"] is None:
        return f"{run['name'] or 'commands'} ({run['mode']})"
    return f"{run['name'] or 'configuration'} ({run['mode']} {run['index']})"


def _counts(run: Run) -> str:
    parts = [
        (run["completed_tasks"], "done"),
        (run["failed_tasks"] - run["cancelled_tasks"], "failed"),
        (run["cancelled_tasks"], "cancelled"),
        (run["running_tasks"], "running"),
        (run["pending_tasks"], "waiting"),
    ]
    told = ", ".join(f"{n} {word}" for n, word in parts if n or word == "done")
    retries = f"; {run['retries']} {'retry' if run['retries'] == 1 else 'retries'}" if run["retries"] else ""
    return f"{told} of {run['total_tasks']}{retries}"


def _table(lanes: Sequence[Lane], room: int, now: float) -> list[str]:
    rows = [[safe(cell) for cell in _row(lane, room, now)] for lane in lanes]
    title, *lines = fitted(_COLUMNS, rows, room)
    coloured = [_coloured(shorten(line, room), lane["status"]) for line, lane in zip(lines, lanes, strict=True)]
    return [paint(shorten(title, room), "1", sys.stdout), *coloured]


def _row(lane: Lane, room: int, now: float) -> tuple[str, ...]:
    n_failed = lane["failed_tasks"] - lane["cancelled_tasks"]
    state = lane["status"]
    if state in ("waiting", "retrying") and lane["pending_reason"]:
        state = f"{state} ({lane['pending_reason']})"
    task = _or_dash(lane["current_task_id"])
    if lane["current_task"] and room >= _WIDE:
        task += f" {lane['current_task']}"
    expected = clock(lane["expected_end_at"], now)
    end = clock(lane["ended_at"], now) if lane["ended_at"] else f"~{expected}" if expected != "-" else "-"
    return (
        lane["id"], bar(lane, _bar_width(room)), str(lane["completed_tasks"]), str(n_failed or "-"),
        str(lane["cancelled_tasks"] or "-"), str(lane["total_tasks"]), state, task, _gpus(lane),
        memory(lane["memory_used_mib"]) if lane["memory_used_mib"] is not None else "-", str(lane["retries"] or "-"),
        clock(lane["started_at"], now), end,
    )  # fmt: skip


def _gpus(lane: Lane) -> str:
    return ",".join(str(index) for index in lane["gpus"]) or "-"


def _coloured(line: str, word: str | None) -> str:
    colour = _COLOURS.get(word or "")
    return paint(line, colour, sys.stdout) if colour is not None else line


def _bar_width(room: int) -> int:
    return 20 if room >= _WIDE else 10 if room >= 70 else 5


def bar(counted: dict[str, Any], columns: int) -> str:
    """Progress in so many columns: done, failed, running, waiting, each with a glyph of its own.

    What there is of a kind is seen, however little it is.
    """
    n_done, n_failed, n_running = (counted[f"{kind}_tasks"] for kind in ("completed", "failed", "running"))
    counts = (n_done, n_failed, n_running, max(0, counted["total_tasks"] - n_done - n_failed - n_running))
    cells = _shares(counts, columns)
    glyphs = _GLYPHS if "utf" in (sys.stdout.encoding or "").lower() else _PLAIN
    return "".join(glyph * n for glyph, n in zip(glyphs, cells, strict=True))


def _shares(counts: Sequence[int], columns: int) -> list[int]:
    """So many columns for each count: in proportion, and at least one where there is anything."""
    total = sum(counts)
    if not total:
        return [0, 0, 0, columns]
    cells = [max(1, n * columns // total) if n else 0 for n in counts]
    while sum(cells) > columns:
        cells[cells.index(max(cells))] -= 1
    # What is left over goes to those who came off worst.
    while sum(cells) < columns:
        worst = max(range(len(cells)), key=lambda i: counts[i] * columns / total - cells[i])
        cells[worst] += 1
    return cells


def clock(text: str | None, now: float) -> str:
    """A time of the API as `12:00:00`, on another day as `2026-01-31 12:00`; `-` where there is none."""
    whole = local(text)
    if text is None or whole[:10] != time.strftime("%Y-%m-%d", time.localtime(now)):
        return whole[:16]
    return whole[11:]


def whole_rows(runs: Iterable[Run]) -> list[tuple[str, ...]]:
    """A row for each queue id of each run, with everything."""
    rows: list[tuple[str, ...]] = []
    for run in runs:
        head = (run["mode"], _or_dash(run["index"]), run["name"] or "-", _or_dash(run["run"]), _or_dash(run["state"]))
        rows += [(*head, *_whole(lane)) for lane in run["queues"].values()]
        if not run["queues"]:
            rows.append((*head, *["-"] * (len(WHOLE) - len(head))))
    return rows


def _whole(lane: Lane) -> tuple[str, ...]:
    n_failed = lane["failed_tasks"] - lane["cancelled_tasks"]
    counts = (
        lane["completed_tasks"], n_failed, lane["cancelled_tasks"], lane["running_tasks"], lane["pending_tasks"],
        lane["total_tasks"],
    )  # fmt: skip
    return (
        lane["id"], lane["status"], *(str(n) for n in counts), _or_dash(lane["current_task_id"]),
        lane["current_task"] or "-", _gpus(lane), _or_dash(lane["memory_used_mib"]), str(lane["retries"]),
        local(lane["started_at"]), local(lane["expected_end_at"]), local(lane["ended_at"]),
    )  # fmt: skip


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)


def latest(runs: Iterable[Run]) -> list[Run]:
    """The last run of each configuration, and those of files that were only submitted while they are not over."""
    last: dict[tuple[object, ...], Run] = {}
    for run in runs:  # the oldest first
        is_stored = run["index"] is not None
        if is_stored or is_live(run):
            last[(run["tenant"], run["mode"], run["index"], None if is_stored else run["run"])] = run
    return sorted(last.values(), key=lambda run: (run["index"] is None, run["mode"] != "single", run["index"] or 0))


def fingerprint(runs: Iterable[Run]) -> list[tuple[str, ...]]:
    """What makes a new block worth printing: not the memory in use, and not what is only expected."""
    volatile = (WHOLE.index("MEMORY MIB"), WHOLE.index("EXPECTED END"))
    return [tuple(cell for at, cell in enumerate(row) if at not in volatile) for row in whole_rows(runs)]
