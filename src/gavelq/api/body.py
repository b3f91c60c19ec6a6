"""Request bodies: JSON objects of bounded size, read strictly."""

import json
import re
from collections import Counter
from collections.abc import Collection
from typing import Any

from fastapi import Request

from gavelq.api.heads import text_of
from gavelq.core.errors import InvalidField, UsageError

MAX_BODY = 16 << 20
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of a body. RFC 8259, section 4: where a name stands twice, readers differ in what they take."""
    made = dict(pairs)
    if len(made) != len(pairs):
        name = Counter(name for name, _ in pairs).most_common(1)[0][0]
        shown = name[:80].encode(errors="backslashreplace").decode()  # it may hold half a character, see below
        raise InvalidField(field=shown, problem="it stands twice in one object", hint="send it once")
    return made


_decode = json.JSONDecoder(object_pairs_hook=_once).decode


class TooLarge(UsageError):
    """the request body is larger than {limit} bytes"""

    code = "too_large"
    hint = "hand the tasks in in several submissions"
    http_status = 413


class NotJson(UsageError):
    """the content type is {given!r}, expected application/json"""

    code = "unsupported_media_type"
    hint = "send JSON with the header `Content-Type: application/json`"
    http_status = 415


class CutOff(UsageError):
    """the request ended in the middle of its body"""

    code = "cut_off"
    hint = "send as many bytes as Content-Length says"


async def read_object(request: Request, known: Collection[str] | None = None) -> dict[str, Any]:
    """The body as an object; {} where there is none. `known`: the fields that it may have (None: any).

    Raises TooLarge, NotJson and InvalidField. Anything but JSON is refused, so that a form on another site's page,
    which can send text/plain without asking, cannot do anything.
    """
    raw = await _read(request)
    if not raw:
        return {}
    kind = (text_of(request.scope, b"content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise NotJson(given=kind)
    try:
        body = _decode(raw.decode(json.detect_encoding(raw), "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise InvalidField(field="body", problem=f"it is not JSON: {error}"[:300], hint="send a JSON object") from None
    _require_text(raw, body)
    if not isinstance(body, dict):
        raise InvalidField(field="body", problem="it is not a JSON object", hint='send for example {"command": "..."}')
    for name in body if known is not None else ():
        if known is not None and name not in known:
            raise InvalidField(
                field=name[:80],
                problem="there is no such field here",
                hint=f"the fields are {', '.join(sorted(known))}",
            )
    return body


def _require_text(raw: bytes, body: object) -> None:
    """JSON can write half of a character (a lone surrogate), which neither the store nor an answer can hold."""
    if not _SURROGATE.search(raw):
        return
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise InvalidField(
            field="body",
            problem=f"it holds {error.object[error.start]!a}, which is half a character and no text",
            hint="send well-formed Unicode",
        ) from None


async def _read(request: Request) -> bytes:
    chunks, size, is_more = [], 0, True
    while is_more:
        message = await request.receive()  # as `request.stream()` does, without a generator
        if message["type"] == "http.disconnect":
            raise CutOff
        chunk, is_more = message.get("body", b""), message.get("more_body", False)
        size += len(chunk)
        if size > MAX_BODY:
            raise TooLarge(limit=MAX_BODY)
        chunks.append(chunk)
    return b"".join(chunks)


def text(body: dict[str, Any], name: str, *, default: str | None = None) -> str:
    """A field that is a string. Raises InvalidField; a missing one too, unless there is a default."""
    value = body.get(name, default)
    if not isinstance(value, str) or not value or "\0" in value:
        raise InvalidField(field=name, problem=f"{value!r:.80} is not a text", hint=f"send {name} as a string")
    return value


def optional_text(body: dict[str, Any], name: str) -> str | None:
    """A string, or None where the field is missing or null."""
    return None if body.get(name) is None else text(body, name)


def flag(body: dict[str, Any], name: str) -> bool:
    """A boolean; false where it is missing."""
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise InvalidField(field=name, problem=f"{value!r:.80} is neither true nor false", hint="send true or false")
    return value
