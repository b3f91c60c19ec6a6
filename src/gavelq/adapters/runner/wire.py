"""The runner's protocol: one JSON object per line (ASCII, surrogateescape for bytes that are no UTF-8).

Runner to daemon (`kind`), the greeting first:

    hello         protocols, version, uid, user, host, boot_id, pid
    started       task, attempt, pid, supervisor {pid, start_ticks, boot_id}, at
    ended         task, attempt, result {exit_code, signal, started_at, ended_at, cause, cpu_s, max_rss_mib, detail}
    spawn_failed  task, attempt, problem, is_transient
    starting      task, attempt: in an inventory, an attempt that has not reported its start yet
    inventory     id, attempts [the objects above]
    unknown       task, attempt: asked about an attempt that is not here
    error         problem

Daemon to runner (`op`): `hello` (protocol, identity), `spawn`, `stop`, `signal`, `limit`, `forget`, `inventory`.

A new daemon drives an old runner by choosing the newest protocol that both know. Unknown members are ignored by both
sides; an unknown `op` is answered with `error`. Protocol 2 adds to `spawn`: `warn_signal`, `warn_before_s`, `lease` and
`owner`; protocol 3 adds `devices` and `dev`. An older runner would ignore them, so that the client asks none for such
an attempt (client.py).
"""

import binascii
import json

TYPE_CHECKING = False  # not from typing: that alone would be a tenth of the runner's memory
if TYPE_CHECKING:
    from typing import Any

PROTOCOLS = (1, 2, 3)
"""The versions that this side speaks."""
MAX_SIGNAL = 64
MAX_MESSAGE = 64 << 20
"""Bytes of one line: environments and scripts travel in it."""

Message = dict[str, "Any"]


class Malformed(Exception):
    """A message that cannot be understood; its text names the member."""


def encode(message: Message) -> bytes:
    """One line, newline included."""
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes) -> Message:
    """The object on one line. Raises Malformed."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not a line of JSON: {error}") from None
    if not isinstance(message, dict):
        raise Malformed(f"expected an object, found {type(message).__name__}")
    return message


class LineBuffer:
    """Cuts a byte stream into lines of at most `limit` bytes."""

    __slots__ = ("_limit", "_parts", "_size")

    def __init__(self, limit: int = MAX_MESSAGE) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that this chunk completes. Raises Malformed once a line grows over the limit."""
        head, newline, rest = chunk.partition(b"\n")
        if not newline:
            self._parts.append(chunk)
            self._size += len(chunk)
            lines = []
        else:
            lines = [b"".join((*self._parts, head)), *rest.split(b"\n")]
            tail = lines.pop()
            self._parts, self._size = [tail], len(tail)
        if self._size > self._limit or any(len(line) > self._limit for line in lines):
            raise Malformed(f"a message is longer than {self._limit} bytes")
        return lines


def integer(message: Message, name: str, low: int = 0) -> int:
    """A whole number of at least `low`. Raises Malformed."""
    value = message.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise Malformed(f"{name}: expected a whole number from {low}, found {value!r:.80}")
    return value


def signum(message: Message, name: str = "signal") -> int:
    """A signal's number. Raises Malformed."""
    if integer(message, name, 1) > MAX_SIGNAL:
        raise Malformed(f"{name}: expected a number from 1 to {MAX_SIGNAL}")
    return integer(message, name, 1)


def number(message: Message, name: str) -> float:
    """A number of at least zero. Raises Malformed."""
    value = message.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise Malformed(f"{name}: expected a number from 0, found {value!r:.80}")
    return float(value)


def text(message: Message, name: str) -> str:
    """A string without NUL. Raises Malformed."""
    value = message.get(name, "")
    if not isinstance(value, str) or "\0" in value:
        raise Malformed(f"{name}: expected a string without NUL characters")
    return value


def texts(value: object, name: str) -> tuple[str, ...]:
    """A list of strings without NUL. Raises Malformed."""
    if not isinstance(value, list) or not all(isinstance(item, str) and "\0" not in item for item in value):
        raise Malformed(f"{name}: expected a list of strings without NUL characters")
    return tuple(value)


class Owner:
    """The process that a lease belongs to (core.task.ProcessIdentity)."""

    __slots__ = ("boot_id", "pid", "start_ticks")

    def __init__(self, message: Message) -> None:
        """Raises Malformed, with the member's name."""
        self.pid = integer(message, "pid", 1)
        self.start_ticks = integer(message, "start_ticks")
        self.boot_id = text(message, "boot_id")


class Spawn:
    """A request for one attempt, as it came over the socket (see ports.SpawnRequest)."""

    __slots__ = (
        "account",
        "attempt",
        "claims",
        "dev",
        "devices",
        "env",
        "grace_s",
        "host",
        "is_lease",
        "log_max_bytes",
        "log_path",
        "owner",
        "script",
        "steps",
        "task",
        "time_limit_s",
        "warn_before_s",
        "warn_signal",
        "workdir",
    )

    def __init__(self, message: Message) -> None:
        """Raises Malformed, with the member's name."""
        self.task = integer(message, "task", 1)
        self.attempt = integer(message, "attempt")
        self.is_lease = message.get("lease", False) is True
        self.steps = _steps(message.get("steps"), is_lease=self.is_lease)
        self.owner = _owner(message.get("owner"), is_lease=self.is_lease)
        self.script = _bytes(message.get("script"))
        self.workdir = text(message, "workdir")
        env = message.get("env")
        if not isinstance(env, dict):
            raise Malformed("env: expected an object")
        texts(list(env.values()), "env")
        self.env: dict[str, str] = env
        self.log_path = text(message, "log_path")
        self.log_max_bytes = integer(message, "log_max_bytes")
        self.claims = texts(message.get("claims", []), "claims")
        limit = message.get("time_limit_s")
        self.time_limit_s = None if limit is None else number(message, "time_limit_s")
        self.warn_signal = None if message.get("warn_signal") is None else signum(message, "warn_signal")
        self.warn_before_s = 0.0 if self.warn_signal is None else number(message, "warn_before_s")
        self.grace_s = number(message, "grace_s")
        self.account = text(message, "account")
        self.host = text(message, "host")
        self.devices = _devices(message.get("devices"))
        self.dev = text(message, "dev") or "/dev"


def _steps(value: object, *, is_lease: bool) -> tuple[tuple[str, ...], ...]:
    if is_lease:
        if value:
            raise Malformed("steps: a lease runs no command")
        return ()
    if not isinstance(value, list) or not value or not all(value):
        raise Malformed("steps: expected at least one command, each with at least its program")
    return tuple([texts(step, "steps") for step in value])


def _devices(value: object) -> tuple[str, ...] | None:
    """Names below /dev; None: all of them may be opened."""
    if value is None:
        return None
    names = texts(value, "devices")
    if any(name.startswith("/") or ".." in name.split("/") for name in names):
        raise Malformed("devices: expected names below /dev")
    return names


def _owner(value: object, *, is_lease: bool) -> Owner | None:
    if value is None:
        return None
    if not is_lease or not isinstance(value, dict):
        raise Malformed("owner: expected an object, and only of a lease")
    return Owner(value)


def _bytes(value: object) -> bytes | None:
    if value is None:
        return None
    try:
        return binascii.a2b_base64(value, strict_mode=True)  # type: ignore[arg-type]  # TypeError is caught below
    except (TypeError, ValueError) as error:
        raise Malformed(f"script: expected base64: {error}") from None
