"""The live view itself."""

from __future__ import annotations

import asyncio
import time
from typing import Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Input, OptionList, Static

from gavelq.cli.output.table import fitted
from gavelq.cli.output.text import safe
from gavelq.cli.screen.cells import (
    GPU_COLUMNS,
    RUNNING_COLUMNS,
    WAITING_COLUMNS,
    bar_marks,
    gpu_cells,
    running_cells,
    waiting_cells,
)
from gavelq.cli.screen.pane import Pane
from gavelq.cli.screen.panes import Help, Question, Tasks
from gavelq.cli.screen.snapshot import SORTS, Snapshot, chosen
from gavelq.cli.screen.watch import Watch
from gavelq.client.async_link import AsyncLink
from gavelq.core.errors import GavelqError

Json = dict[str, Any]

STALE_S = 3.0
"""What is shown is called stale when it is older than that."""
WIDE = 100
_KEYS = "k kill h hold/run +- prio l log w why / filter s sort p pause ? help q quit"
_PRIORITIES = range(101)


class Top(App[None]):
    """GPUs, running and waiting tasks, with keys to act on them."""

    TITLE = "gavelq top"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { layers: base; }
    #head { height: 1; padding: 0 1; text-style: reverse; }
    #gpus { height: auto; max-height: 40%; padding: 0 1; }
    #gpus:focus { background: $background; }
    #gpus > Static { height: auto; }
    #running { max-height: 35%; margin-top: 1; }
    #waiting { height: 1fr; min-height: 3; margin-top: 1; }
    #filter { height: 1; border: none; padding: 0 1; display: none; }
    #message { height: 1; padding: 0 1; }
    #keys { height: 1; padding: 0 1; text-style: dim; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("q,ctrl+c", "quit", "quit"), ("k", "kill", "kill"), ("h", "hold", "hold"),
        ("plus,equals_sign", "prioritize(1)", "raise"), ("minus", "prioritize(-1)", "lower"), ("l", "log", "log"),
        ("w", "why", "why"), ("slash", "filter", "filter"), ("s", "sort", "sort"),
        ("p", "pause", "pause"), ("question_mark", "help", "help"), ("escape", "close", "close"),
    ]  # fmt: skip

    def __init__(self, link: AsyncLink, *, user: Json) -> None:
        """`user`: who looks, as `GET /api/user` tells it."""
        super().__init__()
        self._link = link
        self._user = user
        self._watch = Watch(link, on_look=self._looked, on_failure=self._failed)
        self._seen = Snapshot(at=time.time())
        self._shown = self._seen
        self._seen_at: float | None = None
        """When the last look came (monotonic clock)."""
        self._problem = ""
        self._is_paused = False
        self._words = ""
        self._sort = SORTS[0]
        self._wanted: dict[int, tuple[float, int]] = {}
        """Priorities that were asked for, with when (monotonic clock)."""
        self._in_order = asyncio.Lock()
        self._marks = bar_marks()

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Static("", id="head", markup=False)
        with VerticalScroll(id="gpus"):
            yield Static("", id="cards", markup=False)
        yield Tasks("running", RUNNING_COLUMNS, id="running")
        yield Tasks("waiting", WAITING_COLUMNS, id="waiting")
        yield Pane(self._link, id="pane")
        yield Input(id="filter", placeholder="words that a task has: id, name, queue, tenant, state, command")
        yield Static("", id="message", markup=False)
        yield Static(_KEYS, id="keys", markup=False)

    def on_mount(self) -> None:
        """Begin to look."""
        self.query_one("#waiting", Tasks).lines.focus()
        self.set_interval(1.0, self._draw_head)
        self._look_on()

    @work
    async def _look_on(self) -> None:
        await self._watch.run()

    def on_unmount(self) -> None:
        """Hang up."""
        self._link.close()

    # --- what comes ----------------------------------------------------------------------------------------------

    def _looked(self, found: Snapshot) -> None:
        is_first = self._seen_at is None
        self._seen, self._seen_at, self._problem = found, time.monotonic(), ""
        if not self._is_paused:
            self._shown = found
            self._draw()
        if self._is_covered():
            return
        if is_first and found.running and not found.waiting:
            self.query_one("#running", Tasks).lines.focus()
        if not self._is_paused:
            self.query_one(Pane).renew()

    def _failed(self, error: GavelqError) -> None:
        self._problem = error.message
        self._draw_head()

    def on_resize(self) -> None:
        """The terminal has another size."""
        self.call_after_refresh(self._draw)

    # --- what is shown -------------------------------------------------------------------------------------------

    def _is_covered(self) -> bool:
        """Whether another screen is in front, or this one is being taken down: nothing can be drawn then."""
        return not self.query("#head")

    def _draw(self) -> None:
        if self._is_covered():
            return
        shown = self._shown
        self._draw_head()
        is_wide = self.size.width >= WIDE
        rows = [gpu_cells(gpu, shown, self._marks, is_wide=is_wide) for gpu in shown.gpus]
        lines = fitted(GPU_COLUMNS, rows, max(20, self.size.width - 4)) if rows else ["no GPUs"]
        self.query_one("#cards", Static).update(Text("\n".join(lines), no_wrap=True, overflow="ellipsis"))
        running = chosen(shown.running, words=self._words, sort=self._sort)
        waiting = chosen(shown.waiting, words=self._words, sort=self._sort)
        note = f"none with {safe(self._words)!r}" if self._words else "none"
        self.query_one("#running", Tasks).show([running_cells(task, shown) for task in running], note)
        self.query_one("#waiting", Tasks).show([waiting_cells(task, shown) for task in waiting], note)

    def _draw_head(self) -> None:
        if self._is_covered():
            return
        counts = self._shown.counts
        n_running = sum(counts.get(state, 0) for state in ("starting", "running", "stopping"))
        told = [
            f"{self._badge()} gavelq",
            f"{len(self._shown.gpus)} GPUs",
            f"{n_running} running",
            f"{counts.get('pending', 0)} pending",
            f"{counts.get('held', 0)} held",
            f"{safe(self._user['tenant'])} ({self._user['role']})",
        ]
        told += [f"by {self._sort}"] if self._sort != SORTS[0] else []
        told += [f"/{safe(self._words)}"] if self._words else []
        self.query_one("#head", Static).update("  ".join(told))

    def _badge(self) -> str:
        age = None if self._seen_at is None else time.monotonic() - self._seen_at
        if self._problem:
            return "[reconnecting]" if age is None else f"[reconnecting, stale {age:.0f}s]"
        if age is None:
            return "[connecting]"
        if self._is_paused:
            return "[paused]"
        return "[live]" if age < STALE_S else f"[stale {age:.0f}s]"

    def _say(self, text: str) -> None:
        self.query_one("#message", Static).update(safe(text))

    # --- what is done to tasks -----------------------------------------------------------------------------------

    def _highlighted(self) -> Json | None:
        """The task that is highlighted in the table that has the focus."""
        tables = [self.query_one("#running", Tasks), self.query_one("#waiting", Tasks)]
        focused = next((table for table in tables if table.lines.has_focus), None)
        task_id = focused.task_id if focused is not None else None
        task = None if task_id is None else self._shown.task(task_id)
        if task is None:
            self._say("no task is chosen: Tab goes to a table, Up and Down to a task")
        return task

    def action_kill(self) -> None:
        """End a task, after a question."""
        task = self._highlighted()
        if task is None:
            return
        text = f"End task {task['id']} {safe(task['name'])} ({task['state']}, {safe(task['tenant'])})?"

        def answered(is_yes: bool | None) -> None:
            if is_yes:
                self._do(task["id"], "kill", {"signal": "TERM"}, "told to end")
            else:
                self._say(f"task {task['id']} was left alone")

        self.push_screen(Question(text), answered)

    def action_hold(self) -> None:
        """Hold a task that waits; let a held one run."""
        task = self._highlighted()
        if task is not None and task["state"] == "held":
            self._do(task["id"], "run", {}, "released")
        elif task is not None:
            self._do(task["id"], "hold", {}, "held")

    def action_prioritize(self, by: int) -> None:
        """Raise or lower a task's priority."""
        task = self._highlighted()
        if task is None:
            return
        pressed_at, before = self._wanted.get(task["id"], (float("-inf"), 0))
        # Several presses come before the first of them is seen to have worked.
        wanted = (before if time.monotonic() - pressed_at < STALE_S else task["priority"]) + by
        if wanted not in _PRIORITIES:
            self._say(f"priorities go from {_PRIORITIES[0]} to {_PRIORITIES[-1]}")
            return
        self._wanted[task["id"]] = time.monotonic(), wanted
        self._do(task["id"], "priority", {"priority": wanted}, f"has priority {wanted}")

    @work
    async def _do(self, task_id: int, verb: str, payload: Json, done: str) -> None:
        try:
            async with self._in_order:
                await self._link.fetch("POST", f"/api/tasks/{task_id}/{verb}", payload)
        except GavelqError as error:
            self._wanted.pop(task_id, None)
            self._say(f"task {task_id}: {error.message}" + (f" ({error.hint})" if error.hint else ""))
        else:
            self._say(f"task {task_id}: {done}")
        self._watch.hurry()

    # --- the pane ------------------------------------------------------------------------------------------------

    def action_log(self) -> None:
        """Follow a task's output."""
        task = self._highlighted()
        if task is not None:
            self.query_one(Pane).show_log(task["id"])
            self.call_after_refresh(self._draw)

    def action_why(self) -> None:
        """Tell what a task waits for."""
        task = self._highlighted()
        if task is not None:
            self.query_one(Pane).show_why(task["id"])
            self.call_after_refresh(self._draw)

    def action_close(self) -> None:
        """Close the pane; then clear the filter."""
        pane = self.query_one(Pane)
        if pane.is_open:
            pane.shut()
            self.call_after_refresh(self._draw)
        elif self._words:
            self._words = self.query_one("#filter", Input).value = ""
            self._draw()
        self._say("")

    # --- the view ------------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Ask for words."""
        box = self.query_one("#filter", Input)
        box.display = True
        box.focus()

    @on(Input.Changed, "#filter")
    def _narrow(self, event: Input.Changed) -> None:
        self._words = event.value.strip()
        self._draw()

    @on(Input.Submitted, "#filter")
    def _narrowed(self) -> None:
        self.query_one("#filter", Input).display = False
        tables = [self.query_one("#waiting", Tasks), self.query_one("#running", Tasks)]
        next((table for table in tables if table.task_id is not None), tables[0]).lines.focus()

    def on_key(self, event: Any) -> None:
        """Esc in the filter's line clears it."""
        box = self.query_one("#filter", Input)
        if event.key == "escape" and box.has_focus:
            event.stop()
            box.value = ""
            self._narrowed()

    @on(OptionList.OptionSelected)
    def _chosen(self) -> None:
        self.action_why()

    def action_sort(self) -> None:
        """Sort by the next of the columns."""
        self._sort = SORTS[(SORTS.index(self._sort) + 1) % len(SORTS)]
        self._draw()

    def action_pause(self) -> None:
        """Keep what is shown, or go on."""
        self._is_paused = not self._is_paused
        if not self._is_paused:
            self._shown = self._seen
        self._draw()

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(Help())
