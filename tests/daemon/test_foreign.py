"""Other people's GPU processes: seen, respected, never killed (SPEC section 10, promise 3)."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gavelq.testing.waiting import wait_until
from tests.daemon.gates import begin
from tests.support.daemon import Box, Json, box


@contextmanager
def foreign_on(instance: Box, index: int, *words: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that gavelq did not start uses 10 GiB of a card."""
    card = instance.get("/api/gpus")[index]["uuid"]
    env = {**instance.env, "CUDA_VISIBLE_DEVICES": card, "GAVELQ_SIM_DIR": str(simulated(instance))}
    command = [sys.executable, "-m", "gavelq.testing.simtask", "--vram", "10G", "--hold", "300", *words]
    with subprocess.Popen(command, env=env, start_new_session=True) as foreign:
        try:
            wait_until(lambda: gpu(instance, index)["processes"], what="the process is seen")
            yield foreign
        finally:
            foreign.kill()


def simulated(instance: Box) -> Path:
    """Where the simulated cards are described."""
    return instance.home / "state" / "simulated"


def configure(instance: Box, text: str) -> None:
    """Write the configuration and have it read."""
    (instance.home / "config.yaml").write_text(text)
    instance.post("/api/config/reload")


@pytest.fixture
def crowded() -> Iterator[tuple[Box, "subprocess.Popen[bytes]"]]:
    """Two cards; on the first one a process that gavelq did not start uses 10 GiB."""
    with box(n_gpus=2) as instance, foreign_on(instance, 0) as foreign:
        wait_until(lambda: gpu(instance, 0)["state"] == "foreign", what="it is foreign")
        yield instance, foreign


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


def test_a_card_must_stay_calm_before_a_whole_card_task_starts_on_it(
    crowded: tuple[Box, "subprocess.Popen[bytes]"],
) -> None:
    instance, foreign = crowded
    configure(instance, "settle_s: 3600\n")
    waiting = instance.submit("true", gpu_ids=["0"])
    foreign.terminate()
    foreign.wait(10)
    wait_until(lambda: gpu(instance, 0)["calm_at"], what="it is seen to be gone")
    wait_until(
        lambda: "must stay calm" in str(instance.task(waiting)["pending_detail"]), what="the task waits for that"
    )
    card = gpu(instance, 0)
    assert (card["state"], card["processes"], card["blocks"]) == ("free", [], 1)
    assert instance.wait(instance.submit("true", gpu_ids=["0"], memory="8G"))["state"] == "completed", (
        "it would have started beside the process"
    )
    assert instance.state(waiting) == "pending"
    configure(instance, "settle_s: 0.1\n")
    assert instance.wait(waiting)["state"] == "completed"


def test_a_card_that_is_calm_from_the_start_makes_nobody_wait() -> None:
    with box(n_gpus=1, env={"GAVELQ_SETTLE_S": "3600"}) as instance:
        assert instance.wait(instance.submit("true"))["state"] == "completed"
        assert instance.wait(instance.submit("true"))["state"] == "completed", "an own task's end is no foreign use"
        instance.restart()
        assert instance.wait(instance.submit("true"))["state"] == "completed", "a new daemon has seen nothing bad"


def test_it_is_told_who_is_there_since_when_and_how_many_tasks_wait(
    crowded: tuple[Box, "subprocess.Popen[bytes]"],
) -> None:
    instance, foreign = crowded
    since = gpu(instance, 0)["processes"][0]["since"]
    assert gpu(instance, 0)["blocks"] == 0
    for _ in range(2):
        instance.submit("true", gpu_ids=["0"])
    instance.submit("true", gpu_count=2)
    instance.submit("true", gpu_ids=["0"], memory="20G")
    instance.submit("true", gpu_ids=["0"], hold=True)
    begin(instance, "sleep 100", gpu_ids=["1"])
    instance.submit("true", gpu_ids=["1"])
    wait_until(lambda: gpu(instance, 0)["blocks"] == 4, what="four tasks wait for the process")
    assert gpu(instance, 1)["blocks"] == 0, "that one waits for gavelq's own task"
    assert gpu(instance, 0)["processes"][0]["since"] == since
    shown = instance.cli("gpu", "info", "0").stdout
    assert f"pid {foreign.pid}" in shown
    assert ": 4 tasks wait" in shown
    foreign.terminate()
    foreign.wait(10)
    wait_until(lambda: gpu(instance, 0)["blocks"] == 0, what="nobody waits for it any more")


def test_ignored_processes_are_not_minded() -> None:
    with box(n_gpus=1) as instance, foreign_on(instance, 0):
        assert gpu(instance, 0)["state"] == "foreign"
        waiting = instance.submit("true")
        configure(instance, "foreign:\n  ignored_commands: ['pyth*']\n")
        assert instance.wait(waiting)["state"] == "completed", "the whole card is to be had"
        card = gpu(instance, 0)
        assert (card["state"], card["processes"][0]["is_ignored"]) == ("free", True)
        assert card["memory_free_mib"] == 14 * 1024, "but its memory is in use"
        greedy = instance.submit("true", memory="20G")
        assert instance.task(greedy)["pending_reason"] == "gpu_memory"
        own = begin(instance, "sleep 100")
        assert (gpu(instance, 0)["state"], own["gpus"]) == ("busy", [0])


def test_memory_that_no_process_accounts_for_blocks_as_well() -> None:
    with box(n_gpus=1) as instance:
        faults = simulated(instance) / "faults.json"
        faults.write_text(json.dumps({"foreign": {"0": {"mib": 4096}}}))
        wait_until(lambda: gpu(instance, 0)["state"] == "foreign", what="the memory is seen")
        waiting = instance.submit("true")
        wait_until(lambda: gpu(instance, 0)["blocks"] == 1, what="a task waits for that")
        card = gpu(instance, 0)
        assert (card["unattributed_mib"], card["unattributed_since"] is None) == (4096, False)
        faults.unlink()
        assert instance.wait(waiting)["state"] == "completed"
        assert gpu(instance, 0)["unattributed_since"] is None


def test_a_busy_card_must_have_been_calm_for_as_long() -> None:
    with box(n_gpus=1, env={"GAVELQ_SETTLE_S": "3600"}) as instance:
        faults = simulated(instance) / "faults.json"
        faults.write_text(json.dumps({"utilization": {"0": 90}}))
        wait_until(lambda: gpu(instance, 0)["utilization_percent"] == 90, what="it is busy")
        waiting = instance.submit("true", max_util=50)
        wait_until(lambda: gpu(instance, 0)["blocks"] == 1, what="a task waits for that")
        faults.unlink()
        wait_until(lambda: gpu(instance, 0)["utilization_percent"] == 0, what="it is idle")
        assert instance.wait(instance.submit("true"))["state"] == "completed", "one that does not mind"
        assert instance.wait(waiting)["state"] == "completed", "what our own task did since is no business of others"


def test_a_shared_card_takes_whole_card_tasks_until_the_foreign_process_leaves() -> None:
    with box(n_gpus=1) as instance:
        with foreign_on(instance, 0) as foreign:
            waiting = instance.submit("sleep 300")
            wait_until(lambda: instance.task(waiting)["pending_reason"] == "gpu_unavailable", what="it waits")

            said = instance.cli("gpu", "share", "0")

            assert said.returncode == 0, said.stderr
            assert said.stdout.strip().endswith(f"shared with process {foreign.pid}")
            instance.wait(waiting, "running")
            shown = gpu(instance, 0)
            assert (shown["accepted_pids"], shown["state"]) == ([foreign.pid], "busy")
            assert [p["is_ignored"] for p in shown["processes"] if p["pid"] == foreign.pid] == [True]
            assert shown["memory_free_mib"] == 0

            instance.restart()
            wait_until(lambda: gpu(instance, 0)["accepted_pids"] == [foreign.pid], what="it is still known")
            assert gpu(instance, 0)["state"] == "busy"

            assert instance.post("/api/gpus/0/unshare")["accepted_pids"] == []
            assert gpu(instance, 0)["state"] == "foreign"
            assert instance.state(waiting) == "running"
            assert instance.post("/api/gpus/0/share", {"pid": foreign.pid})["accepted_pids"] == [foreign.pid]
        wait_until(lambda: gpu(instance, 0)["accepted_pids"] == [], what="its leaving is seen")
        acts = [act["event"] for act in instance.get("/api/audit") if "share" in act["event"]]
        assert acts == ["gpu_shared", "gpu_unshared", "gpu_shared"]
        assert instance.cli("gpu", "share", "0").returncode == 6
