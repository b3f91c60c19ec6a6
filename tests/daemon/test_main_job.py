"""The main job, end to end: submit, place, run, report; through a real daemon and real processes."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, Failure, box


def test_a_command_runs_on_its_gpu_and_reports_its_exit_code(daemon: Box) -> None:
    good = daemon.submit("echo out; echo err >&2; echo GPUS=$GAVELQ_GPUS")
    bad = daemon.submit("exit 3")
    assert daemon.wait(good)["state"] == "completed"
    log = daemon.log(good)
    assert "out\n" in log
    assert "err\n" in log
    assert f"GPUS={daemon.task(good)['gpus'][0]}" in log
    ended = daemon.wait(bad)
    assert (ended["state"], ended["end_reason"], ended["exit_code"]) == ("failed", "exit_nonzero", 3)


def test_a_task_sees_its_gpus_by_uuid_and_the_variables_of_the_specification(daemon: Box) -> None:
    task = daemon.wait(daemon.submit("env", gpu_count=2, name="sees"))
    seen = dict(line.split("=", 1) for line in daemon.log(task["id"]).splitlines() if "=" in line)
    assert seen["CUDA_VISIBLE_DEVICES"].split(",") == task["gpu_uuids"]
    assert seen["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert seen["GAVELQ_TASK_ID"] == str(task["id"])
    assert seen["GAVELQ_ATTEMPT"] == "1"
    assert seen["GAVELQ_QUEUE"] == "running"
    assert seen["GAVELQ_SOCKET"] == daemon.socket
    assert seen["MASTER_ADDR"] == "127.0.0.1"
    assert 1024 <= int(seen["MASTER_PORT"]) <= 65535
    assert seen["PYTHONUNBUFFERED"] == "1"
    assert not [name for name in seen if name.startswith("SLURM_")]


def test_a_task_without_gpu_sees_none(daemon: Box) -> None:
    task = daemon.wait(daemon.submit('echo "[$CUDA_VISIBLE_DEVICES]"', gpu_count=0))
    assert daemon.log(task["id"]) == "[]\n"


def test_several_command_lines_run_one_after_another_until_one_fails(daemon: Box) -> None:
    task = daemon.wait(daemon.submit(["echo one", "echo two; exit 4", "echo three"]))  # type: ignore[arg-type]  # a list of lines is a command, too
    assert daemon.log(task["id"]) == "one\ntwo\n"
    assert task["exit_code"] == 4


def test_a_script_runs_by_its_shebang_and_was_copied_when_it_was_submitted(daemon: Box) -> None:
    script = {
        "name": "job.py",
        "content": "#!/usr/bin/env python3\nimport sys; print('args', sys.argv[1:])\n",
        "args": ["a b", "$x"],
    }
    body = {"script": script, "workdir": "/tmp", "env": {"PATH": daemon.env["PATH"]}}
    task = daemon.wait(daemon.post("/api/tasks", body)["id"])
    assert daemon.log(task["id"]) == "args ['a b', '$x']\n"


def test_no_gpu_is_used_twice_at_once_and_all_are_used(daemon: Box) -> None:
    ids = [daemon.submit("sleep 0.4") for _ in range(8)]
    tasks = [daemon.wait(task_id) for task_id in ids]
    spans = sorted((task["gpus"][0], task["started_at"], task["ended_at"]) for task in tasks)
    for (gpu, _, ended), (other, started, _) in pairwise(spans):
        assert gpu != other or ended <= started
    assert {task["gpus"][0] for task in tasks} == {0, 1, 2, 3}


def test_the_next_task_starts_as_soon_as_a_card_is_free_not_at_a_tick(daemon: Box) -> None:
    ids = [daemon.submit("true", gpu_ids=["0"]) for _ in range(20)]
    tasks = [daemon.wait(task_id) for task_id in ids]
    assert all(task["state"] == "completed" for task in tasks)
    starts = [task["started_at"] for task in tasks]
    assert starts == sorted(starts)


def test_a_repeated_submission_with_the_same_key_makes_no_second_task(daemon: Box) -> None:
    body = {"tasks": [{"command": "true", "workdir": "/tmp"}], "key": "once"}
    first, second = (daemon.post("/api/submissions", body) for _ in range(2))
    assert [task["id"] for task in first] == [task["id"] for task in second]


def test_a_time_limit_ends_a_task_with_its_own_reason(daemon: Box) -> None:
    task = daemon.wait(daemon.submit("sleep 60", time_limit="0.3s"))
    assert (task["state"], task["end_reason"]) == ("failed", "time_limit")


def test_a_held_task_waits_for_task_run(daemon: Box) -> None:
    task_id = daemon.submit("true", queue="waiting")
    assert daemon.state(task_id) == "held"
    daemon.post(f"/api/tasks/{task_id}/run")
    assert daemon.wait(task_id)["state"] == "completed"


def test_rerun_makes_a_new_task_and_leaves_the_old_one_as_it_ended(daemon: Box) -> None:
    first = daemon.wait(daemon.submit("exit 1"))
    again = daemon.wait(daemon.post(f"/api/tasks/{first['id']}/rerun")["id"])
    assert again["id"] != first["id"]
    assert daemon.state(first["id"]) == "failed"


def test_events_tell_the_story_in_order(daemon: Box) -> None:
    task = daemon.wait(daemon.submit("true"))
    assert [event["event"] for event in task["events"]] == ["submitted", "placed", "started", "ended"]
    assert task["attempts"][0]["exit_code"] == 0
    assert task["attempts"][0]["max_rss_mib"] > 0


def test_a_listing_of_an_unknown_queue_is_an_error_not_an_empty_list(daemon: Box) -> None:
    for states in ("", "&state=pending"):
        with pytest.raises(Failure) as missing:
            daemon.get(f"/api/tasks?queue=runing{states}")
        assert missing.value.body["code"] == "queue_not_found"


def test_those_who_wait_get_an_answer_when_the_daemon_stops() -> None:
    with box() as instance:
        task_id = instance.submit("sleep 60")
        instance.wait(task_id, "running")
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(instance.get, f"/api/tasks/{task_id}/wait?timeout=25")
            following = pool.submit(instance.get, f"/api/tasks/{task_id}/logs?offset=0&wait=25")
            wait_until(lambda: instance.get("/api/daemon")["running"], what="both have asked")
            instance.post("/api/daemon/stop")
            assert waiting.result(10)["state"] == "running"
            assert following.result(10) == ""
        assert instance.process is not None
        assert instance.process.wait(10) == 0
