"""Which cards of this machine are in use by which gavelq daemon (SPEC section 5).

A card in use is locked: flock(2) on the file DIRECTORY/UUID, held by the runner and by the supervisors of all tasks on
the card, so that it lasts exactly as long as they do, whoever dies. The file holds one JSON object of at most 4 KiB:
uid, user, pid, state_dir, socket of the daemon that uses the card. The directory is open to everybody (1777), so
nothing in it is trusted: no links are followed, only regular files are opened, and what they say is only ever shown.
"""

import contextlib
import errno
import fcntl
import json
import os
import stat
import sys
import time
from collections.abc import Iterable, Mapping

TYPE_CHECKING = False  # not from typing: that alone would be a tenth of the runner's memory
if TYPE_CHECKING:
    from typing import Any

    from gavelq.core.ids import GpuUuid

DEFAULT_DIRECTORY = "/tmp/gavelq-gpu"  # noqa: S108  # common to all accounts by design; see the module's text
_MAX_IDENTITY = 4096
_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class Claimed(Exception):
    """Another daemon uses the card; the text says which card and whose."""


def _file_name(uuid: str) -> str:
    # Old MIG UUIDs hold slashes: MIG-GPU-.../1/0.
    name = uuid.replace("/", "_")
    if not name or name.startswith(".") or "\0" in name or len(name) > 200:
        raise OSError(errno.EINVAL, f"{uuid!r:.80} is no GPU's UUID")
    return name


def _open_directory(path: str, *, is_created: bool) -> int:
    if is_created:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
            os.chmod(path, 0o1777)  # noqa: S103  # every account of the machine takes part, as in /tmp
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    mode = os.fstat(fd).st_mode
    if mode & 0o1002 == 0o0002:  # everybody may delete everybody's files
        os.close(fd)
        raise OSError(errno.EPERM, f"{path} is open to everybody but not sticky (chmod 1777)")
    return fd


def _open_file(directory_fd: int, name: str) -> int:
    for _ in range(3):
        # Without O_CREAT first: the kernel refuses it on others' files in a sticky directory (fs.protected_regular).
        with contextlib.suppress(FileNotFoundError):
            return _checked(os.open(name, os.O_RDWR | _FLAGS, dir_fd=directory_fd))
        with contextlib.suppress(FileExistsError):
            fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS, 0o666, dir_fd=directory_fd)
            os.fchmod(fd, 0o666)
            return fd
    raise OSError(errno.EAGAIN, f"{name} comes and goes")


def _checked(fd: int) -> int:
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(fd)
        raise OSError(errno.EPERM, "not a plain file of its own")
    return fd


def _lock(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_identity(fd: int) -> "dict[str, Any]":
    try:
        found = json.loads(os.pread(fd, _MAX_IDENTITY, 0))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _describe(identity: "Mapping[str, Any]") -> str:
    user, pid = identity.get("user"), identity.get("pid")
    name = "".join(c for c in user if c.isprintable())[:64] if isinstance(user, str) else ""
    number = f" (pid {pid})" if isinstance(pid, int) and not isinstance(pid, bool) and 0 < pid < 1 << 31 else ""
    return f"the gavelq daemon of {name or 'an unknown user'}{number}"


class Claims:
    """The runner's side: locks cards for its tasks."""

    __slots__ = ("_directory", "_held", "_identity", "_problem")

    def __init__(self, directory: str, state_dir: str) -> None:
        self._directory = directory
        self._identity: dict[str, Any] = {"uid": os.getuid(), "state_dir": state_dir}
        self._held: dict[str, list[int]] = {}
        """UUID to [descriptor or -1, number of attempts]. -1: an adopted supervisor of ours holds the lock."""
        self._problem = ""

    def introduce(self, identity: "Mapping[str, Any]") -> None:
        """The daemon has said who it is; rewrite what our files say."""
        for name in ("user", "pid", "state_dir", "socket"):
            if isinstance(identity.get(name), str | int):
                self._identity[name] = identity[name]
        for fd, _ in self._held.values():
            self._write(fd)

    def take(self, uuids: Iterable[str]) -> None:
        """Lock cards for one attempt. Raises Claimed, with nothing taken.

        An unusable directory claims nothing and stops no task; the runner's log says why.
        """
        wanted = tuple(uuids)
        for n_taken, uuid in enumerate(wanted):
            try:
                self._take(uuid)
            except Claimed:
                self.give_back(wanted[:n_taken])
                raise

    def descriptors(self, uuids: Iterable[str]) -> tuple[int, ...]:
        """The locked descriptors of cards that were taken: whoever has a copy keeps the lock."""
        return tuple({self._held[uuid][0] for uuid in uuids if uuid in self._held} - {-1})

    def give_back(self, uuids: Iterable[str]) -> None:
        """One attempt less on these cards."""
        for uuid in uuids:
            entry = self._held.get(uuid)
            if entry is None:
                continue
            entry[1] -= 1
            if entry[1] <= 0:
                del self._held[uuid]
                if entry[0] >= 0:
                    os.close(entry[0])
        self.settle()

    def settle(self) -> None:
        """Lock what an adopted supervisor of ours held, where that has ended."""
        for uuid, entry in self._held.items():
            if entry[0] < 0:
                with contextlib.suppress(Claimed):
                    entry[0] = self._locked(uuid)

    def adopt(self, uuids: Iterable[str]) -> tuple[str, ...]:
        """An attempt from before our time uses these cards; its supervisor has the locks. Returns what to give back."""
        taken = []
        for uuid in uuids:
            with contextlib.suppress(Claimed):
                self._take(uuid)
                taken.append(uuid)
        return tuple(taken)

    def _take(self, uuid: str) -> None:
        entry = self._held.get(uuid)
        if entry is None:
            entry = self._held[uuid] = [self._locked(uuid), 0]
        entry[1] += 1

    def _locked(self, uuid: str) -> int:
        """A locked descriptor; -1 where the card is our own already, or where locks cannot be had."""
        try:
            directory_fd = _open_directory(self._directory, is_created=True)
            try:
                fd = _open_file(directory_fd, _file_name(uuid))
            finally:
                os.close(directory_fd)
        except OSError as error:
            if str(error) != self._problem:
                self._problem = str(error)
                sys.stderr.write(f"GPUs cannot be claimed in {self._directory}: {error}\n")
            return -1
        for _ in range(4):
            if _lock(fd, fcntl.LOCK_EX):
                self._write(fd)
                return fd
            time.sleep(0.002)  # a reader holds its shared lock for a moment only
        holder = _read_identity(fd)
        os.close(fd)
        if holder.get("state_dir") == self._identity["state_dir"]:
            return -1
        raise Claimed(f"GPU {uuid} is claimed by {_describe(holder)}: it is free again when that one's task ends")

    def _write(self, fd: int) -> None:
        if fd < 0:
            return
        payload = json.dumps(self._identity).encode("ascii")
        if len(payload) > _MAX_IDENTITY:
            payload = json.dumps({"uid": os.getuid()}).encode("ascii")
        with contextlib.suppress(OSError):  # a full disk: the lock is what counts
            os.ftruncate(fd, 0)
            os.pwrite(fd, payload, 0)


class ClaimsReader:
    """The daemon's side: which cards others use (ports.GpuClaims)."""

    def __init__(self, directory: str = DEFAULT_DIRECTORY, state_dir: str = "") -> None:
        """`state_dir`: whose claims are our own."""
        self._directory = directory
        self._state_dir = state_dir

    def foreign(self, uuids: "Iterable[GpuUuid]", ours: "frozenset[GpuUuid]") -> "Mapping[GpuUuid, str]":
        """Which of these cards another daemon has claimed, and that daemon's description. Never raises."""
        try:
            directory_fd = _open_directory(self._directory, is_created=False)
        except OSError:
            return {}
        try:
            asked = [uuid for uuid in uuids if uuid not in ours]
            found = {uuid: self._holder(directory_fd, uuid) for uuid in asked}
        finally:
            os.close(directory_fd)
        return {uuid: holder for uuid, holder in found.items() if holder is not None}

    def _holder(self, directory_fd: int, uuid: str) -> str | None:
        try:
            fd = _checked(os.open(_file_name(uuid), os.O_RDONLY | _FLAGS, dir_fd=directory_fd))
        except OSError:
            return None
        try:
            if _lock(fd, fcntl.LOCK_SH):
                return None
            identity = _read_identity(fd)
        except OSError:
            return None
        finally:
            os.close(fd)
        is_ours = self._state_dir and identity.get("state_dir") == self._state_dir
        return None if is_ours else _describe(identity)
