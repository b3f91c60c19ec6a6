"""`TaskFuture`: a concurrent.futures.Future whose call is a task of gavelq."""

import pickle
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar, cast

from gavelq.client import shapes
from gavelq.client.calls import OUTCOME, Calls
from gavelq.core.errors import GavelqError, NotFound, WrongState

if TYPE_CHECKING:
    from gavelq.client.sdk import Client

T = TypeVar("T")
_ON_CARDS = frozenset({"starting", "running", "stopping"})
_SLACK_BYTES = 16 << 20
"""What an outcome has beside the result's own bytes: a traceback."""


class CallFailed(GavelqError):
    """task {task_id} ended without a result: {why}"""

    code = "call_failed"

    def __init__(self, message: str = "", *, hint: str = "", log: str = "", **details: Any) -> None:
        super().__init__(message, hint=hint, **details)
        self.task_id: int | None = details.get("task_id")
        """The task."""
        self.end_reason: str | None = details.get("end_reason")
        """Why it ended (SPEC section 1): time_limit, cancelled_by_user, gpu_lost, out_of_memory_gpu, ..."""
        self.log = log
        """The last lines of its output."""

    def __str__(self) -> str:
        lines = [
            self.message,
            *(["its last lines:", *("  " + line for line in self.log.splitlines())] if self.log else []),
        ]
        return "\n".join(lines)


class RemoteTraceback(Exception):
    """Where an exception was raised, as text: the `__cause__` of what comes out of a future."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'


class TaskFuture(Future[T]):
    """The outcome of a call that runs as a task. `task_id` outlives this process: see `Executor.reattach`."""

    def __init__(self, client: "Client", calls: Calls, task_id: int, token: str) -> None:
        super().__init__()
        self.task_id = task_id
        self._client = client
        self._calls = calls
        self._token = token
        self._is_settled = False
        self._settling = threading.Lock()

    def task(self) -> shapes.TaskDetails:
        """The task as it is now."""
        return self._client.task(self.task_id)

    def logs(self, *, tail: int | None = None) -> bytes:
        """What the function wrote to standard output and standard error, or the last `tail` lines of it."""
        return self._client.logs(self.task_id, tail=tail)

    def running(self) -> bool:
        """Whether the task holds its GPUs now (the daemon is asked)."""
        return not self.done() and self.task()["state"] in _ON_CARDS

    def cancel(self) -> bool:
        """Cancel the call where its task still waits; whether it is cancelled now. A running one is left alone."""
        if self.done():
            return self.cancelled()
        try:
            self._client.hold(self.task_id)  # refused when it has been placed; so nothing that runs is ended below
            self._client.kill(self.task_id)
        except (WrongState, NotFound):
            return self.cancelled()
        self._settle(self._set_cancelled)
        return True

    def kill(self, *, signal: str = "TERM") -> bool:
        """End the task, running or not; False where it had ended already. `result()` then raises CallFailed.

        A signal that ends nothing (USR1, ...) is only delivered.
        """
        try:
            self._client.kill(self.task_id, signal=signal)
        except (WrongState, NotFound):
            return False
        return True

    def _settle(self, act: Callable[[], None]) -> None:
        """Set the outcome, once: `cancel` and the watching thread may want to at the same time."""
        with self._settling:
            if self._is_settled:
                return
            self._is_settled = True
        act()

    def _set_cancelled(self) -> None:
        self._calls.remove(self._token)
        super().cancel()
        self.set_running_or_notify_cancel()

    def _end(self, ended: shapes.Task | Exception, log: str, max_bytes: int) -> None:
        """The task has ended, or nothing more will be heard of it."""
        if isinstance(ended, Exception):
            self._settle(lambda: self.set_exception(ended))
            return
        self._settle(lambda: self._read(ended, log, max_bytes))

    def _read(self, task: shapes.Task, log: str, max_bytes: int) -> None:
        try:
            outcome = self._calls.read(self._token, OUTCOME, max_bytes=max_bytes + _SLACK_BYTES)
        except Exception as error:  # noqa: BLE001  # whatever it is, whoever waits for the result has to hear of it
            self.set_exception(error)
            return
        self._calls.remove(self._token)
        # An earlier attempt's outcome is none: the last one was killed before it had one.
        if outcome is not None and outcome["attempt"] == task["attempt"]:
            self._unpack(outcome, task)
        elif task["state"] == "cancelled" and task["attempt"] == 0:
            self._set_cancelled()
        else:
            self.set_exception(_failure(task, log))

    def _unpack(self, outcome: dict[str, Any], task: shapes.Task) -> None:
        payload = outcome["payload"]
        try:
            found = None if payload is None else pickle.loads(payload)  # noqa: S301  # its file was checked by Calls.read
        except BaseException as error:  # noqa: BLE001  # a __setstate__ of the user's may raise anything
            failure = CallFailed(task_id=task["id"], why=f"what it sent back cannot be read here: {error!r}")
            failure.__cause__ = error
            self.set_exception(failure)
            return
        if outcome["kind"] == "value":
            self.set_result(cast(T, found))
            return
        if not isinstance(found, BaseException):
            found = CallFailed(f"the function raised {outcome['shown']}", task_id=task["id"], end_reason="exit_nonzero")
        found.__cause__ = RemoteTraceback(outcome["traceback"])
        self.set_exception(found)


def _failure(task: shapes.Task, log: str) -> CallFailed:
    why = task["end_reason"] or task["state"]
    if task["end_detail"]:
        why += f" ({task['end_detail']})"
    elif task["exit_code"]:
        why += f" ({task['exit_code']})"
    hint = f"gavelq task why {task['id']} tells more"
    return CallFailed(task_id=task["id"], why=why, end_reason=task["end_reason"], log=log, hint=hint)
