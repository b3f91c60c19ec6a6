"""`gavelq file list` and which configuration a command is about: a number, or a name."""

from typing import Any

from gavelq.cli.call import Call
from gavelq.core.command_files import FileNotStored
from gavelq.core.errors import InvalidField
from gavelq.formats.command_file import Mode


def chosen(call: Call, word: str, mode: str | None) -> tuple[str, int]:
    """The mode and the place from 0 of the configuration that people call `word`: 1, 2, ... or a name.

    Raises FileNotStored, and InvalidField where several are meant: of both modes, or of the same name.
    """
    found = meant(listed(call, mode), word)
    if not found:
        raise FileNotStored(wanted=word, mode=mode or "single or multi")
    if len(found) > 1:
        told = ", ".join(f"{file['index']} of mode {file['mode']} ({file['name']})" for file in found[:5])
        hint = "add --mode single or --mode multi" if len({file["mode"] for file in found}) == len(found) else ""
        raise InvalidField(
            field="configuration", problem=f"{word!r} is several: {told}", hint=hint or "name it by its number"
        )
    return found[0]["mode"], found[0]["config_index"]


def listed(call: Call, mode: str | None) -> list[dict[str, Any]]:
    """The configurations of a mode, or of both."""
    link = call.link()
    modes = [mode] if mode else [known.value for known in Mode]
    return [file for known in modes for file in link.fetch("GET", f"/api/commands/{known}/list")]


def meant(files: list[dict[str, Any]], word: str) -> list[dict[str, Any]]:
    """Those that `word` may mean: a number is a place, and only where there is no such place a name."""
    is_number = word.isascii() and word.isdigit() and len(word) < 9
    by_place = [file for file in files if is_number and file["index"] == int(word)]
    return by_place or [file for file in files if file["name"] == word]
