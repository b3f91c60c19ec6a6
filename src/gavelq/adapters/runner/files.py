"""The files of one attempt, in RUNNER_DIR/attempts/TASK-ATTEMPT/ (0700):

lock          flock'ed by the supervisor for its whole life; holds what is known before the start (`Facts`), and behind
              it the supervisor's pid, which it writes before it starts anything
control       the supervisor's datagram socket: `stop`, `signal`, `limit`
script        the copied script, executable
started.json  the `started` message, and in `private` what the next runner needs to know about the running command
result.json   the `ended` or `spawn_failed` message: renamed into place before anyone is told

A directory with neither a live lock nor a result is an attempt whose end nobody saw: lost. Without that pid, and in the
same boot, nothing of it ever ran: then the directory is deleted, and the attempt may be started again.
"""

import contextlib
import errno
import fcntl
import os

from gavelq.adapters.runner import sockets, wire
from gavelq.adapters.runner.facts import Facts

LOCK = "lock"
CONTROL = "control"
SCRIPT = "script"
STARTED = "started.json"
RESULT = "result.json"
_GONE = ".gone"


class AttemptFiles:
    """One attempt's directory, reached through the open `attempts` directory: no path is ever too long."""

    __slots__ = ("attempts_fd", "name")

    def __init__(self, attempts_fd: int, task: int, attempt: int) -> None:
        self.attempts_fd = attempts_fd
        self.name = f"{task}-{attempt}"

    def create(self) -> None:
        """Make the directory. Raises FileExistsError where the attempt is known, OSError where it cannot be made."""
        os.mkdir(self.name, 0o700, dir_fd=self.attempts_fd)

    def lock(self, facts: Facts) -> int:
        """Make the lock file and lock it; the lock lives as long as the last copy of the descriptor."""
        fd = self._open(LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(fd, facts.as_bytes())
        return fd

    def is_locked(self) -> bool:
        """True while the supervisor lives."""
        try:
            fd = self._open(LOCK, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def facts(self) -> tuple[Facts | None, bool]:
        """What the lock file holds, None where it was never written; and whether the supervisor has begun."""
        return Facts.read(self._content(LOCK) or b"")

    def write_script(self, content: bytes) -> None:
        """Put the copied script into place."""
        fd = self._open(SCRIPT, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(fd, view) :]
        finally:
            os.close(fd)

    def read(self, name: str) -> wire.Message | None:
        """A file's JSON object; None where there is none that can be read."""
        content = self._content(name)
        if content is None:
            return None
        try:
            return wire.decode(content)
        except wire.Malformed:
            return None

    def _content(self, name: str) -> bytes | None:
        try:
            fd = self._open(name, os.O_RDONLY)
        except OSError:
            return None
        content = bytearray()
        try:
            while chunk := os.read(fd, 65536):
                content += chunk
        except OSError:
            return None
        finally:
            os.close(fd)
        return bytes(content)

    def write(self, name: str, line: bytes) -> None:
        """Replace a file as a whole. Raises OSError."""
        new = f"{name}.new"
        fd = self._open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            if os.write(fd, line) != len(line):
                raise OSError(errno.ENOSPC, f"{new} was written in part only")
        finally:
            os.close(fd)
        os.rename(f"{self.name}/{new}", f"{self.name}/{name}", src_dir_fd=self.attempts_fd, dst_dir_fd=self.attempts_fd)

    def sync(self, name: str) -> None:
        """Bring a file and its name to disk. Raises OSError."""
        for path, kind in ((f"{self.name}/{name}", 0), (self.name, os.O_DIRECTORY)):
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | kind, dir_fd=self.attempts_fd)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)

    def control_address(self) -> str:
        """Where the supervisor listens; valid while the attempts directory is open."""
        return sockets.address(self.attempts_fd, f"{self.name}/{CONTROL}")

    def path(self, name: str) -> str:
        """The absolute path of a file."""
        return os.path.join(os.readlink(f"/proc/self/fd/{self.attempts_fd}"), self.name, name)

    def discard(self) -> None:
        """Delete the directory of an attempt that was never begun, as far as possible."""
        with contextlib.suppress(OSError):
            _delete(self.attempts_fd, self.name)

    def remove(self) -> None:
        """Delete the directory; an interruption leaves something that `remove_leftovers` knows."""
        gone = self.name + _GONE
        try:
            os.rename(self.name, gone, src_dir_fd=self.attempts_fd, dst_dir_fd=self.attempts_fd)
        except FileNotFoundError:
            return
        _delete(self.attempts_fd, gone)

    def _open(self, name: str, flags: int, mode: int = 0o600) -> int:
        return os.open(f"{self.name}/{name}", flags | os.O_CLOEXEC | os.O_NOFOLLOW, mode, dir_fd=self.attempts_fd)


def _delete(attempts_fd: int, directory: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=attempts_fd)
        try:
            for name in os.listdir(fd):
                os.unlink(name, dir_fd=fd)
        finally:
            os.close(fd)
        os.rmdir(directory, dir_fd=attempts_fd)


def scan(attempts_fd: int) -> list[tuple[int, int]]:
    """The attempts that have a directory, as (task, attempt); what a deletion left half done is deleted."""
    found = []
    for name in os.listdir(attempts_fd):
        task, _, attempt = name.partition("-")
        if name.endswith(_GONE):
            _delete(attempts_fd, name)
        elif task.isdigit() and attempt.isdigit():
            found.append((int(task), int(attempt)))
    return sorted(found)
