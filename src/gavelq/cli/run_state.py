"""`gavelq file state`: what the runs of command files do, once or live."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import click

from gavelq.cli import live
from gavelq.cli.base import Command, Count, pass_call
from gavelq.cli.call import Call
from gavelq.cli.interrupts import Interrupts, Signalled
from gavelq.cli.output.document import print_body, print_document
from gavelq.cli.output.runs import WHOLE, Run, block, fingerprint, is_live, latest, whole_rows
from gavelq.cli.output.table import Column, print_table
from gavelq.cli.output.text import safe, say, shorten, terminal_columns
from gavelq.client import lean
from gavelq.client.http import query
from gavelq.client.patience import RESTART_S
from gavelq.core.errors import GavelqError, UsageError
from gavelq.formats.command_file import Mode

EVERY_S = 1.0


@click.command("state", cls=Command)
@click.argument("configuration", required=False, metavar="[N]")
@click.option("--run", "run", type=Count(1, 1_000_000_000), metavar="R", help="The run with this number.")
@click.option("--mode", type=click.Choice([mode.value for mode in Mode]), help="Where both modes have such a number.")
@click.option("-f", "--follow", is_flag=True, help="Look again each second, until what is shown is over.")
@pass_call
def state(call: Call, configuration: str | None, run: int | None, mode: str | None, follow: bool) -> int:
    """Show what runs of command files do, queue by queue: progress, current task, GPUs, expected end.

    Without N and --run: the last run of each configuration, and submitted files that are not over.
    """
    if configuration is not None and run is not None:
        raise UsageError("a configuration and --run say the same thing in two ways", hint="give only one of them")
    target = _target(call, configuration, run, mode)
    watched = _Watched(call, target, is_whole=configuration is not None or run is not None)
    if not follow:
        watched.look()
        watched.show()
        return 0
    with Interrupts() as signals:
        try:
            return watched.follow(signals)
        except Signalled as signalled:
            return signalled.exit_code


def _target(call: Call, configuration: str | None, run: int | None, mode: str | None) -> str:
    """The path of the route that tells."""
    if run is not None:
        return f"/api/scheduler/run/{run}?"
    if configuration is not None:
        from gavelq.cli.stored import chosen

        found, place = chosen(call, configuration, mode)
        return f"/api/scheduler/{found}/state?config_index={place}&"
    return f"/api/scheduler/{mode}/state?" if mode is not None else "/api/scheduler/status?"


class _Watched:
    """What is looked at, again and again."""

    def __init__(self, call: Call, target: str, *, is_whole: bool) -> None:
        self._call = call
        self._target = target
        self._is_whole = is_whole
        """One run with all of its queue ids, however it ended."""
        self._link = call.link()
        self._body = b""
        self._runs: list[Run] = []

    def look(self) -> None:
        """Ask the daemon. Raises GavelqError."""
        flag = query([("processes", int(self._call.is_json))])[1:]
        reply = self._link.send("GET", self._target + flag)
        found: dict[str, Any] = lean.loads(reply.body)
        self._body = reply.body
        self._runs = latest(found["schedulers"]) if "schedulers" in found else [found]
        if self._is_whole and found["run"] is not None:
            self._target = f"/api/scheduler/run/{found['run']}?"  # its configuration may move, or run again

    def show(self) -> None:
        """Print it once."""
        if self._call.is_json:
            print_body(self._body)
        elif not self._call.is_terminal:
            print_table([Column(title) for title in WHOLE], whole_rows(self._runs))
        else:
            say("\n".join(self._lines()))

    def _lines(self, away_s: float = 0.0) -> list[str]:
        lines = block(self._runs, is_whole=self._is_whole, now=time.time())
        if not lines:
            lines = ["no command file runs, and no configuration has run; start one with: gavelq file start N"]
        if away_s:
            told = f"the daemon has been away for {away_s:.0f} s; this is how it was before"
            lines.insert(0, shorten(safe(told), terminal_columns(sys.stdout) - 1))  # what is cut off is the end
        return lines

    def follow(self, signals: Interrupts) -> int:
        """Until all runs that are shown are over; 0. Raises Signalled, and GavelqError where the daemon stays away."""
        with signals.open():
            self.look()
        if self._call.is_json or not live.is_possible():
            return self._print_changes(signals)
        with live.LiveBlock() as drawing:
            drawing.draw(self._lines())
            while any(is_live(run) for run in self._runs):
                self._again(signals, lambda away_s: drawing.draw(self._lines(away_s)))
                drawing.draw(self._lines())
        return 0

    def _print_changes(self, signals: Interrupts) -> int:
        """For those who read what was printed: a block, or a document, for each change."""
        shown = None
        while True:
            now = fingerprint(self._runs)
            if now != shown:
                if shown is not None and not self._call.is_json:
                    say("")
                if self._call.is_json:
                    print_document(lean.loads(self._body))
                else:
                    self.show()
                sys.stdout.flush()
                shown = now
            if not any(is_live(run) for run in self._runs):
                return 0
            self._again(signals, lambda _: None)

    def _again(self, signals: Interrupts, tell_away: Callable[[float], None]) -> None:
        """Look again after a while. A daemon that restarts has time to come back; raises what keeps it away."""
        gone_at: float | None = None
        while True:
            with signals.open():
                time.sleep(EVERY_S)
                try:
                    self.look()
                    return
                except GavelqError as error:
                    now = time.monotonic()
                    gone_at = now if gone_at is None else gone_at
                    if error.http_status < 500 or now - gone_at >= RESTART_S:
                        raise
            tell_away(time.monotonic() - gone_at + EVERY_S)
