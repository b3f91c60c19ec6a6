"""Who may do what: over TCP, from within a task, and from another site's page."""

import http.client
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, box, parent

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def served() -> Iterator[Box]:
    """A daemon that answers over TCP as well."""
    with box(listen="127.0.0.1:0") as instance:
        yield instance


class Tcp:
    """Requests to the TCP address."""

    def __init__(self, instance: Box) -> None:
        where = urlsplit(instance.get("/api/daemon")["http"])
        self.host, self.port = str(where.hostname), int(where.port or 0)
        self.token = (instance.home / "state" / "admin.token").read_text().strip()

    def ask(self, method: str, path: str, body: str | None = None, *, source: str = "127.0.0.1", **headers: str) -> int:
        """The status of the answer; header names are written with underscores, and `token` sends the right one.

        `source`: the address that the request comes from.
        """
        fields = {name.replace("_", "-"): value for name, value in headers.items() if name != "token"}
        if "token" in headers:
            fields["Authorization"] = f"Bearer {self.token}"
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20, source_address=(source, 0))
        try:
            connection.request(method, path, body, fields)
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture
def tcp(served: Box) -> Iterator[Tcp]:
    """The TCP address; no request of these tests may make a task."""
    before = served.get("/api/daemon")["counts"]
    yield Tcp(served)
    assert served.get("/api/daemon")["counts"] == before


ROUTES = [
    ("GET", path)
    for path in (
        "/api/daemon", "/api/status", "/api/tasks", "/api/tasks/1", "/api/tasks/1/why", "/api/tasks/1/logs",
        "/api/tasks/1/wait", "/api/gpus", "/api/gpus/0", "/api/queues", "/api/queues/running", "/openapi.json", "/docs",
        "/nope", "/api/gpu/status/", "//", "/api/gpu/status/../tasks",
    )
] + [
    ("POST", path)
    for path in (
        "/api/tasks", "/api/submissions", "/api/daemon/stop", "/api/queues", "/api/gpus/allocate", "/api/gpus/0/ignore",
        "/api/config/reload", "/api/backup", "/api/tasks/1/kill", "/api/gpu/status", "/",
    )
] + [("DELETE", "/api/tasks/1"), ("PATCH", "/api/queues/running"), ("DELETE", "/api/queues/x")]  # fmt: skip


def test_nothing_works_over_tcp_without_the_token_but_the_front_page_and_the_health(tcp: Tcp) -> None:
    assert tcp.ask("GET", "/") == 200
    assert tcp.ask("GET", "/api/gpu/status") == 200
    for number, (method, path) in enumerate(ROUTES, 1):
        # Each from an address of its own: who fails too often is not answered for a while.
        source = f"127.0.1.{number}"
        body = "{}" if method in ("POST", "PATCH") else None
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {tcp.token}"},
                        {"Authorization": "Bearer "}, {"Authorization": f"Bearer {tcp.token}x"},
                        {"Cookie": f"token={tcp.token}"}):  # fmt: skip
            assert tcp.ask(method, path, body, source=source, **JSON, **headers) == 401, (method, path, headers)


def test_everything_works_over_tcp_with_the_token(tcp: Tcp) -> None:
    assert tcp.ask("GET", "/api/tasks", token="") == 200
    assert tcp.ask("POST", "/api/config/reload", "{}", token="", **JSON) == 200


def test_names_that_are_not_ours_and_pages_of_other_sites_are_refused_even_with_the_token(tcp: Tcp) -> None:
    for headers in ({"Host": "evil.example"}, {"Host": f"evil.example:{tcp.port}"}, {"Host": ""},
                    {"Origin": "https://evil.example"}, {"Origin": "null"},
                    {"Origin": f"http://127.0.0.1.evil.example:{tcp.port}"}):  # fmt: skip
        assert tcp.ask("GET", "/api/tasks", token="", **headers) == 403, headers
        assert tcp.ask("GET", "/", **headers) == 403, headers
    assert tcp.ask("GET", "/api/tasks", token="", Origin=f"http://localhost:{tcp.port}") == 200


def test_who_asks_by_a_name_that_is_not_known_is_told_which_setting_names_it(tcp: Tcp) -> None:
    for headers in ({"Host": "lab1"}, {"Origin": "https://lab1"}):
        connection = http.client.HTTPConnection("127.0.0.1", tcp.port, timeout=30)
        try:
            connection.request("GET", "/api/tasks", headers={"Authorization": f"Bearer {tcp.token}", **headers})
            problem = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        assert problem["code"] == "not_allowed"
        assert "gavelq config set http.allowed_hosts NAME" in problem["hint"]


def test_what_a_form_on_a_page_can_send_makes_nothing(tcp: Tcp) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"):
        body = '{"command": "true", "workdir": "/tmp"}'
        assert tcp.ask("POST", "/api/tasks", body, token="", Content_Type=kind) == 415


def test_the_token_is_not_told_and_stays_the_same_over_restarts() -> None:
    with box(listen="127.0.0.1:0") as instance:
        token = Tcp(instance).token
        assert len(token) >= 32
        instance.restart()
        assert Tcp(instance).token == token
        instance.wait(instance.submit("env; cat /proc/self/cmdline"))
        for path in (instance.home / "state").rglob("*"):
            if path.is_file() and path.name != "admin.token":
                assert token.encode() not in path.read_bytes(), path
        assert token not in instance.said()


# --- from within a task -------------------------------------------------------------------------------------

ASK = """
import http.client, os, socket, sys
def ask(method, path, body=None):
    c = http.client.HTTPConnection("localhost")
    c.sock = socket.socket(socket.AF_UNIX); c.sock.connect(os.environ["GAVELQ_SOCKET"])
    c.request(method, path, body, {"Content-Type": "application/json"})
    return c.getresponse().status
"""
ADMIN_VERBS = (
    ("POST", "/api/daemon/stop", "{}"), ("POST", "/api/config/reload", "{}"),
    ("POST", "/api/backup", '{"path": "/tmp/x"}'), ("POST", "/api/queues", '{"name": "mine"}'),
    ("PATCH", "/api/queues/running", '{"paused": true}'),
    ("DELETE", "/api/queues/mine", None), ("POST", "/api/queues/running/merge", '{"into": "waiting"}'),
    ("POST", "/api/gpus/allocate", '{"queue": "running"}'), ("POST", "/api/gpus/0/release", "{}"),
    ("POST", "/api/gpus/0/ignore", "{}"), ("POST", "/api/gpus/0/unignore", "{}"), ("POST", "/api/gpus/0/drain", "{}"),
)  # fmt: skip


def _inside(daemon: Box, code: str, *, shell: str = '{python} -c "$CODE"') -> str:
    """What Python code says that runs in a task."""
    env = {"PATH": daemon.env["PATH"], "CODE": ASK + code}
    task = daemon.wait(daemon.submit(shell.format(python=sys.executable), env=env))
    return daemon.log(task["id"])


def test_a_task_may_submit_and_look_but_not_administer(daemon: Box) -> None:
    said = _inside(daemon, f"""
print(ask("GET", "/api/tasks"), ask("POST", "/api/tasks", '{{"command": "true", "workdir": "/tmp", "name": "child"}}'))
print([ask(*verb) for verb in {ADMIN_VERBS!r}])
""")  # fmt: skip
    assert said.splitlines() == ["200 201", str([403] * len(ADMIN_VERBS))]
    child = next(task for task in daemon.get("/api/tasks") if task["name"] == "child")
    assert daemon.wait(child["id"])["state"] == "completed"
    assert child["tenant"] == daemon.get("/api/tasks")[0]["tenant"]


def test_the_command_line_in_a_task_says_that_it_may_not(daemon: Box) -> None:
    env = {"PATH": daemon.env["PATH"]}
    gavelq = f"{sys.executable} -m gavelq"
    command = f"{gavelq} gpu ignore 0; echo code $?; {gavelq} submit true -n grandchild; echo code $?"
    task = daemon.wait(daemon.submit(command, env=env))
    assert [line for line in daemon.log(task["id"]).splitlines() if "code" in line] == ["code 4", "code 0"]
    assert daemon.get("/api/gpus/0")["state"] != "ignored"
    wait_until(lambda: daemon.get("/api/daemon")["counts"]["pending"] == 0, what="the grandchild has run")


def test_a_task_does_not_become_admin_by_leaving_its_session(daemon: Box) -> None:
    said = _inside(daemon, """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(ask("POST", "/api/gpus/0/ignore", "{}"), flush=True)
    os._exit(0)
import time
time.sleep(0.5)
""")  # fmt: skip
    assert said == "403\n"


def test_a_task_does_not_become_admin_by_handing_its_connection_to_a_child(daemon: Box) -> None:
    """The process that connected is gone when its request is read: nobody can say any more that it was no task."""
    said = _inside(daemon, """
import time
c = http.client.HTTPConnection("localhost")
c.sock = socket.socket(socket.AF_UNIX)
parent_pid = os.getpid()
middle = os.fork()
if middle == 0:
    c.sock.connect(os.environ["GAVELQ_SOCKET"])
    connector = os.getpid()
    if os.fork() == 0:
        while os.getppid() == connector: time.sleep(0.005)
        time.sleep(0.1)
        c.request("POST", "/api/gpus/0/ignore", "{}", {"Content-Type": "application/json"})
        print(c.getresponse().status, flush=True)
    os._exit(0)
os.waitpid(middle, 0)
time.sleep(0.6)
""")  # fmt: skip
    assert said == "403\n"


def test_a_task_whose_supervisor_died_is_still_a_task(daemon: Box) -> None:
    gate = daemon.home / "orphaned"
    env = {"PATH": daemon.env["PATH"], "CODE": ASK + 'print(ask("POST", "/api/gpus/0/ignore", "{}"), flush=True)'}
    command = f'until [ -e {gate} ]; do sleep 0.02; done; {sys.executable} -c "$CODE"'
    task = daemon.wait(daemon.submit(command, env=env), "running")
    supervisor = parent(task["pid"])
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: parent(task["pid"]) != supervisor, what="the runner has it")
    gate.touch()
    assert daemon.wait(task["id"])["state"] == "completed"
    assert daemon.log(task["id"]) == "403\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_other_users_get_nothing_from_the_private_socket(daemon: Box) -> None:
    os.chmod(daemon.home.parent, 0o755)  # noqa: S103  # as if its home were open to all: the socket's own directory is not
    reader, writer = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            os.setgid(65534)
            os.setuid(65534)
            socket.socket(socket.AF_UNIX).connect(daemon.socket)
            os.write(writer, b"connected")
        except OSError as error:
            os.write(writer, type(error).__name__.encode())
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(reader, 100) == b"PermissionError"
    os.close(reader)
    os.close(writer)
