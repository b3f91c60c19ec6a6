"""HTTP/1.1 as bytes: usual requests, odd ones, and those that could be read in two ways."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from typing import Any

import pytest

from gavelq.api.heads import MAX_HEAD
from gavelq.api.peer import MAX_BEHIND
from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, box

TASK = json.dumps({"command": "true", "hold": True, "workdir": "/"}).encode()
HOST = b"Host: x\r\n"
JSON = b"Content-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(TASK)
SHOW = b"GET /api/queues HTTP/1.1\r\n" + HOST + b"\r\n"


def request(*more: bytes, line: bytes = b"POST /api/tasks HTTP/1.1", body: bytes = TASK) -> bytes:
    fields = b"".join(field + b"\r\n" for field in more)
    return line + b"\r\n" + HOST + JSON + b"Content-Length: %d\r\n" % len(body) + fields + b"\r\n" + body


def chunked(*chunks: bytes, fields: bytes = b"", trailers: bytes = b"") -> bytes:
    head = b"POST /api/tasks HTTP/1.1\r\n" + HOST + JSON + b"Transfer-Encoding: chunked\r\n" + fields + b"\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n" + trailers + b"\r\n"


@pytest.fixture(scope="module")
def at() -> Iterator[Box]:
    with box(n_gpus=1) as instance:
        yield instance


@pytest.fixture(scope="module")
def hasty() -> Iterator[Box]:
    """A daemon without patience."""
    with box(n_gpus=1, env={"GAVELQ_HTTP_PATIENCE_S": "1"}) as instance:
        yield instance


def connect(at: Box) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(20)
    connection.connect(at.socket)
    return connection


def answers(connection: socket.socket, n: int) -> list[tuple[int, dict[str, Any]]]:
    """The next `n` answers of a connection: status and JSON (or {"text": ...})."""
    found: list[tuple[int, dict[str, Any]]] = []
    received = b""
    while len(found) < n:
        head, end, rest = received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
        if end and len(rest) >= length:
            content = rest[:length].decode()
            document = json.loads(content) if content.startswith(("{", "[")) else {"text": content}
            found.append((int(head[9:12]), document))
            received = rest[length:]
            continue
        part = connection.recv(65536)
        assert part, f"it ended after {len(found)} answers"
        received += part
    assert received == b""
    return found


def everything(connection: socket.socket) -> bytes:
    """What comes until the daemon ends the connection."""
    received = b""
    while part := connection.recv(65536):
        received += part
    return received


def statuses(at: Box, sent: bytes) -> list[int]:
    """What is answered until the daemon ends the connection."""
    with closing(connect(at)) as connection:
        connection.sendall(sent)
        received = everything(connection)
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


def n_tasks(at: Box) -> int:
    return sum(at.get("/api/status")["counts"].values())


# --- usual ones ------------------------------------------------------------------------------------------


def test_a_connection_serves_one_request_after_the_other(at: Box) -> None:
    with closing(connect(at)) as connection:
        for _ in range(3):
            connection.sendall(request())
            ((status, task),) = answers(connection, 1)
            assert status == 201
            connection.sendall(b"GET /api/tasks/%d HTTP/1.1\r\nHost: x\r\nX:\r\nY: \t a \xe9 \r\n\r\n" % task["id"])
            ((status, shown),) = answers(connection, 1)
            assert (status, shown["id"]) == (200, task["id"])


def test_requests_one_behind_the_other_are_answered_in_their_order(at: Box) -> None:
    with closing(connect(at)) as connection:
        connection.sendall(request() + SHOW + chunked(TASK[:9], TASK[9:]) + request() + request())
        told = answers(connection, 5)
        connection.sendall(request())
        connection.sendall(request() + request()[:-5])
        connection.sendall(request()[-5:] + request())
        told += answers(connection, 4)
    assert [status for status, _ in told] == [201, 200, 201, 201, 201, 201, 201, 201, 201]
    ids = [document["id"] for status, document in told if status == 201]
    assert ids == sorted(ids)


@pytest.mark.parametrize("whole", [request(), chunked(TASK[:20], TASK[20:], trailers=b"X: y\r\n")])
@pytest.mark.parametrize("n_parts", [2, 3, 7])
def test_a_request_may_come_in_parts(at: Box, n_parts: int, whole: bytes) -> None:
    cut = [len(whole) * part // n_parts for part in range(n_parts + 1)]
    with closing(connect(at)) as connection:
        for _ in range(2):
            for begin, end in pairwise(cut):
                connection.sendall(whole[begin:end])
                at.get("/api/daemon")  # lets the daemon read this part alone
            assert answers(connection, 1)[0][0] == 201


def test_refusals_leave_the_connection_to_those_behind_them(at: Box) -> None:
    with closing(connect(at)) as connection:
        missing = b"GET /api/tasks/999999 HTTP/1.1\r\nHost: x\r\n\r\n"
        connection.sendall(request(body=b'{"command": 5}') + missing + request())
        told = answers(connection, 3)
    assert [status for status, _ in told] == [400, 404, 201]
    assert [document.get("code") for _, document in told] == ["invalid_tasks", "task_not_found", None]


def test_a_body_that_nobody_reads_is_passed_over(at: Box) -> None:
    with closing(connect(at)) as connection:
        for _ in range(2):
            connection.sendall(request(line=b"GET /api/queues HTTP/1.1", body=b"x" * 300_000) + SHOW)
            assert [status for status, _ in answers(connection, 2)] == [200, 200]


def test_whoever_waits_to_be_asked_for_the_body_is_asked(at: Box) -> None:
    with closing(connect(at)) as connection:
        connection.sendall(request(b"Expect: 100-continue")[: -len(TASK)])
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(TASK)
        assert answers(connection, 1)[0][0] == 201


def test_a_client_may_ask_for_the_end_of_the_connection(at: Box) -> None:
    assert statuses(at, request(b"Connection: close") + request()) == [201]
    assert statuses(at, SHOW + request(b"Connection: close") + request()) == [200, 201]


# --- other versions, other protocols ---------------------------------------------------------------------


@pytest.mark.parametrize("line", [b"GET /api/queues HTTP/1.0", b"HEAD /api/events HTTP/1.0"])
def test_http_1_0_is_answered_once(at: Box, line: bytes) -> None:
    assert statuses(at, line + b"\r\n\r\n" + SHOW) == [200]


def test_http_1_0_gets_streams_without_chunks(at: Box) -> None:
    with closing(connect(at)) as connection:
        connection.sendall(b"GET /api/events HTTP/1.0\r\n\r\n")
        received = b""
        while b"listening" not in received:
            received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert b"connection: close" in head
    assert body.startswith(b"retry: ")


@pytest.mark.parametrize("body", ["length", "chunks"])
def test_wishes_for_another_protocol_are_passed_over(at: Box, body: str) -> None:
    wish = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
    one = request(wish[:-2]) if body == "length" else chunked(TASK[:5], TASK[5:], fields=wish)
    bare = b"GET /api/queues HTTP/1.1\r\n" + HOST + wish + b"\r\n"
    with closing(connect(at)) as connection:
        connection.sendall(one + bare + one + SHOW)
        assert [status for status, _ in answers(connection, 4)] == [201, 200, 201, 200]
        for part in (one[:60], one[60:-10], one[-10:]):
            connection.sendall(part)
            at.get("/api/daemon")
        assert [status for status, _ in answers(connection, 1)] == [201]
        connection.sendall(bare.replace(b"h2c", b"websocket") + SHOW)
        assert [status for status, _ in answers(connection, 2)] == [200, 200]


@pytest.mark.parametrize(
    "odd",
    [
        b"GET /api/queues\r\n\r\n",
        b"GET /api/queues\nHost: x\r\n\r\n",
        b"GET /api/queues HTTP/2.0\r\n" + HOST + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT x:80 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_not_http_1_is_refused(at: Box, odd: bytes) -> None:
    assert statuses(at, odd) == [400]


# --- what could be read in two ways ----------------------------------------------------------------------


POST = b"POST /api/tasks HTTP/1.1\r\n"


@pytest.mark.parametrize(
    "odd",
    [
        POST + HOST + JSON + LENGTH + LENGTH + b"\r\n" + TASK,
        POST + HOST + JSON + LENGTH + b"Content-Length: 5\r\n\r\n" + TASK,
        POST + HOST + JSON + b"Content-Length: %d, %d\r\n\r\n" % (len(TASK), len(TASK)) + TASK,
        POST + HOST + JSON + b"Content-Length: +%d\r\n\r\n" % len(TASK) + TASK,
        POST + HOST + JSON + b"Content-Length: 99999999999999999999999\r\n\r\n" + TASK,
        POST + HOST + JSON + b"Content-Length : %d\r\n\r\n" % len(TASK) + TASK,
        chunked(TASK, fields=LENGTH),
        chunked(TASK, fields=b"Transfer-Encoding: chunked\r\n"),
        chunked(TASK).replace(b"chunked", b"chunked, gzip"),
        chunked(TASK).replace(b"chunked", b"gzip, chunked"),
        chunked(TASK).replace(b"chunked", b"xchunked"),
        chunked(TASK).replace(b"HTTP/1.1", b"HTTP/1.0"),
        POST + HOST + JSON + b"X: a\r\n Transfer-Encoding: chunked\r\n" + LENGTH + b"\r\n" + TASK,
        request().replace(b"\r\n", b"\n"),
        POST + HOST + JSON + b"X: y\n" + LENGTH + b"\r\n" + TASK,
        POST + HOST + JSON + b"X: y\r" + LENGTH + b"\r\n" + TASK,
        POST + HOST + JSON + b"X: a\0b\r\n" + LENGTH + b"\r\n" + TASK,
        POST + HOST + HOST + JSON + LENGTH + b"\r\n" + TASK,
        POST + JSON + LENGTH + b"\r\n" + TASK,
        POST.replace(b"/api/tasks", b"/api/t\xe4sks") + HOST + JSON + LENGTH + b"\r\n" + TASK,
    ],
)
def test_heads_that_could_be_read_in_two_ways_are_refused(at: Box, odd: bytes) -> None:
    before = n_tasks(at)
    assert statuses(at, odd + request()) == [400]
    assert n_tasks(at) == before


@pytest.mark.parametrize(
    "body", [b"-2\r\n{}\r\n0\r\n\r\n", b"2\n{}\n0\n\n", b"2 \r\n{}\r\n0\r\n\r\n", b"2\r\n{}0\r\n\r\n", b"f" * 17]
)
def test_bodies_that_could_be_read_in_two_ways_are_refused(at: Box, body: bytes) -> None:
    head, _, _ = chunked().partition(b"\r\n\r\n")
    assert statuses(at, head + b"\r\n\r\n" + body + request()) == [400]
    assert statuses(at, SHOW + SHOW + head + b"\r\n\r\n" + body + request()) == [200, 200, 400]


def test_what_comes_before_nonsense_is_answered_first(at: Box) -> None:
    before = n_tasks(at)
    assert statuses(at, request() + request() + b"nonsense\r\n\r\n" + request()) == [201, 201, 400]
    assert n_tasks(at) == before + 2


def test_fields_behind_a_body_change_nothing(at: Box) -> None:
    with closing(connect(at)) as connection:
        connection.sendall(chunked(TASK, trailers=b"X-Request-Id: late\r\nHost: y\r\n") + SHOW)
        assert [status for status, _ in answers(connection, 2)] == [201, 200]


# --- how much, and how long ------------------------------------------------------------------------------


def endless(at: Box, begin: bytes, more: bytes) -> tuple[bytes, int]:
    """Send `more` again and again; what is answered, and how much was taken."""
    sent = 0
    with closing(connect(at)) as connection:
        connection.sendall(begin)
        try:
            while sent < 100 * MAX_HEAD:
                connection.sendall(more)
                sent += len(more)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return connection.recv(4096), sent


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"GET /", b"a" * 8192),
        (SHOW[:-2] + b"X: ", b"a" * 8192),
        (SHOW[:-2], b"X: y\r\n" * 1000),
        (b"", b"\r\n" * 4096),
        (chunked(TASK)[:-2] + b"X: ", b"a" * 8192),
        (chunked(TASK)[:-5] + b"1;", b"a" * 8192),
    ],
)
def test_what_stands_around_a_body_has_a_bound(at: Box, begin: bytes, more: bytes) -> None:
    answer, sent = endless(at, begin, more)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert sent < 50 * MAX_HEAD


def test_a_head_is_as_large_as_it_may_be_and_no_larger(at: Box) -> None:
    with closing(connect(at)) as connection:
        connection.sendall(SHOW[:-2] + b"X: " + b"a" * (MAX_HEAD - 100) + b"\r\n\r\n" + request())
        assert [status for status, _ in answers(connection, 2)] == [200, 201]
    assert statuses(at, SHOW[:-2] + b"X: " + b"a" * MAX_HEAD + b"\r\n\r\n") == [400]


def test_nobody_queues_up_without_end(at: Box) -> None:
    found = statuses(at, SHOW * (2 * MAX_BEHIND + 10))
    assert found[-1] == 400
    assert found[:-1] == [200] * (len(found) - 1)
    assert MAX_BEHIND <= len(found) <= 2 * MAX_BEHIND


@pytest.mark.parametrize("sent", [b"", b"\r\n", SHOW[:-2], request()[:-1], chunked(TASK)[:-1], SHOW + SHOW[:-2]])
def test_what_is_missing_is_waited_for_no_longer_than_patience_lasts(hasty: Box, sent: bytes) -> None:
    with closing(connect(hasty)) as connection:
        connection.sendall(sent)
        assert everything(connection).count(b"HTTP/1.1") == (1 if sent.startswith(SHOW) else 0)


def drip(hasty: Box, first: bytes, next_one: Callable[[int], bytes]) -> int:
    """Send a byte or two again and again, far more often than patience lasts; how many were taken."""
    n = 0
    with closing(connect(hasty)) as connection:
        connection.settimeout(0.2)
        connection.sendall(first)
        while n < 100:
            try:
                connection.sendall(next_one(n))
                if connection.recv(1000) == b"":
                    break
            except TimeoutError:
                n += 1
            except (BrokenPipeError, ConnectionResetError):
                break
    return n


def test_a_head_that_drips_is_let_go_and_a_body_that_drips_is_not(hasty: Box) -> None:
    assert drip(hasty, SHOW[:-2], lambda _: b"X: y\r\n") < 20
    assert drip(hasty, b"", lambda _: b"\r\n") < 20
    with closing(connect(hasty)) as connection:
        whole = request()
        connection.settimeout(0.4)
        connection.sendall(whole[:-6])
        for byte in whole[-6:-1]:
            with pytest.raises(TimeoutError):
                connection.recv(1)
            connection.sendall(bytes([byte]))
        connection.settimeout(20)
        connection.sendall(whole[-1:])
        assert answers(connection, 1)[0][0] == 201


def test_a_long_answer_is_no_reason_to_lose_patience(hasty: Box) -> None:
    with closing(connect(hasty)) as connection:
        connection.sendall(b"GET /api/events HTTP/1.1\r\n" + HOST + b"\r\n" + SHOW[:-2])
        received = b""
        while b"listening" not in received:
            received += connection.recv(65536)
        connection.settimeout(2.5)
        with pytest.raises(TimeoutError):  # whereas the end would be b""
            connection.recv(1)


def test_a_stream_ends_with_its_reader_though_a_request_waits_behind_it(at: Box) -> None:
    def n_streams() -> str:
        page = at.raw("GET", "/metrics", b"", {})[2].decode()
        return next(line for line in page.splitlines() if line.startswith("gavelq_event_streams "))

    with closing(connect(at)) as connection:
        connection.sendall(b"GET /api/events HTTP/1.1\r\n" + HOST + b"\r\n" + SHOW)
        wait_until(lambda: n_streams().endswith(" 1"), 60, "somebody listens")
    at.submit("true", hold=True)  # what is written to nobody tells that nobody is there
    wait_until(lambda: n_streams().endswith(" 0"), 60, "nobody listens any more")
