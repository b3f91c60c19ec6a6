"""Xid errors, as NVML's event sets tell of them: https://docs.nvidia.com/deploy/nvml-api/group__nvmlEvents.html."""

from collections.abc import Iterable
from typing import Any

from gavelq.adapters.gpu.gateway import Asking, CardUnreachable, Query
from gavelq.adapters.gpu.nvml_card import KnownCard
from gavelq.core.ids import GpuUuid

_SUPPORTED = Query("nvmlDeviceGetSupportedEventTypes")
_CREATE = Query("nvmlEventSetCreate")
_REGISTER = Query("nvmlDeviceRegisterEvents")
_WAIT = Query("nvmlEventSetWait_v2", (0,))  # milliseconds: never wait, a driver keeps what nobody asked for yet
_FREE = Query("nvmlEventSetFree")

UNCORRECTED_ECC, XID = 0x2, 0x8
"""nvmlEventTypeDoubleBitEccError, nvmlEventTypeXidCriticalError."""

MOST_AT_ONCE = 64
"""How many events of one card a sample takes; a storm goes on in the next one."""


class XidWatch:
    """An event set for each card, so that a card that is lost does not silence the others.

    Where a card, a driver or the binding knows no such events, nothing is ever told. Errors from before the daemon
    began are not told either: drivers keep none.
    """

    def __init__(self) -> None:
        self._sets: dict[GpuUuid, Any] = {}
        self._kept: dict[GpuUuid, list[_Event]] = {}

    def begin(self, nvml: Asking, cards: Iterable[KnownCard]) -> None:
        """Listen to these cards, and to no others any more."""
        self.end(nvml)
        for card in cards:
            found = _registered(nvml, card)
            if found is not None:
                self._sets[card.uuid] = found

    def end(self, nvml: Asking) -> None:
        """Stop listening; what was told and not taken yet stays. Call it before NVML is closed."""
        for uuid, events in self._sets.items():
            self._kept.setdefault(uuid, []).extend(_pending(nvml, events))
            try:
                nvml.ask(_FREE, events)
            except CardUnreachable:
                continue  # closing NVML frees it
        self._sets.clear()

    def take(self, nvml: Asking, card: KnownCard) -> dict[GpuUuid, tuple[int, ...]]:
        """The Xid errors of a card since they were taken last, by card or MIG device; each number once."""
        events = self._kept.pop(card.uuid, [])
        if card.uuid in self._sets:
            events += _pending(nvml, self._sets[card.uuid])
        if any(event.kind == UNCORRECTED_ECC for event in events):
            card.slow_read_at = None  # its counter of such errors is read at once
        found: dict[GpuUuid, dict[int, None]] = {}
        for event in events:
            if event.kind == XID:
                found.setdefault(card.part(event.gpu_instance, event.compute_instance), {})[event.number] = None
        return {uuid: tuple(numbers) for uuid, numbers in found.items()}


class _Event:
    """What an event said, copied: the binding's structure names a handle that does not live long."""

    __slots__ = ("compute_instance", "gpu_instance", "kind", "number")

    def __init__(self, told: Any) -> None:
        self.kind = int(told.eventType)
        self.number = int(told.eventData)
        self.gpu_instance = int(told.gpuInstanceId)
        self.compute_instance = int(told.computeInstanceId)


def _registered(nvml: Asking, card: KnownCard) -> Any:
    try:
        kinds = (nvml.ask(_SUPPORTED, card.handle) or 0) & (XID | UNCORRECTED_ECC)
        events = nvml.ask(_CREATE) if kinds else None
        if events is not None:
            nvml.ask(_REGISTER, card.handle, kinds, events)
    except CardUnreachable:
        return None  # reading the card tells of it
    return events


def _pending(nvml: Asking, events: Any) -> list[_Event]:
    found: list[_Event] = []
    try:
        while len(found) < MOST_AT_ONCE and (told := nvml.ask(_WAIT, events)) is not None:
            found.append(_Event(told))
    except CardUnreachable:
        return found  # reading the card tells of it
    return found
