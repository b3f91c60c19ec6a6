"""A command on a terminal of its own, with a person who reads before typing."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping

CONTROL_C = "\x03"


class Terminal:
    """A session on a pseudo-terminal: the keyboard's signals reach whoever is in the foreground."""

    def __init__(self, *words: str, env: Mapping[str, str], cwd: str = "/tmp") -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
        self.shown = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gavelq", *words],
            env={**env, "TERM": "xterm", "PS1": "$ "},
            cwd=cwd,
            preexec_fn=lambda: os.login_tty(theirs),  # noqa: PLW1509  # this process has no threads that hold locks
            close_fds=True,
            pass_fds=(theirs,),
        )
        os.close(theirs)

    def read_until(self, text: str, timeout_s: float = 60) -> str:
        """Everything that was shown up to this text, which must come; what is shown later is kept for later."""
        deadline = time.monotonic() + timeout_s
        while text not in self.shown:
            assert time.monotonic() < deadline, f"{text!r} did not come; there was {self.shown!r}"
            assert self._read(0.2), f"{text!r} did not come before the end; there was {self.shown!r}"
        before, _, self.shown = self.shown.partition(text)
        return before + text

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self._ours, text.encode())

    def end(self, timeout_s: float = 60) -> int:
        """Until the command has ended; its exit code."""
        deadline = time.monotonic() + timeout_s
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it goes on; there was {self.shown!r}"
            self._read(0.05)
        while self._read(0):
            continue
        return self.process.returncode

    def close(self) -> None:
        """Hang up, as a closed window does."""
        os.close(self._ours)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def _read(self, timeout_s: float) -> bool:
        """Take in what is shown; False where nothing can come any more, or (without a time) nothing is there."""
        if not select.select([self._ours], [], [], timeout_s)[0]:
            return timeout_s > 0
        try:
            more = os.read(self._ours, 65536)
        except OSError:  # EIO: the other side has gone
            return False
        self.shown += more.decode(errors="replace")
        return bool(more)
