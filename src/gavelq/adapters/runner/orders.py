"""What a supervisor is told through its control socket."""

import socket
import sys
from collections.abc import Callable

from gavelq.adapters.runner import wire

_MAX_ORDER = 65536


def obey_all(control: socket.socket, name: str, obey: Callable[[wire.Message], None]) -> None:
    """Carry out every order that has arrived; the runner's log says which were not understood."""
    while True:
        try:
            obey(wire.decode(control.recv(_MAX_ORDER)))
        except BlockingIOError:
            return
        except wire.Malformed as error:
            sys.stderr.write(f"attempt {name}: an order was ignored: {error}\n")
