"""Real runners in temporary directories."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.runner.box import Box


@pytest.fixture
def root() -> Iterator[Path]:
    """A directory with a short path, gone after the test."""
    made = Path(tempfile.mkdtemp(prefix="gqrunner-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def box(root: Path) -> Iterator[Box]:
    """A connected client and its runner."""
    made = Box(root)
    try:
        yield made.connect()
    finally:
        made.close()
