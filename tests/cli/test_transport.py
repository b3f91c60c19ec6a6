"""The wire: whom the client talks to, whom it refuses, and what it makes of broken answers."""

import json
import os
import socket
import threading
from pathlib import Path

import pytest

from gavelq import AsyncClient, Client
from gavelq.client.address import Address, from_url, resolve
from gavelq.client.http import Link, query, quote
from gavelq.client.wire import Broken, Unreachable, exchange
from gavelq.core.errors import DaemonUnreachable, InvalidField, NotAllowed, TimedOut
from tests.cli.conftest import Shell
from tests.cli.fake_daemon import Answer, FakeDaemon, encoded


def test_chunked_answers_are_put_together(fake: FakeDaemon) -> None:
    fake.on("GET", "/x", Answer(document=list(range(100)), is_chunked=True))
    reply = exchange(Address(socket=str(fake.path)), "GET", "/x")
    assert json.loads(reply.body) == list(range(100))


@pytest.mark.parametrize(
    "sent",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"SSH-2.0\r\n\r\n"],
)
def test_half_an_answer_is_a_broken_connection(tmp_path: Path, sent: bytes) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(sent)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(Broken):
            exchange(Address(socket=str(path)), "GET", "/x")
        thread.join()


def test_a_daemon_that_says_nothing_times_out(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with pytest.raises(TimedOut):
            Link(Address(socket=str(path))).send("GET", "/x", timeout_s=0.05)


def test_a_stale_socket_is_an_unreachable_daemon(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    with pytest.raises(Unreachable):
        exchange(Address(socket=str(path)), "GET", "/x")


def test_other_requests_than_get_are_not_repeated(fake: FakeDaemon) -> None:
    fake.on("POST", "/x", Answer(is_cut=True))
    with pytest.raises(DaemonUnreachable):
        Link(Address(socket=str(fake.path))).send("POST", "/x", {})
    assert len(fake.requests) == 1


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_somebody_else_is_refused(shell: Shell, fake: FakeDaemon) -> None:
    os.chown(fake.path.parent, 12345, 12345)
    done = shell.run("status")
    assert done.returncode == 4
    assert "belongs to uid 12345" in done.stderr
    assert shell.run("submit", "true").returncode == 4
    assert fake.requests == []


def test_a_directory_that_others_may_write_to_is_refused(fake: FakeDaemon) -> None:
    fake.path.parent.chmod(0o777)
    with pytest.raises(NotAllowed, match="others may write"):
        exchange(Address(socket=str(fake.path)), "GET", "/x")
    assert fake.requests == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_somebody_elses_private_socket_is_refused_with_the_way_to_ones_own(fake: FakeDaemon) -> None:
    fake.path.parent.chmod(0o700)
    os.seteuid(12345)
    try:
        with pytest.raises(NotAllowed, match="its permissions forbid it") as refusal:
            exchange(Address(socket=str(fake.path)), "GET", "/x")
    finally:
        os.seteuid(0)
    assert "unset GAVELQ_HOME and GAVELQ_SOCKET" in refusal.value.hint


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_listener_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    # The kernel notes the credentials of whoever calls listen() (unix(7)).
    os.seteuid(12345)
    try:
        listener.listen()
    finally:
        os.seteuid(0)
    with listener, pytest.raises(NotAllowed, match="uid 12345"):
        exchange(Address(socket=str(path)), "GET", "/x")


def test_over_tcp_the_token_and_the_host_are_sent(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        seen: list[bytes] = []

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                seen.append(connection.recv(65536))
                connection.sendall(encoded(Answer(document=[])))

        thread = threading.Thread(target=serve)
        thread.start()
        env = shell.env(GAVELQ_URL=f"http://127.0.0.1:{port}/base", GAVELQ_TOKEN="secret")
        assert shell.run("list", "-o", "json", env=env).stdout == "[]\n"
        thread.join()
    head = seen[0].decode()
    assert head.startswith("GET /base/api/tasks?")
    assert "Authorization: Bearer secret\r\n" in head
    assert f"Host: 127.0.0.1:{port}\r\n" in head


def test_a_tcp_address_without_a_daemon_is_unreachable_and_starts_none(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = shell.env(GAVELQ_URL=f"http://127.0.0.1:{port}", GAVELQ_DAEMON_AUTOSTART="true")
    done = shell.run("submit", "true", env=env)
    assert done.returncode == 5
    assert "GAVELQ_URL" in done.stderr
    assert not shell.home.exists()


@pytest.mark.parametrize("url", ["localhost:80", "ftp://x", "http://", "http://x:y", "http://u:p@x:80", "http://x:0"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidField, match="GAVELQ_URL"):
        from_url(url)


@pytest.mark.parametrize("host", ["a..b", "x" * 64, "日本", "münchen", "a b", "a\0b"])
def test_a_host_that_no_name_server_could_be_asked_for_is_refused(host: str) -> None:
    with pytest.raises(InvalidField, match="GAVELQ_URL"):
        from_url(f"http://{host}:8080")


@pytest.mark.parametrize("prefix", ["a b", "a\r\nX-Forged: y", "?x=1", "#/tasks", "é"])
def test_a_prefix_that_would_spoil_the_request_is_refused(prefix: str) -> None:
    with pytest.raises(InvalidField, match="GAVELQ_URL"):
        from_url(f"http://127.0.0.1:8080/{prefix}")


@pytest.mark.parametrize("token", ["gvq_secret\n", "gvq_secret\r\nX-Forged: y", "gvq_secret日"])
def test_a_token_with_a_line_end_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(InvalidField, match="GAVELQ_TOKEN") as caught:
        from_url("http://127.0.0.1:8080", token=token)
    assert "gvq_secret" not in str(caught.value.as_json())


def test_a_program_may_name_a_token_for_the_address_of_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAVELQ_URL", "http://127.0.0.1:8080")
    monkeypatch.setenv("GAVELQ_TOKEN", "the environment's")
    monkeypatch.delenv("GAVELQ_TASK_ID", raising=False)
    assert Client(token="mine").address.token == "mine"
    assert AsyncClient(token="mine")._link.address.token == "mine"
    assert Client().address.token == "the environment's"
    assert Client(url="http://127.0.0.1:8081").address.token is None
    with pytest.raises(InvalidField, match=r"^token: "):
        Client(token="mine\n")
    with pytest.raises(InvalidField, match=r"^url: "):
        Client(url="127.0.0.1:8080")


def test_ipv6_addresses_are_understood() -> None:
    found = from_url("http://[::1]:8090")
    assert (found.host, found.port) == ("::1", 8090)
    assert from_url("https://[::1]").port == 443


def test_an_overlong_socket_path_is_refused_with_the_way_out(shell: Shell) -> None:
    done = shell.run("status", "--socket", "/tmp/" + "x" * 110)
    assert done.returncode == 2
    assert "107" in done.stderr
    assert "--socket" in done.stderr


def test_a_socket_option_wins_over_everything(tmp_path: Path) -> None:
    env = {"GAVELQ_URL": "http://x:1", "GAVELQ_SOCKET": "/a", "GAVELQ_HOME": "/b"}
    assert str(resolve(env, socket="/c")) == "/c"
    assert str(resolve(env)) == "http://x:1"
    assert str(resolve({**env, "GAVELQ_TASK_ID": "7"})) == "/a"
    del env["GAVELQ_URL"]
    assert str(resolve(env)) == "/a"


@pytest.mark.parametrize("position", [0, 1, 2])
def test_the_common_options_are_understood_in_any_position(shell: Shell, tmp_path: Path, position: int) -> None:
    with FakeDaemon(tmp_path / "d" / "other.sock") as other:
        other.gives("/api/queues", [])
        (shell.workdir / "none.yaml").touch()
        words = ["queue", "list"]
        words[position:position] = ["--socket", str(other.path), "--config", "none.yaml", "-o", "json"]
        assert shell.run(*words).stdout == "[]\n"


def test_the_configuration_may_name_the_socket(shell: Shell, tmp_path: Path) -> None:
    with FakeDaemon(tmp_path / "d" / "other.sock") as other:
        other.gives("/api/tasks", [])
        config = tmp_path / "c.yaml"
        config.write_text(f"socket:\n  path: {other.path}\n")
        assert shell.run("list", "-o", "json", "--config", str(config)).stdout == "[]\n"
        assert shell.run("list", "-o", "json", env=shell.env(GAVELQ_SOCKET_PATH=str(other.path))).stdout == "[]\n"


def test_queries_are_percent_encoded() -> None:
    assert query([("a", "ü /"), ("b", None), ("c", 1)]) == "?a=%C3%BC%20%2F&c=1"
    assert quote("a/../b") == "a%2F..%2Fb"
