"""A process that has imported gavelq already and forks: what it starts need not wait for a second of imports.

Run as a program by `forked.py`, one for each process of pytest. What it forks is a process like any other: its own pid,
session, directory, environment and standard streams, and the same entry point as `python -m gavelq`. It is single-
threaded, holds no lock and no descriptor but the one it is asked through. When the one who asks has gone, it ends, and
with it what it forked: tests that are broken off leave no daemon behind.
"""

import atexit
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import signal
import socket
import struct
import sys
import threading
import time
from typing import Any, NoReturn

LENGTH = struct.Struct("!I")
"""In front of a request and of an answer, which are JSON objects."""

_NOT_NEEDED = ("gavelq.cli.screen", "gavelq.cli.top", "gavelq.testing")
"""The screen loads textual, which no daemon needs and which no other command waits for."""


def receive(control: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """The next request with its descriptors; None when the other end has gone."""
    head, fds, _, _ = socket.recv_fds(control, LENGTH.size, 3)
    if len(head) < LENGTH.size:
        return None, []
    (n_left,) = LENGTH.unpack(head)
    parts = []
    while n_left and (part := control.recv(n_left)):
        parts.append(part)
        n_left -= len(part)
    return (None if n_left else json.loads(b"".join(parts))), fds


def _answer(control: socket.socket, **answer: int) -> None:
    content = json.dumps(answer).encode()
    control.sendall(LENGTH.pack(len(content)) + content)


def _import_all() -> None:
    import gavelq

    for found in pkgutil.walk_packages(gavelq.__path__, "gavelq."):
        if not found.name.startswith(_NOT_NEEDED) and not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    # FastAPI asks for it when the first route is made.
    import pydantic.v1  # noqa: F401


def _become(request: dict[str, Any], fds: list[int]) -> None:
    """Take on what was asked for, as a program finds it that was just executed."""
    if request["session"]:
        os.setsid()
    os.chdir(request["cwd"])
    os.umask(request["umask"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    for place, fd in enumerate(fds):
        os.dup2(fd, place)
        os.close(fd)
    is_unbuffered = bool(request["env"].get("PYTHONUNBUFFERED"))
    sys.stdin = _stream(0, "r", sys.__stdin__)
    sys.stdout = _stream(1, "w", sys.__stdout__, is_unbuffered=is_unbuffered)
    sys.stderr = _stream(2, "w", sys.__stderr__, is_unbuffered=is_unbuffered)
    sys.dont_write_bytecode = bool(request["env"].get("PYTHONDONTWRITEBYTECODE"))
    sys.path[0] = request["cwd"]
    sys.argv = ["gavelq", *request["words"]]


def _stream(fd: int, mode: str, like: Any, *, is_unbuffered: bool = False) -> io.TextIOWrapper:
    """A standard stream as the interpreter makes it at its start."""
    size = 0 if is_unbuffered else -1
    file: Any = open(fd, mode + "b", buffering=size, closefd=False)  # noqa: SIM115  # as long as the process
    is_lively = mode == "w" and (fd == 2 or os.isatty(fd))
    return io.TextIOWrapper(
        file, encoding=like.encoding, errors=like.errors, line_buffering=is_lively, write_through=is_unbuffered
    )


def _run() -> NoReturn:
    """`python -m gavelq`. An uncaught exception leaves as it always does; else only the taking apart of every module is
    left out, because it would copy all the pages that this process shares."""
    code: object = 0
    try:
        runpy.run_module("gavelq", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code
    if code is not None and not isinstance(code, int):
        raise SystemExit(code)
    threading._shutdown()  # type: ignore[attr-defined]  # as Py_FinalizeEx does: the threads, then atexit
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        os._exit(120)
    os._exit((code or 0) & 0xFF)


def serve(control: socket.socket) -> bool:
    """Fork and reap as asked. True in a forked process, which goes on by itself; False when nobody asks any more."""
    forked: set[int] = set()
    while True:
        request, fds = receive(control)
        if request is None:
            for pid in forked:
                os.kill(pid, signal.SIGKILL)  # not reaped, so that the pid is its own
            return False
        if "reap" in request:  # it has ended: until now its pid could not become another process's
            _, status = os.waitpid(request["reap"], 0)
            forked.discard(request["reap"])
            _answer(control, returncode=os.waitstatus_to_exitcode(status))
            continue
        pid = os.fork()
        if pid == 0:
            control.close()
            _become(request, fds)
            return True
        forked.add(pid)
        for fd in fds:
            os.close(fd)
        _answer(control, pid=pid)


if __name__ == "__main__":
    del sys.path[0]  # this file's directory, which `python -m gavelq` does not look into
    sys.path.insert(0, "")
    _import_all()
    gc.collect()
    gc.freeze()  # what is there now is never looked at again, so that forks share its pages
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        is_child = serve(asked)
    if is_child:
        _run()
