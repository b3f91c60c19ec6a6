"""One call of a command: which instance it is about, and how its answers are printed."""

import os
import sys

from gavelq.client.address import Address, config_path, resolve
from gavelq.client.http import Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Call:
    """The common options of a command line, resolved where they are needed."""

    __slots__ = ("config", "is_json", "output", "socket")

    def __init__(self, values: "Mapping[str, Any]") -> None:
        self.config: str | None = values.get("config")
        self.socket: str | None = values.get("socket")
        self.output: str = values.get("output") or "table"
        self.is_json = self.output == "json"

    @property
    def is_terminal(self) -> bool:
        """True where a person reads the standard output."""
        return sys.stdout.isatty()

    @property
    def config_path(self) -> str:
        """The configuration file that applies; it need not exist."""
        return config_path(os.environ, config=self.config)

    def address(self) -> Address:
        """Where the daemon answers: --socket, GAVELQ_URL, GAVELQ_SOCKET, the configuration, the default place."""
        self.require_config()
        return resolve(os.environ, socket=self.socket or self._configured_socket())

    def require_config(self) -> None:
        """Refuse a --config that names no file: another instance than the one that was meant would answer."""
        if self.config is not None and not os.path.exists(self.config):
            from gavelq.core.errors import NotFound

            raise NotFound(
                f"there is no file {self.config}", hint="name an existing file with --config, or leave it out"
            )

    def link(self) -> Link:
        """Requests to the daemon go here."""
        return Link(self.address())

    def mentions(self, word: bytes) -> bool:
        """True where the configuration file exists and has this word in it: only then is it worth loading YAML."""
        try:
            with open(self.config_path, "rb", buffering=0) as file:
                return word in file.read()
        except OSError:
            return False

    def _configured_socket(self) -> str | None:
        if os.environ.get("GAVELQ_SOCKET") or os.environ.get("GAVELQ_URL"):
            return None
        if not os.environ.get("GAVELQ_SOCKET_PATH") and not self.mentions(b"socket"):
            return None
        from gavelq.cli.settings import setting

        found: str | None = setting(self, "socket.path")
        return found
