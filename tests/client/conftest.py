"""One real daemon with two simulated GPUs for a file of tests, on its unix socket and over TCP."""

from collections.abc import Iterator

import pytest

from gavelq import Client
from tests.support.daemon import Box, box


@pytest.fixture(scope="module")
def real() -> Iterator[Box]:
    """The instance."""
    with box(n_gpus=2, listen="127.0.0.1:0") as instance:
        yield instance


@pytest.fixture
def client(real: Box) -> Client:
    """This process, on the unix socket."""
    return Client(socket=real.socket)
