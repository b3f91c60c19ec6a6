"""Changes to a task request: the fields of a task object, of which only those given change; null takes one back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gavelq.core.errors import InvalidField, UsageError
from gavelq.formats.fields import READERS
from gavelq.formats.task_object import InvalidTasks, ParsedTask, parse_task

COMMANDS = frozenset({"command", "argv", "script"})
GPU_FIELDS = frozenset(
    {"gpu_count", "gpu_ids", "min_gpus", "max_gpus", "gpu_left", "memory_mib", "max_util", "share", "learn_memory"}
)
"""What is read together, because one of them can contradict another."""
_FIXED = {
    "lease": "a lease stays one, and what has a command does too",
    "pid": "the owner of a lease stays its owner",
    "array": "it makes many tasks, and this is one",
    "params": "it makes many tasks, and this is one",
    "param_rows": "it makes many tasks, and this is one",
    "tenant": "a task stays its tenant's",
}
_NEEDED = {**dict.fromkeys(COMMANDS, "a task needs one"), "env": "a task needs one", "workdir": "a task needs one"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a caller wants to be different."""

    given: Mapping[str, Any] = field(default_factory=dict)
    """Names as written, with their values; no null among them."""
    fields: frozenset[str]
    """What changes, by the names of ParsedTask's fields; a null changes its field as well."""

    @property
    def is_command(self) -> bool:
        """Whether there is another command."""
        return bool(self.fields & COMMANDS)

    @property
    def given_fields(self) -> frozenset[str]:
        """What gets another value, by the names of ParsedTask's fields."""
        return frozenset(READERS[name][0] for name in self.given)

    def over(self, written: Mapping[str, Any], *, env: Mapping[str, str] | None = None) -> ParsedTask:
        """What a task object `written` (in ParsedTask's names) says with these changes.

        `env` is the environment that changes. Raises InvalidTasks for whatever a submission would be refused for.
        """
        left = {name: value for name, value in written.items() if name not in self.fields | self._given_way()}
        if self.is_command:
            left = {name: value for name, value in left.items() if name not in COMMANDS}
        given = dict(self.given)
        if isinstance(given.get("env"), Mapping):
            merged = {**(env or {}), **given["env"]}
            given["env"] = {name: value for name, value in merged.items() if value is not None}
        try:
            return parse_task({**left, **given})
        except InvalidTasks as error:
            error.hint = "nothing was changed; correct this and try again"
            raise

    def _given_way(self) -> frozenset[str]:
        """Old values that a new one replaces, although it is in another field."""
        found: set[str] = set()
        names = self.given_fields
        if "gpu_count" in names:
            found |= {"min_gpus", "max_gpus", "gpu_left"}
        if "max_gpus" in names or "gpu_ids" in names:
            found.add("gpu_count")  # as at submission: listed GPUs are wanted all, unless a count says otherwise
        if "max_gpus" in self.fields - names:
            found |= {"min_gpus", "gpu_left"}
        return frozenset(found)


def parse_changes(document: object) -> Changes:
    """Read an object of changes. Values are read later, together with what stays. Raises InvalidField, UsageError."""
    if not isinstance(document, Mapping):
        raise InvalidField(field="changes", problem="this is not an object", hint='write for example {"priority": 5}')
    given: dict[str, Any] = {}
    fields: set[str] = set()
    for name, value in document.items():
        if isinstance(name, str) and name.startswith("//"):
            continue  # a comment, as in a task object
        found = _field_of(name)
        if found in _FIXED:
            raise InvalidField(field=name, problem=f"it cannot be changed: {_FIXED[found]}", hint="submit a new task")
        if value is None and found in _NEEDED:
            raise InvalidField(field=name, problem=f"it cannot be taken back: {_NEEDED[found]}", hint="give another")
        if value is not None:
            given[name] = value
        fields.add(found)
    if not fields:
        raise UsageError("nothing is to change", hint="name at least one field, such as priority")
    return Changes(given=given, fields=frozenset(fields))


def _field_of(name: object) -> str:
    known = READERS.get(name) if isinstance(name, str) else None
    if known is not None:
        return known[0]
    import difflib  # here, because only mistakes need it

    shown = str(name)[:80]
    near = difflib.get_close_matches(shown, READERS, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else "docs/rest.md lists the fields of a task"
    raise InvalidField(field=shown, problem="there is no such field", hint=hint)
