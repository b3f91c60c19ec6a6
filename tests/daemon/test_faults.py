"""A card that breaks under a task, in a real daemon: the task goes elsewhere or ends, the card waits for a person."""

import json
from pathlib import Path
from typing import Any

from gavelq.testing.waiting import wait_until
from tests.daemon.gates import Gate, begin
from tests.daemon.test_full_disk import no_room
from tests.support.daemon import Box, Json

BUS = "Xid 79: GPU has fallen off the bus"


def trouble(instance: Box, **what: Any) -> None:
    """Write `faults.json` of the simulated cards, all of it at once."""
    path = Path(instance.home) / "state" / "simulated" / "faults.json"
    fresh = path.with_suffix(".fresh")
    fresh.write_text(json.dumps(what))
    fresh.replace(path)


def gpu(instance: Box, index: int) -> Json:
    found: Json = instance.get(f"/api/gpus/{index}")
    return found


def ends(task: Json) -> list[tuple[list[int], str | None]]:
    """The attempts of a task: their cards and why they ended."""
    return [(attempt["gpus"], attempt["end_reason"]) for attempt in task["attempts"]]


def test_a_task_with_retries_goes_on_on_another_card_and_the_broken_one_waits_for_a_person(fresh: Box) -> None:
    gate = Gate(fresh)
    task = begin(fresh, gate.command(0), gpu_ids=["0", "1"], gpu_count=1, retries=1, backoff="0.1")
    assert task["gpus"] == [0]
    trouble(fresh, xid={"0": 79})
    wait_until(lambda: fresh.task(task["id"])["attempt"] == 2, what="the second attempt")
    gate.open()
    task = fresh.wait(task["id"])
    assert (task["state"], ends(task)) == ("completed", [([0], "gpu_lost"), ([1], "exit_zero")])
    assert BUS in task["attempts"][0]["detail"]
    assert (gpu(fresh, 0)["state"], gpu(fresh, 0)["fault"]) == ("draining", BUS)
    trouble(fresh)
    fresh.restart()
    assert (gpu(fresh, 0)["state"], gpu(fresh, 0)["fault"]) == ("draining", BUS)
    waiting = fresh.submit("true", gpu_ids=["0"])
    wait_until(lambda: fresh.task(waiting)["pending_reason"] == "gpu_unavailable", what="it waits for the card")
    assert "gavelq gpu unignore 0" in fresh.task(waiting)["pending_detail"]
    fresh.post("/api/gpus/0/unignore")
    assert fresh.wait(waiting)["gpus"] == [0]
    assert gpu(fresh, 0)["fault"] is None


def test_a_task_without_retries_ends_with_the_card_and_its_neighbours_go_on(fresh: Box) -> None:
    task, neighbour = begin(fresh, "sleep 300", gpu_ids=["0"]), begin(fresh, "sleep 300", gpu_ids=["1"])
    trouble(fresh, ecc={"0": 2})
    ended = fresh.wait(task["id"])
    assert (ended["state"], ended["end_reason"]) == ("aborted", "gpu_lost")
    assert ended["end_detail"] == "GPU 0: 2 new uncorrected ECC errors"
    assert fresh.state(neighbour["id"]) == "running"


def test_a_lost_card_that_comes_back_waits_for_a_person(fresh: Box) -> None:
    task = begin(fresh, "sleep 300", gpu_ids=["0"])
    trouble(fresh, lost=["0"])
    ended = fresh.wait(task["id"])
    assert (ended["state"], ended["end_reason"]) == ("aborted", "gpu_lost")
    assert gpu(fresh, 0)["state"] == "lost"
    trouble(fresh)
    wait_until(lambda: gpu(fresh, 0)["state"] == "draining", what="the card is back")
    fresh.post("/api/gpus/0/unignore")
    assert fresh.wait(fresh.submit("true", gpu_ids=["0"]))["state"] == "completed"


def test_a_card_that_is_lost_while_the_daemon_is_down_ends_what_runs_there(fresh: Box) -> None:
    task = begin(fresh, "sleep 300", gpu_ids=["0"])
    fresh.stop()
    trouble(fresh, lost=["0"])
    fresh.start()
    assert fresh.wait(task["id"])["end_reason"] == "gpu_lost"


def test_a_task_that_ignores_the_signal_is_killed(fresh: Box) -> None:
    task = begin(fresh, "trap '' TERM; echo ready; while true; do sleep 0.1; done", gpu_ids=["0"])
    fresh.wait_log(task["id"], "ready")
    trouble(fresh, xid={"0": 119})
    ended = fresh.wait(task["id"])
    assert (ended["end_reason"], ended["signal"]) == ("gpu_lost", 9)


def test_an_error_of_a_program_is_told_in_its_history_and_changes_nothing(fresh: Box) -> None:
    task = begin(fresh, "sleep 300", gpu_ids=["0"])
    trouble(fresh, xid={"0": 31})

    def told() -> list[Json]:
        return [event for event in fresh.task(task["id"])["events"] if event["event"] == "gpu_xid"]

    wait_until(told, what="the error is told")
    assert "page fault" in told()[0]["details"]["says"]
    assert (fresh.state(task["id"]), gpu(fresh, 0)["state"], gpu(fresh, 0)["fault"]) == ("running", "busy", None)


def test_an_error_that_is_told_while_the_disk_is_full_is_not_forgotten(fresh: Box) -> None:
    task = begin(fresh, "sleep 300", gpu_ids=["0"])
    with no_room(fresh):
        trouble(fresh, xid={"0": 79})
        wait_until(lambda: fresh.get("/api/daemon")["read_only"], what="the look could not be written down")
        trouble(fresh)
    assert fresh.wait(task["id"])["end_reason"] == "gpu_lost"
