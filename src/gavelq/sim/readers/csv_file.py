"""Traces as CSV, plain or compressed: one job a line, under a header that names the columns.

`submit_s`, `duration_s` and `gpus` have to be there; the others (see `COLUMNS`) may be missing or empty.
"""

import csv
import gzip
import math
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from gavelq.core.errors import InvalidFile
from gavelq.sim.readers.opening import LineTooLong, lines, opened
from gavelq.sim.trace import DEFAULT_TENANT, Job, Trace, from_first

NEEDED = ("submit_s", "duration_s", "gpus")
COLUMNS = (
    "job_id", *NEEDED, "user", "limit_s", "memory_mib", "utilization", "max_gpus", "tenant", "waited_s",
)  # fmt: skip
MAX_ROWS = 10_000_000
MAX_GPUS = 1_000_000
_HINT = "the columns are " + ", ".join(COLUMNS) + "; docs/simulator.md describes them"


def read(path: str) -> Trace:
    """Read a trace. Raises InvalidFile with the line, and OSError where the file cannot be opened."""
    table = _Table(path)
    jobs: list[Job] = []
    n_without = 0
    for number, row in enumerate(table.rows()):
        job = _job(path, table.line, number, row)
        if job.gpus:
            jobs.append(job)
        else:
            n_without += 1
    notes = []
    unknown = [name for name in table.names if name and name not in COLUMNS]
    if unknown:
        notes.append("columns that mean nothing here: " + ", ".join(unknown))
    if n_without:
        notes.append(f"{n_without} job(s) ask for no GPU and were left out")
    return Trace(name=_name(path), jobs=from_first(jobs), notes=tuple(notes))


class _Table:
    """The lines of a file behind its header."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.names: list[str] = []
        self.line = 0
        """Where it is being read, from 1."""

    def rows(self) -> Iterator[dict[str, str]]:
        """The cells of each line by their columns. Raises InvalidFile."""
        try:
            with opened(self._path) as file:
                cells = csv.reader(self._counted(file))
                self.names = [name.strip() for name in next(cells, [])]
                _check_header(self._path, self.names)
                for row in cells:
                    if any(row[len(self.names) :]):
                        problem = f"here are {len(row)} cells, and the header names {len(self.names)} columns"
                        raise _no(self._path, self.line, problem)
                    if row:
                        yield dict(zip(self.names, row, strict=False))
        except (csv.Error, UnicodeDecodeError, LineTooLong, EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise _no(self._path, self.line + 1, f"it is no CSV from here on: {error}") from None

    def _counted(self, file: TextIO) -> Iterator[str]:
        for text in lines(file):
            self.line += 1
            yield text


def _name(path: str) -> str:
    return os.path.basename(path).removesuffix(".gz").removesuffix(".csv")


def _check_header(path: str, names: Sequence[str]) -> None:
    missing = [name for name in NEEDED if name not in names]
    if missing:
        other = next((mark for mark in ";\t|" if len(names) == 1 and mark in names[0]), None)
        if other is not None:
            raise _no(path, 1, f"its cells are divided by {other!r}, and commas are expected")
        raise _no(path, 1, f"the header lacks {', '.join(missing)}")
    twice = [name for name in dict.fromkeys(names) if name in COLUMNS and names.count(name) > 1]
    if twice:
        raise _no(path, 1, f"the header names {', '.join(twice)} twice")


def _job(path: str, line: int, number: int, row: Mapping[str, str]) -> Job:
    if number >= MAX_ROWS:
        raise _no(path, line, f"there are more than {MAX_ROWS} jobs")
    reader = _Row(path, line, row)
    gpus = reader.whole("gpus", most=MAX_GPUS)
    max_gpus = reader.optional_whole("max_gpus")
    if max_gpus is not None and max_gpus < gpus:
        raise _no(path, line, f"max_gpus is {max_gpus}, less than gpus ({gpus})")
    return Job(
        row=number,
        job_id=reader.text("job_id") or str(number + 1),
        submit_s=reader.number("submit_s"),
        duration_s=reader.number("duration_s"),
        gpus=gpus,
        user=reader.text("user"),
        limit_s=reader.optional("limit_s") or None,
        memory_mib=reader.optional_whole("memory_mib") or None,
        utilization=reader.optional("utilization"),
        max_gpus=max_gpus if max_gpus != gpus else None,
        tenant=reader.text("tenant") or reader.text("user") or DEFAULT_TENANT,
        waited_s=reader.optional("waited_s"),
    )


class _Row:
    """The cells of one line."""

    def __init__(self, path: str, line: int, row: Mapping[str, str]) -> None:
        self._path, self._line, self._row = path, line, row

    def text(self, name: str) -> str:
        return self._row.get(name, "").strip()

    def number(self, name: str) -> float:
        found = self.optional(name)
        if found is None:
            raise _no(self._path, self._line, f"{name} is empty")
        return found

    def optional(self, name: str) -> float | None:
        written = self.text(name)
        if not written:
            return None
        try:
            value = float(written)
        except ValueError:
            value = math.nan
        if not 0 <= value < 1e12:
            raise _no(self._path, self._line, f"{name}: {written!r:.80} is no number from 0 on")
        return value

    def whole(self, name: str, *, most: int) -> int:
        value = self.number(name)
        if value != int(value) or value > most:
            raise _no(self._path, self._line, f"{name}: {value:g} is no whole number up to {most}")
        return int(value)

    def optional_whole(self, name: str) -> int | None:
        value = self.optional(name)
        return None if value is None else math.ceil(value)


def _no(path: str, line: int, problem: str) -> InvalidFile:
    return InvalidFile(path=path, line=line, problem=problem, hint=_HINT)
