"""Tenants at a real daemon: who comes in by token, session, password or unix socket, and what is written down of it."""

import hashlib
import json
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from gavelq.client import shapes
from gavelq.client.address import Address
from gavelq.client.http import Link
from gavelq.core.audit import ACTS
from gavelq.core.errors import NotAllowed, UsageError
from gavelq.daemon.listening import open_shared
from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, Failure, box, parent
from tests.support.tenants import Answer, As, tenant

Json = dict[str, Any]
PASSWORD = "correct horse battery"
TASK: Json = {"command": "true", "workdir": "/tmp", "gpu_count": 0}
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture(scope="module")
def at() -> Iterator[Box]:
    with box(listen="127.0.0.1:0", n_gpus=2) as instance:
        yield instance


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["code"]


# --- tokens -----------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_and_kept_as_its_hash(at: Box) -> None:
    at.post("/api/tenants", {"name": "once"})
    made = at.post("/api/tokens", {"tenant": "once", "name": "notebook"})
    secret = made["token"]
    assert secret.startswith("gvq_")
    assert len(secret) == len("gvq_") + 43, "256 bits"
    listed = next(one for one in at.get("/api/tokens") if one["id"] == made["id"])
    assert listed == {name: value for name, value in made.items() if name != "token"}
    assert secret.startswith(listed["prefix"])
    assert (listed["name"], listed["scopes"], listed["expires_at"]) == ("notebook", ["read", "submit"], None)
    assert As(at, secret).get("/api/user")["tenant"] == "once"
    stored = b"".join(path.read_bytes() for path in (at.home / "state").rglob("*") if path.is_file())
    assert secret.encode() not in stored
    assert hashlib.sha256(secret.encode()).hexdigest().encode() in stored
    assert set(shapes.NewToken.__annotations__) <= made.keys()


def test_unknown_and_revoked_tokens_are_told_the_same(at: Box) -> None:
    ada = tenant(at, "revoked")
    number = ada.get("/api/tokens")[0]["id"]
    assert ada.ask("DELETE", f"/api/tokens/{number}").json["revoked"] == number
    gone = ada.ask("GET", "/api/user")
    never = As(at, "gvq_" + "x" * 43).ask("GET", "/api/user")
    assert refused(gone) == refused(never) == (401, "unauthenticated")
    assert gone.json["message"] == never.json["message"]
    assert gone.headers["www-authenticate"] == "Bearer"


def test_the_use_of_a_token_is_noted(at: Box) -> None:
    ada = tenant(at, "used")
    assert [one["used_at"] for one in at.get("/api/tokens") if one["tenant"] == "used"] == [None]
    ada.get("/api/user")
    assert next(one["used_at"] for one in at.get("/api/tokens") if one["tenant"] == "used") is not None


def test_a_token_may_be_named_by_its_prefix_or_itself(at: Box) -> None:
    for take in (lambda made: made["prefix"], lambda made: made["token"], lambda made: str(made["id"])):
        made = at.post("/api/tokens", {"admin": True})
        assert at.request("DELETE", f"/api/tokens/{take(made)}")["revoked"] == made["id"]
    with pytest.raises(Failure) as none:
        at.request("DELETE", "/api/tokens/gvq_nothing")
    assert none.value.body["code"] == "token_not_found"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "tenant"), ({"tenant": "t", "admin": True}, "tenant"), ({"admin": "yes"}, "tenant"),
        ({"admin": True, "scopes": ["all"]}, "scopes"), ({"admin": True, "scopes": []}, "scopes"),
        ({"admin": True, "expires": "soon"}, "expires"), ({"admin": True, "expires": "2001-02-03"}, "expires"),
        ({"admin": True, "expires": True}, "expires"), ({"admin": True, "name": "a\nb"}, "name"),
        ({"admin": True, "hash": "x"}, "hash"),
    ],
)  # fmt: skip
def test_a_token_that_cannot_be_is_refused(at: Box, body: Json, field: str) -> None:
    with pytest.raises(Failure) as caught:
        at.post("/api/tokens", body)
    assert (caught.value.status, caught.value.body["details"]["field"]) == (400, field)


def test_scopes_give_no_more_than_the_role(at: Box) -> None:
    at.post("/api/tenants", {"name": "looker", "role": "viewer"})
    assert at.post("/api/tokens", {"tenant": "looker"})["scopes"] == ["read"]
    with pytest.raises(Failure) as caught:
        at.post("/api/tokens", {"tenant": "looker", "scopes": "submit"})
    assert "viewer" in caught.value.body["message"]
    at.post("/api/tenants", {"name": "chief", "role": "admin"})
    chief = As(at, at.post("/api/tokens", {"tenant": "chief", "scopes": ["admin"]})["token"])
    assert chief.get("/api/user")["scopes"] == ["read", "submit", "admin"]
    assert chief.get("/api/tenants") != []
    at.request("PATCH", "/api/tenants/chief", {"role": "tenant"})
    assert chief.get("/api/user")["scopes"] == ["read", "submit"], "a token cannot do more than its tenant"
    assert refused(chief.ask("GET", "/api/tenants")) == (403, "not_allowed")


def test_tokens_and_tenants_survive_kill_9() -> None:
    with box(listen="127.0.0.1:0") as instance:
        ada = tenant(instance, "ada", max_gpus=1, gpus="0,2", password=PASSWORD)
        before = instance.get("/api/tenants")
        number = ada.post("/api/tasks", TASK)["id"]
        instance.kill()
        instance.start()
        ada = As(instance, ada.token)  # at another port
        assert ada.get("/api/user")["tenant"] == "ada"
        assert [one["quota"] for one in instance.get("/api/tenants")] == [one["quota"] for one in before]
        assert ada.get(f"/api/tasks/{number}")["tenant"] == "ada"
        assert instance.post("/api/tokens", {"tenant": "ada"})["id"] == 2
        assert ada.ask("POST", "/api/login", {"tenant": "ada", "password": PASSWORD}).status == 200


def test_the_admin_token_s_file_is_made_anew_where_others_could_read_it() -> None:
    with box(listen="127.0.0.1:0") as instance:
        path = instance.home / "state" / "admin.token"
        before = path.read_text().strip()
        assert As(instance, before).get("/api/user")["is_admin"]
        instance.stop()
        path.chmod(0o644)
        instance.start()
        after = path.read_text().strip()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert after != before, "somebody may have read the old one"
        assert refused(As(instance, before).ask("GET", "/api/user")) == (401, "unauthenticated")
        assert As(instance, after).get("/api/user")["is_admin"]


# --- passwords and sessions -------------------------------------------------------------------------------


def logged_in(at: Box, body: Json, **headers: str) -> tuple[As, str, str]:
    """Nobody with a token, the session's cookie, and how it was set."""
    nobody = As(at, None)
    answer = nobody.ask("POST", "/api/login", body, **headers)
    assert answer.status == 200, answer.text
    how = answer.headers["set-cookie"]
    return nobody, how.partition(";")[0], how


def test_a_session_comes_in_a_cookie_that_scripts_and_other_sites_do_not_get(at: Box) -> None:
    tenant(at, "cookie", password=PASSWORD)
    nobody, cookie, how = logged_in(at, {"tenant": "cookie", "password": PASSWORD})
    attributes = {part.strip().lower() for part in how.split(";")[1:]}
    assert attributes == {"httponly", "max-age=43200", "path=/", "samesite=strict"}
    assert len(cookie.partition("=")[2]) == 43, "256 bits"
    assert nobody.ask("GET", "/api/user", Cookie=cookie).json["tenant"] == "cookie"
    _, _, how = logged_in(at, {"tenant": "cookie", "password": PASSWORD}, Origin=f"https://localhost:{nobody.port}")
    assert "; Secure" in how, "behind a proxy that speaks TLS"


def test_with_a_session_only_our_own_pages_may_change_something(at: Box) -> None:
    tenant(at, "pages", password=PASSWORD)
    nobody, cookie, _ = logged_in(at, {"tenant": "pages", "password": PASSWORD})
    own = {"Cookie": cookie, "Host": f"localhost:{nobody.port}"}
    for origin in ({}, {"Origin": "http://localhost:1"}, {"Origin": "null"}, {"Origin": "https://evil.example"}):
        assert nobody.ask("POST", "/api/tasks", TASK, **own, **origin).status == 403, origin
    assert nobody.ask("GET", "/api/user", **own).status == 200
    made = nobody.ask("POST", "/api/tasks", TASK, **own, Origin=f"http://localhost:{nobody.port}")
    assert (made.status, made.json["tenant"]) == (201, "pages")


def test_logging_out_ends_the_session(at: Box) -> None:
    ada = tenant(at, "leaver", password=PASSWORD)
    nobody, cookie, _ = logged_in(at, {"tenant": "leaver", "password": PASSWORD})
    own = {"Cookie": cookie, "Host": f"localhost:{nobody.port}", "Origin": f"http://localhost:{nobody.port}"}
    gone = nobody.ask("POST", "/api/logout", {}, **own)
    assert gone.json == {"logged_out": True}
    assert "Max-Age=0" in gone.headers["set-cookie"]
    assert refused(nobody.ask("GET", "/api/user", **own)) == (401, "unauthenticated")
    assert ada.post("/api/logout") == {"logged_out": False}


def test_a_session_is_over_when_what_opened_it_is(at: Box) -> None:
    ada = tenant(at, "opener", password=PASSWORD)
    nobody, by_password, _ = logged_in(at, {"tenant": "opener", "password": PASSWORD})
    _, by_token, _ = logged_in(at, {"token": ada.token})
    for cookie in (by_password, by_token):
        assert nobody.ask("GET", "/api/user", Cookie=cookie).json["scopes"] == ["read", "submit"]
    at.request("PATCH", "/api/tenants/opener", {"password": "another one entirely"})
    assert nobody.ask("GET", "/api/user", Cookie=by_password).status == 401
    ada.ask("DELETE", f"/api/tokens/{ada.get('/api/tokens')[0]['id']}")
    assert nobody.ask("GET", "/api/user", Cookie=by_token).status == 401


def test_the_admin_logs_in_with_the_token_of_the_file(at: Box) -> None:
    token = (at.home / "state" / "admin.token").read_text().strip()
    nobody, cookie, _ = logged_in(at, {"token": token})
    assert nobody.ask("GET", "/api/tenants", Cookie=cookie).status == 200


def test_wrong_names_and_wrong_passwords_are_told_the_same(at: Box) -> None:
    tenant(at, "known", password=PASSWORD)
    tenant(at, "without")
    tries = (("known", "something else"), ("nobody", PASSWORD), ("without", PASSWORD), ("without", "x"))
    answers = [
        As(at, None, source=f"127.0.2.{number}").ask("POST", "/api/login", {"tenant": name, "password": word})
        for number, (name, word) in enumerate(tries, 1)
    ]
    assert {refused(answer) for answer in answers} == {(401, "wrong_login")}
    assert len({answer.json["message"] for answer in answers}) == 1


def test_guessing_is_slowed_down_by_name_and_address(at: Box) -> None:
    tenant(at, "guessed", password=PASSWORD)
    here, there = (As(at, None, source=f"127.0.3.{number}") for number in (1, 2))
    wrong, right = ({"tenant": "guessed", "password": word} for word in ("a wrong one", PASSWORD))
    assert [here.ask("POST", "/api/login", wrong).status for _ in range(5)] == [401] * 5
    slowed = here.ask("POST", "/api/login", right)
    assert refused(slowed) == (429, "rate_limited")
    assert 0 < int(slowed.headers["retry-after"]) <= 300
    assert there.ask("POST", "/api/login", right).status == 200, "its owner is elsewhere"


@pytest.mark.parametrize(
    "body", [{}, {"token": ""}, {"tenant": "a"}, {"password": "b"}, {"token": "x", "tenant": "a", "password": "b"},
             {"token": 5}, {"tenant": "a", "password": "b" * 2000}, {"user": "a", "password": "b"}],
)  # fmt: skip
def test_a_login_that_cannot_be_understood_says_what_to_send(at: Box, body: Json) -> None:
    assert As(at, None, source="127.0.4.1").ask("POST", "/api/login", body).status == 400


@pytest.mark.parametrize("word", ["short", "", "x" * 2000, 5, "a\0bcdefghi"])
def test_a_bad_password_is_not_set_and_not_repeated(at: Box, word: object) -> None:
    with pytest.raises(Failure) as caught:
        at.post("/api/tenants", {"name": "pw", "password": word})
    assert caught.value.status == 400
    assert not word or str(word) not in str(caught.value.body["message"])


def test_passwords_are_kept_as_argon2_hashes_and_told_to_nobody(at: Box) -> None:
    made = at.post("/api/tenants", {"name": "hashed", "password": "wordsthatare unique"})
    assert made["has_password"]
    assert "argon2" not in json.dumps([at.get("/api/tenants"), at.get("/api/audit")])
    stored = b"".join(path.read_bytes() for path in (at.home / "state").rglob("*") if path.is_file())
    assert b"$argon2id$" in stored
    assert b"wordsthatare unique" not in stored


# --- tenants ----------------------------------------------------------------------------------------------


def test_what_a_tenant_has_stands_beside_what_it_may_have(at: Box) -> None:
    ada = tenant(at, "user", max_gpus=1, max_memory="40G", max_queued=1, gpu_hours=5, window="1d", max_priority=7)
    number = ada.post("/api/tasks", {**TASK, "command": "sleep 300", "gpu_count": 1})["id"]
    at.wait(number, "running")
    waiting = ada.post("/api/tasks", {**TASK, "gpu_count": 1})
    found = ada.get("/api/tenant")
    assert found == at.get("/api/tenants/user")
    assert (found["use"]["gpus"], found["use"]["running"], found["use"]["queued"]) == (1, 1, 1)
    assert found["use"]["memory_mib"] == 24576
    assert found["quota"]["max_memory_mib"] == 40960
    assert set(shapes.Tenant.__annotations__) == found.keys()
    assert set(shapes.Quota.__annotations__) == found["quota"].keys()
    assert set(shapes.TenantUse.__annotations__) == found["use"].keys()
    for wrong, name in (({"gpu_count": 1}, "max_queued"), ({"gpu_count": 2}, "max_gpus")):
        assert name in ada.ask("POST", "/api/tasks", {**TASK, **wrong}).json["message"]
    wait_until(
        lambda: ada.get(f"/api/tasks/{waiting['id']}")["pending_reason"] == "tenant_quota", what="a cycle has seen it"
    )
    assert "max_gpus" in ada.get(f"/api/tasks/{waiting['id']}")["pending_detail"]
    for one in (waiting["id"], number):
        ada.post(f"/api/tasks/{one}/kill")
        at.wait(one)


def test_gpus_are_named_by_index_and_kept_by_uuid(at: Box) -> None:
    made = at.post("/api/tenants", {"name": "cards", "gpus": "1"})
    assert made["quota"]["gpus"] == [1]
    both = [0, at.get("/api/gpus/1")["uuid"]]
    assert at.request("PATCH", "/api/tenants/cards", {"gpus": both})["quota"]["gpus"] == [0, 1]
    assert at.request("PATCH", "/api/tenants/cards", {"gpus": None})["quota"]["gpus"] == []
    for field, value, code in (("gpus", "7", "gpu_not_found"), ("queues", "nope", "queue_not_found")):
        with pytest.raises(Failure) as caught:
            at.request("PATCH", "/api/tenants/cards", {field: value})
        assert caught.value.body["code"] == code


def test_what_would_never_count_is_refused(at: Box) -> None:
    at.post("/api/tenants", {"name": "idle"})
    own = next(one["name"] for one in at.get("/api/tenants") if one["is_own"])
    for name, option, value in (
        ("idle", "uid", 0), ("idle", "uid", str(os.getuid())), (own, "role", "viewer"), (own, "role", "tenant"),
    ):  # fmt: skip
        with pytest.raises(Failure) as caught:
            at.request("PATCH", f"/api/tenants/{name}", {option: value})
        assert (caught.value.body["code"], caught.value.body["details"]["field"]) == ("invalid_field", option)
    with pytest.raises(Failure):
        at.post("/api/tenants", {"name": "idler", "uid": 0})
    assert "idler" not in [one["name"] for one in at.get("/api/tenants")]
    assert at.get("/api/tenants/idle")["uid"] is None


def test_a_tenant_that_never_was_is_no_empty_list(at: Box) -> None:
    at.post("/api/tenants", {"name": "gone"})
    own = next(one["name"] for one in at.get("/api/tenants") if one["is_own"])
    at.request("DELETE", "/api/tenants/gone")
    for name, status in (("typo", 404), ("gone", 200), (own, 200)):
        for path in ("/api/tasks?tenant=", "/api/tasks?state=pending&tenant=", "/api/usage?tenant="):
            if status == 200:
                at.get(path + name)
                continue
            with pytest.raises(Failure) as caught:
                at.get(path + name)
            assert caught.value.body["code"] == "tenant_not_found"


def test_a_tenant_with_tasks_is_not_deleted_and_its_tokens_go_with_it(at: Box) -> None:
    ada = tenant(at, "leaving")
    number = ada.post("/api/tasks", {**TASK, "hold": True})["id"]
    with pytest.raises(Failure) as caught:
        at.request("DELETE", "/api/tenants/leaving")
    assert caught.value.status == 409
    ada.post(f"/api/tasks/{number}/kill")
    assert at.request("DELETE", "/api/tenants/leaving") == {"deleted": "leaving"}
    assert ada.ask("GET", "/api/user").status == 401
    assert at.get(f"/api/tasks/{number}")["tenant"] == "leaving", "history stays"


def test_the_daemon_s_own_user_is_a_tenant_without_a_row(at: Box) -> None:
    own = at.get("/api/tenant")
    assert own["is_own"]
    assert own["role"] == "admin"
    assert own["name"] in [one["name"] for one in at.get("/api/tenants")]
    with pytest.raises(Failure):
        at.request("DELETE", f"/api/tenants/{own['name']}")


def test_a_task_acts_as_its_tenant_and_never_as_admin(at: Box) -> None:
    boss = tenant(at, "boss", role="admin")
    ask = f"""{sys.executable} -c 'import http.client, os, socket
for target in ("/api/user", "/api/tenants"):
    c = http.client.HTTPConnection("localhost"); c.sock = socket.socket(socket.AF_UNIX)
    c.sock.connect(os.environ["GAVELQ_SOCKET"]); c.request("GET", target); r = c.getresponse()
    print(r.status, r.read().decode())'"""
    number = boss.post("/api/tasks", {**TASK, "command": ask, "env": {"PATH": at.env["PATH"]}})["id"]
    at.wait(number)
    first, second = at.log(number).splitlines()
    who = json.loads(first.partition(" ")[2])
    assert (who["tenant"], who["scopes"], who["task_id"]) == ("boss", ["read", "submit"], number)
    assert second.startswith("403 ")


def test_a_task_whose_supervisor_died_is_nobody_where_there_are_tenants(at: Box) -> None:
    """It may be anybody's; without tenants it can only be the daemon's own user's."""
    ada = tenant(at, "orphan")
    gate = at.home / "orphaned"
    ask = (
        "import http.client, os, socket\n"
        "c = http.client.HTTPConnection('localhost'); c.sock = socket.socket(socket.AF_UNIX)\n"
        "c.sock.connect(os.environ['GAVELQ_SOCKET']); c.request('GET', '/api/tasks'); print(c.getresponse().status)"
    )
    command = f'until [ -e {gate} ]; do sleep 0.02; done; {sys.executable} -c "$CODE"'
    env = {"PATH": at.env["PATH"], "CODE": ask}
    number = ada.post("/api/tasks", {**TASK, "command": command, "env": env})["id"]
    task = at.wait(number, "running")
    supervisor = parent(task["pid"])
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: parent(task["pid"]) != supervisor, what="the runner has it")
    gate.touch()
    at.wait(number)
    assert at.log(number) == "403\n"


def test_a_task_that_asks_at_once_is_its_tenant_s(at: Box) -> None:
    ada = tenant(at, "hasty")
    ask = f"{sys.executable} -m gavelq tenant show -o json"
    env = {"PATH": at.env["PATH"]}
    numbers = [ada.post("/api/tasks", {**TASK, "command": ask, "env": env})["id"] for _ in range(4)]
    for number in numbers:
        at.wait(number)
        assert '"name":"hasty"' in at.log(number)


# --- audit ------------------------------------------------------------------------------------------------


def test_the_audit_log_tells_who_did_what() -> None:
    with box(listen="127.0.0.1:0") as instance:
        ada = tenant(instance, "ada", password=PASSWORD)
        As(instance, None).ask("POST", "/api/login", {"tenant": "ada", "password": "guess"})
        As(instance, None).ask("POST", "/api/login", {"tenant": "ada", "password": PASSWORD})
        number = ada.post("/api/tasks", {**TASK, "hold": True})["id"]
        instance.post(f"/api/tasks/{number}/kill")
        ada.post(f"/api/tasks/{ada.post('/api/tasks', {**TASK, 'hold': True})['id']}/kill")
        instance.post("/api/queues", {"name": "q"})
        instance.post("/api/gpus/0/ignore")
        instance.request("PUT", "/api/config", {"rules.max_gpu": 2})
        instance.request("PATCH", "/api/tenants/ada", {"max_gpus": 1, "password": None})
        wait_until(lambda: "config_changed" in str(instance.get("/api/audit")), what="what nobody waited for is there")
        acts = instance.get("/api/audit")
        me = instance.get("/api/user")["name"]
        assert [(act["event"], act["by"]) for act in acts] == [
            ("tenant_created", me), ("token_created", me), ("login_refused", ""), ("login", "ada (login)"),
            ("task_killed", me), ("queue_created", me), ("gpu_ignored", me), ("config_changed", me),
            ("tenant_changed", me),
        ]  # fmt: skip
        assert {act["event"] for act in acts} <= ACTS
        assert acts[7]["details"]["settings"] == ["rules.max_gpu"]
        assert acts[8]["details"] == {"max_gpus": 1, "password": "removed"}
        assert set(shapes.Act.__annotations__) == acts[0].keys()
        assert [act["event"] for act in instance.get("/api/audit?limit=2")] == ["config_changed", "tenant_changed"]
        assert instance.get("/api/audit?since=2150-01-01") == []
        assert len(instance.get("/api/audit?since=-1h")) == len(acts)
        assert refused(ada.ask("GET", "/api/audit")) == (403, "not_allowed")


# --- the shared socket ------------------------------------------------------------------------------------


class Shared:
    """A daemon with a shared socket, asked as some unix user."""

    def __init__(self, instance: Box, path: str) -> None:
        self.box = instance
        self.path = path

    def ask(self, uid: int, method: str = "GET", target: str = "/api/user", *more: str) -> Json:
        """The answer's document, and its status as `_status`."""
        code = (
            "import os, sys, http.client, socket\n"
            "uid, path, method, target, body = int(sys.argv[1]), *sys.argv[2:6]\n"
            "if uid: os.setgroups([]); os.setgid(uid); os.setuid(uid)\n"
            "c = http.client.HTTPConnection('localhost'); c.sock = socket.socket(socket.AF_UNIX)\n"
            "c.sock.connect(path)\n"
            "c.request(method, target, body or None, {'Content-Type': 'application/json'} if body else {})\n"
            "r = c.getresponse(); print(r.status); print(r.read().decode())\n"
        )
        command = [sys.executable, "-I", "-c", code, str(uid), self.path, method, target, more[0] if more else ""]
        said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, cwd="/").stdout
        status, _, document = said.partition("\n")
        found: Json = json.loads(document)
        return {"_status": int(status), **found} if isinstance(found, dict) else {"_status": int(status), "list": found}


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    with tempfile.TemporaryDirectory(prefix="gqshare-", dir="/tmp") as directory:
        os.chmod(directory, 0o755)  # noqa: S103  # other users are to come in
        path = os.path.join(directory, "s")
        env = {"GAVELQ_SOCKET_SHARED": path}
        with box(env=env) as instance:
            yield Shared(instance, path)
        assert not os.path.exists(path)


@AS_ROOT
def test_unix_users_are_the_tenants_that_have_their_uid(shared: Shared) -> None:
    assert stat.S_IMODE(os.stat(shared.path).st_mode) == 0o666
    shared.box.post("/api/tenants", {"name": "ada", "uid": 4711})
    who = shared.ask(4711)
    assert (who["tenant"], who["scopes"], who["is_admin"]) == ("ada", ["read", "submit"], False)
    made = shared.ask(4711, "POST", "/api/tasks", json.dumps(TASK))
    assert (made["_status"], made["tenant"]) == (201, "ada")
    assert shared.ask(4711, "POST", "/api/queues", '{"name": "q"}')["_status"] == 403
    shared.box.request("PATCH", "/api/tenants/ada", {"uid": None})
    assert shared.ask(4711)["_status"] == 403


@AS_ROOT
def test_an_unknown_unix_user_is_told_what_to_ask_for(shared: Shared) -> None:
    shared.box.post("/api/tenants", {"name": "uid-4713"})
    for uid, command in ((4712, "tenant create uid-4712 --uid 4712"), (4713, "tenant set uid-4713 --uid 4713")):
        said = shared.ask(uid)
        assert (said["_status"], said["code"]) == (403, "not_allowed")
        assert command in said["hint"], "a tenant of the same name may be anybody"
    assert [one["name"] for one in shared.box.get("/api/tenants") if one["uid"] == 4712] == []


@AS_ROOT
def test_the_daemon_s_own_user_is_admin_there_too(shared: Shared) -> None:
    assert shared.ask(0)["is_admin"]


@AS_ROOT
def test_unix_users_become_tenants_at_first_use_where_that_is_set(shared: Shared) -> None:
    shared.box.request("PUT", "/api/config", {"tenants.auto": True, "tenants.quota": "max_gpus=1 weight=2"})
    try:
        who = shared.ask(4714)
        assert who["tenant"] == "uid-4714"
        made = shared.box.get("/api/tenants/uid-4714")
        assert (made["uid"], made["quota"]["max_gpus"], made["weight"]) == (4714, 1, 2)
        act = shared.box.get("/api/audit?limit=1")[0]
        assert (act["event"], act["by"]) == ("tenant_created", "tenants.auto")
        assert shared.ask(65534)["_status"] == 403, "several people may look like this one"
    finally:
        shared.box.request("PUT", "/api/config", {"values": {}, "unset": ["tenants.auto", "tenants.quota"]})


@AS_ROOT
def test_our_client_talks_to_another_user_s_shared_socket(shared: Shared) -> None:
    """With its own checks of who listens there: to uid 4715 directory and daemon are somebody else's."""
    shared.box.post("/api/tenants", {"name": "client", "uid": 4715})
    directory, reader, writer = os.path.dirname(shared.path), *os.pipe()
    link = Link(Address(socket=shared.path))
    link.fetch("GET", "/api/user")  # what is imported on the way is imported now
    os.chown(directory, 4716, 4716)
    try:
        if (pid := os.fork()) == 0:
            try:
                os.setgroups([])
                os.setgid(4715)
                os.setuid(4715)
                os.write(writer, str(link.fetch("GET", "/api/user")["tenant"]).encode())
            except BaseException as error:  # noqa: BLE001  # it is told to the parent
                os.write(writer, repr(error).encode())
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        assert os.read(reader, 500) == b"client"
        os.chmod(directory, 0o777)  # noqa: S103  # now anybody could put another socket there
        with pytest.raises(NotAllowed, match="others may write"):
            link.fetch("GET", "/api/user")
    finally:
        os.chown(directory, 0, 0)
        os.chmod(directory, 0o755)  # noqa: S103  # as it was
        os.close(reader)
        os.close(writer)


def test_a_shared_socket_where_nobody_could_reach_it_is_refused_with_the_way_out() -> None:
    for mode, problem in ((0o700, "cannot enter"), (0o777, "others may write")):
        with tempfile.TemporaryDirectory(prefix="gqshare-", dir="/tmp") as directory:
            os.chmod(directory, mode)
            with pytest.raises(UsageError, match=problem) as caught:
                open_shared(os.path.join(directory, "s"), "/other")
            assert "0755" in caught.value.hint
    with pytest.raises(UsageError, match="private socket"):
        open_shared("/tmp/gq-same", "/tmp/gq-same")


def test_the_shared_socket_tells_who_came_by_it() -> None:
    """SO_PEERCRED and the path of the listener: what the door decides by."""
    with tempfile.TemporaryDirectory(prefix="gqshare-", dir="/tmp") as directory:
        os.chmod(directory, 0o755)  # noqa: S103  # others are to come in
        path = os.path.join(directory, "s")
        listener = open_shared(path, "/other")
        with listener, socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            listener.setblocking(True)
            accepted, _ = listener.accept()
            with accepted:
                pid, uid, _ = struct.unpack("3i", accepted.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
                assert (accepted.getsockname(), pid, uid) == (path, os.getpid(), os.getuid())
