"""Which cards changed, in the order of their last change: whoever keeps something about cards looks at those alone."""

from gavelq.core.ids import GpuUuid


class Marks:
    """A running number, and by card the number of its last change. Volatile."""

    def __init__(self) -> None:
        self.n = 0
        """The last change."""
        self._at: dict[GpuUuid, int] = {}
        """By card, the last one that changed at the end."""
        self._all = 0

    def touch(self, gpu: GpuUuid) -> None:
        """A card changed."""
        self.n += 1
        self._at.pop(gpu, None)
        self._at[gpu] = self.n

    def touch_all(self) -> None:
        """Any card may have changed, appeared or gone."""
        self.n += 1
        self._all = self.n
        self._at.clear()

    def since(self, seen: int) -> list[GpuUuid] | None:
        """The cards that changed after number `seen`; None: any may have. Costs what those cards cost."""
        if seen < self._all:
            return None
        found = []
        for gpu, at in reversed(self._at.items()):
            if at <= seen:
                break
            found.append(gpu)
        return found
