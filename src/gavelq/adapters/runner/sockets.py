"""Unix sockets inside a directory whose path may be longer than sun_path (108 bytes, unix(7)).

A directory descriptor makes every path short: /proc/self/fd/N/NAME.
"""

import contextlib
import os
import socket
import struct

MAX_PATH = 107


def address(directory_fd: int, name: str) -> str:
    """A short address of `name` in an open directory, valid while the descriptor is."""
    return f"/proc/self/fd/{directory_fd}/{name}"


def listen(directory_fd: int, name: str) -> socket.socket:
    """A listening stream socket of mode 0600, in the place of whatever stale one there was."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=directory_fd)
    listener.bind(address(directory_fd, name))
    os.chmod(address(directory_fd, name), 0o600)
    listener.listen(64)
    return listener


def connect(directory: str, name: str) -> socket.socket:
    """A non-blocking stream connection. Raises OSError: ENOENT or ECONNREFUSED where nobody listens."""
    fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            connection.connect(address(fd, name))
        except BaseException:
            connection.close()
            raise
        return connection
    finally:
        os.close(fd)


def inbox(directory_fd: int, name: str) -> socket.socket:
    """A bound datagram socket of mode 0600."""
    box = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    box.bind(address(directory_fd, name))
    os.chmod(address(directory_fd, name), 0o600)
    return box


def peer(connection: socket.socket) -> tuple[int, int]:
    """The pid and uid of the process at the other end (SO_PEERCRED, unix(7))."""
    pid, uid, _ = struct.unpack("iii", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return pid, uid
