"""From a link to a page on a screen: which screen that is, and how a browser gets there unseen by others."""

import html
import os
import pwd
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from gavelq import paths
from gavelq.cli.call import Call

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # what is listened on, not what is opened
_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a browser finds the daemon."""

    url: str
    forward: str | None
    """The command that brings it there, where the person sits at another computer."""


def place_of(base: str, env: Mapping[str, str]) -> Place:
    """The place for the person who calls: `base` is where the daemon answers over TCP."""
    parts = urlsplit(base)
    host = _ANY.get(parts.hostname or "", parts.hostname or "127.0.0.1")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    there = f"[{host}]" if ":" in host else host
    if not env.get("SSH_CONNECTION"):
        return Place(f"{parts.scheme}://{there}:{port}{parts.path}", None)
    # Ports below 1024 are root's on the other computer, too.
    local = port if port >= 1024 else port + 8000
    return Place(f"{parts.scheme}://127.0.0.1:{local}{parts.path}", _forward(local, f"{there}:{port}", env))


def _forward(local: int, target: str, env: Mapping[str, str]) -> str:
    """`ssh -L` to this machine as it was reached: SSH_CONNECTION has both ends' addresses and ports, see ssh(1)."""
    words = env["SSH_CONNECTION"].split()
    host, port = (words[2], words[3]) if len(words) == 4 else (os.uname().nodename, "22")
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = env.get("USER", "")
    more = [] if port == "22" else ["-p", port]
    return shlex.join(["ssh", "-N", "-L", f"{local}:{target}", *more, f"{user}@{host}" if user else host])


def open_page(call: Call, url: str) -> bool:
    """Open a browser on this machine's screen; False where there is none.

    What a program is started with can be read by every user of the machine, so that the browser is given a file of
    ours (0600) that leads to the link, and not the link.
    """
    if not any(os.environ.get(name) for name in _SCREENS):
        return False
    import webbrowser

    path = os.path.join(paths.resolve(os.environ, config=call.config, socket=call.socket).state, "open-console.html")
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        _write(path, url)
        return webbrowser.open(f"file://{path}")
    except (OSError, webbrowser.Error):
        return False


def _write(path: str, url: str) -> None:
    fresh = f"{path}.{os.getpid()}"
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    shown = html.escape(url, quote=True)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(
            '<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
            f'<meta http-equiv="refresh" content="0; url={shown}"><title>gavelq</title>'
            f'<a href="{shown}">The console of gavelq</a>\n'
        )
    os.replace(fresh, path)
