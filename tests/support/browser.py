"""A real browser for the tests of the web console: Debian's Chromium, driven by Playwright.

Every visit is watched: what the page complains about, what fails to load, and what it asks other hosts for is a
failure at the visit's end, unless the test said that it expects it.
"""

import contextlib
import http.client
import itertools
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gavelq.console import DIRECTORY
from tests.support.daemon import Box
from tests.support.tenants import As

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
AXE = ROOT / "ui" / "node_modules" / "axe-core" / "axe.min.js"
WIDE, NARROW = 1400, 390
MOMENT = r"(?:\w{3} )?\d\d:\d\d"
"""A time as the console shows it: on another day than today with the day before it."""
_BROWSERS = ("chromium-headless-shell", "chromium")
"""The first that is there: the one without windows costs a quarter less."""
_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/bin"))
_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
"""Without the sandbox it starts as root, too; it sees nothing but the daemon under test."""
_LEFT = "net::ERR_ABORTED"
"""A request that the page itself gave up, because it went elsewhere."""
_NO_ICON = re.compile(r"40[14].*/favicon\.ico'")
"""Asked for beside a document of the API, which names no icon."""
_PATIENCE_S = 60.0
_VISIT = "test_visit"
"""A cookie and a stored word: which visit the page is in, so that it forgets what earlier ones chose."""
_VISITS = itertools.count(1)
_DELAY_MS = int(os.environ.get("GAVELQ_TEST_DELAY_MS", "0"))
"""Requests and answers of the console take up to so long, at random: finds tests that look before something is done."""

_DELAYED = """(() => {
    const real = window.fetch;
    const late = () => new Promise((done) => setTimeout(done, Math.random() * %d));
    window.fetch = async (...asked) => {
        await late();
        const answer = await real(...asked);
        await late();
        return answer;
    };
    const listen = EventSource.prototype.addEventListener;
    EventSource.prototype.addEventListener = function (name, heard, ...rest) {
        const later = (event) => {
            this.due = Math.max(this.due ?? 0, Date.now() + Math.random() * %d);
            setTimeout(() => heard(event), this.due - Date.now());
        };
        return listen.call(this, name, later, ...rest);
    };
})();"""


def require_browser(names: Sequence[str] = _BROWSERS) -> str:
    """The path of Chromium. Skips the test where a browser, its driver or the built console is missing."""
    if not Path(DIRECTORY, "index.html").is_file():
        pytest.skip("the console is not built: scripts/ui")
    pytest.importorskip("playwright", reason="Playwright is missing: scripts/setup dev")
    path = next((found for name in names if (found := shutil.which(name, path=_PATH))), None)
    if path is None:
        pytest.skip(f"there is no Chromium: sudo apt-get install {names[0]}")
    return path


@contextlib.contextmanager
def chromium(names: Sequence[str] = _BROWSERS) -> Iterator["Browser"]:
    """A browser with a fresh profile: the first of these that is installed.

    Playwright's event loop counts as running in this thread until it ends: no `asyncio.run` meanwhile, so that a
    browser belongs to a module of tests, and not to all that a worker runs.
    """
    path = require_browser(names)
    flags = [*_FLAGS] if path.endswith("shell") else ["--headless=new", *_FLAGS]
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, headless=True, args=flags)
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
    _expected: list[re.Pattern[str]] = field(default_factory=lambda: [_NO_ICON])

    def expect(self, *patterns: str) -> None:
        """Such troubles are what this test is about: `expect("403", "ERR_CONNECTION_REFUSED")`."""
        self._expected += [re.compile(pattern) for pattern in patterns]

    def goto(self, path: str) -> None:
        """Open a page of the console by its path, such as `/ui/gpu`."""
        self.page.goto(self.url + path)

    def enter(self, path: str = "/ui/gpu", who: As | None = None) -> None:
        """Log in as the daemon's own user or as the holder of a token, and go to a page."""
        self.log_in(who)
        self.goto(path)

    def told(self, text: str | re.Pattern[str]) -> None:
        """Until the page has told what was done, in a toast: the same words may stand elsewhere before."""
        self.page.locator(".toasts").get_by_text(text).first.wait_for()

    def until(self, holds: Callable[[], object]) -> None:
        """Until the daemon says so, while the page goes on."""
        deadline = time.monotonic() + _PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, f"not within {_PATIENCE_S} s"
            self.page.wait_for_timeout(50)

    def log_in(self, who: As | None = None) -> None:
        """Have the cookie of a session that was opened with a one-time link, as its page would open it."""
        link = urlsplit((who or self.instance).post("/api/login/link")["url_path"])
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            content = json.dumps({"code": parse_qs(link.query)["code"][0]})
            connection.request("POST", "/api/login", content, {"Content-Type": "application/json", "Origin": self.url})
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            name, _, secret = str(answer.getheader("Set-Cookie")).partition(";")[0].partition("=")
        finally:
            connection.close()
        self.page.context.add_cookies(
            [{"name": name, "value": secret, "url": self.url, "httpOnly": True, "sameSite": "Strict"}]
        )

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
def window(
    browser: "Browser", *,
    theme: str = "light", width: int = WIDE, height: int = 900, language: str = "en",
) -> Iterator["Page"]:  # fmt: skip
    """A page of its own context. `theme`: light or dark; `language`: en or zh."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if theme == "dark" else "light",
        locale="zh-CN" if language == "zh" else "en-GB", has_touch=width <= NARROW, reduced_motion="reduce",
    )  # fmt: skip
    chosen = json.dumps({"gavelq.theme": theme, "gavelq.language": language})
    # Once in a visit: what the page itself changes later stays.
    context.add_init_script(
        f"""if (location.protocol === "http:") {{
            const visit = document.cookie.match(/{_VISIT}=[0-9]+/)?.[0] ?? "";
            if (localStorage.getItem("{_VISIT}") !== visit) {{
                localStorage.clear();
                sessionStorage.clear();
                for (const [name, value] of Object.entries({chosen})) localStorage.setItem(name, value);
                localStorage.setItem("{_VISIT}", visit);
            }}
        }}"""
    )
    if _DELAY_MS:
        context.add_init_script(_DELAYED.replace("%d", str(_DELAY_MS)))
    context.set_default_timeout(_PATIENCE_S * 1000)
    page = context.new_page()
    try:
        yield page
    finally:
        page.close()
        context.close()


@contextlib.contextmanager
def visiting(page: "Page", instance: Box) -> Iterator[Visit]:
    """A visitor who has not logged in and whom the browser does not know; without troubles at the end, or it fails.

    A page may see visitors one after another, which costs much less than a page for each.
    """
    visitor = Visit(page, instance, As(instance, None).url)
    page.context.clear_cookies()
    page.context.add_cookies([{"name": _VISIT, "value": str(next(_VISITS)), "url": visitor.url}])
    watchers = _watchers(visitor)
    for event, watcher in watchers.items():
        page.on(event, watcher)  # type: ignore[call-overload]  # one overload per name of an event
    try:
        yield visitor
    finally:
        page.unroute_all()
        page.mouse.move(0, 0)
        for event, watcher in watchers.items():
            page.remove_listener(event, watcher)
    assert not visitor.unexpected(), "the page had troubles:\n" + "\n".join(visitor.unexpected())


@contextlib.contextmanager
def visit(
    browser: "Browser", instance: Box, *,
    theme: str = "light", width: int = WIDE, height: int = 900, language: str = "en",
) -> Iterator[Visit]:  # fmt: skip
    """A visitor with a window of its own: see `window` and `visiting`."""
    with (
        window(browser, theme=theme, width=width, height=height, language=language) as page,
        visiting(page, instance) as visitor,
    ):
        yield visitor


def _watchers(visitor: Visit) -> dict[str, Callable[[Any], None]]:
    """What listens for troubles, by the event's name."""
    troubles = visitor.troubles
    return {
        "console": lambda told: _note(troubles, told.type == "error", f"console: {told.text} {told.location}"),
        "pageerror": lambda error: troubles.append(f"error: {error}"),
        "requestfailed": lambda asked: _note(troubles, asked.failure != _LEFT, f"failed: {asked.url} {asked.failure}"),
        "request": lambda asked: _note(troubles, not _is_own(asked.url, visitor.url), f"another host: {asked.url}"),
    }


def _note(troubles: list[str], is_one: bool, told: str) -> None:
    if is_one:
        troubles.append(told)


def _is_own(asked: str, url: str) -> bool:
    return asked.startswith(("data:", f"blob:{url}/")) or urlsplit(asked)[:2] == urlsplit(url)[:2]
