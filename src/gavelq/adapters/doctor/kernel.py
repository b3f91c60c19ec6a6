"""What the kernel offers: process descriptors, subreapers, evidence of memory kills, and isolation."""

import ctypes
import os
from collections.abc import Iterator

from gavelq.adapters import mps
from gavelq.adapters.doctor.finding import Finding, Wanted, note, ok, problem
from gavelq.adapters.runner import landlock, linux

_AREA = "kernel"
_PR_GET_CHILD_SUBREAPER = 37


def examine(proc: str = "/proc") -> Iterator[Finding]:
    """What gavelq needs of it, and what only makes it better."""
    yield ok(_AREA, "version", f"Linux {os.uname().release}")
    yield _pidfd()
    yield _subreaper()
    yield from _proc(proc)
    yield _kills()


def _pidfd() -> Finding:
    fd = linux.pidfd(os.getpid())
    if fd is None:
        text = "no process descriptors (pidfd): ends are noticed by looking again and again"
        return note(_AREA, "pidfd", text, "Linux 5.3 or newer, and a Python that has os.pidfd_open")
    os.close(fd)
    return ok(_AREA, "pidfd", "process descriptors are there")


def _subreaper() -> Finding:
    found = ctypes.c_int(-1)
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(found), 0, 0, 0):
        text = "no subreapers: processes that a task leaves behind could not be found"
        return problem(_AREA, "subreaper", text, "Linux 3.4 or newer; containers must not filter prctl(2)")
    return ok(_AREA, "subreaper", "a task's orphans come back to its supervisor")


def _proc(proc: str) -> Iterator[Finding]:
    own = f"{proc}/self/task/{os.getpid()}/children"
    if not os.path.exists(f"{proc}/self/stat"):
        yield problem(_AREA, "proc", f"{proc} is not mounted", "mount it: gavelq finds processes there")
    elif not os.path.exists(own):
        yield note(_AREA, "proc", "no lists of children (CONFIG_PROC_CHILDREN): ending large tasks takes longer")
    try:
        with open(f"{proc}/self/mountinfo", encoding="utf-8", errors="replace") as file:
            is_hidden = any(" /proc " in line and "hidepid=" in line and "hidepid=0" not in line for line in file)
    except OSError:
        is_hidden = False
    if is_hidden:
        text = "/proc hides other users' processes (hidepid): foreign processes are shown without owner and command"
        yield note(_AREA, "proc", text, "they are respected all the same")


def _kills() -> Finding:
    """What tells that the kernel killed a task for want of main memory, from the best evidence to the weakest."""
    if _can_read("/dev/kmsg"):
        return ok(_AREA, "memory kills", "the kernel's log can be read: kills for want of memory are told by process")
    own = [line[3:].strip() for line in _cgroups() if line.startswith("0::")]
    if any(os.path.exists(f"/sys/fs/cgroup{path}/memory.events") for path in own):
        return ok(_AREA, "memory kills", "kills are counted for our control group")
    if os.path.exists("/proc/vmstat"):
        text = "only the machine's own counter tells of kills for want of memory: which process it was is a guess"
        return note(_AREA, "memory kills", text, "cgroup v2 with the memory controller makes it certain")
    return problem(_AREA, "memory kills", "nothing tells of kills for want of memory", "mount /proc and cgroup v2")


def _can_read(path: str) -> bool:
    """Tried: kernel.dmesg_restrict says no only when it is opened."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _cgroups() -> list[str]:
    try:
        with open("/proc/self/cgroup", encoding="utf-8", errors="replace") as file:
            return file.readlines()
    except OSError:
        return []


def isolation(wanted: Wanted) -> Iterator[Finding]:
    """Which levels can be given here (docs/isolation.md)."""
    area = "isolation"
    yield ok(area, "visible", "tasks are told their GPUs by UUID; nothing keeps them from others")
    if wanted.provider == "simulated":
        yield ok(area, "watched", "tasks on other GPUs, or above their memory, are noticed (pretended GPUs)")
    else:
        yield ok(area, "watched", "tasks on other GPUs, or above their memory, are noticed as far as NVML tells")
    yield _level(area, "device", landlock.problem(), _device_words(), wanted)
    yield _level(area, "mps", mps.problem(), f"{mps.CONTROL} is there", wanted)


def _device_words() -> str:
    version = landlock.abi()
    if version < landlock.IOCTL_ABI:
        words = "reading and writing other nodes is closed to them, ioctl(2) on them only from Linux 6.10 on"
        return f"Landlock {version}: {words}"
    return f"Landlock {version}: tasks can open the device nodes of their own GPUs alone"


def _level(area: str, name: str, said: str, words: str, wanted: Wanted) -> Finding:
    if not said:
        return ok(area, name, words)
    if wanted.level == name:
        return problem(
            area, name, f"isolation.level asks for it, and it cannot be given: {said}", "choose another level"
        )
    return note(area, name, f"not offered: {said}")
