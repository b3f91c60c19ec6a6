"""How close the cards of a machine are to each other, as NVML tells it."""

from collections.abc import Sequence

from gavelq.adapters.gpu.gateway import Asking, CardUnreachable, Query
from gavelq.adapters.gpu.nvml_card import KnownCard
from gavelq.core.ids import GpuUuid

_P2P_STATUS = Query("nvmlDeviceGetP2PStatus")
_NVLINK_PEERS = 2  # NVML_P2P_CAPS_INDEX_NVLINK
_P2P_OK = 0
_P2P_UNKNOWN = 6
_ANCESTOR = Query("nvmlDeviceGetTopologyCommonAncestor")
_PCI = Query("nvmlDeviceGetPciInfo_v3")
_LINK_STATE = Query("nvmlDeviceGetNvLinkState")
_LINK_PEER = Query("nvmlDeviceGetNvLinkRemotePciInfo")

N_LINKS = 36
"""At most so many NVLinks has a card (NVML_NVLINK_MAX_LINKS)."""
NVLINK = 0


def links(nvml: Asking, cards: Sequence[KnownCard]) -> tuple[tuple[GpuUuid, GpuUuid, int], ...]:
    """Each pair of cards once, by index, as `GpuSample.links` has them; a pair that nobody can tell is left out."""
    peers: dict[GpuUuid, frozenset[str]] = {}
    found = []
    for number, one in enumerate(cards):
        for other in cards[number + 1 :]:
            try:
                level = _level(nvml, one, other, peers)
            except CardUnreachable:
                continue  # reading the card tells of it
            if level is not None:
                found.append((one.uuid, other.uuid, level))
    return tuple(found)


def _level(nvml: Asking, one: KnownCard, other: KnownCard, peers: dict[GpuUuid, frozenset[str]]) -> int | None:
    if _has_nvlink(nvml, one, other, peers):
        return NVLINK
    ancestor = nvml.ask(_ANCESTOR, one.handle, other.handle)
    return None if ancestor is None else 1 + int(ancestor) // 10


def _has_nvlink(nvml: Asking, one: KnownCard, other: KnownCard, peers: dict[GpuUuid, frozenset[str]]) -> bool:
    status = nvml.ask(_P2P_STATUS, one.handle, other.handle, _NVLINK_PEERS)
    # That answer also knows of cards that meet in a switch; where it is missing, the links themselves are asked.
    if status is not None and status != _P2P_UNKNOWN:
        return bool(status == _P2P_OK)
    if one.uuid not in peers:
        peers[one.uuid] = frozenset(_peers(nvml, one))
    pci = nvml.ask(_PCI, other.handle)
    return pci is not None and _address(pci) in peers[one.uuid]


def _peers(nvml: Asking, card: KnownCard) -> set[str]:
    """The PCI addresses at the other ends of a card's NVLinks."""
    found = set()
    for link in range(N_LINKS):
        is_active = nvml.ask(_LINK_STATE, card.handle, link)
        if is_active is None:
            break  # it has no more of them
        pci = nvml.ask(_LINK_PEER, card.handle, link) if is_active else None
        if pci is not None:
            found.add(_address(pci))
    return found


def _address(pci: object) -> str:
    text = getattr(pci, "busId", "")
    return (text.decode(errors="replace") if isinstance(text, bytes) else str(text)).lower()
