"""Machines of several nodes, for planning: a task runs within one. gavelq's own machine is one node."""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import NamedTuple

from gavelq.core.ids import GpuUuid
from gavelq.core.pending import Shape
from gavelq.scheduling.gpu_view import GpuView
from gavelq.scheduling.holds import free_times
from gavelq.scheduling.matching import Match
from gavelq.scheduling.placement import Taken, match_cards
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.snapshot import Snapshot


class InNode(NamedTuple):
    """A request held against the cards of one node."""

    cards: tuple[GpuView, ...]
    found: Match

    def soonest(self, count: int, now: float, promised: Mapping[GpuUuid, float]) -> float:
        """When so many cards of the node could serve it, by time limits; infinite: nobody knows, or never."""
        times = free_times(self.found, self.cards, now, promised)
        return times[count - 1].at if len(times) >= count else inf


def must_share_node(shape: Shape, policy: Policy) -> bool:
    """Whether a request has to be kept together: one for several GPUs, on a machine of several nodes."""
    return bool(policy.nodes) and max(shape.gpus.count, shape.gpus.max_count or 0) > 1


def in_nodes(shape: Shape, snapshot: Snapshot, policy: Policy, taken: Taken) -> list[InNode]:
    """The request held against each node."""
    queue = snapshot.queues[shape.queue]
    domain, nodes = snapshot.cards_for(queue), []
    for node in policy.nodes:
        cards = tuple(card for card in domain if card.uuid in node)
        nodes.append(InNode(cards, match_cards(shape, queue, cards, snapshot, policy, taken)))
    return nodes


def best_node(nodes: Sequence[InNode], count: int, now: float, is_usable: Callable[[GpuView], bool]) -> InNode:
    """The fullest node where the task can start; else the one that is to serve it soonest."""
    best, fewest = None, inf
    for node in nodes:
        n_usable = sum(1 for card in node.found.fitting if is_usable(card))
        if count <= n_usable < fewest:
            best, fewest = node, n_usable
    return best if best is not None else soonest_node(nodes, count, now, {})


def soonest_node(nodes: Sequence[InNode], count: int, now: float, promised: Mapping[GpuUuid, float]) -> InNode:
    """The node with enough cards for it soonest; where nobody knows, one that has them at all."""
    return min(
        nodes,
        key=lambda node: (
            node.soonest(count, now, promised), len(node.found.fitting) + node.found.n_own < count,
            -len(node.found.fitting),
        ),
    )  # fmt: skip
