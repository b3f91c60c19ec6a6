"""Policies by name: the product's own policy objects, and oracles beside them."""

from dataclasses import dataclass, fields, replace
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
    is_oracle: bool = False
    """It knows the future."""


def named(name: str, *, backfill: Backfill | None = None, base: Policy = BASE) -> NamedPolicy:
    """The policy of that name. `backfill`: instead of its own; `base`: everything else. Raises InvalidField.

    Where `base` is not `BASE` its name says so: `fair[ageing_s=604800]`.
    """
    if name == "srtf":
        return NamedPolicy(name=name, policy=None, limits="exact", is_oracle=True)
    if name == "sjf":
        # It has to see everybody: each length is a shape of its own.
        base = replace(base, depth=BASE.depth)
        rules = replace(base, order="shortest_first", backfill="skip", depth=1_000_000)
        return NamedPolicy(name=name + _changed(base), policy=rules, limits="exact", is_oracle=True)
    order, own = _split(name)
    chosen = own if backfill is None else backfill
    called = _called(order, chosen) + _changed(base)
    return NamedPolicy(name=called, policy=replace(base, order=order, backfill=chosen))


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


def _changed(base: Policy) -> str:
    """The constants that are not the usual ones."""
    values = [(field.name, getattr(base, field.name), getattr(BASE, field.name)) for field in fields(Policy)]
    told = [f"{name}={_written(value)}" for name, value, usual in values if value != usual]
    return f"[{','.join(told)}]" if told else ""


def _written(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)
