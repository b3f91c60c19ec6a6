"""What one setting is."""

from dataclasses import dataclass
from typing import Any

from gavelq.config.kinds import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: its dotted name, what it may be, its default, what it does."""

    name: str
    kind: Kind
    default: Any
    """As it would be written in the file."""
    help: str
    needs_restart: bool = False
    """True where a running daemon keeps the old value until `gavelq daemon restart`."""

    @property
    def env(self) -> str:
        """The environment variable that overrides the file."""
        return "GAVELQ_" + self.name.upper().replace(".", "_")


def setting(name: str, kind: Kind, default: Any, text: str, *, restart: bool = False) -> Setting:
    """A setting, written in one line."""
    return Setting(name=name, kind=kind, default=default, help=text, needs_restart=restart)
