"""Figures of the HTTP server: submissions over kept connections, reads meanwhile, and clients that only listen."""

import contextlib
import json
import socket
import threading
import time

from bench.contenders import Contender, Gavelq
from bench.measuring import Row, cpu_s

N_CLIENTS = 16
SUBMIT_S = 5.0
N_STREAMS = 100
IDLE_S = 20.0
_TASK = json.dumps({"command": "true", "hold": True, "workdir": "/", "env": {"PATH": "/usr/bin"}}).encode()


class Kept:
    """A connection that is kept, with no more of HTTP than is needed: what is measured is the daemon."""

    def __init__(self, port: int, token: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._fields = f"Host: localhost\r\nAuthorization: Bearer {token}\r\n"

    def send(self, head: str, body: bytes = b"") -> bytes:
        """One request; the answer's body. Raises RuntimeError where it is no 2xx."""
        self._socket.sendall(f"{head}\r\n{self._fields}Content-Length: {len(body)}\r\n".encode() + _JSON + body)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._socket.recv(65536)
        fields, _, content = received.partition(b"\r\n\r\n")
        length = int(fields.lower().partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
        while len(content) < length:
            content += self._socket.recv(65536)
        if not fields.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"{head}: {received[:500]!r}")
        return content

    def listen(self) -> None:
        """Open a stream of events, and let it be."""
        self._socket.sendall(f"GET /api/events HTTP/1.1\r\n{self._fields}\r\n".encode())
        received = b""
        while b"listening" not in received:
            received += self._socket.recv(65536)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


_JSON = b"Content-Type: application/json\r\n\r\n"


def submissions(contenders: list[Contender]) -> list[Row]:
    """Submissions a second by 32 clients that keep their connections, and how long one more waits for its reads."""
    gavelq = next(c for c in contenders if isinstance(c, Gavelq))
    place = gavelq.over_tcp()
    done = [0] * N_CLIENTS
    reads: list[float] = []
    end = time.perf_counter() + SUBMIT_S
    first = json.loads(Kept(*place).send("POST /api/tasks HTTP/1.1", _TASK))["id"]

    def submit(number: int) -> None:
        with contextlib.closing(Kept(*place)) as kept:
            while time.perf_counter() < end:
                kept.send("POST /api/tasks HTTP/1.1", _TASK)
                done[number] += 1

    def read() -> None:
        with contextlib.closing(Kept(*place)) as kept:
            while time.perf_counter() < end:
                begin = time.perf_counter()
                kept.send(f"GET /api/tasks/{first} HTTP/1.1")
                reads.append((time.perf_counter() - begin) * 1000)
                time.sleep(0.005)

    began = time.perf_counter()
    threads = [threading.Thread(target=submit, args=(number,)) for number in range(N_CLIENTS)]
    threads.append(threading.Thread(target=read))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reads.sort()
    rate = sum(done) / (time.perf_counter() - began)
    return [
        Row(
            what=f"submissions over HTTP, {N_CLIENTS} kept connections", unit="/s", least=1000,
            values={"gavelq": rate},
        ),
        Row(
            what="GET /api/tasks/{id} under that load, 99 %", unit="ms", most=25,
            values={"gavelq": reads[len(reads) * 99 // 100]}, notes={"gavelq": f"median {reads[len(reads) // 2]:.1f}"},
        ),
    ]  # fmt: skip


def streams(contenders: list[Contender]) -> list[Row]:
    """Processor time of the daemon while 100 clients listen to events and nothing happens, over that of nobody."""
    gavelq = next(c for c in contenders if isinstance(c, Gavelq))
    pids = gavelq.server_pids()
    alone = _busy_percent(pids)
    listening = [Kept(*gavelq.over_tcp()) for _ in range(N_STREAMS)]
    try:
        for kept in listening:
            kept.listen()
        together = _busy_percent(pids)
    finally:
        for kept in listening:
            kept.close()
    return [
        Row(
            what="100 clients that listen to events, nothing happens", unit="% of a core", most=10,
            values={"gavelq": together}, notes={"gavelq": f"without them {alone:.2f}"},
        )
    ]  # fmt: skip


def _busy_percent(pids: list[int]) -> float:
    time.sleep(2)
    begin, before = time.perf_counter(), cpu_s(pids)
    time.sleep(IDLE_S)
    return (cpu_s(pids) - before) / (time.perf_counter() - begin) * 100
