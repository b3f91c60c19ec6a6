"""The SDK's verbs for the configuration: looked at, changed, its history, undone. For admins."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from gavelq.client import shapes
from gavelq.client.http import Link, query


class ConfigVerbs:
    """What a Client can do with the daemon's configuration. Raises as Client does."""

    _link: Link

    def config(self) -> list[shapes.Setting]:
        """Every setting with its value and where that comes from."""
        return cast(list[shapes.Setting], self._link.fetch("GET", "/api/config"))

    def set_config(self, values: Mapping[str, Any], *, unset: Iterable[str] = ()) -> shapes.ConfigDone:
        """Write settings (`{"rules.max_gpu": 2}`) and take others out, all or nothing; they apply at once."""
        payload = {"values": dict(values), "unset": list(unset)}
        return cast(shapes.ConfigDone, self._link.fetch("PUT", "/api/config", payload))

    def config_history(
        self, name: str | None = None, *, before: int | None = None, limit: int | None = None
    ) -> list[shapes.ConfigChange]:
        """Who changed what when, oldest first: the last changes, or those before a number.

        Of one setting alone where it is named.
        """
        target = "/api/config/history" + query([("name", name), ("before", before), ("limit", limit)])
        return cast(list[shapes.ConfigChange], self._link.fetch("GET", target))

    def try_config(self, values: Mapping[str, Any]) -> shapes.TriedRules:
        """What would start now with these settings (`{"rules.max_gpu": 2}`); nothing is changed."""
        return cast(shapes.TriedRules, self._link.fetch("POST", "/api/config/try", {"settings": dict(values)}))

    def undo_config(self, number: int | None = None) -> shapes.ConfigDone:
        """Put back what a change replaced: the last one that stands, or the one with that number."""
        return cast(shapes.ConfigDone, self._link.fetch("POST", "/api/config/undo", {"number": number}))
