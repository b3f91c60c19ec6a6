"""Sentences about queues, GPUs and who may use what, at a real daemon."""

import itertools
import os

import pytest

from gavelq.testing.waiting import wait_until
from tests.compat.conftest import Person

_NUMBERS = itertools.count(1)


@pytest.fixture
def lab(someone: Person) -> str:
    """A queue of its own for one test; the test leaves it empty."""
    name = f"lab{next(_NUMBERS)}"
    someone.does("queue", "create", name)
    return name


def gone(someone: Person, queue: str) -> None:
    someone.does("queue", "delete", queue)


def test_a_stream_of_narrow_tasks_does_not_starve_a_wide_one(someone: Person) -> None:
    first = [someone.submits("-g", str(gpu), f"sleep 0.{gpu + 3}") for gpu in range(4)]
    wide = someone.submits("-p", "100", "-c", "4", "sleep 0.2")
    stream = [someone.submits("sleep 0.3") for _ in range(6)]
    ended = {task_id: someone.waits_for(task_id) for task_id in (*first, wide, *stream)}
    began = {task_id: task["started_at"] for task_id, task in ended.items()}
    assert all(began[wide] < began[task_id] for task_id in stream)


def test_one_foreign_process_does_not_idle_the_other_cards(someone: Person) -> None:
    someone.pretends(foreign={"0": {"mib": 4096, "pid": os.getpid()}})
    wait_until(lambda: someone.asks("gpu", "info", "0")["state"] == "foreign", 60, "the process is seen")
    wide = someone.submits("-p", "100", "-c", "4", "true")
    try:
        assert someone.asks("task", "info", str(wide))["pending_reason"] == "gpu_unavailable"
        assert someone.waits_for(someone.submits("-c", "3", "true"))["gpus"] == [1, 2, 3]
    finally:
        someone.pretends()
    assert someone.waits_for(wide)["state"] == "completed"


def test_a_running_task_that_is_moved_keeps_its_gpus_and_counts_in_its_new_queue(someone: Person, lab: str) -> None:
    someone.does("queue", "set", lab, "max_running=1")
    running = someone.submits("-g", "2", "sleep 60")
    someone.waits_for(running, "running")
    moved = someone.asks("queue", "move", str(running), lab)
    assert (moved["state"], moved["gpus"], moved["queue"]) == ("running", [2], lab)
    assert someone.asks("queue", "status", lab)["n_running"] == 1
    assert someone.asks("queue", "status", "running")["n_running"] == 0
    behind = someone.submits("-q", lab, "true")
    assert someone.asks("task", "info", str(behind))["pending_reason"] == "queue_limit"
    someone.fails(6, "task", "hold", str(running))
    someone.ends(running)
    someone.waits_for(behind)
    gone(someone, lab)


def test_a_merged_queue_stays_with_its_gpus_and_without_its_tasks(someone: Person, lab: str) -> None:
    someone.does("gpu", "allocate", "3", lab)
    running = someone.submits("-q", lab, "sleep 60")
    waiting = someone.submits("-q", lab, "true")
    held = someone.submits("-q", lab, "--hold", "true")
    someone.waits_for(running, "running")
    someone.fails(6, "queue", "merge", "--from", lab, "--to", lab)
    someone.fails(6, "queue", "delete", lab)
    someone.does("queue", "merge", "--from", lab, "--to", "running")
    assert someone.waits_for(waiting)["queue"] == "running"
    assert someone.asks("task", "info", str(running))["gpus"] == [3]
    assert someone.asks("task", "info", str(held))["state"] == "held"
    assert someone.asks("queue", "status", lab)["gpus"] == [3]
    someone.ends(running, held)
    gone(someone, lab)


def test_ignoring_suspends_ownership_until_it_is_undone(someone: Person, lab: str) -> None:
    someone.does("gpu", "allocate", "3", lab)
    someone.does("gpu", "ignore", "3")
    waiting = someone.submits("-q", lab, "true")
    assert someone.asks("task", "info", str(waiting))["pending_reason"] == "gpu_unavailable"
    assert someone.asks("gpu", "info", "3")["queue"] == lab
    someone.does("gpu", "unignore", "3")
    assert someone.waits_for(waiting)["gpus"] == [3]
    gone(someone, lab)


def test_draining_waits_for_the_tasks_and_draining_now_does_not(someone: Person) -> None:
    slow = someone.submits("-g", "1", "sleep 0.5")
    someone.waits_for(slow, "running")
    assert someone.asks("gpu", "drain", "1")["state"] == "draining"
    assert someone.waits_for(slow)["state"] == "completed"
    someone.does("gpu", "unignore", "1")
    kind = someone.submits("-g", "1", "trap 'exit 0' TERM; echo ready; sleep 60 & wait")
    rude = someone.submits("-g", "2", "sleep 60")
    someone.box.wait_log(kind, "ready")
    someone.waits_for(rude, "running")
    someone.fails(2, "gpu", "drain", "1", "--requeue")
    someone.does("gpu", "drain", "1", "--now")
    someone.does("gpu", "drain", "2", "--now")
    assert someone.waits_for(rude)["end_reason"] == "gpu_drained"
    assert someone.waits_for(kind)["state"] == "completed"
    someone.does("gpu", "unignore", "--all")


def test_a_queue_without_gpus_uses_the_pool_unless_it_may_not(someone: Person, lab: str) -> None:
    someone.does("queue", "set", lab, "pool=false")
    waiting = someone.submits("-q", lab, "true")
    assert f"gavelq gpu allocate {lab}" in someone.does("task", "why", str(waiting))
    someone.does("gpu", "allocate", "2", lab)
    assert someone.waits_for(waiting)["gpus"] == [2]
    someone.does("gpu", "release", "2", "-y")
    someone.does("queue", "set", lab, "pool=true")
    assert someone.waits_for(someone.submits("-q", lab, "true"))["state"] == "completed"
    gone(someone, lab)


def test_max_running_of_one_makes_a_queue_serial_beside_parallel_ones(someone: Person, lab: str) -> None:
    someone.does("queue", "set", lab, "max_running=1")
    first = someone.submits("-q", lab, "sleep 60")
    second = someone.submits("-q", lab, "true")
    assert someone.waits_for(someone.submits("true"))["state"] == "completed"
    assert someone.asks("task", "info", str(second))["pending_reason"] == "queue_limit"
    someone.ends(first)
    assert someone.waits_for(second)["started_at"] >= someone.waits_for(first)["ended_at"]
    gone(someone, lab)


def test_a_hold_queue_never_dispatches_and_task_run_takes_out_of_it(someone: Person) -> None:
    task_id = someone.submits("-q", "waiting", "true")
    assert someone.asks("task", "info", str(task_id))["state"] == "held"
    assert "task run" in someone.does("task", "why", str(task_id))
    someone.fails(6, "task", "run", str(task_id), "--queue", "waiting")
    someone.fails(6, "gpu", "allocate", "0", "waiting")
    someone.fails(6, "queue", "set", "waiting", "hold=false")
    someone.does("queue", "pause", "running")
    assert someone.asks("task", "run", str(task_id))["queue"] == "running"
    assert someone.asks("task", "info", str(task_id))["pending_reason"] == "queue_paused"
    someone.does("queue", "resume", "running")
    assert someone.waits_for(task_id)["state"] == "completed"


def test_a_queue_looks_at_utilisation_and_free_memory(someone: Person, lab: str) -> None:
    someone.pretends(foreign={"0": {"mib": 8192, "pid": os.getpid()}}, utilization={"1": 30})
    wait_until(lambda: someone.asks("gpu", "info", "1")["utilization_percent"] == 30, 60, "the trouble is seen")
    try:
        someone.does("queue", "set", lab, "mem_type=percentage", "mem_value=70", "max_util=29")
        memory = someone.submits("-q", lab, "-g", "0", "-m", "1", "true")
        busy = someone.submits("-q", lab, "-g", "1", "true")
        reasons = [someone.asks("task", "info", str(task_id))["pending_reason"] for task_id in (memory, busy)]
        assert reasons == ["gpu_memory", "gpu_busy"]
        someone.does("queue", "set-limit", lab, "--mem-type", "absolute", "--mem-value", "16384", "--max-util", "30")
        assert someone.waits_for(memory)["state"] == "completed"
        assert someone.waits_for(busy)["state"] == "completed"
    finally:
        someone.pretends()
    gone(someone, lab)
