"""One daemon, one browser and one page for a module's tests; visits are a test's own."""

import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Visit, chromium, visiting, window
from tests.support.daemon import Box, box

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Chromium, or the tests are skipped with the reason."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def instance() -> Iterator[Box]:
    """A daemon with four simulated GPUs and a TCP address, shared by a module: leave nothing running in it."""
    with box(listen="127.0.0.1:0") as started:
        yield started


@pytest.fixture(scope="module")
def stranger() -> Iterator[int]:
    """The pid of a process that is nobody's task."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process.pid
        process.kill()


@pytest.fixture(scope="module")
def seat(browser: "Browser") -> Iterator["Page"]:
    """A light and wide page that a module's visitors have one after another."""
    with window(browser) as found:
        yield found


@pytest.fixture
def visitor(seat: "Page", instance: Box) -> Iterator[Visit]:
    """The daemon's own user, logged in, who has not gone anywhere; the test fails where the page had troubles."""
    with visiting(seat, instance) as made:
        made.log_in()
        yield made
    # What this visitor's page still asks for is not the next one's trouble. An empty page would cost a new process.
    seat.goto(made.url + "/api/user")


@pytest.fixture
def page(visitor: Visit) -> "Page":
    """The visitor's page, on `/ui/gpu`."""
    visitor.goto("/ui/gpu")
    return visitor.page
