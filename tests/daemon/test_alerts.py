"""Alerts at a real daemon: what fires is told, once and for all, also where the daemon is killed in between."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, Failure, Json, alive_with, box
from tests.support.hooks import Hook, hook
from tests.support.tenants import As

RULES = {
    "GAVELQ_ALERTS_RESOLVE_S": "0.5", "GAVELQ_ALERTS_GPU_FAULT": "on", "GAVELQ_ALERTS_QUEUE_WAIT": "1s",
    "GAVELQ_ALERTS_ALLOCATION_IDLE": "3 for 1s",
}  # fmt: skip


@pytest.fixture
def listening() -> Iterator[Hook]:
    with hook() as made:
        yield made


def instance_for(listening: Hook, **more: str) -> Any:
    return box(env={**RULES, "GAVELQ_NOTIFY_URLS": listening.url("/SECRET/alerts"), **more}, n_gpus=2)


def faults(instance: Box, document: Json) -> None:
    path = instance.home / "state" / "simulated" / "faults.json"
    path.with_suffix(".new").write_text(json.dumps(document))
    path.with_suffix(".new").rename(path)


def firing(instance: Box) -> set[str]:
    return {f"{one['rule']} {one['subject']}" for one in instance.get("/api/alerts")["firing"]}


def of_rule(listening: Hook, rule: str) -> list[str]:
    return [document["event"] for _, document in list(listening.got) if document.get("rule") == rule]


def test_a_fault_fires_once_is_told_and_resolves(listening: Hook) -> None:
    with instance_for(listening) as instance:
        uuid = instance.get("/api/gpus/0")["uuid"]
        faults(instance, {"xid": {"0": 79}})
        wait_until(lambda: of_rule(listening, "gpu_fault") == ["firing"], 60, "the channel is told")
        assert f"gpu_fault gpu:{uuid}" in firing(instance)
        instance.restart()
        assert f"gpu_fault gpu:{uuid}" in firing(instance), "it fires on after a restart"
        faults(instance, {})
        instance.post("/api/gpus/0/unignore")
        wait_until(lambda: of_rule(listening, "gpu_fault") == ["firing", "resolved"], 60, "its end is told")
        events = [one["event"] for one in instance.get("/api/alerts")["recent"] if one["rule"] == "gpu_fault"]
        assert events == ["firing", "resolved"]
        assert instance.get("/api/alerts")["channels"] == [f"http://127.0.0.1:{listening.port}"]
        for log in Path(instance.home / "state").glob("*.log"):
            assert "SECRET" not in log.read_text()


def test_what_is_muted_or_quiet_is_listed_and_told_only_afterwards(listening: Hook) -> None:
    quiet = time.strftime("%H:%M", time.localtime(time.time() - 3600)) + "-" + time.strftime(
        "%H:%M", time.localtime(time.time() + 7200)
    )  # fmt: skip
    with instance_for(listening, GAVELQ_ALERTS_QUIET=quiet) as instance:
        instance.submit("sleep 4711", gpu_ids=["0"])
        instance.submit("true", gpu_count=2)
        instance.post("/api/alerts/mutes", {"rule": "gpu_fault", "for": "1h", "reason": "known"})
        faults(instance, {"xid": {"1": 79}})
        wait_until(lambda: any(one.startswith("queue_wait") for one in firing(instance)), 60, "the wait fires")
        wait_until(lambda: any(one.startswith("gpu_fault") for one in firing(instance)), 60, "the fault fires")
        assert listening.got == []
        instance.request("DELETE", "/api/alerts/mutes?rule=gpu_fault")
        wait_until(lambda: of_rule(listening, "gpu_fault") == ["firing"], 60, "critical ones pass quiet hours")
        assert of_rule(listening, "queue_wait") == []
        muted = next(one for one in instance.get("/api/audit") if one["event"] == "alert_muted")
        assert re.fullmatch(r"2\d{3}-\d\d-\d\dT[\d:]{8}\.\d{6}Z", muted["details"]["until_at"])
        acts = json.dumps(instance.get("/api/audit"))
        assert "alert_muted" in acts
        assert "alert_unmuted" in acts


def test_a_tasks_owner_is_told_also_where_the_daemon_is_killed_in_between() -> None:
    with hook() as first:
        port = first.port
    with box(n_gpus=1) as instance:  # nobody listens at that port now
        url = f"http://127.0.0.1:{port}/SECRET"
        task_id = instance.submit("exit 3", notify=[url], notify_on="start,end")
        task = instance.wait(task_id)
        assert (task["notify"], task["notify_on"]) == ([f"http://127.0.0.1:{port}"], ["start", "end"])
        assert "SECRET" not in json.dumps(task)
        instance.kill()
        with hook(port) as listening:
            instance.start()
            wait_until(lambda: sorted(listening.events("/SECRET")) == ["end", "start"], 60, "both are told")
            story = [one["event"] for one in instance.task(task_id)["events"]]
            wait_until(lambda: instance.get("/api/alerts")["n_waiting"] == 0, 60, "nothing is left to tell")
            documents = {document["event"]: document for _, document in listening.got}
            assert (documents["end"]["state"], documents["end"]["exit_code"]) == ("failed", 3)
            instance.restart()
            assert sorted(listening.events("/SECRET")) == ["end", "start"], "and only once"
            assert story.count("ended") == 1


def test_what_a_url_may_be_is_asked_before_anything_is_submitted(daemon: Box) -> None:
    for fields, said in (
        ({"notify": "tgram://SECRET/1"}, "apprise"), ({"notify": "mailto:a@b.c"}, "notify.smtp"),
        ({"notify": ["http://h/SECRET", "SECRET"]}, "notify[1]"), ({"notify_on": "end"}, "notify_on"),
        ({"notify": "http://h/", "notify_on": "often"}, "notify_on"), ({"notify": ["http://h/"] * 9}, "notify"),
        ({"notify": "http://h/\r\nX: SECRET"}, "notify"),
    ):  # fmt: skip
        with pytest.raises(Failure) as caught:
            daemon.submit("true", **fields)
        assert caught.value.status == 400
        assert said in caught.value.body["detail"], caught.value.body
        assert "SECRET" not in json.dumps(caught.value.body)


def test_an_idle_task_is_warned_and_released_as_its_queue_says(listening: Hook) -> None:
    with instance_for(listening) as instance:
        instance.post("/api/queues", {"name": "short", "idle_after": "3s", "idle_action": "end"})
        task_id = instance.submit("sleep 4712", queue="short", notify=[listening.url("/task")])
        wait_until(lambda: instance.task(task_id)["idle_since"] is not None, 60, "it is warned")
        assert "have been idle for" in instance.get(f"/api/tasks/{task_id}/why")["summary"]
        task = instance.wait(task_id)
        assert (task["state"], task["end_reason"]) == ("aborted", "idle")
        assert "gavelq: task" in instance.log(task_id)
        wait_until(lambda: listening.events("/task") == ["idle", "end"], 60, "its owner is told of both")
        assert alive_with("sleep 4712") == []
        wait_until(lambda: of_rule(listening, "allocation_idle")[:1] == ["firing"], 60, "so are the channels")


def test_a_test_reaches_the_channels_and_tells_what_failed(listening: Hook, daemon: Box) -> None:
    listening.status = 500
    assert daemon.post("/api/alerts/test") == []
    (told,) = daemon.post("/api/alerts/test", {"urls": [listening.url("/SECRET")]})
    assert (told["channel"], told["delivered"]) == (f"http://127.0.0.1:{listening.port}", False)
    assert "it answered 500" in told["problem"]
    listening.status = 204
    (told,) = daemon.post("/api/alerts/test", {"urls": [listening.url("/SECRET")]})
    assert told["delivered"] is True


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", "/api/alerts/mutes", {}), ("POST", "/api/alerts/mutes", {"for": "x"}),
        ("POST", "/api/alerts/mutes", {"for": True}), ("POST", "/api/alerts/mutes", {"for": "1h", "rule": "nope"}),
        ("POST", "/api/alerts/mutes", {"for": "1h", "rule": ["a"]}),
        ("POST", "/api/alerts/mutes", {"for": "1h", "subject": "nope"}),
        ("POST", "/api/alerts/mutes", {"for": "1h", "reason": 5}), ("POST", "/api/alerts/mutes", {"for": "1h", "x": 1}),
        ("DELETE", "/api/alerts/mutes", None), ("DELETE", "/api/alerts/mutes?rule=nope", None),
        ("POST", "/api/alerts/test", {"urls": []}), ("POST", "/api/alerts/test", {"urls": "x"}),
        ("POST", "/api/alerts/test", {"urls": [5]}), ("GET", "/api/alerts?limit=0", None),
    ],
)  # fmt: skip
def test_bad_requests_are_refused_with_a_hint(daemon: Box, method: str, target: str, body: Json | None) -> None:
    with pytest.raises(Failure) as caught:
        daemon.request(method, target, body)
    assert caught.value.status in (400, 404)
    assert caught.value.body["hint"]


def test_tenants_see_the_alerts_of_their_own_tasks_alone() -> None:
    with box(n_gpus=2, env=RULES, listen="127.0.0.1:0") as instance:
        tokens = {}
        for name in ("ada", "bob"):
            instance.post("/api/tenants", {"name": name})
            tokens[name] = instance.post("/api/tokens", {"tenant": name})["token"]
        ada, bob = As(instance, tokens["ada"]), As(instance, tokens["bob"])
        made = ada.ask("POST", "/api/tasks", {"command": "sleep 4713", "workdir": "/tmp"}).json
        wait_until(lambda: any(one.endswith(f"task:{made['id']}") for one in firing(instance)), 60, "it is idle")
        seen = ada.ask("GET", "/api/alerts").json
        assert [one["subject"] for one in seen["firing"]] == [f"task:{made['id']}"]
        assert [one["subject"] for one in seen["recent"]] == [f"task:{made['id']}"]
        assert (seen["mutes"], seen["channels"], seen["n_waiting"]) == ([], [], None)
        nothing = bob.ask("GET", "/api/alerts").json
        assert (nothing["firing"], nothing["recent"]) == ([], [])
        for method, target in (
            ("POST", "/api/alerts/test"), ("POST", "/api/alerts/mutes"), ("DELETE", "/api/alerts/mutes"),
        ):  # fmt: skip
            assert ada.ask(method, target, {} if method == "POST" else None).status == 403
