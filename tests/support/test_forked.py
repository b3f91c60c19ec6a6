"""What `forked.py` starts is like what was executed: tests rely on it everywhere."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gavelq.testing.waiting import wait_until
from tests.support import forked
from tests.support.daemon import box, is_alive
from tests.support.forked import Forked

ROOT = Path(__file__).parents[2]
ENV = {name: value for name, value in os.environ.items() if not name.startswith("GAVELQ_")}


@pytest.mark.parametrize(
    "words",
    [
        ("--version",),
        (),
        ("nonsense",),
        ("queue", "list"),
        ("queue", "--help"),
        ("submit", "--no-such-option"),
        ("file", "check", "-"),
    ],
)
def test_a_command_says_and_returns_what_an_executed_one_does(words: tuple[str, ...], tmp_path: Path) -> None:
    env = {**ENV, "GAVELQ_HOME": str(tmp_path / "h"), "GAVELQ_DAEMON_AUTOSTART": "false"}
    text = "tasks: [{cmd: 'echo ä'}]\n"
    one, other = (
        forked.run(words, env=env, cwd=str(tmp_path), stdin=text, is_executed=is_executed)
        for is_executed in (False, True)
    )
    assert (one.returncode, one.stdout, one.stderr) == (other.returncode, other.stdout, other.stderr)


def test_a_daemon_is_a_process_of_its_own() -> None:
    with box(env={"GAVELQ_SUBMIT_SECRET_PATTERNS": "['X*']"}) as instance:
        process = instance.process
        assert isinstance(process, Forked)
        assert instance.get("/api/daemon")["pid"] == process.pid == os.getsid(process.pid)
        assert os.readlink(f"/proc/{process.pid}/cwd") == "/"
        assert os.readlink(f"/proc/{process.pid}/fd/2") == str(instance.home / "daemon.err")
        settings = {row["name"]: row["value"] for row in instance.get("/api/config")}
        assert settings["submit.secret_patterns"] == ["X*"], "its environment is its own"
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        instance.kill()
        assert (process.poll(), process.wait()) == (-signal.SIGKILL, -signal.SIGKILL)
        process.send_signal(signal.SIGTERM)  # nobody is there, so nobody else gets it
        instance.start()
        assert instance.stop() == 0


def test_it_stays_a_zombie_until_somebody_has_seen_its_end(tmp_path: Path) -> None:
    with open(tmp_path / "out", "wb") as out:
        process = forked.start(("--version",), env=ENV, cwd="/", stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    wait_until(lambda: not is_alive(process.pid), what="it ends")
    assert os.path.exists(f"/proc/{process.pid}"), "until then its pid is not given to another process"
    assert process.wait() == 0
    assert not os.path.exists(f"/proc/{process.pid}")


def test_what_is_read_before_main_is_executed(tmp_path: Path) -> None:
    another = "POSIX" if ENV.get("LC_ALL") == "C" else "C"
    for env, is_forked in [(ENV, True), ({**ENV, "LD_PRELOAD": ""}, False), ({**ENV, "LC_ALL": another}, False)]:
        with open(tmp_path / "out", "wb") as out:
            process = forked.start(("--version",), env=env, cwd="/", stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        assert process.wait(30) == 0
        assert isinstance(process, Forked) == is_forked


_USER = """
import os, sys
from tests.support import forked
out = sys.stderr
command = forked.start(("file", "check", "-"), env=dict(os.environ), cwd="/", stdin=0, stdout=out, stderr=out)
print(forked._server()._process.pid, command.pid, flush=True)
command.wait()
"""


def test_the_forking_process_ends_with_whom_it_serves_and_so_does_what_it_forked() -> None:
    user = subprocess.Popen(
        [sys.executable, "-c", _USER], cwd=ROOT, env=ENV, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with user:
        assert user.stdout is not None
        pids = [int(pid) for pid in user.stdout.readline().split()]
        assert all(map(is_alive, pids)), "the command waits for the rest of its file"
        user.kill()
        wait_until(lambda: not any(map(is_alive, pids)), what="the forking process and the command end")
