"""A host and a port of two entries become one `http.listen`; other machines are never let in silently."""

from gavelq.config.importing.draft import Draft
from gavelq.config.importing.entries import Entry
from gavelq.config.importing.rules import NOT_SAID, count
from gavelq.config.places import is_loopback, split_listen

_EVERYWHERE = frozenset({"", "*", "0.0.0.0", "::", "[::]", "none", "any", "all"})  # noqa: S104  # read, not listened on
_FIRST_FREE_PORT = 1024
"""Lower ports need root on a usual Linux (net.ipv4.ip_unprivileged_port_start)."""


def listen(draft: Draft, host: Entry | None, port: Entry | None) -> None:
    """Take the address over; each of the two entries gets its line in the report."""
    if port is not None and port.value is None:
        draft.leave(port, NOT_SAID)
        port = None
    if host is not None and host.value is None and port is None:
        draft.leave(host, NOT_SAID)
        host = None
    if host is None and port is None:
        return
    written = str(host.value).strip() if host is not None and host.value is not None else ""
    number = count(draft, port, low=0, high=65535) if port is not None else None
    try:
        written, second = split_listen(written)
    except ValueError:
        second = None
    if port is None and host is not None:
        number = second
        if second is None:
            draft.leave(host, "an address needs a port here: gavelq config set http.listen HOST:PORT")
            return
    given = [entry for entry in (host, port) if entry is not None]
    if number is None:
        if host is not None:
            draft.leave(host, "its port is refused")
        return
    if 0 < number < _FIRST_FREE_PORT:
        for entry in given:
            draft.leave(entry, f"port {number} needs root; gavelq config set http.listen 127.0.0.1:8080 takes another")
        return
    address, because = _address(draft, host, written, number)
    for entry in sorted(given, key=lambda entry: entry.line):
        draft.take(entry, "http.listen", address, because if entry is host or host is None else "")


def _address(draft: Draft, host: Entry | None, written: str, port: int) -> tuple[str, str]:
    bare = written.removeprefix("[").removesuffix("]")
    if host is None:
        return f"127.0.0.1:{port}", "no address is given beside the port"
    if written.lower() in _EVERYWHERE:
        bare = "::" if ":" in bare else "0.0.0.0"  # noqa: S104  # told, and taken where remote callers are allowed
    named = _joined(bare, port)
    if is_loopback(bare) or draft.allow_remote:
        return named, ""
    return f"127.0.0.1:{port}", (
        f"{named} can be reached from other machines, which nobody switches on by the way; where you want that: "
        f"gavelq config set http.allow_remote true, then gavelq config set http.listen {named}"
    )


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
