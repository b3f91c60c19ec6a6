"""One-time links into the console: a code that opens one session, once, and soon."""

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass

from gavelq.daemon.sessions import Session

LINK_S = 60.0
MAX_LINKS = 200
MAX_OF_ONE = 5
"""Codes of one tenant that wait at a time: nobody pushes out those of others. The oldest go first."""


@dataclass(frozen=True, slots=True)
class _Link:
    session: Session
    expires_at: float


class LoginLinks:
    """Codes by their SHA-256, in memory alone."""

    def __init__(self) -> None:
        self._by_hash: OrderedDict[bytes, _Link] = OrderedDict()

    def make(self, session: Session, now: float) -> tuple[str, float]:
        """A code that opens this session, and when it is over.

        `now`, here and in `take`: of a clock that nobody sets, so that no link lives on when the machine's is set back.
        """
        self._by_hash = OrderedDict((key, link) for key, link in self._by_hash.items() if now < link.expires_at)
        own = [key for key, link in self._by_hash.items() if link.session.tenant == session.tenant]
        for key in own[: max(0, len(own) - MAX_OF_ONE + 1)]:
            del self._by_hash[key]
        code, expires_at = secrets.token_urlsafe(32), now + LINK_S
        self._by_hash[_hash(code)] = _Link(session, expires_at)
        while len(self._by_hash) > MAX_LINKS:
            self._by_hash.popitem(last=False)
        return code, expires_at

    def take(self, code: str, now: float) -> Session | None:
        """The session that a code stands for. The code is used up; None: it was before, or is over, or never was."""
        found = self._by_hash.pop(_hash(code), None)
        return found.session if found is not None and now < found.expires_at else None


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "replace")).digest()
