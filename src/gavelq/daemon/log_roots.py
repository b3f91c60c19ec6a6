"""Where log files of people's own may lie: below the directories of `logs.roots`, and among gavelq's own task logs.

A path counts by where it really leads. What names this judges are real paths: no link is left in them.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass

from gavelq.core.errors import InvalidField, NotAllowed

MAX_PATH = 4095
"""PATH_MAX of the kernel less the final zero, in bytes."""


class OutsideRoots(NotAllowed):
    """reading {path} is not allowed here: it does not lead below {roots} (logs.roots)"""

    code = "outside_log_roots"
    hint = "keep the log below one of these directories, or add its directory to the setting logs.roots"


@dataclass(frozen=True, slots=True)
class LogRoots:
    """The directories as real paths."""

    allowed: tuple[str, ...]
    own: str | None
    """Gavelq's own task logs: they may be read as well. None: not by whom this is about."""
    closed: str
    """Gavelq's state directory: nothing else in it may be read, whatever `allowed` holds."""
    files: tuple[str, ...] = ()
    """Files elsewhere that hold secrets of gavelq's, and may not be read either."""

    def hold(self, real: str) -> bool:
        """Whether a real path lies where it may be read."""
        if self.own is not None and _is_below(real, self.own):
            return True
        if real in self.files or _is_below(real, self.closed):
            return False
        return any(_is_below(real, root) for root in self.allowed)

    def require(self, real: str, path: str) -> None:
        """Raises OutsideRoots where `path`, which leads to `real`, may not be read.

        Where it leads is not told: that would be an answer about places that one may not look at.
        """
        if not self.hold(real):
            raise OutsideRoots(path=path, roots=", ".join(self.allowed) or "any directory")


def find_roots(written: Iterable[str], *, state: str, task_logs: str, files: Iterable[str] = ()) -> LogRoots:
    """The roots of a configuration (`~`: the daemon's user). Blocking: a root may be a link, or on another machine."""
    allowed = dict.fromkeys(os.path.realpath(os.path.expanduser(root)) for root in written)
    hidden = tuple(os.path.realpath(file) for file in files)
    return LogRoots(tuple(allowed), own=os.path.realpath(task_logs), closed=os.path.realpath(state), files=hidden)


def absolute(written: str, workdir: str | None, *, field: str) -> str:
    """The absolute path that somebody means; a relative one counts from `workdir`. Touches no file.

    Raises InvalidField for what cannot be a path. `..` stays: what is before it may be a link.
    """

    def refuse(problem: str, hint: str = "write the path of a file") -> InvalidField:
        return InvalidField(field=field, problem=problem, hint=hint)

    if not written or "\0" in written:
        raise refuse("it is empty" if not written else "it holds a zero byte")
    try:
        size = len(written.encode("utf-8"))
    except UnicodeEncodeError:
        raise refuse(f"{written!a:.80} is no text") from None
    if size > MAX_PATH:
        raise refuse(f"it has {size} bytes; a path has at most {MAX_PATH}")
    path = os.path.expanduser(written)
    if path.startswith("~"):
        raise refuse(f"nobody is called {path.partition('/')[0]!r:.80}", "for a file of that name write ./ before it")
    if not os.path.isabs(path):
        if workdir is None:
            raise refuse(
                f"{written!r:.80} is relative, and there is no directory that it counts from", "write it whole"
            )
        path = os.path.join(workdir, path)
    if path.rpartition("/")[2] in ("", ".", ".."):
        raise refuse(f"{written!r:.80} is a directory's name")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if len(os.fsencode(path)) > MAX_PATH or any(len(os.fsencode(part)) > 255 for part in parts):
        raise refuse(f"a path has at most {MAX_PATH} bytes, and a name in it 255")
    return "/" + "/".join(parts)


def _is_below(real: str, root: str) -> bool:
    return real.startswith(root.rstrip("/") + "/")
