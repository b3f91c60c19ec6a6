"""What callers say about a configuration of command files, read strictly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gavelq.core.command_files import MAX_CONTENT
from gavelq.core.errors import InvalidField
from gavelq.formats.command_text import decode
from gavelq.formats.fields import READERS, text

_NAMES = ("content", "name", "workdir", "env")
MAX_NAME = 200
"""Characters of a name, as `formats/fields.py` reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFields:
    """The fields that were given; None: not this one."""

    content: str | None = None
    """With `\\n` as line end, and without a byte order mark."""
    name: str | None = None
    workdir: str | None = None
    env: tuple[tuple[str, str], ...] | None = field(default=None, repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was given."""
        return (self.content, self.name, self.workdir, self.env) == (None, None, None, None)


def read_fields(body: Mapping[str, Any]) -> FileFields:
    """The fields of a request; null is the same as leaving one out. Raises InvalidField."""
    given = {name: value for name, value in body.items() if value is not None}
    for key in given:
        if key not in _NAMES:
            hint = f"the fields are {', '.join(_NAMES)}"
            raise InvalidField(field=str(key)[:80], problem="there is no such field here", hint=hint)
    name = READERS["name"][1](given["name"], "name") if "name" in given else None
    workdir = READERS["workdir"][1](given["workdir"], "workdir") if "workdir" in given else None
    env = READERS["env"][1](given["env"], "env") if "env" in given else None
    return FileFields(
        content=read_text(given["content"]) if "content" in given else None,
        name=name,
        workdir=workdir,
        env=None if env is None else tuple(sorted(env.items())),
    )


def read_text(value: object) -> str:
    """The text of a command file, with `\\n` as line end. Raises InvalidField."""
    written = text(value, "content", most_bytes=MAX_CONTENT, wanted="the text of a command file")
    return decode(written.encode())[0]
