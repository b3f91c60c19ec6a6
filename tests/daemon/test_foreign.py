"""Other people's GPU processes: seen, respected, never killed (SPEC section 10, promise 3)."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from gavelq.testing.waiting import wait_until
from tests.daemon.gates import begin
from tests.support.daemon import Box, Json, box


@pytest.fixture
def crowded() -> Iterator[tuple[Box, "subprocess.Popen[bytes]"]]:
    """Two cards; on the first one a process that gavelq did not start uses 10 GiB."""
    with box(n_gpus=2) as instance:
        card = instance.get("/api/gpus")[0]["uuid"]
        env = {
            **instance.env,
            "CUDA_VISIBLE_DEVICES": card,
            "GAVELQ_SIM_DIR": str(instance.home / "state" / "simulated"),
        }
        command = [sys.executable, "-m", "gavelq.testing.simtask", "--vram", "10G", "--hold", "300"]
        with subprocess.Popen(command, env=env, start_new_session=True) as foreign:
            try:
                wait_until(lambda: gpu(instance, 0)["state"] == "foreign", what="the process is seen")
                yield instance, foreign
            finally:
                foreign.kill()


def gpu(instance: Box, index: int) -> Json:
    """A card."""
    found: Json = instance.get(f"/api/gpus/{index}")
    return found


def test_foreign_processes_are_seen_and_respected(crowded: tuple[Box, "subprocess.Popen[bytes]"]) -> None:
    instance, foreign = crowded
    assert [(p["pid"], p["memory_mib"], p["task_id"]) for p in gpu(instance, 0)["processes"]] == [
        (foreign.pid, 10240, None)
    ]
    assert instance.wait(instance.submit("true"))["gpus"] == [1], "the whole card is not to be had"
    waiting = instance.submit("true", gpu_ids=["0"])
    wide = instance.submit("true", gpu_count=2)
    greedy = instance.submit("true", gpu_ids=["0"], memory="20G")
    beside = instance.wait(instance.submit("true", gpu_ids=["0"], memory="8G"))
    assert beside["state"] == "completed", "one that says what it needs may start beside it"
    for task_id, reason in ((waiting, "gpu_unavailable"), (wide, "gpu_unavailable"), (greedy, "gpu_memory")):
        assert (instance.state(task_id), instance.task(task_id)["pending_reason"]) == ("pending", reason)
    assert str(foreign.pid) in instance.get(f"/api/tasks/{waiting}/why")["summary"]
    assert instance.wait(instance.submit("true"))["gpus"] == [1], "it idles no other card"
    foreign.terminate()
    foreign.wait(10)
    assert {instance.wait(task_id)["state"] for task_id in (waiting, wide, greedy)} == {"completed"}


def test_foreign_processes_are_never_killed(crowded: tuple[Box, "subprocess.Popen[bytes]"]) -> None:
    instance, foreign = crowded
    for verb, body in (("release", {}), ("drain", {"now": True})):
        own = begin(instance, "sleep 100", gpu_ids=["0"], memory="1G")
        instance.post(f"/api/gpus/0/{verb}", body)
        assert instance.wait(own["id"])["state"] == "aborted"
        instance.post("/api/gpus/0/unignore")
    own = begin(instance, "sleep 100", gpu_ids=["0"], memory="1G")
    instance.post(f"/api/tasks/{own['id']}/kill", {"signal": "KILL"})
    instance.wait(own["id"])
    begin(instance, "sleep 100", gpu_ids=["0"], memory="1G")
    assert instance.cli("daemon", "stop", "--kill-tasks").returncode == 0
    assert foreign.poll() is None, "it still runs"
    instance.start()
    wait_until(lambda: gpu(instance, 0)["state"] == "foreign", what="it is seen again")
