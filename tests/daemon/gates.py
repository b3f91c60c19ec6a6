"""Tasks that end when a test says so, and not when a busy machine gets to it."""

from pathlib import Path

from tests.support.daemon import Box, Json


class Gate:
    """A file that a task waits for."""

    def __init__(self, instance: Box, name: str = "gate") -> None:
        self.path: Path = instance.home / name

    def command(self, exit_code: int, before: str = "") -> str:
        """A command line that waits and then exits with that code."""
        return f"{before}until [ -e {self.path} ]; do sleep 0.02; done; exit {exit_code}"

    def open(self) -> None:
        """Let the task end."""
        self.path.touch()

    def close(self) -> None:
        """For the next task."""
        self.path.unlink(missing_ok=True)


def begin(instance: Box, command: str, **fields: object) -> Json:
    """A task that runs: its command must not end by itself."""
    return instance.wait(instance.submit(command, **fields), "running")
