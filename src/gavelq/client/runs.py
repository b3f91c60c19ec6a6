"""The SDK's verbs for runs of command files: start, stop, look, compare, change, submit once.

`config_index` counts from 0 within a mode (`single` or `multi`).
"""

from typing import Any, Unpack, cast

from gavelq.client import shapes
from gavelq.client.http import Link, new_key, query, quote

_LONG_S = 120.0
"""For files with thousands of tasks."""


class RunVerbs:
    """What a Client can do with runs of command files. Raises as Client does."""

    _link: Link

    def start_file(
        self,
        /,
        mode: shapes.Mode,
        config_index: int,
        *,
        etag: str | None = None,
        key: str | None = None,
        **options: Unpack[shapes.StartOptions],
    ) -> shapes.Scheduler:
        """Run a configuration as it is now. `etag`: only at that version; `key` makes a repetition harmless."""
        found = self._link.fetch(
            "POST", _target(mode, "start", config_index), dict(options), timeout_s=_LONG_S, key=key or new_key(),
            match=etag,
        )  # fmt: skip
        return cast(shapes.Scheduler, found)

    def submit_file(
        self,
        /,
        mode: shapes.Mode,
        content: str,
        *,
        name: str = "commands",
        key: str | None = None,
        **options: Unpack[shapes.StartOptions],
    ) -> list[shapes.Task]:
        """Run a text once, without keeping it as a configuration."""
        payload = {"content": content, "name": name, **options}
        target = f"/api/scheduler/{quote(mode)}/submit"
        found = self._link.fetch("POST", target, payload, timeout_s=_LONG_S, key=key or new_key())
        return cast(list[shapes.Task], found)

    def stop_file(self, mode: shapes.Mode, config_index: int) -> shapes.StoppedRun:
        """End the run of a configuration."""
        found = self._link.fetch("POST", _target(mode, "stop", config_index), {}, timeout_s=_LONG_S)
        return cast(shapes.StoppedRun, found)

    def stop_run(self, run: int) -> shapes.StoppedRun:
        """End a run by its number."""
        return cast(shapes.StoppedRun, self._link.fetch("POST", f"/api/scheduler/stop/{run}", {}, timeout_s=_LONG_S))

    def file_state(self, mode: shapes.Mode, config_index: int) -> shapes.Scheduler:
        """What the last run of a configuration does."""
        found = self._link.fetch("GET", _target(mode, "state", config_index), timeout_s=_LONG_S)
        return cast(shapes.Scheduler, found)

    def diff_file(self, mode: shapes.Mode, config_index: int) -> shapes.RunDifference:
        """What `apply_file` would do now."""
        found = self._link.fetch("GET", _target(mode, "diff", config_index), timeout_s=_LONG_S)
        return cast(shapes.RunDifference, found)

    def apply_file(
        self, mode: shapes.Mode, config_index: int, *, dry_run: bool = False, etag: str | None = None
    ) -> shapes.RunDifference:
        """Bring an edited configuration into its run, as far as that has not started."""
        payload: dict[str, Any] = {"dry_run": dry_run}
        found = self._link.fetch("POST", _target(mode, "apply", config_index), payload, timeout_s=_LONG_S, match=etag)
        return cast(shapes.RunDifference, found)


def _target(mode: str, verb: str, config_index: int) -> str:
    return f"/api/scheduler/{quote(mode)}/{verb}" + query([("config_index", config_index)])
