"""`Client`: one method per verb, for Python programs. Answers are the JSON documents of `gavelq.client.shapes`."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Unpack, cast

from gavelq.client import shapes
from gavelq.client.address import Address, named
from gavelq.client.alerts import AlertVerbs
from gavelq.client.bindings import BindingVerbs
from gavelq.client.config import ConfigVerbs
from gavelq.client.files import FileVerbs
from gavelq.client.following import whole_log
from gavelq.client.http import Link, new_key, query, quote
from gavelq.client.leases import Lease
from gavelq.client.monitor import MonitorVerbs
from gavelq.client.patience import PatientLink
from gavelq.client.runs import RunVerbs
from gavelq.client.simulating import SimulationVerbs
from gavelq.client.streams import StreamVerbs, take_steps
from gavelq.client.submissions import SubmissionVerbs
from gavelq.client.tenants import TenantVerbs
from gavelq.client.usage import UsageVerbs
from gavelq.client.wire import Reply
from gavelq.core.errors import InvalidField, TimedOut
from gavelq.formats.environment import capture

ENDED = frozenset({"completed", "failed", "cancelled", "aborted"})
_POLL_S = 25.0
_SLACK_S = 15.0


class Client(
    SubmissionVerbs, StreamVerbs, ConfigVerbs, FileVerbs, RunVerbs, BindingVerbs, MonitorVerbs, UsageVerbs, TenantVerbs,
    AlertVerbs, SimulationVerbs,
):  # fmt: skip
    """A daemon's verbs. Every method raises the GavelqError that the daemon answered with, or DaemonUnreachable.

    The daemon is found as the command line finds it: `socket`, else `url` (with `token`), else the environment
    (`token` instead of GAVELQ_TOKEN).
    """

    def __init__(self, *, socket: str | None = None, url: str | None = None, token: str | None = None) -> None:
        address = named(socket=socket, url=url, token=token)
        self._link = Link(address)

    @property
    def address(self) -> Address:
        """Where the daemon is asked."""
        return self._link.address

    @classmethod
    def _on(cls, link: Link) -> "Client":
        """The verbs on a link that is there already."""
        found = cls.__new__(cls)
        found._link = link
        return found

    # --- submissions -----------------------------------------------------------------------------------------

    def dry_run(self, command: str | None = None, **fields: Unpack[shapes.TaskFields]) -> shapes.DryRun:
        """What would come of `submit` with the same arguments (a lease without a command): where, and when.

        Nothing is made. What `submit` would refuse is refused here with the same error.
        """
        what = {} if command is None else {"command": command}
        request = {**_surroundings(), **what, **fields, "dry_run": True}
        return cast(shapes.DryRun, self._link.fetch("POST", "/api/tasks", request))

    def submit(self, command: str | None = None, **fields: Unpack[shapes.TaskFields]) -> shapes.Task:
        """Submit a task: a shell command line, or `argv=[...]`, or `script={...}`, with the fields of a task request.

        The working directory and the environment (without secrets) are the caller's unless given.
        """
        several = next((name for name in ("array", "params", "param_rows") if fields.get(name) is not None), None)
        if several is not None:
            raise InvalidField(field=several, problem="this makes several tasks", hint="call submit_sweep")
        what = {} if command is None else {"command": command}
        return self.submit_all([cast(shapes.TaskRequest, {**_surroundings(), **what, **fields})])[0]

    def submit_sweep(self, command: str | None = None, **fields: Unpack[shapes.TaskFields]) -> list[shapes.Task]:
        """Submit one task for each index of `array=`, combination of `params=` or row of `param_rows=`.

        `{name}` and `{index}` in the command line, `argv`, the name, the log path and `env` stand for the values.
        """
        what = {} if command is None else {"command": command}
        return self.submit_all([cast(shapes.TaskRequest, {**_surroundings(), **what, **fields})])

    def submit_all(
        self,
        tasks: Sequence[shapes.TaskRequest],
        *,
        queue: str | None = None,
        base: shapes.TaskRequest | None = None,
        key: str | None = None,
    ) -> list[shapes.Task]:
        """Submit several tasks, all or none. `base` has fields for all of them; `key` makes a repetition harmless."""
        payload: dict[str, Any] = {"tasks": list(tasks)}
        if queue is not None:
            payload["queue"] = queue
        if base is not None:
            payload["base"] = base
        return cast(list[shapes.Task], self._link.fetch("POST", "/api/submissions", payload, key=key or new_key()))

    # --- tasks -----------------------------------------------------------------------------------------------

    def tasks(
        self, *, states: Iterable[str] = (), queue: str | None = None, submission: int | None = None,
        fields: Iterable[str] | None = None, ids: Iterable[int] | None = None,
    ) -> Iterator[shapes.Task]:  # fmt: skip
        """All tasks in these states (default: any), oldest first; fetched page by page.

        With `fields` each has these alone, and its id: much less to send where there are many. With `ids` (500 at most)
        only these; those that are not there are left out.
        """
        wanted: list[tuple[str, object]] = [("state", state) for state in states]
        wanted += [("submission", submission), *narrowed(fields, ids)]
        after = 0
        while True:
            pairs = [*wanted, ("queue", queue), ("after", after or None), ("limit", 1000)]
            page: list[shapes.Task] = self._link.fetch("GET", "/api/tasks" + query(pairs))
            yield from page
            if len(page) < 1000 or page[-1]["id"] <= after:
                return
            after = page[-1]["id"]

    def doctor(self) -> list[shapes.DoctorCheck]:
        """What works on the daemon's machine, what does not, and what helps. For admins."""
        return cast(list[shapes.DoctorCheck], self._link.fetch("GET", "/api/doctor"))

    def plan(self, *, hours: int = 6) -> shapes.Plan:
        """What is to come on each GPU, so many hours ahead: time limits, reservations, expected starts."""
        return cast(shapes.Plan, self._link.fetch("GET", "/api/plan" + query([("hours", hours)])))

    def task(self, task_id: int) -> shapes.TaskDetails:
        """A task with its attempts and events."""
        return cast(shapes.TaskDetails, self._link.fetch("GET", f"/api/tasks/{task_id}"))

    def why(self, task_id: int) -> shapes.Explanation:
        """What a task waits for, or how it ended."""
        return cast(shapes.Explanation, self._link.fetch("GET", f"/api/tasks/{task_id}/why"))

    def wait(self, task_id: int, *, timeout_s: float | None = None) -> shapes.Task:
        """The task when it has ended; the daemon may restart meanwhile (up to 60 s). Raises TimedOut."""
        link, deadline = PatientLink(self._link), None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            left = _POLL_S if deadline is None else max(0.0, min(_POLL_S, deadline - time.monotonic()))
            target = f"/api/tasks/{task_id}/wait" + query([("timeout", f"{left:g}")])
            task: shapes.Task = link.fetch(target, timeout_s=left + _SLACK_S, deadline=deadline)
            if task["state"] in ENDED:
                return task
            if deadline is not None and time.monotonic() >= deadline:
                raise TimedOut(timeout_s=f"{timeout_s:g}", what=f"task {task_id} is still {task['state']}")

    def wait_any(self, ids: Iterable[int], *, timeout_s: float | None = None) -> shapes.Task:
        """The first of these tasks (at least one) that has ended; otherwise as `wait`. Raises TimedOut."""
        link, deadline = PatientLink(self._link), None if timeout_s is None else time.monotonic() + timeout_s
        wanted = some_tasks(ids)
        while True:
            left = _POLL_S if deadline is None else max(0.0, min(_POLL_S, deadline - time.monotonic()))
            target = "/api/wait" + query([*wanted, ("timeout", f"{left:g}")])
            ended: list[shapes.Task] = link.fetch(target, timeout_s=left + _SLACK_S, deadline=deadline)
            if ended:
                return min(ended, key=lambda task: task["ended_at"] or "")
            if deadline is not None and time.monotonic() >= deadline:
                raise TimedOut(timeout_s=f"{timeout_s:g}", what=f"none of {len(wanted)} tasks has ended")

    def submit_and_wait(
        self, command: str | None = None, *, timeout_s: float | None = None, **fields: Unpack[shapes.TaskFields]
    ) -> shapes.Task:
        """Submit a task as `submit` does, and wait for its end: what `gavelq run` does. Raises TimedOut; it runs on."""
        return self.wait(self.submit(command, **fields)["id"], timeout_s=timeout_s)

    def lease(
        self, gpus: int | None = None, *, wait_s: float | None = None, **fields: Unpack[shapes.TaskFields]
    ) -> Lease:
        """GPUs for this process itself: `with client.lease(gpus=2) as lease: os.environ.update(lease.env)`.

        `fields` are those of a task request (`memory`, `time_limit`, `priority`, `queue`, ...). Nothing is asked for
        before the `with` block, or `acquire()`.
        """
        request: dict[str, Any] = {"lease": True, "workdir": os.getcwd(), **fields}
        if gpus is not None:
            request["gpu_count"] = gpus
        return Lease(self._link, request, wait_s=wait_s)

    def leases(self) -> list[shapes.Task]:
        """The leases that have not ended."""
        return cast(list[shapes.Task], self._link.fetch("GET", "/api/leases"))

    def logs(self, task_id: int, *, tail: int | None = None) -> bytes:
        """A task's output, or its last `tail` lines."""
        if tail is not None:
            return self._link.send("GET", f"/api/tasks/{task_id}/logs" + query([("tail", tail)])).body
        return b"".join(take_steps(self._get, whole_log(task_id)))

    def _get(self, target: str, timeout_s: float) -> Reply:
        return self._link.send("GET", target, timeout_s=timeout_s)

    def run(self, task_id: int, *, queue: str | None = None) -> shapes.Task:
        """Let a held task run, in `queue` where one is named."""
        return self._task(task_id, "run", {"queue": queue})

    def hold(self, task_id: int) -> shapes.Task:
        """Hold a pending task back."""
        return self._task(task_id, "hold", {})

    def kill(self, task_id: int, *, signal: str = "TERM") -> shapes.Task:
        """End a task, running or not; or deliver a signal that does not end it."""
        return self._task(task_id, "kill", {"signal": signal})

    def rerun(self, /, task_id: int, **changes: Any) -> shapes.Task:
        """Submit an ended task again, with other values for some fields of its request; the new task."""
        return self._task(task_id, "rerun", changes)

    def edit(self, /, task_id: int, **changes: Any) -> shapes.Task:
        """Change fields of a task that has not started; None takes one back to its default."""
        return cast(shapes.Task, self._link.fetch("PATCH", f"/api/tasks/{task_id}", changes))

    def edit_all(self, /, ids: Iterable[int], **changes: Any) -> list[shapes.Task]:
        """Make the same changes to several tasks, to all of them or to none."""
        payload = {"ids": list(ids), "changes": changes}
        return cast(list[shapes.Task], self._link.fetch("POST", "/api/tasks/edit", payload))

    def remove(self, task_id: int) -> None:
        """Forget an ended or held task, with its log."""
        self._link.fetch("POST", f"/api/tasks/{task_id}/remove", {})

    def move(self, task_id: int, queue: str) -> shapes.Task:
        """Move a task into another queue."""
        return self._task(task_id, "move", {"queue": queue})

    def prioritize(self, task_id: int, priority: int) -> shapes.Task:
        """Give a task another priority, 0 to 100."""
        return self._task(task_id, "priority", {"priority": priority})

    # --- GPUs ------------------------------------------------------------------------------------------------

    def gpus(self) -> list[shapes.Gpu]:
        """All GPUs."""
        return cast(list[shapes.Gpu], self._link.fetch("GET", "/api/gpus"))

    def gpu(self, gpu: str | int) -> shapes.Gpu:
        """A GPU by index or UUID."""
        return cast(shapes.Gpu, self._link.fetch("GET", f"/api/gpus/{quote(str(gpu))}"))

    def allocate(self, queue: str, *, gpus: Iterable[str | int] | None = None, count: int = 1) -> list[shapes.Gpu]:
        """Give these GPUs (at least one), or `count` free ones of the pool, to a queue."""
        payload: dict[str, Any] = {"queue": queue, "count": count}
        if gpus is not None:
            payload = {"queue": queue, "gpus": [str(gpu) for gpu in gpus]}
        return cast(list[shapes.Gpu], self._link.fetch("POST", "/api/gpus/allocate", payload))

    def release(self, gpu: str | int, *, requeue: bool = False) -> shapes.Gpu:
        """Take a GPU back into the pool and end gavelq's tasks on it (or put them back as pending)."""
        return self._gpu(gpu, "release", {"requeue": requeue})

    def ignore(self, gpu: str | int) -> shapes.Gpu:
        """Start no new task on a GPU."""
        return self._gpu(gpu, "ignore", {})

    def unignore(self, gpu: str | int) -> shapes.Gpu:
        """Let tasks onto a GPU again."""
        return self._gpu(gpu, "unignore", {})

    def share(self, gpu: str | int, *, pid: int | None = None) -> shapes.Gpu:
        """Run tasks beside the foreign processes that are on a GPU now (or beside that one), until they leave."""
        return self._gpu(gpu, "share", {"pid": pid})

    def unshare(self, gpu: str | int) -> shapes.Gpu:
        """Mind those processes again."""
        return self._gpu(gpu, "unshare", {})

    def drain(self, gpu: str | int, *, now: bool = False, requeue: bool = False) -> shapes.Gpu:
        """Start no new task on a GPU and empty it, at once with `now`."""
        return self._gpu(gpu, "drain", {"now": now, "requeue": requeue})

    # --- queues, the daemon ----------------------------------------------------------------------------------

    def queues(self) -> list[shapes.Queue]:
        """All queues."""
        return cast(list[shapes.Queue], self._link.fetch("GET", "/api/queues"))

    def queue(self, name: str) -> shapes.Queue:
        """A queue."""
        return cast(shapes.Queue, self._link.fetch("GET", f"/api/queues/{quote(name)}"))

    def create_queue(self, /, name: str, **options: Any) -> shapes.Queue:
        """Make a queue."""
        return cast(shapes.Queue, self._link.fetch("POST", "/api/queues", {"name": name, **options}, key=new_key()))

    def set_queue(self, /, name: str, **options: Any) -> shapes.Queue:
        """Change a queue's options."""
        return cast(shapes.Queue, self._link.fetch("PATCH", f"/api/queues/{quote(name)}", options))

    def delete_queue(self, name: str) -> None:
        """Delete an empty queue."""
        self._link.fetch("DELETE", f"/api/queues/{quote(name)}")

    def merge_queue(self, name: str, into: str) -> shapes.Queue:
        """Move all tasks of a queue into another one."""
        return cast(shapes.Queue, self._link.fetch("POST", f"/api/queues/{quote(name)}/merge", {"into": into}))

    def status(self) -> shapes.Status:
        """The daemon, its GPUs, its queues and counts."""
        return cast(shapes.Status, self._link.fetch("GET", "/api/status"))

    def daemon(self) -> shapes.Daemon:
        """The daemon itself."""
        return cast(shapes.Daemon, self._link.fetch("GET", "/api/daemon"))

    def _task(self, task_id: int, verb: str, payload: Mapping[str, Any]) -> shapes.Task:
        return cast(shapes.Task, self._link.fetch("POST", f"/api/tasks/{task_id}/{verb}", dict(payload)))

    def _gpu(self, gpu: str | int, verb: str, payload: Mapping[str, Any]) -> shapes.Gpu:
        return cast(shapes.Gpu, self._link.fetch("POST", f"/api/gpus/{quote(str(gpu))}/{verb}", dict(payload)))


def narrowed(fields: Iterable[str] | None, ids: Iterable[int] | None) -> list[tuple[str, object]]:
    """The parameters of `GET /api/tasks` that ask for some fields and some tasks alone. Pages go by the id."""
    wanted = None if fields is None else ",".join(dict.fromkeys(["id", *fields]))
    return [("fields", wanted), ("ids", None if ids is None else ",".join(map(str, ids)))]


def some_tasks(ids: Iterable[int]) -> list[tuple[str, object]]:
    """The parameters of `GET /api/wait`. Raises InvalidField where no task is named."""
    wanted: list[tuple[str, object]] = [("id", task_id) for task_id in ids]
    if not wanted:
        raise InvalidField(field="ids", problem="no task is named", hint="name at least one task to wait for")
    return wanted


def _surroundings() -> shapes.TaskRequest:
    env, dropped = capture(os.environ)
    return {"workdir": os.getcwd(), "env": env, "env_dropped": list(dropped)}
