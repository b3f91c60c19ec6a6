"""JSON through the interpreter's own C scanner and encoder.

`import json` compiles regular expressions and costs more than a whole submission does; `json` itself uses these
two C functions for the very same work (Lib/json/scanner.py, Lib/json/encoder.py). Where they are missing or have
changed, `json` is used.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Options:
    """What json.JSONDecoder hands to the scanner."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float


def _no_default(value: "Any") -> "Any":
    raise TypeError(f"{type(value).__name__} is not a JSON type")


def loads(text: "str | bytes") -> "Any":
    """Read one JSON document. Raises ValueError for anything else."""
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    text = text.strip(" \t\r\n")
    try:
        import _json

        options: Any = _Options
        found, end = _json.make_scanner(options)(text, 0)
    except StopIteration:
        raise ValueError("not a JSON document") from None
    except (ImportError, AttributeError, TypeError):
        import json

        return json.loads(text)
    if end != len(text):
        raise ValueError(f"not a JSON document: extra text at character {end}")
    return found


def dumps(value: "Any") -> str:
    """Write one JSON document on one line, in ASCII. Raises TypeError and ValueError as json.dumps does."""
    try:
        import _json

        encode = _json.make_encoder(
            {}, _no_default, _json.encode_basestring_ascii, None, ": ", ", ", False, False, False
        )
        return "".join(encode(value, 0))
    except (ImportError, AttributeError):
        import json

        return json.dumps(value, allow_nan=False)
