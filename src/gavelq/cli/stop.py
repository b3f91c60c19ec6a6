"""Stopping the daemon, and knowing that it is gone."""

import os
import select
import time
from typing import Any

from gavelq.client.address import Address
from gavelq.client.http import Link
from gavelq.client.wire import Unreachable, exchange
from gavelq.core.errors import GavelqError, TimedOut
from gavelq.paths import resolve

STOP_TIMEOUT_S = 60.0
_POLL_S = 0.02


def stop_and_wait(address: Address, *, kill_tasks: bool = False) -> dict[str, Any]:
    """Stop the daemon that answers there; returns its last daemon object when its process and socket are gone.

    Raises DaemonUnreachable where there is none, TimedOut after 60 s (with `kill_tasks`: after the tasks' own time).
    """
    link = Link(address)
    found: dict[str, Any] = link.fetch("GET", "/api/daemon")
    # Opened before it is asked to go: a pid could be another process's afterwards (pidfd_open(2)).
    watch = _open_pid(found.get("pid")) if address.socket is not None else None
    try:
        limit = STOP_TIMEOUT_S * (10 if kill_tasks else 1)
        link.send("POST", "/api/daemon/stop", {"kill_tasks": kill_tasks}, timeout_s=limit)
        deadline = time.monotonic() + limit
        while not (_is_gone(watch) and _is_silent(address)):
            if time.monotonic() > deadline:
                raise TimedOut(
                    timeout_s=f"{limit:g}",
                    what=f"the daemon (pid {found.get('pid')}) is still there",
                    hint="its log tells what it waits for",
                )
            time.sleep(_POLL_S)
    finally:
        if watch is not None:
            os.close(watch)
    return found


def elsewhere(config: str | None, address: Address) -> Address | None:
    """Where this instance's daemon answers, if that is not `address`: socket.path was changed since it started."""
    try:
        with open(os.path.join(resolve(os.environ, config=config).state, "daemon.lock"), "rb") as file:
            pid, socket, _ = os.fsdecode(file.read(4096)).split("\n", 2)
        other = Address(socket=socket)
        found: dict[str, Any] = Link(other).fetch("GET", "/api/daemon", timeout_s=10)
    except (OSError, ValueError, GavelqError):
        return None
    return other if socket != address.socket and str(found.get("pid")) == pid else None


def _open_pid(pid: Any) -> int | None:
    try:
        return os.pidfd_open(int(pid))
    except (OSError, TypeError, ValueError, AttributeError):
        return None


def _is_gone(watch: int | None) -> bool:
    """True when the process has ended, or where nobody can watch it (then the socket alone tells)."""
    if watch is None:
        return True
    poll = select.poll()
    poll.register(watch, select.POLLIN)
    return bool(poll.poll(0))


def _is_silent(address: Address) -> bool:
    try:
        exchange(address, "GET", "/api/gpu/status", timeout_s=5)
    except (Unreachable, TimeoutError):
        return True
    return False
