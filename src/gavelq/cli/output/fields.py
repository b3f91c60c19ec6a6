"""Names and values under each other, for a single thing."""

from gavelq.cli.output.text import safe, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def print_fields(fields: "Iterable[tuple[str, str]]") -> None:
    """Print `name  value` lines, aligned on a terminal and with a tab in a pipe; empty values (`-`) are left out."""
    import sys

    shown = [(name, value) for name, value in fields if value not in ("", "-")]
    is_terminal = sys.stdout.isatty()
    room = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        if not is_terminal:
            say(f"{name}\t{safe(value)}")
            continue
        lines = [safe(line) for line in value.split("\n")]
        say(f"{name:{room}}  {lines[0]}")
        for line in lines[1:]:
            say(f"{'':{room}}  {line}")
