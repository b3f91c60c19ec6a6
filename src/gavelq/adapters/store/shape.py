"""Dataclasses as JSON objects: each field by an explicit codec, defaults left out, anything unknown refused."""

from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, fields
from enum import Enum
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class RowError(Exception):
    """A stored document that does not say what it should. The message names the field."""


class Codec:
    """How one field's value is written as JSON, and read back. `decode` raises RowError."""

    __slots__ = ("decode", "encode")

    def __init__(self, encode: Callable[[Any], Any] | None, decode: Callable[[Any], Any]) -> None:
        self.encode = encode
        """None: the value is JSON already."""
        self.decode = decode


def _checked(wanted: str, *types: type) -> Callable[[Any], Any]:
    def decode(value: Any) -> Any:
        if type(value) not in types:
            raise RowError(f"{value!r} is not {wanted}")
        return value

    return decode


TEXT = Codec(None, _checked("a text", str))
WHOLE = Codec(None, _checked("a whole number", int))
REAL = Codec(None, _checked("a number", int, float))
FLAG = Codec(None, _checked("true or false", bool))


def _text_list(value: Any) -> tuple[str, ...]:
    if type(value) is not list or not all(type(part) is str for part in value):
        raise RowError(f"{value!r} is not a list of texts")
    return tuple(value)


def _real_list(value: Any) -> tuple[float, ...]:
    if type(value) is not list or not all(type(part) in (int, float) for part in value):
        raise RowError(f"{value!r} is not a list of numbers")
    return tuple(value)


def _ranges(numbers: Iterable[int]) -> list[list[int]]:
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][0] + found[-1][1]:
            found[-1][1] += 1
        else:
            found.append([number, 1])
    return found


def _from_ranges(value: Any) -> tuple[int, ...]:
    is_list = type(value) is list and all(type(pair) is list and len(pair) == 2 for pair in value)
    if not is_list or not all(type(part) is int for pair in value for part in pair):
        raise RowError(f"{value!r:.200} is not a list of ranges")
    return tuple(first + offset for first, count in value for offset in range(count))


TEXTS = Codec(list, _text_list)
REALS = Codec(list, _real_list)
RANGES = Codec(_ranges, _from_ranges)
"""Whole numbers, of which many follow each other: the first of each range, and how many there are."""


def listed(codec: Codec) -> Codec:
    """A list of such values, as a tuple."""
    inner = codec.encode

    def decode(value: Any) -> Any:
        if type(value) is not list:
            raise RowError(f"{value!r} is not a list")
        return tuple(codec.decode(part) for part in value)

    return Codec(lambda value: [part if inner is None else inner(part) for part in value], decode)


def optional(codec: Codec) -> Codec:
    """The same, or None."""
    inner_encode, inner_decode = codec.encode, codec.decode
    encode = None if inner_encode is None else (lambda value: None if value is None else inner_encode(value))
    return Codec(encode, lambda value: None if value is None else inner_decode(value))


def enumerated(words: type[Enum]) -> Codec:
    """A member of a string enumeration."""

    def decode(value: Any) -> Any:
        try:
            return words(value)
        except ValueError:
            raise RowError(f"{value!r} is not one of {', '.join(str(word.value) for word in words)}") from None

    return Codec(lambda word: word.value, decode)


class Shape(Generic[T]):
    """A dataclass and the codec of each of its fields, but for those that are stored `elsewhere` (in columns)."""

    def __init__(self, made: type[T], elsewhere: frozenset[str] = frozenset(), **codecs: Codec) -> None:
        declared: dict[str, Field[Any]] = {field.name: field for field in fields(made)}  # type: ignore[arg-type]  # T is a dataclass
        odd = declared.keys() ^ (codecs.keys() | elsewhere)
        if odd:
            # At import, because a field that is not stored would be lost silently.
            raise TypeError(f"{made.__name__}: {sorted(odd)} need a codec here, or are no longer fields")
        self._made = made
        self._codecs = codecs
        self._plan = [(name, _default(declared[name]), codec.encode) for name, codec in codecs.items()]
        self._required = frozenset(name for name, default, _ in self._plan if default is MISSING)

    def encode(self, value: T) -> dict[str, Any]:
        """The fields that differ from their defaults."""
        found: dict[str, Any] = {}
        for name, default, encode in self._plan:
            part = getattr(value, name)
            if part is not default and part != default:  # most are, and comparing objects takes its time
                found[name] = part if encode is None else encode(part)
        return found

    def arguments(self, document: Any) -> dict[str, Any]:
        """The fields as arguments. Raises RowError for a wrong or unknown one, and a missing one without a default."""
        if type(document) is not dict:
            raise RowError(f"{document!r} is not an object")
        codecs = self._codecs
        found: dict[str, Any] = {}
        for name, part in document.items():
            try:
                found[name] = codecs[name].decode(part)
            except KeyError:
                raise RowError(f"unknown field {name!r}") from None
            except RowError as error:
                raise RowError(f"{name}: {error}") from None
        if not self._required <= found.keys():
            raise RowError(f"missing field {min(self._required - found.keys())!r}")
        return found

    def decode(self, document: Any) -> T:
        """The object again. Raises RowError."""
        return self._made(**self.arguments(document))

    @property
    def codec(self) -> Codec:
        """This shape as the codec of a field of another one."""
        return Codec(self.encode, self.decode)


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()
