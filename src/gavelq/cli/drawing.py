"""`gavelq simulate --plot FILE --report FILE`: where they go, and what is in their way."""

from __future__ import annotations

import os
import shlex
import stat
import sys
from collections.abc import Sequence
from errno import EACCES
from importlib.util import find_spec
from typing import TYPE_CHECKING

from gavelq.core.errors import GavelqError, InvalidField, UsageError
from gavelq.version import __version__

if TYPE_CHECKING:
    from gavelq.sim.comparing import Comparison, Result

PLOTS = (".svg", ".png")
PAGES = (".html", ".htm")
_MARK = b"gavelq simulate"
"""Stands near the beginning of each file of ours (`sim.report.picture.MARK`)."""
_LOOKED_AT = 4096


class PlotsMissing(GavelqError):
    """plots need matplotlib, which is not installed"""

    code = "extra_missing"
    hint = "pip install 'gavelq[plot]' (or: pip install 'matplotlib>=3.8'), in the environment that gavelq is in"


def check(plot: str | None, report: str | None, *, is_queue: bool) -> None:
    """Say what is wrong before anything is simulated. Raises UsageError, InvalidField, PlotsMissing."""
    if is_queue and (plot or report):
        hint = "leave --plot and --report away; the console's page of rules shows the forecast (gavelq ui)"
        raise UsageError("a forecast of the queue is a table", hint=hint)
    for field, path, endings in (("plot", plot, PLOTS), ("report", report, PAGES)):
        if path is not None:
            _check_path(field, path, endings)
    if (plot or report) and not _has_matplotlib():
        raise PlotsMissing


def draw(comparison: Comparison, results: Sequence[Result], *, plot: str | None, report: str | None) -> None:
    """Write what was asked for. Raises InvalidField where that cannot be."""
    if plot is None and report is None:
        return
    from gavelq.sim.report import picture
    from gavelq.sim.report.facts import facts, title
    from gavelq.sim.report.page import page

    outcomes = [result.outcome for result in results]
    if plot is not None:
        kind = os.path.splitext(plot)[1].lower().removeprefix(".")
        _write("plot", plot, picture.picture(outcomes, title(comparison), kind))
    if report is not None:
        said = facts(comparison, results, command=shlex.join(["gavelq", *sys.argv[1:]]), by=f"gavelq {__version__}")
        text = page(title(comparison), said, results, picture.parts(outcomes))
        _write("report", report, text.encode("utf-8", "replace"))


def _has_matplotlib() -> bool:
    try:
        return find_spec("matplotlib") is not None
    except ValueError:  # somebody has put it out of reach
        return False


def _check_path(field: str, path: str, endings: Sequence[str]) -> None:
    if os.path.splitext(path)[1].lower() not in endings:
        problem = f"{path!r:.200} does not end in {' or '.join(endings)}"
        raise InvalidField(field=field, problem=problem, hint=f"write for example --{field} out{endings[0]}")
    directory = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(directory):
        raise InvalidField(
            field=field, problem=f"there is no directory {directory}", hint=f"mkdir -p {shlex.quote(directory)}"
        )
    if not os.access(directory, os.W_OK | os.X_OK):
        raise _unwritable(field, path, PermissionError(EACCES, os.strerror(EACCES)))
    _check_own(field, path)


def _check_own(field: str, path: str) -> None:
    """An older one of ours is replaced; nothing else is."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISREG(mode):
            with open(path, "rb") as file:
                start = file.read(_LOOKED_AT)
            if not start or _MARK in start:
                return
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unwritable(field, path, error) from None
    problem = f"{path} is there already, and not written by gavelq simulate"
    raise InvalidField(field=field, problem=problem, hint="name another file, or remove this one first")


def _write(field: str, path: str, content: bytes) -> None:
    """The whole file or none of it; where the name is a link, what it points to."""
    target = os.path.realpath(path)
    fresh = f"{target}.{os.getpid()}.new"
    try:
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            _check_own(field, path)  # it may have come meanwhile
            os.replace(fresh, target)
        except BaseException:
            os.unlink(fresh)
            raise
    except OSError as error:
        raise _unwritable(field, path, error) from None


def _unwritable(field: str, path: str, error: OSError) -> InvalidField:
    problem = f"{path} cannot be written: {error.strerror}"
    return InvalidField(field=field, problem=problem, hint="name a file in a directory of your own")
