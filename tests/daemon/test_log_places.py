"""Where the log files of tasks may lie: nobody's among gavelq's own, tenants' where that is open to them."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gavelq.core.errors import InvalidField
from gavelq.core.tenants import Role
from gavelq.daemon.caller import Caller
from gavelq.daemon.log_places import LogPlaceRefused, LogPlaces, find_places
from tests.support.daemon import Box, Failure, box
from tests.support.tenants import Answer, As, tenant

OWN = Caller(name="me", tenant="me")
"""A task of the daemon's own user: no admin."""
ADMIN = Caller(name="root", tenant="root", role=Role.ADMIN)
ADA = Caller(name="ada (token 1)", tenant="ada")


@pytest.fixture
def places(tmp_path: Path) -> LogPlaces:
    for name in ("state", "open", "elsewhere"):
        (tmp_path / name).mkdir()
    (tmp_path / "config.yaml").touch()
    state, config = str(tmp_path / "state"), str(tmp_path / "config.yaml")
    return find_places([str(tmp_path / "open")], own_tenant="me", closed=[state], files=[config])


def problem(places: LogPlaces, caller: Caller, workdir: Path, written: str) -> str:
    with pytest.raises(LogPlaceRefused) as refusal:
        places.path(caller, str(workdir), written)
    assert refusal.value.details["field"] == "log_path"
    assert refusal.value.hint
    return str(refusal.value.details["problem"])


@pytest.mark.parametrize("caller", [OWN, ADMIN])
def test_the_daemons_own_user_and_admins_name_any_file(places: LogPlaces, tmp_path: Path, caller: Caller) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for written in ("../a.log", "link/a.log", "{name}/a.log", str(tmp_path / "a.log"), "/dev/null"):
        expected = os.path.normpath(os.path.join(tmp_path, written))
        assert places.path(caller, str(tmp_path), written) == expected


@pytest.mark.parametrize("caller", [OWN, ADMIN, ADA])
def test_nobody_names_a_file_of_gavelqs_own(places: LogPlaces, tmp_path: Path, caller: Caller) -> None:
    (tmp_path / "open" / "link").symlink_to(tmp_path / "state")
    (tmp_path / "open" / "db").symlink_to(tmp_path / "state" / "gavelq.db")
    for written in ("state/gavelq.db", "state/logs/1.log", "open/../state/admin.token", "open/link/x", "open/db"):
        assert problem(places, caller, tmp_path, written) == "gavelq keeps its own files there"
    for written in ("config.yaml", "config.yaml.new"):
        assert problem(places, caller, tmp_path, written) == "gavelq keeps its own files there"


def test_a_tenant_names_files_below_the_open_directories(places: LogPlaces, tmp_path: Path) -> None:
    (tmp_path / "open" / "sub").mkdir()
    (tmp_path / "open" / "old.log").touch()
    (tmp_path / "way-in").symlink_to(tmp_path / "open")
    open_ = tmp_path / "open"
    for written in ("a.log", "sub/a.log", "new/a.log", "{name}-{id:05}.log", "old.log", str(open_ / "b.log")):
        assert places.path(ADA, str(open_), written) == os.path.join(open_, written)
    assert places.path(ADA, str(tmp_path), "way-in/a.log") == str(tmp_path / "way-in" / "a.log")


def test_a_tenant_names_no_file_elsewhere(places: LogPlaces, tmp_path: Path) -> None:
    (tmp_path / "open" / "out").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "open" / "in.log").symlink_to(tmp_path / "open" / "real.log")
    os.mkfifo(tmp_path / "open" / "pipe")
    said = {
        "/etc/passwd": "it does not lead", "../elsewhere/a.log": "without `..`", "x/../a.log": "without `..`",
        "out/a.log": "it does not lead", "{name}/a.log": "braces", "in.log": "it is a link",
        "pipe": "it is no regular file", f"{tmp_path}/open-too/a.log": "it does not",
    }  # fmt: skip
    for written, expected in said.items():
        assert expected in problem(places, ADA, tmp_path / "open", written), written


@pytest.mark.parametrize("caller", [OWN, ADMIN, ADA])
def test_a_directory_is_nobodys_log_file(places: LogPlaces, tmp_path: Path, caller: Caller) -> None:
    (tmp_path / "open" / "runs").mkdir()
    with pytest.raises(InvalidField) as refusal:
        places.path(caller, str(tmp_path / "open"), "runs")
    assert refusal.value.message == f"log_path: {tmp_path}/open/runs is a directory"
    assert refusal.value.hint == f"name a file in it, such as {tmp_path}/open/runs/{{id}}.log"
    assert places.path(caller, str(tmp_path / "open"), "runs/{id}.log") == f"{tmp_path}/open/runs/{{id}}.log"


def test_a_tenant_is_not_told_which_directories_there_are_elsewhere(places: LogPlaces, tmp_path: Path) -> None:
    for written in (str(tmp_path / "elsewhere"), str(tmp_path / "not-there")):
        assert "it does not lead" in problem(places, ADA, tmp_path, written)


def test_without_open_directories_a_tenant_names_no_file(tmp_path: Path) -> None:
    nowhere = find_places([], own_tenant="me", closed=[], files=[])
    assert "tenants.log_roots is empty" in problem(nowhere, ADA, tmp_path, "a.log")


# --- at a real daemon -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with box(listen="127.0.0.1:0", env={"GAVELQ_TENANTS_LOG_ROOTS": str(tmp_path_factory.mktemp("open"))}) as instance:
        yield instance


def refused(answer: Answer) -> tuple[int, str, str]:
    return answer.status, answer.json["code"], answer.json["details"]["field"]


REFUSED = (403, "log_place_refused", "log_path")


def test_every_way_to_name_a_log_file_is_guarded(at: Box, tmp_path: Path) -> None:
    ada, root = tenant(at, "ada"), Path(at.env["GAVELQ_TENANTS_LOG_ROOTS"])
    task: dict[str, Any] = {"command": "echo hello", "workdir": "/tmp", "gpu_count": 0}
    bad = str(tmp_path / "bad.log")
    assert refused(ada.ask("POST", "/api/tasks", {**task, "log_path": bad})) == REFUSED
    assert refused(ada.ask("POST", "/api/tasks", {"gpu_count": 0, "workdir": "/tmp", "log_path": bad})) == REFUSED
    both = ada.ask("POST", "/api/submissions", {"tasks": [task, {**task, "log_path": bad}]})
    assert (both.status, both.json["code"]) == (403, "log_place_refused")
    assert "tasks[1].log_path" in both.json["message"]
    good = ada.post("/api/tasks", {**task, "log_path": str(root / "good.log")})
    at.wait(good["id"])
    assert (root / "good.log").read_text() == "hello\n"
    assert refused(ada.ask("POST", f"/api/tasks/{good['id']}/rerun", {"log_path": bad})) == REFUSED
    held = ada.post("/api/tasks", {**task, "hold": True})
    assert refused(ada.ask("PATCH", f"/api/tasks/{held['id']}", {"log_path": bad})) == REFUSED
    assert not Path(bad).exists()


def test_the_daemons_database_is_nobodys_log(at: Box) -> None:
    for path in ("gavelq.db", "admin.token", "logs/1.log"):
        with pytest.raises(Failure) as failure:
            at.submit("echo", gpu_count=0, log_path=str(at.home / "state" / path))
        assert failure.value.body["code"] == "log_place_refused"
    with pytest.raises(Failure):
        at.submit("echo", gpu_count=0, log_path=str(at.home / "config.yaml"))


def test_a_directory_as_log_is_refused_before_the_task_is_there(at: Box, tmp_path: Path) -> None:
    wanted: dict[str, Any] = {"command": "echo hi", "workdir": str(tmp_path), "gpu_count": 0}
    for path in (str(tmp_path), "."):
        with pytest.raises(Failure) as failure:
            at.post("/api/tasks", {**wanted, "log_path": path})
        assert (failure.value.status, failure.value.body["code"]) == (400, "invalid_field")
        assert failure.value.body["detail"] == f"log_path: {tmp_path} is a directory"
    number = at.post("/api/tasks", {**wanted, "log_path": "{id}.log"})["id"]
    at.wait(number)
    assert (tmp_path / f"{number}.log").read_text() == "hi\n"


def test_an_admin_names_any_file_also_for_a_tenant(at: Box, tmp_path: Path) -> None:
    if not any(one["name"] == "bob" for one in at.get("/api/tenants")):
        tenant(at, "bob")
    number = at.submit("echo hi", gpu_count=0, tenant="bob", log_path=str(tmp_path / "b.log"))
    at.wait(number)
    assert (tmp_path / "b.log").read_text() == "hi\n"
    bob = As(at, at.post("/api/tokens", {"tenant": "bob"})["token"])
    assert bob.ask("GET", f"/api/tasks/{number}/logs").text == "hi\n"
