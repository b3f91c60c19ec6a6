"""A command on a pseudo-terminal of 80 columns, as a person sees it."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass

from tests.cli.conftest import Shell


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What was shown, and the exit code."""

    text: str
    code: int

    @property
    def lines(self) -> list[str]:
        """The lines that were shown."""
        return self.text.replace("\r\n", "\n").split("\n")


def on_terminal(
    shell: Shell, *words: str, typed: str = "", columns: int = 80, timeout_s: float = 30, **env: str
) -> Screen:
    """Run gavelq on a terminal; `typed` is what the person types."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen(
        [sys.executable, "-m", "gavelq", *words],
        env=shell.env(TERM="xterm", **env),
        cwd=shell.workdir,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    if typed:
        os.write(ours, typed.encode())
    shown = b""
    deadline = time.monotonic() + timeout_s
    try:
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 0.2)[0]:
                continue
            try:
                more = os.read(ours, 65536)
            except OSError:  # EIO: the other side has gone
                break
            if not more:
                break
            shown += more
        code = child.wait(timeout=60)
    finally:
        child.kill()
        child.wait()
        os.close(ours)
    return Screen(text=shown.decode(), code=code)
