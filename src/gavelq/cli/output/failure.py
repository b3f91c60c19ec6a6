"""How a failure is told: `gavelq: MESSAGE` and `hint: ...`, or the error object."""

import sys

from gavelq.cli.output.text import paint, safe, say
from gavelq.core.errors import GavelqError


def tell(error: GavelqError, *, is_json: bool) -> int:
    """Print the error on standard error; returns the exit code that belongs to it."""
    sys.stdout.flush()
    if is_json:
        import json

        say(json.dumps({"error": error.as_json()}, default=str), sys.stderr)
        return error.exit_code
    say(f"{paint('gavelq:', '31', sys.stderr)} {safe(error.message, keep_newlines=True)}", sys.stderr)
    if error.hint:
        say(f"hint: {safe(error.hint, keep_newlines=True)}", sys.stderr)
    return error.exit_code


def wants_json(words: list[str]) -> bool:
    """True where a command line asks for `-o json`, also one that cannot be understood otherwise."""
    for at, word in enumerate(words):
        if word == "--":
            return False
        if word in ("-ojson", "--output=json"):
            return True
        if word in ("-o", "--output") and words[at + 1 : at + 2] == ["json"]:
            return True
    return False
