"""`Executor`: function calls as tasks of gavelq, behind the interface of concurrent.futures."""

import concurrent.futures
import os
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ParamSpec, TypeVar, Unpack, cast

from gavelq import paths
from gavelq.client import shapes
from gavelq.client.calls import MAX_BYTES, Calls
from gavelq.client.futures import TaskFuture
from gavelq.client.run_pickled import call_each
from gavelq.client.sdk import Client
from gavelq.client.watching import Watcher
from gavelq.core.errors import GavelqError, InvalidField, UsageError, WrongState
from gavelq.formats.environment import capture

P = ParamSpec("P")
T = TypeVar("T")
_TAG = "gavelq-call:"
_AT_ONCE = 1000
"""Tasks in one request."""
_NOT_FOR_CALLS = ("argv", "script", "lease", "pid", "array", "params", "param_rows")
Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class Executor(concurrent.futures.Executor):
    """Runs functions as tasks: each gets its GPUs when its turn comes, and this program the result.

    The function, its arguments and its result travel as pickles (by cloudpickle: lambdas, closures and what a notebook
    defines are fine) in files under `directory`, which only the own account may read. So the daemon has to run on this
    machine (or see these files under the same path), under the same account; and the tasks use the interpreter,
    `sys.path`, working directory and environment (without secrets) that this program has when it submits.
    """

    def __init__(
        self,
        gpus: int | None = None,
        *,
        client: Client | None = None,
        directory: str | os.PathLike[str] | None = None,
        max_bytes: int = MAX_BYTES,
        **fields: Unpack[shapes.TaskFields],
    ) -> None:
        """`gpus` for each call; `fields` are those of a task request (`memory`, `time_limit`, `queue`, `retries`, ...).

        `directory` is made where it is missing; default: `calls` in the state directory. `max_bytes`: the most that a
        call or a result may have. Raises InvalidField, and NotAllowed for a directory that others may write to.
        """
        for name in _NOT_FOR_CALLS:
            if name in fields:
                raise InvalidField(field=name, problem="a call has its own", hint="leave it out")
        self._request: dict[str, Any] = dict(fields)
        if gpus is not None:
            self._request["gpu_count"] = gpus
        self._client = client or Client()
        self._calls = Calls(os.fspath(directory or os.path.join(paths.resolve(os.environ).state, "calls")))
        self._calls.sweep()
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._is_over = False
        self._futures: dict[int, TaskFuture[Any]] = {}
        self._watcher = Watcher(self._client.address, self._on_end)

    # --- calls -----------------------------------------------------------------------------------------------

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> TaskFuture[T]:
        """Make the call `fn(*args, **kwargs)` a task; the future of its result.

        Raises InvalidField for a call that is too large, UsageError where cloudpickle is missing, RuntimeError after
        `shutdown`, and as `Client.submit` does.
        """
        return cast(TaskFuture[T], self._submit([(fn, args, kwargs)], _name(fn))[0])

    def map(
        self, fn: Callable[..., T], *iterables: Iterable[Any], timeout: float | None = None, chunksize: int = 1
    ) -> Iterator[T]:
        """The results of `fn(*one)` for each row of the iterables, in their order.

        `chunksize` calls make one task: choose it so that a task takes a minute or more. All tasks are submitted at
        once, and those that still wait are cancelled when the iterator is dropped. Raises TimeoutError from the
        iterator `timeout` seconds after this call.
        """
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        deadline = None if timeout is None else time.monotonic() + timeout
        rows = list(zip(*iterables, strict=False))
        chunks = [rows[at : at + chunksize] for at in range(0, len(rows), chunksize)]
        futures = self._submit([(call_each, (fn, chunk), {}) for chunk in chunks], _name(fn))
        return _results(futures, deadline)

    def _submit(self, calls: Sequence[Call], name: str) -> list[TaskFuture[Any]]:
        base = self._base(name)
        futures: list[TaskFuture[Any]] = []
        for at in range(0, len(calls), _AT_ONCE):
            futures += self._submit_some(calls[at : at + _AT_ONCE], base)
        return futures

    def _submit_some(self, calls: Sequence[Call], base: dict[str, Any]) -> list[TaskFuture[Any]]:
        tokens: list[str] = []
        try:
            tokens.extend(self._keep(call) for call in calls)
            program = [sys.executable, "-m", "gavelq.client.run_pickled", self._calls.directory]
            tags = self._request.get("tags") or []
            requests = [{"argv": [*program, token], "tags": [*tags, _TAG + token]} for token in tokens]
            tasks = self._client.submit_all(cast(Any, requests), base=cast(Any, base))
        except BaseException as error:
            # Where nobody answered it may have been accepted all the same.
            if not isinstance(error, GavelqError) or error.http_status < 500:
                for token in tokens:
                    self._calls.remove(token)
            raise
        return [self._future(task["id"], token) for task, token in zip(tasks, tokens, strict=True)]

    def _keep(self, call: Call) -> str:
        payload = _cloudpickle().dumps(call, protocol=5)
        document = {"payload": payload, "sys_path": list(sys.path), "max_bytes": self._max_bytes}
        return self._calls.new(document, max_bytes=self._max_bytes)

    def _base(self, name: str) -> dict[str, Any]:
        """What all tasks of a submission have in common."""
        with self._lock:
            if self._is_over:
                raise RuntimeError("cannot schedule new futures after shutdown")
        if not sys.executable:
            raise UsageError("this program does not know its Python interpreter", hint="set sys.executable")
        env, dropped = capture(os.environ)
        given = self._request.get("env") or {}
        base = {"name": name, "workdir": os.getcwd(), "env_dropped": list(dropped), **self._request}
        return {**base, "env": _with_gavelq({**env, **given})}

    def _future(self, task_id: int, token: str) -> TaskFuture[Any]:
        future: TaskFuture[Any] = TaskFuture(self._client, self._calls, task_id, token)
        with self._lock:
            future = self._futures.setdefault(task_id, future)
        self._watcher.watch([task_id])
        return future

    def _on_end(self, task_id: int, ended: shapes.Task | Exception, log: str) -> None:
        with self._lock:
            future = self._futures.pop(task_id, None)
        if future is not None:
            future._end(ended, log, self._max_bytes)

    # --- coming back -----------------------------------------------------------------------------------------

    def reattach(self, task_id: int) -> TaskFuture[Any]:
        """The future of a call that an executor submitted, in this process or one that is gone.

        Its result can be fetched once. Raises TaskNotFound, and WrongState for a task that is no call.
        """
        task = self._client.task(task_id)
        token = next((tag.removeprefix(_TAG) for tag in task["tags"] if tag.startswith(_TAG)), None)
        if token is None:
            hint = "only tasks that Executor.submit and Executor.map made have a result"
            raise WrongState(what=f"task {task_id}", state="a command", problem="it is no function call", hint=hint)
        return self._future(task_id, token)

    @classmethod
    def attach(
        cls,
        ids: Iterable[int],
        *,
        client: Client | None = None,
        directory: str | os.PathLike[str] | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> list[TaskFuture[Any]]:
        """The futures of these calls, as `reattach` gives them."""
        executor = cls(client=client, directory=directory, max_bytes=max_bytes)
        return [executor.reattach(task_id) for task_id in ids]

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls. `cancel_futures`: cancel those whose tasks still wait. `wait`: until all have ended.

        Running tasks go on in any case, also when this program ends.
        """
        with self._lock:
            self._is_over = True
            futures = list(self._futures.values())
        if cancel_futures:
            for future in futures:
                future.cancel()
        if wait:
            concurrent.futures.wait(futures)


def _results(futures: list[TaskFuture[list[T]]], deadline: float | None) -> Iterator[T]:
    futures.reverse()
    try:
        while futures:
            left = None if deadline is None else deadline - time.monotonic()
            yield from futures[-1].result(left)
            futures.pop()
    finally:
        for future in futures:
            future.cancel()


def _name(function: Callable[..., Any]) -> str:
    """What the task is called: the function's name."""
    inner = getattr(function, "func", function)  # functools.partial
    found = getattr(inner, "__name__", None) or type(inner).__name__
    return str(found).strip("<>")[:200]


def _with_gavelq(env: dict[str, str]) -> dict[str, str]:
    """The environment, in which the interpreter finds this very gavelq where it is not installed."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if root in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")):
        return env
    known = env.get("PYTHONPATH")
    return {**env, "PYTHONPATH": f"{known}{os.pathsep}{root}" if known else root}


def _cloudpickle() -> Any:
    try:
        import cloudpickle
    except ImportError:
        command = f"{sys.executable} -m pip install cloudpickle"
        raise UsageError(f"gavelq.Executor needs the package cloudpickle: {command}", hint=command) from None
    return cloudpickle
