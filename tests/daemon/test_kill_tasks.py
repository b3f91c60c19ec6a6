"""Killing a task kills all of it (SPEC section 10, promise 4), and a stop with --kill-tasks leaves nothing behind."""

import sys

from gavelq.testing.waiting import wait_until
from tests.daemon.gates import begin
from tests.support.daemon import Box, alive_with, box

ESCAPE = """
import os, sys, time
for _ in range(2):
    if os.fork(): os._exit(0) if _ else None
    os.setsid()
os.execve("/bin/sleep", ["sleep", sys.argv[1]], {})
"""


def _escaping(seconds: str) -> str:
    """A command that starts one process twice forked, in sessions of its own, without any environment; and stays."""
    return f"{sys.executable} - {seconds} <<'END' & sleep {seconds}\n{ESCAPE}\nEND"


def test_a_task_that_double_forks_calls_setsid_and_clears_its_environment_is_killed_whole(daemon: Box) -> None:
    task = begin(daemon, _escaping("79.1"))
    wait_until(lambda: len(alive_with("79.1")) >= 3, what="the escaped process runs as well")
    daemon.post(f"/api/tasks/{task['id']}/kill")
    assert daemon.wait(task["id"])["state"] == "cancelled"
    assert not alive_with("79.1")


def test_what_a_task_leaves_behind_is_ended_with_it_and_its_gpu_is_free(daemon: Box) -> None:
    task = daemon.wait(daemon.submit("setsid sleep 79.2 & exit 3", gpu_count=4))
    assert task["exit_code"] == 3
    assert not alive_with("79.2")
    assert daemon.wait(daemon.submit("true", gpu_count=4))["state"] == "completed"


def test_a_task_that_ignores_term_is_killed_after_the_grace_time(daemon: Box) -> None:
    task_id = daemon.submit("trap 'echo heard' TERM; echo ready; while :; do sleep 0.05; done")
    daemon.wait_log(task_id, "ready")
    daemon.post(f"/api/tasks/{task_id}/kill")
    assert daemon.state(task_id) == "stopping"
    task = daemon.wait(task_id)
    assert (task["state"], task["end_reason"], task["signal"]) == ("cancelled", "cancelled_by_user", 9)
    assert "heard" in daemon.log(task_id)


def test_a_stopped_process_is_killed_too(daemon: Box) -> None:
    task_id = daemon.submit("echo ready; kill -STOP $$; sleep 79.3")
    daemon.wait_log(task_id, "ready")
    daemon.post(f"/api/tasks/{task_id}/kill", {"signal": "KILL"})
    assert daemon.wait(task_id)["state"] == "cancelled"


def test_stop_with_kill_tasks_ends_and_records_everything_before_the_daemon_is_gone() -> None:
    with box() as instance:
        polite = [begin(instance, "sleep 79.4")["id"] for _ in range(2)]
        deaf = instance.submit("trap '' TERM; echo ready; while :; do sleep 0.05; done")
        instance.wait_log(deaf, "ready")
        waiting = instance.submit("true", gpu_count=4)
        done = instance.cli("daemon", "stop", "--kill-tasks")
        assert done.returncode == 0, done.stderr
        assert not alive_with("79.4")
        story = (instance.home / "state" / "daemon.log").read_text().splitlines()
        n_before_stop = next(i for i, line in enumerate(story) if '"event": "stopped"' in line)
        for task_id in (*polite, deaf):
            assert any(
                '"event": "ended"' in line and f'"task": {task_id},' in line and "daemon_stopped" in line
                for line in story[:n_before_stop]
            )
        instance.start()
        for task_id in (*polite, deaf):
            task = instance.task(task_id)
            assert (task["state"], task["end_reason"]) == ("aborted", "daemon_stopped")
        assert instance.wait(waiting)["state"] == "completed", "what waited goes on waiting, for the next daemon"


def test_nothing_starts_any_more_once_a_stop_with_kill_tasks_has_begun() -> None:
    with box() as instance:
        tasks = [{"command": ": 79.5; sleep 0.0$((RANDOM % 9)); exit 1", "workdir": "/tmp"}] * 100
        instance.post("/api/submissions", {"tasks": tasks, "base": {"env": {"PATH": instance.env["PATH"]}}})
        wait_until(lambda: instance.get("/api/daemon")["counts"]["failed"] > 5, what="tasks come and go")
        instance.post("/api/daemon/stop", {"kill_tasks": True})
        assert instance.process is not None
        assert instance.process.wait(20) == 0
        assert not alive_with("79.5")
        story = (instance.home / "state" / "daemon.log").read_text().splitlines()
        stopping = next(i for i, line in enumerate(story) if '"event": "stop requested"' in line)
        assert not [line for line in story[stopping:] if '"event": "placed"' in line]
        instance.start()
