"""One JSON document by HTTP POST (RFC 9112), with a time limit to all of it.

Redirects are not followed: whoever may answer for a URL may not send the document elsewhere. Nothing of the answer but
its status is read, so that no server can keep us busy.
"""

import asyncio
import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from gavelq.core.errors import CannotNotify
from gavelq.core.notices import masked
from gavelq.version import __version__

TIMEOUT_S = 10.0
MAX_LINE = 8192
_TRY_AGAIN = frozenset({408, 409, 425, 429})
"""Client errors that may be others next time (RFC 9110, RFC 6585, RFC 8470)."""


async def post(url: str, document: Mapping[str, Any], *, timeout_s: float = TIMEOUT_S) -> None:
    """POST a document to an http(s) URL. Raises CannotNotify."""
    try:
        status = await asyncio.wait_for(_exchange(url, document), timeout_s)
    except TimeoutError:
        raise CannotNotify(channel=masked(url), why=f"it did not answer within {timeout_s:g} s") from None
    except ssl.SSLError as error:
        raise CannotNotify(channel=masked(url), why=f"TLS failed: {error.reason or 'no reason given'}") from None
    except (OSError, ValueError, asyncio.IncompleteReadError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise CannotNotify(channel=masked(url), why=f"it cannot be reached: {why}") from None
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        why = f"it answered {status}, and redirects are not followed"
        raise CannotNotify(channel=masked(url), why=why, is_permanent=True)
    is_permanent = 400 <= status < 500 and status not in _TRY_AGAIN
    raise CannotNotify(channel=masked(url), why=f"it answered {status}", is_permanent=is_permanent)


async def _exchange(url: str, document: Mapping[str, Any]) -> int:
    parts = urlsplit(url)
    is_tls = parts.scheme.lower() == "https"
    context = ssl.create_default_context() if is_tls else None
    port = parts.port or (443 if is_tls else 80)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=context, limit=MAX_LINE)
    try:
        writer.write(_request(parts, json.dumps(document).encode()))
        await writer.drain()
        status = _status(await reader.readuntil(b"\n"))
        while 100 <= status < 200:  # interim answers (RFC 9110, section 15.2)
            while (await reader.readuntil(b"\n")).strip():
                pass
            status = _status(await reader.readuntil(b"\n"))
        return status
    except asyncio.LimitOverrunError:
        raise ValueError("its answer is no HTTP") from None
    finally:
        writer.transport.abort()


def _request(parts: SplitResult, content: bytes) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = [
        f"POST {target} HTTP/1.1",
        f"Host: {parts.netloc.rpartition('@')[2]}",
        f"User-Agent: gavelq/{__version__}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        "Accept: */*",
        "Connection: close",
    ]
    if parts.username is not None:
        import base64

        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        head.append(f"Authorization: Basic {base64.b64encode(pair.encode()).decode()}")
    return "\r\n".join([*head, "", ""]).encode("ascii") + content


def _status(line: bytes) -> int:
    """The status of an answer's first line. Raises ValueError."""
    words = line.split(maxsplit=2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or len(words[1]) != 3 or not words[1].isdigit():
        raise ValueError("its answer is no HTTP")
    return int(words[1])
