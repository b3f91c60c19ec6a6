"""How people write the values of options, whether of a queue or of a tenant."""

from enum import StrEnum
from typing import TypeVar

from gavelq.core.errors import InvalidField

W = TypeVar("W", bound=StrEnum)
_NONE = frozenset({"none", "-1", ""})
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


def is_none(value: object) -> bool:
    """Whether this takes an option away: null, or the words `none` and `-1`. The number -1 is not among them."""
    return value is None or (isinstance(value, str) and value.strip().lower() in _NONE)


def scalar(value: object, field: str) -> str | int | float:
    """A value that a reader of numbers may look at. Raises InvalidField."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidField(field=field, problem=f"{value!r:.80} is not a number", hint="write a number")
    return value


def flag(value: object, field: str) -> bool:
    """True or false, as people write them. Raises InvalidField."""
    written = str(value).strip().lower()
    if written in _TRUE or written in _FALSE:
        return written in _TRUE
    raise InvalidField(field=field, problem=f"{value!r:.80} is neither true nor false", hint="write true or false")


def word_of(words: type[W], value: object, field: str) -> W:
    """A member of an enumeration. Raises InvalidField."""
    try:
        return words(str(value).strip().lower())
    except ValueError:
        choices = ", ".join(word.value for word in words)
        problem = f"{value!r:.80} is not one of {choices}"
        raise InvalidField(field=field, problem=problem, hint=f"write one of {choices}") from None
