"""The daemon itself: status, stop, configuration, backup."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass

from gavelq.core.errors import GavelqError, InvalidField, NotAllowed, WrongState
from gavelq.core.events import ActNoted, DaemonStopped
from gavelq.daemon import journal
from gavelq.daemon.caller import Caller
from gavelq.daemon.local_http import LocalHttp
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.gpus import GpuService
from gavelq.daemon.service.queues import QueueService
from gavelq.daemon.views import Json, counts_json, host_json
from gavelq.ports import GpuProbe, HostMeter, Runner
from gavelq.version import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What does not change while the daemon runs."""

    socket: str
    state_dir: str
    started_at: float


class AdminService:
    """The verbs of `gavelq daemon`, and what else concerns the daemon as a whole."""

    def __init__(
        self, desk: Desk, *, facts: Facts, http: LocalHttp, probe: GpuProbe, runner: Runner, gpus: GpuService,
        queues: QueueService, request_stop: Callable[[bool], None], reload_config: Callable[[], Json],
        warnings: Callable[[], list[str]], host: HostMeter,
    ) -> None:  # fmt: skip
        self._desk = desk
        self._began = desk.clock.passed()
        self._facts = facts
        self._http = http
        self._probe = probe
        self._runner = runner
        self._gpus = gpus
        self._queues = queues
        self._request_stop = request_stop
        self._reload = reload_config
        self._warnings = warnings
        self._host = host

    async def daemon(self, caller: Caller) -> Json:
        """`GET /api/daemon`: the daemon object of SPEC section 4; the counts are of the caller's tasks."""
        tenant = None if caller.is_admin else caller.tenant
        return {
            "running": True,
            "pid": os.getpid(),
            "version": __version__,
            "socket": self._facts.socket,
            "state_dir": self._facts.state_dir,
            "http": self._http.url,
            "uptime_s": round(self._desk.clock.passed() - self._began, 3),
            "gpu_provider": self._probe.name,
            "warnings": self._warnings(),
            "runner_pid": self._runner.pid,
            "read_only": self._desk.loop.is_read_only,
            "counts": counts_json(await self._desk.store.counts(tenant=tenant)),
        }

    async def status(self, caller: Caller) -> Json:
        """`GET /api/status`: everything at a glance."""
        daemon = await self.daemon(caller)
        return {
            "daemon": daemon,
            "host": host_json(self._host.look()),
            "gpus": self._gpus.list_gpus(caller),
            "queues": self._queues.list_queues(caller),
            "counts": daemon["counts"],
        }

    def health(self) -> Json:
        """`GET /api/gpu/status`: whether GPUs can be seen; the one thing told to anybody."""
        sample = self._desk.state.books.sample
        age = self._desk.clock.now() - sample.taken_at
        if age > self._desk.loop.policy.stale_s:
            return {"status": "degraded", "problem": sample.problem or f"no look at the GPUs for {age:.0f} s"}
        cards = list(self._desk.state.cards.values())
        lost = [card.index for card in cards if card.lost]
        broken = [card.index for card in cards if card.fault and not card.lost]
        told = (f"{what}: GPU {', '.join(which)}" for what, which in (("lost", lost), ("broken", broken)) if which)
        problem = sample.problem or "; ".join(told) or None
        return {"status": "ok"} if problem is None else {"status": "degraded", "problem": problem}

    async def stop(self, caller: Caller, *, kill_tasks: bool) -> Json:
        """`daemon stop`: end the daemon; its tasks only when asked."""
        caller.require_admin("stopping the daemon")
        n_stopped = await self._stop_tasks(caller) if kill_tasks else 0
        journal.note("stop requested", by=caller.name, kill_tasks=kill_tasks, n_tasks=n_stopped)
        self._note("daemon_stopping", caller, kill_tasks=kill_tasks)
        self._request_stop(kill_tasks)
        return {"stopping": True, "tasks_stopped": n_stopped}

    async def listen(self, caller: Caller, *, is_local: bool, address: str | None) -> Json:
        """`POST /api/daemon/listen`: open a TCP address on the loopback, where there is none; closed with the daemon.

        `is_local`: whether the caller came by a unix socket, as the daemon's own user. Raises NotAllowed.
        """
        caller.require_admin("opening an address")
        if not is_local:
            why, hint = "only the daemon's own user may, on its unix socket", "set http.listen and restart the daemon"
            raise NotAllowed(action="opening an address", why=why, hint=hint)
        url, is_new = await self._http.open(address)
        if is_new:
            journal.note("listening", by=caller.name, http=url)
            self._note("daemon_listening", caller, http=url)
        return {"http": url, "opened": is_new}

    async def _stop_tasks(self, caller: Caller) -> int:
        loop = self._desk.loop
        loop.is_closing = True  # from here on nothing starts, also not in the very batch that stops the others
        try:
            n_stopped: int = await loop.ask(DaemonStopped(by=caller.name))
        except GavelqError:
            loop.is_closing = False
            loop.wake()
            raise
        return n_stopped

    def reload(self, caller: Caller) -> Json:
        """`POST /api/config/reload`: read the configuration file again. Raises InvalidFile; then nothing changed."""
        caller.require_admin("reloading the configuration")
        done = self._reload()
        self._note("config_reloaded", caller, changed=done["changed"])
        return done

    def _note(self, kind: str, caller: Caller, **about: object) -> None:
        """For the audit log; nobody waits for it."""
        self._desk.loop.post(ActNoted(by=caller.name, kind=kind, details=about))

    async def backup(self, caller: Caller, path: str) -> Json:
        """`gavelq backup`: a consistent copy of the live database in a new file."""
        caller.require_admin("making a backup")
        if not os.path.isabs(path) or "\0" in path:
            raise InvalidField(field="path", problem=f"{path!r} is not absolute", hint="begin with /")
        directory = os.path.dirname(path)
        if not await asyncio.to_thread(os.access, directory, os.W_OK | os.X_OK):
            problem = f"{directory} is no directory that can be written to"
            raise InvalidField(field="path", problem=problem, hint="name a file in an existing directory of yours")
        try:
            await self._desk.store.backup(path)
        except FileExistsError:
            raise WrongState(what=path, state="there already", problem="a backup goes to a new file") from None
        self._note("backup", caller, path=path)
        return {"path": path, "bytes": await asyncio.to_thread(os.path.getsize, path)}
