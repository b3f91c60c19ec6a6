"""What a caller may hear of others: admins everything; everybody else that there are other tenants, not who or what.

Reasons, GPUs and histories speak of whatever task is in the way. To a tenant the tasks of others are only a number of
them: no ids, names, users, commands or pids.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from gavelq.core.ids import TaskId
from gavelq.core.task import Task
from gavelq.daemon.caller import Caller

Json = dict[str, Any]
_TASKS = re.compile(r"\btask (\d+(?:, \d+)*)")
_ONE_CAUSE = r"held by another tenant's task(?: \((\d+) GPUs\))?"
_SAME_CAUSES = re.compile(f"{_ONE_CAUSE}(?:; {_ONE_CAUSE})+")
"""Causes that differed in the task's id alone."""
_CAUSE = re.compile(_ONE_CAUSE)
_IDS = frozenset({"holder", "victims", "task", "tasks"})
"""Names under which details tell ids of tasks."""
_TOLD = (
    "pending_detail", "end_detail", "hold_reason", "expected_basis", "last_error", "summary", "text", "by", "detail",
)  # fmt: skip
"""Fields whose words are gavelq's own. (A name or a command is its owner's, whatever it speaks of.)"""


class Discretion:
    """Leaves out of answers what is another tenant's."""

    def __init__(self, caller: Caller, tasks: Mapping[TaskId, Task]) -> None:
        """`tasks`: those that have not ended. Of ended ones nothing is told but, rarely, their number."""
        self._caller = caller
        self._tasks = tasks
        self._is_admin = caller.is_admin

    def is_others(self, number: int) -> bool:
        """Whether a task is another tenant's."""
        task = self._tasks.get(TaskId(number))
        return task is not None and not self._caller.owns(task.request.tenant)

    def is_own(self, number: int) -> bool:
        """Whether a task lives and is the caller's, or the caller an admin."""
        task = self._tasks.get(TaskId(number))
        return task is not None and self._caller.owns(task.request.tenant)

    def text(self, words: str) -> str:
        """A sentence without the ids of others' tasks."""
        return words if self._is_admin else _SAME_CAUSES.sub(_together, _TASKS.sub(self._named, words))

    def _named(self, found: "re.Match[str]") -> str:
        numbers = [int(number) for number in found[1].split(", ")]
        own = [str(number) for number in numbers if not self.is_others(number)]
        n_others = len(numbers) - len(own)
        if not n_others:
            return found[0]
        others = "another tenant's task" if n_others == 1 else f"{n_others} tasks of other tenants"
        return f"task {', '.join(own)} and {others}" if own else others

    def words(self, shown: Json) -> Json:
        """The same object with our own words made discreet, and ids in its details; in place."""
        if self._is_admin:
            return shown
        for name in _TOLD:
            if isinstance(shown.get(name), str):
                shown[name] = self.text(shown[name])
        for place in ("details", "pending_details"):
            if isinstance(shown.get(place), Mapping):
                shown[place] = self._details(shown[place])
        return shown

    def _details(self, told: Mapping[str, Any]) -> Json:
        return {name: self._detail(name, value) for name, value in told.items()}

    def _detail(self, name: str, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list | tuple) and value and all(isinstance(one, Mapping) for one in value):
            return [self._details(one) for one in value]
        if name not in _IDS:
            return value
        if isinstance(value, list | tuple):
            return self.ids(value)
        return None if isinstance(value, int) and self.is_others(value) else value

    def ids(self, numbers: Collection[int]) -> list[int]:
        """Those of these tasks that are not others'."""
        return list(numbers) if self._is_admin else [number for number in numbers if not self.is_others(number)]

    def gpu(self, shown: Json) -> Json:
        """A GPU, in place: of others' tasks only how many there are (`n_other_tasks`); no foreign commands."""
        shown["n_other_tasks"] = 0
        if self._is_admin:
            return shown
        own = self.ids(shown["tasks"])
        shown["n_other_tasks"] = len(shown["tasks"]) - len(own)
        shown["tasks"] = own
        shown["processes"] = [
            process if process["task_id"] is not None else {**process, "command": ""}
            for process in shown["processes"]
            if process["task_id"] is None or self.is_own(process["task_id"])
        ]
        shown["violations"] = [one for one in shown.get("violations", ()) if self.is_own(one["task_id"])]
        return shown


def _together(found: "re.Match[str]") -> str:
    n_cards = sum(int(cause[1] or 1) for cause in _CAUSE.finditer(found[0]))
    return f"held by other tenants' tasks ({n_cards} GPUs)"
