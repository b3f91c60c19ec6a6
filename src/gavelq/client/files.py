"""The SDK's verbs for configurations of command files: listed, read, kept, checked, copied, reset, deleted.

`config_index` counts from 0 within a mode (`single` or `multi`). `etag`: the change is made only where the
configuration is still at that version; otherwise ChangedMeanwhile is raised.
"""

from collections.abc import Mapping
from typing import Any, cast

from gavelq.client import shapes
from gavelq.client.http import Link, new_key, query, quote

_LONG_S = 120.0
"""For texts of megabytes."""


class FileVerbs:
    """What a Client can do with the command files that the daemon keeps. Raises as Client does."""

    _link: Link

    def files(self, mode: shapes.Mode) -> list[shapes.StoredFile]:
        """The configurations of a mode, without their texts."""
        target = f"/api/commands/{quote(mode)}/list"
        return cast(list[shapes.StoredFile], self._link.fetch("GET", target, timeout_s=_LONG_S))

    def file(self, mode: shapes.Mode, config_index: int) -> shapes.StoredText:
        """A configuration with its text, its tasks by queue id, and its mistakes."""
        target = _target(mode, query([("config_index", config_index)]))
        return cast(shapes.StoredText, self._link.fetch("GET", target, timeout_s=_LONG_S))

    def new_file(self, /, mode: shapes.Mode, content: str = "", **fields: Any) -> shapes.StoredText:
        """One more configuration; `fields` are `name`, and `workdir` and `env` of its tasks."""
        return self._send("POST", _target(mode, "/new"), {"content": content, **fields}, key=new_key())

    def put_file(
        self,
        /,
        mode: shapes.Mode,
        config_index: int,
        content: str | None = None,
        *,
        etag: str | None = None,
        **fields: Any,
    ) -> shapes.StoredText:
        """Another text or `name` for a configuration; the place behind the last one makes one more."""
        target = _target(mode, query([("config_index", config_index)]))
        return self._send("PUT", target, {"content": content, **fields}, etag)

    def check_file(self, mode: shapes.Mode, content: str) -> shapes.CheckedText:
        """What stands in a text, and what is wrong with it; nothing is kept."""
        target = _target(mode, "/check")
        return cast(shapes.CheckedText, self._link.fetch("POST", target, {"content": content}, timeout_s=_LONG_S))

    def reset_file(self, mode: shapes.Mode, config_index: int, *, etag: str | None = None) -> shapes.StoredText:
        """Back to the text that ran last, or the first one."""
        return self._send("POST", _target(mode, "/reset" + query([("config_index", config_index)])), {}, etag)

    def duplicate_file(self, mode: shapes.Mode, config_index: int, *, name: str | None = None) -> shapes.StoredText:
        """One more configuration with the same text."""
        target = _target(mode, "/duplicate" + query([("config_index", config_index)]))
        return self._send("POST", target, {"name": name}, key=new_key())

    def delete_file(self, mode: shapes.Mode, config_index: int, *, etag: str | None = None) -> shapes.DeletedFile:
        """Delete a configuration; those behind it move up. Never the first one, or one that runs."""
        target = _target(mode, f"/{config_index}")
        return cast(shapes.DeletedFile, self._link.fetch("DELETE", target, match=etag))

    def _send(
        self, method: str, target: str, payload: Mapping[str, Any], etag: str | None = None, *, key: str | None = None
    ) -> shapes.StoredText:
        found = self._link.fetch(method, target, dict(payload), timeout_s=_LONG_S, match=etag, key=key)
        return cast(shapes.StoredText, found)


def _target(mode: str, rest: str) -> str:
    return f"/api/commands/{quote(mode)}{rest}"
