"""Arrays and sweeps as they are written: indices, and named values. `formats/expansion.py` makes the tasks of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

from gavelq.core.errors import InvalidField

MAX_TASKS = 100_000
MAX_INDEX = 999_999_999
MAX_NAMES = 32
MAX_NAME = 64
MAX_VALUE_BYTES = 4096
_MAX_ARRAY_TEXT = 1 << 20
INDEX = "index"
"""What the index of an array is called in templates, and therefore no name for a parameter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """`0-9%2`: the indices, and how many of them run at once (None: any number)."""

    indices: tuple[int, ...]
    max_parallel: int | None = None


def _wrong(field: str, problem: str, hint: str) -> InvalidField:
    return InvalidField(field=field, problem=problem, hint=hint)


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


# --- arrays ----------------------------------------------------------------------------------------------


def array(value: object, field: str) -> Array:
    """Indices and ranges such as `0-9`, `1,3,5-20:5` or `0-99%4`, or a list of numbers. Raises InvalidField.

    The indices keep the order in which they are written; each may stand once.
    """
    hint = "write for example 0-9, 1,3,5, 0-20:5 or 0-99%4"
    if isinstance(value, list | tuple):
        if not all(isinstance(part, int) and not isinstance(part, bool) for part in value[:MAX_TASKS]):
            raise _wrong(field, f"{_shown(value)} is not a list of whole numbers", hint)
        value = ",".join(str(part)[:12] for part in value[: MAX_TASKS + 1])
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) <= MAX_INDEX else "1" * 12
    if not isinstance(value, str) or len(value) > _MAX_ARRAY_TEXT:
        raise _wrong(field, f"{_shown(value)} is not a list of indices", hint)
    written, percent, narrow = value.replace(" ", "").partition("%")
    if not written:
        raise _wrong(field, "it has no index", hint)
    max_parallel = None
    if percent:
        max_parallel = _number(narrow, field, hint)
        if not 1 <= max_parallel <= MAX_TASKS:
            raise _wrong(field, f"%{max_parallel} at once is not from 1 to {MAX_TASKS}", hint)
    indices: dict[int, None] = {}
    for part in written.split(","):
        for index in _range(part, field, hint):
            if index in indices:
                raise _wrong(field, f"the index {index} stands there twice", "name each index once")
            indices[index] = None
        if len(indices) > MAX_TASKS:
            raise _wrong(field, f"it has more than {MAX_TASKS} indices", "submit it in parts")
    return Array(indices=tuple(indices), max_parallel=max_parallel)


def _range(part: str, field: str, hint: str) -> range:
    """`7`, `0-9` or `0-20:5`."""
    bounds, colon, step_text = part.partition(":")
    low_text, dash, high_text = bounds.partition("-")
    low = _number(low_text, field, hint, part)
    high = _number(high_text, field, hint, part) if dash else low
    step = _number(step_text, field, hint, part) if colon else 1
    if colon and not dash:
        raise _wrong(field, f"{_shown(part)} has a step but no range", hint)
    if high < low:
        raise _wrong(field, f"the range {part} ends before it begins", f"write {high}-{low}")
    if step < 1:
        raise _wrong(field, f"the range {part} has the step 0", "a step is 1 or more")
    found = range(low, high + 1, step)
    if len(found) > MAX_TASKS:
        problem = f"the range {part} has {len(found)} indices; {MAX_TASKS} are the most"
        raise _wrong(field, problem, "submit it in parts")
    return found


def _number(text: str, field: str, hint: str, part: str | None = None) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_INDEX))):
        about = f" in {_shown(part)}" if part is not None and part != text else ""
        raise _wrong(field, f"{_shown(text)}{about} is not a number from 0 to {MAX_INDEX}", hint)
    return int(text)


# --- parameters ------------------------------------------------------------------------------------------


def params(value: object, field: str) -> Mapping[str, tuple[str, ...]]:
    """An object of names and their values; every combination makes a task. Raises InvalidField.

    A value is a text or a number, a name's values a list of them or one alone.
    """
    if not isinstance(value, Mapping) or not value:
        raise _wrong(field, f"{_shown(value)} is not an object of names and values", 'write {"lr": ["0.1", "0.01"]}')
    _check_names(value, field)
    found: dict[str, tuple[str, ...]] = {}
    for name, given in value.items():
        where = f"{field}.{name}"
        listed = given if isinstance(given, list | tuple) else [given]
        if not listed:
            raise _wrong(where, "it has no value", f"give at least one, or leave {name} out")
        if len(listed) > MAX_TASKS:
            raise _wrong(where, f"it has {len(listed)} values; {MAX_TASKS} are the most", "submit it in parts")
        texts = tuple(_value(one, where) for one in listed)
        twice = _first_twice(texts)
        if twice is not None:
            raise _wrong(where, f"the value {_shown(twice)} stands there twice", "use an array to run one thing again")
        found[name] = texts
    n_tasks = prod(map(len, found.values()))
    if n_tasks > MAX_TASKS:
        raise _wrong(field, f"it makes {n_tasks} tasks; {MAX_TASKS} are the most", "submit it in parts")
    return found


def param_rows(value: object, field: str) -> tuple[Mapping[str, str], ...]:
    """A list of objects with the same names, one for each task. Equal rows are equal tasks. Raises InvalidField."""
    if not isinstance(value, list | tuple) or not value:
        raise _wrong(field, f"{_shown(value)} is not a list of objects", 'write [{"lr": "0.1"}, {"lr": "0.01"}]')
    if len(value) > MAX_TASKS:
        raise _wrong(field, f"it has {len(value)} rows; {MAX_TASKS} are the most", "submit it in parts")
    return tuple(_rows(value, field))


def _rows(rows: list[object] | tuple[object, ...], field: str) -> Iterator[Mapping[str, str]]:
    names: tuple[str, ...] = ()
    for index, row in enumerate(rows):
        where = f"{field}[{index}]"
        if not isinstance(row, Mapping) or not row:
            raise _wrong(where, f"{_shown(row)} is not an object of names and values", 'write {"lr": "0.1"}')
        if index == 0:
            _check_names(row, where)
            names = tuple(row)
        elif row.keys() != set(names):
            odd = next((name for name in (*names, *row) if (name in row) != (name in names)), "")
            problem = f"{_shown(odd)} is {'missing' if odd in names else 'not in the rows above it'}"
            raise _wrong(where, problem, f"every row has the names of the first: {', '.join(names)}")
        yield {name: _value(row[name], f"{where}.{name}") for name in names}


def _check_names(names: Mapping[object, object], field: str) -> None:
    if len(names) > MAX_NAMES:
        raise _wrong(field, f"it has {len(names)} names; {MAX_NAMES} are the most", "use fewer")
    for name in names:
        if not is_name(name):
            hint = f"a name has 1 to {MAX_NAME} of the characters A-Z a-z 0-9 _, and no digit in front"
            raise _wrong(field, f"{_shown(name)} is not a parameter's name", hint)
        if name == INDEX:
            raise _wrong(field, f"{INDEX} is the index of an array", "call the parameter something else")


def is_name(name: object) -> bool:
    """Whether it can name a parameter, and be a part of a variable's name (GAVELQ_PARAM_name)."""
    return isinstance(name, str) and len(name) <= MAX_NAME and name.isascii() and name.isidentifier()


def _value(value: object, field: str) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value) if isinstance(value, float) or abs(value) < 1 << 63 else value
    if not isinstance(value, str):
        raise _wrong(field, f"{_shown(value)} is not a text or a number", "put it in quotes")
    if "\0" in value:
        raise _wrong(field, "it holds a NUL character, which no program can be given", "take it out")
    try:
        n_bytes = len(value.encode())
    except UnicodeEncodeError:
        raise _wrong(field, "it holds characters that are not UTF-8", "write it in UTF-8") from None
    if n_bytes > MAX_VALUE_BYTES:
        raise _wrong(field, f"it has {n_bytes} bytes; {MAX_VALUE_BYTES} are the most", "put long text into a file")
    return value


def _first_twice(texts: tuple[str, ...]) -> str | None:
    seen: set[str] = set()
    return next((text for text in texts if text in seen or seen.add(text)), None)  # type: ignore[func-returns-value]  # add() returns None on purpose


__all__ = ["INDEX", "MAX_TASKS", "Array", "InvalidField", "array", "is_name", "param_rows", "params"]
