"""Log files whose paths hold the task's id, submission, index and name: headers of scripts at a real daemon."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.daemon import Box, box


@pytest.fixture(scope="module")
def instance() -> Iterator[Box]:
    """A daemon with four simulated GPUs."""
    with box() as found:
        yield found


def submitted(instance: Box, path: Path, *lines: str, words: tuple[str, ...] = ()) -> tuple[list[int], str]:
    """Submit a script with these header lines; the ids of its tasks, and what was said on standard error."""
    path.write_text("\n".join(["#!/bin/bash", *lines, 'echo "task $GAVELQ_TASK_ID"', ""]))
    done = instance.cli("submit", "script", "--file", str(path), *words)
    assert done.returncode == 0, done.stderr
    return [int(line.split()[1]) for line in done.stdout.splitlines()], done.stderr


def test_each_task_of_an_array_writes_to_the_file_that_sbatchs_patterns_name(instance: Box, tmp_path: Path) -> None:
    lines = ("#SBATCH -J fit -G 1 --array=0-1", f"#SBATCH -D {tmp_path}", "#SBATCH -o %x-%A_%a-%5j-100%%.txt")
    ids, said = submitted(instance, tmp_path / "run.sh", *lines)
    assert said == ""
    assert len(ids) == 2
    for index, number in enumerate(ids):
        task = instance.wait(number)
        wanted = tmp_path / f"fit-{task['submission_id']}_{index}-{number:05d}-100%.txt"
        assert (task["state"], task["log_path"]) == ("completed", str(wanted))
        assert wanted.read_text() == f"task {number}\n"
        shown = instance.cli("task", "info", str(number)).stdout
        assert str(wanted) in shown
        assert f"task {number}" in instance.cli("task", "logs", str(number)).stdout


def test_a_rerun_writes_to_a_file_of_its_own(instance: Box, tmp_path: Path) -> None:
    (first,), _ = submitted(instance, tmp_path / "run.sh", f"#GAVELQ -c 0 --log {tmp_path}/{{id}}.txt")
    assert instance.wait(first)["log_path"] == str(tmp_path / f"{first}.txt")
    second = int(instance.post(f"/api/tasks/{first}/rerun")["id"])
    assert instance.wait(second)["log_path"] == str(tmp_path / f"{second}.txt")
    assert (tmp_path / f"{first}.txt").read_text() == f"task {first}\n"
    assert (tmp_path / f"{second}.txt").read_text() == f"task {second}\n"


def test_an_edited_name_moves_the_log_and_leads_nowhere_else(instance: Box, tmp_path: Path) -> None:
    lines = ("#SBATCH -J plain -G 0 --hold", f"#SBATCH -o {tmp_path}/logs/%x.txt")
    (number,), _ = submitted(instance, tmp_path / "run.sh", *lines)
    assert instance.task(number)["log_path"] == str(tmp_path / "logs/plain.txt")
    assert instance.cli("task", "edit", str(number), "-n", "../../up/../and away").returncode == 0
    instance.post(f"/api/tasks/{number}/run")
    found = instance.wait(number)["log_path"]
    assert found == str(tmp_path / "logs/.._.._up_.._and_away.txt")
    assert Path(found).read_text() == f"task {number}\n"


def test_all_tries_of_a_task_write_to_its_one_file(instance: Box, tmp_path: Path) -> None:
    lines = ("#GAVELQ -c 0 --retries 1 --backoff 0.1", f"#SBATCH -o {tmp_path}/%j.txt")
    (number,), _ = submitted(instance, tmp_path / "run.sh", *lines, "trap 'exit 3' EXIT")
    task = instance.wait(number)
    assert (task["state"], task["attempt"]) == ("failed", 2)
    assert (tmp_path / f"{number}.txt").read_text() == f"task {number}\n" * 2
    assert {one["log_path"] for one in task["attempts"]} == {str(tmp_path / f"{number}.txt")}
