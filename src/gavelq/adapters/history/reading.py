"""Reading the history."""

import json
import sqlite3
from array import array
from collections.abc import Mapping, Sequence

from gavelq.adapters.history.folding import PER_UNIT, stats
from gavelq.adapters.history.statements import query
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.measures import Kind, Span, Stat, Subject
from gavelq.core.usage import CardMinutes

Series = Mapping[Subject, Mapping[str, Sequence[Stat | None]]]


def read(connection: sqlite3.Connection, kind: Kind, subjects: Sequence[Subject], span: Span) -> Series:
    """The points of a span by subject and measure; measures and subjects of which nothing is known are left out."""
    numbers: dict[int, Subject] = {int(subject): subject for subject in subjects} if kind is Kind.TASK else {}
    if kind is Kind.GPU:
        known = dict(connection.execute(query("gpus")).fetchall())
        numbers = {known[subject]: subject for subject in subjects if subject in known}
    asked = {"step": span.step_s, "start": span.start, "end": span.end, "subjects": json.dumps(list(numbers))}
    found: dict[Subject, dict[str, list[Stat | None]]] = {}
    for number, at, *amounts in connection.execute(query("read", kind, span.width_s), asked):
        place = (at - span.start) // span.step_s
        series = found.setdefault(numbers[number], {})
        for name, stat in stats(kind, amounts).items():
            if name not in series:
                series[name] = [None] * span.n
            series[name][place] = stat
    return found


def read_total(connection: sqlite3.Connection, task_id: TaskId) -> Mapping[str, Stat]:
    """What a task used in its whole life, by measure; what is unknown is left out."""
    amounts = connection.execute(query("read_total"), (task_id,)).fetchone()
    return {} if amounts is None else stats(Kind.TASK, amounts)


def read_minutes(connection: sqlite3.Connection, start: float, end: float, idle_percent: float) -> CardMinutes:
    """The minutes in which cards were held and idle, or used by others alone."""
    names = {number: GpuUuid(uuid) for uuid, number in connection.execute(query("gpus"))}
    idle: dict[GpuUuid, array[int]] = {}
    foreign: dict[GpuUuid, array[int]] = {}
    asked = {"start": start, "end": end, "idle_tenths": idle_percent * PER_UNIT}
    for number, at, is_held in connection.execute(query("minutes"), asked):
        (idle if is_held else foreign).setdefault(names[number], array("q")).append(at)
    (first,) = connection.execute(query("first_minute")).fetchone()
    return CardMinutes(idle=idle, foreign=foreign, since=first)
