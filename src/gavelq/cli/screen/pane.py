"""The pane below the tables: a task's output as it comes, or why it stands where it stands."""

from __future__ import annotations

from contextlib import aclosing

from textual import work
from textual.widgets import RichLog

from gavelq.cli.output.text import safe
from gavelq.cli.screen.cells import why_lines
from gavelq.cli.screen.following import Lines
from gavelq.client.async_link import AsyncLink
from gavelq.client.async_streams import follow
from gavelq.core.errors import GavelqError

_TAIL = 200
_MAX_LINES = 2000


class Pane(RichLog):
    """Hidden until something is to be shown."""

    DEFAULT_CSS = """
    Pane { height: 45%; min-height: 5; border-top: solid $primary; padding: 0 1; display: none; }
    """

    def __init__(self, link: AsyncLink, *, id: str) -> None:
        super().__init__(id=id, max_lines=_MAX_LINES, wrap=True, markup=False, highlight=False)
        self._server = link
        self._about: tuple[str, int] | None = None
        """What is shown (`log`, `why`), and of which task."""

    @property
    def is_open(self) -> bool:
        """Whether something is shown."""
        return self._about is not None

    def show_log(self, task_id: int) -> None:
        """Follow a task's output."""
        self._open("log", task_id)
        self._follow(task_id)

    def show_why(self, task_id: int) -> None:
        """Tell what a task waits for."""
        self._open("why", task_id)
        self._explain(task_id)

    def renew(self) -> None:
        """Things have changed: tell anew why. (A log goes on by itself.)"""
        if self._about is not None and self._about[0] == "why":
            self._explain(self._about[1])

    def shut(self) -> None:
        """Show nothing any more."""
        self.workers.cancel_node(self)
        self._about = None
        self.display = False

    def _open(self, what: str, task_id: int) -> None:
        self.shut()
        self._about = what, task_id
        self.clear()
        self.border_title = f"{what} of task {task_id} (Esc closes)"
        self.display = True

    @work(exclusive=True)
    async def _follow(self, task_id: int) -> None:
        lines = Lines()
        try:
            async with aclosing(follow(self._server, task_id, _TAIL)) as pieces:
                async for piece in pieces:
                    for line in lines.feed(piece):
                        self.write(line, expand=True)
            for line in [*lines.end(), f"-- task {task_id} has ended --"]:
                self.write(line, expand=True)
        except GavelqError as error:
            self.write(f"-- {safe(error.message)} --", expand=True)

    @work(exclusive=True)
    async def _explain(self, task_id: int) -> None:
        try:
            found = why_lines(await self._server.fetch("GET", f"/api/tasks/{task_id}/why"))
        except GavelqError as error:
            found = [safe(error.message)]
        if self._about != ("why", task_id):
            return
        at = self.scroll_y
        self.clear()
        for line in found:
            self.write(line, expand=True, scroll_end=False)
        self.scroll_to(y=at, animate=False)
