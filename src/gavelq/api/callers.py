"""How a route learns who asks."""

from collections.abc import Callable

from fastapi import Request

from gavelq.daemon.caller import Caller

CallerOf = Callable[[Request], Caller]


def caller_of(request: Request) -> Caller:
    """The caller that the door let in."""
    caller = request.scope["state"]["caller"]  # `request.state` is made anew each time
    if not isinstance(caller, Caller):
        raise TypeError("a request came past the door")
    return caller
