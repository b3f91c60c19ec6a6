"""What tasks used and taught: it is seen on real processes, shown, used on request, and outlives the daemon."""

import shlex
import sys
from pathlib import Path

import pytest

from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, Json, box

Taught = tuple[list[Json], Json, dict[str, str], dict[str, str]]
SIMTASK = f"{shlex.quote(sys.executable)} -m gavelq.testing.simtask"


def lines_of(instance: Box, task_id: int) -> dict[str, str]:
    """What `task info` prints, by field."""
    told = instance.cli("task", "info", str(task_id))
    assert told.returncode == 0, told.stderr
    return dict(line.split("\t", 1) for line in told.stdout.splitlines() if "\t" in line)


def gated(gate: Path, *, vram: str) -> str:
    """A task that holds memory until the file `gate` is there, and then completes."""
    return f"{SIMTASK} --vram {vram} --hold 300 & while [ ! -e {gate} ]; do sleep 0.05; done; kill $!; wait $!; true"


def peak(instance: Box, task_id: int) -> int | None:
    found: int | None = instance.task(task_id)["peak_memory_mib"]
    return found


def test_a_peak_that_was_seen_outlives_the_daemon_and_is_learned_from(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with box(n_gpus=1) as instance:
        task_id = instance.submit(gated(gate, vram="4G"), name="train-1", memory="16G")
        wait_until(lambda: peak(instance, task_id) == 4096, what="the memory is seen")
        instance.kill()
        gate.touch()  # the task ends while no daemon looks
        instance.start()
        done = instance.wait(task_id)
        assert (done["state"], done["peak_memory_mib"], done["attempts"][0]["peak_memory_mib"]) == (
            "completed", 4096, 4096,
        )  # fmt: skip
        assert done["learned"]["n_ends"] == 1
        assert done["learned"]["peak_memory_mib"] == 4096
        instance.kill()
        instance.start()
        assert instance.task(task_id)["learned"] == done["learned"], "committed with the end"
        wise = instance.task(instance.submit("true", name="train-2", memory="16G", learn_memory=True))
        assert wise["memory_mib"] == 4608, "a tenth more, in steps of 256 MiB"
        new = instance.task(instance.submit("true", name="test-2", memory="16G", learn_memory=True))
        assert (new["memory_mib"], new["learned"]) == (16 * 1024, None)


@pytest.fixture(scope="module")
def taught() -> Taught:
    """Three tasks of like names that ran side by side, a fourth that is about to; two of them as `task info` says."""
    with box(n_gpus=3) as instance:
        command = f"{SIMTASK} --vram 2G --util 50 --hold 8"
        ids = [instance.submit(command, name=f"train-lr0.{number}", memory="8G") for number in (1, 2, 3)]
        ended = [instance.wait(task_id) for task_id in ids]
        held = instance.submit("true", name="train-lr0.7", hold=True)
        return ended, instance.task(held), lines_of(instance, ids[0]), lines_of(instance, held)


def test_memory_and_utilisation_are_seen_per_attempt(taught: Taught) -> None:
    ended, _, told, _ = taught
    for task in ended:
        assert (task["state"], task["peak_memory_mib"]) == ("completed", 2048)
        assert task["attempts"][0]["utilization_percent"] == pytest.approx(50, abs=5)
    assert told["memory"] == "asked 8.0G, peak 2.0G"
    assert "% busy" in told["resources"]


def test_a_new_name_knows_what_like_names_taught(taught: Taught) -> None:
    _, held, _, told = taught
    known = held["learned"]
    assert (known["name"], known["is_exact"], known["n_ends"]) == ("train-lr#.#", False, 3)
    assert (known["peak_memory_mib"], known["utilization_percent"]) == (2048, pytest.approx(50, abs=5))
    assert known["run_time_s"] > 4
    assert told["known of this name"].startswith("3 ends, about ")
    assert told["known of this name"].endswith("(of names such as train-lr#.#)")


def test_an_old_name_knows_what_it_taught_itself(taught: Taught) -> None:
    ended, _, told, _ = taught
    known = ended[0]["learned"]
    assert (known["is_exact"], known["n_ends"], known["run_time_s"]) == (True, 1, None)
    assert told["known of this name"].startswith("1 end, peak 2.0G, ")
