"""What one setting is."""

from dataclasses import dataclass
from typing import Any

from gavelq.config.alerting import AlertRule, Hours, Text, Urls
from gavelq.config.kinds import (
    AfterOom,
    Choice,
    Duration,
    EndReasons,
    Flag,
    Kind,
    Maybe,
    Memory,
    Number,
    Pauses,
    Retries,
    Seconds,
    Whole,
    Words,
)
from gavelq.config.places import CardNames, Directories, FilePath, Listen, QueueRef
from gavelq.config.tenancy import TenantOptions

_KINDS: dict[type, str] = {
    Flag: "flag", Choice: "choice", Whole: "whole", Number: "number", Seconds: "seconds", Duration: "duration",
    Memory: "memory", Words: "words", Retries: "retries", Pauses: "pauses", EndReasons: "end_reasons",
    AfterOom: "after_oom", FilePath: "path", Directories: "directories", Listen: "address", QueueRef: "queue",
    CardNames: "gpus", TenantOptions: "pairs", AlertRule: "alert_rule", Hours: "hours", Urls: "urls", Text: "text",
}  # fmt: skip


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
    def form(self) -> dict[str, Any]:
        """For whoever draws a form: the value's kind as a word, whether it may be none, the choices, the bounds."""
        inner = self.kind.kind if isinstance(self.kind, Maybe) else self.kind
        return {
            "kind": _KINDS[type(inner)],
            "optional": inner is not self.kind,
            "choices": list(inner.words) if isinstance(inner, Choice) else None,
            "low": getattr(inner, "low", None),
            "high": getattr(inner, "high", None),
        }

    @property
    def env(self) -> str:
        """The environment variable that overrides the file."""
        return "GAVELQ_" + self.name.upper().replace(".", "_")


def setting(name: str, kind: Kind, default: Any, text: str, *, restart: bool = False) -> Setting:
    """A setting, written in one line."""
    return Setting(name=name, kind=kind, default=default, help=text, needs_restart=restart)
