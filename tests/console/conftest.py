"""One daemon and one browser for a module's tests; visits are a test's own."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Visit, chromium, visit
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


@pytest.fixture
def visitor(browser: "Browser", instance: Box) -> Iterator[Visit]:
    """Somebody who came in by a link, light and wide; the test fails where the page had troubles."""
    with visit(browser, instance) as made:
        made.enter()
        yield made


@pytest.fixture
def page(visitor: Visit) -> "Page":
    """The visitor's page, on `/ui/gpu`."""
    return visitor.page
