"""Figures of the web console: the first page in a fresh browser, its size, what open pages cost, and a long list.

Chromium and the daemon share the machine; times are the browser's own (performance.now(), which begins with the
navigation).
"""

import gzip
import re
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bench.contenders import Contender, Gavelq, NotHere
from bench.measuring import Row, cpu_s
from bench.serving import Load, connect, exchange, request_of
from gavelq.console import DIRECTORY

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, CDPSession, Page

BROWSERS = ("chromium",)
"""What people have, windows and all."""
N_GPUS = 8
N_LOADS = 7
N_PAGES = 20
N_TASKS = 5000
WATCH_S = 20.0
_CARDS = f"() => document.querySelectorAll('article').length >= {N_GPUS} && performance.now()"
_ROWS = "() => document.querySelectorAll('[role=row]').length > 10 && performance.now()"
_SCROLL = """() => new Promise((done) => {
  let at = document.querySelector('[role=rowgroup].lines');
  while (at && !(at.scrollHeight > at.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(at).overflowY)))
    at = at.parentElement;
  const view = at ?? document.scrollingElement, gaps = [];
  let before = null, empty = 0;
  const step = (now) => {
    if (before !== null) gaps.push(now - before);
    before = now;
    if (document.querySelectorAll('[role=row]').length < 5) empty += 1;
    view.scrollTop += 300;
    if (gaps.length < 300) requestAnimationFrame(step); else done({gaps, empty, top: view.scrollTop});
  };
  requestAnimationFrame(step);
})"""


def console(contenders: list[Contender]) -> list[Row]:
    """All of them, with one browser."""
    import pytest

    from tests.support.browser import chromium, require_browser

    try:
        require_browser(BROWSERS)
    except pytest.skip.Exception as reason:
        raise NotHere(str(reason)) from None
    gavelq = next(c for c in contenders if isinstance(c, Gavelq))
    port, token = gavelq.over_tcp()
    url = f"http://127.0.0.1:{port}"
    with chromium(BROWSERS) as browser:
        cookies = _logged_in(browser, url, gavelq)
        rows = [*_first_page(browser, url, cookies), *_sizes(browser, url, cookies)]
        rows += _cost(browser, url, cookies, gavelq, (port, token))
        n = 0
        while n < N_TASKS:
            load = Load((port, token), 16)
            load.run(5.0)
            n += load.n_submitted + 1
        rows += _long_list(browser, url, cookies, n)
    return rows


def _logged_in(browser: "Browser", url: str, gavelq: Gavelq) -> list[Any]:
    with _context(browser, []) as context:
        page = context.new_page()
        page.goto(url + gavelq.ask("POST", "/api/login/link", {})["url_path"])
        page.wait_for_url(re.compile(r"/ui/(?!open)"))
        return list(context.cookies())


@contextmanager
def _context(browser: "Browser", cookies: list[Any]) -> Iterator["BrowserContext"]:
    """A browser that has seen nothing yet: its cache is cold."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.add_cookies(cookies)
    try:
        yield context
    finally:
        context.close()


def _first_page(browser: "Browser", url: str, cookies: list[Any]) -> list[Row]:
    times = []
    for _ in range(N_LOADS):
        with _context(browser, cookies) as context:
            page = context.new_page()
            page.goto(url + "/ui/gpu", wait_until="commit")
            times.append(float(page.wait_for_function(_CARDS).json_value()) / 1000)
    note = f"cold cache; {min(times):.2f} to {max(times):.2f} in {N_LOADS} loads"
    return [
        Row(
            what=f"navigation to {N_GPUS} cards on the page", unit="s", most=1,
            values={"gavelq": statistics.median(times)},
            notes={"gavelq": note},
        )
    ]  # fmt: skip


def _sizes(browser: "Browser", url: str, cookies: list[Any]) -> list[Row]:
    from pathlib import Path

    built = [path for path in (Path(DIRECTORY) / "assets").iterdir() if path.suffix in (".js", ".css")]
    with _context(browser, cookies) as context:
        page = context.new_page()
        page.goto(url + "/ui/gpu")
        page.wait_for_function(_CARDS)
        names = page.evaluate("performance.getEntriesByType('resource').map(one => new URL(one.name).pathname)")
    first = [path for path in built if any(name.endswith(f"/{path.name}") for name in names)]
    return [
        Row(what="JavaScript and CSS of the first page, gzip", unit="kB", most=150, values={"gavelq": _packed(first)}),
        Row(what="JavaScript and CSS of all pages, gzip", unit="kB", most=150, values={"gavelq": _packed(built)}),
    ]


def _packed(files: "list[Path]") -> float:
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in files) / 1000


def _cost(
    browser: "Browser", url: str, cookies: list[Any], gavelq: Gavelq, place: tuple[int, str]
) -> list[Row]:  # fmt: skip
    """The daemon's processor time beside no page, one, and clients that ask what that page asked."""
    pids = gavelq.server_pids()
    alone = _busy_percent(pids)
    with _context(browser, cookies) as context:
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url.removeprefix(url)))
        page.goto(url + "/ui/gpu")
        page.wait_for_function(_CARDS)
        page.wait_for_timeout(3000)
        stream = next(path for path in asked if path.startswith("/api/events"))
        asked.clear()
        one = _busy_percent(pids, page)
    listeners = [connect(place[0]) for _ in range(N_PAGES)]
    try:
        for listener in listeners:
            listener.sendall(request_of(place[1], f"GET {stream}"))
        many = _busy_percent(pids, asks=(place, asked))
    finally:
        for listener in listeners:
            listener.close()
    note = f"without any {alone:.2f}; the page asked {len(asked)} times in {WATCH_S:g} s, besides its stream"
    return [
        Row(what="one open page (GPUs) beside none", unit="% of a core", most=1,
            values={"gavelq": max(0.0, one - alone)}, notes={"gavelq": note}),
        Row(what=f"{N_PAGES} open pages beside none", unit="% of a core", most=10,
            values={"gavelq": max(0.0, many - alone)},
            notes={"gavelq": "HTTP clients, each with the page's event stream and as many requests of the same kind"}),
    ]  # fmt: skip


def _busy_percent(
    pids: list[int], page: "Page | None" = None, asks: tuple[tuple[int, str], list[str]] | None = None
) -> float:
    time.sleep(2)
    begin, before = time.perf_counter(), cpu_s(pids)
    if page is not None:
        page.wait_for_timeout(WATCH_S * 1000)
    elif asks is not None:
        _ask(*asks)
    time.sleep(max(0.0, begin + WATCH_S - time.perf_counter()))
    return (cpu_s(pids) - before) / (time.perf_counter() - begin) * 100


def _ask(place: tuple[int, str], paths: list[str]) -> None:
    """What every page asks, each on its own time."""
    connection = connect(place[0])
    for path in paths:
        for _ in range(N_PAGES):
            exchange(connection, request_of(place[1], f"GET {path}"))
    connection.close()


def _long_list(browser: "Browser", url: str, cookies: list[Any], n: int) -> list[Row]:
    with _context(browser, cookies) as context:
        page = context.new_page()
        page.goto(url + "/ui/state", wait_until="commit")
        usable = float(page.wait_for_function(_ROWS, timeout=120_000).json_value()) / 1000
        page.wait_for_timeout(3000)
        thread = context.new_cdp_session(page)
        thread.send("Performance.enable", {"timeDomain": "threadTicks"})
        before = _worked_s(thread)
        seen = page.evaluate(_SCROLL)
        worked_ms = (_worked_s(thread) - before) / len(seen["gaps"]) * 1000
    gaps = sorted(seen["gaps"])
    if seen["empty"] or seen["top"] < 10_000:
        raise RuntimeError(f"the list of {n} tasks was not scrolled: {seen['top']} px, {seen['empty']} empty frames")
    note = (
        f"median {statistics.median(gaps):.0f}, 99 % {gaps[len(gaps) * 99 // 100]:.0f}; 300 px a frame, no frame empty"
    )
    return [
        Row(what=f"navigation to a list of {n:,} tasks, cold cache", unit="s", values={"gavelq": usable}),
        Row(what="longest frame while scrolling it", unit="ms", most=100, values={"gavelq": gaps[-1]},
            notes={"gavelq": note}),
        Row(what="processor time of the page's thread for such a frame", unit="ms", most=16,
            values={"gavelq": worked_ms}),
    ]  # fmt: skip


def _worked_s(thread: "CDPSession") -> float:
    """Processor time of the page's main thread so far: what others take from it does not count.

    https://chromedevtools.github.io/devtools-protocol/tot/Performance/
    """
    found = thread.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in found if one["name"] == "TaskDuration"))
