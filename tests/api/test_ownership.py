"""Every route of the application with one tenant's token and another tenant's ids: not there, and not a word of it.

A route without an entry in TABLE makes a test fail.
"""

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, box
from tests.support.tenants import As, tenant

Json = dict[str, Any]
ADA = "ada-zq7"
SECRET = "zecret"
"""In every name, command, path and text of hers."""
CONTENT = f"car\necho {SECRET}-block\n1\n\ncar\nsleep 300\n1\n"
ROUTES = Path(__file__).parents[2] / "src" / "gavelq" / "api" / "routes"
INDEX = 4
"""The place of her configuration that runs; others have fewer."""
SIMTASK = f"{sys.executable} -m gavelq.testing.simtask --vram 4G --hold 300"


@dataclass(frozen=True)
class Case:
    """What a stranger asks, with hers in the braces, and the statuses that are right."""

    statuses: frozenset[int]
    query: str = ""
    body: Any = None


def hers(query: str = "", body: Any = None) -> Case:
    """It is hers: it does not exist."""
    return Case(frozenset({404}), query, body)


def admin(query: str = "", body: Any = None) -> Case:
    """For admins alone."""
    return Case(frozenset({403}), query, body)


def own(query: str = "", body: Any = None, status: int = 200) -> Case:
    """The stranger's own affair: allowed, and nothing of hers is told."""
    return Case(frozenset({status}), query, body)


PLACE = f"?config_index={INDEX}"
BOUND = f"?mode=single&config_index={INDEX}&queue_id=car&process_index=0"
TASK: Json = {"command": "true", "workdir": "/tmp"}
TABLE: dict[str, list[Case]] = {
    "GET /": [own()],
    "GET /api/gpu/status": [own()],
    "GET /api/daemon": [own()],
    "GET /api/status": [own()],
    "GET /api/doctor": [admin()],
    "POST /api/daemon/stop": [admin(body={})],
    "POST /api/daemon/listen": [admin(body={})],
    "POST /api/config/reload": [admin(body={})],
    "POST /api/backup": [admin(body={"path": "/tmp/gavelq-never"})],
    # --- tasks
    "POST /api/submissions": [
        hers(body={"tasks": [{**TASK, "after": ["{task}"]}]}),
        admin(body={"tasks": [{**TASK, "tenant": "{tenant}"}]}),
    ],
    "POST /api/tasks": [
        own(body=TASK, status=201), own(body={**TASK, "dry_run": True}), hers(body={**TASK, "after": ["{ended}"]}),
        hers(body={**TASK, "dry_run": True, "after": ["{task}"]}),
        admin(body={**TASK, "tenant_id": "{tenant}"}), admin(body={"lease": True, "tenant_id": "{tenant}"}),
    ],
    "GET /api/tasks": [
        own(), own("?state=running"), own("?queue=running&newest=1"), own("?ids={task},{ended}&fields=id,name,command"),
        own("?ids={task}&state=running"), hers("?tenant={tenant}"),
        hers("?submission={submission}"), hers("?state=running&submission={submission}"),
    ],
    "GET /api/tasks/{number}": [hers()],
    "DELETE /api/tasks/{number}": [hers()],
    "PATCH /api/tasks/{number}": [hers(body={"priority": 1})],
    "GET /api/tasks/{number}/why": [hers()],
    "GET /api/tasks/{number}/wait": [hers()],
    "GET /api/tasks/{number}/logs": [hers(), hers("?offset=0")],
    "GET /api/tasks/{number}/turn": [hers("?state=pending")],
    "POST /api/tasks/{number}/run": [hers(body={})],
    "POST /api/tasks/{number}/hold": [hers(body={})],
    "POST /api/tasks/{number}/kill": [hers(body={}), hers(body={"signal": "USR1"})],
    "POST /api/tasks/{number}/rerun": [hers(body={})],
    "POST /api/tasks/{number}/remove": [hers(body={})],
    "POST /api/tasks/{number}/move": [hers(body={"queue": "waiting"})],
    "POST /api/tasks/{number}/priority": [hers(body={"priority": 9})],
    "POST /api/tasks/{number}/renew": [hers(body={})],
    "POST /api/tasks/{number}/release": [hers(body={})],
    "POST /api/tasks/edit": [hers(body={"ids": ["{task}"], "changes": {"priority": 1}})],
    "GET /api/submissions": [own(), own("?newest=1&limit=1")],
    "GET /api/submissions/{number}": [hers()],
    "GET /api/submissions/{number}/wait": [hers()],
    "POST /api/submissions/{number}/hold": [hers(body={})],
    "POST /api/submissions/{number}/run": [hers(body={})],
    "POST /api/submissions/{number}/kill": [hers(body={})],
    "GET /api/leases": [own()],
    "GET /api/wait": [hers("?id={task}"), hers("?id={ended}")],
    # --- the machine
    "GET /api/gpus": [own()],
    "GET /api/plan": [own(), own("?hours=24")],
    "GET /api/gpus/{name}": [own()],
    "GET /api/gpu": [own()],
    "GET /api/gpu/processes": [own()],
    "GET /api/stats": [own()],
    "GET /metrics": [own()],
    "GET /api/usage": [own(), own("?by=tenant,queue,day"), hers("?tenant={tenant}")],
    "GET /api/alerts": [own()],
    "POST /api/alerts/test": [admin(body={})],
    "POST /api/alerts/mutes": [admin(body={"rule": "gpu_lost"})],
    "DELETE /api/alerts/mutes": [admin("?all=1")],
    "GET /api/monitor/metrics": [own(), hers("?task={task}"), hers("?task={ended}&task={task}")],
    "POST /api/gpus/allocate": [admin(body={"queue": "running"})],
    "POST /api/gpus/{name}/release": [admin(body={})],
    "POST /api/gpus/{name}/ignore": [admin(body={})],
    "POST /api/gpus/{name}/unignore": [admin(body={})],
    "POST /api/gpus/{name}/drain": [admin(body={})],
    "POST /api/gpus/{name}/share": [admin(body={})],
    "POST /api/gpus/{name}/unshare": [admin(body={})],
    "GET /api/queues": [own()],
    "POST /api/queues": [admin(body={"name": "mine"})],
    "GET /api/queues/{name}": [own()],
    "PATCH /api/queues/{name}": [admin(body={"paused": True})],
    "DELETE /api/queues/{name}": [admin()],
    "POST /api/queues/{name}/merge": [admin(body={"into": "waiting"})],
    # --- command files
    "GET /api/commands/{mode}/list": [own()],
    "GET /api/commands/{mode}/all": [own()],
    "GET /api/commands/{mode}": [own(), hers(PLACE)],
    "PUT /api/commands/{mode}": [hers(PLACE, {"content": ""})],
    "POST /api/commands/{mode}/new": [own(body={"content": "1\ntrue\n1\n"}, status=201)],
    "POST /api/commands/{mode}/check": [own(body={"content": "1\ntrue\n1\n"})],
    "POST /api/commands/{mode}/duplicate": [hers(PLACE, {})],
    "POST /api/commands/{mode}/reset": [hers(PLACE, {})],
    "DELETE /api/commands/{mode}/{index}": [hers()],
    "POST /api/scheduler/{mode}/start": [hers(PLACE, {})],
    "POST /api/scheduler/{mode}/stop": [hers(PLACE, {})],
    "POST /api/scheduler/{mode}/submit": [own(body={"content": "1\ntrue\n1\n", "workdir": "/tmp"}, status=201)],
    "POST /api/scheduler/stop/{run_id}": [hers(body={})],
    "GET /api/scheduler/{mode}/diff": [hers(PLACE)],
    "POST /api/scheduler/{mode}/apply": [hers(PLACE, {})],
    "GET /api/scheduler/status": [own()],
    "GET /api/scheduler/running": [own()],
    "GET /api/scheduler/run/{run_id}": [hers()],
    "GET /api/scheduler/{mode}/state": [own(), hers(PLACE)],
    "GET /api/scheduler/{mode}/status": [own(), hers(PLACE)],
    "POST /api/log/bind": [hers(BOUND, {"log_path": "{log}"})],
    "DELETE /api/log/bind": [hers(BOUND)],
    "GET /api/log/bindings": [own(), hers(f"?mode=single&config_index={INDEX}")],
    "GET /api/log/content": [hers(BOUND)],
    "GET /api/log/read": [admin("?log_path={log}"), admin("?log_path=/etc/passwd")],
    # --- configuration
    "GET /api/config": [admin()],
    "PUT /api/config": [admin(body={"rules.max_gpu": 1})],
    "GET /api/config/history": [admin()],
    "POST /api/config/undo": [admin(body={})],
    "POST /api/config/try": [admin(body={"settings": {"rules.max_gpu": 1}})],
    "POST /api/simulate": [own(body={"settings": {"scheduling.policy": "fifo"}})],
    "GET /api/settings": [admin()],
    "PUT /api/settings": [admin(body={"rules.max_gpu": 1})],
    # --- tenants
    "GET /api/user": [own()],
    "GET /api/tenant": [own()],
    "GET /api/tenants": [admin()],
    "POST /api/tenants": [admin(body={"name": "eve"}), admin(body={"name": "{tenant}"})],
    "GET /api/tenants/{name}": [hers()],
    "PATCH /api/tenants/{name}": [admin(body={"max_gpus": 0})],
    "DELETE /api/tenants/{name}": [admin()],
    "GET /api/tenants/{name}/tasks": [hers()],
    "GET /api/tokens": [own()],
    "POST /api/tokens": [admin(body={"tenant": "{tenant}"}), admin(body={"admin": True})],
    "DELETE /api/tokens/{named}": [hers()],
    "POST /api/login": [Case(frozenset({401}), body={"tenant": "{tenant}", "password": "some words"})],
    "POST /api/login/link": [own(body={})],
    "POST /api/logout": [own(body={})],
    "GET /api/audit": [admin()],
    "GET /openapi.json": [own()],
}  # fmt: skip
STREAMS = {
    "GET /api/events": [
        "?after=0",
        "?after=0&samples=60",
        "?after=0&task={task}",
        "?after=0&kinds=task,tenant,token,run,file",
    ]
}
"""Answers that do not end: what they tell of the whole past is looked at."""
OPEN = {"GET /": 200, "GET /api/gpu/status": 200, "POST /api/login": 400}
"""What answers to everybody, and how it answers to an empty object."""


def routes(described: Json) -> set[str]:
    """Every route of the application, `METHOD /path`: those that it describes, and those that stand in its code."""
    found = {f"{method.upper()} {path}" for path, methods in described["paths"].items() for method in methods}
    for source in ROUTES.glob("*.py"):
        stated = re.findall(r'@routes\.(get|post|patch|put|delete)\(\s*"([^"]*)"', source.read_text())
        found |= {f"{method.upper()} {path}" for method, path in stated}
    return found | {"GET /openapi.json"}


class World:
    """A daemon in which ada has one of everything that can be had, and bob has a token."""

    def __init__(self, instance: Box) -> None:
        self.box = instance
        self.ada = tenant(instance, ADA, description=f"{SECRET}-about")
        self.bob = tenant(instance, "bob")
        root = instance.home / f"{SECRET}-dir"
        root.mkdir()
        log = root / f"{SECRET}.log"
        log.write_text(f"{SECRET} line\n")
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
        base = {"workdir": str(root), "env": env, "tags": [f"{SECRET}-tag"]}
        running = self.ada.post("/api/tasks", {**base, "command": SIMTASK, "name": f"{SECRET}-run"})
        ended = self.ada.post("/api/tasks", {**base, "command": f"echo {SECRET}", "name": f"{SECRET}-end"})
        lease = self.ada.post("/api/tasks", {"lease": True, "name": f"{SECRET}-lease", "workdir": str(root)})
        text = {"content": CONTENT, "name": f"{SECRET}.txt", "workdir": str(root), "env": env}
        for _ in range(INDEX + 1):
            self.ada.post("/api/commands/single/new", text)
        place = f"mode=single&config_index={INDEX}&queue_id=car&process_index=0"
        self.ada.post(f"/api/log/bind?{place}", {"log_path": str(log)})
        run = self.ada.post(f"/api/scheduler/single/start?config_index={INDEX}")
        token = self.ada.get("/api/tokens")[0]
        instance.wait(ended["id"])
        instance.wait(running["id"], "running")
        instance.wait(lease["id"], "running")
        self.ids: dict[str, str] = {
            "task": str(running["id"]), "ended": str(ended["id"]), "lease": str(lease["id"]),
            "submission": str(running["submission_id"]), "run": str(run["pid"]), "tenant": ADA, "log": str(log),
            "token": str(token["id"]), "prefix": token["prefix"],
        }  # fmt: skip
        wait_until(self._has_memory, 60, "the card shows what her task uses")

    def _has_memory(self) -> bool:
        return any(gpu["memory_used_mib"] for gpu in self.box.get("/api/gpus"))

    def targets(self, route: str) -> list[str]:
        """A route's paths with her things in the braces: live tasks and ended ones, ids and prefixes."""
        path = route.partition(" ")[2]
        if "/submissions/" in path:
            numbers = [self.ids["submission"], self.ids["run"]]
        else:
            numbers = [self.ids["task"], self.ids["ended"], self.ids["lease"]]
        names = {"/api/gpus/": ["0"], "/api/queues/": ["running"], "/api/tenants/": [ADA]}
        choices = {
            "{number}": numbers, "{mode}": ["single"], "{index}": [str(INDEX)], "{run_id}": [self.ids["run"]],
            "{named}": [self.ids["token"], self.ids["prefix"]],
            "{name}": next((found for start, found in names.items() if path.startswith(start)), []),
        }  # fmt: skip
        found = [path]
        for brace, values in choices.items():
            found = [one.replace(brace, value) for one in found for value in values] if brace in path else found
        return found

    def filled(self, value: Any) -> Any:
        """A body or query with her things in the braces."""
        if isinstance(value, str):
            for name, text in self.ids.items():
                if value == f"{{{name}}}" and text.isdigit():
                    return int(text)
                value = value.replace(f"{{{name}}}", text)
            return value
        if isinstance(value, dict):
            return {name: self.filled(part) for name, part in value.items()}
        return [self.filled(part) for part in value] if isinstance(value, list) else value

    def is_whole(self) -> bool:
        """Whether all of hers is as it was."""
        states = {name: self.ada.get(f"/api/tasks/{self.ids[name]}")["state"] for name in ("task", "ended", "lease")}
        file = self.ada.get(f"/api/commands/single?config_index={INDEX}")
        bound = self.ada.get("/api/log/bindings")["bindings"]
        return (
            states == {"task": "running", "ended": "completed", "lease": "running"}
            and self.ada.get(f"/api/tasks/{self.ids['task']}")["priority"] == 0
            and (file["content"], file["is_running"], len(bound)) == (CONTENT, True, 1)
        )


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with box(listen="127.0.0.1:0", n_gpus=3, env={"GAVELQ_LOGS_ROOTS": "/tmp"}) as instance:
        yield World(instance)


def told_of_hers(text: str) -> list[str]:
    """What an answer says of her."""
    return [word for word in (ADA, SECRET) if word in text]


def test_every_route_has_an_entry_and_every_entry_a_route(world: World) -> None:
    assert routes(world.box.get("/openapi.json")) == TABLE.keys() | STREAMS.keys()


@pytest.mark.parametrize("route", TABLE)
def test_what_is_another_tenant_s_is_not_there(world: World, route: str) -> None:
    method = route.partition(" ")[0]
    for target in world.targets(route):
        for case in TABLE[route]:
            asked = target + world.filled(case.query)
            answer = world.bob.ask(method, asked, world.filled(case.body))
            assert answer.status in case.statuses, (method, asked, answer.text)
            # What was asked for may be said again: "there is no tenant ada".
            said = answer.text.replace(ADA, "") if ADA in asked + str(world.filled(case.body)) else answer.text
            said = said.replace(world.ids["log"], "")
            assert told_of_hers(said) == [], (method, asked, answer.text)
    assert world.is_whole()


@pytest.mark.parametrize("route", STREAMS)
def test_streams_tell_nothing_of_another_tenant(world: World, route: str) -> None:
    for query in STREAMS[route]:
        told = world.bob.listen(route.partition(" ")[2] + world.filled(query))
        assert told_of_hers(told) == []
    assert f'"task_id":{world.ids["task"]}' in world.ada.listen("/api/events?after=0")


def test_without_a_token_there_is_nothing_but_what_is_open(world: World) -> None:
    for number, route in enumerate([*TABLE, *STREAMS]):
        # Each from an address of its own: who fails too often is not answered for a while.
        nobody = As(world.box, None, source=f"127.0.1.{number + 1}")
        for target in world.targets(route):
            status = nobody.ask(route.partition(" ")[0], target, {}).status
            assert status == OPEN.get(route, 401), (route, target)


def test_a_gpu_tells_that_others_are_there_but_not_who(world: World) -> None:
    seen = world.bob.get("/api/gpus")
    assert sum(gpu["n_other_tasks"] for gpu in seen) >= 2
    assert all(gpu["tasks"] == [] and gpu["processes"] == [] and gpu["violations"] == [] for gpu in seen)
    assert any(gpu["memory_used_mib"] for gpu in seen)
    mine = world.ada.get("/api/gpus")
    assert {int(world.ids["task"]), int(world.ids["lease"])} <= {number for gpu in mine for number in gpu["tasks"]}
    assert any(process["task_id"] == int(world.ids["task"]) for gpu in mine for process in gpu["processes"])


def test_a_paused_queue_tells_admins_alone_who_paused_it(world: World) -> None:
    world.box.post("/api/queues", {"name": "quiet", "paused": True})
    by = world.box.get("/api/user")["tenant"]
    listed = {queue["name"]: queue for queue in world.bob.get("/api/queues")}
    for told in (listed["quiet"], world.bob.get("/api/queues/quiet")):
        assert (told["paused"], told["paused_by"]) == (True, None)
        assert told["paused_at"] is not None
    assert world.box.get("/api/queues/quiet")["paused_by"] == by
    world.box.request("DELETE", "/api/queues/quiet")


def test_why_a_task_waits_names_no_task_of_another_tenant(world: World) -> None:
    task = world.bob.post("/api/tasks", {**TASK, "gpu_count": 3, "command": "true"})
    path = f"/api/tasks/{task['id']}"
    wait_until(lambda: world.bob.get(path)["pending_detail"] is not None, what="a cycle has seen it")
    behind = world.bob.post("/api/tasks", {**TASK, "gpu_count": 3})["id"]
    others = [int(world.ids["task"]), int(world.ids["lease"])]
    for number in (task["id"], behind):
        told = world.bob.get(f"/api/tasks/{number}/why")
        told.pop("task")
        assert not [one for one in others if f"task {one}" in str(told)]
        assert "another tenant's task" in str(told) or "tasks of other tenants" in str(told)
        known = [*told["cards"], *told["gates"], {"details": world.bob.get(f"/api/tasks/{number}")["pending_details"]}]
        named = _numbers_of_tasks([one["details"] for one in known])
        assert not named & set(others), "nor do the details tell their ids"
    assert any(f"task {one}" in str(world.box.get(f"{path}/why")) for one in others), "admins are told"
    world.bob.post(f"/api/tasks/{behind}/kill")
    world.bob.post(f"{path}/kill")


def _numbers_of_tasks(details: Any) -> set[int]:
    """The ids that stand anywhere in details under the names of those."""
    if isinstance(details, list):
        return {number for one in details for number in _numbers_of_tasks(one)}
    if not isinstance(details, dict):
        return set()
    own = {"holder", "victims", "task", "tasks"} & details.keys()
    ids = {number for name in own for number in _whole(details[name])}
    return ids | {number for value in details.values() for number in _numbers_of_tasks(value)}


def _whole(value: Any) -> list[int]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, int)]


def test_what_depends_on_one_s_task_is_told_as_far_as_it_is_one_s_own(world: World) -> None:
    number = int(world.ids["task"])
    own = world.ada.post("/api/tasks", {**TASK, "after": [number]})["id"]
    admins = world.box.post("/api/tasks", {**TASK, "after": [number], "name": "root-task"})["id"]
    told = world.ada.get(f"/api/tasks/{number}")
    assert told["dependents"] == [own]
    assert {node["id"] for node in told["graph"]} == {number, own}
    assert sorted(world.box.task(number)["dependents"]) == [own, admins]
    for one in (own, admins):
        world.box.post(f"/api/tasks/{one}/kill")


def test_counts_are_of_one_s_own_tasks(world: World) -> None:
    mine = sum(world.bob.get("/api/status")["counts"].values())
    assert mine == len(world.bob.get("/api/tasks"))
    assert mine < sum(world.box.get("/api/status")["counts"].values())


def test_a_log_of_another_tenant_cannot_be_bound(world: World) -> None:
    """Among gavelq's own logs lie those of everybody."""
    theirs = world.ada.get(f"/api/tasks/{world.ids['ended']}")["log_path"]
    world.bob.post("/api/commands/single/new", {"content": "1\ntrue\n1\n", "workdir": "/tmp"})
    place = "mode=single&config_index=0&queue_id=1&process_index=0"
    answer = world.bob.ask("POST", f"/api/log/bind?{place}", {"log_path": theirs})
    assert (answer.status, answer.json["code"]) == (403, "outside_log_roots")


VIEWING = [route for route in TABLE if route.startswith("GET ")]
LOGINS = ("POST /api/login", "POST /api/login/link", "POST /api/logout")
CHANGING = [route for route in TABLE if route not in VIEWING and route not in LOGINS]


def test_a_viewer_and_a_token_for_reading_change_nothing(world: World) -> None:
    world.box.post("/api/tenants", {"name": "watcher", "role": "viewer"})
    viewer = As(world.box, world.box.post("/api/tokens", {"tenant": "watcher"})["token"])
    reader = As(world.box, world.box.post("/api/tokens", {"tenant": ADA, "scopes": ["read"]})["token"])
    for one in (viewer, reader):
        for route in CHANGING:
            for target in world.targets(route):
                answer = one.ask(route.partition(" ")[0], target, {})
                assert (answer.status, answer.json["code"]) == (403, "not_allowed"), (route, answer.text)
    assert reader.get(f"/api/tasks/{world.ids['task']}")["name"] == f"{SECRET}-run"
    assert viewer.get("/api/gpus") != []
    assert viewer.get("/api/tasks") == []
    assert world.is_whole()


def test_an_admin_sees_and_touches_everything(world: World) -> None:
    world.box.post("/api/tenants", {"name": "boss", "role": "admin"})
    boss = As(world.box, world.box.post("/api/tokens", {"tenant": "boss", "scopes": "admin"})["token"])
    assert {task["tenant"] for task in boss.get("/api/tasks")} >= {ADA, "bob"}
    assert {task["tenant"] for task in boss.get(f"/api/tenants/{ADA}/tasks")} == {ADA}
    number = boss.post("/api/tasks", {**TASK, "command": "sleep 300", "gpu_count": 0, "tenant_id": "bob"})["id"]
    wait_until(lambda: world.bob.get(f"/api/tasks/{number}")["state"] == "running", what="bob's task runs")
    boss.post(f"/api/tasks/{number}/kill")
    world.box.wait(number)
    assert world.bob.get(f"/api/tasks/{number}")["end_reason"] == "cancelled_by_admin"
    act = world.box.get("/api/audit?limit=1")[0]
    assert (act["event"], act["subject"], act["details"]["tenant"]) == ("task_killed", f"task:{number}", "bob")
