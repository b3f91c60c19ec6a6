"""Sweeps through a real daemon, and submissions as things: shown, waited for, held, run and killed as a whole."""

import json
import os
from typing import Any

import pytest

from gavelq.client.sdk import Client
from gavelq.core.errors import InvalidField, SubmissionNotFound, TimedOut, WrongState
from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, Failure, Json

ENV = {"PATH": os.environ["PATH"]}


def sweep(daemon: Box, **task: Any) -> list[Json]:
    """Submit one task object with a sweep in it; the tasks that it made."""
    body = {"tasks": [{"command": "true", "workdir": "/tmp", "env": ENV, **task}]}
    made: list[Json] = daemon.post("/api/submissions", body)
    return made


def submission(daemon: Box, tasks: list[Json], verb: str = "") -> str:
    """The path of the submission that these tasks are."""
    (number,) = {task["submission_id"] for task in tasks}
    return f"/api/submissions/{number}{verb}"


def ended(daemon: Box, tasks: list[Json]) -> Json:
    """Wait for all of them; the submission."""
    found: Json = {}

    def is_ended() -> bool:
        found.update(daemon.get(submission(daemon, tasks, "/wait?timeout=10")))
        return bool(found["is_ended"])

    wait_until(is_ended, 60, "the submission ends")
    return found


# --- sweeps ----------------------------------------------------------------------------------------------


def test_each_task_of_a_sweep_gets_its_values_in_command_and_environment(daemon: Box) -> None:
    tasks = sweep(
        daemon, command='echo "{x} $GAVELQ_PARAM_x" {index} $GAVELQ_ARRAY_INDEX ${x} {other}', name="t",
        params={"x": ["1", "a $(b)"]}, array="7-8",
    )  # fmt: skip
    assert [task["name"] for task in tasks] == ["t[x=1,7]", "t[x=1,8]", "t[x=a $(b),7]", "t[x=a $(b),8]"]
    assert [(task["params"], task["array_index"]) for task in tasks][2] == ({"x": "a $(b)"}, 7)
    assert ended(daemon, tasks)["counts"]["completed"] == 4
    assert [daemon.log(task["id"]).strip() for task in tasks] == [
        "1 1 7 7 {other}",
        "1 1 8 8 {other}",
        "a $(b) a $(b) 7 7 {other}",
        "a $(b) a $(b) 8 8 {other}",
    ]


def test_a_sweep_is_one_submission_with_all_its_tasks_in_a_row(daemon: Box) -> None:
    tasks = sweep(daemon, name="n", array="0-4", hold=True)
    found = daemon.get(submission(daemon, tasks))
    ids = [task["id"] for task in tasks]
    assert ids == list(range(ids[0], ids[0] + 5))
    assert (found["first_task_id"], found["last_task_id"], found["n_tasks"]) == (ids[0], ids[-1], 5)
    assert (found["name"], found["is_ended"], found["counts"]["held"]) == ("n", False, 5)
    number = tasks[0]["submission_id"]
    assert [task["id"] for task in daemon.get(f"/api/tasks?submission={number}")] == ids
    assert [task["id"] for task in daemon.get(f"/api/tasks?submission={number}&state=held")] == ids
    daemon.post(submission(daemon, tasks, "/kill"))
    found = daemon.get(submission(daemon, tasks))
    assert (found["is_ended"], found["counts"]["cancelled"]) == (True, 5)


def test_a_submission_is_called_as_its_tasks_or_as_its_first_and_last(daemon: Box) -> None:
    alike, unlike = sweep(daemon, name="n", params={"x": [1, 2]}), sweep(daemon, name="n-{x}", params={"x": [1, 2, 3]})
    assert daemon.get(submission(daemon, alike))["name"] == "n"
    assert daemon.get(submission(daemon, unlike))["name"] == "n-1 … n-3"


def test_a_sweep_that_cannot_be_made_makes_nothing_and_names_its_object_once(daemon: Box) -> None:
    before = daemon.submit("true")
    good = {"command": "true", "workdir": "/tmp", "env": ENV}
    for task, field in (
        ({"array": "5-1"}, "tasks[1].array"),
        ({"array": "0-9", "workdir": "/nowhere"}, "tasks[1].workdir"),
        ({"array": "0-9", "gpu_count": 99}, "tasks[1].gpu_count"),
        ({"params": {"x": ["1", "$(x)"]}, "command": "echo `{x}`"}, "tasks[1].command"),
    ):
        with pytest.raises(Failure) as caught:
            daemon.post("/api/submissions", {"tasks": [good, {**good, **task}]})
        mistakes = caught.value.body["details"]["mistakes"]
        assert [f"tasks[{one['index']}].{one['field']}" for one in mistakes] == [field]
    with pytest.raises(Failure) as caught:
        sweep(daemon, array="0-99999", params={"x": [1, 2]})
    assert (caught.value.status, caught.value.body["code"]) == (422, "limit_reached")
    assert daemon.submit("true") == before + 1


def test_where_one_task_is_posted_a_sweep_is_refused(daemon: Box) -> None:
    with pytest.raises(Failure) as caught:
        daemon.submit("true", array="0-3")
    assert caught.value.status == 400
    assert "/api/submissions" in caught.value.body["hint"]


def test_a_sweep_that_is_sent_twice_with_one_key_is_made_once(daemon: Box) -> None:
    body = {"tasks": [{"command": "true", "workdir": "/tmp", "env": ENV, "array": "0-2"}], "key": "once-and-only"}
    first, second = daemon.post("/api/submissions", body), daemon.post("/api/submissions", body)
    assert [task["id"] for task in first] == [task["id"] for task in second]


def test_a_sweep_survives_the_daemon(fresh: Box) -> None:
    tasks = sweep(fresh, command="echo {x} $GAVELQ_PARAM_x", params={"x": ["a b", "c"]}, hold=True)
    fresh.kill()
    fresh.start()
    assert fresh.post(submission(fresh, tasks, "/run"))["n_done"] == 2
    assert ended(fresh, tasks)["counts"]["completed"] == 2
    assert [fresh.log(task["id"]) for task in tasks] == ["a b a b\n", "c c\n"]


def test_no_more_tasks_of_a_submission_run_at_once_than_it_says(daemon: Box) -> None:
    tasks = sweep(daemon, command="sleep 61", array="0-3%2", gpu_count=1)
    number = tasks[0]["submission_id"]

    def counts() -> tuple[int, int]:
        found = daemon.get(f"/api/submissions/{number}")["counts"]
        return found["running"], found["pending"]

    wait_until(lambda: counts() == (2, 2), 60, "two of four run, though there are four cards")
    waiting = daemon.task(tasks[-1]["id"])
    assert waiting["pending_reason"] == "array_limit", waiting["pending_detail"]
    daemon.post(f"/api/tasks/{tasks[0]['id']}/kill")
    wait_until(lambda: counts() == (2, 1), 60, "another one takes its place")
    daemon.post(f"/api/submissions/{number}/kill")
    assert ended(daemon, tasks)["counts"]["cancelled"] == 4


# --- submissions as things -------------------------------------------------------------------------------


def test_hold_run_and_kill_touch_the_tasks_that_can_be(daemon: Box) -> None:
    tasks = sweep(daemon, command="sleep 62", array="0-5", gpu_count=1)
    for task in tasks[:4]:
        daemon.wait(task["id"], "running")
    held = daemon.post(submission(daemon, tasks, "/hold"))
    assert (held["n_done"], held["n_refused"], held["counts"]["held"]) == (2, 4, 2)
    released = daemon.post(submission(daemon, tasks, "/run"))
    assert (released["n_done"], released["counts"]["held"]) == (2, 0)
    killed = daemon.post(submission(daemon, tasks, "/kill"))
    assert (killed["n_done"], killed["n_refused"]) == (6, 0)
    found = ended(daemon, tasks)
    assert found["counts"]["cancelled"] == 6
    assert all(daemon.task(task["id"])["attempt"] == 0 for task in tasks[4:]), "those that waited never started"


def test_a_signal_that_ends_nothing_goes_to_those_that_run(daemon: Box) -> None:
    command = "trap 'echo got' USR1; echo up; while :; do sleep 0.05; done"
    tasks = sweep(daemon, command=command, array="0-4", gpu_count=1)
    for task in tasks[:4]:
        daemon.wait_log(task["id"], "up")
    told = daemon.post(submission(daemon, tasks, "/kill"), {"signal": "USR1"})
    assert (told["n_done"], told["n_refused"]) == (4, 1)
    for task in tasks[:4]:
        daemon.wait_log(task["id"], "got")
    daemon.post(submission(daemon, tasks, "/kill"))
    ended(daemon, tasks)


def test_run_takes_a_submission_out_of_the_waiting_queue(daemon: Box) -> None:
    tasks = sweep(daemon, queue="waiting", array="0-2")
    assert {task["state"] for task in tasks} == {"held"}
    daemon.post(submission(daemon, tasks, "/run"), {"queue": "running"})
    assert ended(daemon, tasks)["counts"]["completed"] == 3


def test_nothing_to_do_is_a_wrong_state_and_an_unknown_queue_is_told(daemon: Box) -> None:
    tasks = sweep(daemon, array="0-1")
    ended(daemon, tasks)
    for verb in ("hold", "run", "kill"):
        with pytest.raises(Failure) as caught:
            daemon.post(submission(daemon, tasks, f"/{verb}"))
        assert (caught.value.status, caught.value.body["code"]) == (409, "wrong_state")
        assert "is over (2 completed): no task of it can be " in caught.value.body["detail"]
    tasks = sweep(daemon, array="0-1", hold=True)
    with pytest.raises(Failure) as caught:
        daemon.post(submission(daemon, tasks, "/run"), {"queue": "nowhere"})
    assert caught.value.body["code"] == "queue_not_found"
    daemon.post(submission(daemon, tasks, "/kill"))


def test_a_variable_of_a_task_object_that_gavelq_sets_is_told(daemon: Box) -> None:
    env = {"CUDA_VISIBLE_DEVICES": "3", "A": "1"}
    task = daemon.post("/api/tasks", {"command": "true", "env": env, "env_dropped": ["MY_TOKEN"]})
    assert task["env_dropped"] == ["MY_TOKEN", "CUDA_VISIBLE_DEVICES"]
    (daemon.home / "tasks.json").write_text(json.dumps([{"command": "true", "env": env}]))
    done = daemon.cli("submit", "json", "--file", str(daemon.home / "tasks.json"))
    assert "CUDA_VISIBLE_DEVICES (gavelq sets it" in done.stderr


def test_tasks_that_may_not_be_released_are_told_with_the_reason(daemon: Box) -> None:
    daemon.post("/api/queues", {"name": "brief", "max_time_limit": "1h"})
    given = [{"command": "true", "time_limit": limit, "hold": True} for limit in ("1m", "2h")]
    tasks = daemon.post("/api/submissions", {"tasks": given})
    told = daemon.post(submission(daemon, tasks, "/run"), {"queue": "brief"})
    assert (told["n_done"], told["n_refused"], [one["id"] for one in told["refused"]]) == (1, 1, [tasks[1]["id"]])
    assert told["refused"][0]["error"]["details"]["field"] == "time_limit"
    daemon.post(submission(daemon, tasks, "/kill"))


@pytest.mark.parametrize("number", ["0", "99999999", "x", "-1", "1" * 30, "%00"])
def test_an_unknown_submission_is_not_found(daemon: Box, number: str) -> None:
    for method, verb in (("GET", ""), ("GET", "/wait"), ("POST", "/kill"), ("POST", "/hold"), ("POST", "/run")):
        with pytest.raises(Failure) as caught:
            daemon.request(method, f"/api/submissions/{number}{verb}", {} if method == "POST" else None)
        assert (caught.value.status, caught.value.body["code"]) == (404, "submission_not_found")


def test_a_list_of_an_unknown_submission_is_not_an_empty_one(daemon: Box) -> None:
    tasks = sweep(daemon, array="0-1")
    ended(daemon, tasks)
    number = tasks[0]["submission_id"]
    assert daemon.get(f"/api/tasks?submission={number}&state=pending") == []
    for query in ("", "&state=pending", "&state=failed"):
        with pytest.raises(Failure) as caught:
            daemon.get(f"/api/tasks?submission=99999999{query}")
        assert (caught.value.status, caught.value.body["code"]) == (404, "submission_not_found")


def test_the_sdk_makes_sweeps_and_steers_submissions(daemon: Box) -> None:
    client = Client(socket=daemon.socket)
    tasks = client.submit_sweep("sleep {s}", params={"s": ["63", "64"]}, name="s", gpu_count=1)
    number = tasks[0]["submission_id"]
    assert [task["command"] for task in client.tasks(submission=number)] == ["sleep 63", "sleep 64"]
    with pytest.raises(TimedOut):
        client.wait_submission(number, timeout_s=0.1)
    assert client.submission(number)["name"] == "s"
    assert client.kill_submission(number)["n_done"] == 2
    assert client.wait_submission(number, timeout_s=30)["counts"]["cancelled"] == 2
    with pytest.raises(WrongState):
        client.hold_submission(number)
    with pytest.raises(SubmissionNotFound):
        client.run_submission(10**9)
    with pytest.raises(InvalidField, match="several"):
        client.submit("true", array="0-3")
