"""An instance of its own for each test, with a fake daemon behind its socket."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.fake_daemon import FakeDaemon
from tests.support import forked


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """Runs gavelq as a process of its own, in an instance of its own."""

    home: Path
    workdir: Path

    @property
    def socket(self) -> Path:
        """The instance's socket."""
        return self.home / "run" / "gavelq.sock"

    def env(self, **more: str) -> dict[str, str]:
        """A small environment that points at the instance. No test starts a daemon unless it says so."""
        names = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH")
        kept = {name: os.environ[name] for name in names if name in os.environ}
        ours = {"GAVELQ_HOME": str(self.home), "GAVELQ_DAEMON_AUTOSTART": "false", "PYTHONDONTWRITEBYTECODE": "1"}
        return {**kept, **ours, **more}

    def run(
        self, *words: str, env: dict[str, str] | None = None, stdin: str = "", timeout_s: float = 60
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command line to its end."""
        return forked.run(words, env=env or self.env(), cwd=str(self.workdir), stdin=stdin, timeout_s=timeout_s)


@pytest.fixture
def shell() -> Iterator[Shell]:
    """An instance without a daemon, in a directory short enough for a socket."""
    root = Path(tempfile.mkdtemp(prefix="gq-"))
    (root / "work").mkdir()
    yield Shell(home=root / "h", workdir=root / "work")
    shutil.rmtree(root)


@pytest.fixture
def fake(shell: Shell) -> Iterator[FakeDaemon]:
    """A fake daemon that listens on the instance's socket."""
    with FakeDaemon(shell.socket) as found:
        yield found
