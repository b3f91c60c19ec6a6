"""`gavelq doctor` as people and programs see it; its looks are tested in tests/adapters/test_doctor.py."""

import json
import os
from pathlib import Path
from typing import Any

from tests.cli.conftest import Shell
from tests.support.daemon import box

SIMULATED = {"GAVELQ_GPU_PROVIDER": "simulated"}


def checks(shell: Shell, code: int, **env: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The findings by area and check; of several the last."""
    done = shell.run("doctor", "-o", "json", env=shell.env(**SIMULATED | env))
    assert done.returncode == code, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["is_well"] == (code == 0)
    assert all(set(row) == {"area", "check", "verdict", "found", "fix"} for row in found["checks"])
    assert all(row["fix"] for row in found["checks"] if row["verdict"] == "problem")
    return {(row["area"], row["check"]): row for row in found["checks"]}


def test_a_machine_that_is_well_is_told_so_without_a_daemon(shell: Shell) -> None:
    found = checks(shell, 0)
    assert {"gavelq", "directories", "gpus", "kernel", "limits", "session", "isolation"} == {area for area, _ in found}
    assert found["gavelq", "daemon"]["verdict"] == "note"
    assert found["gavelq", "daemon"]["fix"] == "start it with: gavelq daemon init"
    assert not shell.home.exists(), "looking made something"


def test_every_level_of_isolation_is_there_with_its_verdict(shell: Shell) -> None:
    found = checks(shell, 0)
    assert [check for area, check in found if area == "isolation"] == ["visible", "watched", "device", "mps"]
    assert checks(shell, 0, PATH="/nowhere")["isolation", "mps"]["verdict"] == "note"


def test_a_level_that_is_asked_for_and_cannot_be_given_is_a_problem(shell: Shell) -> None:
    found = checks(shell, 1, PATH="/nowhere", GAVELQ_ISOLATION_LEVEL="mps")
    assert found["isolation", "mps"]["verdict"] == "problem"
    assert "nvidia-cuda-mps-control" in found["isolation", "mps"]["found"]


def test_a_missing_driver_is_a_problem_with_the_way_out(shell: Shell) -> None:
    row = checks(shell, 1, GAVELQ_GPU_PROVIDER="nvml", LD_LIBRARY_PATH="/nowhere")["gpus", "library"]
    assert row["verdict"] == "problem"
    assert "gpu.provider" in row["fix"]


def test_mistakes_in_the_configuration_are_told_with_their_lines(shell: Shell) -> None:
    shell.home.mkdir()
    (shell.home / "config.yaml").write_text("log:\n  level: loud\nnonsense: 3\n")
    done = shell.run("doctor", env=shell.env(**SIMULATED))
    assert done.returncode == 1
    assert f"{shell.home}/config.yaml:2: log.level: " in done.stdout
    assert f"{shell.home}/config.yaml:3: " in done.stdout
    (shell.home / "config.yaml").write_text("a: [\n")
    assert checks(shell, 1)["gavelq", "configuration"]["verdict"] == "problem"


def test_directories_that_others_may_enter_are_a_problem(shell: Shell) -> None:
    state = shell.home / "state"
    state.mkdir(parents=True)
    state.chmod(0o755)
    row = checks(shell, 1)["directories", "state"]
    assert (row["verdict"], row["found"]) == ("problem", f"others may enter {state} (mode 0755)")
    state.chmod(0o700)
    assert checks(shell, 0)["directories", "state"]["verdict"] == "ok"


def test_a_socket_path_that_the_kernel_cannot_bind_is_a_problem(shell: Shell) -> None:
    row = checks(shell, 1, GAVELQ_SOCKET=f"/tmp/{'x' * 120}/s")["directories", "socket"]
    assert "107 are possible" in row["found"]


def test_a_running_daemon_is_named() -> None:
    with box() as instance:
        done = instance.cli("doctor", "-o", "json")
        rows = json.loads(done.stdout)["checks"]
        (row,) = [row for row in rows if row["check"] == "daemon"]
        assert (row["verdict"], instance.socket in row["found"]) == ("ok", True)
        assert done.returncode == 0


def test_a_pipe_gets_whole_rows(shell: Shell) -> None:
    done = shell.run("doctor", env=shell.env(**SIMULATED))
    lines = done.stdout.splitlines()
    assert lines[0] == "AREA\tCHECK\tVERDICT\tFOUND\tFIX"
    assert all(len(line.split("\t")) == 5 for line in lines)
    assert Path(os.sep).exists()
