"""What `gavelq submit` sends and says."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.cli.fake_daemon import Answer, FakeDaemon, problem, task


@pytest.fixture(autouse=True)
def accepts(fake: FakeDaemon) -> None:
    fake.on("POST", "/api/tasks", Answer(status=201, document=task(12)))


def test_the_short_form_sends_every_option(shell: Shell, fake: FakeDaemon) -> None:
    words = [
        "submit",
        "-n",
        "a",
        "-w",
        "sub",
        "-g",
        "0,1",
        "-c",
        "2",
        "-m",
        "8.0",
        "-u",
        "20",
        "-p",
        "10",
        "-e",
        "K=V",
        "-e",
        "L=a=b",
        "-q",
        "night",
        "-t",
        "2h",
        "--hold",
        "--tag",
        "x",
    ]
    done = shell.run(*words, "--requeue", "--allow-infeasible", "--log", "out.txt", "python a.py | tee x")
    assert done.returncode == 0, done.stderr
    sent = fake.last().body
    env = sent.pop("env")
    assert sent == {
        "command": "python a.py | tee x",
        "name": "a",
        "workdir": str(shell.workdir / "sub"),
        "gpu_ids": ["0", "1"],
        "gpu_count": 2,
        "memory": "8.0",
        "max_util": 80,
        "priority": 10,
        "queue": "night",
        "time_limit": "2h",
        "hold": True,
        "requeue": True,
        "allow_infeasible": True,
        "tags": ["x"],
        "log_path": str(shell.workdir / "out.txt"),
    }
    assert env["K"] == "V"
    assert env["L"] == "a=b"


@pytest.mark.parametrize(
    "words",
    [
        ["submit", "command", "--cmd", "nvidia-smi", "--gpu_num", "2"],
        ["submit", "--gpu_num", "2", "command", "--cmd", "nvidia-smi"],
        ["submit", "nvidia-smi", "-c", "2"],
        ["submit", "-c2", "nvidia-smi"],
        ["submit", "--gpu-count=2", "nvidia-smi"],
        ["-o", "table", "submit", "nvidia-smi", "-c", "2"],
    ],
)
def test_both_dialects_send_the_same(shell: Shell, fake: FakeDaemon, words: list[str]) -> None:
    done = shell.run(*words)
    assert done.returncode == 0, done.stderr
    sent = fake.last().body
    assert (sent["command"], sent["gpu_count"]) == ("nvidia-smi", 2)


def test_words_behind_dashes_are_a_program_and_its_arguments(shell: Shell, fake: FakeDaemon) -> None:
    done = shell.run("submit", "-c", "0", "--", "printf", "%s", "-o", "json", "a b")
    assert done.returncode == 0, done.stderr
    assert fake.last().body["argv"] == ["printf", "%s", "-o", "json", "a b"]


def test_an_unknown_option_behind_dashes_is_no_option(shell: Shell, fake: FakeDaemon) -> None:
    (shell.workdir / "none.yaml").touch()
    shell.run("submit", "--gpu_num=1", "--config", "none.yaml", "--", "ls", "--retries")
    assert fake.last().body["argv"] == ["ls", "--retries"]


def test_it_says_the_id_the_state_and_the_queue(shell: Shell) -> None:
    assert shell.run("submit", "true").stdout == "task 12 submitted: pending in queue running\n"


def test_json_is_the_task_that_the_daemon_answered(shell: Shell) -> None:
    assert json.loads(shell.run("submit", "true", "-o", "json").stdout) == task(12)


def test_json_of_several_tasks_is_an_array(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("POST", "/api/submissions", Answer(status=201, document=[task(1), task(2)]))
    (shell.workdir / "tasks.json").write_text('[{"cmd": "a"}, {"cmd": "b", "queue": "x"}]')
    done = shell.run("submit", "json", "--file", "tasks.json", "--queue", "night", "-o", "json")
    assert [one["id"] for one in json.loads(done.stdout)] == [1, 2]
    body = fake.last().body
    assert body["tasks"] == [{"cmd": "a"}, {"cmd": "b", "queue": "x"}]
    assert body["queue"] == "night"
    assert body["base"]["workdir"] == str(shell.workdir)
    assert "queue" not in body["base"]


def test_a_file_that_is_no_json_is_refused_with_its_line(shell: Shell, fake: FakeDaemon) -> None:
    (shell.workdir / "tasks.json").write_text('[\n{"cmd": "a" "b"}\n]')
    done = shell.run("submit", "json", "--file", "tasks.json", "--queue", "night")
    assert done.returncode == 2
    assert "tasks.json:2" in done.stderr
    assert fake.requests == []


def test_a_script_travels_as_text_with_its_arguments(shell: Shell, fake: FakeDaemon) -> None:
    (shell.workdir / "run.sh").write_text("#!/bin/sh\n#GAVELQ --gpu-count 2 --time 2h -e A=1\necho $1\n")
    done = shell.run("submit", "script", "--file", "run.sh", "--gpu_num", "3", "-e", "B=2", "--", "-x", "y z")
    assert done.returncode == 0, done.stderr
    sent = fake.last().body
    assert sent["script"]["name"] == "run.sh"
    assert sent["script"]["args"] == ["-x", "y z"]
    assert sent["script"]["content"].startswith("#!/bin/sh\n")
    assert (sent["gpu_count"], sent["time_limit"]) == (3, "2h")
    assert (sent["env"]["A"], sent["env"]["B"]) == ("1", "2")


def test_sbatch_lines_are_read_and_what_has_no_counterpart_is_told(shell: Shell, fake: FakeDaemon) -> None:
    lines = ["#!/bin/bash", "#SBATCH --gres=gpu:a100:2", "#SBATCH -t 90", "#SBATCH --partition=long", "#SBATCH -J fit"]
    (shell.workdir / "run.sh").write_text("\n".join([*lines, "srun x", "#SBATCH --hold"]))
    done = shell.run("submit", "script", "--file", "run.sh")
    sent = fake.last().body
    assert (sent["gpu_count"], sent["time_limit"], sent["name"]) == (2, "90m", "fit")
    assert "hold" not in sent
    assert "--partition=long" in done.stderr


def test_a_header_that_cannot_be_understood_is_refused_with_its_line(shell: Shell, fake: FakeDaemon) -> None:
    (shell.workdir / "run.sh").write_text("#!/bin/sh\n#GAVELQ --gpus-please 2\n")
    done = shell.run("submit", "script", "--file", "run.sh")
    assert done.returncode == 2
    assert "run.sh:2" in done.stderr
    assert fake.requests == []


def test_secrets_stay_behind_and_their_names_are_told(shell: Shell, fake: FakeDaemon) -> None:
    env = shell.env(MY_TOKEN="t", OTHER_TOKEN="o", PLAIN="p")
    done = shell.run("submit", "true", "--env-keep", "OTHER_TOKEN", env=env)
    sent = fake.last().body
    assert "MY_TOKEN" not in sent["env"]
    assert (sent["env"]["OTHER_TOKEN"], sent["env"]["PLAIN"]) == ("o", "p")
    assert sent["env_dropped"] == ["MY_TOKEN"]
    assert "MY_TOKEN" in done.stderr
    assert "--env-keep" in done.stderr
    assert shell.run("submit", "true", "--env-all", env=env).stderr == ""
    assert fake.last().body["env"]["MY_TOKEN"] == "t"


def test_a_variable_that_is_given_is_never_left_out(shell: Shell, fake: FakeDaemon) -> None:
    done = shell.run("submit", "true", "-e", "API_TOKEN=x", env=shell.env(API_TOKEN="y"))
    assert fake.last().body["env"]["API_TOKEN"] == "x"
    assert "API_TOKEN" not in done.stderr


def test_a_variable_that_gavelq_sets_is_told_and_left_out(shell: Shell, fake: FakeDaemon) -> None:
    done = shell.run("submit", "true", "-e", "CUDA_VISIBLE_DEVICES=3", "-e", "A=1", env=shell.env(MY_TOKEN="t"))
    sent = fake.last().body
    assert ("CUDA_VISIBLE_DEVICES" in sent["env"], sent["env"]["A"]) == (False, "1")
    assert sent["env_dropped"] == ["MY_TOKEN", "CUDA_VISIBLE_DEVICES"]
    assert done.stderr.splitlines() == [
        "left out of the environment: MY_TOKEN (keep with --env-keep NAME)",
        "left out of the environment: CUDA_VISIBLE_DEVICES (gavelq sets it; choose GPUs with -g)",
    ]
    assert done.returncode == 0


def test_the_configuration_says_what_a_secret_is(shell: Shell, fake: FakeDaemon) -> None:
    (shell.home / "config.yaml").write_text("submit:\n  secret_patterns: ['PLAIN*']\n")
    shell.run("submit", "true", env=shell.env(PLAIN_ONE="p", MY_TOKEN="t"))
    sent = fake.last().body["env"]
    assert "PLAIN_ONE" not in sent
    assert sent["MY_TOKEN"] == "t"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["submit", "ls", "-l"], "-l"),
        (["submit", "ls", "here"], "quote"),
        (["submit", "-c", "2"], "no command"),
        (["submit", "x", "-c", "many"], "many"),
        (["submit", "x", "-c", "1025"], "1025"),
        (["submit", "x", "-u", "20", "--max-util", "80"], "only one"),
        (["submit", "x", "-e", "NAME"], "NAME=VALUE"),
        (["submit", "x", "-g", "0,,1"], "-g 0,1"),
        (["submit", "x", "--nodes", "3"], "--nodes"),
        (["submit", "x", "-o", "xml"], "xml"),
        (["submit", "--"], "nothing stands behind"),
        (["submit", "command", "--gpu_num", "1"], "--cmd"),
        (["submit", "script", "--file", "missing.sh"], "missing.sh"),
    ],
)
def test_what_cannot_be_understood_is_refused_and_nothing_is_sent(
    shell: Shell, fake: FakeDaemon, words: list[str], told: str
) -> None:
    done = shell.run(*words)
    assert done.returncode == 2
    assert done.stderr.startswith("gavelq: ")
    assert told in done.stderr
    assert fake.requests == []


def test_a_refusal_keeps_its_code_and_hint(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("POST", "/api/tasks", problem(422, "infeasible", "5 GPUs are more than 4", "ask for less", asked=5))
    done = shell.run("submit", "true", "-c", "5")
    assert done.returncode == 7
    assert done.stderr == "gavelq: 5 GPUs are more than 4\nhint: ask for less\n"
    told = json.loads(shell.run("submit", "true", "-c", "5", "-o", "json").stderr)
    assert told["error"] == {
        "code": "infeasible",
        "message": "5 GPUs are more than 4",
        "hint": "ask for less",
        "details": {"asked": 5},
    }


def test_a_lost_connection_is_tried_again_with_the_same_key(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("POST", "/api/tasks", Answer(is_cut=True), Answer(status=201, document=task(12)))
    done = shell.run("submit", "true")
    assert done.returncode == 0, done.stderr
    first, second = fake.requests
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    shell.run("submit", "true")
    assert fake.last().headers["idempotency-key"] != first.headers["idempotency-key"]


def test_a_text_that_is_not_utf8_is_refused(shell: Shell, fake: FakeDaemon) -> None:
    done = shell.run("submit", b"echo \xff".decode("utf-8", "surrogateescape"))
    assert done.returncode == 2
    assert "UTF-8" in done.stderr
    assert fake.requests == []


def test_a_directory_that_is_gone_is_told(shell: Shell, fake: FakeDaemon, tmp_path: Path) -> None:
    import subprocess
    import sys

    gone = tmp_path / "gone"
    gone.mkdir()
    script = f'cd "{gone}" && rmdir "{gone}" && exec "{sys.executable}" -m gavelq submit true'
    done = subprocess.run(["bash", "-c", script], env=shell.env(), capture_output=True, text=True)
    assert done.returncode == 2
    assert "-w DIR" in done.stderr
