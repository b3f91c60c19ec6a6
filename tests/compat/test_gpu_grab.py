"""What people who come from gpu-grab type: the short forms, at a real daemon (SPEC section 9)."""

import time
from pathlib import Path

import pytest

from tests.compat.conftest import Person


def test_submit_takes_all_short_options(someone: Person, tmp_path: Path) -> None:
    words = ["-n", "exp-1", "-w", str(tmp_path), "-g", "0,1,2", "-c", "2", "-m", "8.0", "-u", "20", "-p", "10"]
    task = someone.asks("submit", *words, "-e", "SEED=1", "-e", "MODE=a b", 'pwd; echo "$SEED $MODE"')
    told = {
        name: task[name] for name in ("name", "workdir", "gpu_ids", "gpu_count", "memory_mib", "max_util", "priority")
    }
    assert told == {
        "name": "exp-1",
        "workdir": str(tmp_path),
        "gpu_ids": [0, 1, 2],
        "gpu_count": 2,
        "memory_mib": 8192,
        "max_util": 80,
        "priority": 10,
    }
    someone.waits_for(task["id"])
    assert someone.does("logs", str(task["id"])) == f"{tmp_path}\n1 a b\n"


def test_listed_gpus_without_a_count_are_all_wanted(someone: Person) -> None:
    assert someone.waits_for(someone.submits("-g", "1,3", "true"))["gpus"] == [1, 3]


@pytest.mark.parametrize(
    "words",
    [
        ["-p", "101", "true"],
        ["-p", "-1", "true"],
        ["-u", "101", "true"],
        ["-m", "lots", "true"],
        ["-c", "-1", "true"],
        ["-c", "2", "-g", "0", "true"],
        ["-g", "0,0", "true"],
        ["-e", "NOVALUE", "true"],
        ["-w", "/no/such/directory", "true"],
        ["-t", "soon", "true"],
        ["two", "words"],
        ["--"],
        [""],
        ["--nodes", "3", "true"],
        ["--gres", "gpu:1", "true"],
        ["--share", "true"],
        ["--not-before", "1h", "true"],
    ],
)
def test_a_mistake_is_refused_with_what_is_wrong_and_nothing_is_submitted(someone: Person, words: list[str]) -> None:
    before = someone.asks("list")
    assert "hint:" in someone.fails(2, "submit", *words)
    assert someone.asks("list") == before


def test_more_than_the_machine_has_is_refused_or_waits(someone: Person) -> None:
    assert "there are 4" in someone.fails(7, "submit", "-c", "5", "true")
    assert "24.0G" in someone.fails(7, "submit", "-m", "25", "true")
    task_id = someone.submits("-m", "25", "--allow-infeasible", "true")
    assert someone.asks("task", "info", str(task_id))["pending_reason"] == "infeasible"
    someone.ends(task_id)


def test_status_shows_cards_and_queues(someone: Person) -> None:
    shown = someone.does("status")
    assert "Simulated 24GiB" in shown
    assert "waiting\thold" in shown
    assert set(someone.asks("status")) == {"daemon", "host", "gpus", "queues", "counts"}


def test_list_shows_one_state_or_all_newest_last(someone: Person) -> None:
    done = someone.submits("true")
    failed = someone.submits("exit 3")
    cancelled = someone.submits("--hold", "true")
    running = someone.submits("sleep 60")
    pending = someone.submits("-c", "4", "true")
    someone.waits_for(done)
    someone.waits_for(failed)
    someone.waits_for(running, "running")
    someone.does("cancel", str(cancelled))
    expected = {
        "completed": done, "failed": failed, "cancelled": cancelled, "running": running, "pending": pending,
    }  # fmt: skip
    try:
        for state, task_id in expected.items():
            found = someone.asks("list", "-s", state)
            assert {task["state"] for task in found} == {state}
            assert found[-1]["id"] == task_id
        ids = [task["id"] for task in someone.asks("list", "-s", "all")]
        assert ids == sorted(ids)
        assert ids == [task["id"] for task in someone.asks("list")]
        assert set(expected.values()) <= set(ids)
    finally:
        someone.ends(running, pending)
    someone.fails(2, "list", "-s", "done")


def test_cancel_ends_what_runs_and_what_waits(someone: Person) -> None:
    running = someone.submits("sleep 60")
    someone.waits_for(running, "running")
    waiting = someone.submits("--hold", "true")
    someone.does("cancel", str(running), str(waiting))
    for task_id in (running, waiting):
        found = someone.waits_for(task_id)
        assert (found["state"], found["end_reason"]) == ("cancelled", "cancelled_by_user")
    someone.fails(6, "cancel", str(running))
    someone.fails(3, "cancel", "99999")
    someone.fails(6, "cancel", str(running), str(waiting))


def test_a_cancellation_that_worked_in_part_says_so(someone: Person) -> None:
    task_id = someone.submits("--hold", "true")
    done = someone.types("cancel", str(task_id), "99999")
    assert done.returncode == 9
    assert "99999" in done.stderr
    assert someone.waits_for(task_id)["state"] == "cancelled"


def test_logs_show_the_last_lines_and_follow(someone: Person) -> None:
    task_id = someone.submits("for i in 1 2 3 4 5; do echo line $i; done; sleep 3; echo end")
    someone.box.wait_log(task_id, "line 5")
    assert someone.does("logs", str(task_id), "-f", "-t", "2") == "line 4\nline 5\nend\n"
    assert someone.does("logs", str(task_id), "-t", "2") == "line 5\nend\n"
    assert someone.does("logs", str(task_id), "-t", "0") == ""


def test_priority_decides_and_the_queue_s_counts_too(someone: Person) -> None:
    someone.does("queue", "create", "urgent", "priority=9")
    blocker = someone.submits("-c", "4", "sleep 60")
    someone.waits_for(blocker, "running")
    waiting = {
        name: someone.submits("-q", queue, "-p", level, "-g", "0", "-n", name, "true")
        for name, queue, level in [
            ("low", "running", "1"), ("urgent", "urgent", "0"), ("equal", "running", "9"), ("high", "running", "10"),
        ]
    }  # fmt: skip
    someone.ends(blocker)
    found = {name: someone.waits_for(task_id) for name, task_id in waiting.items()}
    assert sorted(found, key=lambda name: found[name]["started_at"]) == ["high", "urgent", "equal", "low"]
    someone.does("queue", "delete", "urgent")


def test_several_gpus_come_with_a_port_of_their_own(someone: Person) -> None:
    words = ["submit", "-c", "2", 'echo "$MASTER_ADDR:$MASTER_PORT"; sleep 0.5']
    first, second = (someone.asks(*words)["id"] for _ in range(2))
    ports = set()
    for task_id in (first, second):
        someone.waits_for(task_id)
        address, _, port = someone.does("logs", str(task_id)).strip().partition(":")
        assert address == "127.0.0.1"
        ports.add(int(port))
    assert len(ports) == 2
    alone = someone.submits('echo "[$MASTER_PORT]"')
    someone.waits_for(alone)
    assert someone.does("logs", str(alone)) == "[]\n"


def test_waiting_is_over_when_the_time_is_over(someone: Person) -> None:
    task_id = someone.submits("sleep 60")
    begun = time.monotonic()
    assert "still" in someone.fails(8, "task", "wait", str(task_id), "--timeout", "0.2")
    assert time.monotonic() - begun < 5
    someone.ends(task_id)
    assert someone.types("task", "wait", str(task_id)).returncode == 1
    assert someone.types("task", "wait", str(task_id), "--exit-code").returncode == 143
