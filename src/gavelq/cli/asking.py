"""Asking a person before something is lost; programs are never asked."""

import sys

from gavelq.cli.output.text import safe
from gavelq.core.errors import GavelqError


class Declined(GavelqError):
    """nothing was changed"""

    code = "declined"
    hint = "-y goes on without asking"


def confirm(question: str) -> None:
    """Ask on a terminal; returns for a yes, and at once where there is no terminal. Raises Declined."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    sys.stderr.write(f"{safe(question)} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Declined
