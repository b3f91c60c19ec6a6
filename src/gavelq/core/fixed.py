"""Dataclasses whose objects never change, and cost little to make."""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def fixed(kind: type[T]) -> type[T]:
    """`@dataclass(frozen=True, slots=True, kw_only=True)`, where the type checker alone sees to the first of these.

    Python would check at each field of each new object that nobody changes it, which is three quarters of what making
    one costs. For those that the engine and the cycle make by the thousand.
    """
    has_own_hash = "__hash__" in vars(kind)
    return dataclass(slots=True, kw_only=True, unsafe_hash=not has_own_hash)(kind)
