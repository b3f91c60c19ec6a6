"""After a change of the configuration: a running daemon reads it again, and what follows from that is told."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import Any

from gavelq.cli.call import Call
from gavelq.cli.output.text import safe, say
from gavelq.config import BY_NAME
from gavelq.core.errors import NotAllowed


def written(value: Any) -> str:
    """A value as one would write it: texts plain, all else as JSON (which is YAML)."""
    return value if isinstance(value, str) else "none" if value is None else json.dumps(value, ensure_ascii=False)


def reload(call: Call) -> dict[str, Any] | None:
    """Let a running daemon take the file over; what it answered, None where none runs.

    Raises InvalidFile, and NotAllowed where the daemon refuses: the file is written by then, and that is told.
    """
    from gavelq.cli.daemon import reload as ask

    try:
        return ask(call.address())
    except NotAllowed as error:
        told = f"{error.message}; {call.config_path} is changed, and counts once the daemon reads it"
        raise type(error)(told, hint=error.hint, **error.details) from None


def tell_reload(changed: dict[str, Any] | None) -> None:
    """Say what a person should know of the daemon's answer."""
    if changed is None:
        return
    for warning in changed.get("warnings") or ():
        say(f"note: {safe(warning)}", sys.stderr)
    if changed.get("needs_restart"):
        names = ", ".join(changed["needs_restart"])
        say(f"note: {safe(names)} will count after: gavelq daemon restart", sys.stderr)


def tell_overruled(names: Iterable[str]) -> None:
    """Say of which settings the file's value counts for nothing here, because the environment has one."""
    for name in names:
        if BY_NAME[name].env in os.environ:
            say(f"note: {BY_NAME[name].env} in the environment wins over the file; unset it", sys.stderr)
