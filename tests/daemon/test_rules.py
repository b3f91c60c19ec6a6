"""The rules and the rest of the configuration in a real daemon: set by CLI and API, they apply at once; looked back at,
and undone."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gavelq.client.sdk import Client
from gavelq.core.errors import GavelqError
from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, Failure, Json, box

RULES = {
    "rules.min_gpu": 1, "rules.max_gpu": 3, "rules.gpu_left": 1, "rules.compete_gpus": [0, 2],
    "rules.use_all_gpus": True, "rules.maximize_resource_utilization": True, "rules.memory_save_mode": False,
    "rules.max_retry_before_backoff": 5, "rules.backoff_duration": 30, "rules.max_retries": 7,
    "rules.time_limit": "90m", "rules.work_dir": "/data", "rules.on_failure": "stop", "rules.seed": 42,
}  # fmt: skip
COMMENTED = "# the lab's machine\nrules:  # ours\n  gpu_left: 1  # for guests\n"


@pytest.fixture
def clean(daemon: Box) -> Iterator[Box]:
    """The module's daemon without a configuration file."""
    config = daemon.home / "config.yaml"
    config.unlink(missing_ok=True)
    daemon.post("/api/config/reload")
    yield daemon
    config.unlink(missing_ok=True)
    daemon.post("/api/config/reload")


def rows(instance: Box) -> dict[str, Json]:
    return {row["name"]: row for row in instance.get("/api/config")}


def put(instance: Box, values: Json, path: str = "/api/config", **more: str) -> tuple[int, dict[str, str], Any]:
    content = json.dumps(values).encode()
    headers = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in more.items()}}
    status, fields, body = instance.raw("PUT", path, content, headers)
    return status, fields, json.loads(body)


def test_cards_outside_of_compete_gpus_get_no_new_task_at_once_and_keep_what_runs(fresh: Box) -> None:
    first = [fresh.submit("sleep 1000") for _ in range(4)]
    for task_id in first:
        fresh.wait(task_id, "running")
    done = fresh.cli("config", "set", "rules.compete_gpus", "0,1")
    assert done.returncode == 0, done.stderr
    gpus = fresh.get("/api/gpus")
    assert [gpu["state"] for gpu in gpus] == ["busy", "busy", "ignored", "ignored"]
    assert [gpu["excluded"] for gpu in gpus] == [False, False, True, True]
    assert gpus[2]["unavailable"] == "not among rules.compete_gpus"
    assert [fresh.state(task_id) for task_id in first] == ["running"] * 4
    waiting = [fresh.submit("sleep 1000") for _ in range(2)]
    on_out = [task_id for task_id in first if fresh.task(task_id)["gpus"][0] in (2, 3)]
    on_in = [task_id for task_id in first if task_id not in on_out]
    for task_id in on_out:
        fresh.post(f"/api/tasks/{task_id}/kill")
        fresh.wait(task_id)
    assert [fresh.state(task_id) for task_id in waiting] == ["pending"] * 2
    why = fresh.get(f"/api/tasks/{waiting[0]}/why")
    assert {card["text"] for card in why["cards"] if card["index"] in ("2", "3", 2, 3)} == {
        "not among rules.compete_gpus"
    }
    for task_id in on_in:
        fresh.post(f"/api/tasks/{task_id}/kill")
    assert sorted(fresh.wait(task_id, "running")["gpus"][0] for task_id in waiting) == [0, 1]
    later = fresh.submit("sleep 1000")
    uuid = gpus[3]["uuid"]
    fresh.request("PUT", "/api/config", {"rules.compete_gpus": [0, uuid]})
    assert fresh.wait(later, "running")["gpus"] == [3]
    last = fresh.submit("sleep 1000")
    fresh.request("PUT", "/api/config", {"rules.use_all_gpus": True})
    assert fresh.wait(last, "running")["gpus"] == [2]


def test_a_default_queue_that_is_not_there_is_told_and_the_one_in_use_is_not_deleted(clean: Box) -> None:
    done = clean.cli("config", "set", "submit.default_queue", "night")
    assert (done.returncode, "there is no queue night" in done.stderr) == (0, True)
    (told,) = clean.get("/api/daemon")["warnings"]
    assert clean.get("/api/settings")["submit.default_queue"]["warning"] == told
    clean.post("/api/queues", {"name": "night"})
    assert clean.get("/api/daemon")["warnings"] == []
    with pytest.raises(Failure) as caught:
        clean.request("DELETE", "/api/queues/night")
    assert (caught.value.status, caught.value.body["code"]) == (409, "wrong_state")
    assert "submit.default_queue" in caught.value.body["detail"]
    assert clean.cli("config", "unset", "submit.default_queue").returncode == 0
    assert clean.request("DELETE", "/api/queues/night") == {"deleted": "night"}


def test_a_card_that_is_not_there_is_told_and_the_other_ones_are_used(clean: Box) -> None:
    done = clean.cli("config", "set", "rules.compete_gpus", "0,9")
    assert "there is no GPU 9 on this machine" in done.stderr
    assert clean.get("/api/daemon")["warnings"] == [
        "rules.compete_gpus: there is no GPU 9 on this machine; it counts when it appears"
    ]
    assert "no GPU 9" in clean.get("/api/settings")["rules.compete_gpus"]["warning"]
    listed = clean.cli("gpu", "list").stdout.splitlines()[1:]
    assert [line.split("\t")[2] for line in listed] == ["free", "ignored", "ignored", "ignored"]
    assert "not among rules.compete_gpus" in listed[1]
    assert "not among rules.compete_gpus" in clean.cli("gpu", "info", "1").stdout
    assert "GPU 1: ignored (not among rules.compete_gpus)" in clean.cli("gpu", "unignore", "1").stdout
    clean.post("/api/queues", {"name": "lab"})
    with pytest.raises(Failure, match="2 free GPU"):
        clean.post("/api/gpus/allocate", {"queue": "lab", "count": 2})
    assert clean.post("/api/gpus/allocate", {"queue": "lab"})[0]["index"] == 0
    clean.post("/api/gpus/0/release")


def test_every_rule_is_set_by_the_api_with_comments_kept_and_undone_at_once(clean: Box) -> None:
    config = clean.home / "config.yaml"
    config.write_text(COMMENTED)
    done = clean.request("PUT", "/api/config", RULES)
    assert {name: rows(clean)[name]["value"] for name in RULES} == RULES
    assert set(done["changed"]) == {*RULES}
    for kept in ("# the lab's machine", "# ours", "# for guests"):
        assert kept in config.read_text()
    by_cli = json.loads(clean.cli("config", "show", "-o", "json").stdout)
    assert {row["name"]: row["value"] for row in by_cli if row["name"] in RULES} == RULES
    undone = clean.post("/api/config/undo")
    assert undone["change"]["undoes"] == done["change"]["number"]
    assert config.read_text() == COMMENTED
    defaults = {name: row["default"] for name, row in rows(clean).items() if name in RULES}
    assert {name: rows(clean)[name]["value"] for name in RULES} == defaults | {"rules.gpu_left": 1}


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_set_by_the_command_line(clean: Box, name: str) -> None:
    value = RULES[name]
    written = ",".join(map(str, value)) if isinstance(value, list) else str(value).lower()
    done = clean.cli("config", "set", name, written)
    assert done.returncode == 0, done.stderr
    assert rows(clean)[name]["value"] == value
    assert clean.cli("config", "set", name, "}{").returncode == 2
    assert clean.cli("config", "undo").returncode == 0
    assert rows(clean)[name]["value"] == rows(clean)[name]["default"]


def test_all_mistakes_are_told_and_nothing_is_changed(clean: Box) -> None:
    before = rows(clean)
    status, _, problem = put(clean, {"rules.max_gpu": -2, "rules.maxgpu": 1, "rules.min_gpu": 1, "rules.seed": "x"})
    assert (status, problem["code"]) == (400, "invalid_field")
    assert [one["field"] for one in problem["details"]["mistakes"]] == ["rules.max_gpu", "rules.maxgpu", "rules.seed"]
    assert "did you mean rules.max_gpu?" in problem["message"]
    assert rows(clean) == before
    assert not (clean.home / "config.yaml").exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"values": []}, "values"),
        ({"values": {}, "unset": "rules.seed"}, "unset"),
        ({"values": {}, "rules.seed": 1}, "rules.seed"),
        ({"unset": ["rules.nonsense"]}, "rules.nonsense"),
        ({"values": {"rules.seed": 1}, "unset": ["rules.seed"]}, "rules.seed"),
        ({"rules": {"seed": 1}}, "rules"),
        ({"rules.time_limit": [1]}, "rules.time_limit"),
        ({"rules.work_dir": "here"}, "rules.work_dir"),
        ({"rules.work_dir": "/a\ud800"}, "body"),
        ({"gpus": {}}, "gpus"),
    ],
)
def test_bodies_that_make_no_sense_are_refused_by_field(clean: Box, body: Json, field: str) -> None:
    status, _, problem = put(clean, body)
    assert (status, problem["code"], problem["details"]["field"]) == (400, "invalid_field", field)
    assert problem["hint"]


def test_values_that_make_another_setting_wrong_are_refused(clean: Box) -> None:
    status, _, problem = put(clean, {"http.listen": "0.0.0.0:8080"})
    assert (status, problem["code"]) == (400, "invalid_file")
    assert problem["details"]["mistakes"][0]["field"] == "http.listen"
    assert not (clean.home / "config.yaml").exists()


def test_a_change_made_for_another_version_of_the_file_is_refused(clean: Box) -> None:
    _, fields, _ = clean.raw("GET", "/api/config", b"", {})
    tag = fields["etag"]
    status, after, _ = put(clean, {"rules.seed": 1}, If_Match=tag)
    assert status == 200
    assert after["etag"] != tag
    for path in ("/api/config", "/api/settings"):
        status, _, problem = put(clean, {"rules.seed": 2}, path, If_Match=tag)
        assert (status, problem["code"]) == (412, "changed_meanwhile")
    headers = {"Content-Type": "application/json", "If-Match": f'"other", {tag}'}
    assert clean.raw("POST", "/api/config/undo", b"{}", headers)[0] == 412
    assert rows(clean)["rules.seed"]["value"] == 1
    assert put(clean, {"rules.seed": 3}, If_Match=f'"other", {after["etag"]}')[0] == 200
    assert put(clean, {"rules.seed": 4}, If_Match="*")[0] == 200
    assert put(clean, {"rules.seed": 5}, If_Match=f"W/{after['etag']}")[0] == 412


def test_changes_of_the_command_line_and_the_api_are_one_history(clean: Box) -> None:
    me = clean.get("/api/config/history")[-1]["by"] if clean.get("/api/config/history") else None
    clean.cli("config", "set", "rules.gpu_left", "2")
    clean.request("PUT", "/api/config", {"values": {"rules.seed": 9}, "unset": ["rules.gpu_left"]})
    *_, first, second = clean.get("/api/config/history")
    assert (first["how"], second["how"], second["number"]) == ("set", "api", first["number"] + 1)
    assert first["by"] == second["by"] == (me or first["by"])
    assert second["settings"] == [
        {"name": "rules.gpu_left", "old": 2, "new": None, "was_default": False, "is_default": True},
        {"name": "rules.seed", "old": None, "new": 9, "was_default": True, "is_default": False},
    ]
    assert clean.get("/api/config/history?name=rules.seed&limit=1") == [second]
    told = json.loads(clean.cli("config", "history", "rules.seed", "-n", "1", "-o", "json").stdout)
    assert told == [second]
    with pytest.raises(Failure, match="overtaken"):
        clean.post("/api/config/undo", {"number": first["number"]})
    assert clean.cli("config", "undo", str(first["number"])).returncode == 6
    clean.post("/api/config/undo", {"number": second["number"]})
    assert rows(clean)["rules.gpu_left"]["value"] == 2
    assert clean.get("/api/config/history")[-2]["undone_by"] == second["number"] + 1
    for wrong in ({"number": 0}, {"number": True}, {"number": "1"}, {"change": 1}):
        with pytest.raises(Failure, match="400"):
            clean.post("/api/config/undo", wrong)
    with pytest.raises(Failure, match="404"):
        clean.post("/api/config/undo", {"number": 10**9})
    for query in ("limit=0", "limit=10001", "limit=x", "name=rules.nonsense"):
        with pytest.raises(Failure, match="400"):
            clean.get(f"/api/config/history?{query}")


def test_settings_are_described_and_can_be_sent_back_as_they_came(clean: Box) -> None:
    found = clean.get("/api/settings")
    assert set(found) == set(rows(clean))
    assert set(found["rules.seed"]) == {"value", "description", "needs_restart", "warning"}
    assert "the daemon's environment decides" in found["gpu.sample_interval_s"]["warning"]
    found["rules.seed"]["value"] = 11
    done = clean.request("PUT", "/api/settings", found)
    assert (done["changed"], (clean.home / "config.yaml").read_text()) == (["rules.seed"], "rules:\n  seed: 11\n")
    assert clean.request("PUT", "/api/settings", {"rules.seed": 12})["change"]["settings"][0]["new"] == 12
    assert clean.request("PUT", "/api/settings", {"rules.seed": {"value": 12}})["change"] is None
    with pytest.raises(Failure, match="no `value`"):
        clean.request("PUT", "/api/settings", {"rules.seed": {"valeu": 12}})


def test_what_the_daemon_works_with_otherwise_is_told(clean: Box) -> None:
    done = clean.request("PUT", "/api/config", {"gpu.sample_interval_s": 2, "log.backups": 7})
    assert done["needs_restart"] == ["log.backups"]
    assert any("GAVELQ_GPU_SAMPLE_INTERVAL_S" in text for text in done["warnings"])
    found = clean.get("/api/settings")
    assert "works with 5 until: gavelq daemon restart" in found["log.backups"]["warning"]
    assert found["rules.seed"]["warning"] is None


def test_tasks_are_tenants_and_may_neither_look_nor_change(clean: Box, tmp_path: Path) -> None:
    script = (
        "import sys; from gavelq.client.sdk import Client; from gavelq.core.errors import GavelqError\n"
        "for ask in (lambda c: c.config(), lambda c: c.set_config({'rules.seed': 1}), lambda c: c.undo_config(),\n"
        "            lambda c: c.config_history()):\n"
        "    try:\n        ask(Client()); print('in')\n    except GavelqError as e:\n        print(e.code)\n"
    )
    (tmp_path / "ask.py").write_text(script)
    import sys

    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    task_id = clean.submit(f"{sys.executable} {tmp_path / 'ask.py'}", gpu_count=0, env=env)
    clean.wait(task_id)
    assert clean.log(task_id).split() == ["not_allowed"] * 4


def test_several_admins_at_once_lose_nothing(clean: Box) -> None:
    names = [name for name in RULES if name not in ("rules.compete_gpus", "rules.use_all_gpus")]
    n_before = len(clean.get("/api/config/history"))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: clean.request("PUT", "/api/config", {name: RULES[name]}), names))
    found = rows(clean)
    assert {name: found[name]["value"] for name in names} == {name: RULES[name] for name in names}
    numbers = [change["number"] for change in clean.get("/api/config/history")]
    assert len(numbers) == n_before + len(names)
    assert numbers == sorted(set(numbers))


def test_the_sdk_reads_changes_and_undoes(clean: Box) -> None:
    client = Client(socket=clean.socket)
    done = client.set_config({"rules.seed": 3})
    assert done["changed"] == ["rules.seed"]
    (row,) = [row for row in client.config() if row["name"] == "rules.seed"]
    assert (row["value"], row["kind"], row["optional"], row["low"]) == (3, "whole", True, 0)
    assert client.config_history("rules.seed", limit=1)[0] == done["change"]
    assert client.undo_config()["changed"] == ["rules.seed"]
    with pytest.raises(GavelqError, match="no such setting"):
        client.set_config({"rules.nonsense": 1})


def test_the_history_outlives_the_daemon_and_is_there_without_one() -> None:
    with box() as instance:
        instance.request("PUT", "/api/config", {"rules.seed": 3})
        instance.kill()
        assert instance.cli("config", "set", "rules.seed", "4").returncode == 0
        assert instance.cli("config", "undo").returncode == 0
        told = json.loads(instance.cli("config", "history", "-o", "json").stdout)
        assert [(change["how"], change["undone_by"]) for change in told] == [("api", None), ("set", 3), ("undo", None)]
        instance.start()
        assert instance.get("/api/config/history") == told
        wait_until(lambda: rows(instance)["rules.seed"]["value"] == 3, what="the restored value applies")
