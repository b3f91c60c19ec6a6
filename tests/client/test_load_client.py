"""examples/client.py against a real daemon: what it counts is what the daemon has."""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

from gavelq import Client
from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, box

EXAMPLE = Path(__file__).parents[2] / "examples" / "client.py"


def load(real: Box, *words: str, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(EXAMPLE), "-o", "json", *words]
    env = {**real.env, **(env or {})}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=110, check=False)


def test_tasks_are_submitted_over_http_and_waited_for(real: Box, tmp_path: Path) -> None:
    token = (real.home / "state" / "admin.token").read_text().strip()
    words = ["--api", real.get("/api/daemon")["http"], "--tasks", "30", "--gpus", "0", "--concurrency", "8", "--wait"]
    done = load(real, *words, "--ids", str(tmp_path / "ids"), env={"GAVELQ_TOKEN": token})
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["n_submitted"], summary["n_refused"], summary["ended"]) == (30, 0, {"completed": 30})
    ids = [int(line) for line in (tmp_path / "ids").read_text().split()]
    assert len(set(ids)) == 30
    assert {real.state(task_id) for task_id in ids} == {"completed"}
    assert sorted(summary["latency_ms"]) == ["max", "p50", "p95", "p99"]


def test_refusals_are_counted_by_their_code(real: Box) -> None:
    done = load(real, "--tasks", "3", "--gpus", "64")
    assert done.returncode == 1
    summary = json.loads(done.stdout)
    assert (summary["n_submitted"], summary["refused"]) == (0, {"infeasible": 3})
    assert "can never start here" in summary["reasons"]["infeasible"]


def test_a_wrong_token_is_told(real: Box) -> None:
    url = real.get("/api/daemon")["http"]
    done = load(real, "--api", url, "--tasks", "3", env={"GAVELQ_TOKEN": "wrong"})
    assert json.loads(done.stdout)["refused"] == {"unauthenticated": 3}


def test_what_cannot_be_done_is_told_before_anything_is_submitted(real: Box, tmp_path: Path) -> None:
    before = len(real.get("/api/tasks"))
    for words, says in ((("--ids", str(tmp_path / "no" / "ids")), "--ids"), (("--seconds", "0"), "--seconds")):
        done = load(real, "--tasks", "3", *words)
        assert done.returncode == 2
        assert says in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr
    assert len(real.get("/api/tasks")) == before


def test_nobody_there_is_told_at_once(real: Box, tmp_path: Path) -> None:
    done = load(real, "--tasks", "3", env={"GAVELQ_HOME": str(tmp_path)})
    assert done.returncode == 5
    assert "daemon is not running" in done.stderr


def test_nothing_acknowledged_is_lost_when_the_daemon_is_killed(tmp_path: Path) -> None:
    with box(n_gpus=1) as own:
        words = ["--seconds", "6", "--concurrency", "20", "--gpus", "0", "--hold", "--ids", str(tmp_path / "ids")]
        found: list[subprocess.CompletedProcess[str]] = []
        thread = threading.Thread(target=lambda: found.append(load(own, *words)))
        thread.start()
        # Each of the 20 hands in one after another: with 50 taken, the load has heard of 30 at least.
        wait_until(lambda: len(own.get("/api/tasks?limit=50")) == 50, 60, "the load has begun")
        own.kill()
        own.start()
        thread.join(110)
        (done,) = found
        assert done.returncode == 0, done.stderr
        ids = [int(line) for line in (tmp_path / "ids").read_text().split()]
        assert len(set(ids)) == len(ids) == json.loads(done.stdout)["n_submitted"]
        known = {task["id"] for task in Client(socket=own.socket).tasks()}
        # None is lost, and with its key none is made twice.
        assert known == set(ids)


def test_an_interrupted_load_tells_what_it_did(real: Box) -> None:
    command = [sys.executable, str(EXAMPLE), "-o", "json", "--seconds", "60", "--gpus", "0", "--hold"]
    process = subprocess.Popen(command, env=real.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        wait_until(lambda: len(real.get("/api/tasks?state=held&limit=50")) == 50, 60, "the load is under way")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        assert json.loads(output)["n_submitted"] > 0
    finally:
        process.kill()
        process.wait(20)
