"""Function calls as files: how an Executor hands a call to its task, and how the outcome comes back.

A call is a directory of its own, `DIRECTORY/TOKEN/`, with `call.pickle` (written by the caller) and `outcome.pickle`
(written by the task). Unpickling runs code, so nothing is ever unpickled but a regular file of the caller's own
account in such a directory, which belongs to that account alone (mode 0700, no symbolic links): both sides check that
on what they have opened, every time. Nothing of a call stands on a command line or in the daemon's database but TOKEN.
"""

import contextlib
import os
import pickle
import re
import secrets
import shutil
import stat
import time
from typing import Any

from gavelq.core.errors import GavelqError, InvalidField, NotAllowed, NotFound

CALL = "call.pickle"
OUTCOME = "outcome.pickle"
MAX_BYTES = 256 << 20
"""Of a call, and of an outcome."""
KEEP_S = 30 * 86400.0
"""A call that nobody came back for is removed after so long."""
_TOKEN = re.compile(r"[0-9a-f]{32}\Z")


class CallNotFound(NotFound):
    """there is no call {token} in {directory}"""

    code = "call_not_found"
    hint = "its result was fetched already, or the executor has another directory"


class Calls:
    """The calls in one directory."""

    def __init__(self, directory: str) -> None:
        """Makes the directory where it is missing. Raises NotAllowed where it is not the caller's alone."""
        self.directory = os.path.abspath(directory)
        os.makedirs(os.path.dirname(self.directory), mode=0o700, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(self.directory, 0o700)
        os.close(_open_private(self.directory, None))

    def new(self, document: dict[str, Any], *, max_bytes: int = MAX_BYTES) -> str:
        """Keep a call (of plain types; what is the user's is bytes in it); returns its token.

        Raises InvalidField where it is larger than `max_bytes`.
        """
        content = pickle.dumps(document, protocol=5)
        if len(content) > max_bytes:
            problem = f"the function and its arguments make {len(content)} bytes; {max_bytes} are the most"
            hint = "write large arrays to a file and pass its path, or raise the executor's max_bytes"
            raise InvalidField(field="arguments", problem=problem, hint=hint)
        token = secrets.token_hex(16)
        parent = _open_private(self.directory, None)
        try:
            os.mkdir(token, 0o700, dir_fd=parent)
            place = _open_private(token, parent)
            try:
                _write(place, CALL, content)
            finally:
                os.close(place)
            os.fsync(parent)
        finally:
            os.close(parent)
        return token

    def read(self, token: str, name: str, *, max_bytes: int = MAX_BYTES) -> dict[str, Any] | None:
        """A file of a call; None where it is not there. Raises CallNotFound, and NotAllowed for what is not ours."""
        place = self._open(token)
        try:
            content = _read(place, name, os.path.join(self.directory, token, name), max_bytes)
        finally:
            os.close(place)
        if content is None:
            return None
        found = pickle.loads(content)  # noqa: S301  # the file was checked to be the caller's own, in a private directory
        if not isinstance(found, dict):
            raise InvalidField(field=name, problem="it is not what gavelq writes", hint="submit the call again")
        return found

    def write_outcome(self, token: str, document: dict[str, Any]) -> int:
        """Keep a call's outcome, so that it survives a crash of the machine; returns its size in bytes."""
        content = pickle.dumps(document, protocol=5)
        place = self._open(token)
        try:
            _write(place, OUTCOME, content)
        finally:
            os.close(place)
        return len(content)

    def remove(self, token: str) -> None:
        """Remove a call with all that belongs to it; nothing happens where it is gone."""
        if _TOKEN.match(token):
            shutil.rmtree(os.path.join(self.directory, token), ignore_errors=True)

    def sweep(self, now: float | None = None) -> int:
        """Remove calls that are older than KEEP_S; how many there were."""
        now = time.time() if now is None else now
        with os.scandir(self.directory) as entries:
            tokens = [entry for entry in entries if _TOKEN.match(entry.name)]
            old = [entry.name for entry in tokens if now - entry.stat(follow_symlinks=False).st_mtime > KEEP_S]
        for token in old:
            self.remove(token)
        return len(old)

    def _open(self, token: str) -> int:
        if not _TOKEN.match(token):
            raise CallNotFound(token=token[:40], directory=self.directory)
        parent = _open_private(self.directory, None)
        try:
            return _open_private(token, parent)
        except FileNotFoundError:
            raise CallNotFound(token=token, directory=self.directory) from None
        finally:
            os.close(parent)


def _open_private(path: str, parent: int | None) -> int:
    """A directory, opened. Raises NotAllowed unless it is the caller's own, closed to all others, and no link."""
    try:
        found = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    except NotADirectoryError:
        raise _refused(path, "it is no directory, or a link") from None
    except PermissionError:
        raise _refused(path, "its permissions forbid it") from None
    status = os.fstat(found)
    if status.st_uid == os.getuid() and not status.st_mode & 0o077:
        return found
    os.close(found)
    mine = status.st_uid == os.getuid()
    raise _refused(path, f"its mode is {status.st_mode & 0o777:04o}" if mine else f"it belongs to uid {status.st_uid}")


def _refused(path: str, why: str) -> GavelqError:
    return NotAllowed(
        action=f"reading pickles from {path}",
        why=why,
        hint="calls are kept in a directory that belongs to you alone (mode 0700); name another one with directory=",
    )


def _write(place: int, name: str, content: bytes) -> None:
    """Write a file whole or not at all: fsync, rename, fsync of the directory."""
    partial = f"{name}.{os.getpid()}.part"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600, dir_fd=place)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.rename(partial, name, src_dir_fd=place, dst_dir_fd=place)
    os.fsync(place)


def _read(place: int, name: str, shown: str, max_bytes: int) -> bytes | None:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=place)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refused(shown, error.strerror or "it cannot be opened") from None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o022:
            raise _refused(shown, "it is no plain file of yours alone")
        if status.st_size > max_bytes:
            problem = f"{shown} has {status.st_size} bytes; {max_bytes} are the most"
            hint = "let the function write large results to a file and return its path, or raise max_bytes"
            raise InvalidField(field="result", problem=problem, hint=hint)
        return file.read(status.st_size)
