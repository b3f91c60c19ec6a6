"""Times in a task's history are told in the reader's own zone, as all others of `task info` are."""

from tests.cli.conftest import Shell
from tests.cli.fake_daemon import FakeDaemon, task


def test_the_time_of_the_next_try_is_local_like_that_of_the_event(shell: Shell, fake: FakeDaemon) -> None:
    retrying = {
        "at": "2026-01-31T12:00:00.000000Z",
        "event": "retrying",
        "by": "",
        "details": {"attempt": 1, "retry_at": "2026-01-31T12:10:00.250000Z"},
    }
    ended = task(7, state="failed", end_reason="exit_nonzero", exit_code=3, pending_reason=None)
    fake.gives("/api/tasks/7", {**ended, "attempts": [], "events": [retrying]})
    shown = shell.run("task", "info", "7", env=shell.env(TZ="CST-8")).stdout
    assert "  2026-01-31 20:00:00  retrying attempt=1 retry_at=2026-01-31 20:10:00" in shown.splitlines()
