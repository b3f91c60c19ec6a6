"""Daemons for tests: one that a module's tests share, and fresh ones for tests that break something."""

from collections.abc import Iterator

import pytest

from tests.support.daemon import Box, box


@pytest.fixture(scope="module")
def daemon() -> Iterator[Box]:
    """A daemon with four simulated GPUs, shared by the tests of a module: leave nothing running in it."""
    with box() as instance:
        yield instance


@pytest.fixture
def fresh() -> Iterator[Box]:
    """A daemon of the test's own, to be killed and restarted at will."""
    with box() as instance:
        yield instance
