"""Where the daemon answers, and whether that place can be trusted. Standard library's cheapest modules only."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SOCKET_PATH = 107
"""sun_path holds 108 bytes with its final zero (unix(7))."""


class Address:
    """A unix socket (`socket`), or a TCP address (`host`, `port`) with the token that it wants."""

    __slots__ = ("host", "is_tls", "port", "prefix", "socket", "token")

    def __init__(
        self,
        *,
        socket: str | None = None,
        host: str = "localhost",
        port: int = 0,
        is_tls: bool = False,
        prefix: str = "",
        token: str | None = None,
    ) -> None:
        self.socket = socket
        self.host = host
        self.port = port
        self.is_tls = is_tls
        self.prefix = prefix
        self.token = token

    def __str__(self) -> str:
        if self.socket is not None:
            return self.socket
        return f"http{'s' if self.is_tls else ''}://{self.host}:{self.port}{self.prefix}"


def named(*, socket: str | None, url: str | None, token: str | None) -> Address:
    """The address that a program names; what it leaves open is in its environment, as `resolve` has it.

    A token goes with its address: the environment's is not sent to an address that the program names.
    Raises as `resolve` does.
    """
    if url and not socket:
        return from_url(url, token=token, names=("url", "token"))
    found = resolve(os.environ, socket=socket)
    if token is not None and found.socket is None:
        check_token(token, "token")
        found.token = token
    return found


def resolve(env: "Mapping[str, str]", *, socket: str | None = None) -> Address:
    """The address that applies: `socket` (an option's value), else GAVELQ_URL, else the instance's own socket.

    Raises InvalidField for a GAVELQ_URL that cannot be read and for a socket path that the kernel cannot hold.
    """
    url = env.get("GAVELQ_URL")
    # Inside a task the daemon that runs it is meant, whatever its submitter had set.
    is_inside = env.get("GAVELQ_TASK_ID") and env.get("GAVELQ_SOCKET")
    if url and not socket and not is_inside:
        return from_url(url, token=env.get("GAVELQ_TOKEN"))
    path = socket_path(env, socket=socket)
    if len(os.fsencode(path)) > MAX_SOCKET_PATH:
        from gavelq.core.errors import InvalidField

        raise InvalidField(
            field="socket",
            problem=f"{path} has more than {MAX_SOCKET_PATH} bytes, the most that a socket's path may have",
            hint="name a shorter one with --socket or GAVELQ_SOCKET",
        )
    return Address(socket=path)


def socket_path(env: "Mapping[str, str]", *, socket: str | None = None) -> str:
    """The instance's socket, by the rules of `gavelq.paths.resolve`.

    Said twice because `gavelq.paths` makes a dataclass, whose import alone costs more than a submission may;
    a test holds the two together.
    """
    found = socket or env.get("GAVELQ_SOCKET")
    if found:
        return os.path.abspath(found)
    home = env.get("GAVELQ_HOME")
    if home:
        return os.path.join(os.path.abspath(home), "run", "gavelq.sock")
    runtime = env.get("XDG_RUNTIME_DIR")
    directory = os.path.join(runtime, "gavelq") if runtime else f"/tmp/gavelq-{os.getuid()}"  # noqa: S108  # check_directory looks at its owner before anything is sent
    return os.path.abspath(os.path.join(directory, "gavelq.sock"))


def config_path(env: "Mapping[str, str]", *, config: str | None = None) -> str:
    """The configuration file, by the rules of `gavelq.paths.resolve`; it need not exist."""
    found = config or env.get("GAVELQ_CONFIG")
    if found:
        return os.path.abspath(found)
    home = env.get("GAVELQ_HOME")
    if home:
        return os.path.join(os.path.abspath(home), "config.yaml")
    root = env.get("XDG_CONFIG_HOME") or os.path.join(env.get("HOME") or os.path.expanduser("~"), ".config")
    return os.path.abspath(os.path.join(root, "gavelq", "config.yaml"))


def from_url(url: str, *, token: str | None = None, names: tuple[str, str] = ("GAVELQ_URL", "GAVELQ_TOKEN")) -> Address:
    """Read `http://host:port` (a path prefix is kept). Raises InvalidField for anything else.

    `names` are what the caller's user calls the two.
    """
    scheme, separator, rest = url.partition("://")
    place, slash, prefix = rest.partition("/")
    host, colon, port = place.rpartition(":")
    if colon and port.endswith("]"):  # [::1] without a port
        host, colon, port = place, "", ""
    if not colon:
        host, port = place, "443" if scheme == "https" else "80"
    is_number = port.isascii() and port.isdigit() and 0 < int(port) < 65536
    # Both go into a request's head, where nothing but ASCII without spaces is allowed (RFC 9112 section 3).
    is_readable = url.isascii() and url.isprintable() and not set(url) & set(" ?#")
    is_host = is_readable and "@" not in place and all(0 < len(label) < 64 for label in host.rstrip(".").split("."))
    if scheme not in ("http", "https") or not separator or not host.strip("[]") or not is_number or not is_host:
        from gavelq.core.errors import InvalidField

        raise InvalidField(
            field=names[0], problem=f"{url!r} is not an address", hint="write for example http://127.0.0.1:8080"
        )
    if token:
        check_token(token, names[1])
    return Address(
        host=host.strip("[]"),
        port=int(port),
        is_tls=scheme == "https",
        prefix=(slash + prefix).rstrip("/"),
        token=token,
    )


def check_token(token: str, field: str) -> None:
    """Refuse what no token is, a line end above all. Raises InvalidField, which does not repeat it."""
    if token.isascii() and token.isprintable():
        return
    from gavelq.core.errors import InvalidField

    problem = "it has a line end, or another character that no token has"
    raise InvalidField(field=field, problem=problem, hint="copy the token alone, without a line end")


def is_usual(socket: str) -> bool:
    """Whether a socket is where this instance's own is, if nobody names another one."""
    usual = {name: value for name, value in os.environ.items() if name != "GAVELQ_SOCKET"}
    return socket == socket_path(usual)


def check_directory(socket: str) -> None:
    """Refuse a socket in a directory that somebody else made: whoever owns it decides who answers.

    One that was named on purpose may be another user's (their daemon's shared socket), as long as nobody else could
    have put it there. Raises NotAllowed. A directory that does not exist is nobody's.
    """
    directory = os.path.dirname(socket)
    try:
        found = os.stat(directory)
    except OSError:
        return
    is_ours = found.st_uid in (os.getuid(), 0)
    is_closed = not found.st_mode & 0o022 or found.st_mode & 0o1000
    if is_closed and (is_ours or not is_usual(socket)):
        return
    from gavelq.core.errors import NotAllowed

    owner = "others may write to it" if is_ours or not is_closed else f"it belongs to uid {found.st_uid}"
    raise NotAllowed(
        action=f"talking to {socket}",
        why=f"its directory {directory} is not yours alone: {owner}",
        hint="remove that directory, or name another socket with --socket or GAVELQ_SOCKET",
    )
