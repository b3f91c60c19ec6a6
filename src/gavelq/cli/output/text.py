"""Text that is safe to print: what a task or another user wrote must not steer anybody's terminal."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


def safe(text: object, *, keep_newlines: bool = False) -> str:
    """The text with control characters (and what Unicode would hide or reorder) written as escapes."""
    plain = str(text)
    if plain.isprintable():
        return plain
    return "".join(
        char if char.isprintable() or (keep_newlines and char in "\n\t") else _escape(char) for char in plain
    )


def _escape(char: str) -> str:
    known = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\x1b": "\\e"}.get(char)
    if known is not None:
        return known
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def width(text: str) -> int:
    """How many columns a terminal needs for the text: two for wide characters (Unicode Standard Annex 11)."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def shorten(text: str, columns: int) -> str:
    """The text in at most `columns` columns, its end replaced by `…` where it was cut."""
    if width(text) <= columns:
        return text
    kept, room = "", max(columns - 1, 0)
    for char in text:
        room -= width(char)
        if room < 0:
            break
        kept += char
    return kept + "…"


def terminal_columns(stream: "TextIO") -> int:
    """The width of the terminal behind a stream; COLUMNS wins; 80 where nobody knows."""
    told = os.environ.get("COLUMNS", "")
    if told.isascii() and told.isdigit() and int(told) > 0:
        return int(told)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def paint(text: str, code: str, stream: "TextIO") -> str:
    """The text in a colour (SGR code) where `stream` is a terminal that wants colours (no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return text
    return f"\x1b[{code}m{text}\x1b[0m"


def say(text: str, stream: "TextIO | None" = None) -> None:
    """Print a line, whatever the locale can hold: what it cannot is escaped."""
    out = stream or sys.stdout
    try:
        out.write(text + "\n")
    except UnicodeEncodeError:
        out.write((text + "\n").encode(out.encoding or "ascii", "backslashreplace").decode(out.encoding or "ascii"))
