"""The short way of plain requests: what it reads h11 reads alike, and everything else goes to h11."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from typing import Any

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavelq.api.plain import MAX_PLAIN, Plain, is_candidate, read_plain
from tests.support.daemon import Box, box

TASK = json.dumps({"command": "true", "hold": True, "workdir": "/"}).encode()
FIELDS = [b"Host: x", b"Content-Type: application/json", b"Content-Length: %d" % len(TASK)]


def request(*more: bytes, line: bytes = b"POST /api/tasks HTTP/1.1", body: bytes = TASK) -> bytes:
    return b"\r\n".join([line, *FIELDS, *more, b"", b""]) + body


@pytest.fixture(scope="module")
def at() -> Iterator[Box]:
    with box(n_gpus=1) as instance:
        yield instance


# --- reading ---------------------------------------------------------------------------------------------


def by_h11(received: bytes) -> tuple[h11.Request, bytes]:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(received)
    head, body = connection.next_event(), b""
    assert isinstance(head, h11.Request)
    while isinstance(event := connection.next_event(), h11.Data):
        body += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage)
    assert connection.trailing_data[0] == b""
    return head, body


_LINES = st.sampled_from([
    b"POST /api/tasks HTTP/1.1", b"GET /api/tasks/12 HTTP/1.1", b"GET /api/tasks/0 HTTP/1.1",
    b"POST /api/tasks HTTP/1.0",
    b"POST  /api/tasks HTTP/1.1", b"GET /api/tasks/12?x=1 HTTP/1.1", b"GET /api/tasks/12/why HTTP/1.1",
])  # fmt: skip
_NAMES = st.sampled_from([
    b"Host", b"content-length", b"Content-Length", b"Transfer-Encoding", b"Connection", b"Expect", b"Upgrade",
    b"X", b"x-y",
    b"Authorization", b"Content-Type", b"X Y", b" X", b"", b"X\t", b"Cookie", b"\xff",
])  # fmt: skip
_VALUES = st.one_of(
    st.sampled_from([
        b"", b"x", b"0", b"4", b"+4", b"04", b"4, 4", b"chunked", b"close", b"keep-alive", b"Keep-Alive, x",
        b"100-continue",
        b"h2c", b"a b", b" a ", b"\ta\t", b"a\rb", b"a\nb", b"\x00", b"\xe9", b"a\tb", b"application/json",
    ]),
    st.binary(max_size=8),
)  # fmt: skip
_ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r\n "])


@given(
    _LINES, st.lists(st.tuples(_NAMES, st.sampled_from([b":", b": ", b" : ", b":\t"]), _VALUES, _ENDS), max_size=6),
    st.booleans(), st.sampled_from([b"", b"{}{}", b"4\r\nabcd\r\n0\r\n\r\n"]),
)  # fmt: skip
def test_what_is_read_the_short_way_h11_reads_alike(
    line: bytes, fields: list[tuple[bytes, bytes, bytes, bytes]], has_host: bool, body: bytes
) -> None:
    head = [line, b"\r\n", b"Host: x\r\n" if has_host else b"", *(part for field in fields for part in field), b"\r\n"]
    received = b"".join(head) + body
    plain = read_plain(received)
    if plain is None or plain.body_at + plain.length != len(received):
        return
    told, content = by_h11(received)
    assert (plain.method.encode(), plain.path.encode()) == (told.method, told.target)
    assert plain.fields == list(told.headers)
    assert received[plain.body_at :] == content


def test_usual_requests_are_plain() -> None:
    assert read_plain(request()) == Plain(
        "POST", "/api/tasks",
        [(b"host", b"x"), (b"content-type", b"application/json"), (b"content-length", str(len(TASK)).encode())],
        len(request()) - len(TASK), len(TASK),
    )  # fmt: skip
    shown = read_plain(b"GET /api/tasks/12 HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
    assert shown is not None
    assert (shown.method, shown.path, shown.length) == ("GET", "/api/tasks/12", 0)


@pytest.mark.parametrize(
    "odd",
    [
        request(b"Transfer-Encoding: chunked"),
        request(b"Expect: 100-continue"),
        request(b"Upgrade: h2c"),
        request(b"Connection: close"),
        request(b"Host: y"),
        request(b"Content-Length: 3"),
        request(b"X: a\tb"),
        request(b"X: \xe9"),
        request(b"X:"),
        request(b"X: " + b"x" * 20_000),
        request(line=b"POST /api/tasks?x=1 HTTP/1.1"),
        request(line=b"POST /api/tasks HTTP/1.0"),
        request(line=b"GET /api/tasks/0012 HTTP/1.1"),
        request(line=b"GET /api/tasks/12/logs HTTP/1.1"),
        request(line=b"GET /api/tasks/12 HTTP/1.1"),
        b"POST /api/tasks HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"POST /api/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (MAX_PLAIN + 1),
    ],
)
def test_whatever_is_odd_is_left_to_h11(odd: bytes) -> None:
    assert read_plain(odd) is None


def test_only_the_beginnings_of_two_routes_are_looked_at() -> None:
    assert is_candidate(request())
    assert not is_candidate(request(line=b"POST /api/tasks/5/kill HTTP/1.1"))
    assert not is_candidate(b"POST /api/ta")


# --- connections -----------------------------------------------------------------------------------------


def connect(at: Box) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(20)
    connection.connect(at.socket)
    return connection


def answers(connection: socket.socket, n: int) -> list[tuple[int, dict[str, Any]]]:
    """The next `n` answers of a connection."""
    found: list[tuple[int, dict[str, Any]]] = []
    received = b""
    while len(found) < n:
        head, _, rest = received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0) if rest or head else 0
        if b"\r\n\r\n" in received and len(rest) >= length:
            found.append((int(head[9:12]), json.loads(rest[:length] or "{}")))
            received = rest[length:]
            continue
        part = connection.recv(65536)
        assert part, f"it ended after {len(found)} answers"
        received += part
    assert received == b""
    return found


def test_both_ways_share_a_connection(at: Box) -> None:
    with closing(connect(at)) as connection:
        for odd in (b"X: y", b"X: a\tb", b"X: y", b"X: a\tb"):
            connection.sendall(request(odd))
            ((status, task),) = answers(connection, 1)
            assert status == 201
            connection.sendall(b"GET /api/tasks/%d HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n" % (task["id"], odd))
            ((status, shown),) = answers(connection, 1)
            assert (status, shown["id"]) == (200, task["id"])


def test_both_ways_answer_alike(at: Box) -> None:
    with closing(connect(at)) as connection:
        connection.sendall(request())
        ((_, task),) = answers(connection, 1)
        line = b"GET /api/tasks/%d HTTP/1.1" % task["id"]
        seen = []
        for odd in (b"X: y", b"X: a\tb"):
            connection.sendall(line + b"\r\nHost: x\r\nX-Request-Id: same\r\n" + odd + b"\r\n\r\n")
            received = b""
            while b'"learned"' not in received:
                received += connection.recv(65536)
            seen.append(sorted(received.split(b"\r\n")))
        assert seen[0] == seen[1]


def test_requests_one_behind_the_other_are_answered_in_their_order(at: Box) -> None:
    odd = request(b"X: a\tb")
    with closing(connect(at)) as connection:
        connection.sendall(request() + odd + request() + odd + request())
        told = answers(connection, 5)
        connection.sendall(request())
        connection.sendall(odd)
        connection.sendall(request() + request())
        told += answers(connection, 4)
    assert [status for status, _ in told] == [201] * 9
    ids = [task["id"] for _, task in told]
    assert ids == sorted(ids)


@pytest.mark.parametrize("n_parts", [2, 3, 7])
def test_a_request_may_come_in_parts(at: Box, n_parts: int) -> None:
    whole = request()
    cut = [len(whole) * part // n_parts for part in range(n_parts + 1)]
    with closing(connect(at)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        for _ in range(2):
            for begin, end in pairwise(cut):
                connection.sendall(whole[begin:end])
                at.get("/api/daemon")  # lets the daemon read this part alone
            assert answers(connection, 1)[0][0] == 201


def test_a_body_behind_its_head_is_waited_for_and_no_longer_than_patience_lasts() -> None:
    with box(n_gpus=1, env={"GAVELQ_HTTP_PATIENCE_S": "1"}) as hasty, closing(connect(hasty)) as connection:
        head, _, _ = request().partition(TASK)
        connection.sendall(head)
        connection.sendall(TASK)
        assert answers(connection, 1)[0][0] == 201
        connection.sendall(head)
        assert connection.recv(100) == b""


def test_refusals_come_the_short_way_too(at: Box) -> None:
    wrong = b'{"command": 5}'
    sent = request(body=wrong).replace(b"%d" % len(TASK), b"%d" % len(wrong))
    assert read_plain(sent) is not None
    with closing(connect(at)) as connection:
        connection.sendall(sent + b"GET /api/tasks/999999 HTTP/1.1\r\nHost: x\r\n\r\n" + request())
        told = answers(connection, 3)
    assert [status for status, _ in told] == [400, 404, 201]
    assert [document.get("code") for _, document in told] == ["invalid_tasks", "task_not_found", None]
