"""Traces as CSV, plain or compressed: one job a line, under a header that names the columns.

`submit_s`, `duration_s` and `gpus` have to be there; the others (see `COLUMNS`) may be missing or empty.
"""

import csv
import gzip
import math
import os
import zlib

from gavelq.core.errors import InvalidFile
from gavelq.sim.readers.opening import opened
from gavelq.sim.trace import DEFAULT_TENANT, Job, Trace, in_order

NEEDED = ("submit_s", "duration_s", "gpus")
COLUMNS = (
    "job_id", *NEEDED, "user", "limit_s", "memory_mib", "utilization", "max_gpus", "tenant", "waited_s",
)  # fmt: skip
MAX_ROWS = 10_000_000
MAX_GPUS = 1_000_000
_HINT = "the columns are " + ", ".join(COLUMNS) + "; docs/simulator.md describes them"


def read(path: str) -> Trace:
    """Read a trace. Raises InvalidFile with the line, and OSError where the file cannot be opened."""
    jobs: list[Job] = []
    notes: list[str] = []
    n_without = 0
    try:
        with opened(path) as file:
            rows = csv.DictReader(file)
            _check_header(path, rows.fieldnames)
            unknown = [name for name in rows.fieldnames or () if name not in COLUMNS]
            if unknown:
                notes.append("columns that mean nothing here: " + ", ".join(unknown))
            for number, row in enumerate(rows):
                job = _job(path, rows.line_num, number, row)
                if job.gpus:
                    jobs.append(job)
                else:
                    n_without += 1
    except (csv.Error, UnicodeDecodeError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _no(path, 1, f"it is no CSV file: {error}") from None
    if n_without:
        notes.append(f"{n_without} job(s) ask for no GPU and were left out")
    return Trace(name=_name(path), jobs=in_order(jobs), notes=tuple(notes))


def _name(path: str) -> str:
    return os.path.basename(path).removesuffix(".gz").removesuffix(".csv")


def _check_header(path: str, names: object) -> None:
    found = list(names) if isinstance(names, list | tuple) else []
    missing = [name for name in NEEDED if name not in found]
    if missing:
        raise _no(path, 1, f"the header lacks {', '.join(missing)}")


def _job(path: str, line: int, number: int, row: dict[str, str | None]) -> Job:
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

    def __init__(self, path: str, line: int, row: dict[str, str | None]) -> None:
        self._path, self._line, self._row = path, line, row

    def text(self, name: str) -> str:
        return (self._row.get(name) or "").strip()

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
