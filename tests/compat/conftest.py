"""One daemon for a module's tests, and the words with which they talk to it."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, box


class Person:
    """Somebody at a shell: types commands, reads answers."""

    def __init__(self, box: Box) -> None:
        self.box = box

    def types(self, *words: str, **more: Any) -> "subprocess.CompletedProcess[str]":
        """One command line, whatever comes of it."""
        return self.box.cli(*words, **more)

    def does(self, *words: str) -> str:
        """A command line that must succeed; what it printed."""
        done = self.box.cli(*words)
        assert done.returncode == 0, f"{words}: {done.returncode} {done.stderr}"
        return done.stdout

    def asks(self, *words: str) -> Any:
        """The JSON answer of a command line that must succeed."""
        at = words.index("--") if "--" in words else len(words)
        return json.loads(self.does(*words[:at], "-o", "json", *words[at:]))

    def fails(self, code: int, *words: str) -> str:
        """A command line that must be refused with this exit code; what it said."""
        done = self.box.cli(*words)
        assert (done.returncode, done.stdout) == (code, ""), f"{words}: {done.returncode} {done.stdout} {done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stderr

    def submits(self, *words: str) -> int:
        """A task; its id."""
        return int(self.asks("submit", *words)["id"])

    def waits_for(self, task_id: int, *states: str) -> Any:
        """The task, as soon as it is in one of these states (default: any end)."""
        return self.box.wait(task_id, *states)

    def ends(self, *task_ids: int) -> None:
        """Ends tasks that may still be there, so that the next test finds an idle machine."""
        self.types("task", "kill", *map(str, task_ids))
        for task_id in task_ids:
            self.box.wait(task_id)

    def pretends(self, **faults: Any) -> None:
        """Trouble with the simulated cards: lost, utilization, foreign."""
        path = self.box.home / "state" / "simulated" / "faults.json"
        path.with_suffix(".new").write_text(json.dumps(faults))
        path.with_suffix(".new").replace(path)

    def sees(self, what: str, *words: str, key: str, value: object) -> None:
        """Waits until a field of a JSON answer is as expected."""
        wait_until(lambda: self.asks(*words)[key] == value, 60, what)


@pytest.fixture(scope="module")
def someone() -> Iterator[Person]:
    """A person with an instance of four simulated GPUs; tests leave it idle and as they found it."""
    with box() as instance:
        yield Person(instance)
