"""Tasks that are kept to the device nodes of their own GPUs, with a directory of files standing in for /dev."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gavelq.adapters.runner import landlock
from gavelq.adapters.runner.wire import Malformed, Spawn
from gavelq.testing.waiting import wait_until
from tests.adapters.runner.box import DAEMONIZE, Box

needs_landlock = pytest.mark.skipif(bool(landlock.problem()), reason=landlock.problem() or "-")
NODES = ("nvidia0", "nvidia1", "nvidia12", "nvidiactl", "nvidia-uvm", "null", "dri/card1", "dri/renderD128",
         "nvidia-caps/nvidia-cap1", "nvidia-caps/nvidia-cap12", "nvidia-caps/nvidia-cap13")  # fmt: skip


@dataclass
class Place:
    """A directory with what stands in for /dev, and a directory to work in beside it."""

    root: Path

    @property
    def dev(self) -> str:
        return str(self.root / "dev")

    @property
    def drm(self) -> str:
        return str(self.root / "drm")

    @property
    def work(self) -> str:
        return str(self.root / "work")


@pytest.fixture
def place(root: Path) -> Place:
    made = Place(root)
    for name in NODES:
        path = root / "dev" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    for name, vendor in (("card1", "0x10de"), ("renderD128", "0x10de"), ("card0", "0x1a03")):
        (root / "drm" / name / "device").mkdir(parents=True)
        (root / "drm" / name / "device" / "vendor").write_text(vendor + "\n")
    (root / "dev" / "alias").symlink_to("nvidia1")
    (root / "work").mkdir()
    return made


@pytest.fixture
def box(root: Path) -> Iterator[Box]:
    made = Box(root)
    # These are made now: new entries of the directories on the way to the stand-in are closed, too.
    for name in ("logs", "runner"):
        (root / name).mkdir(mode=0o700, exist_ok=True)
    made.connect()
    yield made
    made.close()


def output(box: Box, task_id: int, script: str, place: Place, devices: tuple[str, ...] = ("nvidia0",)) -> list[str]:
    """What a task's command prints that may open these nodes."""
    request = box.request(task_id, script, workdir=place.work, devices=devices, dev=place.dev)
    box.call(box.client.spawn, request)
    assert box.result(task_id).exit_code == 0
    return Path(box.log(task_id)).read_text().splitlines()


def asking(nodes: str) -> str:
    """A shell's line that tells for each node whether it can be read and written."""
    return (
        f"for n in {nodes}; do cat $DEV/$n >/dev/null 2>&1 && r=r || r=-; "
        "(: >> $DEV/$n) 2>/dev/null && w=w || w=-; echo $n $r$w; done"
    )


# --- which nodes -----------------------------------------------------------------------------------------


def test_only_nodes_of_other_gpus_are_closed(place: Place) -> None:
    closed = landlock.closed_nodes(frozenset({"nvidia0"}), place.dev, place.drm)
    assert {os.path.relpath(path, place.dev) for path in closed} == {
        "nvidia1", "nvidia12", "dri/card1", "dri/renderD128",
        "nvidia-caps/nvidia-cap1", "nvidia-caps/nvidia-cap12", "nvidia-caps/nvidia-cap13",
    }  # fmt: skip
    own = frozenset({"nvidia12", "dri/card1", "nvidia-caps/nvidia-cap12"})
    closed = landlock.closed_nodes(own, place.dev, place.drm)
    assert not {f"{place.dev}/{name}" for name in own} & closed


def test_a_machine_without_such_nodes_closes_nothing(tmp_path: Path) -> None:
    assert landlock.closed_nodes(frozenset(), str(tmp_path / "nowhere"), str(tmp_path)) == frozenset()


def test_everything_else_stays_open(place: Place) -> None:
    found = set(landlock.open_paths(frozenset({"nvidia0"}), place.dev, place.drm))
    beside = {f"/{name}" for name in os.listdir("/")} - {f"/{place.root.parts[1]}"}
    assert beside <= found
    assert {f"{place.dev}/{name}" for name in ("nvidia0", "nvidiactl", "nvidia-uvm", "null")} <= found
    assert place.work in found
    assert not {path for path in found if "nvidia1" in path or path.startswith(f"{place.dev}/dri/card1")}
    assert not found & {"/", place.dev, str(place.root), f"{place.dev}/dri"}


# --- what a task can do ----------------------------------------------------------------------------------


@needs_landlock
def test_a_task_opens_its_own_node_and_all_else_but_those_of_others(box: Box, place: Place) -> None:
    names = "nvidia0 nvidia1 nvidia12 nvidiactl nvidia-uvm null nvidia-caps/nvidia-cap12"
    told = output(box, 1, f"DEV={place.dev}; {asking(names)}", place)
    assert told == [
        "nvidia0 rw", "nvidia1 --", "nvidia12 --", "nvidiactl rw", "nvidia-uvm rw", "null rw",
        "nvidia-caps/nvidia-cap12 --",
    ]  # fmt: skip


@needs_landlock
@pytest.mark.parametrize(
    "way",
    [
        "bash -c 'cat $DEV/nvidia1'",
        f"{sys.executable} -c \"import os; os.open(os.environ['DEV'] + '/nvidia1', os.O_RDONLY)\"",
        "setsid cat $DEV/nvidia1",
        "ln -s $DEV/nvidia1 link && cat link",
        "cat $DEV/alias",
        "cat /proc/self/root$DEV/nvidia1",
        "cd $DEV && cat nvidia1",
        "mv $DEV/nvidia1 mine && cat mine",
        "ln $DEV/nvidia1 mine && cat mine",
        "unshare -Ur cat $DEV/nvidia1",
        "mkdir m && unshare -Urm sh -c 'mount --bind $DEV m && cat m/nvidia1'",
        "mknod mine c 1 3 && cat mine",
    ],
)
def test_no_way_leads_to_anothers_node(box: Box, place: Place, way: str) -> None:
    told = output(box, 1, f"export DEV={place.dev}; ({way}) 2>/dev/null && echo opened || echo closed", place)
    assert told[-1] == "closed"
    assert "nvidia1" not in told
    assert (place.root / "dev" / "nvidia1").read_text() == "nvidia1"


@needs_landlock
def test_what_outlives_the_command_is_kept_from_them_as_well(box: Box, place: Place) -> None:
    script = DAEMONIZE.replace("exec sleep 300", f"cat {place.dev}/nvidia1; echo \\$? > told")
    output(box, 1, f"{script} for i in $(seq 100); do test -s told && break; sleep 0.05; done", place)
    wait_until((place.root / "work" / "told").exists, what="the daemon of the task has tried")
    assert (place.root / "work" / "told").read_text() == "1\n"


@needs_landlock
def test_the_rest_of_the_machine_is_as_before(box: Box, place: Place) -> None:
    script = (
        "set -e; mkdir -p a/b; echo x > a/file; mv a/file a/b/file; ln a/b/file a/again; cat a/again;"
        " f=/dev/shm/gavelq-test-$$; echo shm > $f; cat $f; rm $f; head -c 3 /dev/zero | wc -c;"
        " echo y | cat /dev/stdin; cat <(echo substituted); head -1 /proc/self/status | cut -f1; ls / >/dev/null;"
        " grep NoNewPrivs /proc/self/status"
    )
    told = output(box, 1, script, place)
    assert told == ["x", "shm", "3", "y", "substituted", "Name:", "NoNewPrivs:\t1"]


@needs_landlock
def test_later_steps_are_kept_as_the_first(box: Box, place: Place) -> None:
    line = f"cat {place.dev}/nvidia1 2>/dev/null || echo closed"
    steps = (("bash", "-c", line), ("bash", "-c", line))
    request = box.request(1, steps, workdir=place.work, devices=("nvidia0",), dev=place.dev)
    box.call(box.client.spawn, request)
    assert box.result(1).exit_code == 0
    assert Path(box.log(1)).read_text().splitlines() == ["closed", "closed"]


@needs_landlock
def test_a_task_that_is_not_kept_from_anything_opens_all(box: Box, place: Place) -> None:
    box.call(box.client.spawn, box.request(1, f"cat {place.dev}/nvidia1; grep NoNewPrivs /proc/self/status"))
    assert box.result(1).exit_code == 0
    assert Path(box.log(1)).read_text() == "nvidia1NoNewPrivs:\t0\n"


@needs_landlock
def test_a_stop_still_reaches_a_confined_task(box: Box, place: Place) -> None:
    request = box.request(1, "echo ready; sleep 300", workdir=place.work, devices=(), dev=place.dev)
    box.call(box.client.spawn, request)
    wait_until(lambda: Path(box.log(1)).exists() and Path(box.log(1)).read_text() == "ready\n", what="it runs")
    box.call(box.client.stop, 1, 1, signal=15, grace_s=5.0)
    assert box.result(1).signal == 15


def test_a_missing_node_of_its_own_is_told_and_nothing_starts(box: Box, place: Place) -> None:
    request = box.request(1, "touch ran", workdir=place.work, devices=("nvidia7",), dev=place.dev)
    box.call(box.client.spawn, request)
    failure = box.failure(1)
    assert "nvidia7' is not there" in failure.problem
    assert not failure.is_transient
    assert not (place.root / "work" / "ran").exists()


@pytest.mark.parametrize("devices", [["/dev/nvidia0"], ["../nvidia0"], "nvidia0", [3], ["a\0"]])
def test_names_that_lead_elsewhere_are_refused(devices: object) -> None:
    message = {
        "task": 1, "attempt": 1, "steps": [["true"]], "env": {}, "log_max_bytes": 0, "grace_s": 1, "devices": devices,
    }  # fmt: skip
    with pytest.raises(Malformed, match="devices"):
        Spawn(message)


@pytest.mark.parametrize(("version", "words"), [(0, "Linux 5.19"), (1, "version 1"), (2, ""), (7, "")])
def test_a_kernel_that_cannot_is_told_with_the_way_out(version: int, words: str) -> None:
    told = landlock.problem(version)
    assert words in told
    assert bool(told) == bool(words)
