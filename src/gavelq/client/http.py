"""Requests whose answers are documents: failures are raised, a lost connection is tried again where that is safe."""

import os

from gavelq.client import lean
from gavelq.client.address import Address
from gavelq.client.wire import Broken, Reply, Unreachable, exchange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
TRIES = 3
"""So often a request that may arrive twice is sent."""


def new_key() -> str:
    """A fresh idempotency key: a submission that is sent twice with it is carried out once."""
    return os.urandom(16).hex()


def quote(text: str) -> str:
    """Percent-encode one path segment or query value (RFC 3986)."""
    if _SAFE.issuperset(text):
        return text
    return "".join(chr(byte) if chr(byte) in _SAFE else f"%{byte:02X}" for byte in os.fsencode(text))


def query(pairs: "Iterable[tuple[str, object]]") -> str:
    """`?a=1&b=2`, without the pairs whose value is None; empty where nothing is left."""
    text = "&".join(f"{name}={quote(str(value))}" for name, value in pairs if value is not None)
    return f"?{text}" if text else ""


def encoded(payload: "dict[str, Any]") -> bytes:
    """The payload's bytes. Raises InvalidField for text that came from bytes that are not UTF-8 (PEP 383)."""
    text = lean.dumps(payload)
    if "\\udc" in text:
        _refuse_lone_surrogates(payload, "")
    return text.encode("ascii")


def _refuse_lone_surrogates(value: "Any", field: str) -> None:
    if isinstance(value, dict):
        for name, part in value.items():
            _refuse_lone_surrogates(name, field)
            _refuse_lone_surrogates(part, name)
    elif isinstance(value, list):
        for part in value:
            _refuse_lone_surrogates(part, field)
    elif isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            from gavelq.core.errors import InvalidField

            problem = f"{value!a} is not UTF-8 text"
            raise InvalidField(field=field, problem=problem, hint="write it in UTF-8") from None


class Link:
    """An address that requests go to."""

    __slots__ = ("address",)

    def __init__(self, address: Address) -> None:
        self.address = address

    def send(
        self,
        method: str,
        target: str,
        payload: "dict[str, Any] | None" = None,
        *,
        timeout_s: float = 30.0,
        key: str | None = None,
        match: str | None = None,
    ) -> Reply:
        """Send one request; returns the answer, whose status is below 400. `match`: only for this version (If-Match).

        With an idempotency key a second delivery is harmless, as it is for GET: a lost connection is tried again.
        Raises the GavelqError that the daemon answered with, DaemonUnreachable where nobody answers, and TimedOut.
        """
        body = None if payload is None else encoded(payload)
        headers = {} if key is None else {"Idempotency-Key": key}
        if match is not None:
            headers["If-Match"] = match
        tries = TRIES if method == "GET" or key is not None else 1
        is_cut = False
        while True:
            tries -= 1
            try:
                reply = exchange(self.address, method, target, body=body, headers=headers, timeout_s=timeout_s)
                break
            except Broken as broken:
                is_cut = True
                if tries <= 0:
                    raise self.unreachable(broken.why, is_cut) from None
            except Unreachable as error:
                raise self.unreachable(error.why, is_cut) from None
            except TimeoutError:
                from gavelq.core.errors import TimedOut

                raise TimedOut(timeout_s=f"{timeout_s:g}", what=f"no answer from {self.address}") from None
        if reply.status >= 400:
            from gavelq.client.problems import error_of

            raise error_of(reply.status, reply.body)
        return reply

    def fetch(
        self,
        method: str,
        target: str,
        payload: "dict[str, Any] | None" = None,
        *,
        timeout_s: float = 30.0,
        key: str | None = None,
        match: str | None = None,
    ) -> "Any":
        """Send one request; returns its answer's document. Raises as `send` does."""
        return lean.loads(self.send(method, target, payload, timeout_s=timeout_s, key=key, match=match).body)

    def unreachable(self, why: str, is_cut: bool) -> Exception:
        """`interrupted` in the details: somebody had answered the call, and the connection was lost then."""
        from gavelq.core.errors import DaemonUnreachable

        if self.address.socket is not None:
            return DaemonUnreachable(why=why, interrupted=is_cut)
        return DaemonUnreachable(f"no daemon answers at {self.address} ({why})", hint=_hint(why), interrupted=is_cut)


def _hint(why: str) -> str:
    """What helps where a TCP address does not answer; OpenSSL's codes tell when the two do not speak the same."""
    if "CERTIFICATE_VERIFY_FAILED" in why:
        return "let GAVELQ_CA name the file of its certificate, and GAVELQ_URL a name that stands in the certificate"
    if "WRONG_VERSION_NUMBER" in why:
        return "it speaks no TLS: let GAVELQ_URL begin with http://"
    return "check GAVELQ_URL (http:// or https://?); on that machine `gavelq serve` opens the address"
