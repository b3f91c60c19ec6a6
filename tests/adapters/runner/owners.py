"""Processes that own leases in tests: they write down every signal that they get."""

import os
import subprocess
import sys
from types import TracebackType

from gavelq.adapters.procfs import ProcTable
from gavelq.core.task import ProcessIdentity

_CODE = """
import os, signal, sys
for number in set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
    signal.signal(number, lambda signum, frame: print(signum, flush=True))
print('ready', flush=True)
while sys.stdin.readline():
    pass
"""


class Owner:
    """A process of its own, in a session of its own, until the block ends or it is let go."""

    def __init__(self, **env: str) -> None:
        """`env`: what its environment holds beside the tests' own."""
        self._env = {**os.environ, **env}

    def __enter__(self) -> "Owner":
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            start_new_session=True, env=self._env,
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        found = ProcTable().identify(self.process.pid)
        assert found is not None
        self.identity: ProcessIdentity = found
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.kill()
        self.process.wait(10)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def end(self) -> str:
        """Let it end by itself; the signals that it got until then, one a line. It is not reaped before it ended."""
        assert self.process.stdout is not None
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.stdout.read()

    def become_a_zombie(self) -> None:
        """End without anybody reaping it."""
        self.end()
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
