"""`gavelq tenant`, `gavelq token` and `gavelq audit`, with a real daemon."""

import json
import os
import pty
import pwd
import select
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from gavelq.client.sdk import Client
from gavelq.core.errors import InvalidField, NotFound
from tests.cli.conftest import Shell
from tests.cli.fake_daemon import Answer, FakeDaemon
from tests.support.daemon import Box, box
from tests.support.tenants import As

PASSWORD = "correct horse battery"
TENANT = {
    "name": "ada", "role": "tenant", "is_own": False, "weight": 1.0, "uid": None, "user": None, "isolation": "visible",
    "enforce": False, "has_password": True, "description": "", "created_at": "2026-08-01T09:30:00.000000Z",
    "quota": {
        "max_gpus": None, "max_memory_mib": None, "max_running": None, "max_queued": None, "gpu_hours": None,
        "window_s": 604800.0, "max_priority": None, "max_time_limit_s": None, "queues": [], "gpus": [],
    },
    "use": {"gpus": 0, "memory_mib": 0, "running": 0, "queued": 0, "gpu_hours": 0.0}, "n_tokens": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def real() -> Iterator[Box]:
    with box(listen="127.0.0.1:0") as found:
        yield found


def ok(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def document(real: Box, *words: str) -> Any:
    return json.loads(ok(real.cli(*words, "-o", "json")))


def test_a_tenant_is_made_changed_shown_and_deleted(real: Box) -> None:
    who = next(one for one in pwd.getpwall() if one.pw_uid not in (0, os.getuid()))
    words = ("max-queued=9", "--max-gpus", "2", "--gpus", "0,1", "--uid", who.pw_name)
    told = ok(real.cli("tenant", "create", "ada", *words))
    unix = f"unix user {who.pw_name} ({who.pw_uid})"
    assert told == f"tenant ada: created (tenant, {unix}, max_gpus=2, max_queued=9, gpus=0,1)\n"
    ok(real.cli("tenant", "set", "ada", "gpus=none", "--uid", "none", "--gpu-hours", "50", "--max-memory", "40G"))
    quota = document(real, "tenant", "show", "ada")["quota"]
    assert (quota["gpus"], quota["max_gpus"], quota["gpu_hours"], quota["max_memory_mib"]) == ([], 2, 50.0, 40960)
    shown = dict(line.split("\t") for line in ok(real.cli("tenant", "show", "ada")).splitlines())
    assert (shown["GPUs"], shown["queued"], shown["GPU memory"]) == ("0/2", "0/9", "0M/40.0G")
    assert shown["GPU-hours"] == "0.0/50 within 7d00h"
    rows = [line.split("\t") for line in ok(real.cli("tenant", "list")).splitlines()]
    assert rows[1][:2] == ["ada", "tenant"]
    assert [row[2] for row in rows[1:]] == ["-", "the daemon's"]
    assert ok(real.cli("tenant", "delete", "ada")) == "tenant ada: deleted\n"
    missing = real.cli("tenant", "show", "ada")
    assert (missing.returncode, "no tenant named 'ada'" in missing.stderr) == (3, True)


def test_one_s_own_tenant_needs_no_name(real: Box) -> None:
    assert document(real, "tenant", "show")["is_own"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("set", "x"), "nothing was given"), (("set", "x", "max_gpus"), "KEY=VALUE"),
        (("set", "x", "password=secret"), "--password"), (("set", "x", "--password", "--no-password"), "contradict"),
        (("create", "x", "max_gpus=1", "--max-gpus", "2"), "twice"), (("create", "x", "--uid", "no-such-user"), "uid"),
        (("create", "x", "colour=red"), "the options are"), (("create", "a b"), "tenant's name"),
        (("create", "x", "--max-gpus", "many"), "max_gpus"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_a_usage_error_that_names_it(real: Box, words: tuple[str, ...], says: str) -> None:
    done = real.cli("tenant", *words)
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr
    assert "secret" not in done.stderr


def test_a_password_is_read_from_a_pipe_and_taken_away(real: Box) -> None:
    ok(real.cli("tenant", "create", "piped", "--password", stdin=f"{PASSWORD}\n"))
    login = {"tenant": "piped", "password": PASSWORD}
    assert As(real, None).ask("POST", "/api/login", login).status == 200
    assert "password set" not in ok(real.cli("tenant", "set", "piped", "--no-password"))
    assert As(real, None).ask("POST", "/api/login", login).status == 401
    assert real.cli("tenant", "set", "piped", "--password", stdin="short\n").returncode == 2


def test_on_a_terminal_a_password_is_asked_for_twice_and_not_shown(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("PATCH", "/api/tenants/ada", Answer(document=TENANT))
    shown, code = asked(shell, {"password: ": PASSWORD, "again: ": PASSWORD})
    assert code == 0, shown
    assert PASSWORD not in shown
    assert fake.requests[0].body == {"password": PASSWORD}
    shown, code = asked(shell, {"password: ": PASSWORD, "again: ": "another"})
    assert (code, "the two are different" in shown) == (2, True)
    assert len(fake.requests) == 1


def asked(shell: Shell, answers: dict[str, str]) -> tuple[str, int]:
    """What `tenant set ada --password` shows on a terminal where each prompt is answered as it comes; its exit code."""
    pid, terminal = pty.fork()
    if pid == 0:
        words = [sys.executable, "-m", "gavelq", "tenant", "set", "ada", "--password"]
        os.execve(sys.executable, words, shell.env(TERM="dumb"))  # noqa: S606  # no shell is wanted
    shown, todo = "", dict(answers)
    while select.select([terminal], [], [], 30)[0]:
        try:
            shown += os.read(terminal, 1000).decode()
        except OSError:  # EIO: the other side has gone
            break
        for prompt in [prompt for prompt in todo if prompt in shown]:
            os.write(terminal, f"{todo.pop(prompt)}\n".encode())
    os.close(terminal)
    return shown, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_token_is_printed_once_with_a_warning_beside_it(real: Box) -> None:
    ok(real.cli("tenant", "create", "tok"))
    done = real.cli("token", "create", "--tenant", "tok", "--expires", "30d", "--scopes", "read", "--name", "nb")
    token = ok(done).strip()
    assert "not shown again" in done.stderr
    assert token not in done.stderr
    assert As(real, token).get("/api/user")["scopes"] == ["read"]
    row = ok(real.cli("token", "list")).splitlines()[1].split("\t")
    assert row[1:5] == [token[:10] + "...", "tok", "nb", "read"]
    told = ok(real.cli("token", "revoke", token[:12]))
    assert told == f"token {row[0]} ({token[:10]}..., tenant tok): revoked\n"
    assert As(real, token).ask("GET", "/api/user").status == 401
    assert document(real, "token", "list") == []


def test_the_document_of_a_new_token_has_it(real: Box) -> None:
    made = document(real, "token", "create", "--admin")
    assert As(real, made["token"]).get("/api/user")["is_admin"]
    ok(real.cli("token", "revoke", str(made["id"])))


@pytest.mark.parametrize("words", [(), ("--tenant", "x", "--admin")])
def test_a_token_is_for_a_tenant_or_for_the_admin(real: Box, words: tuple[str, ...]) -> None:
    assert real.cli("token", "create", *words).returncode == 2


def test_the_command_line_works_with_a_token_and_only_in_its_tenant(real: Box) -> None:
    ok(real.cli("tenant", "create", "far", "max_gpus=1"))
    token = ok(real.cli("token", "create", "--tenant", "far")).strip()
    theirs = real.submit("sleep 300", name="not-yours")
    before = dict(real.env)
    real.env |= {"GAVELQ_URL": real.get("/api/daemon")["http"], "GAVELQ_TOKEN": token}
    try:
        made = json.loads(ok(real.cli("submit", "true", "-n", "mine", "-o", "json")))
        assert made["tenant"] == "far"
        ok(real.cli("task", "wait", str(made["id"])))
        assert [task["name"] for task in document(real, "list")] == ["mine"]
        assert real.cli("task", "kill", str(theirs)).returncode == 3
        assert real.cli("task", "logs", str(theirs)).returncode == 3
        assert "another tenant" in ok(real.cli("gpu", "list"))
        assert "not-yours" not in ok(real.cli("status"))
        assert real.cli("gpu", "ignore", "0").returncode == 4
        assert real.cli("audit").returncode == 4
        many = real.cli("submit", "true", "-c", "2")
        assert (many.returncode, "max_gpus" in many.stderr) == (7, True)
    finally:
        real.env = before
        real.post(f"/api/tasks/{theirs}/kill")


def test_the_audit_log_is_printed_newest_last(real: Box) -> None:
    ok(real.cli("tenant", "create", "last", "--max-gpus", "3"))
    rows = [line.split("\t") for line in ok(real.cli("audit", "-n", "2")).splitlines()]
    assert rows[0] == ["TIME", "WHAT", "ABOUT", "BY", "DETAILS"]
    assert len(rows) == 3
    assert (rows[-1][1], rows[-1][2], rows[-1][4]) == ("tenant created", "tenant:last", "max_gpus=3")
    assert document(real, "audit", "--since", "2150-01-01") == []
    assert len(document(real, "audit", "--since", "1h")) > 2


def test_the_sdk_has_the_same_verbs(real: Box) -> None:
    client = Client(socket=real.socket)
    made = client.create_tenant("sdk", max_gpus=1, password=PASSWORD)
    assert (made["quota"]["max_gpus"], made["has_password"]) == (1, True)
    assert client.set_tenant("sdk", max_gpus=None, password=None)["has_password"] is False
    assert client.tenant("sdk") in client.tenants()
    token = client.create_token("sdk", scopes=["read"], expires="1d", name="n")
    assert token["id"] in [one["id"] for one in client.tokens()]
    theirs = Client(url=real.get("/api/daemon")["http"], token=token["token"])
    assert theirs.user()["token_id"] == token["id"]
    assert theirs.own_tenant()["name"] == "sdk"
    client.revoke_token(token["token"])
    client.delete_tenant("sdk")
    assert client.audit(limit=1)[0]["event"] == "tenant_deleted"
    with pytest.raises(NotFound):
        client.tenant("sdk")
    again = real.cli("tenant", "create", "sdk")
    assert (again.returncode, "--take-over" in again.stderr) == (6, True)
    assert json.loads(ok(real.cli("tenant", "create", "sdk", "--take-over", "-o", "json")))["name"] == "sdk"
    with pytest.raises(InvalidField):
        client.create_tenant("sdk2", max_gpus="many")
    assert client.create_token()["tenant"] == client.user()["tenant"]
