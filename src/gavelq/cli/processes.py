"""What /proc tells a command about processes (proc(5)). Every answer may be stale at once."""

import os
from typing import NamedTuple


class Seen(NamedTuple):
    """A process as it was seen: with its start it cannot be mistaken for another one of the same pid."""

    pid: int
    parent: int
    start_ticks: int
    is_dead: bool
    """It has ended, and only waits to be reaped."""


def look(pid: int) -> Seen | None:
    """A process; None where there is no such one."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b") ")[2].split()
        return Seen(pid, int(fields[1]), int(fields[19]), fields[0] in (b"Z", b"X"))
    except (OSError, IndexError, ValueError):
        return None


def parent(pid: int) -> int:
    """The parent's pid; 0 where nobody knows."""
    found = look(pid)
    return found.parent if found else 0


def descendants(pid: int) -> list[Seen]:
    """All living processes below this one, parents before their children."""
    below: dict[int, list[Seen]] = {}
    for name in os.listdir("/proc"):
        found = look(int(name)) if name.isdigit() else None
        if found is not None and not found.is_dead:
            below.setdefault(found.parent, []).append(found)
    tree, at = below.get(pid, []), 0
    while at < len(tree):
        tree.extend(child for child in below.get(tree[at].pid, []) if child not in tree)
        at += 1
    return tree


def is_alive(seen: Seen) -> bool:
    """Whether that very process still runs."""
    now = look(seen.pid)
    return now is not None and not now.is_dead and now.start_ticks == seen.start_ticks
