"""Streams of events, blocking and on asyncio: resumed without a gap, given up where that makes sense."""

import asyncio
from contextlib import aclosing
from itertools import islice

import pytest

from gavelq import AsyncClient, Client
from gavelq.client.listening import Listener
from gavelq.client.sse import StreamEvent
from gavelq.core.errors import DaemonUnreachable, InvalidField, NotAllowed
from tests.client.scripted import HEAD, Peer, Turn, chunk, scripted
from tests.support.daemon import box

DENIED = b'{"code": "not_allowed", "message": "not for you", "hint": "", "details": {}}'


def answers(status: str, body: bytes = b"", kind: str = "application/problem+json") -> Turn:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return lambda peer: peer.send(head.encode() + body)


def sends(*texts: str) -> Turn:
    """Sends chunks, then cuts the connection."""
    return lambda peer: peer.send(HEAD + b"".join(map(chunk, texts)))


def is_left(peer: Peer) -> None:
    peer.send(HEAD + chunk("id: 5\ndata: 5\n\n"))
    assert peer.has_left()


def take(socket: str, n_events: int, *, is_async: bool, after: str | None = None) -> list[StreamEvent]:
    if not is_async:
        return list(islice(Client(socket=socket).events(after=after), n_events))

    async def collect() -> list[StreamEvent]:
        found = []
        async with AsyncClient(socket=socket) as client, aclosing(client.events(after=after)) as events:
            async for event in events:
                found.append(event)
                if len(found) == n_events:
                    break
        return found

    return asyncio.run(collect())


@pytest.fixture(params=[False, True], ids=["blocking", "asyncio"])
def is_async(request: pytest.FixtureRequest) -> bool:
    """Whether the program is on asyncio."""
    return bool(request.param)


def test_a_lost_stream_goes_on_behind_the_last_event(is_async: bool) -> None:
    cut = sends("retry: 10\n\nid: 1\nevent: task\nda", 'ta: {"id": 7}\n\n', "id: 2\ndata: cut off in the mid")
    with scripted(
        cut, sends(": nothing new\n\n"), sends('id: 2\ndata: "two"\n\n', "id: é\ndata: 3\n\n"), is_left
    ) as it:
        found = take(it.socket, 4, is_async=is_async)
        assert [(event.id, event.event, event.data) for event in found] == [
            ("1", "task", {"id": 7}),
            ("2", "message", "two"),
            ("é", "message", 3),
            ("5", "message", 5),
        ]
        assert [it.header(number, "last-event-id") for number in range(3)] == [None, "1", "1"]
        assert it.header(3, "last-event-id") == "é"
        assert it.header(0, "accept") == "text/event-stream"


def test_who_knows_an_id_begins_behind_it(is_async: bool) -> None:
    with scripted(sends("id: 43\ndata: 1\n\n")) as it:
        assert take(it.socket, 1, is_async=is_async, after="42")[0].id == "43"
        assert it.header(0, "last-event-id") == "42"


def test_a_daemon_that_restarts_is_waited_for(is_async: bool) -> None:
    busy = answers("503 Service Unavailable", b'{"code": "store_unavailable", "message": "full"}')
    with scripted(sends("retry: 10\n\nid: 1\ndata: 1\n\n"), busy, busy, sends("id: 2\ndata: 2\n\n")) as it:
        assert [event.data for event in take(it.socket, 2, is_async=is_async)] == [1, 2]


def test_a_refusal_ends_the_stream(is_async: bool) -> None:
    with (
        scripted(sends("retry: 10\n\nid: 1\ndata: 1\n\n"), answers("403 Forbidden", DENIED)) as it,
        pytest.raises(NotAllowed, match="not for you"),
    ):
        take(it.socket, 2, is_async=is_async)


def test_no_content_ends_the_stream_in_peace(is_async: bool) -> None:
    with scripted(sends("retry: 10\n\nid: 1\ndata: 1\n\n"), answers("204 No Content")) as it:
        assert [event.data for event in take(it.socket, 5, is_async=is_async)] == [1]


def test_another_kind_of_answer_is_no_stream(is_async: bool) -> None:
    with (
        scripted(answers("200 OK", b"<html>", "text/html; charset=utf-8")) as it,
        pytest.raises(DaemonUnreachable, match="sent text/html instead of events"),
    ):
        take(it.socket, 1, is_async=is_async)


def test_nobody_there_is_told_at_once(is_async: bool) -> None:
    with pytest.raises(DaemonUnreachable):
        take("/tmp/gavelq-nobody-is-here.sock", 1, is_async=is_async)


def test_an_id_that_would_forge_a_header_is_refused() -> None:
    with pytest.raises(InvalidField, match="after"):
        Client(socket="/tmp/gavelq-nobody-is-here.sock").events(after="1\r\nX-Evil: 1")


def test_patience_with_a_daemon_that_is_away_has_an_end() -> None:
    listener, gone = Listener(kinds=["task", "gpu"], tasks=[3, 4]), DaemonUnreachable(why="it is gone")
    assert listener.target == "/api/events?kinds=task%2Cgpu&task=3&task=4"
    with pytest.raises(DaemonUnreachable):
        listener.pause(0.0, gone)
    listener.opened(200, {"content-type": "text/event-stream"})
    assert [listener.pause(at, gone) for at in (100.0, 130.0, 159.0)] == [1.0, 1.0, 1.0]
    with pytest.raises(DaemonUnreachable):
        listener.pause(160.0, gone)


def test_a_real_daemon_tells_what_happens_and_goes_on_after_a_restart(is_async: bool) -> None:
    with box(n_gpus=1) as own:
        first = own.submit("true")
        own.wait(first)
        told = take(own.socket, 3, is_async=is_async, after="0")
        assert [event.data["task_id"] for event in told if event.event == "task"] != []
        own.restart()
        second = own.submit("true")
        own.wait(second)
        later = Client(socket=own.socket).events(after=told[-1].id, kinds=["ended"], tasks=[first, second])
        assert [event.data["task_id"] for event in islice(later, 2)] == [first, second]


def test_an_id_may_be_a_number() -> None:
    assert Listener(after=7).headers["Last-Event-ID"] == Listener(after="7").headers["Last-Event-ID"] == "7"
