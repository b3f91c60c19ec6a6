"""`gavelq service`: the daemon as a systemd user unit."""

from __future__ import annotations

import getpass
import os
import sys

import click

from gavelq.cli.base import Command, Group, pass_call
from gavelq.cli.call import Call
from gavelq.cli.output.document import print_document
from gavelq.cli.output.text import safe, say
from gavelq.core.errors import StoreUnavailable, WrongState

UNIT = "gavelq.service"
_PASSED_ON = ("GAVELQ_HOME", "GAVELQ_CONFIG", "GAVELQ_SOCKET", "XDG_CONFIG_HOME", "XDG_STATE_HOME")
"""What decides which instance a daemon is; systemd starts it with an environment of its own."""


@click.group(cls=Group)
def service() -> None:
    """Let systemd start the daemon."""


@service.command("install", cls=Command)
@click.option("--print", "is_printed", is_flag=True, help="Only print the unit.")
@click.option("--force", is_flag=True, help="Replace a unit that says something else.")
@pass_call
def install(call: Call, is_printed: bool, force: bool) -> int:
    """Write a systemd user unit for the daemon, and tell how to switch it on. systemctl itself is not called."""
    text = unit_text(call)
    if is_printed:
        say(text.rstrip("\n"))
        return 0
    root = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    path = os.path.join(os.path.abspath(root), "systemd", "user", UNIT)
    _write(path, text, force)
    steps = ["systemctl --user daemon-reload", f"systemctl --user enable --now {UNIT}"]
    linger = f"loginctl enable-linger {getpass.getuser()}"
    if call.is_json:
        print_document({"path": path, "next": steps, "linger": linger})
        return 0
    say(safe(f"wrote {path}"))
    say("switch it on:")
    for step in steps:
        say(f"  {step}")
    say(f"to keep it running after you log out:\n  {safe(linger)}")
    return 0


def unit_text(call: Call) -> str:
    """The unit (systemd.service(5)). KillMode=process: tasks are the runner's and go on when the daemon stops."""
    command = [sys.executable, "-P", "-m", "gavelq.cli.main", "daemon", "run"]
    if call.config:
        command += ["--config", os.path.abspath(call.config)]
    if call.socket:
        command += ["--socket", os.path.abspath(call.socket)]
    passed = [f"{name}={os.path.abspath(os.environ[name])}" for name in _PASSED_ON if os.environ.get(name)]
    lines = [
        "[Unit]",
        "Description=gavelq, a GPU task scheduler",
        "",
        "[Service]",
        "Type=exec",
        "ExecStart=" + " ".join(quoted(word, is_command=True) for word in command),
        *(f"Environment={quoted(pair)}" for pair in passed),
        "WorkingDirectory=/",
        "KillMode=process",
        "Restart=on-failure",
        "RestartSec=2",
        "",
        "[Install]",
        "WantedBy=default.target",
    ]
    return "\n".join(lines) + "\n"


def quoted(word: str, *, is_command: bool = False) -> str:
    """One word of a unit file: `%` and, in commands, `$` stand for themselves only when doubled (systemd.syntax(7))."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("%", "%%")
    if is_command:
        text = text.replace("$", "$$")
    is_plain = all(char.isalnum() or char in "/._-=:+@,%$" for char in text)
    return text if text and is_plain else f'"{text}"'


def _write(path: str, text: str, force: bool) -> None:
    try:
        with open(path, encoding="utf-8") as file:
            found = file.read()
    except FileNotFoundError:
        found = None
    except (OSError, UnicodeDecodeError) as error:
        raise StoreUnavailable(f"{path} cannot be read: {error}", hint="look at that file") from None
    if found == text:
        return
    if found is not None and not force:
        raise WrongState(
            what=path,
            state="there already",
            problem="and says something else; nothing was changed",
            hint="compare it with `gavelq service install --print`, or replace it with --force",
        )
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        temporary = f"{path}.new"
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be written: {error.strerror}", hint="check its directory") from None
