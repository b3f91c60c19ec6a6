"""What holds for every request: ids, header fields, methods, sizes, limits, TLS."""

import json
import os
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gavelq import Client
from gavelq.api.limits import FAILURES_PER_MINUTE, Buckets, Limits, TooManyRequests
from gavelq.api.peer import Peer
from gavelq.core.errors import DaemonUnreachable
from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, box

POST = b"POST /api/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def at() -> Iterator[Box]:
    with box(n_gpus=1) as instance:
        yield instance


def fields(at: Box, method: str = "GET", path: str = "/api/queues", **given: str) -> tuple[int, dict[str, str], bytes]:
    return at.raw(method, path, b"", {name.replace("_", "-"): value for name, value in given.items()})


def test_every_answer_has_an_id_and_says_what_browsers_may_do_with_it(at: Box) -> None:
    seen = set()
    for path in ("/api/queues", "/api/nothing", "/api/tasks/999", "/", "/openapi.json"):
        _, found, _ = fields(at, path=path)
        assert found["x-content-type-options"] == "nosniff"
        assert found["cache-control"] == "no-store"
        assert found["referrer-policy"] == "no-referrer"
        seen.add(found["x-request-id"])
    assert len(seen) == 5


def test_an_id_of_the_caller_s_own_is_kept_where_it_is_sane(at: Box) -> None:
    assert fields(at, X_Request_Id="load-client:7")[1]["x-request-id"] == "load-client:7"
    for odd in ("a b", "x" * 65, "ä", '"'):
        assert fields(at, X_Request_Id=odd)[1]["x-request-id"] != odd


def test_refusals_stand_in_the_log_with_their_id(at: Box) -> None:
    fields(at, path="/api/tasks/999", X_Request_Id="find-me")
    log = (at.home / "state" / "daemon.log").read_text()
    (line,) = [json.loads(line) for line in log.splitlines() if "find-me" in line]
    assert (line["method"], line["path"], line["status"], line["address"]) == ("GET", "/api/tasks/999", 404, "unix")


def test_head_is_get_without_the_content(at: Box) -> None:
    _, get, body = fields(at)
    status, head, nothing = fields(at, "HEAD")
    assert (status, nothing) == (200, b"")
    assert head["content-length"] == get["content-length"] == str(len(body))
    assert fields(at, "HEAD", "/api/tasks/999")[0] == 404
    assert fields(at, "HEAD", "/api/events")[0] == 200


def test_options_and_405_tell_what_can_be_done(at: Box) -> None:
    status, found, _ = fields(at, "OPTIONS", "/api/tasks")
    assert (status, found["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    status, found, body = fields(at, "PUT", "/api/tasks")
    assert (status, found["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    assert json.loads(body)["code"] == "method_not_allowed"
    assert fields(at, "OPTIONS", "/api/nothing")[0] == 404


def test_a_body_of_100_mb_is_refused_before_it_is_sent(at: Box) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(at.socket)
        connection.settimeout(10)
        head = (
            "POST /api/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 104857600\r\n\r\n"
        )
        connection.sendall(head.encode())
        answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"too_large"' in answer


def test_a_body_without_a_length_is_refused_while_it_comes(at: Box) -> None:
    sent = 0
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(at.socket)
        connection.settimeout(20)
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
        try:
            for _ in range(100):
                connection.sendall(chunk)
                sent += 1
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert sent < 100


# --- limits ----------------------------------------------------------------------------------------------


def scope(address: str = "10.0.0.1", *, token: str | None = None, peer: Peer | None = None) -> dict[str, Any]:
    headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
    return {"type": "http", "headers": headers, "client": (address, 1), "state": {"peer": peer}}


def test_a_bucket_holds_a_minute_s_worth_and_fills_up_evenly() -> None:
    now = [0.0]
    buckets = Buckets(lambda: now[0])
    assert [buckets.take("a", 3) for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a", 3) == pytest.approx(20)
    assert buckets.take("b", 3) == 0
    now[0] = 20.0
    assert buckets.take("a", 3) == 0
    now[0] = 1e6
    assert [buckets.take("a", 3) for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a", 3) > 0


def test_each_token_has_its_own_limit_and_the_owner_s_socket_none() -> None:
    limits = Limits(lambda: 2, own_uid=1000, now=lambda: 0.0)
    for token in ("one", "two"):
        assert limits.admit(scope(token=token)) == limits.admit(scope(token=token))
        with pytest.raises(TooManyRequests) as refused:
            limits.admit(scope(token=token))
        assert refused.value.details["retry_after_s"] == 30
    for _ in range(5):
        assert limits.admit(scope(peer=Peer(1, 1000))) is None
    limits.admit(scope(peer=Peer(1, 2000)))
    limits.admit(scope(peer=Peer(1, 2000)))
    with pytest.raises(TooManyRequests):
        limits.admit(scope(peer=Peer(1, 2000)))


def test_an_address_that_keeps_guessing_is_shut_out_and_those_with_a_good_token_are_not() -> None:
    limits = Limits(lambda: None, own_uid=1000, now=lambda: 0.0)
    good = limits.admit(scope(token="good"))
    assert good is not None
    limits.passed(good)
    for n in range(FAILURES_PER_MINUTE):
        limits.admit(scope(token=f"guess {n}"))
        limits.failed(scope())
    with pytest.raises(TooManyRequests):
        limits.admit(scope(token="one more"))
    assert limits.admit(scope(token="good")) == good
    assert limits.admit(scope(token="guess", address="10.0.0.2")) is not None


def test_too_many_requests_are_told_when_to_come_again() -> None:
    with box(n_gpus=1, listen="127.0.0.1:0", env={"GAVELQ_HTTP_RATE_LIMIT": "5"}) as instance:
        url = instance.get("/api/daemon")["http"]
        token = (instance.home / "state" / "admin.token").read_text().strip()
        answers = [curl(url + "/api/queues", "-H", f"Authorization: Bearer {token}") for _ in range(6)]
        assert [answer[0] for answer in answers] == [200] * 5 + [429]
        assert "retry-after: " in answers[-1][1].lower()
        assert '"rate_limited"' in answers[-1][1]
        assert instance.get("/api/queues")


def curl(url: str, *options: str) -> tuple[int, str]:
    """Status and everything that came."""
    done = subprocess.run(["curl", "-si", "--max-time", "10", *options, url], capture_output=True, text=True)
    return (int(done.stdout.split()[1]) if done.stdout else 0), done.stdout


# --- TLS -------------------------------------------------------------------------------------------------


def test_who_speaks_tls_to_an_address_without_it_is_told_so() -> None:
    with box(n_gpus=1, listen="127.0.0.1:0") as instance:
        url = instance.get("/api/daemon")["http"].replace("http://", "https://")
        with pytest.raises(DaemonUnreachable) as refusal:
            Client(url=url, token="gvq_any").queues()
        assert refusal.value.hint == "it speaks no TLS: let GAVELQ_URL begin with http://"


def make_certificate(directory: Path, name: str = "localhost") -> None:
    """A key and a certificate that vouches for itself."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(directory / "key.pem"), "-out", str(directory / "cert.pem"), "-days", "2"]
    command += ["-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)


def served(port: int) -> str:
    """The certificate that new connections are shown."""
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=10)


def test_tls_is_spoken_with_a_certificate_that_can_be_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_certificate(tmp_path, "first")
    env = {"GAVELQ_HTTP_TLS_CERT": str(tmp_path / "cert.pem"), "GAVELQ_HTTP_TLS_KEY": str(tmp_path / "key.pem")}
    with box(n_gpus=1, listen="127.0.0.1:0", env=env) as instance:
        url = instance.get("/api/daemon")["http"]
        assert url.startswith("https://127.0.0.1:")
        port = int(url.rpartition(":")[2])
        token = (instance.home / "state" / "admin.token").read_text().strip()
        monkeypatch.setenv("GAVELQ_CA", str(tmp_path / "cert.pem"))
        assert Client(url=url, token=token).queues()
        monkeypatch.delenv("GAVELQ_CA")
        with pytest.raises(DaemonUnreachable, match="certificate") as refusal:
            Client(url=url, token=token).queues()
        assert "GAVELQ_CA" in refusal.value.hint
        assert curl(f"http://127.0.0.1:{port}/")[0] == 0

        assert instance.process is not None
        first = served(port)
        (tmp_path / "cert.pem").write_text("nonsense")
        os.kill(instance.process.pid, signal.SIGHUP)
        wait_until(lambda: "the old one stays" in (instance.home / "state" / "daemon.log").read_text(), 60, "a word")
        assert served(port) == first
        make_certificate(tmp_path, "second")
        os.kill(instance.process.pid, signal.SIGHUP)
        wait_until(lambda: served(port) != first, 60, "the new certificate is shown")


def test_a_certificate_that_cannot_be_used_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("nonsense")
    instance = Box(tmp_path / "h", listen="127.0.0.1:0", env={"GAVELQ_HTTP_TLS_CERT": str(tmp_path / "cert.pem")})
    instance.start(wait=False)
    assert instance.process is not None
    assert instance.process.wait(20) == 2
    assert "http.tls_cert" in instance.said()
