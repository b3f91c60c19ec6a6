"""A parser for the usual: it understands the option tables, and gives up (None) on everything else."""

from gavelq.cli.options import COMMON, COUNT, FLAG, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


class Parsed:
    """Option values by name, positional words, and the words behind `--` (None where there was none)."""

    __slots__ = ("behind", "values", "words")

    def __init__(self, values: "dict[str, Any]", words: list[str], behind: list[str] | None) -> None:
        self.values = values
        self.words = words
        self.behind = behind


def parse(argv: "Sequence[str]", options: tuple[Option, ...]) -> Parsed | None:
    """Read `argv` by the table (and the common options). None for whatever click should look at."""
    spelled = {flag: option for option in (*options, *COMMON) for flag in option.flags}
    values: dict[str, Any] = {}
    words: list[str] = []
    at, end = 0, len(argv)
    while at < end:
        word = argv[at]
        at += 1
        if word == "--":
            return Parsed(values, words, list(argv[at:]))
        if word[:1] != "-" or word == "-":
            words.append(word)
            continue
        flag, separator, value = word.partition("=") if word[:2] == "--" else (word[:2], word[2:], word[2:])
        option = spelled.get(flag)
        if option is None or (option.kind == FLAG and separator):
            return None
        if option.kind == FLAG:
            values[option.name] = True
            continue
        if not separator:
            if at >= end or argv[at] == "--":
                return None
            value = argv[at]
            at += 1
        if not _take(values, option, value):
            return None
    return Parsed(values, words, None)


def _take(values: "dict[str, Any]", option: Option, value: str) -> bool:
    if option.choices and value not in option.choices:
        return False
    taken: str | int = value
    if option.kind == COUNT:
        low, high = option.range
        if not (value.isascii() and value.isdigit()) or not low <= int(value) <= high:
            return False
        taken = int(value)
    if option.is_many:
        values.setdefault(option.name, []).append(taken)
    else:
        values[option.name] = taken
    return True
