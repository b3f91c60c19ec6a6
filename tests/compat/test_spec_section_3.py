"""Sentences about a task's request, at a real daemon: elastic counts, sharing, dependencies, times, sweeps, leases."""

import subprocess

from tests.compat.conftest import Person


def test_an_elastic_task_takes_what_others_leave(someone: Person) -> None:
    alone = someone.waits_for(someone.submits("--min-gpus", "2", "--max-gpus", "8", 'echo "$GAVELQ_GPUS"'))
    assert (alone["gpus"], alone["min_gpus"], alone["max_gpus"]) == ([0, 1, 2, 3], 2, 8)
    modest = someone.waits_for(someone.submits("--max-gpus", "4", "--gpu-left", "3", "true"))
    assert len(modest["gpus"]) == 1
    someone.does("queue", "pause", "running")
    elastic, behind = someone.submits("--max-gpus", "4", "-t", "1m", "sleep 0.5"), someone.submits("-c", "2", "true")
    someone.does("queue", "resume", "running")
    assert [len(someone.waits_for(task_id)["gpus"]) for task_id in (elastic, behind)] == [2, 2]


def test_those_who_say_so_share_a_card_and_others_stand_alone(someone: Person) -> None:
    words = ("-g", "0", "-m", "8", "--share", "sleep 60")
    pair = [someone.submits(*words) for _ in range(2)]
    for task_id in pair:
        assert someone.waits_for(task_id, "running")["gpus"] == [0]
    someone.sees("two are on it", "gpu", "info", "0", key="state", value="shared")
    third, alone = someone.submits(*words), someone.submits("-g", "0", "-m", "1", "true")
    for task_id in (third, alone):
        assert someone.asks("task", "info", str(task_id))["pending_reason"] == "gpu_count"
    someone.ends(third, *pair)
    assert someone.waits_for(alone)["state"] == "completed"
    assert "memory" in someone.fails(2, "submit", "--share", "true")


def test_dependencies_are_kept_and_told(someone: Person) -> None:
    first = someone.submits("--hold", "exit 3")
    good, bad, any_way = (
        someone.submits(option, str(first), "true") for option in ("--after", "--after-fail", "--after-any")
    )
    chained = someone.submits("--after", str(good), "true")
    someone.does("task", "run", str(first))
    for task_id in (good, chained):
        found = someone.waits_for(task_id)
        assert (found["state"], found["end_reason"]) == ("aborted", "dependency_failed")
    assert [someone.waits_for(task_id)["state"] for task_id in (bad, any_way)] == ["completed"] * 2
    someone.fails(3, "submit", "--after", "99999", "true")
    someone.fails(7, "submit", "--after", str(first), "true")


def test_a_time_to_begin_a_limit_and_its_warning(someone: Person) -> None:
    later = someone.submits("--not-before", "+1h", "true")
    assert someone.asks("task", "info", str(later))["pending_reason"] == "begin_time"
    someone.does("task", "edit", str(later), "--unset", "not-before", "-t", "10m", "--warn", "USR1@30")
    found = someone.waits_for(later)
    assert (found["state"], found["time_limit_s"], found["warn"]) == ("completed", 600, "SIGUSR1@30")
    warned = someone.submits("-t", "5s", "--warn", "USR1@3", "trap 'echo warned; exit 7' USR1; sleep 30 & wait")
    assert someone.waits_for(warned)["exit_code"] == 7
    assert someone.does("logs", str(warned)) == "warned\n"


def test_a_sweep_is_one_submission(someone: Person) -> None:
    made = someone.asks("submit", "--param", "lr=.1,.01", "--array", "0-1%1", "-n", "s", 'echo "{lr} {index}"')
    assert [task["name"] for task in made] == [f"s[lr={lr},{n}]" for lr in (".1", ".01") for n in (0, 1)]
    number = str(made[0]["submission_id"])
    assert someone.types("task", "wait", "--submission", number).returncode == 0
    assert someone.does("logs", str(made[3]["id"])) == ".01 1\n"
    assert len(someone.asks("task", "list", "--all", "--submission", number)) == 4


def test_a_lease_ends_with_its_owner(someone: Person) -> None:
    owner = subprocess.Popen(["sleep", "60"])
    lease = someone.asks("lease", "-c", "2", "--pid", str(owner.pid))
    assert (lease["state"], len(lease["gpus"]), lease["lease_owner_pid"]) == ("running", 2, owner.pid)
    owner.kill()
    owner.wait()
    found = someone.waits_for(lease["id"])
    assert (found["state"], found["end_reason"]) == ("aborted", "lease_expired")


def test_run_passes_the_exit_code_of_the_task_on(someone: Person) -> None:
    done = someone.types("run", "--retries", "1", "--backoff", "0", 'echo "try $GAVELQ_ATTEMPT"; exit 7')
    assert (done.returncode, done.stdout) == (7, "try 1\ntry 2\n")


def test_what_waits_can_be_changed_and_what_ended_be_run_again(someone: Person) -> None:
    task_id = someone.submits("--hold", "-c", "2", "exit 1")
    someone.does("task", "edit", str(task_id), "-c", "1", "-m", "2", "-p", "7", "--cmd", "exit 2")
    someone.does("task", "run", str(task_id))
    ended = someone.waits_for(task_id)
    assert (ended["exit_code"], ended["gpu_count"], ended["memory_mib"], ended["priority"]) == (2, 1, 2048, 7)
    someone.fails(6, "task", "edit", str(task_id), "-p", "8")
    again = someone.asks("task", "rerun", str(task_id), "--cmd", "true")
    assert (again["priority"], someone.waits_for(again["id"])["state"]) == (7, "completed")
