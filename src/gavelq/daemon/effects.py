"""Carries the engine's effects out, in order, after their commit."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import assert_never

from gavelq.config import Config
from gavelq.core.effects import Effect, Forget, Resample, SendSignal, Spawn, StopAttempt, Wake, WriteToLog
from gavelq.core.errors import GavelqError
from gavelq.core.events import SpawnFailed
from gavelq.core.ids import BlobKey
from gavelq.core.state import State
from gavelq.core.task import Script
from gavelq.daemon import journal, task_logs
from gavelq.daemon.confining import CannotConfine, MpsDesk, devices_of
from gavelq.daemon.spawning import Ports, environment, spawn_request
from gavelq.ports import Runner, Store

_CACHED_BLOBS = 64
RETRY_S = 1.0


class Effects:
    """One worker: a stop never overtakes the spawn that it is about."""

    def __init__(
        self, *, state: State, store: Store, runner: Runner, config: Callable[[], Config], socket_path: str,
        simulated_dir: str | None, resample: Callable[[], None], mps: MpsDesk, post: Callable[[SpawnFailed], None],
    ) -> None:  # fmt: skip
        """`post` hands in that an attempt could not be started."""
        self._state = state
        self._store = store
        self._runner = runner
        self._config = config
        self._socket_path = socket_path
        self._simulated_dir = simulated_dir
        self._resample = resample
        self._mps = mps
        self._post = post
        self._ports = Ports()
        self._blobs: OrderedDict[BlobKey, bytes] = OrderedDict()
        self._queue: asyncio.Queue[Effect] = asyncio.Queue()

    def carry_out(self, effects: Sequence[Effect]) -> None:
        """Line effects up; called on the loop's thread."""
        for effect in effects:
            self._queue.put_nowait(effect)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            effect = await self._queue.get()
            try:
                await self._perform(effect)
            except GavelqError as error:
                # The store cannot be read, or the runner is away: a spawn must not be lost; repeating it does no harm.
                journal.fail("an effect failed", error, effect=type(effect).__name__)
                if isinstance(effect, Spawn):
                    asyncio.get_running_loop().call_later(RETRY_S, self._queue.put_nowait, effect)

    async def _perform(self, effect: Effect) -> None:
        match effect:
            case Spawn():
                await self._spawn(effect)
            case StopAttempt(delay_s=delay_s) if delay_s > 0:
                # Should the daemon end before: the next one stops every task in STOPPING when it takes over.
                now = replace(effect, delay_s=0.0)
                asyncio.get_running_loop().call_later(delay_s, self._queue.put_nowait, now)
            case StopAttempt(task_id=task_id, attempt=attempt, signal=signal):
                self._runner.stop(task_id, attempt, signal=signal, grace_s=self._config().runner.grace_s)
            case SendSignal(task_id=task_id, attempt=attempt, signal=signal):
                self._runner.send_signal(task_id, attempt, signal)
            case Forget(task_id=task_id, attempt=attempt):
                self._ports.release(task_id)
                self._mps.tidy()
                self._runner.forget(task_id, attempt)
            case Resample():
                self._resample()
            case WriteToLog(task_id=task_id, text=text):
                task = self._state.tasks.get(task_id)
                if task is not None:  # in a thread: a network disk may take its time
                    await asyncio.to_thread(task_logs.append, task.log_path, text)
            case Wake():
                pass  # the loop takes these itself
            case _:
                assert_never(effect)

    async def _spawn(self, effect: Spawn) -> None:
        task = self._state.tasks.get(effect.task_id)
        if task is None or task.attempt is None or task.attempt.number != effect.attempt:
            return  # it ended before it began
        captured = json.loads(await self._blob(task.request.env))
        command = task.request.command
        script = await self._blob(command.blob) if isinstance(command, Script) else None
        config = self._config()
        port = self._ports.lease(task.id) if len(task.attempt.gpus) > 1 else None
        env = environment(
            task, task.attempt, captured, socket_path=self._socket_path, master_port=port,
            simulated_dir=self._simulated_dir,
        )  # fmt: skip
        try:
            devices = devices_of(task.attempt, self._state.books.sample)
            env.update(await self._mps.prepared(task, task.attempt))
        except CannotConfine as error:  # never without: it goes back, and is tried again a little later
            failed = SpawnFailed(
                task_id=task.id, attempt=effect.attempt, problem=error.message, is_transient=True
            )  # fmt: skip
            self._post(failed)
            return
        request = spawn_request(
            task, task.attempt, env=env, script=script, log_max_bytes=config.logs.task_max_mb << 20,
            grace_s=config.runner.grace_s, claims=self._simulated_dir is None, devices=devices,
        )  # fmt: skip
        self._runner.spawn(request)

    async def _blob(self, key: BlobKey) -> bytes:
        """An environment or a script. Equal ones are stored once, so that a few remembered ones serve a whole sweep."""
        found = self._blobs.get(key)
        if found is None:
            found = await self._store.blob(key)
            self._blobs[key] = found
            while len(self._blobs) > _CACHED_BLOBS:
                self._blobs.popitem(last=False)
        else:
            self._blobs.move_to_end(key)
        return found
