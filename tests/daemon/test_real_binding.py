"""A daemon on the real NVML binding over a pretended driver: foreign processes, lost cards, MIG, other daemons."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, Failure, box
from tests.support.fake_nvml import LOST, CompilerMissing, FakeMachine, FakeMig, FakeProcess, build

GIB = 1024


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pretended libnvidia-ml.so.1."""
    try:
        return build(tmp_path_factory.mktemp("nvml"))
    except CompilerMissing as error:
        pytest.skip(str(error))


@pytest.fixture
def machine(library: Path, tmp_path: Path) -> FakeMachine:
    """Two cards of 24 GiB."""
    fake = FakeMachine(library, tmp_path)
    for number in range(2):
        fake.add_card(f"GPU-{tmp_path.name}-{number}", mig_mode=False)
    fake.write()
    return fake


def _env(machine: FakeMachine, tmp_path: Path) -> dict[str, str]:
    return machine.env() | {"GAVELQ_GPU_PROVIDER": "nvml", "GAVELQ_GPU_CLAIMS_DIR": str(tmp_path / "claims")}


@pytest.fixture
def gpus(machine: FakeMachine, tmp_path: Path) -> Iterator[Box]:
    """A daemon that sees that machine."""
    with box(env=_env(machine, tmp_path)) as instance:
        yield instance


@pytest.fixture
def stranger() -> Iterator[int]:
    """The pid of a process that gavelq did not start."""
    process = subprocess.Popen(["sleep", "60"])
    yield process.pid
    process.kill()
    process.wait()


def _state(instance: Box, index: int) -> str:
    return str(instance.get(f"/api/gpus/{index}")["state"])


def test_a_foreign_process_is_seen_respected_and_never_killed(gpus: Box, machine: FakeMachine, stranger: int) -> None:
    machine.cards[0].processes.append(FakeProcess(pid=stranger, mib=4 * GIB))
    machine.cards[0].memory_used = 4 * GIB
    machine.write()
    wait_until(lambda: _state(gpus, 0) == "foreign", what="the foreign process is seen")
    seen = gpus.get("/api/gpus/0")["processes"][0]
    assert (seen["pid"], seen["memory_mib"], seen["task_id"]) == (stranger, 4 * GIB, None)
    whole = gpus.submit("true", gpu_ids=["0"])
    declared = gpus.submit("true", gpu_ids=["0"], memory="16G")
    assert gpus.wait(declared)["state"] == "completed"
    why = gpus.get(f"/api/tasks/{whole}/why")
    assert why["task"]["pending_reason"] == "gpu_unavailable"
    assert str(stranger) in why["summary"]
    os.kill(stranger, 0)
    machine.cards[0].processes.clear()
    machine.cards[0].memory_used = 0
    machine.write()
    assert gpus.wait(whole)["state"] == "completed"


def test_a_task_s_own_processes_are_known_as_its_own_also_deep_in_its_tree(
    gpus: Box, machine: FakeMachine, tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    task_id = gpus.submit(f"setsid bash -c 'echo $$ > {pid_file}; exec sleep 30' & wait", gpu_ids=["1"])
    gpus.wait(task_id, "running")
    wait_until(lambda: pid_file.exists() and pid_file.read_text().strip(), what="the deep process tells its pid")
    machine.cards[1].processes.append(FakeProcess(pid=int(pid_file.read_text()), mib=2 * GIB))
    machine.cards[1].memory_used = 2 * GIB
    machine.write()
    wait_until(lambda: gpus.get("/api/gpus/1")["processes"], what="the process is seen")
    shown = gpus.get("/api/gpus/1")
    assert shown["state"] == "busy"
    assert shown["processes"][0]["task_id"] == task_id
    gpus.post(f"/api/tasks/{task_id}/kill")
    assert gpus.wait(task_id)["state"] == "cancelled"
    # The driver still reports the dead process for a while; it is nobody else's.
    assert gpus.wait(gpus.submit("true", gpu_ids=["1"]))["state"] == "completed"


def test_a_lost_card_is_shown_gets_nothing_until_a_person_says_so_and_the_daemon_goes_on(
    gpus: Box, machine: FakeMachine
) -> None:
    machine.cards[0].state = LOST
    machine.write()
    wait_until(lambda: _state(gpus, 0) == "lost", what="the card is lost")
    wait_until(lambda: gpus.get("/api/gpus/0")["fault"], what="another look misses it as well")
    task_id = gpus.submit("true", gpu_ids=["0"])
    wait_until(lambda: gpus.task(task_id)["pending_reason"] == "gpu_unavailable", what="it waits for the card")
    assert gpus.wait(gpus.submit("true"))["gpus"] == [1]
    assert gpus.get("/api/gpu/status")["status"] == "degraded"
    machine.cards[0].state = 0
    machine.write()
    wait_until(lambda: _state(gpus, 0) == "draining", what="the card answers again")
    assert gpus.get("/api/gpu/status") == {"status": "degraded", "problem": "broken: GPU 0"}
    assert gpus.state(task_id) == "pending"
    gpus.post("/api/gpus/0/unignore")
    assert gpus.wait(task_id)["state"] == "completed"
    assert gpus.get("/api/gpu/status") == {"status": "ok"}


def test_an_xid_error_of_the_driver_stops_the_task_and_drains_the_card(gpus: Box, machine: FakeMachine) -> None:
    task_id = gpus.submit("sleep 300", gpu_ids=["0"])
    gpus.wait(task_id, "running")
    machine.happen(machine.cards[0], 31)
    machine.write()
    wait_until(lambda: "gpu_xid" in [e["event"] for e in gpus.task(task_id)["events"]], what="a harmless one is told")
    assert (gpus.state(task_id), gpus.get("/api/gpus/0")["fault"]) == ("running", None)
    machine.happen(machine.cards[0], 79)
    machine.write()
    ended = gpus.wait(task_id)
    assert (ended["state"], ended["end_reason"]) == ("aborted", "gpu_lost")
    assert "Xid 79: GPU has fallen off the bus" in ended["end_detail"]
    assert _state(gpus, 0) == "draining"


def test_mig_devices_serve_one_gpu_tasks_and_their_parent_is_out_of_scheduling(gpus: Box, machine: FakeMachine) -> None:
    machine.cards[1].mig_mode = True
    machine.cards[1].migs = [FakeMig(f"MIG-{n}", n, n + 1, 10 * GIB) for n in range(2)]
    machine.write()
    wait_until(lambda: "1:0" in [g["index"] for g in gpus.get("/api/gpus")], what="the MIG devices are seen")
    assert [g["index"] for g in gpus.get("/api/gpus")] == [0, "1:0", "1:1"]
    task = gpus.wait(gpus.submit("echo $CUDA_VISIBLE_DEVICES", gpu_ids=["1:1"], max_util=10))
    assert task["gpu_ids"] == ["1:1"]
    assert (task["state"], task["gpus"], gpus.log(task["id"])) == ("completed", ["1:1"], "MIG-1\n")
    with pytest.raises(Failure) as refused:
        gpus.submit("true", gpu_count=2)
    assert refused.value.body["code"] == "infeasible"


def test_a_hanging_driver_stops_placements_and_not_the_daemon(gpus: Box, machine: FakeMachine) -> None:
    machine.hang = (60.0, "")
    machine.write()
    wait_until(lambda: gpus.get("/api/gpu/status")["status"] == "degraded", 60, "the looks get old")
    task_id = gpus.submit("true")
    assert gpus.task(task_id)["pending_reason"] == "gpu_unavailable"
    assert gpus.wait(gpus.submit("true", gpu_count=0))["state"] == "completed"
    gpus.kill()
    machine.hang = None
    machine.write()
    gpus.start()
    assert gpus.wait(task_id)["state"] == "completed"


def test_two_daemons_never_use_one_card_at_once(machine: FakeMachine, tmp_path: Path) -> None:
    env = _env(machine, tmp_path)
    with ExitStack() as stack:
        first, second = (stack.enter_context(box(env=env)) for _ in range(2))
        mine = first.submit("sleep 60", gpu_ids=["0"])
        first.wait(mine, "running")
        wait_until(lambda: _state(second, 0) == "foreign", what="the other daemon's claim is seen")
        theirs = second.submit("true", gpu_ids=["0"])
        declared = second.submit("true", gpu_ids=["0"], memory="1G")
        for waiting in (theirs, declared):
            wait_until(lambda w=waiting: second.task(w)["pending_reason"] == "gpu_unavailable", what="it waits")  # type: ignore[misc]  # a default argument binds the loop's variable
        assert "claimed" in second.get(f"/api/tasks/{theirs}/why")["summary"]
        assert first.state(mine) == "running"
        first.post(f"/api/tasks/{mine}/kill")
        assert second.wait(theirs)["state"] == "completed"
        assert second.wait(declared)["state"] == "completed"


def test_without_a_driver_the_daemon_runs_and_says_what_is_missing(tmp_path: Path) -> None:
    with box(env={"GAVELQ_GPU_PROVIDER": "nvml", "GAVELQ_GPU_CLAIMS_DIR": str(tmp_path / "claims")}) as instance:
        assert instance.get("/api/gpus") == []
        with pytest.raises(Failure) as refused:
            instance.submit("true")
        assert refused.value.body["code"] == "infeasible"
        assert "NVML" in refused.value.body["message"] or "libnvidia-ml" in refused.value.body["message"]
        assert instance.wait(instance.submit("true", gpu_count=0))["state"] == "completed"
        cli = instance.cli("submit", "true")
        assert cli.returncode == 7
