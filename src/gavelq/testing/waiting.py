"""Waiting for something to become true, instead of sleeping and hoping."""

import time
from collections.abc import Callable

_POLL_S = 0.005


def wait_until(predicate: Callable[[], object], timeout_s: float = 60.0, what: str = "") -> None:
    """Return as soon as `predicate` is true, asked every 5 ms.

    Raises AssertionError that names `what` was waited for when it is still false after `timeout_s` seconds.
    """
    deadline = time.monotonic() + timeout_s
    while not predicate():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what or 'the condition'}")
        time.sleep(_POLL_S)
