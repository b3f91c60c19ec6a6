"""The machine that is simulated."""

import re
from dataclasses import dataclass

from gavelq.core.errors import InvalidField
from gavelq.core.gpu import CardSample, GpuProcess
from gavelq.core.ids import GpuUuid
from gavelq.core.units import MiB, parse_memory

USUAL_MEMORY = MiB(24 * 1024)
"""Of a card of which only the number was said."""
MAX_GPUS = 4096
_PART = re.compile(r"(?:(\d{1,6})\s*[x×*]\s*([\d.]+\s*[a-z]*)|([\d.]+\s*[a-z]+))", re.IGNORECASE | re.ASCII)
"""`8x24GiB` (a bare number of memory is in GiB, as everywhere), or one card: then the unit tells it from a count."""
_COUNT = re.compile(r"\d{1,6}", re.ASCII)
_HINT = "write for example 16, or 8x24GiB,2x80GiB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One card. Memory in MiB."""

    memory: MiB = USUAL_MEMORY
    node: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Cards by their number."""

    gpus: tuple[Gpu, ...]

    @property
    def n_gpus(self) -> int:
        """How many cards there are."""
        return len(self.gpus)

    @property
    def nodes(self) -> tuple[int, ...]:
        """The cards of each node."""
        counts: dict[int, int] = {}
        for gpu in self.gpus:
            counts[gpu.node] = counts.get(gpu.node, 0) + 1
        return tuple(counts.values())

    @property
    def split(self) -> tuple[frozenset[GpuUuid], ...]:
        """The cards of each node by their names, where there are several; else nothing."""
        nodes: dict[int, set[GpuUuid]] = {}
        for number, gpu in enumerate(self.gpus):
            nodes.setdefault(gpu.node, set()).add(self.uuid(number))
        return tuple(map(frozenset, nodes.values())) if len(nodes) > 1 else ()

    def widest(self, memory: int | None = None) -> int:
        """The most cards that one job can have, each with so much memory (MiB)."""
        counts: dict[int, int] = {}
        for gpu in self.gpus:
            if memory is None or gpu.memory >= memory:
                counts[gpu.node] = counts.get(gpu.node, 0) + 1
        return max(counts.values(), default=0)

    def uuid(self, number: int) -> GpuUuid:
        """The name of a card."""
        return GpuUuid(f"GPU-{number}")

    def sample(self, number: int, *processes: GpuProcess, xids: tuple[int, ...] = ()) -> CardSample:
        """What a look at a card shows: somebody else's processes, and errors of the card."""
        total = self.gpus[number].memory
        used = MiB(sum(process.memory or 0 for process in processes))
        return CardSample(
            uuid=self.uuid(number), index=str(number), name="simulated", memory_total=total, memory_used=used,
            utilization=0, processes=processes, xids=xids,
        )  # fmt: skip


def parse_machine(written: str, *, nodes: int = 1) -> Machine:
    """Read `16`, or `8x24GiB,2x80GiB`. With several nodes each of them has these cards.

    Raises InvalidField.
    """
    one = [Gpu(memory=memory) for n, memory in map(_part, written.split(",")) for _ in range(n)]
    if not 1 <= nodes <= MAX_GPUS:
        raise InvalidField(field="nodes", problem=f"{nodes} is no number of nodes", hint="write 1 or more")
    if not 1 <= len(one) * nodes <= MAX_GPUS:
        problem = f"{written!r:.80} on {nodes} node(s) makes {len(one) * nodes} GPUs"
        raise InvalidField(field="gpus", problem=problem, hint=f"ask for 1 to {MAX_GPUS}")
    return Machine(gpus=tuple(Gpu(memory=gpu.memory, node=node) for node in range(nodes) for gpu in one))


def _part(written: str) -> tuple[int, MiB]:
    """`16`, `8x24GiB`, `24GiB`: how many cards of which memory."""
    written = written.strip()
    if _COUNT.fullmatch(written):
        return int(written), USUAL_MEMORY
    found = _PART.fullmatch(written)
    if found is None:
        raise InvalidField(field="gpus", problem=f"{written!r:.80} is no number of GPUs", hint=_HINT)
    try:
        memory = parse_memory(found[2] or found[3], field="gpus")
    except InvalidField as error:
        raise InvalidField(field="gpus", problem=error.details["problem"], hint=_HINT) from None
    if memory < 1:
        raise InvalidField(field="gpus", problem=f"{written!r:.80} has no memory", hint=_HINT)
    return int(found[1] or 1), memory
