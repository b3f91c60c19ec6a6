"""Isolation at a real daemon: who strays is seen, and stopped where that is enforced; device nodes; MPS."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gavelq.adapters.runner import landlock
from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, Failure, Json, box

SIMTASK = f"{sys.executable} -m gavelq.testing.simtask"
needs_landlock = pytest.mark.skipif(bool(landlock.problem()), reason=landlock.problem() or "-")


def uuid_of(instance: Box, index: int) -> str:
    return str(instance.get(f"/api/gpus/{index}")["uuid"])


def stray(instance: Box, index: int = 1) -> str:
    """A command that uses another GPU than its task was given."""
    return f"CUDA_VISIBLE_DEVICES={uuid_of(instance, index)} {SIMTASK} --vram 2G --hold 60"


def refusal(instance: Box, **fields: object) -> str:
    with pytest.raises(Failure) as caught:
        instance.submit("true", **fields)
    return f"{caught.value.status} {caught.value.body['detail']}"


# --- watched ---------------------------------------------------------------------------------------------


def test_a_task_on_a_gpu_that_it_does_not_hold_is_shown_wherever_one_looks(daemon: Box) -> None:
    task_id = daemon.submit(stray(daemon), gpu_ids=["0"], isolation="watched")
    wait_until(lambda: bool(daemon.task(task_id)["violations"]), what="the violation is seen")
    task = daemon.task(task_id)
    (violation,) = task["violations"]
    about = {name: violation[name] for name in ("what", "gpu", "gpu_uuid", "memory_mib", "declared_mib")}
    assert about == {
        "what": "other_gpu", "gpu": 1, "gpu_uuid": uuid_of(daemon, 1), "memory_mib": 2048, "declared_mib": None,
    }  # fmt: skip
    text = f"process {violation['pid']} used GPU 1 (2048 MiB), which the task does not hold"
    assert violation["text"] == text
    assert (task["state"], task["isolation"]) == ("running", "watched")
    assert [event["details"]["says"] for event in task["events"] if event["event"] == "violation"] == [text]
    assert text in daemon.get(f"/api/tasks/{task_id}/why")["summary"]
    gpu = daemon.get("/api/gpus/1")
    assert (gpu["state"], gpu["violations"]) == ("foreign", [{"task_id": task_id, "text": text}])
    daemon.wait_log(task_id, f"gavelq: violation: {text}\n")
    for words in (("gpu", "list"), ("task", "info", str(task_id)), ("task", "why", str(task_id))):
        assert text in daemon.cli(*words).stdout
    daemon.post(f"/api/tasks/{task_id}/kill")
    ended = daemon.wait(task_id)
    assert (ended["end_reason"], len(ended["violations"])) == ("cancelled_by_user", 1)
    wait_until(lambda: daemon.get("/api/gpus/1")["violations"] == [], what="it is over there")


def test_without_a_level_it_is_noted_all_the_same_but_its_log_is_its_own(daemon: Box) -> None:
    task_id = daemon.submit(stray(daemon), gpu_ids=["0"])
    wait_until(lambda: bool(daemon.task(task_id)["violations"]), what="the violation is seen")
    assert daemon.task(task_id)["isolation"] == "visible"
    daemon.post(f"/api/tasks/{task_id}/kill")
    daemon.wait(task_id)
    assert "violation" not in daemon.log(task_id)


def test_what_was_seen_outlasts_the_daemon(fresh: Box) -> None:
    task_id = fresh.submit(stray(fresh), gpu_ids=["0"], isolation="watched")
    wait_until(lambda: bool(fresh.task(task_id)["violations"]), what="the violation is seen")
    before = fresh.task(task_id)["violations"]
    fresh.kill()
    fresh.start()
    wait_until(lambda: bool(fresh.get("/api/gpus/1")["violations"]), what="it is seen to go on")
    assert fresh.task(task_id)["violations"] == before
    fresh.post(f"/api/tasks/{task_id}/kill")
    fresh.wait(task_id)


def test_where_it_is_enforced_the_task_is_stopped_and_told_why() -> None:
    with box(env={"GAVELQ_ISOLATION_ENFORCE": "true", "GAVELQ_ISOLATION_LEVEL": "watched"}) as instance:
        greedy = instance.submit(f"{SIMTASK} --vram 3G --hold 60", memory="2G")
        ended = instance.wait(greedy)
        assert (ended["state"], ended["end_reason"]) == ("aborted", "violation")
        assert "used 3072 MiB of GPU 0, 2048 MiB were declared" in ended["end_detail"]
        assert "the task is stopped for it" in instance.log(greedy)
        why = instance.get(f"/api/tasks/{greedy}/why")["summary"]
        assert "was aborted: it did what its isolation forbids (its processes" in why
        modest = instance.submit(f"{SIMTASK} --vram 2G --hold 1.5", memory="2G")
        assert instance.wait(modest)["end_reason"] == "exit_zero"


def test_a_task_may_not_ask_for_less_than_its_owner_must_have() -> None:
    with box(env={"GAVELQ_ISOLATION_LEVEL": "watched"}) as instance:
        assert "isolation: visible does not keep the task from all that watched does" in refusal(
            instance, isolation="visible"
        )
        assert instance.task(instance.submit("true", hold=True))["isolation"] == "watched"


@pytest.mark.parametrize("level", ["none", "", 3, ["watched"]])
def test_a_level_that_does_not_exist_is_refused_by_name(daemon: Box, level: object) -> None:
    assert "isolation" in refusal(daemon, isolation=level)


# --- device ----------------------------------------------------------------------------------------------


@needs_landlock
def test_a_task_of_level_device_gets_no_new_privileges_and_can_do_its_work(daemon: Box) -> None:
    # No card of a pretended driver has a node: what is closed is tested in tests/adapters/runner/test_landlock.py.
    script = "grep NoNewPrivs /proc/self/status; echo x > f.$GAVELQ_TASK_ID && rm f.$GAVELQ_TASK_ID && echo done"
    task_id = daemon.submit(script, isolation="device")
    assert daemon.wait(task_id)["state"] == "completed"
    assert daemon.log(task_id).splitlines() == ["NoNewPrivs:\t1", "done"]


def test_a_lease_cannot_be_kept_to_its_device_nodes(daemon: Box) -> None:
    with pytest.raises(Failure) as caught:
        daemon.post("/api/tasks", {"lease": True, "isolation": "device", "workdir": "/tmp"})
    assert "can only be watched" in caught.value.body["detail"]
    assert caught.value.body["code"] == "refused"


# --- mps -------------------------------------------------------------------------------------------------


class Mps:
    """A daemon that finds a pretended nvidia-cuda-mps-control (`fake_mps_control.py`)."""

    def __init__(self, instance: Box, log: Path) -> None:
        self.box = instance
        self._log = log

    def told(self) -> list[Json]:
        return [json.loads(line) for line in self._log.read_text().splitlines()] if self._log.exists() else []

    def words(self) -> list[str]:
        return [" ".join(line["words"]) for line in self.told()]


@pytest.fixture
def mps(tmp_path: Path) -> Iterator[Mps]:
    control = tmp_path / "bin" / "nvidia-cuda-mps-control"
    control.parent.mkdir()
    control.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("fake_mps_control.py")} "$@"\n')
    control.chmod(0o755)
    env: Mapping[str, str] = {"PATH": f"{control.parent}:/usr/bin:/bin", "FAKE_MPS_LOG": str(tmp_path / "log")}
    with box(env=env) as instance:
        yield Mps(instance, tmp_path / "log")


def test_an_mps_daemon_of_its_gpu_runs_from_the_first_task_that_needs_it_to_the_last(mps: Mps) -> None:
    script = 'env | grep CUDA_MPS | sort; until test -e "$GATE"; do sleep 0.05; done'
    gates = [mps.box.home / name for name in ("one", "two")]
    tasks = [
        mps.box.submit(
            script, gpu_ids=["1"], memory="2G", share=True, isolation="mps", mps_percent=30,
            env={"PATH": "/usr/bin:/bin", "GATE": str(gate)},
        )
        for gate in gates
    ]  # fmt: skip
    for task_id in tasks:
        mps.box.wait_log(task_id, "CUDA_MPS_PIPE_DIRECTORY")
    lines = dict(line.split("=", 1) for line in mps.box.log(tasks[0]).splitlines())
    assert (lines["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"], lines["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"]) == ("30", "0=2048M")
    assert lines["CUDA_MPS_PIPE_DIRECTORY"].startswith(str(mps.box.home / "state" / "mps"))
    assert mps.words() == ["-d", "-d", "get_server_list"]
    assert {(line["gpu"], line["mode"]) for line in mps.told()} == {(uuid_of(mps.box, 1), "0o700")}
    gates[0].touch()
    assert mps.box.wait(tasks[0])["state"] == "completed"
    assert "quit" not in mps.words()
    gates[1].touch()
    mps.box.wait(tasks[1])
    wait_until(lambda: mps.words()[-1] == "quit", what="the MPS daemon is asked to go")
    wait_until(lambda: list((mps.box.home / "state" / "mps").iterdir()) == [], what="its directory is gone")


def test_one_that_was_left_over_is_quit_by_the_next_daemon(mps: Mps) -> None:
    gate = mps.box.home / "gate"
    task_id = mps.box.submit(f"until test -e {gate}; do sleep 0.05; done", isolation="mps")
    wait_until(lambda: mps.box.state(task_id) == "running", what="it runs")
    mps.box.kill()
    gate.touch()
    mps.box.start()
    mps.box.wait(task_id)
    wait_until(lambda: mps.words()[-1:] == ["quit"], what="the MPS daemon is asked to go")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"isolation": "mps", "gpu_count": 2}, "serves one GPU"),
        ({"isolation": "mps", "gpu_count": 0}, "serves one GPU"),
        ({"isolation": "mps", "max_gpus": 2}, "serves one GPU"),
        ({"isolation": "mps", "memory": "2G"}, "ask for a whole one, or for --memory and --share"),
        ({"isolation": "watched", "mps_percent": 30}, "mps_percent: a task of level watched has all"),
        ({"isolation": "mps", "mps_percent": 0}, "mps_percent"),
        ({"isolation": "mps", "mps_percent": 101}, "mps_percent"),
    ],
)
def test_what_mps_cannot_do_is_refused(mps: Mps, fields: dict[str, object], why: str) -> None:
    assert why in refusal(mps.box, **fields)
    assert mps.words() == []


def test_without_the_program_it_is_refused_with_the_reason() -> None:
    with box(env={"PATH": "/nowhere"}) as instance:
        told = refusal(instance, isolation="mps")
    assert told.startswith("422 refused: isolation mps cannot be given: nvidia-cuda-mps-control is not in")


def test_an_mps_daemon_that_does_not_start_keeps_the_task_waiting_with_the_reason(mps: Mps, tmp_path: Path) -> None:
    (tmp_path / "bin" / "nvidia-cuda-mps-control").write_text("#!/bin/sh\necho no such luck\nexit 1\n")
    task_id = mps.box.submit("true", isolation="mps")

    def problems() -> list[str]:
        events = mps.box.task(task_id)["events"]
        return [event["details"]["problem"] for event in events if event["event"] == "spawn_failed"]

    wait_until(lambda: bool(problems()), what="the start failed")
    assert "nvidia-cuda-mps-control -d failed: no such luck" in problems()[0]
    assert mps.box.state(task_id) in ("pending", "starting")
    mps.box.post(f"/api/tasks/{task_id}/kill")
