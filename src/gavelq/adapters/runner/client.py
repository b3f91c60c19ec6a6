"""The daemon's side of the runner: ports.Runner over the runner's socket."""

import asyncio
import contextlib
import logging
import os
import signal as signals
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gavelq.adapters.runner import messages, sockets, starting, wire
from gavelq.adapters.runner.claims import DEFAULT_DIRECTORY
from gavelq.adapters.runner.link import Link
from gavelq.core.errors import RunnerUnavailable
from gavelq.core.events import AttemptStarted, RunnerEvent, SpawnFailed
from gavelq.core.ids import TaskId
from gavelq.ports import RunningAttempt, SpawnRequest

_log = logging.getLogger(__name__)
_SOCKET = "runner.sock"
_ANSWER_TIMEOUT_S = 30.0
_FIRST_PAUSE_S = 0.02
_MAX_PAUSE_S = 2.0

Key = tuple[int, int]


class RunnerClient:
    """A connection that is made again whenever it breaks.

    Orders given while it is broken are dropped, as are those that a dying runner had not read: the caller repeats what
    the inventory lacks. Stops alone are remembered, until the end of their attempt is reported, and sent again.
    """

    def __init__(
        self,
        *,
        directory: str,
        claims_dir: str = DEFAULT_DIRECTORY,
        idle_exit_s: float = 60.0,
        identity: Mapping[str, Any] | None = None,
    ) -> None:
        """`identity`: who we are for other daemons of this machine (`user`, `pid`, `state_dir`, `socket`)."""
        self._directory = os.path.abspath(directory)
        self._claims_dir = claims_dir
        self._idle_exit_s = idle_exit_s
        self._identity = {"pid": os.getpid(), "state_dir": self._directory, **(identity or {})}
        self._link: Link | None = None
        self._pid: int | None = None
        self._protocol = 0
        self._listener: Callable[[RunnerEvent], None] = _unheard
        self._on_reconnect: Callable[[], None] = _nothing
        self._stops: dict[Key, wire.Message] = {}
        self._questions: dict[int, asyncio.Future[list[wire.Message]]] = {}
        self._n_questions = 0
        self._reconnecting: asyncio.Task[None] | None = None
        self._is_closed = False

    # --- the port -----------------------------------------------------------------------------------------

    @property
    def pid(self) -> int | None:
        """The runner's pid, while connected."""
        return self._pid

    async def connect(self, listener: Callable[[RunnerEvent], None], on_reconnect: Callable[[], None]) -> None:
        """Connect to the runner of this directory, starting one where there is none. Raises RunnerUnavailable."""
        self._listener, self._on_reconnect = listener, on_reconnect
        await self._open()

    def spawn(self, request: SpawnRequest) -> None:
        """Ask for a start. What the runner is too old for fails for now, and the runner is replaced."""
        if self._link is not None and self._protocol < messages.needed_protocol(request):
            self._replace_old_runner(request)
        else:
            self._send(messages.spawn_message(request))

    def stop(self, task_id: TaskId, attempt: int, *, signal: int, grace_s: float) -> None:
        """`signal` to the whole tree, the grace time, KILL. Remembered until the end is reported."""
        order = {"op": "stop", "task": task_id, "attempt": attempt, "signal": signal, "grace_s": grace_s}
        self._stops[task_id, attempt] = {**order, "is_repeated": True}
        self._send(order)

    def send_signal(self, task_id: TaskId, attempt: int, signal: int) -> None:
        """Deliver one signal to the command's process group."""
        self._send({"op": "signal", "task": task_id, "attempt": attempt, "signal": signal})

    def set_limit(self, task_id: TaskId, attempt: int, *, time_limit_s: float | None, grace_s: float) -> None:
        """A new time limit for a running attempt, counted from its start; None lifts it."""
        limit = {"time_limit_s": time_limit_s, "grace_s": grace_s}
        self._send({"op": "limit", "task": task_id, "attempt": attempt, **limit})

    def forget(self, task_id: TaskId, attempt: int) -> None:
        """The end is committed: the attempt's directory may go."""
        self._stops.pop((task_id, attempt), None)
        self._send({"op": "forget", "task": task_id, "attempt": attempt})

    async def inventory(self) -> Sequence[RunningAttempt | RunnerEvent]:
        """All attempts that the runner knows. Raises RunnerUnavailable."""
        if self._link is None:
            raise RunnerUnavailable(why="the connection is broken and being made again")
        self._n_questions += 1
        number = self._n_questions
        answer: asyncio.Future[list[wire.Message]] = asyncio.get_running_loop().create_future()
        self._questions[number] = answer
        self._send({"op": "inventory", "id": number})
        try:
            found = await asyncio.wait_for(answer, _ANSWER_TIMEOUT_S)
        except TimeoutError:
            raise RunnerUnavailable(why=f"it did not answer within {_ANSWER_TIMEOUT_S:.0f} s") from None
        finally:
            self._questions.pop(number, None)
        return [messages.known_attempt(message) for message in found]

    async def close(self) -> None:
        """Disconnect, with everything said that was to be said; the runner and its tasks go on."""
        self._is_closed = True
        if self._reconnecting is not None:
            self._reconnecting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reconnecting
        link, self._link = self._link, None
        self._pid = None
        if link is not None:
            await link.close()
        self._break_questions("it was disconnected")

    # --- an old runner ------------------------------------------------------------------------------------

    def _replace_old_runner(self, request: SpawnRequest) -> None:
        """It would start the attempt without what it does not understand (no lease, no warning, no isolation).

        It is asked to leave: its supervisors and their tasks go on, and the next runner, which is started when this
        connection breaks, adopts them.
        """
        what = "leases" if request.lease else "warnings before a time limit"
        what = "isolation of devices" if messages.needed_protocol(request) > 2 else what
        problem = f"the runner of an older gavelq still ran, which knows no {what}; it is being replaced"
        failed = SpawnFailed(task_id=request.task_id, attempt=request.attempt, problem=problem, is_transient=True)
        _log.warning("task %s: %s (runner %s)", request.task_id, problem, self._pid)
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signals.SIGTERM)
        # Not at once: whoever asks is not to be answered in the middle of asking.
        asyncio.get_running_loop().call_soon(self._listener, failed)

    # --- connecting ---------------------------------------------------------------------------------------

    async def _open(self) -> None:
        """Connect, starting a runner where nobody listens."""
        problem: RunnerUnavailable | None = None
        pause_s = _FIRST_PAUSE_S
        for _ in range(8):
            try:
                connection = sockets.connect(self._directory, _SOCKET)
            except (FileNotFoundError, ConnectionRefusedError):
                await starting.start(self._directory, self._claims_dir, self._idle_exit_s)
                problem = RunnerUnavailable(why="it was started, but nobody listens")
            except BlockingIOError:
                problem = RunnerUnavailable(why="too many connections are waiting")
            except OSError as error:
                raise RunnerUnavailable(why=f"{self._directory}: {error}") from error
            else:
                try:
                    await self._greet(connection)
                except ConnectionError as error:  # it was just leaving
                    problem = RunnerUnavailable(why=f"the connection broke ({error})")
                else:
                    return
            if problem and pause_s > _FIRST_PAUSE_S:
                await asyncio.sleep(pause_s)
            pause_s *= 2
        raise problem or RunnerUnavailable(why="no connection was made")

    async def _greet(self, connection: socket.socket) -> None:
        pid, uid = sockets.peer(connection)
        if uid != os.getuid():
            connection.close()
            raise RunnerUnavailable(why=f"another account ({uid}) listens in {self._directory}")
        loop = asyncio.get_running_loop()
        _, link = await loop.create_unix_connection(lambda: Link(self._heard, self._lost), sock=connection)
        try:
            hello = await asyncio.wait_for(link.greeting, _ANSWER_TIMEOUT_S)
            protocol = _common_protocol(hello)
        except (TimeoutError, RunnerUnavailable) as error:
            await link.close()
            raise error if isinstance(error, RunnerUnavailable) else RunnerUnavailable(why="no greeting") from None
        self._link, self._pid, self._protocol = link, pid or None, protocol
        self._send({"op": "hello", "protocol": protocol, "identity": self._identity})
        for order in self._stops.values():
            self._send(order)

    def _lost(self, link: Link) -> None:
        if link is not self._link:
            return
        self._link, self._pid = None, None
        self._break_questions("the connection broke")
        if not self._is_closed:
            _log.warning("the connection to the runner broke; connecting again")
            self._reconnecting = asyncio.get_running_loop().create_task(self._reconnect())

    async def _reconnect(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                await self._open()
                break
            except (RunnerUnavailable, OSError) as error:
                _log.warning("the runner cannot be reached, trying again: %s", error)
                await asyncio.sleep(pause_s)
                pause_s = min(_MAX_PAUSE_S, pause_s * 2)
        self._reconnecting = None
        self._on_reconnect()

    def _break_questions(self, why: str) -> None:
        for question in self._questions.values():
            if not question.done():
                question.set_exception(RunnerUnavailable(why=why))

    # --- messages -----------------------------------------------------------------------------------------

    def _send(self, message: wire.Message) -> None:
        if self._link is not None:
            self._link.send(wire.encode(message))

    def _heard(self, message: wire.Message) -> None:
        match message.get("kind"):
            case "started" | "ended" | "spawn_failed":
                reported = messages.event(message)
                if not isinstance(reported, AttemptStarted):
                    self._stops.pop((reported.task_id, reported.attempt), None)
                self._listener(reported)
            case "inventory":
                question = self._questions.get(message.get("id", 0))
                if question is not None and not question.done():
                    attempts = message.get("attempts", [])
                    for known in attempts:
                        if known.get("kind") in ("ended", "spawn_failed"):
                            self._stops.pop((known.get("task", 0), known.get("attempt", 0)), None)
                    question.set_result(attempts)
            case "unknown":
                self._stops.pop((message.get("task", 0), message.get("attempt", 0)), None)
            case "error":
                _log.error("the runner did not understand: %s", message.get("problem"))
            case other:
                _log.debug("a message of the unknown kind %r was ignored", other)


def _common_protocol(hello: wire.Message) -> int:
    theirs = hello.get("protocols")
    common = set(wire.PROTOCOLS) & set(theirs if isinstance(theirs, list) else [])
    if not common:
        why = f"it speaks protocols {theirs}, this gavelq speaks {list(wire.PROTOCOLS)}"
        hint = "let its tasks end (it leaves a minute later), or go back to the version that started it"
        raise RunnerUnavailable(why=why, hint=hint)
    return max(common)


def _unheard(_event: RunnerEvent) -> None:
    raise AssertionError("connect() comes first")


def _nothing() -> None:
    """Until connect() says what to do."""
