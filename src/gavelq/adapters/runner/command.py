"""Starting one command of a task, and saying what is wrong where it cannot be started."""

import contextlib
import errno
import os
import signal
import stat

from gavelq.adapters.runner import landlock

TRANSIENT_ERRORS = frozenset(
    {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY, errno.EINTR, errno.EIO, errno.ENOSPC}
    | {errno.EDQUOT, errno.EROFS, errno.ESTALE}
)
"""Errors that may be gone at the next try."""
_UNTOUCHABLE = {signal.SIGKILL, signal.SIGSTOP}
_ALL_SIGNALS = [int(number) for number in signal.valid_signals() if number not in _UNTOUCHABLE]


class CannotStart(Exception):
    """The command cannot be started; the text names the thing and the fix."""

    def __init__(self, problem: str, *, is_transient: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.is_transient = is_transient


def enter(workdir: str) -> None:
    """Go to the working directory. Raises CannotStart."""
    try:
        os.chdir(workdir)
    except OSError as error:
        fix = {
            errno.ENOENT: "create it, or submit the task with another working directory",
            errno.ENOTDIR: "submit the task with a directory as its working directory",
            errno.EACCES: "allow your account to enter it (chmod u+x), or choose another working directory",
        }.get(error.errno or 0, "check it, or choose another working directory")
        raise CannotStart(
            _said(f"the working directory {workdir!r}", error, fix), is_transient=_passes(error)
        ) from None


def open_log(path: str) -> int:
    """The log, appended to and private by default. A link that the user put there is followed: it is the user's own.

    Raises CannotStart, also for pipes: a task must not hang or die because of whoever reads its output.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
    try:
        try:
            fd = os.open(path, flags, 0o600)
        except FileNotFoundError:
            with contextlib.suppress(FileExistsError):
                os.mkdir(os.path.dirname(path), 0o700)
            fd = os.open(path, flags, 0o600)
        if stat.S_ISFIFO(os.fstat(fd).st_mode):
            raise CannotStart(f"the log {path!r} is a pipe; name a regular file")
    except OSError as error:
        fix = "name a file in a directory that exists and that you may write to"
        raise CannotStart(_said(f"the log {path!r}", error, fix), is_transient=_passes(error)) from None
    os.set_blocking(fd, True)
    return fd


def confine(devices: tuple[str, ...], dev: str) -> None:
    """Close the nodes of GPUs that are not the task's to us and all that we start. Raises CannotStart: never without.

    The nodes of the task's own GPUs must be there: what makes them at first use (nvidia-modprobe) is setuid, and has no
    effect once this is done.
    """
    missing = [name for name in devices if not os.path.exists(os.path.join(dev, name))]
    if missing:
        fix = "run `nvidia-smi` once, or have nvidia-persistenced started at boot, which makes it"
        raise CannotStart(f"the device node {os.path.join(dev, missing[0])!r} is not there: {fix}")
    try:
        landlock.confine(devices, dev)
    except OSError as error:
        raise CannotStart(
            f"the task cannot be kept to its GPUs' device nodes ({error.strerror}); it was not started without",
            is_transient=_passes(error),
        ) from None


def start(argv: tuple[str, ...], env: dict[str, str], *, null_fd: int, log_fd: int) -> int:
    """Start a program with nothing of ours: default signals, no descriptors but its output; returns its pid.

    It leads a process group of its own in our session. Raises CannotStart.
    """
    program = _resolve(argv[0], env)
    actions = [(os.POSIX_SPAWN_DUP2, null_fd, 0), (os.POSIX_SPAWN_DUP2, log_fd, 1), (os.POSIX_SPAWN_DUP2, log_fd, 2)]
    try:
        return os.posix_spawn(
            program, argv, env, file_actions=actions, setpgroup=0, setsigmask=(), setsigdef=_ALL_SIGNALS
        )
    except ValueError as error:  # a NUL byte, or a name with "="
        raise CannotStart(f"{argv[0]!r} cannot be given its arguments or environment: {error}") from None
    except OSError as error:
        problem = _said(f"the program {program!r}", error, _fix(program, error))
        raise CannotStart(problem, is_transient=_passes(error)) from None


def _resolve(program: str, env: dict[str, str]) -> str:
    if "/" in program:
        return program
    refused = None
    for directory in env.get("PATH", os.defpath).split(":"):
        candidate = f"{directory or '.'}/{program}"
        if os.access(candidate, os.X_OK):
            if not os.path.isdir(candidate):
                return candidate
        elif os.path.isfile(candidate):
            refused = refused or candidate
    if refused:
        raise CannotStart(f"the program {refused!r} may not be executed: chmod +x it, or name its interpreter")
    raise CannotStart(f"there is no program {program!r} in the task's PATH: install it, or give its full path")


def _fix(program: str, error: OSError) -> str:
    match error.errno:
        case errno.ENOENT if os.path.exists(program):
            return "the interpreter that its first line names does not exist: correct that line"
        case errno.ENOENT:
            return "check the path, or install it"
        case errno.EACCES:
            return "chmod +x it, or name its interpreter"
        case errno.ENOEXEC:
            return "give it a first line such as #!/bin/sh, or name its interpreter"
        case errno.E2BIG:
            return "its arguments and environment are too large: pass less"
        case _:
            return "check it, and try again"


def _said(what: str, error: OSError, fix: str) -> str:
    return f"{what} cannot be used ({error.strerror}): {fix}"


def _passes(error: OSError) -> bool:
    return error.errno in TRANSIENT_ERRORS
