"""Notices: what is told to people outside of gavelq, and the outbox that it waits in until it was told.

A message is committed together with the change that it tells of and deleted after somebody took it: a daemon that dies
in between sends it again, so that each is delivered at least once.
"""

from dataclasses import dataclass
from enum import StrEnum

from gavelq.core.ids import TaskId

MAX_URL = 2000
MAX_URLS = 5
"""Of one task."""
MAX_OF_TENANT = 10_000
"""Messages of one tenant's tasks that wait; beyond that they are dropped, and the task's story says so."""
MAX_WAITING = 20_000
"""Of all tenants together; beyond that only those are dropped whose tenant has its assured ones waiting."""
ASSURED = 200
"""So many of each tenant are taken, whatever waits of others."""


class NotifyOn(StrEnum):
    """What of a task's life its owner wants to hear of."""

    START = "start"
    """An attempt began."""
    END = "end"
    """It ended, however."""
    FAIL = "fail"
    """It failed or was aborted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One thing to tell, to one place."""

    key: str
    """The same news has the same key."""
    at: float
    """Seconds since the epoch."""
    to: str
    """A URL, with its secrets; empty: to all channels of the configuration."""
    event: str
    """`start`, `end`, `idle`, `firing` or `resolved`."""
    title: str
    text: str
    details: str
    """A JSON object; names that end in `_at` hold seconds since the epoch."""
    tenant: str | None = None
    """Whose task it is about."""
    task_id: TaskId | None = None


def scheme_of(url: str) -> str:
    """The part before the colon, in lower case; empty where there is none."""
    scheme, colon, _ = url.partition(":")
    is_scheme = bool(colon and scheme) and scheme.isascii() and all(c.isalnum() or c in "+.-" for c in scheme)
    return scheme.lower() if is_scheme and scheme[0].isalpha() else ""


def host_of(url: str) -> str:
    """The host (and port) of an http(s) URL, the domain of a mailto: one; empty for all others and where none is."""
    scheme = scheme_of(url)
    if scheme == "mailto":
        return url.rpartition("@")[2].partition("?")[0]
    if scheme not in ("http", "https"):
        return ""
    rest = url[len(scheme) + 1 :]
    if not rest.startswith("//"):
        return ""
    authority = rest[2:]
    for stop in "/?#":
        authority = authority.partition(stop)[0]
    return authority.rpartition("@")[2]


def masked(url: str) -> str:
    """A URL as it is shown: scheme and host. Where other schemes have a host (`tgram://TOKEN`) it may be the secret."""
    scheme = scheme_of(url)
    if scheme == "mailto":
        return f"mailto:...@{host_of(url)}"
    if scheme in ("http", "https"):
        return f"{scheme}://{host_of(url)}"
    return f"{scheme}://..."


def url_problem(url: str) -> str:
    """Why this is no URL that anything could be sent to; empty: it is. Never repeats the URL, which may be a secret."""
    if not url or len(url) > MAX_URL:
        return f"it has {len(url)} characters; 1 to {MAX_URL} are allowed"
    if not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        return "it holds spaces or characters that are not ASCII"
    scheme = scheme_of(url)
    if not scheme:
        return "it has no scheme"
    if scheme == "mailto":
        name, _, domain = url[len("mailto:") :].partition("?")[0].rpartition("@")
        fine = name and domain and not any(c in "/,;<>\"'\\" for c in name + domain)
        return "" if fine else "it is not mailto:NAME@HOST"
    if not url[len(scheme) + 1 :].startswith("//"):
        return "it is not SCHEME://..."
    if scheme in ("http", "https"):
        return _host_problem(host_of(url))
    return ""


def _host_problem(host: str) -> str:
    name, port = host, ""
    if host.startswith("["):
        name, _, rest = host.partition("]")
        port = rest[1:] if rest.startswith(":") else ""
        if rest and not rest.startswith(":"):
            return "its host cannot be understood"
    elif ":" in host:
        name, _, port = host.partition(":")
    if not name.strip("["):
        return "it names no host"
    if port and not (port.isdigit() and 0 < int(port[:6]) < 65536):
        return "its port is not 1 to 65535"
    return ""
