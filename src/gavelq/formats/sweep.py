"""Arrays and sweeps: one submission of many tasks that differ in a few values."""

from collections.abc import Mapping
from dataclasses import dataclass

from gavelq.core.errors import InvalidField

MAX_TASKS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """`0-9%2`: the indices, and how many of them run at once (None: any number)."""

    indices: tuple[int, ...]
    max_parallel: int | None = None


def array(value: object, field: str) -> Array:
    """Indices and ranges such as `0-9`, `1,3,5-20:5` or `0-99%4`. Raises InvalidField."""
    raise NotImplementedError


def params(value: object, field: str) -> Mapping[str, tuple[str, ...]]:
    """An object of names and their values; every combination makes a task. Raises InvalidField."""
    raise NotImplementedError


def param_rows(value: object, field: str) -> tuple[Mapping[str, str], ...]:
    """A list of objects, one for each task. Raises InvalidField."""
    raise NotImplementedError


__all__ = ["MAX_TASKS", "Array", "InvalidField", "array", "param_rows", "params"]
