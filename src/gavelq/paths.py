"""Where an instance keeps its things. Standard library only: the command line resolves its socket with it."""

import os
from dataclasses import dataclass

MAX_SOCKET_PATH = 107
"""sun_path holds 108 bytes with its final zero (unix(7))."""


@dataclass(frozen=True, slots=True)
class Paths:
    """The directories and files of one instance."""

    config: str
    """The configuration file; it need not exist."""
    state: str
    """Database, logs, attempts, scripts: a directory of mode 0700."""
    socket: str
    """The daemon's unix socket, in a directory of its own of mode 0700."""

    @property
    def database(self) -> str:
        """The SQLite file."""
        return os.path.join(self.state, "gavelq.db")

    @property
    def history(self) -> str:
        """The SQLite file of measures over time."""
        return os.path.join(self.state, "history.db")

    @property
    def daemon_log(self) -> str:
        """The daemon's structured log, unless `log.path` says otherwise."""
        return os.path.join(self.state, "daemon.log")

    @property
    def task_logs(self) -> str:
        """Where tasks' output goes by default."""
        return os.path.join(self.state, "logs")

    @property
    def runner(self) -> str:
        """The runner's directory: socket, lock, attempts."""
        return os.path.join(self.state, "runner")

    @property
    def mps(self) -> str:
        """The directories of private MPS daemons."""
        return os.path.join(self.state, "mps")

    @property
    def admin_token(self) -> str:
        """The file that `gavelq serve` writes the admin token to."""
        return os.path.join(self.state, "admin.token")


def resolve(env: dict[str, str] | os._Environ[str], *, config: str | None = None, socket: str | None = None) -> Paths:
    """The paths that apply under this environment (SPEC section 5); `config` and `socket` are command-line values.

    GAVELQ_HOME puts everything under one directory. Otherwise the XDG base directories apply; the socket falls back to
    /tmp/gavelq-UID where there is no XDG_RUNTIME_DIR. GAVELQ_CONFIG and GAVELQ_SOCKET override single paths.
    """
    home = env.get("GAVELQ_HOME")
    if home:
        root = os.path.abspath(home)
        found = (
            os.path.join(root, "config.yaml"),
            os.path.join(root, "state"),
            os.path.join(root, "run", "gavelq.sock"),
        )
    else:
        user_home = env.get("HOME") or os.path.expanduser("~")
        config_root = env.get("XDG_CONFIG_HOME") or os.path.join(user_home, ".config")
        state_root = env.get("XDG_STATE_HOME") or os.path.join(user_home, ".local", "state")
        runtime = env.get("XDG_RUNTIME_DIR")
        run = os.path.join(runtime, "gavelq") if runtime else f"/tmp/gavelq-{os.getuid()}"  # noqa: S108  # ownership and mode are checked where it is used
        found = (
            os.path.join(config_root, "gavelq", "config.yaml"),
            os.path.join(state_root, "gavelq"),
            os.path.join(run, "gavelq.sock"),
        )
    return Paths(
        os.path.abspath(config or env.get("GAVELQ_CONFIG") or found[0]),
        found[1],
        os.path.abspath(socket or env.get("GAVELQ_SOCKET") or found[2]),
    )
