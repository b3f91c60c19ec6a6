"""The parts of the live view: a table that keeps its place, a pane of text, a question, the help."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from gavelq.cli.output.table import Column, fitted

HELP = """\
k        end a task (asks first)         Tab      the other table
h        hold it, or let it run          Up Down  another task
+ -      raise, lower its priority       /        filter: words, Esc clears
l        follow its log                  s        sort by the next column
w        why it waits, or how it stands  p        pause the view
Esc      close the pane                  q        quit

Memory and utilisation are those of now. Whose tasks you see, and what you
may do with them, is up to your tenant's role."""


class Tasks(Vertical):
    """A titled table of tasks, one line each. The highlighted one stays highlighted while lines come and go."""

    DEFAULT_CSS = """
    Tasks { height: auto; padding: 0 1; }
    Tasks > Static { text-style: bold; height: 1; }
    Tasks > OptionList { height: auto; max-height: 100%; border: none; background: $background; }
    """

    def __init__(self, title: str, columns: Sequence[Column], *, id: str) -> None:
        super().__init__(id=id)
        self.title = title
        self._columns = columns
        self._head = Static("", markup=False)
        self.lines = OptionList(markup=False, compact=True)

    def compose(self) -> ComposeResult:
        """The titles, then the lines."""
        yield self._head
        yield self.lines

    @property
    def task_id(self) -> int | None:
        """The highlighted task."""
        at = self.lines.highlighted
        name = self.lines.get_option_at_index(at).id if at is not None else None
        return int(name) if name is not None else None

    def show(self, rows: Sequence[tuple[str, ...]], note: str) -> None:
        """Show these rows; the first cell of each is the task's id."""
        kept, at = self.task_id, self.lines.highlighted
        head, *lines = fitted(self._columns, rows, max(20, self.size.width - 3))
        self._head.update(head if rows else f"{self.title}: {note}")
        ids = [row[0] for row in rows]
        if ids == [option.id for option in self.lines.options]:
            for name, line in zip(ids, lines, strict=True):  # keeps the place that was scrolled to
                self.lines.replace_option_prompt(name, Text(line, no_wrap=True, overflow="ellipsis"))
            return
        self.lines.clear_options()
        self.lines.add_options(
            Option(Text(line, no_wrap=True, overflow="ellipsis"), id=name)
            for name, line in zip(ids, lines, strict=True)
        )  # fmt: skip
        if ids:
            wanted = str(kept)
            self.lines.highlighted = ids.index(wanted) if wanted in ids else min(at or 0, len(ids) - 1)


class Question(ModalScreen[bool]):
    """Asks for a yes; everything else is a no."""

    BINDINGS = [("y", "answer(True)", "yes"), ("n,escape,enter,q", "answer(False)", "no")]  # noqa: RUF012  # how Textual declares keys
    DEFAULT_CSS = """
    Question { align: center middle; }
    Question > Static { width: auto; max-width: 90%; height: auto; padding: 1 2; border: round $warning; }
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """The question."""
        yield Static(f"{self._text}\n\ny: yes   n: no", markup=False)

    def action_answer(self, answer: bool) -> None:
        """A key was pressed."""
        self.dismiss(answer)


class Help(ModalScreen[None]):
    """The keys."""

    BINDINGS = [("escape,q,question_mark,enter", "dismiss", "close")]  # noqa: RUF012  # how Textual declares keys
    DEFAULT_CSS = """
    Help { align: center middle; }
    Help > Static { width: auto; max-width: 100%; height: auto; padding: 0 1; border: round $primary; }
    """

    def compose(self) -> ComposeResult:
        """The text."""
        yield Static(HELP, markup=False)
