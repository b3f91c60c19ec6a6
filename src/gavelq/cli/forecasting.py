"""`gavelq simulate --queue`: when the tasks that wait will start, under these rules and under others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gavelq.cli.call import Call
from gavelq.cli.output.document import print_body
from gavelq.cli.output.table import Column, print_table
from gavelq.cli.output.text import safe, say
from gavelq.cli.output.times import duration, epoch, local
from gavelq.client import lean
from gavelq.client.simulating import PATIENCE_S
from gavelq.core.errors import InvalidField

_BASES = {
    "learned": "what tasks of their names took", "limit": "their time limits", "assumed": "what was to be assumed",
}  # fmt: skip
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be looked at."""

    changes: tuple[str, ...]
    """`NAME=VALUE` for each setting that is to be another one."""
    hours: int | None
    assume: str | None


def forecast_queue(call: Call, wish: Wish) -> int:
    """Ask the daemon, and say what is to come. Raises InvalidField, and what the daemon answers."""
    body = {"settings": read_changes(wish.changes), "hours": wish.hours or 24, "assume": wish.assume}
    reply = call.link().send("POST", "/api/simulate", body, timeout_s=PATIENCE_S)
    if call.is_json:
        print_body(reply.body)
        return 0
    told = lean.loads(reply.body)
    if not told["tasks"]:
        say("no task waits" + (f"; {told['summary']['n_held']} are held" if told["summary"]["n_held"] else ""))
        return 0
    _print_tasks(told)
    for line in _said(told, wish) if call.is_terminal else ():
        say(safe(line))
    return 0


def read_changes(changes: tuple[str, ...]) -> dict[str, str]:
    """`NAME=VALUE` of each `--set`. Raises InvalidField."""
    found: dict[str, str] = {}
    for one in changes:
        name, sign, value = one.partition("=")
        if not sign:
            hint = "write for example --set scheduling.policy=fifo"
            raise InvalidField(field="set", problem=f"{one[:80]!r} is not NAME=VALUE", hint=hint)
        if name in found:
            raise InvalidField(field=name[:80], problem="it is given twice", hint="give it once")
        found[name] = value
    return found


def _print_tasks(told: Json) -> None:
    is_changed = told["summary"]["then"] is not None
    columns = [
        Column("ID", is_right=True), Column("NAME", is_soft=True), Column("GPUS", is_right=True),
        Column("RUNS"), Column("BY"), Column("START"), Column("END", is_spare=True),
        *([Column("THEN START"), Column("THEN END", is_spare=True), Column("CHANGE", is_right=True)] * is_changed),
        Column("WHY NOT", is_soft=True, is_optional=True),
    ]  # fmt: skip
    print_table(columns, [_cells(row, is_changed=is_changed) for row in told["tasks"]])


def _cells(row: Json, *, is_changed: bool) -> list[str]:
    now, then = row["now"], row["then"]
    cells = [
        str(row["task_id"]), row["name"], str(row["gpu_count"]), duration(row["run_time_s"]), row["run_time_basis"],
        local(now["start_at"]), local(now["end_at"]),
    ]  # fmt: skip
    if is_changed:
        cells += [local(then["start_at"]), local(then["end_at"]), _shift(now, then)]
    return [*cells, now["why"] or (then["why"] if is_changed else "") or "-"]


def _shift(now: Json, then: Json) -> str:
    """By how much a start would move: `-1h02m` is earlier."""
    if now["start_at"] is None or then["start_at"] is None:
        return "-" if now["start_at"] == then["start_at"] else "earlier" if now["start_at"] is None else "later"
    by = epoch(then["start_at"]) - epoch(now["start_at"])
    return "same" if abs(by) < 1 else ("-" if by < 0 else "+") + duration(abs(by))


def _said(told: Json, wish: Wish) -> list[str]:
    summary, hours = told["summary"], wish.hours or 24
    now, then = summary["now"], summary["then"]
    said = [f"{now['n_starting']} of {summary['n_waiting']} tasks start within {hours}h" + _mean(now)]
    if then is not None:
        said.append(f"with the changes: {then['n_starting']}" + _mean(then))
        said.append(f"{summary['n_earlier']} earlier, {summary['n_later']} later, {summary['n_same']} as before")
        said.append("nothing was changed; write them with: gavelq config set")
    counts = summary["run_times"]
    bases = [f"{words} ({counts[name]})" for name, words in _BASES.items() if counts[name]]
    if bases:
        said.append("run times are " + ", ".join(bases))
    if counts["unknown"]:
        said.append(f"of {counts['unknown']} nobody knows how long they run: say it with --assume 2h")
    if not summary["is_whole"]:
        said.append("there is too much to come: the end was left out; look ahead for fewer hours")
    return said


def _mean(side: Json) -> str:
    return "" if side["mean_wait_s"] is None else f", after {duration(side['mean_wait_s'])} on average"
