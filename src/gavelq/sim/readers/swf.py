"""Traces in the Standard Workload Format, version 2.2, plain or compressed: what the Parallel Workloads Archive keeps.

One job a line, 18 fields between blanks, -1 where something is unknown; lines that begin with `;` are comments. The
format is defined at https://www.cs.huji.ac.il/labs/parallel/workload/swf.html (Chapin and others, 1999).

Of the fields these are used: 1 job number, 2 submission, 3 wait, 4 run time, 5 processors that it got, 8 processors
that it asked for, 9 time that it asked for, 11 status, 12 user. Processors count as GPUs. Memory is the host's in such
logs, and not looked at.
"""

import gzip
import math
import os
import zlib
from dataclasses import dataclass, field

from gavelq.core.errors import InvalidFile
from gavelq.sim.readers.csv_file import MAX_GPUS, MAX_ROWS
from gavelq.sim.readers.opening import LineTooLong, lines, opened
from gavelq.sim.trace import DEFAULT_TENANT, Job, Trace, from_first

FIELDS = (
    "job number", "submit time", "wait time", "run time", "allocated processors", "average CPU time", "used memory",
    "requested processors", "requested time", "requested memory", "status", "user", "group", "executable", "queue",
    "partition", "preceding job", "think time",
)  # fmt: skip
MAX_COMMENTS = 100
"""Those beyond are only counted."""
_SHOWN = 300
"""Characters of a comment that are kept."""
_PARTS = frozenset({2, 3, 4})
"""Status of a line about one part of a job that was checkpointed; another line is about the whole of it."""
_NUMBER, _SUBMIT, _WAIT, _RUN, _GOT, _ASKED, _TIME, _STATUS, _USER = 0, 1, 2, 3, 4, 7, 8, 10, 11
_USED = (_NUMBER, _SUBMIT, _WAIT, _RUN, _GOT, _ASKED, _TIME, _STATUS, _USER)
_HINT = f"a job is {len(FIELDS)} numbers between blanks, a comment begins with `;`; docs/simulator.md describes them"


@dataclass(slots=True)
class _Log:
    """What was read so far."""

    path: str
    line: int = 0
    jobs: list[Job] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    n_rows: int = 0
    n_comments: int = 0
    n_never_ran: int = 0
    n_parts: int = 0
    users: dict[int, str] = field(default_factory=dict)
    """One text for each user, however many jobs are theirs."""

    def no(self, problem: str) -> InvalidFile:
        """What is wrong with the present line."""
        return InvalidFile(path=self.path, line=max(1, self.line), problem=problem, hint=_HINT)

    def notes(self) -> tuple[str, ...]:
        """For people: what was left out, and what the file says of itself."""
        found = []
        if self.n_never_ran:
            found.append(f"{self.n_never_ran} job(s) never ran, or nobody knows on how much, and were left out")
        if self.n_parts:
            found.append(f"{self.n_parts} line(s) about parts of checkpointed jobs were left out")
        if self.n_comments > len(self.comments):
            found.append(f"{self.n_comments - len(self.comments)} more line(s) of comments")
        return (*self.comments, *found)


def read(path: str) -> Trace:
    """Read a log. Raises InvalidFile with the line, and OSError where the file cannot be opened."""
    log = _Log(path)
    try:
        # Comments may hold names in any encoding, and every byte is a character of Latin-1.
        with opened(path, encoding="latin-1") as file:
            for line in lines(file):
                log.line, text = log.line + 1, line.strip()
                if text.startswith(";"):
                    _note(log, text)
                elif text:
                    _job(log, text)
    except LineTooLong as error:
        log.line += 1
        raise log.no(str(error)) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise log.no(f"it cannot be unpacked beyond here: {error}") from None
    name = os.path.basename(path).removesuffix(".gz").removesuffix(".swf")
    return Trace(name=name, jobs=from_first(log.jobs), notes=log.notes())


def _note(log: _Log, text: str) -> None:
    said = text.lstrip("; \t").rstrip()
    if said:
        log.n_comments += 1
        if len(log.comments) < MAX_COMMENTS:
            log.comments.append(said[:_SHOWN])


def _job(log: _Log, text: str) -> None:
    row, log.n_rows = log.n_rows, log.n_rows + 1
    if row >= MAX_ROWS:
        raise log.no(f"there are more than {MAX_ROWS} jobs")
    cells = text.split()
    if len(cells) != len(FIELDS):
        raise log.no(f"a job has {len(FIELDS)} fields, here are {len(cells)}")
    values = {at: _number(log, at, cells[at]) for at in _USED}
    if values[_STATUS] in _PARTS:
        log.n_parts += 1
        return
    gpus = values[_GOT] if values[_GOT] > 0 else values[_ASKED]
    if values[_RUN] < 0 or gpus <= 0:
        log.n_never_ran += 1
        return
    if values[_SUBMIT] < 0:
        raise log.no(f"{FIELDS[_SUBMIT]} is unknown ({cells[_SUBMIT]})")
    if gpus != int(gpus) or gpus > MAX_GPUS:
        raise log.no(f"processors: {gpus:g} is no whole number up to {MAX_GPUS}")
    user = _user(log, values[_USER])
    log.jobs.append(
        Job(
            row=row, job_id=cells[_NUMBER], submit_s=values[_SUBMIT], duration_s=values[_RUN], gpus=int(gpus),
            user=user, tenant=user or DEFAULT_TENANT,
            limit_s=values[_TIME] if values[_TIME] > 0 else None,
            waited_s=values[_WAIT] if values[_WAIT] >= 0 else None,
        )
    )  # fmt: skip


def _user(log: _Log, number: float) -> str:
    return "" if number < 0 else log.users.setdefault(int(number), str(int(number)))


def _number(log: _Log, at: int, written: str) -> float:
    """A field's number. Negative ones all mean that it is not known, as the definition has it of -1."""
    try:
        value = float(written)
    except ValueError:
        value = math.nan
    if not -1e12 < value < 1e12:
        raise log.no(f"field {at + 1} ({FIELDS[at]}): {written!r:.80} is no number")
    return value
