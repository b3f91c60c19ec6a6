"""Whole process trees in /proc (proc(5)), all of them in one pass."""

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gavelq.core.measures import TreeUse
from gavelq.core.task import ProcessIdentity

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / (1 << 20)


class _Process(NamedTuple):
    """What /proc/PID/stat says, as far as it matters here."""

    parent: int
    own_ticks: int
    reaped_ticks: int
    """Processor time of children that have ended and were waited for."""
    start_ticks: int
    rss_pages: int


class ProcTrees:
    """Port ProcessTrees.

    A task's supervisor is a subreaper: what double-forks away from its parent becomes a child of the supervisor. So the
    tree below it is complete, and the time of everything that ever ended in it has been added up in it.
    """

    def __init__(self, root: str = "/proc") -> None:
        """Look at the proc file system mounted at `root`."""
        self._root = root

    def look(self, roots: Iterable[ProcessIdentity]) -> Mapping[ProcessIdentity, TreeUse]:
        """See ProcessTrees.look."""
        wanted = list(roots)
        if not wanted:
            return {}
        found = self._all()
        below: dict[int, list[int]] = {}
        for pid, process in found.items():
            below.setdefault(process.parent, []).append(pid)
        return {
            root: _sum(root.pid, found, below)
            for root in wanted
            if root.pid in found and found[root.pid].start_ticks == root.start_ticks
        }

    def _all(self) -> dict[int, _Process]:
        found: dict[int, _Process] = {}
        try:
            names = os.listdir(self._root)
        except OSError:
            return {}
        for name in names:
            if name.isdigit() and (process := self._stat(name)) is not None:
                found[int(name)] = process
        return found

    def _stat(self, name: str) -> _Process | None:
        try:
            # Without a file object: there may be thousands of them, and each is read whole at once.
            fd = os.open(f"{self._root}/{name}/stat", os.O_RDONLY | os.O_CLOEXEC)
            try:
                line = os.read(fd, 4096)
            finally:
                os.close(fd)
            # The name in parentheses may hold any byte; numbers are counted from behind it.
            fields = line[line.rindex(b")") + 2 :].split(None, 22)
            return _Process(
                parent=int(fields[1]),
                own_ticks=int(fields[11]) + int(fields[12]),
                reaped_ticks=int(fields[13]) + int(fields[14]),
                start_ticks=int(fields[19]),
                rss_pages=int(fields[21]),
            )
        except (OSError, ValueError, IndexError):
            return None  # it has ended meanwhile


def _sum(root: int, found: Mapping[int, _Process], below: Mapping[int, list[int]]) -> TreeUse:
    n, pages, ticks = 0, 0, found[root].reaped_ticks
    # The table moves while it is read: a pid that was used again could lead back to where we were.
    seen, waiting = {root}, list(below.get(root, ()))
    while waiting:
        pid = waiting.pop()
        if pid in seen:
            continue
        seen.add(pid)
        process = found[pid]
        n += 1
        pages += process.rss_pages
        ticks += process.own_ticks + process.reaped_ticks
        waiting += below.get(pid, ())
    return TreeUse(n_processes=n, rss_mib=pages * _PAGE_MIB, cpu_s=ticks / _TICKS_PER_S)
