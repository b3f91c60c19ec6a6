"""Idempotency keys on everything that is made, and versions on tenants that are edited."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, box
from tests.support.tenants import Answer, As, tenant

Json = dict[str, Any]
CONTENT = "1\nsleep 300\n1\n"
PASSWORD = "correct horse battery"
TASK: Json = {"command": "true", "workdir": "/tmp", "gpu_count": 0, "hold": True}
MADE: dict[str, tuple[Json, Json, str]] = {
    "/api/queues": ({"name": "q", "max_running": 2}, {"name": "q", "max_running": 3}, "/api/queues"),
    "/api/tenants": ({"name": "t", "max_gpus": 2}, {"name": "t2", "max_gpus": 2}, "/api/tenants"),
    "/api/commands/single/new": ({"content": CONTENT}, {"content": CONTENT + "\n"}, "/api/commands/single/list"),
    "/api/commands/single/duplicate": ({"name": "copy"}, {"name": "other"}, "/api/commands/single/list"),
    "/api/scheduler/single/start": ({}, {"priority": 3}, "/api/tasks"),
    "/api/scheduler/single/submit": ({"content": CONTENT}, {"content": "2\ntrue\n1\n"}, "/api/tasks"),
    "/api/alerts/mutes": ({"for": "2h"}, {"for": "3h"}, "/api/alerts"),
    "/api/tasks": (TASK, {**TASK, "priority": 3}, "/api/tasks"),
    "/api/submissions": ({"tasks": [TASK, TASK]}, {"tasks": [TASK]}, "/api/tasks"),
}
"""By route: a body, another one, and where one sees what there is."""


@pytest.fixture(scope="module")
def at() -> Iterator[Box]:
    with box(listen="127.0.0.1:0", n_gpus=1) as instance:
        instance.post("/api/commands/single/new", {"content": CONTENT})
        yield instance


@pytest.fixture
def boss(at: Box) -> As:
    return As(at, at.post("/api/tokens", {"admin": True})["token"])


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["code"]


def ids(made: Any) -> Any:
    """What says which one it is."""
    if isinstance(made, list):
        return [ids(one) for one in made]
    return [made.get(name) for name in ("id", "name", "pid", "config_index", "etag", "until")]


@pytest.mark.parametrize("route", MADE)
def test_the_same_key_brings_the_same_and_makes_nothing_more(at: Box, boss: As, route: str) -> None:
    body, other, listing = MADE[route]
    key = f"key of {route}"
    first = boss.ask("POST", route, body, Idempotency_Key=key)
    assert first.status == 201, first.text
    before = at.get(listing)
    again = boss.ask("POST", route, body, Idempotency_Key=key)
    assert (again.status, ids(again.json)) == (201, ids(first.json)), again.text
    assert refused(boss.ask("POST", route, other, Idempotency_Key=key)) == (422, "key_reused")
    assert str(at.get(listing)).count("'name'") == str(before).count("'name'")


def test_a_key_is_for_one_kind_of_thing_and_for_one_tenant(at: Box, boss: As) -> None:
    assert boss.ask("POST", "/api/queues", {"name": "kind"}, Idempotency_Key="one").status == 201
    for route, body in (
        ("/api/tasks", TASK), ("/api/tenants", {"name": "kind"}), ("/api/tokens", {"admin": True}),
        ("/api/scheduler/single/submit", {"content": CONTENT}), ("/api/commands/single/new", {"content": CONTENT}),
    ):  # fmt: skip
        assert refused(boss.ask("POST", route, body, Idempotency_Key="one")) == (422, "key_reused"), route
    assert boss.ask("POST", "/api/tasks", TASK, Idempotency_Key="two").status == 201
    assert refused(boss.ask("POST", "/api/queues", {"name": "k2"}, Idempotency_Key="two")) == (422, "key_reused")
    ada = tenant(at, "keys")
    assert ada.ask("POST", "/api/tasks", TASK, Idempotency_Key="one").status == 201
    assert refused(ada.ask("POST", "/api/commands/single/new", {}, Idempotency_Key="x" * 201))[1] == "invalid_field"


def test_a_token_is_made_once_and_never_told_again(at: Box, boss: As) -> None:
    tenant(at, "told")
    body = {"tenant": "told", "expires": "30d"}
    made = boss.ask("POST", "/api/tokens", body, Idempotency_Key="t").json
    again = boss.ask("POST", "/api/tokens", body, Idempotency_Key="t")
    assert refused(again) == (409, "not_shown_again")
    assert again.json["details"]["token"] == made["id"]
    assert f"gavelq token revoke {made['id']}" in again.json["hint"]
    assert made["token"] not in again.text
    assert refused(boss.ask("POST", "/api/tokens", {"tenant": "told"}, Idempotency_Key="t")) == (422, "key_reused")
    at.request("DELETE", f"/api/tokens/{made['id']}")
    gone = boss.ask("POST", "/api/tokens", body, Idempotency_Key="t")
    assert refused(gone) == (409, "not_shown_again")
    assert "revoked since" in gone.json["message"]
    stored = b"".join(path.read_bytes() for path in (at.home / "state").rglob("*") if path.is_file())
    assert made["token"].encode() not in stored


def test_a_repetition_of_what_is_gone_makes_nothing(at: Box, boss: As) -> None:
    boss.ask("POST", "/api/queues", {"name": "short"}, Idempotency_Key="gone")
    at.request("DELETE", "/api/queues/short")
    assert boss.ask("POST", "/api/queues", {"name": "short"}, Idempotency_Key="gone").status == 404
    file = boss.ask("POST", "/api/commands/multi/new", {}, Idempotency_Key="gone file").json
    more = boss.ask("POST", "/api/commands/multi/new", {}, Idempotency_Key="gone more").json
    at.request("DELETE", f"/api/commands/multi/{more['config_index']}")
    assert boss.ask("POST", "/api/commands/multi/new", {}, Idempotency_Key="gone more").status == 404
    assert boss.ask("POST", "/api/commands/multi/new", {}, Idempotency_Key="gone file").json["etag"] == file["etag"]


def test_a_repetition_of_removed_tasks_is_not_found(at: Box, boss: As) -> None:
    made = {
        route: boss.ask("POST", route, MADE[route][0], Idempotency_Key=f"removed {route}")
        for route in ("/api/tasks", "/api/submissions")
    }
    kept, gone = made["/api/submissions"].json
    at.post(f"/api/tasks/{made['/api/tasks'].json['id']}/remove")
    at.post(f"/api/tasks/{gone['id']}/remove")
    again = {route: boss.ask("POST", route, MADE[route][0], Idempotency_Key=f"removed {route}") for route in made}
    assert refused(again["/api/tasks"]) == (404, "task_not_found")
    assert ids(again["/api/submissions"].json) == [ids(kept)]
    at.post(f"/api/tasks/{kept['id']}/remove")
    body = MADE["/api/submissions"][0]
    assert refused(boss.ask("POST", "/api/submissions", body, Idempotency_Key="removed /api/submissions"))[0] == 404


def test_a_repeated_start_is_known_by_any_task_that_is_left_of_it(at: Box, boss: As) -> None:
    boss.ask("POST", "/api/commands/multi/new", {})
    index = boss.ask("POST", "/api/commands/multi/new", {"content": "1\ntrue\n1\n1\n\n1\ntrue\n1\n1\n"}).json[
        "config_index"
    ]
    start = f"/api/scheduler/multi/start?config_index={index}"
    run = boss.ask("POST", start, {"hold": True}, Idempotency_Key="removed start")
    first, second = (one["task_id"] for one in run.json["queues"]["1"]["processes"])
    at.post(f"/api/tasks/{first}/remove")
    again = boss.ask("POST", start, {"hold": True}, Idempotency_Key="removed start")
    assert (again.status, again.json.get("pid")) == (201, run.json["pid"]), again.text
    at.post(f"/api/tasks/{second}/remove")
    assert boss.ask("POST", start, {"hold": True}, Idempotency_Key="removed start").status == 404


def test_a_repetition_is_known_although_its_directory_is_gone(at: Box, boss: As, tmp_path: Path) -> None:
    place = tmp_path / "run"
    place.mkdir()
    task = {**TASK, "workdir": str(place)}
    bodies: dict[str, Json] = {"/api/tasks": task, "/api/submissions": {"tasks": [task, task]}}
    first = {route: boss.ask("POST", route, body, Idempotency_Key=f"in {route}") for route, body in bodies.items()}
    place.rename(tmp_path / "elsewhere")
    wait_until(lambda: boss.ask("POST", "/api/tasks", task).status == 400, what="the refusal of a new one there")
    for route, body in bodies.items():
        again = boss.ask("POST", route, body, Idempotency_Key=f"in {route}")
        assert (again.status, ids(again.json)) == (201, ids(first[route].json)), again.text


def test_a_repeated_rerun_is_known_although_its_directory_is_gone(at: Box, boss: As, tmp_path: Path) -> None:
    place = tmp_path / "run"
    place.mkdir()
    ended = boss.post("/api/tasks", {**TASK, "hold": False, "workdir": str(place)})["id"]
    wait_until(lambda: boss.get(f"/api/tasks/{ended}")["state"] == "completed", what="its end")
    route = f"/api/tasks/{ended}/rerun"
    first = boss.ask("POST", route, {}, Idempotency_Key="directory")
    place.rename(tmp_path / "elsewhere")
    again = boss.ask("POST", route, {}, Idempotency_Key="directory")
    assert (again.status, ids(again.json)) == (201, ids(first.json)), again.text
    assert refused(boss.ask("POST", route, {}, Idempotency_Key="fresh")) == (409, "wrong_state")


def test_keys_hold_over_a_kill(at: Box, boss: As) -> None:
    assert boss.ask("POST", "/api/tenants", {"name": "kept"}, Idempotency_Key="kill").status == 201
    at.kill()
    at.start()
    again = As(at, boss.token).ask("POST", "/api/tenants", {"name": "kept"}, Idempotency_Key="kill")
    assert (again.status, again.json["name"]) == (201, "kept")


def test_a_tenant_is_edited_only_at_the_version_that_was_seen(at: Box, boss: As) -> None:
    boss = As(at, boss.token)
    made = boss.ask("POST", "/api/tenants", {"name": "edited", "max_gpus": 1})
    tag = made.headers["etag"]
    shown = boss.ask("GET", "/api/tenants/edited")
    assert shown.headers["etag"] == shown.json["etag"] == tag
    changed = boss.ask("PATCH", "/api/tenants/edited", {"max_gpus": 2}, If_Match=tag)
    assert changed.status == 200
    assert changed.headers["etag"] not in ("", tag)
    stale = boss.ask("PATCH", "/api/tenants/edited", {"max_gpus": 3}, If_Match=tag)
    assert (stale.status, stale.json["code"]) == (412, "changed_meanwhile")
    assert boss.get("/api/tenants/edited")["quota"]["max_gpus"] == 2
    for given in ({}, {"If_Match": "*"}, {"If_Match": f'"x", {changed.headers["etag"]}'}):
        assert boss.ask("PATCH", "/api/tenants/edited", {"max_gpus": 2}, **given).status == 200
    before = boss.get("/api/tenants/edited")["etag"]
    with_password = boss.ask("PATCH", "/api/tenants/edited", {"password": PASSWORD}).json
    assert with_password["etag"] != before
