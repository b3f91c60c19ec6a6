"""Changed copies of frozen dataclasses, for those of which thousands are made in a second."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")


def copier(kind: type[T]) -> Callable[..., T]:
    """A function that copies an object of this class with the fields changed that are named.

    What `dataclasses.replace` does, in less than half its time: it asks each field what it is at each copy and then
    runs `__init__`. Only for classes with slots whose `__init__` merely stores what it is given.
    """
    if hasattr(kind, "__post_init__") or not all(field.init for field in fields(kind)):  # type: ignore[arg-type]  # the caller's class is a dataclass, which no type says
        raise TypeError(f"{kind.__name__} is more than its fields")
    members = [getattr(kind, field.name) for field in fields(kind)]  # type: ignore[arg-type]  # see above
    pairs: list[tuple[Callable[[Any], Any], Callable[[Any, Any], None]]]
    pairs = [(member.__get__, member.__set__) for member in members]
    new, put = object.__new__, object.__setattr__

    def copied(one: T, **changes: object) -> T:
        copy = new(kind)
        for get, store in pairs:
            store(copy, get(one))
        for name, value in changes.items():
            put(copy, name, value)
        return copy

    return copied
