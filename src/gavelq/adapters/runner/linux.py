"""The few Linux calls that the standard library lacks, and what /proc says about single processes."""

import ctypes
import os
import struct
import time

_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_TFD_TIMER_ABSTIME = 1
_TIMER_FLAGS = os.O_CLOEXEC | os.O_NONBLOCK
_libc = ctypes.CDLL(None, use_errno=True)
# Looked up once, before any fork: a lookup makes objects, and every page that a child touches is memory of its own.
_prctl = _libc.prctl
_prctl.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong)
_set_subreaper = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_int, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong, use_errno=True
)(("prctl", _libc))
_timerfd_create = _libc.timerfd_create
_timerfd_settime = _libc.timerfd_settime

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def _check(result: int, call: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
    return result


def become_subreaper() -> None:
    """Orphaned descendants become this process's children (prctl(2), PR_SET_CHILD_SUBREAPER). Not inherited by fork."""
    _check(_set_subreaper(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl(PR_SET_CHILD_SUBREAPER)")


def set_name(name: str) -> None:
    """What `ps` and `top` call this process: at most 15 bytes (prctl(2), PR_SET_NAME)."""
    _prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def boottime() -> float:
    """Seconds since boot, suspended time included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class BootTimer:
    """A timerfd on CLOCK_BOOTTIME (timerfd_create(2)): readable when the time has come, also right after a suspend."""

    __slots__ = ("_armed", "fd")

    def __init__(self) -> None:
        self.fd: int = _check(_timerfd_create(time.CLOCK_BOOTTIME, _TIMER_FLAGS), "timerfd_create")
        self._armed: float | None = None

    def set(self, at: float | None) -> None:
        """Fire at this reading of `boottime()`; None: never."""
        if at == self._armed:
            return
        self._armed = at
        moment = 0 if at is None else max(1, int(at * 1e9))
        spec = struct.pack("@llll", 0, 0, *divmod(moment, 1_000_000_000))
        _check(_timerfd_settime(self.fd, _TFD_TIMER_ABSTIME, spec, None), "timerfd_settime")

    def clear(self) -> None:
        """Take note that it fired."""
        try:
            os.read(self.fd, 8)
        except BlockingIOError:
            return
        self._armed = None


def boot_id() -> str:
    """Which boot this is (random(4))."""
    fd = os.open("/proc/sys/kernel/random/boot_id", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 100).decode("ascii").strip()
    finally:
        os.close(fd)


class Stat:
    """The members of /proc/PID/stat (proc(5)) that tell processes apart and who belongs to whom."""

    __slots__ = ("parent", "pid", "session", "start_ticks", "state")

    def __init__(self, pid: int, content: bytes) -> None:
        # The name in parentheses may itself hold anything, spaces and parentheses too.
        fields = content[content.rindex(b")") + 2 :].split(b" ", 20)
        self.pid = pid
        self.state = fields[0].decode("ascii")
        self.parent = int(fields[1])
        self.session = int(fields[3])
        self.start_ticks = int(fields[19])

    @property
    def is_dead(self) -> bool:
        """True for a process that only waits to be reaped."""
        return self.state in "ZX"


def stat(pid: int) -> Stat | None:
    """What the kernel says about a process; None where there is none."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return Stat(pid, os.read(fd, 4096))
    except OSError:  # ESRCH: it went away after the open
        return None
    finally:
        os.close(fd)


def pidfd(pid: int) -> int | None:
    """A descriptor for a process that becomes readable at its end (pidfd_open(2)); None where that cannot be had."""
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):  # no such process, kernel before 5.3, or a Python built without it
        return None
