"""200 clients at once, a kill -9 in the middle, and clients that send as slowly as they can."""

import socket
import threading
import time

import pytest

from gavelq.testing.waiting import wait_until
from tests.api.many_clients import check, storm
from tests.support.daemon import Box, box


def test_nothing_that_was_acknowledged_to_200_clients_is_lost_with_kill_9() -> None:
    with box(n_gpus=1, env={"GAVELQ_DEBUG": "0"}) as at:
        clients = storm(at, n_clients=200, seconds=8, kill_at=3)
        n_told = check(at, clients)
    assert n_told > 200
    assert sum(client.n_repeated for client in clients) > 0, "the kill came when nobody asked"
    assert min(len(client.acknowledged) for client in clients) > 0, "a client was starved"


HEAD = b"POST /api/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"


@pytest.mark.parametrize("sent", [b"", b"GET /api/queues HTTP/1.1\r\nHos", HEAD])
def test_clients_that_send_nothing_more_are_let_go_and_hold_nobody_back(sent: bytes) -> None:
    with box(n_gpus=1, env={"GAVELQ_HTTP_PATIENCE_S": "1"}) as at:
        slow = [_connected(at) for _ in range(100)]
        for connection in slow:
            connection.sendall(sent)

        began = time.monotonic()
        assert at.get("/api/queues")
        assert time.monotonic() - began < 10

        for connection in slow:
            connection.settimeout(20)
            while connection.recv(4096):
                pass
            connection.close()


def test_a_client_that_drips_its_head_is_let_go() -> None:
    with box(n_gpus=1, env={"GAVELQ_HTTP_PATIENCE_S": "1"}) as at:
        connection = _connected(at)
        is_over = threading.Event()

        def drip() -> None:
            try:
                connection.sendall(b"GET / HTTP/1.1\r\n")
                while not is_over.wait(0.2):
                    connection.sendall(b"X: y\r\n")
            except OSError:
                is_over.set()

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            wait_until(is_over.is_set, 60, "the daemon lets go of it")
        finally:
            is_over.set()
            thread.join()
            connection.close()


def _connected(at: Box) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(at.socket)
    return connection
