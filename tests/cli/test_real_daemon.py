"""The command line and the SDK against a real daemon with simulated GPUs."""

import fcntl
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from gavelq.client import shapes
from gavelq.client.sdk import Client
from gavelq.core.errors import InvalidField, QueueNotFound, TimedOut, WrongState
from gavelq.testing.waiting import wait_until
from tests.cli.conftest import Shell
from tests.cli.fake_daemon import Answer, FakeDaemon, task
from tests.support.connected import is_connected
from tests.support.daemon import Box, box, is_alive


@pytest.fixture(scope="module")
def real() -> Iterator[Box]:
    """One daemon for the tests that leave it as they found it."""
    with box() as found:
        yield found


def ok(done: "subprocess.CompletedProcess[str]") -> str:
    """The output of a command that must have succeeded."""
    assert done.returncode == 0, done.stderr
    return done.stdout


def submitted(real: Box, *words: str) -> int:
    """Submit; the new task's id."""
    return int(json.loads(ok(real.cli("submit", "-o", "json", *words)))["id"])


def test_a_task_runs_with_what_it_was_given(real: Box) -> None:
    task_id = submitted(real, "-c", "2", "-e", "X=1 2", "-n", "two", 'echo "$X" $GAVELQ_GPUS; pwd; exit 3')
    done = real.cli("task", "wait", str(task_id), "--exit-code")
    assert (done.returncode, done.stdout) == (3, f"task {task_id}: failed (exit 3)\n")
    first, directory = ok(real.cli("logs", str(task_id))).splitlines()
    assert first.startswith("1 2 ")
    assert len(first.split()[2].split(",")) == 2
    assert directory == "/tmp"
    shown = ok(real.cli("task", "info", str(task_id)))
    assert "state\tfailed (exit_nonzero)\n" in shown
    assert "name\ttwo\n" in shown
    assert "ended attempt=1 exit_code=3" in shown
    assert ok(real.cli("task", "why", str(task_id))).startswith(f"task {task_id} failed")


def test_argv_and_scripts_get_their_arguments(real: Box, tmp_path: Path) -> None:
    argv = submitted(real, "-c", "0", "--", "printf", "%s|", "a b", "-c", "$HOME")
    script = tmp_path / "show.sh"
    script.write_text('#!/bin/sh\n#GAVELQ -c 0 -n shown\nprintf "%s|" "$@"\n')
    shown = submitted(real, "script", "--file", str(script), "--", "x y", "-o")
    ok(real.cli("task", "wait", str(argv), str(shown)))
    assert ok(real.cli("logs", str(argv))) == "a b|-c|$HOME|"
    assert ok(real.cli("logs", str(shown))) == "x y|-o|"
    assert real.task(shown)["name"] == "shown"


def test_a_file_of_tasks_goes_in_whole_or_not_at_all(real: Box, tmp_path: Path) -> None:
    file = tmp_path / "tasks.yaml"
    file.write_text("- cmd: 'true'\n  gpu_num: 0\n- cmd: 'true'\n  gpus_required: 0\n  queue: waiting\n")
    first, second = json.loads(ok(real.cli("submit", "json", "--file", str(file), "--queue", "running", "-o", "json")))
    assert (first["queue"], second["queue"], second["state"]) == ("running", "waiting", "held")
    file.write_text("- cmd: 'true'\n- cmd: 'true'\n  gpu_num: -1\n  nonsense: 1\n")
    before = len(real.get("/api/tasks"))
    done = real.cli("submit", "json", "--file", str(file), "--queue", "running")
    assert done.returncode == 2
    assert "tasks[1]" in done.stderr
    assert len(real.get("/api/tasks")) == before
    ok(real.cli("cancel", str(second["id"])))


def test_tasks_are_steered(real: Box) -> None:
    one = submitted(real, "-c", "0", "-q", "waiting", "sleep 60")
    assert "pending in queue running" in ok(real.cli("task", "run", str(one)))
    real.wait(one, "running")
    assert real.cli("task", "hold", str(one)).returncode == 6
    assert ok(real.cli("queue", "priority", str(one), "7")).endswith("priority 7\n")
    ok(real.cli("cancel", str(one)))
    assert real.wait(one)["state"] == "cancelled"
    two = int(json.loads(ok(real.cli("task", "rerun", str(one), "-o", "json")))["id"])
    assert two > one
    ok(real.cli("task", "kill", str(two), "--signal", "KILL"))
    real.wait(two)
    assert ok(real.cli("task", "remove", str(two))) == f"task {two}: removed\n"
    assert real.cli("task", "info", str(two)).returncode == 3


def test_a_pending_task_says_why(real: Box) -> None:
    holder = submitted(real, "-c", "4", "sleep 60")
    waiting = submitted(real, "-c", "1", "true")
    shown = ok(real.cli("task", "why", str(waiting)))
    assert f"held by task {holder}" in shown
    assert "gpu_count\tno" in shown
    assert "\tgpu_count\t" in ok(real.cli("task", "list"))
    ok(real.cli("cancel", str(holder), str(waiting)))
    real.wait(holder)


def test_gpus_and_queues_are_arranged(real: Box) -> None:
    ok(real.cli("queue", "create", "night", "--max-running", "1", "priority=3"))
    assert ok(real.cli("gpu", "allocate", "0,1", "night")).count("belongs to queue night") == 2
    assert json.loads(ok(real.cli("queue", "status", "night", "-o", "json")))["gpus"] == [0, 1]
    assert ok(real.cli("gpu", "release", "0", "-y")) == "GPU 0: released into the pool\n"
    ok(real.cli("queue", "set-limit", "night", "--max-util", "none", "--mem-type", "percentage", "--mem-value", "30"))
    assert "free_memory>=30%" in ok(real.cli("queue", "list"))
    assert "paused" in ok(real.cli("queue", "pause", "night"))
    held = submitted(real, "-q", "night", "true")
    assert ok(real.cli("queue", "merge", "--from", "night", "--to", "running")).startswith("queue running:")
    real.wait(held)
    assert real.cli("queue", "delete", "running").returncode == 6
    ok(real.cli("queue", "delete", "night"))
    assert ok(real.cli("gpu", "ignore", "2", "3")) == "GPU 2: ignored\nGPU 3: ignored\n"
    assert ok(real.cli("gpu", "unignore", "--all")) == "GPU 2: free\nGPU 3: free\n"
    assert real.cli("gpu", "info", "17").returncode == 3


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["submit", "true", "-c", "5"], 7, "5"),
        (["submit", "true", "-m", "lots"], 2, "memory"),
        (["submit", "true", "-t", "soon"], 2, "time_limit"),
        (["submit", "true", "--max-util", "101"], 2, "max_util"),
        (["submit", "true", "-q", "nowhere"], 3, "nowhere"),
        (["submit", "true", "-g", "9"], 3, "9"),
        (["submit", "true", "-w", "/no/such/dir"], 2, "/no/such/dir"),
        (["submit", ""], 2, "command"),
        (["task", "info", "99999"], 3, "99999"),
        (["queue", "create", "a b"], 2, "a b"),
        (["queue", "set", "running", "max_runing=1"], 2, "max_runing"),
        (["queue", "set", "running", "max_util=200"], 2, "max_util"),
        (["queue", "merge", "--from", "running", "--to", "running"], 6, "itself"),
    ],
)
def test_what_cannot_be_done_says_why(real: Box, words: list[str], code: int, told: str) -> None:
    done = real.cli(*words)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert told in done.stderr
    assert json.loads(real.cli(*words, "-o", "json").stderr)["error"]["code"]


def test_a_live_log_is_followed_to_its_end(real: Box) -> None:
    task_id = submitted(real, "-c", "0", "for i in 1 2 3; do echo $i; sleep 0.2; done")
    assert ok(real.cli("task", "logs", str(task_id), "--tail")) == "1\n2\n3\n"
    assert ok(real.cli("logs", str(task_id), "-t", "1")) == "3\n"


def test_a_task_that_has_not_begun_has_no_log_yet(real: Box) -> None:
    task_id = submitted(real, "--hold", "-c", "0", "echo late")
    assert real.cli("logs", str(task_id)).returncode == 3
    following = subprocess.Popen(
        [sys.executable, "-m", "gavelq", "logs", str(task_id), "-t", "3", "-f"],
        env=real.env,
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: is_connected(following.pid), what="it follows")
    ok(real.cli("task", "run", str(task_id)))
    assert following.communicate(timeout=60)[0] == "late\n"
    assert following.returncode == 0


def test_documents_have_the_shapes_that_are_promised(real: Box) -> None:
    task_id = submitted(real, "-c", "1", "true")
    real.wait(task_id)
    status = real.get("/api/status")
    documents: list[tuple[Any, Any]] = [
        (real.get("/api/tasks")[0], shapes.Task),
        (real.task(task_id), shapes.TaskDetails),
        (real.task(task_id)["attempts"][0], shapes.Attempt),
        (real.task(task_id)["events"][0], shapes.Event),
        (status["gpus"][0], shapes.Gpu),
        (status["queues"][0], shapes.Queue),
        (status["daemon"], shapes.Daemon),
        (status, shapes.Status),
        (real.get(f"/api/tasks/{task_id}/why"), shapes.Explanation),
    ]
    for document, shape in documents:
        missing = set(get_type_hints(shape)) - set(document)
        assert missing == set(), shape.__name__


def test_the_sdk_has_a_method_for_each_verb(real: Box) -> None:
    client = Client(socket=real.socket)
    task = client.submit("echo $A; exit 4", gpu_count=0, env={"A": "b", "PATH": os.environ["PATH"]}, workdir="/tmp")
    assert client.wait(task["id"], timeout_s=60)["exit_code"] == 4
    assert client.logs(task["id"]) == b"b\n" == client.logs(task["id"], tail=1)
    assert client.task(task["id"])["attempts"][0]["exit_code"] == 4
    assert client.why(task["id"])["state"] == "failed"
    held = client.submit("sleep 60", hold=True, gpu_count=0)
    with pytest.raises(TimedOut):
        client.wait(held["id"], timeout_s=0.05)
    assert client.prioritize(held["id"], 9)["priority"] == 9
    assert client.run(held["id"])["state"] != "held"
    client.kill(held["id"])
    assert client.wait(held["id"], timeout_s=60)["state"] == "cancelled"
    with pytest.raises(WrongState):
        client.hold(held["id"])
    client.remove(client.submit_all([{"command": "true", "hold": True, "workdir": "/tmp"}], key="once")[0]["id"])
    assert held["id"] in {one["id"] for one in client.tasks(states=["cancelled"])}
    assert client.create_queue("sdk", max_running=2)["max_running"] == 2
    assert client.allocate("sdk", count=1)[0]["queue"] == "sdk"
    with pytest.raises(InvalidField, match="names no GPU"):
        client.allocate("sdk", gpus=[])
    index = client.queue("sdk")["gpus"][0]
    assert client.release(index)["queue"] is None
    assert client.ignore(index)["state"] == "ignored"
    assert client.unignore(index)["state"] == "free"
    client.set_queue("sdk", paused=True)
    client.merge_queue("sdk", into="running")
    client.delete_queue("sdk")
    with pytest.raises(QueueNotFound):
        client.queue("sdk")
    assert client.status()["daemon"]["pid"] == client.daemon()["pid"]
    assert len(client.gpus()) == 4


# --- starting and stopping ---------------------------------------------------------------------------------


def instance(shell: Shell, **more: str) -> dict[str, str]:
    """An environment for daemons that commands start themselves."""
    ours = {
        "GAVELQ_DAEMON_AUTOSTART": "true",
        "GAVELQ_GPU_PROVIDER": "simulated",
        "GAVELQ_RUNNER_IDLE_EXIT_S": "0.2",
        "GAVELQ_RUNNER_GRACE_S": "1",
    }
    return shell.env(**{**ours, **more})


@pytest.fixture
def fleeting(shell: Shell) -> Iterator[Shell]:
    """A shell whose daemon, if a test starts one, is stopped with its tasks, and gone with its runner afterwards."""
    yield shell
    status = shell.run("daemon", "status", "-o", "json", env=instance(shell))
    if status.returncode == 0:
        runner = json.loads(status.stdout)["runner_pid"]
        assert shell.run("daemon", "stop", "--kill-tasks", env=instance(shell)).returncode == 0
        wait_until(lambda: runner is None or not is_alive(runner), 60, "the idle runner ends")


def test_a_daemon_is_started_seen_and_stopped(fleeting: Shell) -> None:
    env = instance(fleeting)
    assert fleeting.run("daemon", "status", env=env).returncode == 5
    assert json.loads(fleeting.run("daemon", "status", "-o", "json", env=env).stdout)["running"] is False
    started = json.loads(ok(fleeting.run("daemon", "init", "-o", "json", env=env)))
    assert started["running"] is True
    assert "is running already" in ok(fleeting.run("daemon", "init", env=env))
    assert json.loads(ok(fleeting.run("daemon", "status", "-o", "json", env=env)))["pid"] == started["pid"]
    with open(f"/proc/{started['pid']}/stat") as file:
        session = int(file.read().rpartition(") ")[2].split()[3])
    assert session == started["pid"]
    assert os.readlink(f"/proc/{started['pid']}/cwd") == "/"
    ok(fleeting.run("daemon", "stop", env=env))
    assert not is_alive(started["pid"])
    assert not fleeting.socket.exists()
    again = fleeting.run("daemon", "stop", env=env)
    assert (again.returncode, "nothing to stop" in again.stderr) == (5, True)


def test_a_restart_keeps_what_runs_and_who_waits(fleeting: Shell) -> None:
    env = instance(fleeting)
    task_id = json.loads(
        ok(fleeting.run("submit", "-o", "json", "until [ -e go ]; do sleep 0.05; done; echo done", env=env))
    )["id"]
    waiting = subprocess.Popen(
        [sys.executable, "-m", "gavelq", "task", "wait", str(task_id)],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    following = subprocess.Popen(
        [sys.executable, "-m", "gavelq", "logs", "-f", str(task_id)],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: is_connected(waiting.pid) and is_connected(following.pid), 60, "both are connected")
    before = json.loads(ok(fleeting.run("daemon", "status", "-o", "json", env=env)))["pid"]
    assert "started the daemon" in ok(fleeting.run("daemon", "restart", env=env))
    assert json.loads(ok(fleeting.run("daemon", "status", "-o", "json", env=env)))["pid"] != before
    (fleeting.workdir / "go").touch()
    assert waiting.communicate(timeout=30) == (f"task {task_id}: completed\n", "")
    assert following.communicate(timeout=30) == ("done\n", "")
    assert (waiting.returncode, following.returncode) == (0, 0)


def test_submissions_that_find_no_daemon_start_one_together(fleeting: Shell) -> None:
    env = instance(fleeting)
    done: list[subprocess.CompletedProcess[str]] = []
    threads = [
        threading.Thread(target=lambda: done.append(fleeting.run("submit", "-c", "0", "true", env=env)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.returncode for one in done] == [0, 0, 0], [one.stderr for one in done]
    assert any("started the daemon (pid " in one.stderr for one in done)
    assert sorted(int(one.stdout.split()[1]) for one in done) == [1, 2, 3]


def test_autostart_can_be_switched_off(fleeting: Shell) -> None:
    done = fleeting.run("submit", "true", env=instance(fleeting, GAVELQ_DAEMON_AUTOSTART="false"))
    assert done.returncode == 5
    assert "gavelq daemon init" in done.stderr
    fleeting.home.mkdir(exist_ok=True)
    (fleeting.home / "config.yaml").write_text("daemon:\n  autostart: false\n")
    from_file = instance(fleeting)
    del from_file["GAVELQ_DAEMON_AUTOSTART"]
    assert fleeting.run("submit", "true", env=from_file).returncode == 5
    assert not fleeting.socket.exists()


def test_a_daemon_that_cannot_start_says_why(fleeting: Shell) -> None:
    fleeting.home.mkdir()
    (fleeting.home / "run").write_text("in the way")
    done = fleeting.run("daemon", "init", env=instance(fleeting))
    assert done.returncode == 1
    assert str(fleeting.home / "run") in done.stderr
    assert "daemon.out" in done.stderr
    (fleeting.home / "run").unlink()


def test_a_log_that_cannot_be_written_is_a_mistake_of_its_setting(fleeting: Shell) -> None:
    done = fleeting.run("daemon", "init", env=instance(fleeting, GAVELQ_LOG_PATH=str(fleeting.workdir)))
    assert f"log.path: {fleeting.workdir} cannot be written: Is a directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_setting_that_the_daemon_may_not_be_told_of_is_told_as_written(fleeting: Shell) -> None:
    env = instance(fleeting)
    inside = "gavelq config set selection first; echo is $(gavelq config get selection)"
    done = fleeting.run(
        "run", "-c", "0", inside, env={**env, "PATH": f"{os.path.dirname(sys.executable)}:{env['PATH']}"}
    )
    assert "not as admin; " in done.stdout
    assert f"{fleeting.home}/config.yaml is changed, and counts once the daemon reads it" in done.stdout
    assert "is first\n" in done.stdout


def test_a_configuration_with_mistakes_starts_nothing(fleeting: Shell) -> None:
    config = fleeting.workdir / "c.yaml"
    config.write_text("settle_s: soon\nlog:\n  level: loud\n")
    done = fleeting.run("daemon", "init", "--config", str(config), env=instance(fleeting))
    assert done.returncode == 2
    assert f"{config}:1: settle_s" in done.stderr
    assert f"{config}:3: log.level" in done.stderr
    assert not fleeting.home.exists()


def test_options_name_the_instance_that_is_started(fleeting: Shell, tmp_path: Path) -> None:
    env = instance(fleeting)
    socket = fleeting.workdir / "d" / "g.sock"
    config = fleeting.workdir / "c.yaml"
    config.write_text("gpu:\n  simulated_count: 7\n")
    ok(fleeting.run("daemon", "init", "--config", "c.yaml", "--socket", "d/g.sock", env=env))
    assert socket.exists()
    assert len(json.loads(ok(fleeting.run("gpu", "list", "-o", "json", "--socket", str(socket), env=env)))) == 7
    runner = json.loads(ok(fleeting.run("daemon", "status", "-o", "json", "--socket", "d/g.sock", env=env)))
    ok(fleeting.run("daemon", "stop", "--socket", "d/g.sock", env=env))
    assert not socket.exists()
    wait_until(lambda: not is_alive(runner["runner_pid"]), 60, "the idle runner ends")


def test_an_instance_that_relative_paths_name_is_the_one_that_is_started(fleeting: Shell) -> None:
    (fleeting.workdir / "c.yaml").write_text("gpu:\n  simulated_count: 7\n")
    relative = {"GAVELQ_HOME": os.path.relpath(fleeting.home, fleeting.workdir), "GAVELQ_CONFIG": "c.yaml"}
    started = json.loads(ok(fleeting.run("daemon", "init", "-o", "json", env=instance(fleeting, **relative))))
    assert started["socket"] == str(fleeting.socket)
    assert len(json.loads(ok(fleeting.run("gpu", "list", "-o", "json", env=instance(fleeting))))) == 7


def test_a_second_daemon_is_told_how_to_take_the_firsts_place(fleeting: Shell) -> None:
    env = instance(fleeting)
    ok(fleeting.run("daemon", "init", env=env))
    done = fleeting.run("serve", "--listen", "127.0.0.1:0", env=env)
    assert done.returncode == 6
    assert f"gavelq daemon stop --socket {fleeting.socket}" in done.stderr


def test_a_state_directory_that_cannot_be_made_is_told_with_the_way_out(shell: Shell) -> None:
    done = shell.run("daemon", "init", env=instance(shell, GAVELQ_HOME="/proc/nowhere"))
    assert done.returncode == 1
    assert "hint: make room or give yourself the right to write to /proc/nowhere/state" in done.stderr


def test_an_address_that_nobody_serves_is_told_as_an_address(shell: Shell) -> None:
    done = shell.run("daemon", "status", env=instance(shell, GAVELQ_URL="http://127.0.0.1:1"))
    assert (done.returncode, "check GAVELQ_URL" in done.stderr) == (5, True)


def test_a_restart_finds_the_daemon_whose_socket_path_was_changed(fleeting: Shell) -> None:
    env = instance(fleeting)
    first = json.loads(ok(fleeting.run("daemon", "init", "-o", "json", env=env)))
    env = {name: value for name, value in env.items() if name != "GAVELQ_SOCKET"}
    other = fleeting.home / "other.sock"
    ok(fleeting.run("config", "set", "socket.path", str(other), env=env))
    stop = fleeting.run("daemon", "stop", env=env)
    assert stop.returncode == 5
    assert f"gavelq daemon stop --socket {first['socket']}" in stop.stderr
    ok(fleeting.run("daemon", "restart", env=env))
    found = json.loads(ok(fleeting.run("daemon", "status", "-o", "json", env=env)))
    assert found["socket"] == str(other)
    assert not is_alive(first["pid"])
    ok(fleeting.run("daemon", "stop", env=env))


def test_whoever_loses_the_race_to_start_a_daemon_uses_the_winners(fleeting: Shell) -> None:
    state = fleeting.home / "state"
    state.mkdir(mode=0o700, parents=True)
    with open(state / "daemon.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        losing = subprocess.Popen(
            [sys.executable, "-m", "gavelq", "submit", "true"],
            env=instance(fleeting),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        out = state / "daemon.out"
        wait_until(lambda: out.exists() and "in use" in out.read_text(), 60, "the second daemon gives up")
        winner = FakeDaemon(fleeting.socket)
        winner.gives("/api/daemon", {"running": True, "pid": 1, "socket": str(fleeting.socket)})
        winner.on("POST", "/api/tasks", Answer(status=201, document=task(1)))
        with winner:  # it answers only now: the other one asks as soon as somebody listens
            told, problem = losing.communicate(timeout=60)
            assert told == "task 1 submitted: pending in queue running\n", problem
    assert losing.returncode == 0
