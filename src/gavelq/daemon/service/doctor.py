"""`GET /api/doctor`: what `gavelq doctor` looks at, as the daemon itself sees it."""

import os
from collections.abc import Callable, Sequence
from typing import Protocol

from gavelq.core.errors import TimedOut
from gavelq.daemon.aside import Aside
from gavelq.daemon.caller import Caller
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.views import Json
from gavelq.version import __version__

PATIENCE_S = 15.0
_LEVELS = {"ok": "ok", "note": "info", "problem": "fail"}


class Finding(Protocol):
    """What was found, and what helps where it is not as it should be (`gavelq.adapters.doctor`)."""

    @property
    def area(self) -> str:
        """What it belongs to."""
        ...

    @property
    def name(self) -> str:
        """What was looked at."""
        ...

    @property
    def verdict(self) -> str:
        """`ok`, `note` or `problem`."""
        ...

    @property
    def text(self) -> str:
        """What was found."""
        ...

    @property
    def fix(self) -> str:
        """What helps; empty: nothing has to be done."""
        ...


class DoctorService:
    """Looks when somebody asks. For admins alone."""

    def __init__(self, desk: Desk, examine: Callable[[], Sequence[Finding]], warnings: Callable[[], list[str]]) -> None:
        """`examine` looks at the machine; it blocks, and a driver or a file system may hang it."""
        self._desk = desk
        self._examine = examine
        self._warnings = warnings
        self._aside = Aside(1, PATIENCE_S)

    async def checks(self, caller: Caller) -> list[Json]:
        """`GET /api/doctor`: every check with its verdict and what helps."""
        caller.require_admin("examining the machine")
        own = self._own()
        try:
            found = await self._aside.look(lambda: list(self._examine()), "a look at the machine")
        except TimedOut as error:
            return [*own, _row("machine: look", "fail", error.message, "`dmesg` tells more where a driver hangs")]
        return [*own, *(_told(one) for one in found)]

    def _own(self) -> list[Json]:
        """What only the daemon knows."""
        loop = self._desk.loop
        rows = [_row("daemon: running", "ok", f"gavelq {__version__}, pid {os.getpid()}")]
        if loop.is_read_only:
            rows.append(
                _row("daemon: state", "fail", "the state cannot be written: nothing starts", "make room on the disk")
            )
        else:
            rows.append(_row("daemon: state", "ok", "it can be written"))
        warnings = self._warnings()
        rows += [_row("daemon: warning", "warn", text) for text in warnings]
        return rows


def _told(found: Finding) -> Json:
    level = _LEVELS[found.verdict]
    return _row(
        f"{found.area}: {found.name}", "warn" if level == "info" and found.fix else level, found.text, found.fix
    )


def _row(name: str, level: str, text: str, hint: str = "") -> Json:
    verdict = {"ok": True, "fail": False}.get(level)
    return {"name": name, "ok": verdict, "level": level, "text": text, "hint": hint or None}
