"""How often somebody may try to log in: so often that a typo costs nothing, and so seldom that guessing is hopeless."""

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence

from gavelq.core.errors import LimitReached

WINDOW_S = 300.0
OF_NAME_AND_ADDRESS, OF_ADDRESS, OF_NAME = 5, 30, 100
"""Failures within the window. Of a name alone many more, or anybody could lock its owner out."""
MAX_KEYS = 20_000


_Key = tuple[str, str, str]


class TooManyTries(LimitReached):
    """too many failed logins; the next one is looked at in {retry_after_s} s"""

    code = "rate_limited"
    hint = "wait so long; a token works meanwhile"
    http_status = 429


class LoginTries:
    """Counts tries that failed, by name and by address."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock`: a monotonic one, in seconds."""
        self._clock = clock
        self._tries: OrderedDict[_Key, deque[float]] = OrderedDict()

    def begin(self, name: str, address: str) -> None:
        """Count a try (`name` empty: with a token) before it is looked at: several at once count as several.

        Raises TooManyTries.
        """
        now = self._clock()
        for key, most in _keys(name, address):
            tries = self._tries.get(key, deque())
            while tries and now - tries[0] >= WINDOW_S:
                tries.popleft()
            if len(tries) >= most:
                raise TooManyTries(retry_after_s=max(1, round(tries[0] + WINDOW_S - now + 0.5)))
        for key, most in _keys(name, address):
            self._tries.setdefault(key, deque(maxlen=most)).append(now)
            self._tries.move_to_end(key)
        while len(self._tries) > MAX_KEYS:
            self._tries.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """The last try was a good one: it does not count, nor do the typos before it."""
        for key, _ in _keys(name, address):
            tries = self._tries.get(key)
            if tries and key[0] == "both":
                tries.clear()
            elif tries:
                tries.pop()


def _keys(name: str, address: str) -> Sequence[tuple[_Key, int]]:
    """What a try counts for, and how many of it there may be. A token has no name: it cannot be guessed anyway."""
    of_address = (("address", "", address), OF_ADDRESS)
    if not name:
        return (of_address,)
    return ((("both", name, address), OF_NAME_AND_ADDRESS), of_address, (("name", name, ""), OF_NAME))
