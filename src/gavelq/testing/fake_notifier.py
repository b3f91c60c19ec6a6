"""Port Notifier for tests: keeps what it was given, and fails when it is told to."""

from gavelq.core.errors import CannotNotify
from gavelq.core.notices import masked, url_problem
from gavelq.ports import Notice


class FakeNotifier:
    """Delivers into `sent`."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Notice]] = []
        self.tries: list[str] = []
        """Every URL that was tried, in order."""
        self.failures: dict[str, CannotNotify] = {}
        """By URL why nothing gets there."""

    def fail(self, url: str, why: str = "it is away", *, is_permanent: bool = False) -> None:
        """Refuse what is sent to a URL from now on."""
        self.failures[url] = CannotNotify(channel=masked(url), why=why, is_permanent=is_permanent)

    def problem(self, url: str) -> str:
        """See Notifier.problem."""
        return url_problem(url)

    async def send(self, url: str, notice: Notice) -> None:
        """See Notifier.send."""
        self.tries.append(url)
        if url in self.failures:
            raise self.failures[url]
        self.sent.append((url, notice))

    async def close(self) -> None:
        """See Notifier.close."""
