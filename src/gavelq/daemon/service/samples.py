"""How the machine looks now, for pages that stay open: made once a tick for all who may see the same.

Admins see the same, and so does everybody of one tenant: so the text is made for each of those once, however many
listen. Ticks are whole seconds of the loop's clock; nothing is made where nobody listens.
"""

import asyncio
import json
from collections.abc import Callable

from gavelq.core.step import Changes
from gavelq.daemon.caller import Caller
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.gpus import GpuService
from gavelq.daemon.views import Json, counts_json, host_json, stamp
from gavelq.ports import HostMeter

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_Audience = str | None
"""A tenant; None: admins."""


class Samples:
    """Texts of samples (`GET /api/events?samples=`)."""

    def __init__(self, desk: Desk, gpus: GpuService, host: HostMeter, position: Callable[[], int]) -> None:
        """`position`: the id of the last committed event that listeners can have heard of."""
        self._desk = desk
        self._gpus = gpus
        self._host = host
        self._position = position
        self._tick = -1
        self._texts: dict[_Audience, asyncio.Task[str]] = {}
        self._counts: dict[_Audience, Json] = {}

    def notice(self, changes: Changes) -> None:
        """A commit: where it changed tasks, they are counted again when somebody asks."""
        if changes.tasks:
            self._counts = {}

    async def text(self, caller: Caller, tick: int) -> str:
        """The JSON document of this tick, as this caller may see it. Raises StoreUnavailable, StoreCorrupt."""
        if tick != self._tick:
            self._tick = tick
            self._texts = {}
        audience = None if caller.is_admin else caller.tenant
        making = self._texts.get(audience)
        if making is None:
            making = self._texts[audience] = asyncio.get_running_loop().create_task(self._make(caller, audience))
        return await asyncio.shield(making)  # one who leaves does not end it for the others

    async def _make(self, caller: Caller, audience: _Audience) -> str:
        counts = self._counts.get(audience)
        if counts is None:
            kept = self._counts  # a commit meanwhile begins another one, and this count may be older
            counts = counts_json(await self._desk.store.counts(tenant=audience))
            kept[audience] = counts
        return _encode(
            {
                "kind": "sample",
                "at": stamp(self._desk.clock.now()),
                "gpus": self._gpus.list_gpus(caller),
                "host": host_json(self._host.look()),
                "counts": counts,
                "position": self._position(),
            }
        )
