"""After a change of the configuration: a running daemon reads it again, and what follows from that is told."""

from __future__ import annotations

import json
import sys
from typing import Any

from gavelq.cli.call import Call
from gavelq.cli.output.text import safe, say


def written(value: Any) -> str:
    """A value as one would write it: texts plain, all else as JSON (which is YAML)."""
    return value if isinstance(value, str) else "none" if value is None else json.dumps(value, ensure_ascii=False)


def reload(call: Call) -> dict[str, Any] | None:
    """Let a running daemon take the file over; what it answered, None where none runs. Raises InvalidFile."""
    from gavelq.cli.daemon import reload as ask

    return ask(call.address())


def tell_reload(changed: dict[str, Any] | None) -> None:
    """Say what a person should know of the daemon's answer."""
    if changed is None:
        return
    for warning in changed.get("warnings") or ():
        say(f"note: {safe(warning)}", sys.stderr)
    if changed.get("needs_restart"):
        names = ", ".join(changed["needs_restart"])
        say(f"note: {safe(names)} will count after: gavelq daemon restart", sys.stderr)
