"""JSON answers: exactly what the API said, indented where a person reads it."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def print_body(body: bytes) -> None:
    """Print an answer's document as it came; on a terminal with line breaks."""
    if sys.stdout.isatty():
        from gavelq.client import lean

        print_document(lean.loads(body))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(body.strip() + b"\n")


def print_document(document: "Any") -> None:
    """Print a document that several answers were put together to."""
    if sys.stdout.isatty():
        import json

        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        from gavelq.client import lean

        sys.stdout.write(lean.dumps(document) + "\n")
