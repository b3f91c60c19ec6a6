"""Which cards NVML lists: their handles and UUIDs, taken once and kept while nothing changes."""

from gavelq.adapters.gpu.gateway import Asking, CardUnreachable, Query
from gavelq.adapters.gpu.nvml_card import NAME, UUID, KnownCard
from gavelq.core.ids import GpuUuid

_COUNT = Query("nvmlDeviceGetCount")
_HANDLE = Query("nvmlDeviceGetHandleByIndex")


class Inventory:
    """The cards by NVML's index, which is the order of their PCI addresses."""

    def __init__(self) -> None:
        self.cards: list[KnownCard] = []
        self.dead: tuple[GpuUuid, ...] = ()
        """Cards that are listed but do not even give their handle, by the UUID that they had before."""
        self.nameless: tuple[str, ...] = ()
        """Indices of such cards that never told their UUID."""
        self._n_listed: int | None = None
        self._last_uuids: dict[int, GpuUuid] = {}

    def refresh(self, nvml: Asking) -> bool:
        """Take everything anew where the number of cards changed, or after `forget`; whether it did.

        Raises CardUnreachable.
        """
        count = nvml.ask(_COUNT)
        if count is None:
            raise CardUnreachable(0, "it does not say how many GPUs there are")
        if count == self._n_listed:
            return False
        self.cards = []
        silent: list[int] = []
        for index in range(count):
            card = _taken(nvml, index)
            if card is None:
                silent.append(index)
            else:
                self.cards.append(card)
        alive = {card.uuid for card in self.cards}
        self.dead = tuple(
            self._last_uuids[index] for index in silent if self._last_uuids.get(index, None) not in (None, *alive)
        )
        self.nameless = tuple(str(index) for index in silent if index not in self._last_uuids)
        self._last_uuids.update((int(card.index), card.uuid) for card in self.cards)
        self._n_listed = count
        return True

    def forget(self) -> None:
        """Handles are not valid any more: take them anew at the next `refresh`."""
        self.cards = []
        self.dead = ()
        self.nameless = ()
        self._n_listed = None


def _taken(nvml: Asking, index: int) -> KnownCard | None:
    try:
        handle = nvml.ask(_HANDLE, index)
        uuid = None if handle is None else nvml.ask(UUID, handle)
        name = None if uuid is None else nvml.ask(NAME, handle)
    except CardUnreachable:
        return None
    if uuid is None:
        return None
    return KnownCard(handle=handle, uuid=uuid, index=str(index), name=name or "unknown GPU")
