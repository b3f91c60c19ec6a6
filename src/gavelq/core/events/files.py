"""Events about configurations of command files and log files of people's own."""

from dataclasses import dataclass

from gavelq.core.command_files import BindingKey, FileId


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCreated:
    """`file new`: a further configuration of command files."""

    by: str
    tenant: str
    mode: str
    name: str = ""
    content: str = ""
    workdir: str | None = None
    env: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEdited:
    """`file put`, `file edit`: another text or name for a configuration. `based_on`: the version that was edited."""

    by: str
    file: FileId
    based_on: int | None = None
    content: str | None = None
    name: str = ""
    workdir: str | None = None
    env: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReset:
    """`file reset`: a configuration is again as it ran last."""

    by: str
    file: FileId
    based_on: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDeleted:
    """`file delete`: a configuration that does not run goes, with its bindings; later ones move up."""

    by: str
    file: FileId
    based_on: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogBound:
    """A log file of a person's own belongs to a task of a configuration now."""

    by: str
    key: BindingKey
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogUnbound:
    """It does so no longer."""

    by: str
    key: BindingKey
