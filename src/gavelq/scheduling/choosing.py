"""Which of the cards that fit are taken."""

from collections.abc import Callable, Sequence
from itertools import combinations
from operator import attrgetter

from gavelq.core.ids import GpuUuid
from gavelq.core.pending import Shape
from gavelq.scheduling.gpu_view import GpuView, Holder
from gavelq.scheduling.placement import Taken
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.snapshot import Snapshot

_MAX_SUBSETS = 2000
"""Above so many ways to choose, close cards are searched for greedily (16 GPUs: every choice of up to 4 is tried)."""


_BY_SIZE = attrgetter("memory_total", "order")
Distance = Callable[[GpuView, GpuView], int]


def preferred(
    cards: Sequence[GpuView], shape: Shape, snapshot: Snapshot, policy: Policy, taken: Taken
) -> list[GpuView]:
    """The cards in the order in which they are taken.

    `best_fit` leaves the roomiest cards for those who need them: a declared amount goes to the card with the least free
    memory that still fits, a whole card to the smallest one. `first` goes by order. `sampled` takes the smallest mean
    memory utilisation x free memory (`rules.memory_save_mode`: pack onto used cards) or x used memory (avoid
    overflow) of the last burst; cards without one come last. Ties go by `gpu.order`, then by index.
    """
    if len(cards) < 2:
        return list(cards)
    selection = shape.gpus.selection or policy.selection
    if selection == "best_fit" and shape.gpus.memory is None and not policy.gpu_order:
        return sorted(cards, key=_BY_SIZE)  # the same in short: this is what most tasks ask for

    def key(card: GpuView) -> tuple[float, float, int, tuple[int, ...]]:
        score, tie = _score(card, shape, snapshot, policy, taken.get(card.uuid, ()))
        return (score, tie, _wish(card, policy), card.order)

    return sorted(cards, key=key)


def _score(
    card: GpuView, shape: Shape, snapshot: Snapshot, policy: Policy, taken: tuple[Holder, ...]
) -> tuple[float, float]:
    selection = shape.gpus.selection or policy.selection
    if selection == "first":
        return (0.0, 0.0)
    burst = snapshot.bursts.get(card.uuid) if selection == "sampled" else None
    if burst is not None:
        amount = burst.free if policy.memory_save_mode else burst.used
        return (burst.memory_utilization * amount, amount)
    room = card.memory_total if shape.gpus.memory is None else card.free - sum(holder.memory for holder in taken)
    return (float(room), 0.0)


def _wish(card: GpuView, policy: Policy) -> int:
    """The place in `gpu.order`; cards that are not named there come behind."""
    names = policy.gpu_order
    places = [names.index(name) for name in (card.index, card.uuid) if name in names]
    return min(places, default=len(names))


def unsampled(
    cards: Sequence[GpuView], shape: Shape, snapshot: Snapshot, policy: Policy, n_wanted: int
) -> frozenset[GpuUuid]:
    """The cards that `selection: sampled` has to watch before it can choose among these; empty: it can.

    Where enough of them are quite unused nothing is to be learned by watching.
    """
    if (shape.gpus.selection or policy.selection) != "sampled" or len(cards) <= n_wanted:
        return frozenset()
    if shape.gpus.selection is not None and all(card.is_unused for card in cards):
        return frozenset()
    return frozenset(card.uuid for card in cards if not _is_fresh(card.uuid, snapshot, policy))


def _is_fresh(uuid: GpuUuid, snapshot: Snapshot, policy: Policy) -> bool:
    burst = snapshot.bursts.get(uuid)
    return burst is not None and snapshot.now - burst.at <= policy.sampling_s


def close_together(cards: Sequence[GpuView], n: int, snapshot: Snapshot, policy: Policy) -> tuple[GpuView, ...]:
    """`n` of these cards (in their order of preference): those closest to each other, where the driver tells."""
    if n < 2 or n >= len(cards) or not policy.topology or not snapshot.links:
        return tuple(cards[:n])
    far = 1 + max(snapshot.links.values())

    def distance(one: GpuView, other: GpuView) -> int:
        return snapshot.links.get((one.uuid, other.uuid), far)

    n_ways = 1
    for step in range(n):
        n_ways = n_ways * (len(cards) - step) // (step + 1)
    if n_ways <= _MAX_SUBSETS:
        # The first of the closest sets: combinations come in the order of preference.
        return min(combinations(cards, n), key=lambda some: sum(distance(a, b) for a, b in combinations(some, 2)))
    return min((_grown(seed, cards, n, distance) for seed in cards), key=lambda found: found[0])[1]


def _grown(seed: GpuView, cards: Sequence[GpuView], n: int, distance: Distance) -> tuple[int, tuple[GpuView, ...]]:
    """A set around one card: always the nearest of the rest."""
    chosen, total = [seed], 0
    rest = [card for card in cards if card is not seed]
    while len(chosen) < n:
        near = min(rest, key=lambda card: sum(distance(card, other) for other in chosen))
        total += sum(distance(near, other) for other in chosen)
        chosen.append(near)
        rest.remove(near)
    return total, tuple(chosen)
