"""Sessions of the login page: kept in memory alone, so that a restart of the daemon ends them all."""

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

from gavelq.core.tenants import Scope

SESSION_S = 12 * 3600.0
MAX_SESSIONS = 10_000
"""The oldest go first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who logged in, and with what: it is over as soon as that is not good any more."""

    tenant: str
    expires_at: float
    """Seconds since the epoch."""
    token_hash: str | None = field(default=None, repr=False)
    """Of the token that it was opened with; None: a password, or neither."""
    password: str = field(default="", repr=False)
    """The hash of the password at that time."""
    uid: int | None = None
    """The unix user that it was opened for; then it was opened with neither."""
    scopes: frozenset[Scope] = frozenset(Scope)
    """What that one could do."""


class Sessions:
    """Sessions by the SHA-256 of their secret: who reads the daemon's memory image cannot use one."""

    def __init__(self) -> None:
        self._by_hash: OrderedDict[bytes, Session] = OrderedDict()

    def open(self, session: Session) -> str:
        """A new session's secret: 256 bits, for its cookie."""
        secret = secrets.token_urlsafe(32)
        self._by_hash[_hash(secret)] = session
        while len(self._by_hash) > MAX_SESSIONS:
            self._by_hash.popitem(last=False)
        return secret

    def find(self, secret: str, now: float) -> Session | None:
        """The session of a secret; None where there is none, or it is over."""
        key = _hash(secret)
        found = self._by_hash.get(key)
        if found is not None and now >= found.expires_at:
            del self._by_hash[key]
            return None
        return found

    def close(self, secret: str) -> bool:
        """End a session; False where there was none."""
        return self._by_hash.pop(_hash(secret), None) is not None


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
