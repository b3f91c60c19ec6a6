"""The daemon's own log: one JSON object per line, rotated by size, mode 0600."""

import json
import logging
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from typing import Any

from gavelq.core.errors import InvalidField

_log = logging.getLogger("gavelq")
_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        # A rotating file asks twice: how long it will be, and what it is.
        made: str | None = getattr(record, "made", None)
        if made is None:
            made = record.made = self._made(record)
        return made

    def _made(self, record: logging.LogRecord) -> str:
        lines: Sequence[tuple[str, Mapping[str, Any]]] | None = getattr(record, "lines", None)
        if lines is None:
            lines = ((record.getMessage(), getattr(record, "fields", {})),)
        head = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
        }
        if record.exc_info:
            head["traceback"] = self.formatException(record.exc_info)
        return "\n".join(_encode({**head, "event": event, **fields}) for event, fields in lines)


def open_journal(path: str, *, level: str, max_mb: int, backups: int, also_stderr: bool) -> None:
    """Start logging. `also_stderr` is for a daemon in the foreground. Raises InvalidField for an unusable file."""
    handlers: list[logging.Handler] = []
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        handlers.append(_rotating(path, max_mb << 20, backups))
    except OSError as error:
        problem = f"{path} cannot be written: {error.strerror}"
        raise InvalidField(field="log.path", problem=problem, hint="name a file that you may write to") from None
    if also_stderr:
        handlers.append(logging.StreamHandler())
    for handler in handlers:
        handler.setFormatter(_JsonLines())
    _log.handlers = handlers
    _log.propagate = False
    _log.setLevel(level.upper())
    # A full disk must not stop the daemon, and it must not print a traceback for every line either.
    logging.raiseExceptions = False


def _rotating(path: str, max_bytes: int, backups: int) -> RotatingFileHandler:
    old_mask = os.umask(0o177)
    try:
        return RotatingFileHandler(path, maxBytes=max_bytes, backupCount=backups, encoding="utf-8")
    finally:
        os.umask(old_mask)


def note(event: str, **fields: Any) -> None:
    """One ordinary line."""
    _log.info(event, extra={"fields": fields})


def detail(event: str, **fields: Any) -> None:
    """One line that only `log.level: debug` shows."""
    _log.debug(event, extra={"fields": fields})


def is_detailed() -> bool:
    """Whether such lines are written."""
    return _log.isEnabledFor(logging.DEBUG)


def note_all(lines: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Several ordinary lines (event, fields) in one write."""
    if lines:
        _log.info("", extra={"lines": lines})


def warn(event: str, **fields: Any) -> None:
    """Something that a person should look at."""
    _log.warning(event, extra={"fields": fields})


def fail(event: str, error: BaseException | None = None, **fields: Any) -> None:
    """Something that went wrong, with its traceback."""
    _log.error(event, extra={"fields": fields}, exc_info=error)


def set_level(level: str) -> None:
    """Change the level of a running daemon."""
    _log.setLevel(level.upper())
