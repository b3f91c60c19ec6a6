"""`gavelq run`: submit, follow, and exit as the task does."""

from __future__ import annotations

import contextlib
import signal
import sys
from typing import Any

import click

from gavelq.cli.base import options, pass_call
from gavelq.cli.call import Call
from gavelq.cli.hot.submit import command_of, request_of, send_submission, tell_dropped
from gavelq.cli.interrupts import Interrupts, Signalled
from gavelq.cli.options import REQUEST
from gavelq.cli.output.text import safe, say
from gavelq.cli.submit import BEHIND, ShortCommand
from gavelq.cli.wait import exit_code_of
from gavelq.cli.waiting import Task, turned, until
from gavelq.client import lean
from gavelq.client.http import query
from gavelq.client.patience import PatientLink
from gavelq.core.errors import InvalidField, LogNotFound, WrongState

_WAIT_S = 20
_SLACK_S = 15
_ENDED = frozenset({"completed", "failed", "cancelled", "aborted"})
_PLAIN_ENDS = frozenset({"exit_zero", "exit_nonzero"})
_NOT_STARTED = 127
"""What shells say of a command that cannot be started."""


@click.command("run", cls=ShortCommand)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar='{"CMD" | -- ARGV...}')
@options(REQUEST)
@pass_call
def run(call: Call, words: tuple[str, ...], **values: Any) -> int:
    """Submit a command, print its output as it comes, and exit with its own exit code (128 + signal).

    Ctrl-C on a terminal asks whether to cancel the task or to leave it alone; elsewhere INT and TERM cancel it. A HUP
    (the terminal is gone) leaves it alone.
    """
    behind = click.get_current_context().meta.get(BEHIND)
    if behind is None and len(words) == 1 and words[0].isdigit():
        raise InvalidField(
            field="command", problem=f"{words[0]} is a task's id, and no command",
            hint=f"let that task run with: gavelq task run {words[0]}",
        )  # fmt: skip
    request, dropped = request_of(call, values)
    request.update(command_of("run", list(words), behind))
    with Interrupts() as signals:
        task = lean.loads(send_submission(call, "/api/tasks", request).body)
        tell_dropped(dropped)
        return Follower(call, task, signals).follow()


class Follower:
    """One task that is watched to its end. Where a signal interrupts, it can go on exactly there."""

    def __init__(self, call: Call, task: Task, signals: Interrupts) -> None:
        self._call = call
        self._link = PatientLink(call.link(), was_there=True)
        self._task = task
        self._signals = signals
        self._attempt = 1
        self._offset = 0
        self._told = 0
        """The last attempt whose GPUs were told."""
        self._told_over = 0
        """The last attempt whose end was told."""
        self._is_read = False
        """Whether the log of this attempt was printed to its end."""
        self._cancelled_by: Signalled | None = None
        self._is_terminal = sys.stdin.isatty() and sys.stderr.isatty()

    def follow(self) -> int:
        """To the end of the task; its exit code, or 128 + signal where a signal ended the watch."""
        while True:
            try:
                self._go()
                return self._leave()
            except Signalled as caught:
                if self._is_over(caught):
                    return caught.exit_code

    # --- watching -----------------------------------------------------------------------------------------

    def _go(self) -> None:
        while True:
            self._task = until(lambda task: task["attempt"] >= self._attempt, self._link, self._task, self._signals)
            if self._task["attempt"] < self._attempt:
                return  # it ended before it began
            self._tell_start()
            if not self._call.is_json:
                self._print_log()
            if self._is_ended():
                return
            self._next_attempt()

    def _next_attempt(self) -> None:
        """Wait until it is tried again. A log file of the user's own goes on where it was."""
        number = self._task["id"]
        if self._told_over < self._attempt:
            self._told_over = self._attempt
            say(f"gavelq: attempt {self._attempt} of task {number} is over; it is tried again", sys.stderr)
        self._task = until(lambda task: task["attempt"] > self._attempt, self._link, self._task, self._signals)
        if self._task["attempt"] > self._attempt:
            details = lean.loads(self._link.get(f"/api/tasks/{number}", timeout_s=_SLACK_S).body)
            paths = {one["attempt"]: one.get("log_path") for one in details["attempts"]}
            path = paths.get(self._attempt)  # None: so many attempts came since then that it is not told any more
            self._offset = self._offset if path is not None and path == paths.get(self._attempt + 1) else 0
        self._attempt += 1
        self._is_read = False

    def _tell_start(self) -> None:
        if self._is_terminal and self._told < self._attempt and self._task["gpus"]:
            self._told = self._attempt
            indices = ",".join(str(index) for index in self._task["gpus"])
            say(f"gavelq: task {self._task['id']} runs on GPU {indices}", sys.stderr)

    def _print_log(self) -> None:
        while not self._is_read:
            pairs = [("attempt", self._attempt), ("offset", self._offset), ("wait", _WAIT_S)]
            target = f"/api/tasks/{self._task['id']}/logs" + query(pairs)
            try:
                with self._signals.open():
                    reply = self._link.get(target, timeout_s=_WAIT_S + _SLACK_S)
            except LogNotFound:
                self._is_read = True  # it ended before its log was made
                return
            start = int(reply.headers.get("x-gavelq-start") or self._offset)
            if start > self._offset:
                say(f"gavelq: {start - self._offset} bytes are gone (the log was cut)", sys.stderr)
            sys.stdout.buffer.write(reply.body)
            sys.stdout.flush()
            self._offset = int(reply.headers.get("x-gavelq-offset") or self._offset + len(reply.body))
            self._is_read = reply.headers.get("x-gavelq-ended") == "1"

    def _is_ended(self) -> bool:
        """Look how this attempt ended: with the task, or for another try."""
        while True:
            with self._signals.open():
                self._task = turned(self._link, self._task, _WAIT_S if self._is_going() else 0)
            if not self._is_going():
                return self._task["state"] in _ENDED and self._task["attempt"] <= self._attempt

    def _is_going(self) -> bool:
        return self._task["attempt"] == self._attempt and self._task["state"] in ("starting", "running", "stopping")

    def _leave(self) -> int:
        if self._call.is_json:
            from gavelq.cli.output.document import print_document

            print_document(self._task)
        reason = self._task["end_reason"]
        if reason not in _PLAIN_ENDS:
            detail = f": {self._task['end_detail']}" if self._task.get("end_detail") else ""
            say(safe(f"gavelq: task {self._task['id']} {self._task['state']} ({reason}){detail}"), sys.stderr)
        if reason == "spawn_failed":
            return _NOT_STARTED
        if self._cancelled_by is not None and self._task["state"] == "cancelled" and self._task["signal"] is None:
            return self._cancelled_by.exit_code
        return exit_code_of(self._task, is_own=True)

    # --- signals ------------------------------------------------------------------------------------------

    def _is_over(self, caught: Signalled) -> bool:
        """Answer a signal; True where the watch ends with it."""
        if caught.number == signal.SIGHUP or self._cancelled_by is not None:
            self._tell_left()
            return True
        if caught.number == signal.SIGINT and self._is_terminal:
            choice = self._asked()
            if choice == "w":
                return False
            if choice == "d":
                self._tell_left()
                return True
        self._cancelled_by = caught
        with contextlib.suppress(WrongState):  # it has just ended
            self._link.post(f"/api/tasks/{self._task['id']}/kill")
        return False

    def _asked(self) -> str:
        """`d` (detach), `c` (cancel) or `w` (go on watching); another Ctrl-C and the end of the input detach."""
        sys.stderr.write(
            f"\ngavelq: [d]etach from task {self._task['id']} (it goes on), [c]ancel it, or Enter to go on watching? "
        )
        sys.stderr.flush()
        try:
            with self._signals.open():
                line = sys.stdin.readline()
        except Signalled:
            sys.stderr.write("\n")
            return "d"
        if not line:
            return "d"
        letter = line.strip().lower()[:1]
        return letter if letter in ("c", "d") else "w"

    def _tell_left(self) -> None:
        number = self._task["id"]
        what = "is being stopped" if self._cancelled_by else "goes on"
        with contextlib.suppress(OSError):  # the terminal may be gone
            say(f"gavelq: task {number} {what}; its output: gavelq logs -f {number}", sys.stderr)
