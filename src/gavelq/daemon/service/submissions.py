"""Everything about submissions: show one, wait for it, and hold, run or kill all of its tasks."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from gavelq.core import events as ev
from gavelq.core.errors import GavelqError, SubmissionNotFound, TaskNotFound, WrongState
from gavelq.core.ids import QueueName
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.signals import parse_signal
from gavelq.core.task import Task
from gavelq.daemon.caller import Caller
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.views import Json, counts_json, stamp
from gavelq.formats.expansion import suffix
from gavelq.ports import TaskFilter

MAX_REFUSED = 100
"""So many refusals are told one by one."""


class SubmissionService:
    """The verbs of `gavelq task ... --submission`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # --- look --------------------------------------------------------------------------------------------

    async def list_submissions(self, caller: Caller, wanted: TaskFilter) -> list[Json]:
        """`GET /api/submissions`: the caller's, by number; ids of the filter are theirs."""
        own = wanted if caller.is_admin else replace(wanted, tenant=caller.tenant)
        found: list[Json] = []
        for number in await self._desk.store.submissions(own):
            with contextlib.suppress(SubmissionNotFound):  # its last task was removed just now
                found.append(await self.show(caller, number))
        return found

    async def show(self, caller: Caller, number: int) -> Json:
        """`GET /api/submissions/{id}`. Raises SubmissionNotFound, also where all of its tasks were removed."""
        first, last = await self._end_of(caller, number), await self._end_of(caller, number, newest=True)
        counts = await self._desk.store.counts(number, tenant=_tenant(caller))
        n_unfinished = sum(counts.get(state.value, 0) for state in TaskState if not state.is_ended)
        return {
            "id": number,
            "name": name_of(first, last),
            "tenant": first.request.tenant,
            "n_tasks": sum(counts.values()),
            "first_task_id": first.id,
            "last_task_id": last.id,
            "submitted_at": stamp(first.submitted_at),
            "is_ended": n_unfinished == 0,
            "counts": counts_json(counts),
        }

    async def wait(self, caller: Caller, number: int, timeout_s: float) -> Json:
        """`GET /api/submissions/{id}/wait`: as soon as all have ended, or as it is when the time is over."""
        await self._end_of(caller, number)
        deadline = asyncio.get_running_loop().time() + timeout_s
        for task in self._live(caller, number):
            if task.id not in self._desk.state.tasks:
                continue  # it ended while another one was waited for
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0 or not await self._desk.waiters.wait(task.id, left):
                break
        return await self.show(caller, number)

    # --- act ---------------------------------------------------------------------------------------------

    async def hold(self, caller: Caller, number: int) -> Json:
        """`task hold --submission`: the tasks that have not started wait until they are released."""
        return await self._act(
            caller, number, "held", (TaskState.PENDING, TaskState.HELD),
            lambda task: ev.TaskHeld(by=caller.name, task_id=task.id),
        )  # fmt: skip

    async def run(self, caller: Caller, number: int, queue: str | None) -> Json:
        """`task run --submission`: the held tasks may start, in `queue` or where `task run` would put them."""
        name = None if queue is None else QueueName(queue)
        return await self._act(
            caller, number, "released", (TaskState.HELD,),
            lambda task: ev.TaskReleased(by=caller.name, task_id=task.id, queue=name),
        )  # fmt: skip

    async def kill(self, caller: Caller, number: int, signal: object = None) -> Json:
        """`task kill --submission`: end all of them; a signal that ends nothing goes to those that run."""
        number_of_signal, is_ending = parse_signal(signal)

        def killed(task: Task) -> ev.Event:
            own = task.request.tenant == caller.tenant
            reason = EndReason.CANCELLED_BY_USER if own else EndReason.CANCELLED_BY_ADMIN
            return ev.TaskKilled(
                by=caller.name, task_id=task.id, signal=number_of_signal, is_ending=is_ending, reason=reason
            )

        states = tuple(state for state in TaskState if not state.is_ended) if is_ending else (TaskState.RUNNING,)
        return await self._act(caller, number, "killed" if is_ending else "signalled", states, killed)

    async def _act(
        self, caller: Caller, number: int, done: str, states: Sequence[TaskState], event: Callable[[Task], ev.Event]
    ) -> Json:
        """Ask for all of them at once, so that they share a commit. Raises WrongState where none could be `done`."""
        caller.require_submit("changing a submission")
        await self._end_of(caller, number)
        live = self._live(caller, number)
        # Those that wait come first: they would start on the cards that the others give back.
        wanted = sorted((task for task in live if task.state in states), key=lambda task: task.state.holds_gpus)
        asked = (self._desk.loop.ask(event(task)) for task in wanted)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        refusals = [answer for answer in answers if isinstance(answer, BaseException)]
        # Who is in another state by now, or gone, was not refused anything.
        refused = [
            {"id": task.id, "error": answer.as_json()}
            for task, answer in zip(wanted, answers, strict=True)
            if isinstance(answer, GavelqError) and not isinstance(answer, WrongState | TaskNotFound)
        ]
        for error in refusals:
            if not isinstance(error, WrongState | TaskNotFound) and (
                len(refusals) == len(answers) or not isinstance(error, GavelqError)
            ):
                raise error
        n_done = len(answers) - len(refusals)
        shown = await self.show(caller, number)
        if not n_done:
            raise self._nothing_to_do(shown, done, refusals)
        return {**shown, "n_done": n_done, "n_refused": len(live) - n_done, "refused": refused[:MAX_REFUSED]}

    def _nothing_to_do(self, shown: Json, done: str, refusals: Sequence[BaseException]) -> WrongState:
        states = ", ".join(f"{n} {state}" for state, n in shown["counts"].items() if n)
        why = f": {refusals[0]}" if refusals else ""
        return WrongState(
            what=f"submission {shown['id']}",
            state=f"{'over' if shown['is_ended'] else 'under way'} ({states})",
            problem=f"no task of it can be {done}{why}",
            hint=f"see its tasks with: gavelq task list --all --submission {shown['id']}",
        )

    # --- its tasks ---------------------------------------------------------------------------------------

    def _live(self, caller: Caller, number: int) -> list[Task]:
        tasks = (task for task in self._desk.state.tasks.values() if task.submission_id == number)
        return [task for task in tasks if caller.owns(task.request.tenant)]

    async def _end_of(self, caller: Caller, number: int, *, newest: bool = False) -> Task:
        """Its first or last task. Raises SubmissionNotFound, also for another tenant's."""
        wanted = TaskFilter(submission_id=number, tenant=_tenant(caller), limit=1, newest=newest)
        found = await self._desk.store.tasks(wanted)
        if not found:
            raise SubmissionNotFound(submission_id=number)
        return found[0]


def _tenant(caller: Caller) -> str | None:
    """Whose part of a submission a caller sees: an admin may have handed in tasks of several tenants at once."""
    return None if caller.is_admin else caller.tenant


def name_of(first: Task, last: Task) -> str:
    """What the tasks of a submission are called, without what tells them apart; of other names the first and last."""
    names = [_stem(first), _stem(last)]
    return " … ".join(dict.fromkeys(names))


def _stem(task: Task) -> str:
    request = task.request
    return request.name.removesuffix(suffix(dict(request.params), request.array_index)) or request.name
