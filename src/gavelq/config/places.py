"""Kinds of settings that name a place: a file, directories, a listening address, a queue, cards."""

import os
from dataclasses import dataclass
from typing import Any

from gavelq.config.kinds import Words
from gavelq.core.errors import InvalidField
from gavelq.core.queue_options import parse_name

_MAX_SOCKET_PATH = 107


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePath:
    """An absolute path; `~` at its beginning is the home directory."""

    is_socket: bool = False
    wanted: str = "an absolute path, or one that begins with ~/"

    def parse(self, raw: object, *, field: str) -> str:
        """See Kind.parse."""
        if not isinstance(raw, str) or "\0" in raw:
            raise InvalidField(field=field, problem=f"{raw!r} is not a path", hint=f"write {self.wanted}")
        if any("\ud800" <= char <= "\udfff" for char in raw):
            raise InvalidField(field=field, problem=f"{raw!a} is not UTF-8 text", hint=f"write {self.wanted}")
        path = os.path.expanduser(raw.strip())
        if not os.path.isabs(path):
            raise InvalidField(field=field, problem=f"{raw!r} is not an absolute path", hint=f"write {self.wanted}")
        if self.is_socket and len(os.fsencode(path)) > _MAX_SOCKET_PATH:
            raise InvalidField(
                field=field,
                problem=f"{path} has {len(os.fsencode(path))} bytes; a unix socket's path may have {_MAX_SOCKET_PATH}",
                hint="choose a shorter directory, for example one under /tmp",
            )
        return os.path.normpath(path)

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """HOST:PORT, or [HOST]:PORT for IPv6; port 0 takes a free one."""

    wanted: str = "HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080"

    def parse(self, raw: object, *, field: str) -> str:
        """See Kind.parse."""
        try:
            host, port = split_listen(str(raw).strip())
        except ValueError:
            raise InvalidField(field=field, problem=f"{raw!r} is not HOST:PORT", hint=f"write {self.wanted}") from None
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return value


def split_listen(listen: str) -> tuple[str, int]:
    """The host (without brackets) and the port of HOST:PORT. Raises ValueError for anything else."""
    host, colon, port = listen.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(listen)
    if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(listen)
    if not all(c.isascii() and (c.isalnum() or c in ".-:%_") for c in host):
        raise ValueError(listen)
    return host, int(port)


def is_loopback(host: str) -> bool:
    """True where only this machine can reach the address."""
    if host.lower() == "localhost":
        return True
    import ipaddress  # here, because most configurations never listen on TCP

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRef:
    """The name of a queue (it need not exist yet)."""

    wanted: str = "a queue's name: 1 to 64 of the characters A-Z a-z 0-9 _ . -, but neither `.` nor `..`"

    def parse(self, raw: object, *, field: str) -> str:
        """See Kind.parse."""
        name = str(raw) if isinstance(raw, int | str) and not isinstance(raw, bool) else ""
        try:
            return parse_name(name)
        except InvalidField:
            problem = f"{raw!r:.80} is not a queue's name"
            raise InvalidField(field=field, problem=problem, hint=f"write {self.wanted}") from None

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Directories:
    """Absolute directories, kept as they were written: `~` stays `~` until somebody asks where that is."""

    wanted: str = "a list of absolute paths (or with ~/), separated by commas on the command line"

    def parse(self, raw: object, *, field: str) -> tuple[str, ...]:
        """See Kind.parse."""
        found = []
        for part in Words(wanted=self.wanted).parse(raw, field=field):
            FilePath().parse(part, field=field)
            found.append(os.path.normpath(part))
        return tuple(found)

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return list(value)


def is_card_name(text: str) -> bool:
    """True for an index (`0`, or `0:1` for a MIG device) and for what looks like a UUID."""
    if text.startswith(("GPU-", "MIG-")):
        return len(text) <= 100 and text.isascii() and all(c.isalnum() or c in "-/" for c in text)
    parts = text.split(":")
    return len(parts) <= 2 and all(p.isascii() and p.isdigit() and len(p) <= 4 for p in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardNames:
    """Cards by index or UUID; `all` is the empty list."""

    wanted: str = "a list of GPU indices or UUIDs such as 0,1,3 (empty, or `all`: every card)"

    def parse(self, raw: object, *, field: str) -> tuple[str, ...]:
        """See Kind.parse."""
        if isinstance(raw, str) and raw.strip().lower() == "all":
            return ()
        if isinstance(raw, int) and not isinstance(raw, bool):
            raw = [raw]
        if isinstance(raw, str) and raw.strip().lower() == "none":
            problem, hint = "`none` could mean no card or no restriction", "write `all`, or set rules.max_gpu to 0"
            raise InvalidField(field=field, problem=problem, hint=hint)
        names = Words(wanted=self.wanted).parse(raw, field=field)
        for name in names:
            if not is_card_name(name):
                problem = f"{name!r} is neither an index nor a UUID"
                raise InvalidField(field=field, problem=problem, hint="`gavelq gpu list` shows both")
        return tuple(dict.fromkeys(str(int(name)) if name.isdigit() else name for name in names))

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return [int(name) if name.isdigit() else name for name in value]
