"""Whether a process has come through to a daemon."""

import os
from pathlib import Path


def is_connected(pid: int) -> bool:
    """Whether a process has a connection over a unix socket (state 03 in /proc/net/unix; a mere socket is 01)."""
    try:
        links = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    except FileNotFoundError:
        return False
    rows = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    return any(f"socket:[{row[6]}]" in links for row in rows if row[5] == "03")
