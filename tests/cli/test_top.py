"""`gavelq top`, with Textual's own pilot, against real daemons."""

import asyncio
import html
import os
import pty
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import RichLog

from gavelq.cli.screen.app import Top
from gavelq.cli.screen.panes import Tasks
from gavelq.client.address import Address, from_url
from gavelq.client.async_link import AsyncLink
from tests.support.daemon import Box, box
from tests.support.tenants import tenant

CELL = 12.2
"""The width of a character in the pictures that Textual exports."""
ADMIN = {"tenant": "root", "role": "admin"}


@pytest.fixture
def daemon() -> Iterator[Box]:
    with box(n_gpus=2, listen="127.0.0.1:0") as instance:
        yield instance


def text_of(app: Top) -> str:
    """What is on the screen, read from the picture that Textual exports."""
    rows: dict[float, dict[int, str]] = {}
    for x, y, content in re.findall(
        r'<text[^>]* x="([\d.]+)" y="([\d.]+)"[^>]*clip-path[^>]*>(.*?)</text>', app.export_screenshot()
    ):
        rows.setdefault(float(y), {})[round(float(x) / CELL)] = html.unescape(content).replace("\xa0", " ")
    lines = []
    for _, parts in sorted(rows.items()):
        line = ""
        for at, content in sorted(parts.items()):
            line = line.ljust(at) + content
        lines.append(line.rstrip())
    return "\n".join(lines)


class View:
    """The live view on a screen that nobody sees."""

    def __init__(self, app: Top, pilot: "Pilot[None]") -> None:
        self.app = app
        self.pilot = pilot

    @property
    def text(self) -> str:
        return text_of(self.app)

    async def until(self, holds: Callable[[], Any], what: str) -> None:
        for _ in range(400):
            if holds():
                return
            await self.pilot.pause(0.05)
        raise AssertionError(f"not so: {what}; the screen:\n{self.text}")

    async def shows(self, *parts: str) -> None:
        await self.until(lambda: all(part in self.text for part in parts), f"the screen shows {parts}")

    async def hides(self, part: str) -> None:
        await self.until(lambda: part not in self.text, f"the screen does not show {part}")

    async def choose(self, table: str, task_id: int) -> None:
        lines = self.app.query_one(f"#{table}", Tasks).lines
        await self.until(lambda: str(task_id) in [option.id for option in lines.options], f"{table} has {task_id}")
        lines.focus()
        lines.highlighted = lines.get_option_index(str(task_id))
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)


@asynccontextmanager
async def view(
    address: Address, *, size: tuple[int, int] = (120, 40), user: dict[str, str] = ADMIN
) -> AsyncIterator[View]:
    app = Top(AsyncLink(address), user=user)
    async with app.run_test(size=size) as pilot:
        yield View(app, pilot)


def same(text: str) -> str:
    """The screen without what differs from one second to the next."""
    return re.sub(r"\b[\dhm]+s\b|\b\d+C|\b[\d.]+/\d+W|\b\d+%", "~", text)


def run(check: Any) -> None:
    asyncio.run(check)


def at(daemon: Box) -> Address:
    return Address(socket=daemon.socket)


def busy(daemon: Box) -> tuple[int, int, int]:
    """A task that runs on both GPUs, one that waits and one that is held."""
    running = daemon.submit("echo hello; sleep 600", name="train", gpu_count=2, time_limit="2h")
    daemon.wait(running, "running")
    waiting = daemon.submit("true", name="later", memory="4G")
    held = daemon.submit("true", name="parked", hold=True, priority=7)
    return running, waiting, held


def test_it_shows_gpus_running_and_waiting_tasks_in_80_columns_and_24_lines(daemon: Box) -> None:
    running, waiting, held = busy(daemon)

    async def check() -> None:
        async with view(at(daemon), size=(80, 24)) as seen:
            await seen.shows("train", "later", "parked", "[live]", "/2h00m")
            lines = seen.text.split("\n")
            assert len(lines) <= 24
            assert max(map(len, lines)) <= 80
            shown = same(seen.text)
            assert re.search(r"^ GPU +STATE +MEMORY +USED +UTIL +TEMP +POWER +FOR$", shown, re.M)
            assert re.search(rf"^ 0 +busy +[░█]{{10}} +\S+/24.0G +~ +~ +~ +{running} train \(root\)$", shown, re.M)
            assert re.search(r"^ ID +NAME +TENANT +QUEUE +PRIO +STATE +GPUS +TIME +MEM +UTIL$", shown, re.M)
            assert re.search(rf"^ {running} +train +root +running +0 +running +0,1 +~/2h00m +- +~$", shown, re.M)
            assert re.search(rf"^ {waiting} +later .* 0 +1 +~ +\d\d:\d\d +gpu_count: needs", shown, re.M)
            assert re.search(rf"^ {held} +parked .* 7 +1 +~ +- +held$", shown, re.M)
            assert lines[0].strip().startswith("[live] gavelq  2 GPUs  1 running  1 pending  1 held")
            assert lines[-1].strip().startswith("k kill")

    run(check())


def test_a_wide_screen_has_room_for_everything(daemon: Box) -> None:
    busy(daemon)

    async def check() -> None:
        async with view(at(daemon), size=(160, 50)) as seen:
            await seen.shows("train", "later", "[live]")
            lines = same(seen.text).split("\n")
            assert len(lines) <= 50
            titles = ["GPU MODEL STATE MEMORY USED UTIL TEMP POWER FOR"]
            titles += ["ID NAME TENANT QUEUE PRIO STATE GPUS TIME MEM UTIL"]
            titles += ["ID NAME TENANT QUEUE PRIO GPUS WAITS START REASON"]
            assert set(titles) <= {" ".join(line.split()) for line in lines}
            assert any("held by task" in line for line in lines)

    run(check())


def test_k_asks_and_ends_a_task_only_after_a_yes(daemon: Box) -> None:
    running, waiting, _ = busy(daemon)

    async def check() -> None:
        async with view(at(daemon)) as seen:
            await seen.choose("waiting", waiting)
            await seen.press("k")
            await seen.shows(f"End task {waiting} later", "y: yes")
            await seen.press("n")
            await seen.shows(f"task {waiting} was left alone")
            assert daemon.state(waiting) == "pending"
            await seen.choose("running", running)
            await seen.press("k", "y")
            await seen.shows(f"task {running}: told to end")

    run(check())
    assert daemon.wait(running)["end_reason"].startswith("cancelled")


def test_h_holds_a_task_that_waits_and_lets_a_held_one_run(daemon: Box) -> None:
    running, waiting, _ = busy(daemon)

    async def check() -> None:
        async with view(at(daemon)) as seen:
            await seen.choose("waiting", waiting)
            await seen.press("h")
            await seen.shows(f"task {waiting}: held")
            assert daemon.state(waiting) == "held"
            await seen.until(lambda: seen.app._shown.task(waiting)["state"] == "held", "it is shown as held")  # type: ignore[index]
            await seen.press("h")
            await seen.shows(f"task {waiting}: released")
            assert daemon.state(waiting) == "pending"
            await seen.choose("running", running)
            await seen.press("h")
            await seen.shows(f"task {running}: ", "only a pending task can be held")

    run(check())


def test_plus_and_minus_change_the_priority(daemon: Box) -> None:
    _, waiting, _ = busy(daemon)

    async def check() -> None:
        async with view(at(daemon)) as seen:
            await seen.choose("waiting", waiting)
            await seen.press("minus")
            await seen.shows("priorities go from 0 to 100")
            await seen.press("plus", "plus", "plus", "minus")
            await seen.until(lambda: daemon.task(waiting)["priority"] == 2, "the priority is 2")
            await seen.shows("has priority 2")

    run(check())


def test_l_follows_a_log_and_esc_closes_it(daemon: Box) -> None:
    running = daemon.submit("printf 'half\\rfull \\033[31mred\\033[0m\\n'; sleep 1; echo more; sleep 600", name="train")
    daemon.wait_log(running, "full")

    async def check() -> None:
        async with view(at(daemon)) as seen:
            await seen.choose("running", running)
            await seen.press("l")
            await seen.shows("full red", "more")
            assert "half" not in seen.text
            assert seen.app.query_one("#pane", RichLog).display
            await seen.press("escape")
            await seen.hides("full red")

    run(check())


def test_w_tells_what_a_task_waits_for(daemon: Box) -> None:
    _, waiting, _ = busy(daemon)

    async def check() -> None:
        async with view(at(daemon)) as seen:
            await seen.choose("waiting", waiting)
            await seen.press("w")
            await seen.shows("GPU 0: ", "position 1")

    run(check())


def test_words_narrow_what_is_shown_until_esc(daemon: Box) -> None:
    busy(daemon)

    async def check() -> None:
        async with view(at(daemon)) as seen:
            await seen.shows("later", "parked")
            await seen.press("slash", *"park", "enter")
            await seen.shows("parked", "/park", "running: none with 'park'")
            assert "later" not in seen.text
            await seen.press("escape")
            await seen.shows("later", "parked")

    run(check())


def test_s_sorts_by_the_next_column(daemon: Box) -> None:
    busy(daemon)

    async def check() -> None:
        async with view(at(daemon)) as seen:
            await seen.shows("later", "parked")
            assert seen.text.index("later") < seen.text.index("parked")
            await seen.press("s")
            await seen.shows("by priority")
            assert seen.text.index("parked") < seen.text.index("later")

    run(check())


def test_p_keeps_the_view_as_it_is_until_pressed_again(daemon: Box) -> None:
    busy(daemon)

    async def check() -> None:
        async with view(at(daemon)) as seen:
            await seen.shows("later")
            await seen.press("p")
            await seen.shows("[paused]")
            daemon.submit("true", name="newcomer")
            await seen.until(lambda: len(seen.app._seen.waiting) == 3, "the newcomer was heard of")
            assert "newcomer" not in seen.text
            await seen.press("p")
            await seen.shows("newcomer", "[live]")

    run(check())


def test_the_help_names_the_keys_and_q_quits(daemon: Box) -> None:
    async def check() -> None:
        async with view(at(daemon), size=(80, 24)) as seen:
            await seen.shows("[live]", "running: none")
            await seen.press("question_mark")
            await seen.shows("follow its log", "raise, lower its priority")
            await seen.press("escape")
            await seen.hides("follow its log")
            await seen.press("q")
            await seen.until(lambda: not seen.app.is_running, "it has ended")

    run(check())


def test_it_says_so_while_the_daemon_is_away_and_goes_on_when_it_is_back(daemon: Box) -> None:
    busy(daemon)

    async def check() -> None:
        async with view(at(daemon)) as seen:
            await seen.shows("later", "[live]")
            daemon.kill()
            await seen.shows("[reconnecting", "stale", "later")
            await asyncio.to_thread(daemon.start)
            daemon.submit("true", name="newcomer")
            await seen.shows("[live]", "newcomer")

    run(check())


def test_the_highlighted_task_stays_so_while_others_come_and_go(daemon: Box) -> None:
    _, waiting, held = busy(daemon)

    async def check() -> None:
        async with view(at(daemon)) as seen:
            await seen.choose("waiting", held)
            daemon.post(f"/api/tasks/{waiting}/kill", {})
            daemon.submit("true", name="newcomer")
            await seen.shows("newcomer")
            await seen.hides("later")
            assert seen.app.query_one("#waiting", Tasks).task_id == held

    run(check())


def test_a_viewer_sees_nothing_of_others_and_may_do_nothing(daemon: Box) -> None:
    busy(daemon)
    guest = tenant(daemon, "guest", role="viewer")

    async def check() -> None:
        address = from_url(guest.url, token=guest.token)
        async with view(address, user={"tenant": "guest", "role": "viewer"}) as seen:
            await seen.shows("[live]", "another tenant", "guest (viewer)")
            assert "train" not in seen.text
            assert "later" not in seen.text

    run(check())


def test_what_others_wrote_does_not_steer_the_terminal(daemon: Box) -> None:
    daemon.submit("true", name="[bold]x[/bold]", hold=True)

    async def check() -> None:
        async with view(at(daemon)) as seen:
            await seen.shows("[bold]x[/bold]")

    run(check())


def test_without_textual_it_names_the_command_that_installs_it(daemon: Box) -> None:
    program = "import sys; sys.modules['textual'] = None; from gavelq.cli.main import main; sys.exit(main(['top']))"
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", program], env={**daemon.env, "TERM": "xterm"}, stdin=theirs, stdout=theirs,
            stderr=subprocess.PIPE, text=True, timeout=60,
        )  # fmt: skip
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 1
    assert "pip install 'gavelq[top]'" in done.stderr


def test_without_a_terminal_it_says_what_tells_the_same(daemon: Box) -> None:
    done = daemon.cli("top")
    assert done.returncode == 2
    assert "gavelq status" in done.stderr
