"""Failed tasks of a real daemon: what they failed of, their next tries, their logs, and what is held."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, Failure, box

TORCH_OOM = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of"
COUNT = "n=$(cat n 2>/dev/null || echo 0); echo $((n+1)) > n; echo this is try $((n+1)); "


@pytest.fixture(scope="module")
def retrying() -> Iterator[Box]:
    """A daemon that holds a submission after three fast failures, and sets a clear tone for pauses."""
    with box(env={"GAVELQ_RETRY_HOLD_AFTER": "3", "GAVELQ_RETRY_JITTER_PERCENT": "0"}) as instance:
        yield instance


def events(task: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The details of a task's events of one kind."""
    return [event["details"] for event in task["events"] if event["event"] == kind]


def test_a_task_that_fails_twice_is_tried_again_and_every_try_keeps_its_log(retrying: Box, tmp_path: Path) -> None:
    task_id = retrying.submit(COUNT + "[ $n -ge 2 ]", workdir=str(tmp_path), retries=3, backoff="0.2")
    task = retrying.wait(task_id)
    assert (task["state"], task["attempt"], task["n_failures"]) == ("completed", 3, 2)
    assert [one["end_reason"] for one in task["attempts"]] == ["exit_nonzero", "exit_nonzero", "exit_zero"]
    assert [one["pause_s"] for one in events(task, "retrying")] == [0.2, 0.2]
    assert len({one["log_path"] for one in task["attempts"]}) == 3
    for number in (1, 2, 3):
        said = retrying.get(f"/api/tasks/{task_id}/logs?attempt={number}")
        assert said == f"this is try {number}\n"
    assert retrying.log(task_id) == "this is try 3\n"
    retrying.post(f"/api/tasks/{task_id}/remove")
    assert not [one["log_path"] for one in task["attempts"] if Path(one["log_path"]).exists()]


@pytest.mark.parametrize(
    ("command", "reason", "detail"),
    [
        (f"echo step 1; echo '{TORCH_OOM}'; exit 1", "out_of_memory_gpu", TORCH_OOM),
        ("python3 -c 'def ('", "code_error", "SyntaxError: "),
        ("python3 -c 'import no_such_module_of_ours'", "code_error", "ModuleNotFoundError: No module named"),
        ("no-such-command-of-ours", "code_error", "command not found"),
        ("python3 -c 'raise MemoryError'", "out_of_memory_host", "MemoryError"),
        ("echo 'ncclSystemError: System call failed.'; kill -ABRT $$", "nccl_error", "ncclSystemError"),
        ("echo 'WARNING: CUDA out of memory, retrying'; exit 3", "exit_nonzero", None),
        ("kill -SEGV $$", "signalled", None),
    ],
)
def test_the_end_of_its_output_tells_what_it_failed_of(
    retrying: Box, command: str, reason: str, detail: str | None
) -> None:
    task = retrying.wait(retrying.submit(command))
    assert task["end_reason"] == reason
    assert (detail or "") in (task["end_detail"] or "")


def test_broken_code_is_not_tried_again_unless_that_is_asked_for(retrying: Box) -> None:
    task = retrying.wait(retrying.submit("python3 -c 'def ('", retries=5, backoff="0"))
    assert (task["end_reason"], task["attempt"]) == ("code_error", 1)
    task = retrying.wait(retrying.submit("python3 -c 'def ('", retries=1, backoff="0", retry_on="code_error"))
    assert (task["end_reason"], task["attempt"]) == ("code_error", 2)


def test_a_gpu_out_of_memory_asks_for_more_and_then_for_a_whole_card(retrying: Box) -> None:
    task_id = retrying.submit(
        f"echo '{TORCH_OOM}'; exit 1", memory="16G", share=True, retries=2, backoff="0", on_gpu_oom="x2"
    )
    task = retrying.wait(task_id)
    assert [one["changed"] for one in events(task, "retrying")] == [
        "memory 16.0G -> 24.0G per GPU", "memory 24.0G -> whole GPU",
    ]  # fmt: skip
    assert (task["memory_mib"], task["share"]) == (None, False)


def test_unlimited_tries_in_bursts_go_on_until_one_works(retrying: Box, tmp_path: Path) -> None:
    task_id = retrying.submit(
        COUNT + "[ $n -ge 7 ]", workdir=str(tmp_path), retries="unlimited", backoff="0.3", retry_burst=3
    )
    task = retrying.wait(task_id)
    assert (task["state"], task["attempt"]) == ("completed", 8)
    assert [one["pause_s"] for one in events(task, "retrying")] == [0, 0, 0.3, 0, 0, 0.3, 0]


def test_while_it_waits_for_its_next_try_a_task_says_so_and_can_be_cancelled(retrying: Box) -> None:
    task_id = retrying.submit("exit 1", retries=1, backoff="3600")
    wait_until(lambda: retrying.task(task_id)["pending_reason"] == "backoff", what="it waits for its next try")
    assert retrying.task(task_id)["retry_at"] is not None
    retrying.post(f"/api/tasks/{task_id}/kill")
    assert retrying.task(task_id)["state"] == "cancelled"


def test_a_sweep_that_only_fails_is_held_and_released_by_hand(retrying: Box) -> None:
    one = {"command": "exit 1", "workdir": "/tmp", "gpu_ids": [2]}
    ids = [task["id"] for task in retrying.post("/api/submissions", {"tasks": [one] * 6})]
    wait_until(lambda: retrying.state(ids[-1]) == "held", what="the rest is held")
    tasks = [retrying.task(task_id) for task_id in ids]
    assert [task["state"] for task in tasks] == ["failed"] * 3 + ["held"] * 3
    submission = tasks[0]["submission_id"]
    why = f"3 fast failures in a row in submission {submission} (last: task {ids[2]}, exit_nonzero)"
    assert {task["hold_reason"] for task in tasks[3:]} == {why}
    assert why in retrying.get(f"/api/tasks/{ids[5]}/why")["summary"]
    retrying.post(f"/api/tasks/{ids[5]}/run")
    assert retrying.wait(ids[5])["hold_reason"] is None
    for task_id in ids[3:5]:
        retrying.post(f"/api/tasks/{task_id}/kill")


def test_only_what_a_try_wrote_itself_counts_in_a_log_that_all_write_to(retrying: Box, tmp_path: Path) -> None:
    own = tmp_path / "own.log"
    command = COUNT + f"[ $n -ge 1 ] || echo '{TORCH_OOM}'; exit 1"
    task_id = retrying.submit(command, workdir=str(tmp_path), log_path=str(own), retries=1, backoff="0")
    task = retrying.wait(task_id)
    assert [one["end_reason"] for one in task["attempts"]] == ["out_of_memory_gpu", "exit_nonzero"]
    assert own.read_text().startswith("this is try 1\ntorch.")


def test_a_log_that_is_no_file_or_gone_or_hangs_keeps_no_task_from_ending(retrying: Box, tmp_path: Path) -> None:
    assert retrying.wait(retrying.submit("echo x; exit 1", log_path="/dev/null"))["end_reason"] == "exit_nonzero"
    gone = tmp_path / "gone.log"
    command = f"rm {gone}; echo '{TORCH_OOM}'; exit 1"
    assert retrying.wait(retrying.submit(command, log_path=str(gone)))["end_reason"] == "exit_nonzero"


def test_tries_go_on_after_kill_minus_9_of_the_daemon(fresh: Box, tmp_path: Path) -> None:
    task_id = fresh.submit(
        COUNT + f"[ $n -ge 1 ] || sleep 1; echo '{TORCH_OOM}'; exit 1", workdir=str(tmp_path), retries=2, backoff="0.1"
    )
    fresh.wait_log(task_id, "this is try 1")
    fresh.kill()
    wait_until(lambda: (tmp_path / "n").read_text() == "1\n", what="it goes on alone")
    fresh.start()
    task = fresh.wait(task_id)
    assert [one["end_reason"] for one in task["attempts"]] == ["out_of_memory_gpu"] * 3
    assert task["n_failures"] == 3


def test_the_command_line_shows_each_try_and_its_output(retrying: Box, tmp_path: Path) -> None:
    done = retrying.cli(
        "submit", "--retries", "2", "--backoff", "0.1", "-w", str(tmp_path), "--", "bash", "-c", COUNT + "[ $n -ge 1 ]"
    )
    assert done.returncode == 0, done.stderr
    task_id = done.stdout.split()[1]
    retrying.wait(int(task_id))
    told = retrying.cli("task", "info", task_id).stdout
    assert "exit_nonzero, exit 1" in told
    assert f"log {retrying.home}/state/logs/{task_id}.log" in told
    assert "retrying attempt=1 reason=exit_nonzero" in told
    assert retrying.cli("task", "logs", task_id, "--attempt", "1").stdout == "this is try 1\n"
    assert retrying.cli("task", "logs", task_id).stdout == "this is try 2\n"
    missing = retrying.cli("logs", task_id, "--attempt", "9")
    assert (missing.returncode, "has no attempt 9" in missing.stderr) == (3, True)


def test_who_follows_a_task_sees_all_its_tries(retrying: Box, tmp_path: Path) -> None:
    lines = "for i in 1 2 3; do echo $n-$i; sleep 0.2; done; "
    task_id = retrying.submit(COUNT + lines + "[ $n -ge 2 ]", workdir=str(tmp_path), retries=5, backoff="0.1")
    done = retrying.cli("logs", str(task_id), "-f")
    wanted = "".join(f"this is try {n + 1}\n{n}-1\n{n}-2\n{n}-3\n" for n in range(3))
    assert (done.returncode, done.stdout) == (0, wanted)


def test_many_failures_at_once_are_all_explained(retrying: Box) -> None:
    one = {"command": f"echo '{TORCH_OOM}'; exit 1", "workdir": "/tmp", "gpu_count": 0}
    ids = [int(retrying.post("/api/tasks", one)["id"]) for _ in range(40)]
    assert {retrying.wait(task_id, timeout_s=60)["end_reason"] for task_id in ids} == {"out_of_memory_gpu"}


def test_bad_rules_are_refused_with_the_field_and_the_way_out(retrying: Box) -> None:
    for field, wrong in (("retries", -5), ("backoff", "soon"), ("retry_on", "bad_luck"), ("on_gpu_oom", "x0.5")):
        with pytest.raises(Failure) as refused:
            retrying.submit("true", **{field: wrong})
        assert refused.value.status in (400, 422)
        assert field in str(refused.value.body)
