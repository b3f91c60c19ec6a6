"""A daemon's stand-in: HTTP over a unix socket with canned answers, which remembers what it was asked."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it arrived."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is sent back; `is_cut` closes the connection instead."""

    status: int = 200
    document: Any = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False
    is_chunked: bool = False


Answering = Answer | Callable[[Request], Answer]


class FakeDaemon:
    """Answers by (method, path); a list of answers is used up one by one, its last one stays."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.requests: list[Request] = []
        self.answers: dict[tuple[str, str], list[Answering]] = {}
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)

    def on(self, method: str, path: str, *answers: Answering) -> None:
        """Answer such requests with these, in turn."""
        self.answers[method, path] = list(answers)

    def gives(self, path: str, document: Any) -> None:
        """Answer GET requests for this path with a document."""
        self.on("GET", path, Answer(document=document))

    def last(self) -> Request:
        """The latest request."""
        return self.requests[-1]

    def __enter__(self) -> "FakeDaemon":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self.path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            # A caller may go away without waiting for its answer.
            with connection, contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        first = stream.readline().decode()
        if not first:
            return
        method, target, _ = first.split(" ", 2)
        headers: dict[str, str] = {}
        while (line := stream.readline().decode().strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", 0)))
        url = urlsplit(target)
        request = Request(
            method=method,
            path=url.path,
            query=parse_qsl(url.query),
            headers=headers,
            body=json.loads(body) if body else None,
        )
        self.requests.append(request)
        connection.sendall(encoded(self._chosen(request)))

    def _chosen(self, request: Request) -> Answer:
        waiting = self.answers.get((request.method, request.path))
        if not waiting:
            return problem(404, "not_found", f"the fake knows no {request.method} {request.path}")
        chosen = waiting[0] if len(waiting) == 1 else waiting.pop(0)
        return chosen(request) if callable(chosen) else chosen


def encoded(answer: Answer) -> bytes:
    """The answer's bytes."""
    if answer.is_cut:
        return b""
    body = answer.raw if answer.raw is not None else json.dumps(answer.document).encode()
    fields = {"Content-Length": str(len(body)), **answer.headers}
    if answer.is_chunked:
        del fields["Content-Length"]
        fields["Transfer-Encoding"] = "chunked"
        pieces = [body[i : i + 7] for i in range(0, len(body), 7)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {answer.status} X\r\n{head}\r\n".encode() + body


def problem(status: int, code: str, message: str, hint: str = "", **details: Any) -> Answer:
    """An RFC 9457 problem document."""
    document = {"type": "about:blank", "title": code, "status": status, "detail": message, "code": code}
    return Answer(status=status, document={**document, "message": message, "hint": hint, "details": details})


def task(task_id: int, **fields: Any) -> dict[str, Any]:
    """A task document."""
    return {
        "id": task_id,
        "name": f"job{task_id}",
        "state": "pending",
        "pending_reason": "gpu_count",
        "end_reason": None,
        "exit_code": None,
        "signal": None,
        "queue": "running",
        "priority": 0,
        "tenant": "ada",
        "command": f"python train.py --seed {task_id}",
        "workdir": "/home/ada",
        "gpu_count": 1,
        "gpu_ids": [],
        "memory_mib": None,
        "max_util": None,
        "time_limit_s": None,
        "submission_id": task_id,
        "gpus": [],
        "gpu_uuids": [],
        "pid": None,
        "attempt": 0,
        "submitted_at": "2026-01-31T12:00:00.000000Z",
        "started_at": None,
        "ended_at": None,
        "log_path": f"/state/logs/{task_id}.log",
        "expected_start_at": None,
        **fields,
    }


def gpu(index: int | str, **fields: Any) -> dict[str, Any]:
    """A GPU document."""
    return {
        "index": index,
        "uuid": f"GPU-{index}",
        "name": "NVIDIA GeForce RTX 4090",
        "state": "free",
        "queue": None,
        "memory_total_mib": 24576,
        "memory_used_mib": 0,
        "utilization_percent": 0,
        "temperature_c": 40,
        "power_w": 31.5,
        "power_limit_w": 450.0,
        "tasks": [],
        "processes": [],
        **fields,
    }


def queue(name: str, **fields: Any) -> dict[str, Any]:
    """A queue document."""
    return {
        "name": name,
        "hold": False,
        "paused": False,
        "gpus": [],
        "pool": True,
        "priority": 0,
        "max_running": None,
        "max_gpus": None,
        "max_util": None,
        "mem_type": "ignore",
        "mem_value": 0,
        "n_pending": 0,
        "n_running": 0,
        "n_held": 0,
        **fields,
    }


def daemon(socket_path: str = "/run/gavelq.sock", **fields: Any) -> dict[str, Any]:
    """A daemon document."""
    return {
        "running": True,
        "pid": 4242,
        "version": "0.1.0",
        "socket": socket_path,
        "state_dir": "/state",
        "http": None,
        "uptime_s": 3723.0,
        "gpu_provider": "simulated",
        "runner_pid": 4243,
        **fields,
    }
