"""The addresses that the daemon answers on: its private unix socket, and TCP when asked for."""

import asyncio
import contextlib
import os
import secrets
import socket
import ssl
import stat
from collections.abc import Callable

from gavelq.config import split_listen
from gavelq.core.errors import GavelqError, NotAllowed, UsageError, WrongState
from gavelq.daemon.instance import check_socket_path, private_directory


def open_unix(path: str, *, is_named: bool = False) -> socket.socket:
    """Bind the private socket (0600 in a directory of 0700). A stale one is replaced, a live one is refused.

    `is_named`: a person named it. Its directory keeps its mode then, and nobody else may write to it.
    """
    check_socket_path(path)
    private_directory(os.path.dirname(path), is_named=is_named)
    _clear_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    old_mask = os.umask(0o177)
    try:
        sock.bind(path)
    except OSError as error:
        sock.close()
        raise GavelqError(
            f"cannot listen on {path}: {error.strerror}", hint="set GAVELQ_SOCKET to another path"
        ) from error
    finally:
        os.umask(old_mask)
    sock.listen(512)
    sock.setblocking(False)
    return sock


def open_shared(path: str, private: str) -> socket.socket:
    """Bind the socket for other unix users (0666). Raises UsageError where they could not reach it."""
    check_socket_path(path)
    directory = os.path.dirname(path)
    if path == private:
        raise UsageError(f"socket.shared: {path} is the daemon's private socket", hint=_SHARED_HINT)
    try:
        _require_reachable(directory)
        _clear_stale(path)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        old_mask = os.umask(0o111)
        try:
            sock.bind(path)
        except OSError:
            sock.close()
            raise
        finally:
            os.umask(old_mask)
    except OSError as error:
        problem = f"socket.shared: cannot listen on {path}: {error.strerror}"
        raise UsageError(problem, hint=_SHARED_HINT) from error
    sock.listen(512)
    sock.setblocking(False)
    return sock


def _require_reachable(directory: str) -> None:
    """Others may enter every directory above the socket, and none of them may put something else in its place."""
    at = os.path.realpath(directory)
    while True:
        found = os.stat(at)
        mode = stat.S_IMODE(found.st_mode)
        if not mode & 0o001:
            problem = f"others cannot enter {at} (mode {mode:04o}), so they cannot reach a socket there"
            raise UsageError(f"socket.shared: {problem}", hint=_SHARED_HINT)
        if found.st_uid not in (os.getuid(), 0) or (mode & 0o022 and not mode & stat.S_ISVTX):
            problem = f"socket.shared: others may write to {at}, and could answer in the daemon's place"
            raise UsageError(problem, hint=_SHARED_HINT)
        if at == "/":
            return
        at = os.path.dirname(at)


_SHARED_HINT = "name a file in a directory of yours that all may enter (0755), such as /tmp/gavelq-shared"


def _clear_stale(path: str) -> None:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.getuid():
        raise NotAllowed(
            action=f"replacing {path}", why="it is not a socket of ours", hint="remove it, or set GAVELQ_SOCKET"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            return
        except OSError as error:
            raise GavelqError(f"cannot tell whether {path} is in use: {error}") from error
    raise WrongState(
        what=f"the socket {path}", state="in use", problem="another daemon answers there",
        hint="set GAVELQ_HOME or GAVELQ_SOCKET for an instance of its own",
    )  # fmt: skip


def open_tcp(listen: str, *, is_tls: bool = False) -> tuple[socket.socket, str]:
    """Bind a TCP address; the socket and the URL that it is reached by. Raises UsageError."""
    host, port = split_listen(listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With IPPROTO_TCP, or asyncio leaves Nagle's algorithm on and every keep-alive request takes 44 ms.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise UsageError(
            f"cannot listen on {listen}: {error.strerror}", hint="choose another port: --listen HOST:PORT"
        ) from error
    sock.listen(512)
    sock.setblocking(False)
    shown = f"[{host}]" if ":" in host else host
    return sock, f"http{'s' if is_tls else ''}://{shown}:{sock.getsockname()[1]}"


def admin_token(path: str) -> str:
    """The admin token of this instance; made on the first call, kept in a file of mode 0600."""
    try:
        found = os.lstat(path)
        if found.st_uid == os.getuid() and stat.S_ISREG(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077:
            with open(path, encoding="ascii") as file:
                token = file.read(200).strip()
            if len(token) >= 32:
                return token
        os.unlink(path)
    except FileNotFoundError:
        pass
    token = "gvq_" + secrets.token_urlsafe(32)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="ascii") as file:
        file.write(token + "\n")
    return token


class Listener:
    """Serves one protocol on several sockets, and closes without cutting answers short."""

    def __init__(self, make_protocol: Callable[[], asyncio.Protocol]) -> None:
        self._make_protocol = make_protocol
        self._servers: list[asyncio.Server] = []

    async def serve(self, sock: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Begin to answer on a bound socket; `tls` is for TCP."""
        loop = asyncio.get_running_loop()
        if sock.family == socket.AF_UNIX:
            self._servers.append(await loop.create_unix_server(self._make_protocol, sock=sock))
        else:
            self._servers.append(await loop.create_server(self._make_protocol, sock=sock, ssl=tls))

    def close(self) -> None:
        """Take no new connections."""
        for server in self._servers:
            server.close()
