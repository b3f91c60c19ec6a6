"""Settings, their changes, and what other rules would do."""

from typing import Any, Literal, TypedDict

from gavelq.client.shapes.gpus import Budget


class Setting(TypedDict):
    """A setting of the configuration, as the daemon works with it."""

    name: str
    value: Any
    source: str
    default: Any
    help: str
    needs_restart: bool
    wanted: str
    kind: str
    optional: bool
    choices: list[str] | None
    low: float | None
    high: float | None


class DescribedSetting(TypedDict):
    """A setting with what a person should know before changing it."""

    value: Any
    description: str
    needs_restart: bool
    warning: str | None


class SettingChange(TypedDict):
    """One setting before and after; null is none, or nothing where the default applied."""

    name: str
    old: Any
    new: Any
    was_default: bool
    is_default: bool


class TriedStart(TypedDict):
    """A task that would start now."""

    task_id: int
    name: str
    gpus: list[int | str]


class TriedReason(TypedDict):
    """Why a task waits under the rules in force and under the others; None: it would start."""

    task_id: int
    name: str
    now: str | None
    then: str | None
    now_reason: str | None
    then_reason: str | None


class TriedFile(TypedDict):
    """The configuration file: its text as it is (empty: there is none), and as it would be."""

    path: str
    before: str
    after: str


class TriedBudget(TypedDict):
    """How many cards gavelq would use and may use, with those of the tasks that would start."""

    now: Budget
    then: Budget


class TriedRules(TypedDict):
    """What would start now under the rules in force, and under others."""

    changed: list[SettingChange]
    now: list[TriedStart]
    then: list[TriedStart]
    reasons: list[TriedReason]
    preempted: list[int]
    budget: TriedBudget
    file: TriedFile


class ConfigChange(TypedDict):
    """What one command or request changed in the configuration."""

    number: int
    at: str
    by: str
    how: Literal["set", "unset", "edit", "undo", "import", "api"]
    undoes: int | None
    undone_by: int | None
    settings: list[SettingChange]


class ConfigDone(TypedDict):
    """What came of a change: the settings that are different now, and the change (null: there was none)."""

    changed: list[str]
    needs_restart: list[str]
    warnings: list[str]
    change: ConfigChange | None
