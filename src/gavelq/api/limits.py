"""How many requests one caller over the network may make, and how often an address may fail to say who it is."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Scope

from gavelq.api.heads import field_of
from gavelq.core.errors import LimitReached

FAILURES_PER_MINUTE = 30
MAX_KNOWN = 10_000


class TooManyRequests(LimitReached):
    """too many requests: {limit}"""

    code = "rate_limited"
    hint = "wait {retry_after_s} s, then go on more slowly"
    http_status = 429


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Buckets:
    """Token buckets by key: each holds one minute's worth and fills up evenly. Those used longest ago are forgotten."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._known: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str, per_minute: float, cost: float = 1.0) -> float:
        """Take one out: 0; or, where there is none, the seconds until there is one, and nothing is taken."""
        now = self._now()
        bucket = self._known.get(key)
        if bucket is None:
            bucket = self._known[key] = _Bucket(per_minute, now)
            if len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        bucket.left = min(per_minute, bucket.left + (now - bucket.at) * per_minute / 60)
        bucket.at = now
        if bucket.left < 1:
            return (1 - bucket.left) * 60 / per_minute
        bucket.left -= cost
        return 0.0


class Limits:
    """What the network may ask. The daemon's own unix user, on its own socket, is not limited."""

    def __init__(
        self, per_minute: Callable[[], int | None], own_uid: int, now: Callable[[], float] = time.monotonic
    ) -> None:
        """`per_minute`: requests of one token, session or unix user; None: no limit."""
        self._per_minute = per_minute
        self._own_uid = own_uid
        self._requests = Buckets(now)
        self._failures = Buckets(now)
        self._trusted: OrderedDict[str, None] = OrderedDict()

    def admit(self, scope: Scope) -> str | None:
        """Who asks, as `failed` and `passed` want it; None: nobody who is limited. Raises TooManyRequests."""
        who = self._who(scope)
        if who is None:
            return None
        per_minute = self._per_minute()
        if per_minute is not None and (wait_s := self._requests.take(who, per_minute)):
            raise TooManyRequests(limit=f"{per_minute} a minute", retry_after_s=_whole(wait_s))
        # Behind a proxy all have one address: who was let in before is not shut out for what others try.
        if who not in self._trusted and (wait_s := self._failures.take(_address(scope), FAILURES_PER_MINUTE, 0)):
            limit = f"{FAILURES_PER_MINUTE} unknown tokens or passwords a minute from one address"
            raise TooManyRequests(limit=limit, retry_after_s=_whole(wait_s))
        return who

    def failed(self, scope: Scope) -> None:
        """This request brought no valid token."""
        self._failures.take(_address(scope), FAILURES_PER_MINUTE)

    def passed(self, who: str) -> None:
        """This caller was let in."""
        self._trusted[who] = None
        self._trusted.move_to_end(who)
        if len(self._trusted) > MAX_KNOWN:
            self._trusted.popitem(last=False)

    def _who(self, scope: Scope) -> str | None:
        peer = scope.get("state", {}).get("peer")
        if peer is not None:
            return None if peer.uid in (self._own_uid, 0) else f"uid {peer.uid}"
        secret = field_of(scope, b"authorization") or field_of(scope, b"cookie")
        if not secret:
            return f"address {_address(scope)}"
        return hashlib.blake2b(secret, digest_size=16).hexdigest()


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client and client[0] else "unix"


def _whole(seconds: float) -> int:
    return max(1, int(seconds + 0.999))
