"""Figures of the HTTP server: submissions over kept connections, reads meanwhile, and clients that only listen."""

import json
import select
import socket
import time

from bench.contenders import Contender, Gavelq
from bench.measuring import Row, cpu_s

N_CLIENTS = 16
SUBMIT_S = 10.0
READ_EVERY_S = 0.005
N_STREAMS = 100
IDLE_S = 20.0
_TASK = json.dumps({"command": "true", "hold": True, "workdir": "/", "env": {"PATH": "/usr/bin"}}).encode()


class Listening:
    """A client that listens to events."""

    def __init__(self, port: int, token: str) -> None:
        self._socket = connect(port)
        self._fields = f"Host: localhost\r\nAuthorization: Bearer {token}\r\n"

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


class Load:
    """Clients on one core, without threads: each sends its next request as soon as the last one is answered."""

    def __init__(self, place: tuple[int, str], n_submitters: int) -> None:
        self._post = request_of(place[1], "POST /api/tasks", _TASK)
        self._submitters = [connect(place[0]) for _ in range(n_submitters)]
        self._reader = connect(place[0])
        first = json.loads(exchange(self._reader, self._post).partition(b"\r\n\r\n")[2])["id"]
        self._get = request_of(place[1], f"GET /api/tasks/{first}")
        self.n_submitted = 0
        self.reads_ms: list[float] = []

    def run(self, seconds: float) -> float:
        """Submit for so long, and read a task about every 5 ms; the seconds that it took."""
        begin = time.perf_counter()
        end, asked, is_reading = begin + seconds, begin, False
        with select.epoll() as poll:
            by_number = {connection.fileno(): connection for connection in (*self._submitters, self._reader)}
            for number in by_number:
                poll.register(number, select.EPOLLIN)
            for connection in self._submitters:
                connection.sendall(self._post)
            while (now := time.perf_counter()) < end:
                if not is_reading and now >= asked + READ_EVERY_S:
                    asked, is_reading = now, True
                    self._reader.sendall(self._get)
                for number, _ in poll.poll(READ_EVERY_S):
                    connection = by_number[number]
                    _answer(connection)
                    if connection is self._reader:
                        self.reads_ms.append((time.perf_counter() - asked) * 1000)
                        is_reading = False
                    else:
                        self.n_submitted += 1
                        connection.sendall(self._post)
        for connection in (*self._submitters, self._reader):
            connection.close()
        return time.perf_counter() - begin


def connect(port: int) -> socket.socket:
    """A kept connection to the daemon."""
    made = socket.create_connection(("127.0.0.1", port), timeout=30)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def request_of(token: str, line: str, body: bytes = b"") -> bytes:
    """A whole request; `line`: `GET /api/tasks`."""
    fields = f"Host: localhost\r\nAuthorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n"
    return f"{line} HTTP/1.1\r\n{fields}".encode() + _JSON + body


def exchange(connection: socket.socket, request: bytes) -> bytes:
    """One request and its whole answer. Raises RuntimeError where that is no 2xx."""
    connection.sendall(request)
    return _answer(connection)


def _answer(connection: socket.socket) -> bytes:
    """One whole answer. Raises RuntimeError where it is no 2xx."""
    received = connection.recv(65536)
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += connection.recv(65536)
    at = received.lower().find(b"content-length: ") + 16
    length = int(received[at : received.find(b"\r\n", at)])
    while len(received) < end + 4 + length:
        received += connection.recv(65536)
    if not received.startswith(b"HTTP/1.1 2"):
        raise RuntimeError(f"{received[:500]!r}")
    return received


def submissions(contenders: list[Contender]) -> list[Row]:
    """Submissions a second over kept connections, how long one more client waits for its reads, and what it costs."""
    gavelq = next(c for c in contenders if isinstance(c, Gavelq))
    load = Load(gavelq.over_tcp(), N_CLIENTS)
    pids = gavelq.server_pids()
    before, own = cpu_s(pids), time.process_time()
    took_s = load.run(SUBMIT_S)
    used, own = cpu_s(pids) - before, time.process_time() - own
    n_requests = load.n_submitted + len(load.reads_ms)
    reads = sorted(load.reads_ms)
    client = f"beside it the measuring client's {own / n_requests * 1000:.2f} ms"
    return [
        Row(
            what=f"submissions over HTTP, {N_CLIENTS} kept connections", unit="/s", least=1000,
            values={"gavelq": load.n_submitted / took_s},
            notes={"gavelq": f"the daemon had {used / took_s * 100:.0f} % of a core"},
        ),
        Row(
            what="GET /api/tasks/{id} under that load, 99 %", unit="ms", most=25,
            values={"gavelq": reads[len(reads) * 99 // 100]}, notes={"gavelq": f"median {reads[len(reads) // 2]:.1f}"},
        ),
        Row(
            what="processor time of the daemon for one of these requests", unit="ms",
            values={"gavelq": used / n_requests * 1000}, notes={"gavelq": client},
        ),
    ]  # fmt: skip


def streams(contenders: list[Contender]) -> list[Row]:
    """Processor time of the daemon while 100 clients listen to events and nothing happens, over that of nobody."""
    gavelq = next(c for c in contenders if isinstance(c, Gavelq))
    pids = gavelq.server_pids()
    alone = _busy_percent(pids)
    listening = [Listening(*gavelq.over_tcp()) for _ in range(N_STREAMS)]
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
