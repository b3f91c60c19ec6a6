"""The SDK's verb for looking ahead."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from gavelq.client import shapes
from gavelq.client.http import Link

PATIENCE_S = 60.0
"""A simulation may take half a minute."""


class SimulationVerbs:
    """What a Client can ask about the time to come. Raises as Client does."""

    _link: Link

    def simulate(
        self, settings: Mapping[str, Any] | None = None, *, unset: Iterable[str] = (), hours: int = 24,
        assume: str | float | None = None,
    ) -> shapes.Simulation:  # fmt: skip
        """When the tasks that wait will start and end, also under other settings; nothing is changed.

        `assume`: how long tasks take of which nothing is known (seconds, or "2h"); None: nobody knows.
        """
        payload = {"settings": dict(settings or {}), "unset": list(unset), "hours": hours, "assume": assume}
        return cast(
            shapes.Simulation, self._link.fetch("POST", "/api/simulate", payload, timeout_s=PATIENCE_S)
        )  # fmt: skip
