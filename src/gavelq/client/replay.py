"""Blocking verbs on asyncio, without threads: a verb runs until it needs an answer, and again when that is there.

A verb of `Client` asks its Link and makes something of the answers; what it does depends on them alone. So it can be
run on a link that knows some answers: at the first request whose answer is missing it stops, the request is made on
the event loop, and the verb is run anew with one answer more. Nearly all verbs ask once, and so run twice.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from gavelq.client.async_link import AsyncLink
from gavelq.client.http import Link
from gavelq.client.wire import Reply
from gavelq.core.errors import GavelqError

T = TypeVar("T")


class _Missing(BaseException):
    """A request whose answer is not there yet. No Exception: a verb that catches those must not catch this."""

    def __init__(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        self.arguments = arguments
        self.options = options
        super().__init__()


class _Replayed(Link):
    """A link that gives the answers it was given, in their order."""

    __slots__ = ("_answers",)

    def __init__(self, link: AsyncLink, answers: list[Reply | GavelqError]) -> None:
        super().__init__(link.address)
        self._answers = iter(answers)

    def send(self, *arguments: Any, **options: Any) -> Reply:
        """The next answer. Raises _Missing where there is none."""
        found = next(self._answers, None)
        if found is None:
            raise _Missing(arguments, options)
        if isinstance(found, GavelqError):
            raise found
        return found


async def replayed(link: AsyncLink, verb: Callable[[Link], T]) -> T:
    """What `verb` returns, or raises, on this link. It must do nothing but ask the link."""
    answers: list[Reply | GavelqError] = []
    while True:
        try:
            return verb(_Replayed(link, answers))
        except _Missing as missing:
            arguments, options = missing.arguments, missing.options
        try:
            answers.append(await link.send(*arguments, **options))
        except GavelqError as error:
            answers.append(error)
