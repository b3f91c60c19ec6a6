"""One daemon per state directory: its directories, their modes and owners, and its lock."""

import fcntl
import os
import stat

from gavelq.core.errors import GavelqError, NotAllowed, UsageError, WrongState
from gavelq.paths import MAX_SOCKET_PATH, Paths


def private_directory(path: str, *, is_named: bool = False) -> None:
    """Make a directory of mode 0700, or check that an existing one is ours alone.

    A directory of ours that others may enter is closed (chmod 0700), unless a person named it (`is_named`): that may be
    a home directory, /tmp or even /, which is for others, too. Raises NotAllowed where it belongs to another user or is
    a link, and where others may write to a named one: that is how one user would listen in on another.
    """
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        found = os.lstat(path)
    except OSError as error:
        raise GavelqError(f"cannot make the directory {path}: {error.strerror}", hint=_OTHER_PLACE) from error
    if not stat.S_ISDIR(found.st_mode):
        raise NotAllowed(action=f"using {path}", why="it is not a directory (a link?)", hint=_OTHER_PLACE)
    if found.st_uid != os.getuid():
        raise NotAllowed(action=f"using {path}", why=f"it belongs to uid {found.st_uid}, not to us", hint=_OTHER_PLACE)
    mode = stat.S_IMODE(found.st_mode)
    if is_named and mode & 0o022:
        own = os.path.join(path, f"gavelq-{os.getuid()}", "gavelq.sock")
        why = f"others may write to it (mode {mode:04o})"
        raise NotAllowed(action=f"listening in {path}", why=why, hint=f"name a directory that is made for it: {own}")
    if mode & 0o077 and not is_named:
        os.chmod(path, 0o700)


_OTHER_PLACE = "set GAVELQ_HOME to a directory of your own"


def check_socket_path(path: str) -> None:
    """Raises UsageError where the kernel could not bind this path (unix(7))."""
    length = len(os.fsencode(path))
    if length > MAX_SOCKET_PATH:
        raise UsageError(
            f"the socket path has {length} bytes, at most {MAX_SOCKET_PATH} are possible: {path}",
            hint=f"set GAVELQ_SOCKET (or socket.path) to a shorter path, such as /tmp/gavelq-{os.getuid()}/gavelq.sock",
        )


_TAKE_ITS_PLACE = "see it with: gavelq daemon status{option}; to run another instead: gavelq daemon stop{option}"


class InstanceLock:
    """Held for the daemon's whole life, so that no second one works on the same state."""

    def __init__(self, paths: Paths) -> None:
        """Take the lock. Raises WrongState naming the pid of the daemon that has it."""
        self._path = os.path.join(paths.state, "daemon.lock")
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid, _, socket = os.fsdecode(os.pread(self._fd, 4096, 0)).strip().partition("\n")
            os.close(self._fd)
            raise WrongState(
                what=f"the state directory {paths.state}",
                state="in use",
                problem=f"a daemon (pid {pid}) works on it",
                hint=_TAKE_ITS_PLACE.format(option=f" --socket {socket}" if socket else ""),
            ) from None
        os.ftruncate(self._fd, 0)
        # Where it answers, too: the configuration may name another socket by the time somebody wants to stop it.
        os.pwrite(self._fd, os.fsencode(f"{os.getpid()}\n{paths.socket}\n"), 0)

    def release(self) -> None:
        """Let go; the file stays, because removing it would let two daemons lock two files of one name."""
        os.close(self._fd)
