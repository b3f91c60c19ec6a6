"""Starting the daemon in the background, for `daemon init`, `daemon restart` and a `submit` that finds none."""

import os
import subprocess
import sys
import time
from typing import Any

from gavelq import paths
from gavelq.cli.call import Call
from gavelq.cli.output.text import say
from gavelq.cli.settings import setting
from gavelq.client.address import Address
from gavelq.client.http import Link
from gavelq.core.errors import DaemonUnreachable, GavelqError, StoreUnavailable, TimedOut, WrongState

START_TIMEOUT_S = 30.0
_POLL_S = 0.02
_LATE_WINNER_S = 3.0
_MAX_OUTPUT = 1 << 20
_TAIL_LINES = 15


class StartFailed(GavelqError):
    """the daemon ended while it was starting (exit code {exit_code}): {output}"""

    code = "start_failed"
    hint = "all of its output is in {path}; `gavelq config check` looks at the configuration"


def autostart(call: Call, error: Exception) -> bool:
    """Start the daemon because `error` says that nobody answers; False where that is not so or not wanted."""
    address = call.address()
    if not isinstance(error, DaemonUnreachable) or address.socket is None or not setting(call, "daemon.autostart"):
        return False
    daemon = start(call, address)
    say(f"started the daemon (pid {daemon['pid']}, socket {daemon.get('socket') or address.socket})", sys.stderr)
    return True


def running(address: Address) -> "dict[str, Any] | None":
    """The daemon object of whoever answers there; None where nobody does. Raises what it answers with."""
    try:
        found: dict[str, Any] = Link(address).fetch("GET", "/api/daemon", timeout_s=10)
    except DaemonUnreachable:
        return None
    return found


def start(call: Call, address: Address) -> "dict[str, Any]":
    """Start a daemon, wait until it answers, and return its daemon object.

    Raises StartFailed with the end of its output, TimedOut after 30 s, StoreUnavailable for a state directory that
    cannot be made.
    """
    place = paths.resolve(os.environ, config=call.config, socket=address.socket)
    output = os.path.join(place.state, "daemon.out")
    try:
        os.makedirs(place.state, mode=0o700, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        is_long = os.path.exists(output) and os.path.getsize(output) > _MAX_OUTPUT
        out = os.open(output, flags | (os.O_TRUNC if is_long else 0), 0o600)
    except OSError as error:
        hint = f"make room or give yourself the right to write to {place.state}, or name another place with GAVELQ_HOME"
        raise StoreUnavailable(why=f"{error.filename}: {error.strerror}", hint=hint) from None
    try:
        begin = os.fstat(out).st_size
        child = _spawn(call, out)
    finally:
        os.close(out)
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        daemon = running(address)
        if daemon is not None:
            if daemon.get("pid") != child.pid:
                # Somebody else's was first. Ours would wait for nothing but that one's end, and then take its place.
                child.terminate()
                child.wait()
            return daemon
        code = child.poll()
        if code is not None:
            return _after_death(address, code, output, begin)
        if time.monotonic() > deadline:
            raise TimedOut(
                timeout_s=f"{START_TIMEOUT_S:g}",
                what=f"the daemon (pid {child.pid}) does not answer at {address}",
                hint=f"its output is in {output}",
            )
        time.sleep(_POLL_S)


def _spawn(call: Call, out: int) -> "subprocess.Popen[bytes]":
    # -P: the working directory of whoever starts the daemon must not decide which code it runs.
    command = [sys.executable, "-P", "-m", "gavelq.cli.main", "daemon", "run"]
    if call.config:
        command += ["--config", os.path.abspath(call.config)]
    if call.socket:
        command += ["--socket", os.path.abspath(call.socket)]
    env = {name: value for name, value in os.environ.items() if name not in _OF_A_TASK}
    # The daemon works in another directory, where a relative path would make it another instance.
    env.update({name: os.path.abspath(env[name]) for name in _PLACES if env.get(name)})
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/", env=env, start_new_session=True
    )


_OF_A_TASK = frozenset({"GAVELQ_TASK_ID", "GAVELQ_ATTEMPT", "GAVELQ_QUEUE", "GAVELQ_GPUS", "CUDA_VISIBLE_DEVICES"})
"""What a task's environment says about the task; the daemon is not one."""
_PLACES = (
    "GAVELQ_HOME", "GAVELQ_CONFIG", "GAVELQ_SOCKET", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR",
)  # fmt: skip
"""What names the paths of an instance (`paths.resolve`)."""


def _after_death(address: Address, code: int, output: str, begin: int) -> "dict[str, Any]":
    """Our daemon ended. Two commands may have started one at the same time: then the other one answers soon."""
    deadline = time.monotonic() + (_LATE_WINNER_S if code == WrongState.exit_code else 0)
    last = tail(output, begin)
    while time.monotonic() < deadline:
        daemon = running(address)
        if daemon is not None:
            return daemon
        time.sleep(_POLL_S)
    shown = last.replace("\n", "\n  ") or "it said nothing"
    raise StartFailed(exit_code=code, output=f"\n  {shown}", path=output)


def tail(path: str, begin: int) -> str:
    """The last lines of a file behind byte `begin`."""
    with open(path, "rb") as file:
        file.seek(begin)
        text = file.read().decode("utf-8", "replace").strip()
    return "\n".join(text.splitlines()[-_TAIL_LINES:])
