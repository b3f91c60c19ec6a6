"""The entries of another program's configuration: flat or nested, with dashes or underscores, each with its line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gavelq.config.reading import Located, read_mapping

HIDDEN = "(not shown)"
"""Stands for the values of secrets: a report may end up in a ticket or in a log."""
_SECRETS = ("secret", "passw", "pwd", "token", "credential", "apikey", "api_key", "auth", "private", "cookie")
_SYNONYMS = {"logging": "log", "logs": "log", "defaults": "default"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key with its value."""

    line: int
    key: str
    """As written; a nested one is joined with dots."""
    name: str
    """The same in lower case and underscores alone: `log.max-size` and `log_max_size` are one name."""
    located: Located

    @property
    def value(self) -> Any:
        """The value without lines."""
        return self.located.plain()

    @property
    def shown(self) -> Any:
        """The value as a report may show it: secrets are hidden."""
        return without_secrets(self.value, self.name)


def is_secret(name: str) -> bool:
    """True where a key of this name may hold what nobody else should read."""
    return any(word in name for word in _SECRETS)


def without_secrets(value: Any, name: str) -> Any:
    """The value with everything hidden that stands under a name of a secret."""
    if is_secret(name) and not isinstance(value, bool) and value not in (None, "", [], {}):
        return HIDDEN
    if isinstance(value, dict):
        return {key: without_secrets(part, normal(key)) for key, part in value.items()}
    return [without_secrets(part, name) for part in value] if isinstance(value, list) else value


def normal(key: str) -> str:
    """One part of a key in lower case and underscores."""
    name = "_".join(key.strip().lower().replace("-", " ").replace("_", " ").split())
    return _SYNONYMS.get(name, name)


def read_root(text: str, path: str) -> dict[str, Located]:
    """The file's mapping: YAML, JSON, or JSON with comments. Raises InvalidFile with the line."""
    return read_mapping(_without_json_comments(text), path)


def flatten(root: Mapping[str, Located], *, wrappers: frozenset[str], whole: frozenset[str]) -> list[Entry]:
    """All entries in the order of their lines.

    `wrappers` are sections whose name says nothing (`config:`), left out at the beginning of names. What stands under
    a name of `whole` stays one entry.
    """
    found = list(_walk(root, (), (), wrappers, whole))
    return sorted(found, key=lambda entry: entry.line)


def _walk(
    mapping: Mapping[str, Located], keys: tuple[str, ...], names: tuple[str, ...], wrappers: frozenset[str],
    whole: frozenset[str],
) -> Iterator[Entry]:  # fmt: skip
    for key, located in mapping.items():
        path, parts = (*keys, key), list(names)
        for part in map(normal, key.split(".")):
            if parts or part not in wrappers or (not isinstance(located.value, dict) and "." not in key):
                parts.append(part)
        entry = Entry(line=located.line, key=".".join(path), name="_".join(parts), located=located)
        if isinstance(located.value, dict) and located.value and entry.name not in whole:
            yield from _walk(located.value, path, tuple(parts), wrappers, whole)
        elif _has_mappings(located) and entry.name not in whole:
            yield from _walk_list(located, path, tuple(parts), wrappers, whole)
        else:
            yield entry


def _has_mappings(located: Located) -> bool:
    return isinstance(located.value, list) and any(isinstance(part.value, dict) for part in located.value)


def _walk_list(
    located: Located, keys: tuple[str, ...], names: tuple[str, ...], wrappers: frozenset[str], whole: frozenset[str]
) -> Iterator[Entry]:
    for number, part in enumerate(located.value if isinstance(located.value, list) else []):
        path = (*keys[:-1], f"{keys[-1]}[{number}]")
        if isinstance(part.value, dict) and part.value:
            yield from _walk(part.value, path, names, wrappers, whole)
        else:
            yield Entry(line=part.line, key=".".join(path), name="_".join(names), located=part)


def _without_json_comments(text: str) -> str:
    """JSON with `//` and `/* */` comments and with tabs becomes text that YAML takes; lines stay where they are."""
    if not text.lstrip().startswith(("{", "//", "/*")):
        return text
    kept: list[str] = []
    at, quoted = 0, False
    while at < len(text):
        char, pair = text[at], text[at : at + 2]
        if quoted:
            kept.append(pair if char == "\\" else char)
            at += len(kept[-1])
            quoted = char != '"'
            continue
        end = at
        if pair == "//" and (at == 0 or text[at - 1] != ":"):  # a bare http://host is no comment
            end = text.find("\n", at)
        elif pair == "/*":
            end = text.find("*/", at) + 2
            end = end if end > 1 else -1
        if end != at:
            end = len(text) if end < 0 else end
            kept.append("".join(c if c == "\n" else " " for c in text[at:end]))
            at = end
            continue
        quoted = char == '"'
        kept.append(" " if char == "\t" else char)
        at += 1
    return "".join(kept)
