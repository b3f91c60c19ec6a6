"""`gavelq ui`: the web console, for whoever may use this daemon, without a password."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from gavelq.cli import browser
from gavelq.cli.base import Command, pass_call
from gavelq.cli.call import Call
from gavelq.cli.output.document import print_document
from gavelq.cli.output.text import safe, say
from gavelq.client.address import Address
from gavelq.client.http import Link
from gavelq.core.errors import DaemonUnreachable, GavelqError


@click.command("ui", cls=Command)
@click.option("--no-browser", "--no-open", "no_browser", is_flag=True, help="Print the link, and open nothing.")
@pass_call
def ui(call: Call, no_browser: bool) -> int:
    """Open the web console by a link that is good once, within a minute.

    Starts the daemon where none runs, and lets it listen on this machine's loopback where it does not yet. Over ssh it
    prints the command that forwards the port, and the link. With -o json nothing is opened.
    """
    link = call.link()
    try:
        daemon = link.fetch("GET", "/api/daemon")
    except DaemonUnreachable as error:
        from gavelq.cli.start import autostart

        if not autostart(call, error):
            raise
        daemon = link.fetch("GET", "/api/daemon")
    base, is_new = _base(link, call.address(), daemon)
    made = link.fetch("POST", "/api/login/link", {})
    place = browser.place_of(base, os.environ)
    url = place.url + made["url_path"]
    is_wanted = not no_browser and not call.is_json and place.forward is None
    is_opened = is_wanted and browser.open_page(call, url)
    if call.is_json:
        print_document({"url": url, "expires_at": made["expires_at"], "http": base, "forward": place.forward})
        return 0
    if is_new:
        note = f"the daemon listens on {base} until it ends; to keep it: gavelq config set http.listen {_address(base)}"
        say(safe(note), sys.stderr)
    _tell(url, place.forward, is_opened=is_opened)
    return 0


def _tell(url: str, forward: str | None, *, is_opened: bool) -> None:
    """The link alone goes to the standard output."""
    if forward is not None:
        say("on the computer that you sit at, type", sys.stderr)
        say(safe(f"  {forward}"), sys.stderr)
        say("and open there, within a minute (once):", sys.stderr)
    elif is_opened:
        say("opening the console; if no browser appears, open this within a minute (once):", sys.stderr)
    else:
        say("open this within a minute (once):", sys.stderr)
    say(safe(url))


def _base(link: Link, address: Address, daemon: dict[str, Any]) -> tuple[str, bool]:
    """Where the daemon answers over TCP, and whether it does so only since now."""
    if address.socket is None:
        return str(address), False
    if daemon["http"]:
        return str(daemon["http"]), False
    try:
        opened = link.fetch("POST", "/api/daemon/listen", {})
    except GavelqError as error:
        if error.code != "not_allowed":
            raise
        hint = "ask its owner for: gavelq config set http.listen 127.0.0.1:8080, and gavelq daemon restart"
        raise GavelqError(
            "the daemon has no address for browsers, and only its owner can open one", hint=hint
        ) from None
    return str(opened["http"]), bool(opened["opened"])


def _address(base: str) -> str:
    return base.partition("://")[2]
