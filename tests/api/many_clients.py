"""Many clients that submit at once, and a daemon that is killed meanwhile: what was acknowledged stays."""

import json
import socket
import threading
import time
import uuid
from dataclasses import dataclass, field

from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box

ANSWER_S = 60.0
"""No request may take longer, whatever happens."""


@dataclass
class Client:
    """One client: a task after another, each with a key that stays the same until it is answered."""

    at: Box
    number: int
    is_up: threading.Event
    """Whether there is a daemon to talk to; who was cut off waits for it."""
    acknowledged: dict[str, int] = field(default_factory=dict)
    """Ids by key."""
    longest_s: float = 0.0
    n_repeated: int = 0
    problem: str = ""

    def run(self, end: threading.Event) -> None:
        """Submit until `end`; what is under way is brought to its end."""
        connection: socket.socket | None = None
        while not end.is_set() and not self.problem:
            key, began, is_first = str(uuid.uuid4()), time.monotonic(), True
            while key not in self.acknowledged and not self.problem:
                self.n_repeated += not is_first
                is_first = False
                try:
                    connection = connection or self._connect()
                    status, answer = self._send(connection, key)
                    if status == 201:
                        self.acknowledged[key] = answer["id"]
                    elif status != 503:
                        self.problem = f"{status}: {answer}"
                except (OSError, ValueError, AssertionError):
                    connection = None
                    if time.monotonic() - began > ANSWER_S:
                        self.problem = f"no answer within {ANSWER_S} s"
                    self.is_up.wait(ANSWER_S)
            self.longest_s = max(self.longest_s, time.monotonic() - began)
        if connection is not None:
            connection.close()

    def _connect(self) -> socket.socket:
        """As soon as there is room among those who are to be let in."""
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(ANSWER_S)
        wait_until(lambda: _is_let_in(made, self.at), ANSWER_S, "room for another connection")
        return made

    def _send(self, connection: socket.socket, key: str) -> tuple[int, dict[str, int]]:
        body = json.dumps({"command": f"echo {self.number}", "hold": True, "workdir": "/", "name": key}).encode()
        head = (
            f"POST /api/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nIdempotency-Key: {key}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        received = b""
        while b"\r\n\r\n" not in received:
            got = connection.recv(65536)
            if not got:
                raise ConnectionResetError("it ended")
            received += got
        fields, _, content = received.partition(b"\r\n\r\n")
        length = int(fields.lower().partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
        while len(content) < length:
            got = connection.recv(65536)
            if not got:
                raise ConnectionResetError("it ended")
            content += got
        return int(fields[9:12]), json.loads(content)


def _is_let_in(connection: socket.socket, at: Box) -> bool:
    """False where too many others stand in line. Raises OSError where nobody listens."""
    try:
        connection.connect(at.socket)
    except BlockingIOError:
        return False
    return True


def _is_listening(at: Box) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(at.socket) == 0


def storm(at: Box, *, n_clients: int, seconds: float, kill_at: float) -> list[Client]:
    """Let the clients submit for so long, with one kill -9 of the daemon in between, and a start right after it."""
    is_up, end = threading.Event(), threading.Event()
    is_up.set()
    clients = [Client(at, number, is_up) for number in range(n_clients)]
    threads = [threading.Thread(target=client.run, args=(end,)) for client in clients]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    end.wait(kill_at)
    is_up.clear()
    at.kill()
    at.start(wait=False)
    wait_until(lambda: _is_listening(at), 60, "the next daemon listens")
    is_up.set()  # all of them at once, while it is still beginning
    end.wait(max(0.0, seconds - (time.monotonic() - began)))
    end.set()
    for thread in threads:
        thread.join(2 * ANSWER_S)
        assert not thread.is_alive(), "a client hangs"
    return clients


def check(at: Box, clients: list[Client]) -> int:
    """Every acknowledged task is there once, under the id that was told; how many they are. Raises AssertionError."""
    assert [client.problem for client in clients if client.problem] == []
    kept: dict[str, list[int]] = {}
    after = 0
    while page := at.get(f"/api/tasks?after={after}&limit=5000"):
        for task in page:
            kept.setdefault(task["name"], []).append(task["id"])
        after = page[-1]["id"]
    for client in clients:
        for key, number in client.acknowledged.items():
            assert kept.get(key) == [number], f"client {client.number} was told {number}, kept are {kept.get(key)}"
    assert not [ids for ids in kept.values() if len(ids) > 1], "a repeated request made a second task"
    return sum(len(client.acknowledged) for client in clients)
