"""Streams of events at a real daemon: resuming, filters, slow clients, who hears what."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from urllib.parse import urlencode

import pytest
from starlette.types import Message

from gavelq import AsyncClient, Client
from gavelq.api import event_stream
from gavelq.api.event_stream import EventStream
from gavelq.client.sse import Parser, StreamEvent
from gavelq.core.errors import InvalidField
from gavelq.core.event_names import EVENTS, KINDS
from gavelq.core.step import Record
from gavelq.daemon.caller import Caller
from gavelq.daemon.feed import News
from gavelq.daemon.told import Wanted, tell
from gavelq.ports import Numbered
from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, Failure, box


class Stream:
    """`GET /api/events` on a plain socket, read as slowly as a test wants."""

    def __init__(self, at: Box, last_id: str = "", receive_buffer: int = 0, **query: object) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.connect(at.socket)
        self._socket.settimeout(20)
        lines = [f"GET /api/events?{urlencode(query)} HTTP/1.0", "Host: localhost"]
        lines += [f"Last-Event-ID: {last_id}"] if last_id else []
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.raw = b""
        self.parser = Parser()
        self._events: list[StreamEvent] = []

    def read(self) -> bool:
        """Take what comes next; False at the end."""
        got = self._socket.recv(65536)
        head_is_there = b"\r\n\r\n" in self.raw
        self.raw += got
        if not head_is_there:
            got = self.raw.partition(b"\r\n\r\n")[2]
        self._events += self.parser.feed(got)
        return bool(self.raw if not head_is_there else got)

    def take(self, n: int) -> list[StreamEvent]:
        """The next `n` events."""
        while len(self._events) < n:
            assert self.read(), f"the stream ended after {len(self._events)} events: {self.raw[-500:]!r}"
        found, self._events = self._events[:n], self._events[n:]
        return found

    def listen(self) -> "Stream":
        """Until the daemon says that the stream has begun."""
        while b": listening\n" not in self.raw:
            assert self.read()
        return self

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def at() -> Iterator[Box]:
    with box(n_gpus=2) as instance:
        yield instance


def ids(events: list[StreamEvent]) -> list[int]:
    return [int(event.id) for event in events]


def test_the_story_of_a_task_is_told_as_it_happens(at: Box) -> None:
    stream = Stream(at, kinds="task").listen()

    task = at.submit("true")

    found = stream.take(4)
    assert [event.data["event"] for event in found] == ["submitted", "placed", "started", "ended"]
    assert {event.data["task_id"] for event in found} == {task}
    assert {event.event for event in found} == {"task"}
    assert [event.data["id"] for event in found] == ids(found)
    assert found[-1].data["details"]["reason"] == "exit_zero"


def test_a_stream_goes_on_behind_the_last_event_also_after_kill_9(at: Box) -> None:
    stream = Stream(at, kinds="task").listen()
    first = at.submit("true")
    seen = stream.take(2)
    at.wait(first)
    assert at.process is not None
    os.kill(at.process.pid, signal.SIGKILL)
    at.process.wait()
    at.start()
    second = at.submit("true")
    at.wait(second)

    back = Stream(at, last_id=seen[-1].id, kinds="task")
    rest = back.take(6)

    told = [(event.data["task_id"], event.data["event"]) for event in seen + rest]
    assert told == [(task, event) for task in (first, second) for event in ("submitted", "placed", "started", "ended")]
    assert ids(seen + rest) == sorted(set(ids(seen + rest)))


def test_the_header_wins_over_the_query_as_browsers_need_it(at: Box) -> None:
    at.wait(at.submit("true"))
    last = Stream(at, after=0).take(3)[-1]
    assert ids(Stream(at, last_id=last.id, after=0).take(1)) == [int(last.id) + 1]


def test_events_can_be_chosen_by_kind_by_event_and_by_task(at: Box) -> None:
    one, two = at.submit("true"), at.submit("true")
    at.wait(one)
    at.wait(two)
    assert {event.data["kind"] for event in Stream(at, after=0, kinds="gpu").take(2)} == {"gpu"}
    assert [event.data["event"] for event in Stream(at, after=0, kinds="ended").take(2)] == ["ended", "ended"]
    assert {event.data["task_id"] for event in Stream(at, after=0, task=two).take(4)} == {two}


def test_a_place_that_is_not_there_is_told(at: Box) -> None:
    (gap,) = Stream(at, after=10**9).take(1)
    assert gap.event == "gap"
    assert gap.data["after"] == 10**9
    assert gap.data["position"] == int(gap.id) < 10**9


@pytest.mark.parametrize("query", ["kinds=a-b", "after=x", "task=x", "after=-1"])
def test_a_mistake_in_the_query_is_refused(at: Box, query: str) -> None:
    with pytest.raises(Failure) as refused:
        at.get(f"/api/events?{query}")
    assert refused.value.status in (400, 404)


@pytest.mark.parametrize(
    ("query", "problem", "hint"),
    [
        ("kinds=typo", "kinds: there is no event 'typo'", "the kinds are task, queue, gpu, "),
        ("kinds=task,endet", "kinds: there is no event 'endet'", "did you mean ended?"),
        ("kinds=Task", "kinds: there is no event 'Task'", "did you mean task?"),
        ("kinds=gpu%00", "kinds: there is no event 'gpu\\x00'", "did you mean gpu?"),
        ("kinds=task,sample", "kinds: samples come to those only who say how often", "add samples=2"),
    ],
)
def test_a_name_that_never_comes_is_refused_with_the_nearest_one(at: Box, query: str, problem: str, hint: str) -> None:
    with pytest.raises(Failure) as refused:
        at.get(f"/api/events?{query}")
    assert (refused.value.status, refused.value.body["code"]) == (400, "invalid_field")
    assert refused.value.body["message"] == problem
    assert refused.value.body["hint"].startswith(hint)


def test_all_that_there_is_can_be_asked_for_and_samples_alone(at: Box) -> None:
    names = ",".join([*KINDS, *EVENTS, "gap"])
    assert Stream(at, after=0, kinds=names).take(1)[0].data["event"] == "gpu_seen"
    at.wait(at.submit("true"))
    assert [event.event for event in Stream(at, after=0, kinds="sample", samples=1).take(2)] == ["sample", "sample"]
    assert Stream(at, after=10**9, kinds="gpu").take(1)[0].event == "gap"


@pytest.mark.parametrize("kinds", [["endet"], "endet"])
def test_a_program_hears_at_once_of_a_name_that_there_is_not(at: Box, kinds: Sequence[str]) -> None:
    async def listen() -> None:
        async with AsyncClient(socket=at.socket) as client:
            await anext(client.events(kinds=kinds))

    with pytest.raises(InvalidField, match="there is no event 'endet'") as refused:
        next(Client(socket=at.socket).events(kinds=kinds))
    assert refused.value.hint == "did you mean ended?"
    with pytest.raises(InvalidField, match="there is no event 'endet'"):
        asyncio.run(listen())


def test_an_event_of_others_moves_the_place_of_a_listener_on(at: Box) -> None:
    stream = Stream(at, kinds="queue").listen()
    at.wait(at.submit("true"))
    at.post("/api/queues", {"name": "later"})
    (found,) = stream.take(1)
    assert found.data["event"] == "queue_created"
    assert found.data["subject"] == "later"


def test_dropped_streams_leave_nothing_behind_and_nobody_waits_for_them(at: Box) -> None:
    assert at.process is not None
    n_before = len(os.listdir(f"/proc/{at.process.pid}/fd"))
    for _ in range(20):
        Stream(at).listen().close()
    pid = at.process.pid
    wait_until(lambda: len(os.listdir(f"/proc/{pid}/fd")) <= n_before + 2, 60, "the daemon closes dropped streams")


def test_a_client_that_reads_nothing_holds_nobody_back(at: Box) -> None:
    stuck = Stream(at, receive_buffer=2048, after=0)
    tasks = [{"command": "true", "hold": True, "name": "x" * 200, "workdir": "/tmp"}] * 2000
    at.post("/api/submissions", {"tasks": tasks})

    found = Stream(at, after=0, kinds="submitted").take(2000)
    at.wait(at.submit("true"))

    assert len(set(ids(found))) == 2000
    assert set(ids(found)) <= set(ids(stuck.take(int(found[-1].id))))  # it has lost nothing, when it reads on
    stuck.close()


def test_a_client_that_takes_nothing_is_let_go_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "STUCK_S", 0.01)
    partings: list[bytes] = []
    gone = asyncio.Event()

    async def news() -> AsyncIterator[News]:
        yield News(events=(), position=7)
        await asyncio.sleep(60)

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.sleep(60)

    caller = Caller(name="ada", tenant="ada")
    stream = EventStream(news(), caller, Wanted(), is_checked_again=False)
    asyncio.run(stream({"type": "http", "method": "GET", "state": {"hang_up": partings.append}}, receive, send))

    (parting,) = partings
    assert parting.startswith(b": you were too slow")


def test_a_stream_ends_when_its_caller_is_another_one_and_tells_nothing_more() -> None:
    later = tell(Numbered(id=9, record=Record(at=1.0, kind="queue_created", subject="q"), tenant=None))
    is_same = [True, False]

    def said(caller: Caller) -> bytes:
        parts: list[bytes] = []

        async def news() -> AsyncIterator[News]:
            yield News(events=(), position=8)
            yield News(events=(later,), position=9)

        async def receive() -> Message:
            await asyncio.sleep(60)
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            parts.append(message.get("body", b""))

        stream = EventStream(news(), caller, Wanted(), is_checked_again=True)
        asyncio.run(stream({"type": "http", "method": "GET"}, receive, send))
        return b"".join(parts)

    gone = said(Caller(name="ada", tenant="ada", is_still=lambda: is_same.pop(0)))
    assert gone.endswith(b": who you are has changed: connect again\n\n")
    assert b"queue_created" not in gone
    stays = said(Caller(name="ada", tenant="ada"))
    assert b"queue_created" in stays
    assert stays.endswith(b": the daemon ends\n\n")


def test_streams_end_with_a_word_when_the_daemon_does() -> None:
    with box(n_gpus=1) as instance:
        stream = Stream(instance).listen()
        instance.post("/api/daemon/stop")
        while stream.read():
            pass
        assert b": the daemon ends\n" in stream.raw


def test_a_tenant_s_own_events_name_no_task_of_others() -> None:
    with box(n_gpus=1, listen="127.0.0.1:0") as instance:
        instance.post("/api/tenants", {"name": "ada"})
        token = instance.post("/api/tokens", {"tenant": "ada", "scopes": ["read", "submit"]})["token"]
        others = instance.submit("sleep 60")
        instance.wait(others, "running")
        mine = instance.post("/api/tasks", {"command": "true", "tenant": "ada", "workdir": "/tmp"})["id"]
        theirs = instance.submit("true", hold=True)
        queue = instance.post("/api/queues", {"name": "later"})["name"]

        client = Client(url=instance.get("/api/daemon")["http"], token=token)
        heard = []
        for event in client.events(after="0"):
            heard.append(event)
            if event.event == "queue" and event.data["subject"] == queue:
                break

        assert {event.data["task_id"] for event in heard if event.event == "task"} == {mine}
        assert theirs not in [event.data["task_id"] for event in heard]
        assert {event.event for event in heard} <= {"task", "gpu", "queue", "tenant", "token"}
        assert all(not event.data["by"] for event in heard if event.event in ("gpu", "queue"))
        instance.post(f"/api/tasks/{others}/kill")
