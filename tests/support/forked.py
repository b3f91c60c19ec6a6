"""`python -m gavelq ...` as processes of their own that need not import it first: they are forked by `fork_server.py`.

Only what happens before `main` is left out. Whoever measures memory, reads a process's command line or environment in
/proc, or means the start of the interpreter itself executes the program instead (`Box(is_executed=True)`).
"""

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from tests.support.fork_server import LENGTH

_BEFORE_MAIN = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "GLIBC_")
"""What the interpreter, its loader or libc read before `main`."""
_AFTER_FORK = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
"""Of these, what a forked process does just as well."""


class Forked:
    """A forked process, spoken to like a `subprocess.Popen`: it is a zombie until it was seen to have ended."""

    def __init__(self, server: "_Server", pid: int, words: tuple[str, ...]) -> None:
        self.args = ("gavelq", *words)
        self.pid = pid
        self.returncode: int | None = None
        self._server = server
        self._fd = os.pidfd_open(pid)
        self._closing = weakref.finalize(self, os.close, self._fd)
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """Its exit code (-N: ended by signal N), None while it runs."""
        return self.returncode if self._has_ended(0) else None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, as soon as it has one. Raises subprocess.TimeoutExpired (seconds)."""
        if not self._has_ended(timeout) or self.returncode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self.returncode

    def _has_ended(self, timeout: float | None) -> bool:
        if self.returncode is not None:
            return True
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        if not poll.poll(None if timeout is None else max(0, timeout) * 1000):
            return False
        with self._lock:
            if self.returncode is None:
                self.returncode = self._server.ask({"reap": self.pid})["returncode"]
        return True

    def send_signal(self, number: int) -> None:
        """A signal, if it still runs."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._fd, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)


class _Server:
    """The forking process of this process, started when it is first needed."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        self._lock = threading.Lock()
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("GAVELQ_")}
        command = [sys.executable, str(Path(__file__).with_name("fork_server.py")), str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                command, env=self.env, cwd="/", pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        atexit.register(self.close)

    def ask(self, request: Mapping[str, Any], fds: tuple[int, ...] = ()) -> dict[str, int]:
        """One request; its answer."""
        content = json.dumps(request).encode()
        with self._lock:
            # Descriptors travel with the first bytes.
            socket.send_fds(self._control, [LENGTH.pack(len(content))], fds)
            self._control.sendall(content)
            head = self._control.recv(LENGTH.size, socket.MSG_WAITALL)
            if len(head) < LENGTH.size:
                raise AssertionError(f"the forking process has ended: {self._process.wait(10)}")
            (n_bytes,) = LENGTH.unpack(head)
            answer: dict[str, int] = json.loads(self._control.recv(n_bytes, socket.MSG_WAITALL))
            return answer

    def close(self) -> None:
        """It ends when nobody asks any more; so it does when this process is killed."""
        self._control.close()
        self._process.wait(10)


_servers: dict[int, _Server] = {}
"""By the process that started it: a forked one must not speak through its parent's."""
_starting = threading.Lock()


def _server() -> _Server:
    with _starting:
        if os.getpid() not in _servers:
            _servers[os.getpid()] = _Server()
        return _servers[os.getpid()]


def _needs_exec(env: Mapping[str, str]) -> bool:
    return _before_main(env) != _before_main(_server().env)


def _before_main(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(_BEFORE_MAIN) and name not in _AFTER_FORK}


def start(
    words: tuple[str, ...], *, env: Mapping[str, str], cwd: str, stdin: IO[bytes] | int, stdout: IO[bytes],
    stderr: IO[bytes], session: bool = False, is_executed: bool = False,
) -> "Forked | subprocess.Popen[bytes]":  # fmt: skip
    """`python -m gavelq WORDS`, forked; executed where it is wished or where the environment changes Python itself."""
    if is_executed or _needs_exec(env):
        command = [sys.executable, "-m", "gavelq", *words]
        return subprocess.Popen(
            command, env=env, cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=session
        )
    request = {"words": words, "env": dict(env), "cwd": cwd, "umask": _umask(), "session": session}
    with contextlib.ExitStack() as stack:
        if stdin == subprocess.DEVNULL:
            stdin = stack.enter_context(open(os.devnull, "rb"))
        fds = tuple(file if isinstance(file, int) else file.fileno() for file in (stdin, stdout, stderr))
        server = _server()
        return Forked(server, server.ask(request, fds)["pid"], words)


def run(
    words: tuple[str, ...], *, env: Mapping[str, str], cwd: str, stdin: str = "", timeout_s: float = 60,
    is_executed: bool = False,
) -> "subprocess.CompletedProcess[str]":  # fmt: skip
    """`python -m gavelq WORDS` to its end, with pipes for its standard streams, like `subprocess.run`."""
    if is_executed or _needs_exec(env):
        command = [sys.executable, "-m", "gavelq", *words]
        return subprocess.run(
            command, env=env, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    said: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        (their_in, our_in), (our_out, their_out), (our_err, their_err) = (_pipe(stack) for _ in range(3))
        process = start(words, env=env, cwd=cwd, stdin=their_in, stdout=their_out, stderr=their_err)
        for theirs in (their_in, their_out, their_err):
            theirs.close()
        threads = [
            threading.Thread(target=_write, args=(our_in, stdin), daemon=True),
            threading.Thread(target=lambda: said.update(out=our_out.read().decode()), daemon=True),
            threading.Thread(target=lambda: said.update(err=our_err.read().decode()), daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            process.wait(timeout_s)
        finally:
            process.kill()
        for thread in threads:  # who holds a pipe longer than the command holds up everybody who reads it
            thread.join(timeout_s)
    if len(said) < 2:
        raise subprocess.TimeoutExpired(process.args, timeout_s)
    return subprocess.CompletedProcess(process.args, process.wait(), said["out"], said["err"])


def _pipe(stack: contextlib.ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    reading, writing = os.pipe()
    return stack.enter_context(open(reading, "rb")), stack.enter_context(open(writing, "wb", buffering=0))


def _write(file: IO[bytes], text: str) -> None:
    with contextlib.suppress(BrokenPipeError), file:
        file.write(text.encode())


def _umask() -> int:
    """Read without changing it, which another thread would notice."""
    with open("/proc/self/status", encoding="utf-8") as file:
        return next(int(line.split()[1], 8) for line in file if line.startswith("Umask:"))
