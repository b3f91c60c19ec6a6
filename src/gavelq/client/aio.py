"""`AsyncClient`: the verbs of `Client` for programs on asyncio. Same names, arguments, answers and errors."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextlib import aclosing
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar, Unpack, cast

from gavelq.client import shapes
from gavelq.client.address import named
from gavelq.client.async_lease import AsyncLease
from gavelq.client.async_link import AsyncLink
from gavelq.client.async_streams import follow, listen, pages, read_whole, wait_until_ended
from gavelq.client.http import Link, query
from gavelq.client.listening import Listener
from gavelq.client.replay import replayed
from gavelq.client.sdk import ENDED, Client, narrowed, some_tasks
from gavelq.client.sse import StreamEvent
from gavelq.core.errors import TimedOut

P = ParamSpec("P")
R = TypeVar("R")


def _awaited(
    verb: Callable[Concatenate[Client, P], R],
) -> "Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, R]]":
    """The verb as a coroutine."""

    async def call(self: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await replayed(self._link, lambda link: verb(Client._on(link), *args, **kwargs))

    call.__doc__, call.__name__, call.__qualname__ = verb.__doc__, verb.__name__, f"AsyncClient.{verb.__name__}"
    return call


class AsyncClient:
    """A daemon's verbs. Every method raises the GavelqError that the daemon answered with, or DaemonUnreachable.

    The daemon is found as the command line finds it: `socket`, else `url` (with `token`), else the environment.
    Connections are kept between requests; `async with` (or `close`) hangs up. A request whose coroutine is cancelled
    may have been carried out.
    """

    def __init__(self, *, socket: str | None = None, url: str | None = None, token: str | None = None) -> None:
        address = named(socket=socket, url=url, token=token)
        self._link = AsyncLink(address)

    def close(self) -> None:
        """Hang up."""
        self._link.close()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    # --- what is asked once: as Client has it --------------------------------------------------------------------

    submit = _awaited(Client.submit)
    dry_run = _awaited(Client.dry_run)
    submit_sweep = _awaited(Client.submit_sweep)
    submit_all = _awaited(Client.submit_all)
    task = _awaited(Client.task)
    why = _awaited(Client.why)
    run = _awaited(Client.run)
    hold = _awaited(Client.hold)
    kill = _awaited(Client.kill)
    rerun = _awaited(Client.rerun)
    edit = _awaited(Client.edit)
    edit_all = _awaited(Client.edit_all)
    remove = _awaited(Client.remove)
    move = _awaited(Client.move)
    prioritize = _awaited(Client.prioritize)
    leases = _awaited(Client.leases)
    submission = _awaited(Client.submission)
    hold_submission = _awaited(Client.hold_submission)
    run_submission = _awaited(Client.run_submission)
    kill_submission = _awaited(Client.kill_submission)
    gpus = _awaited(Client.gpus)
    metrics = _awaited(Client.metrics)
    usage = _awaited(Client.usage)
    gpu = _awaited(Client.gpu)
    allocate = _awaited(Client.allocate)
    release = _awaited(Client.release)
    ignore = _awaited(Client.ignore)
    unignore = _awaited(Client.unignore)
    share = _awaited(Client.share)
    unshare = _awaited(Client.unshare)
    drain = _awaited(Client.drain)
    queues = _awaited(Client.queues)
    queue = _awaited(Client.queue)
    create_queue = _awaited(Client.create_queue)
    set_queue = _awaited(Client.set_queue)
    delete_queue = _awaited(Client.delete_queue)
    merge_queue = _awaited(Client.merge_queue)
    status = _awaited(Client.status)
    daemon = _awaited(Client.daemon)
    config = _awaited(Client.config)
    set_config = _awaited(Client.set_config)
    config_history = _awaited(Client.config_history)
    undo_config = _awaited(Client.undo_config)
    try_config = _awaited(Client.try_config)
    simulate = _awaited(Client.simulate)
    files = _awaited(Client.files)
    file = _awaited(Client.file)
    new_file = _awaited(Client.new_file)
    put_file = _awaited(Client.put_file)
    check_file = _awaited(Client.check_file)
    reset_file = _awaited(Client.reset_file)
    duplicate_file = _awaited(Client.duplicate_file)
    delete_file = _awaited(Client.delete_file)
    start_file = _awaited(Client.start_file)
    submit_file = _awaited(Client.submit_file)
    stop_file = _awaited(Client.stop_file)
    stop_run = _awaited(Client.stop_run)
    file_state = _awaited(Client.file_state)
    diff_file = _awaited(Client.diff_file)
    apply_file = _awaited(Client.apply_file)
    bind_log = _awaited(Client.bind_log)
    unbind_log = _awaited(Client.unbind_log)
    log_bindings = _awaited(Client.log_bindings)
    bound_log = _awaited(Client.bound_log)
    read_log = _awaited(Client.read_log)
    user = _awaited(Client.user)
    own_tenant = _awaited(Client.own_tenant)
    plan = _awaited(Client.plan)
    doctor = _awaited(Client.doctor)
    tenants = _awaited(Client.tenants)
    tenant = _awaited(Client.tenant)
    create_tenant = _awaited(Client.create_tenant)
    set_tenant = _awaited(Client.set_tenant)
    delete_tenant = _awaited(Client.delete_tenant)
    tokens = _awaited(Client.tokens)
    create_token = _awaited(Client.create_token)
    revoke_token = _awaited(Client.revoke_token)
    audit = _awaited(Client.audit)
    alerts = _awaited(Client.alerts)
    test_alerts = _awaited(Client.test_alerts)
    mute_alerts = _awaited(Client.mute_alerts)
    unmute_alerts = _awaited(Client.unmute_alerts)

    # --- what waits, or comes bit by bit -------------------------------------------------------------------------

    async def tasks(
        self, *, states: Iterable[str] = (), queue: str | None = None, submission: int | None = None,
        fields: Iterable[str] | None = None, ids: Iterable[int] | None = None,
    ) -> AsyncGenerator[shapes.Task, None]:  # fmt: skip
        """All tasks in these states (default: any), oldest first; fetched page by page. As `Client.tasks`."""
        pairs: list[tuple[str, object]] = [*(("state", state) for state in states), *narrowed(fields, ids)]
        async for task in pages(self._link, [*pairs, ("submission", submission), ("queue", queue)]):
            yield task

    async def wait(self, task_id: int, *, timeout_s: float | None = None) -> shapes.Task:
        """The task when it has ended. Raises TimedOut."""
        path = f"/api/tasks/{task_id}/wait"
        task, is_ended = await wait_until_ended(self._link, path, (), lambda found: found["state"] in ENDED, timeout_s)
        if not is_ended:
            raise TimedOut(timeout_s=f"{timeout_s:g}", what=f"task {task_id} is still {task['state']}")
        return cast(shapes.Task, task)

    async def wait_any(self, ids: Iterable[int], *, timeout_s: float | None = None) -> shapes.Task:
        """The first of these tasks that has ended. Raises TimedOut."""
        pairs = some_tasks(ids)
        ended, is_ended = await wait_until_ended(self._link, "/api/wait", pairs, bool, timeout_s)
        if not is_ended:
            raise TimedOut(timeout_s=f"{timeout_s:g}", what=f"none of {len(pairs)} tasks has ended")
        return min(cast(list[shapes.Task], ended), key=lambda task: task["ended_at"] or "")

    async def wait_submission(self, submission_id: int, *, timeout_s: float | None = None) -> shapes.Submission:
        """The submission when all of its tasks have ended. Raises TimedOut."""
        path = f"/api/submissions/{submission_id}/wait"
        found, is_ended = await wait_until_ended(self._link, path, (), lambda found: found["is_ended"], timeout_s)
        if not is_ended:
            raise TimedOut(timeout_s=f"{timeout_s:g}", what=f"submission {submission_id} has not ended")
        return cast(shapes.Submission, found)

    async def submit_and_wait(
        self, command: str | None = None, *, timeout_s: float | None = None, **fields: Unpack[shapes.TaskFields]
    ) -> shapes.Task:
        """Submit a task as `submit` does, and wait for its end. Raises TimedOut; it runs on."""
        task = await self.submit(command, **fields)
        return await self.wait(task["id"], timeout_s=timeout_s)

    def lease(
        self, gpus: int | None = None, *, wait_s: float | None = None, **fields: Unpack[shapes.TaskFields]
    ) -> AsyncLease:
        """GPUs for this process itself: `async with client.lease(gpus=2) as lease: ...`; see `Client.lease`."""
        return AsyncLease(Client._on(Link(self._link.address)).lease(gpus, wait_s=wait_s, **fields))

    async def logs(self, task_id: int, *, tail: int | None = None) -> bytes:
        """A task's output, or its last `tail` lines."""
        if tail is not None:
            return (await self._link.send("GET", f"/api/tasks/{task_id}/logs" + query([("tail", tail)]))).body
        return await read_whole(self._link, task_id)

    async def follow(self, task_id: int, *, tail: int | None = None) -> AsyncGenerator[bytes, None]:
        """A task's output as it comes, through all of its attempts, until it has ended; see `Client.follow`."""
        async with aclosing(follow(self._link, task_id, tail)) as pieces:
            async for piece in pieces:
                yield piece

    async def events(
        self, *, after: str | int | None = None, kinds: Iterable[str] = (), tasks: Iterable[int] = ()
    ) -> AsyncGenerator[StreamEvent, None]:
        """Every change from now on, or behind the event whose id is `after`; see `Client.events`."""
        async with aclosing(listen(self._link, Listener(after=after, kinds=kinds, tasks=tasks))) as events:
            async for event in events:
                yield event
