"""The SDK's verbs for log files of one's own that are bound to the tasks of a command file.

A task is named by `mode` (`single` or `multi`), `config_index` (from 0), the queue id of its lane, and `process_index`:
which of the lane's tasks, from 0.
"""

from typing import Any, cast

from gavelq.client import shapes
from gavelq.client.http import Link, new_key, query

_LOOK_S = 30.0
"""A log may lie on a slow file system."""


class BindingVerbs:
    """What a Client can do with bound log files. Raises as Client does."""

    _link: Link

    def bind_log(
        self, mode: shapes.Mode, config_index: int, queue_id: str | int, process_index: int, path: str
    ) -> shapes.Bound:
        """A log file, which may come later, belongs to that task; `replaced` names the one that did until now.

        A relative path counts from the configuration's directory. Raises NotAllowed outside of `logs.roots`.
        """
        place = _place(mode, config_index, queue_id, process_index)
        return cast(shapes.Bound, self._link.fetch("POST", "/api/log/bind", {**place, "log_path": path}, key=new_key()))

    def unbind_log(
        self, mode: shapes.Mode, config_index: int, queue_id: str | int, process_index: int
    ) -> shapes.Unbound:
        """Take a binding back; the file is left alone."""
        target = "/api/log/bind" + query(_place(mode, config_index, queue_id, process_index).items())
        return cast(shapes.Unbound, self._link.fetch("DELETE", target))

    def log_bindings(self, mode: shapes.Mode | None = None, config_index: int | None = None) -> shapes.Bindings:
        """The caller's bindings by MODE_CONFIGINDEX_QUEUEID_PROCESSINDEX, each with its file as it is now."""
        target = "/api/log/bindings" + query([("mode", mode), ("config_index", config_index)])
        return cast(shapes.Bindings, self._link.fetch("GET", target, timeout_s=_LOOK_S))

    def bound_log(
        self,
        mode: shapes.Mode,
        config_index: int,
        queue_id: str | int,
        process_index: int,
        *,
        tail_lines: int | None = None,
        offset: int | None = None,
        identity: str | None = None,
        wait_s: float = 0.0,
    ) -> shapes.BoundLogPart:
        """The last lines (100 unless said) of a bound file, or what stands from a byte on.

        To follow it, ask on with `offset=part["next_offset"]`, `identity=part["identity"]` and `wait_s` (at most 25)
        until `part["ended"]`.
        """
        place = _place(mode, config_index, queue_id, process_index)
        target = "/api/log/content" + query([*place.items(), *_part(tail_lines, offset, identity, wait_s)])
        return cast(shapes.BoundLogPart, self._link.fetch("GET", target, timeout_s=_LOOK_S + wait_s))

    def read_log(
        self,
        path: str,
        *,
        tail_lines: int | None = None,
        offset: int | None = None,
        identity: str | None = None,
        wait_s: float = 0.0,
    ) -> shapes.LogPart:
        """The same of any file below the directories of `logs.roots`; for admins."""
        target = "/api/log/read" + query([("log_path", path), *_part(tail_lines, offset, identity, wait_s)])
        return cast(shapes.LogPart, self._link.fetch("GET", target, timeout_s=_LOOK_S + wait_s))


def _place(mode: str, config_index: int, queue_id: str | int, process_index: int) -> dict[str, Any]:
    return {
        "mode": mode,
        "config_index": config_index,
        "queue_id": str(queue_id),
        "process_index": process_index,
    }


def _part(tail_lines: int | None, offset: int | None, identity: str | None, wait_s: float) -> list[tuple[str, object]]:
    """The part that is wanted, as a query; an empty identity is none."""
    return [("tail_lines", tail_lines), ("offset", offset), ("identity", identity or None), ("wait", wait_s or None)]
