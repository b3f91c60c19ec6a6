"""`POST /api/simulate`: what is expected of the tasks that wait, under the rules in force and under others."""

import asyncio
import json
import os
import pickle
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from gavelq.config.edit import try_values
from gavelq.config.load import SHORTHANDS
from gavelq.config.settings import BY_NAME
from gavelq.core.errors import InvalidField, LimitReached
from gavelq.core.ids import TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.state import State
from gavelq.core.step import Changes
from gavelq.core.task import Task
from gavelq.daemon.aside import Aside
from gavelq.daemon.caller import Caller
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.simulated import Simulated, simulated_json
from gavelq.daemon.settings import policy_of
from gavelq.daemon.views import Json
from gavelq.ports import Simulator
from gavelq.scheduling.policy import Policy
from gavelq.scheduling.question import Question

MAX_TASKS = 20_000
"""With more tasks that have not ended nothing is simulated."""
MAX_HOURS = 720
TIMEOUT_S = 25.0
N_AT_ONCE = 2
"""Of all tenants together: they compete with the daemon for the machine."""
_CHUNK = 200
"""Tasks that are written at a time: the interpreter is not given to others meanwhile."""
RULES = ("scheduling.", "rules.", "sharing.", "preemption.")
OTHERS = frozenset({
    "selection", "settle_s", "foreign.policy", "foreign.unattributed_mib", "limits.max_running", "limits.max_cpu_tasks",
    "runner.grace_s", "gpu.order", "gpu.topology",
})  # fmt: skip
"""Settings beside those that a simulation goes by."""


class Simulating(LimitReached):
    """{limit} is reached: {problem}"""

    code = "simulation_running"
    hint = "wait for its answer, then ask again"
    http_status = 429


class NotSimulated(InvalidField):
    """{field}: {problem}"""

    code = "not_simulated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked for. Settings by their names; `assumed_s`: how long tasks take of which nothing is known."""

    settings: Mapping[str, object] = field(default_factory=dict)
    unset: Collection[str] = ()
    hours: int = 24
    assumed_s: float | None = None


class SimulationService:
    """Looks ahead for whoever asks, in a process of its own. Nothing is changed."""

    def __init__(self, desk: Desk, simulator: Simulator, config_path: str) -> None:
        self._desk, self._simulator, self._path = desk, simulator, config_path
        self._aside = Aside(N_AT_ONCE, TIMEOUT_S + 5)
        self._asking: set[str] = set()
        """The tenants whose question is being answered."""

    async def simulate(self, caller: Caller, wish: Wish) -> Json:
        """The expected starts of the caller's tasks (an admin's: all) with a summary.

        Raises InvalidField, Simulating where the tenant has asked already, LimitReached where there are too many tasks,
        TimedOut, and what the simulator raises.
        """
        _require_rules([*wish.settings, *wish.unset])
        if caller.tenant in self._asking:
            raise Simulating(limit="one simulation at a time", problem=f"one for {caller.tenant} is being made")
        if len(self._asking) >= N_AT_ONCE:
            raise Simulating(limit="simulations at a time", problem=f"{N_AT_ONCE} are being made for others")
        n_tasks = len(self._desk.state.tasks)
        if n_tasks > MAX_TASKS:
            problem = f"{n_tasks} tasks wait or run, and {MAX_TASKS} can be simulated"
            raise LimitReached(limit="the size of a simulation", problem=problem, hint="ask again when there are fewer")
        self._asking.add(caller.tenant)
        try:
            return await self._answer(caller, wish)
        finally:
            self._asking.discard(caller.tenant)

    async def _answer(self, caller: Caller, wish: Wish) -> Json:
        changed: Policy | None = None
        changes: list[Json] = []
        if wish.settings or wish.unset:
            wanted = {_full(name): value for name, value in wish.settings.items()}
            removed = [_full(name) for name in wish.unset]
            tried = await asyncio.to_thread(try_values, self._path, wanted, unset=removed, env=os.environ)
            changed, changes = policy_of(tried.config), [_told(one.as_json(), caller) for one in tried.changes]
        desk, state, policy = self._desk, self._desk.state, self._desk.loop.policy
        now = desk.clock.now()
        question = Question(
            now=now, until=now + wish.hours * 3600, sample=state.books.sample,
            unattributed_mib=state.books.unattributed_mib, rules=desk.loop.rules,
            policies=(policy,) if changed is None else (policy, changed), assumed_s=wish.assumed_s,
        )  # fmt: skip
        seen = Simulated(
            question=question, tasks=_visible(state, caller), cards=dict(state.cards), changes=changes,
            n_held=sum(task.state is TaskState.HELD and caller.owns(task.request.tenant) for task in _all(state)),
        )  # fmt: skip
        discretion = desk.discretion(caller)
        ask: Callable[[], bytes] = partial(self._simulator.run, _written(question, _rows(state)), TIMEOUT_S)
        found: dict[str, Any] = json.loads(await self._aside.look(ask, "the simulation"))
        caller.require_still()
        return simulated_json(seen, found, discretion)


def _require_rules(names: Sequence[str]) -> None:
    """Raises NotSimulated, which names all settings that a simulation does not go by; nothing of those is told."""
    others = [name for name in names if not _is_simulated(_full(name))]
    if others:
        hint = "simulate " + ", ".join(f"{prefix}*" for prefix in RULES) + ", " + ", ".join(sorted(OTHERS))
        problem = "it changes nothing that a simulation shows"
        raise NotSimulated(field=others[0][:80], fields=others, problem=problem, hint=hint)


def _is_simulated(full: str) -> bool:
    """Whether a simulation goes by a setting. Names of none are told by who reads them."""
    return full not in BY_NAME or full.startswith(RULES) or full in OTHERS


def _told(change: Json, caller: Caller) -> Json:
    """A setting that would be different; how it stands now is the admins' business."""
    return change if caller.is_admin else {**change, "old": None, "was_default": False}


def _full(name: str) -> str:
    return SHORTHANDS.get(name, name)


def _all(state: State) -> Collection[Task]:
    return state.tasks.values()


def _visible(state: State, caller: Caller) -> dict[TaskId, Task]:
    """The tasks that wait and are the caller's business."""
    return {
        task.id: task for task in _all(state) if task.state is TaskState.PENDING and caller.owns(task.request.tenant)
    }


def _rows(state: State) -> Changes:
    """What decides about starts, as it is at this moment; what nobody needs there (tokens, messages) stays here."""
    return Changes(
        tasks=dict(state.tasks), queues=dict(state.queues), cards=dict(state.cards),
        reservations=dict(state.reservations), learned=dict(state.learned), shares=dict(state.shares),
        streaks=dict(state.streaks), runs=dict(state.runs), tenants=dict(state.tenants), hours=dict(state.hours),
        next_task_id=state.next_task_id, next_submission_id=state.next_submission_id,
    )  # fmt: skip


def _written(question: Question, rows: Changes) -> Iterator[bytes]:
    """The question as the simulator reads it. Rows never change, so that they can be written while the loop goes on."""
    tasks, rows.tasks = iter(rows.tasks.items()), {}
    yield pickle.dumps(question)
    yield pickle.dumps(rows)
    while some := dict(islice(tasks, _CHUNK)):
        yield pickle.dumps(Changes(tasks=some))
