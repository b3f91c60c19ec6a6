"""Who is not let in any more is not told anything more: open streams and long answers end, too."""

import contextlib
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, box
from tests.support.tenants import As, tenant

PASSWORD = "correct horse battery"
TASK: dict[str, Any] = {"command": "echo first; sleep 300", "workdir": "/tmp", "gpu_count": 0}


@pytest.fixture(scope="module")
def at() -> Iterator[Box]:
    with box(listen="127.0.0.1:0", n_gpus=1) as instance:
        yield instance


class Open:
    """An answer that comes bit by bit, read beside the test."""

    def __init__(self, who: As, target: str, **headers: str) -> None:
        fields = {name.title(): value for name, value in headers.items()}
        if who.token is not None:
            fields["Authorization"] = f"Bearer {who.token}"
        self.told = b""
        self.status = 0
        self.is_over = False
        self._connection = http.client.HTTPConnection(who.host, who.port, timeout=60)
        self._connection.request("GET", target, headers=fields)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            reply = self._connection.getresponse()
            self.status = reply.status
            while part := reply.read1(65536):
                self.told += part
        self._connection.close()
        self.is_over = True

    def is_listening(self) -> bool:
        return b"listening" in self.told

    def ends(self) -> None:
        wait_until(lambda: self.is_over, 60, f"it ends; it told {self.told!r}")


def stream(who: As, **headers: str) -> Open:
    found = Open(who, "/api/events", **headers)
    wait_until(found.is_listening, what="the stream is open")
    return found


def session(at: Box, name: str) -> str:
    """The cookie of a new session."""
    answer = As(at, None).ask("POST", "/api/login", {"tenant": name, "password": PASSWORD})
    assert answer.status == 200, answer.text
    return answer.headers["set-cookie"].partition(";")[0]


def logout(at: Box, cookie: str) -> None:
    nobody = As(at, None)
    assert nobody.ask("POST", "/api/logout", {}, Cookie=cookie, Origin=nobody.url).json == {"logged_out": True}


def revoke(at: Box, who: As) -> None:
    at.request("DELETE", f"/api/tokens/{who.get('/api/user')['token_id']}")


def narrow(at: Box, who: As) -> None:
    at.request("PATCH", f"/api/tenants/{who.get('/api/user')['tenant']}", {"role": "viewer"})


def delete(at: Box, who: As) -> None:
    at.request("DELETE", f"/api/tenants/{who.get('/api/user')['tenant']}")


@pytest.mark.parametrize("leave", [revoke, narrow, delete])
def test_a_stream_ends_with_its_token_its_role_and_its_tenant(at: Box, leave: Callable[[Box, As], None]) -> None:
    ada, bob = tenant(at, f"ada-{leave.__name__}"), tenant(at, f"bob-{leave.__name__}")
    hers, his = stream(ada), stream(bob)
    leave(at, ada)
    hers.ends()
    assert b"who you are has changed" in hers.told
    at.request("PATCH", f"/api/tenants/bob-{leave.__name__}", {"max_gpus": 1})
    number = bob.post("/api/tasks", {**TASK, "command": "true", "hold": True})["id"]
    wait_until(lambda: f'"task_id":{number}'.encode() in his.told, what="nobody else's stream ends")
    assert not his.is_over


def test_a_stream_ends_with_its_session(at: Box) -> None:
    tenant(at, "eve", password=PASSWORD)
    one, other = session(at, "eve"), session(at, "eve")
    streams = [stream(As(at, None), cookie=cookie) for cookie in (one, other)]
    logout(at, one)
    streams[0].ends()
    assert not streams[1].is_over
    at.request("PATCH", "/api/tenants/eve", {"password": None})
    streams[1].ends()


def test_who_follows_a_log_hears_no_more_of_it(at: Box) -> None:
    ada = tenant(at, "reader")
    number = ada.post("/api/tasks", TASK)["id"]
    wait_until(lambda: "first" in at.log(number) if at.state(number) == "running" else False, what="it writes")
    follow = Open(ada, f"/api/tasks/{number}/logs?offset=6&wait=20")
    revoke(at, ada)
    follow.ends()
    assert (follow.status, json.loads(follow.told)["code"]) == (401, "unauthenticated")
    at.post(f"/api/tasks/{number}/kill")
