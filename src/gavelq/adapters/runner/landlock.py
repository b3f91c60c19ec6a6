"""Keeping a task to the device nodes of its own GPUs with Landlock (landlock(7)), without any privilege.

Landlock allows whole hierarchies and denies the rest; it cannot take anything out of what it allows. So every entry of
the root directory is allowed but /dev, and of /dev every entry but the nodes of GPUs that are not the task's. What the
rules say holds for this process and whatever it starts, for ever: no exec, fork or setsid leads out of it.

Only opening files for reading or writing is restricted, and ioctl(2) on devices where the kernel can (Linux 6.10): it
is through open nodes that the driver is used. Making device nodes is denied altogether (only root could).
"""

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Iterable, Iterator

_WRITE_FILE = 1 << 1
_READ_FILE = 1 << 2
_MAKE_CHAR = 1 << 6
_REFER = 1 << 13
_IOCTL_DEV = 1 << 15
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38
_NVIDIA = "0x10de"

OLDEST_ABI = 2
"""Linux 5.19. The first version denies renaming a file into another directory, which breaks too many programs."""
IOCTL_ABI = 5
"""Linux 6.10. Before, a node that is opened neither for reading nor for writing still takes ioctl(2)."""

_libc = ctypes.CDLL(None, use_errno=True)
_call = ctypes.CFUNCTYPE(
    ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32, use_errno=True
)(("syscall", _libc))
_add = ctypes.CFUNCTYPE(
    ctypes.c_long, ctypes.c_long, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, use_errno=True
)(("syscall", _libc))
_prctl = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_int, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong, use_errno=True
)(("prctl", _libc))


def abi() -> int:
    """Which version of Landlock the kernel has; 0 where it has none, or it is switched off."""
    return max(0, int(_call(_CREATE_RULESET, None, 0, _VERSION)))


def problem(version: int | None = None) -> str:
    """Why a task cannot be kept to its device nodes here, and what helps; empty where it can. None: asks the kernel."""
    found = abi() if version is None else version
    if found >= OLDEST_ABI:
        return ""
    if found:
        return f"this kernel's Landlock (version {found}) is too old: Linux 5.19 or newer is needed"
    if ctypes.get_errno() == errno.EOPNOTSUPP:
        return "Landlock is switched off: start the kernel with landlock in its lsm= list (lsm=landlock,...)"
    return "this kernel has no Landlock: Linux 5.19 or newer, built with CONFIG_SECURITY_LANDLOCK, is needed"


def confine(own: Iterable[str], dev: str = "/dev", sys_drm: str = "/sys/class/drm") -> None:
    """Close all device nodes of NVIDIA GPUs but `own` (names below `dev`) to this process and its descendants.

    Raises OSError, with what failed; then the process must not go on. Needs one thread: others would not be confined.
    """
    version = abi()
    if version < OLDEST_ABI:
        raise OSError(errno.EOPNOTSUPP, problem(version))
    allowed = _READ_FILE | _WRITE_FILE | (_IOCTL_DEV if version >= IOCTL_ABI else 0)
    attributes = struct.pack("=Q", allowed | _REFER | _MAKE_CHAR)
    ruleset = _checked(_call(_CREATE_RULESET, attributes, len(attributes), 0), "landlock_create_ruleset")
    try:
        for path in open_paths(frozenset(own), dev, sys_drm):
            _allow(ruleset, path, allowed)
        _checked(_prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl(PR_SET_NO_NEW_PRIVS)")
        _checked(_call(_RESTRICT_SELF, ruleset, 0, 0), "landlock_restrict_self")
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, allowed: int) -> None:
    try:  # not following links: what they lead to is allowed by its own name, or not at all
        fd = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:  # it is gone, or not for this account
        return
    try:
        rights = allowed | _REFER if stat.S_ISDIR(os.fstat(fd).st_mode) else allowed
        rule = struct.pack("=Qi", rights, fd)
        if _add(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0) and ctypes.get_errno() != errno.EBADFD:
            number = ctypes.get_errno()
            raise OSError(number, f"landlock_add_rule {path}: {os.strerror(number)}")
    finally:
        os.close(fd)


def open_paths(own: frozenset[str], dev: str, sys_drm: str) -> Iterator[str]:
    """The hierarchies that stay open: everything, but for the closed nodes and the directories on the way to them.

    Where there are new entries in those directories later, they are closed, too. Links among them are left out.
    """
    dev = os.path.realpath(dev)
    closed = closed_nodes(own, dev, sys_drm)
    walked = {"/", dev}
    for path in (dev, *closed):
        walked.update(_above(path))
    for directory in walked:
        for name in _names(directory):
            path = os.path.join(directory, name)
            if path not in closed and path not in walked:
                yield path


def _above(path: str) -> Iterator[str]:
    while path != "/":
        path = os.path.dirname(path)
        yield path


def closed_nodes(own: frozenset[str], dev: str, sys_drm: str) -> frozenset[str]:
    """The paths of the nodes of NVIDIA GPUs that are not `own`: the GPUs, parts of them (MIG), and their displays."""
    found = [name for name in _names(dev) if name.startswith("nvidia") and name[6:].isdigit()]
    found += [f"nvidia-caps/{name}" for name in _names(f"{dev}/nvidia-caps")]
    found += [f"dri/{name}" for name in _names(f"{dev}/dri") if _vendor(name, sys_drm) == _NVIDIA]
    return frozenset(os.path.join(dev, name) for name in found if name not in own)


def _vendor(name: str, sys_drm: str) -> str:
    try:
        fd = os.open(f"{sys_drm}/{name}/device/vendor", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(fd, 32).decode("ascii", "replace").strip()
    finally:
        os.close(fd)


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


def _checked(result: int, call: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
    return result
