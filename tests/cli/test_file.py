"""`gavelq file check`: needs no daemon, and tells every mistake with its line and block."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = "1\npython a.py\n20\n\n2\npython b.py\n8 # GB\n"


def check(path: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "gavelq", "file", "check", str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_good_file_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "commands.txt"
    path.write_text(GOOD)
    done = check(path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{path}: no mistakes; 2 task(s) in 2 queue(s), single-GPU\n"
    shown = json.loads(check(path, "-o", "json").stdout)
    assert shown == {"path": str(path), "mode": "single", "tasks": 2, "queues": {"1": 1, "2": 1}}


@pytest.mark.parametrize(("name", "options"), [("gpus.txt", ()), ("other.txt", ("--mode", "multi"))])
def test_the_mode_comes_from_the_name_or_the_option(tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
    path = tmp_path / name
    path.write_text(GOOD)
    done = check(path, *options)
    assert done.returncode == 2
    assert f"{path}:3: block 1 (queue '1', from line 1): the block ends after 3 line(s)" in done.stderr


def test_mistakes_are_data_as_well(tmp_path: Path) -> None:
    path = tmp_path / "commands.txt"
    path.write_text("1\na\nb\n\nx y\nc\n3\n")
    done = check(path, "-o", "json")
    assert done.returncode == 2
    error = json.loads(done.stderr)["error"]
    assert error["code"] == "invalid_file"
    assert [mistake["line"] for mistake in error["details"]["mistakes"]] == [3, 5]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = check(tmp_path / "none.txt")
    assert done.returncode == 2
    assert "cannot be read" in done.stderr
