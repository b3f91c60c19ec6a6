"""Samples between the events of a stream, at a real daemon: how the machine looks, without an id, each at its time."""

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from gavelq.client import shapes
from gavelq.client.sse import Parser, StreamEvent
from tests.support.daemon import Box, Failure, box
from tests.support.tenants import As, tenant

Json = dict[str, Any]


@pytest.fixture(scope="module")
def at() -> Iterator[Box]:
    with box(n_gpus=2, listen="127.0.0.1:0") as instance:
        yield instance


class Page:
    """A page that stays open."""

    def __init__(self, host: str, port: int, token: str | None, query: str) -> None:
        self._socket = socket.create_connection((host, port), 20)
        lines = [f"GET /api/events?{query} HTTP/1.0", f"Host: {host}:{port}"]
        lines += [f"Authorization: Bearer {token}"] if token else []
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.raw = b""
        self._parser = Parser()
        self._blocks: list[StreamEvent] = []
        while b"\r\n\r\n" not in self.raw:  # what happens before is not told
            self._take()

    def next(self, kind: str) -> StreamEvent:
        """The next block of a kind; others before it are dropped."""
        while True:
            while self._blocks:
                block = self._blocks.pop(0)
                if block.event == kind:
                    return block
            self._take()

    def _take(self) -> None:
        is_first = b"\r\n\r\n" not in self.raw
        got = self._socket.recv(65536)
        assert got, self.raw[-500:]
        self.raw += got
        self._blocks += self._parser.feed(self.raw.partition(b"\r\n\r\n")[2] if is_first else got)

    def sample(self) -> Json:
        return dict(self.next("sample").data)

    def close(self) -> None:
        self._socket.close()


def page(who: As, query: str) -> Page:
    return Page(who.host, who.port, who.token, query)


def admin(at: Box) -> As:
    return As(at, at.post("/api/tokens", {"admin": True})["token"])


def test_a_sample_comes_at_once_and_tells_what_the_other_routes_tell(at: Box) -> None:
    at.submit("true", hold=True)
    one = page(admin(at), "samples=60")
    sample = one.sample()
    one.close()
    assert set(sample) == {"kind", "at", "gpus", "host", "counts", "position"}
    assert sample["counts"] == at.get("/api/daemon")["counts"]
    assert [set(gpu) for gpu in sample["gpus"]] == [set(gpu) for gpu in at.get("/api/gpus")]
    assert set(sample["host"]) == set(shapes.Host.__annotations__)
    assert sample["host"]["name"] == at.get("/api/status")["host"]["name"] == socket.gethostname()
    assert sample["host"]["cpu_count"] == os.cpu_count()


def test_samples_have_no_id_and_do_not_move_the_listener_s_place(at: Box) -> None:
    one = page(admin(at), "samples=1")
    one.sample()
    number = at.submit("true", hold=True)
    event = one.next("task")
    after = one.sample()
    one.close()
    assert event.data["task_id"] == number
    assert after["position"] == int(event.id)
    block = next(part for part in one.raw.split(b"\n\n") if b"event: sample" in part)
    assert not any(line.startswith(b"id:") for line in block.split(b"\n"))


def test_listeners_of_one_tick_get_the_same_text(at: Box) -> None:
    who = admin(at)
    pages = [page(who, "samples=1") for _ in range(3)]
    seen = [[one.sample()["at"] for _ in range(3)] for one in pages]
    for one in pages:
        one.close()
    assert set(seen[0][1:]) & set(seen[1][1:]) & set(seen[2][1:])


def test_a_tenant_s_sample_counts_its_own_tasks_and_names_nobody_else_s(at: Box) -> None:
    ada, bob = tenant(at, "samples-ada"), tenant(at, "samples-bob")
    env = {"PATH": os.environ["PATH"]}
    hers = ada.post("/api/tasks", {"command": "sleep 60", "workdir": "/tmp", "env": env, "name": "zecret"})["id"]
    at.wait(hers, "running")
    bobs, adas = page(bob, "samples=60"), page(ada, "samples=60")
    his, own = bobs.sample(), adas.sample()
    bobs.close()
    adas.close()
    assert (sum(his["counts"].values()), own["counts"]["running"]) == (0, 1)
    assert [gpu["tasks"] for gpu in his["gpus"]] == [[], []]
    assert sum(gpu["n_other_tasks"] for gpu in his["gpus"]) == 1
    assert [hers] in [gpu["tasks"] for gpu in own["gpus"]]
    at.post(f"/api/tasks/{hers}/kill")


@pytest.mark.parametrize("wrong", ["0", "61", "x", "1.5"])
def test_the_rhythm_is_1_to_60_seconds(at: Box, wrong: str) -> None:
    with pytest.raises(Failure, match="samples"):
        at.get(f"/api/events?samples={wrong}")


def test_without_the_parameter_there_are_none(at: Box) -> None:
    one = page(admin(at), "")
    at.submit("true", hold=True)
    one.next("task")
    at.submit("true", hold=True)
    one.next("task")
    one.close()
    assert b"event: sample" not in one.raw
