"""Policies by name: the product's own policy objects, and oracles beside them."""

from dataclasses import dataclass, replace
from math import inf
from typing import Literal, get_args

from gavelq.core.errors import InvalidField
from gavelq.scheduling.policy import Policy
from gavelq.sim.limits import Limits

Order = Literal["fair", "fifo", "largest_first", "smallest_first"]
Backfill = Literal["easy", "skip", "none"]

BASE = Policy(allowance_s=0.0, grace_s=0.0, stale_s=inf)
"""The product's defaults, where starting and stopping take no time and nobody has to look at the cards."""
ORDERS: tuple[Order, ...] = get_args(Order)
BACKFILLS: tuple[Backfill, ...] = get_args(Backfill)
ORACLES = ("sjf", "srtf")
NAMES = ("fair", "fifo", "fifo_skip", "fifo_easy", "largest_first", "smallest_first", *ORACLES)
"""What is worth comparing; each order also goes with `_easy`, `_skip` or `_none` behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPolicy:
    """A way to schedule, by its name."""

    name: str
    policy: Policy | None
    """None: no scheduling of gavelq's, `oracles.srtf`."""
    limits: Limits | None = None
    """The limits that its jobs have, whatever the others have; an oracle knows how long they take."""

    @property
    def is_oracle(self) -> bool:
        """Whether it knows the future."""
        return self.name in ORACLES


def named(name: str, *, backfill: Backfill | None = None, base: Policy = BASE) -> NamedPolicy:
    """The policy of that name. `backfill`: instead of its own; `base`: everything else. Raises InvalidField."""
    if name == "srtf":
        return NamedPolicy(name=name, policy=None, limits="exact")
    if name == "sjf":
        # It has to see everybody: each length is a shape of its own.
        rules = replace(base, order="shortest_first", backfill="skip", depth=1_000_000)
        return NamedPolicy(name=name, policy=rules, limits="exact")
    order, own = _split(name)
    chosen = own if backfill is None else backfill
    return NamedPolicy(name=_called(order, chosen), policy=replace(base, order=order, backfill=chosen))


def as_backfill(word: str) -> Backfill:
    """One of the words. Raises InvalidField."""
    for known in BACKFILLS:
        if word == known:
            return known
    raise InvalidField(field="backfill", problem=f"there is no {word!r:.80}", hint="write " + " or ".join(BACKFILLS))


def _split(name: str) -> tuple[Order, Backfill]:
    for order in ORDERS:
        if name == order:
            return order, _usual(order)
        for backfill in BACKFILLS:
            if name == f"{order}_{backfill}":
                return order, backfill
    raise InvalidField(
        field="policy", problem=f"there is no policy {name!r:.80}", hint="the policies are " + ", ".join(NAMES)
    )


def _usual(order: Order) -> Backfill:
    """Strict first come, first served is what the world calls FIFO; the others are as the daemon has them."""
    return "none" if order == "fifo" else "easy"


def _called(order: Order, backfill: Backfill) -> str:
    return order if backfill == _usual(order) else f"{order}_{backfill}"
