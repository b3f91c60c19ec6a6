"""A real browser for the tests of the web console: Debian's Chromium, driven by Playwright.

Every visit is watched: what the page complains about, what fails to load, and what it asks other hosts for is a
failure at the visit's end, unless the test said that it expects it.
"""

import contextlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from gavelq.console import DIRECTORY
from tests.support.daemon import Box
from tests.support.tenants import As

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
AXE = ROOT / "ui" / "node_modules" / "axe-core" / "axe.min.js"
WIDE, NARROW = 1400, 390
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
"""Without the sandbox it starts as root, too; it sees nothing but the daemon under test."""
_LEFT = "net::ERR_ABORTED"
"""A request that the page itself gave up, because it went elsewhere."""


def require_browser() -> str:
    """The path of Chromium. Skips the test where a browser, its driver or the built console is missing."""
    if not Path(DIRECTORY, "index.html").is_file():
        pytest.skip("the console is not built: scripts/ui")
    pytest.importorskip("playwright", reason="Playwright is missing: scripts/setup dev")
    path = shutil.which("chromium") or "/usr/bin/chromium"
    if not Path(path).exists():
        pytest.skip("there is no Chromium: sudo apt-get install chromium")
    return path


@contextlib.contextmanager
def chromium() -> Iterator["Browser"]:
    """A browser with a fresh profile.

    Playwright's event loop counts as running in this thread until it ends: no `asyncio.run` meanwhile, so that a
    browser belongs to a module of tests, and not to all that a worker runs.
    """
    path = require_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, headless=True, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass(slots=True)
class Visit:
    """Somebody who looks at one daemon's console."""

    page: "Page"
    instance: Box
    url: str
    """Where the daemon answers, without a path."""
    troubles: list[str] = field(default_factory=list)
    """What went wrong, in the page's words."""
    _expected: list[re.Pattern[str]] = field(default_factory=list)

    def expect(self, *patterns: str) -> None:
        """Such troubles are what this test is about: `expect("403", "ERR_CONNECTION_REFUSED")`."""
        self._expected += [re.compile(pattern) for pattern in patterns]

    def goto(self, path: str) -> None:
        """Open a page of the console by its path, such as `/ui/gpu`."""
        self.page.goto(self.url + path)

    def enter(self, path: str = "/ui/gpu", who: As | None = None) -> None:
        """Come in by a one-time link, as the daemon's own user or as the holder of a token, and go to a page."""
        made = (who or self.instance).post("/api/login/link")
        self.goto(made["url_path"])
        self.page.wait_for_url(re.compile(r"/ui/(?!open)"))
        if path != "/ui/gpu":
            self.goto(path)

    def unexpected(self) -> list[str]:
        """The troubles that nobody expected."""
        return [one for one in self.troubles if not any(pattern.search(one) for pattern in self._expected)]

    def violations(self, *, within: str | None = None) -> list[str]:
        """What axe finds serious or critical on the page as it is now; `within`: a selector. Skips without axe."""
        if not AXE.exists():
            pytest.skip("axe is missing: scripts/ui")
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate(
            "within => axe.run(within ?? document, {resultTypes: ['violations']})"
            ".then(done => done.violations.filter(one => ['serious', 'critical'].includes(one.impact)))",
            within,
        )
        return [_told(one) for one in found]

    def width_of_content(self) -> int:
        """How wide the page is, sideways scrolling included, in CSS pixels."""
        return int(self.page.evaluate("document.documentElement.scrollWidth"))


def _told(violation: dict[str, Any]) -> str:
    places = "; ".join(
        f"{node['target'][0]}: {node['failureSummary'].splitlines()[-1].strip()}" for node in violation["nodes"][:5]
    )
    return f"{violation['id']} ({violation['impact']}, {len(violation['nodes'])} places): {places}"


@contextlib.contextmanager
def visit(
    browser: "Browser", instance: Box, *,
    theme: str = "light", width: int = WIDE, height: int = 900, language: str = "en",
) -> Iterator[Visit]:  # fmt: skip
    """A visitor with cookies and a choice of its own, who has not logged in; without troubles at its end, or it fails.

    `theme`: light or dark; `language`: en or zh.
    """
    url = As(instance, None).url
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if theme == "dark" else "light",
        locale="zh-CN" if language == "zh" else "en-GB", has_touch=width <= NARROW, reduced_motion="reduce",
    )  # fmt: skip
    chosen = json.dumps({"gavelq.theme": theme, "gavelq.language": language})
    # Once: what the page itself changes later stays.
    context.add_init_script(
        f"if (location.origin === {json.dumps(url)} && !localStorage.getItem('gavelq.theme'))"
        f" for (const [name, value] of Object.entries({chosen})) localStorage.setItem(name, value);"
    )
    visitor = Visit(context.new_page(), instance, url)
    _watch(visitor)
    try:
        yield visitor
    finally:
        visitor.page.close()
        context.close()
    assert not visitor.unexpected(), "the page had troubles:\n" + "\n".join(visitor.unexpected())


def _watch(visitor: Visit) -> None:
    troubles, page = visitor.troubles, visitor.page
    page.on("console", lambda told: _note(troubles, told.type == "error", f"console: {told.text} {told.location}"))
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on(
        "requestfailed", lambda asked: _note(troubles, asked.failure != _LEFT, f"failed: {asked.url} {asked.failure}")
    )
    page.on("request", lambda asked: _note(troubles, not _is_own(asked.url, visitor.url), f"another host: {asked.url}"))


def _note(troubles: list[str], is_one: bool, told: str) -> None:
    if is_one:
        troubles.append(told)


def _is_own(asked: str, url: str) -> bool:
    return asked.startswith(("data:", f"blob:{url}/")) or urlsplit(asked)[:2] == urlsplit(url)[:2]
