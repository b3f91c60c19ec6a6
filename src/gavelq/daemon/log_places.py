"""Where the log file that a task names may lie.

The daemon's user writes it, whoever the task belongs to. So a tenant names files below `tenants.log_roots` alone, and
nobody one of gavelq's own: a task that wrote into the database would end everything.
"""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass

from gavelq.core.errors import InvalidField, NotAllowed
from gavelq.daemon.caller import Caller

_LEAVE_IT_OUT = "leave it out: `gavelq task logs ID` shows what the task wrote"


class LogPlaceRefused(NotAllowed):
    """log_path: {path}: {problem}"""

    code = "log_place_refused"


@dataclass(frozen=True, slots=True)
class LogPlaces:
    """The places as real paths."""

    own_tenant: str
    """The daemon's own user, who may name any file but gavelq's."""
    allowed: tuple[str, ...]
    """Directories in which tenants may name files."""
    closed: tuple[str, ...]
    """Directories of gavelq's own."""
    files: tuple[str, ...]
    """Files of gavelq's own elsewhere."""

    def path(self, caller: Caller, workdir: str, written: str) -> str:
        """The absolute path of a log file that a caller names. Blocking: it looks for links.

        Raises LogPlaceRefused, and InvalidField for a directory: the task could only fail to start.

        What stands in braces is filled in later, and for tenants only in the file's name.
        """
        path = os.path.normpath(os.path.join(workdir, written))
        real = os.path.realpath(path)
        if any(_is_below(real, root) for root in self.closed) or any(_is_of(real, file) for file in self.files):
            raise _refused(path, "gavelq keeps its own files there", "name a file elsewhere")
        if not caller.is_admin and caller.tenant != self.own_tenant:
            self._require_allowed(written, path, real)
        if os.path.isdir(real):
            hint = f"name a file in it, such as {path.rstrip('/')}/{{id}}.log"
            raise InvalidField(field="log_path", problem=f"{path} is a directory", hint=hint)
        return path

    def _require_allowed(self, written: str, path: str, real: str) -> None:
        roots = ", ".join(self.allowed)
        if not self.allowed:
            problem = "tenants may name no log file here (tenants.log_roots is empty)"
            ask = "ask an admin for: gavelq config set tenants.log_roots DIR"
            raise _refused(path, problem, f"{_LEAVE_IT_OUT}; or {ask}")
        if ".." in written.split("/"):
            raise _refused(path, "a tenant's log file is named without `..`", f"name a file below {roots}")
        if "{" in os.path.dirname(path):
            hint = "put them into the file's name, such as {name}-{id}.log"
            raise _refused(path, "braces may stand in the file's name alone, not in a directory's", hint)
        # Where it leads is not told: that would be an answer about places that one may not look at.
        if not any(_is_below(real, root) for root in self.allowed):
            hint = f"name a file below {roots}, or {_LEAVE_IT_OUT}"
            raise _refused(path, "it does not lead into a directory of tenants.log_roots", hint)
        problem = _no_file(path)
        if problem:
            raise _refused(path, problem, f"name a file below {roots}")


def find_places(written: Iterable[str], *, own_tenant: str, closed: Iterable[str], files: Iterable[str]) -> LogPlaces:
    """The places of a configuration (`~`: the daemon's user). Blocking: any of them may be a link."""
    return LogPlaces(
        own_tenant,
        allowed=tuple(dict.fromkeys(os.path.realpath(os.path.expanduser(root)) for root in written)),
        closed=tuple(os.path.realpath(path) for path in closed),
        files=tuple(os.path.realpath(path) for path in files),
    )


def _refused(path: str, problem: str, hint: str) -> LogPlaceRefused:
    return LogPlaceRefused(field="log_path", path=path, problem=problem, hint=hint)


def _is_below(real: str, root: str) -> bool:
    return real == root or real.startswith(root.rstrip("/") + "/")


def _is_of(real: str, file: str) -> bool:
    """Whether it is the file, or one that is kept beside it under its name (`config.yaml.new`)."""
    return real == file or real.startswith(file + ".")


def _no_file(path: str) -> str:
    """What is there that is no regular file; empty: a file, a directory, or nothing yet."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return ""
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return ""
    return "it is a link" if stat.S_ISLNK(mode) else "it is no regular file"
