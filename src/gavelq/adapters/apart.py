"""Processes of gavelq's own beside the daemon: found where it was found, with what they need of its environment."""

import os
import sys
from collections.abc import Mapping

_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
_ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 2))


def command_of(code: str, *arguments: str) -> list[str]:
    """The command line of a process that runs these statements, with the arguments in `sys.argv[1:]`.

    `-I -S` keeps the environment, the user's packages and .pth files out; gavelq itself is found where this process has
    found it, behind the standard library, so that nothing beside it can take a module's place.
    """
    found = f"import sys; sys.path.append(sys.argv.pop(1)); {code}"
    return [sys.executable, "-I", "-S", "-X", "utf8", "-c", found, _ROOT, *arguments]


def clean_environment(source: Mapping[str, str]) -> dict[str, str]:
    """What such a process needs; the daemon's secrets are not among it."""
    return {name: source[name] for name in _KEPT if name in source}
