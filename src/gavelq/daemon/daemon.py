"""The daemon put together: loop, effects, monitor, service, and the order in which they start and end."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gavelq.config import Config, differences, load
from gavelq.core.errors import GavelqError
from gavelq.core.events import ClockSet, GpusSampled, NumbersFound, QueueCreated, SpawnFailed
from gavelq.core.ids import TaskId
from gavelq.core.tenants import Isolation
from gavelq.daemon import journal, task_logs
from gavelq.daemon.access import Access
from gavelq.daemon.alerting import Alerting
from gavelq.daemon.clock_watch import set_meanwhile
from gavelq.daemon.confining import MpsDesk
from gavelq.daemon.counts import Counts
from gavelq.daemon.effects import Effects
from gavelq.daemon.evidence import Evidence
from gavelq.daemon.feed import Feed
from gavelq.daemon.history import Recorder, keeping_of
from gavelq.daemon.housekeeping import keep_house
from gavelq.daemon.lease_watch import LeaseWatch
from gavelq.daemon.local_http import LocalHttp
from gavelq.daemon.log_places import LogPlaces, find_places
from gavelq.daemon.log_roots import LogRoots, find_roots
from gavelq.daemon.loop import Loop
from gavelq.daemon.monitor import Monitor
from gavelq.daemon.oom_kills import OomKills
from gavelq.daemon.outbox import Outbox
from gavelq.daemon.passwords import Passwords
from gavelq.daemon.recovery import reconcile, restore
from gavelq.daemon.service import Service
from gavelq.daemon.service.admin import AdminService, Facts
from gavelq.daemon.service.alerts import AlertService
from gavelq.daemon.service.bindings import BindingService
from gavelq.daemon.service.blocks import BlockCounter
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.doctor import DoctorService, Finding
from gavelq.daemon.service.exposition import Exposition
from gavelq.daemon.service.files import FileService
from gavelq.daemon.service.gpus import GpuService
from gavelq.daemon.service.leases import LeaseService
from gavelq.daemon.service.login import LoginService
from gavelq.daemon.service.monitor import MonitorService
from gavelq.daemon.service.overview import OverviewService
from gavelq.daemon.service.plan import PlanService
from gavelq.daemon.service.queues import QueueService
from gavelq.daemon.service.run_state import RunStates
from gavelq.daemon.service.runs import RunService
from gavelq.daemon.service.samples import Samples
from gavelq.daemon.service.settings import SettingsService
from gavelq.daemon.service.simulation import SimulationService
from gavelq.daemon.service.submissions import SubmissionService
from gavelq.daemon.service.tasks import TaskService
from gavelq.daemon.service.tenants import TenantService
from gavelq.daemon.service.tokens import TokenService
from gavelq.daemon.service.usage import UsageService
from gavelq.daemon.settings import missing_queues, policy_of, rules_of, unseen_cards
from gavelq.daemon.turns import Turns
from gavelq.daemon.views import Json
from gavelq.daemon.waiters import Waiters
from gavelq.daemon.watching import Watching
from gavelq.paths import Paths
from gavelq.ports import (
    Clock,
    GpuClaims,
    GpuProbe,
    History,
    HostMeter,
    Mps,
    Notifier,
    ProcessTable,
    ProcessTrees,
    Runner,
    Simulator,
    Store,
)

FIRST_SAMPLE_S = 6.0
"""A driver may need seconds for its first answer; a hanging one must not keep the daemon from starting."""


class Daemon:
    """One running daemon over ports: real ones in `app.py`, fakes in tests."""

    def __init__(
        self,
        *,
        paths: Paths,
        config: Config,
        clock: Clock,
        store: Store,
        probe: GpuProbe,
        runner: Runner,
        claims: GpuClaims | None,
        processes: ProcessTable,
        history: History,
        trees: ProcessTrees,
        host: HostMeter,
        examine: Callable[[Config], Sequence[Finding]],
        mps: Mps,
        notifier: Notifier,
        simulator: Simulator,
        unavailable: Mapping[Isolation, str],
        simulated_dir: str | None,
        http: str | None,
        is_debug: bool,
    ) -> None:
        self.paths = paths
        self.config = config
        self._clock = clock
        self._store = store
        self._runner = runner
        self._processes = processes
        self._history = history
        self._host = host
        self._examine = examine
        self._notifier = notifier
        self._simulator = simulator
        self._unavailable = unavailable
        self._probe = probe
        state = restore(store.load())
        state.books.settle_s = config.settle_s
        state.books.unattributed_mib = config.foreign.unattributed_mib
        self.facts = Facts(socket=paths.socket, state_dir=paths.state, started_at=clock.now())
        self.http = LocalHttp(http)
        self._waiters = Waiters()
        self._mps = MpsDesk(mps=mps, state=state)
        self._effects = Effects(
            state=state, store=store, runner=runner, config=lambda: self.config, socket_path=paths.socket,
            simulated_dir=simulated_dir, resample=self._resample,
            mps=self._mps, post=self._not_started,
        )  # fmt: skip
        self.loop = Loop(
            state=state, store=store, clock=clock, rules=rules_of(config, paths, unavailable), policy=policy_of(config),
            carry_out=self._effects.carry_out, is_debug=is_debug,
        )  # fmt: skip
        self.loop.on_applied.append(self._waiters.notice)
        self._feed = Feed(store)
        self.loop.on_applied.append(self._feed.notice)
        self._counts = Counts()
        self.loop.on_applied.append(self._counts.notice)
        self.loop.on_cycle = self._counts.cycle
        self._turns = Turns()
        self.loop.on_applied.append(self._turns.notice)
        self._lease_watch = LeaseWatch(
            state=state, clock=clock, post=self.loop.post, identify=processes.identify,
            is_read_only=lambda: self.loop.is_read_only,
        )  # fmt: skip
        self.loop.on_applied.append(self._lease_watch.notice)
        self._watching = Watching(
            state=state, clock=clock, post=self.loop.post, window_s=config.sampling.window_s,
            count=config.sampling.count,
        )  # fmt: skip
        self.loop.on_watch = self._watching.want
        self._recorder = Recorder(
            state=state, history=history, trees=trees, clock=clock, interval_s=lambda: self.config.history.processes_s
        )
        self.loop.on_applied.append(self._recorder.notice)
        self._evidence = Evidence(state=state, post=self.loop.post, kernel=OomKills(self._pids_of_ours))
        self._monitor = Monitor(
            probe=probe, claims=claims, processes=processes, clock=clock, state=state, post=self._sampled,
            interval_s=config.gpu.sample_interval_s, configured=config.cards, watching=self._watching,
        )  # fmt: skip
        self.access = Access(
            state=state, clock=clock, ask=self.loop.ask, post=self.loop.post, own_uid=os.getuid(),
            auto=lambda: dict(self.config.tenants.quota or ()) if self.config.tenants.auto else None,
        )  # fmt: skip
        self.loop.on_applied.append(self.access.notice)
        self._outbox = Outbox(
            state=state, clock=clock, notifier=notifier, channels=lambda: self.config.notify.urls, ask=self.loop.ask
        )
        self.loop.on_applied.append(self._outbox.notice)
        self.service = self._build_service()
        self._stopped: asyncio.Future[int] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._missed: set[str] = set()

    def _build_service(self) -> Service:
        desk = Desk(
            loop=self.loop,
            store=self._store,
            history=self._history,
            clock=self._clock,
            waiters=self._waiters,
            config=lambda: self.config,
            identify=self._processes.identify,
            own=self.access.own,
            lease_since=lambda: self._lease_watch.since,
            notify_problem=self._notifier.problem,
            log_places=self._log_places,
        )
        self._alerting = Alerting(
            loop=self.loop, clock=self._clock, config=lambda: self.config, blocks=BlockCounter(desk),
            state_dir=self.paths.state,
        )  # fmt: skip
        gpus, queues = GpuService(desk), QueueService(desk)
        admin = AdminService(
            desk, facts=self.facts, http=self.http, probe=self._probe, runner=self._runner, gpus=gpus, queues=queues,
            request_stop=self._stop_when_idle, reload_config=self.reload, warnings=self.warnings, host=self._host,
        )  # fmt: skip
        leases = LeaseService(desk, self._turns)
        plan = PlanService(desk)
        self.loop.on_applied.append(plan.notice)
        tasks, submissions = TaskService(desk, plan), SubmissionService(desk)
        settings = SettingsService(desk, self.paths, self.reload, self.warnings)
        files = FileService(desk)
        runs = RunService(desk, files, submissions)
        self._run_states = RunStates(desk, files)
        self.loop.on_applied.append(self._run_states.notice)
        bindings = BindingService(desk, files, self._log_roots)
        passwords = Passwords()
        samples = Samples(desk, gpus, self._host, position=lambda: self._feed.position)
        self.loop.on_applied.append(samples.notice)
        return Service(
            tasks=tasks,
            submissions=submissions,
            gpus=gpus,
            queues=queues,
            leases=leases,
            files=files,
            runs=runs,
            run_states=self._run_states,
            bindings=bindings,
            admin=admin,
            settings=settings,
            monitor=MonitorService(desk, gpus),
            usage=UsageService(desk),
            feed=self._feed,
            overview=OverviewService(desk, gpus),
            tenants=TenantService(desk, self.access, passwords),
            tokens=TokenService(desk, self.access),
            login=LoginService(desk, self.access, passwords),
            exposition=Exposition(
                desk, self._counts, started_at=self.facts.started_at, n_listeners=lambda: self._feed.n_listeners
            ),
            alerts=AlertService(desk, self._notifier),
            samples=samples,
            plan=plan,
            doctor=DoctorService(desk, lambda: self._examine(self.config), self.warnings),
            simulation=SimulationService(desk, self._simulator, self.paths.config),
        )

    def _log_roots(self) -> LogRoots:
        return find_roots(
            self.config.logs.roots, state=self.paths.state, task_logs=self.paths.task_logs, files=self._own_files()
        )

    def _log_places(self) -> LogPlaces:
        roots = self.config.tenants.log_roots
        return find_places(roots, own_tenant=self.access.own, closed=[self.paths.state], files=self._own_files())

    def _own_files(self) -> list[str]:
        """Gavelq's own files outside of its state directory."""
        config = self.config
        found = [self.paths.config, config.log.path, config.http.tls_cert, config.http.tls_key]
        return [path for path in found if path is not None]

    async def start(self) -> None:
        """Recover, look at the GPUs once, and begin. Raises GavelqError."""
        self._stopped = asyncio.get_running_loop().create_future()
        newest = [record.at for record in await self._store.records(task_id=None, limit=1)]
        self._spawn(self.loop.run())
        self._spawn(self._effects.run())
        for name in sorted({entry.queue for entry in self.config.cards.values() if entry.queue}):
            if name not in self.loop.state.queues:
                await self.loop.ask(QueueCreated(by="configuration", name=name, options={}))
        running = self.loop.state.holding.values()
        await self.loop.ask(ClockSet(attempts=set_meanwhile(running, self._processes)))
        await self._monitor.start(FIRST_SAMPLE_S)
        last = await asyncio.to_thread(task_logs.last_number, self.paths.task_logs)
        await self.loop.ask(NumbersFound(last=TaskId(last)))
        await self._runner.connect(self._evidence.take, self._reconnected)
        await self._reconcile()
        self._mps.tidy()
        self._spawn(self._evidence.run())
        self._spawn(self._lease_watch.run())
        removed = self._run_states.removed
        self._spawn(self._recorder.run())
        self._spawn(self._outbox.run())
        self._spawn(self._alerting.run())
        self._spawn(self._feed.run())
        house = keep_house(
            self._store, self.loop.state, lambda: self.config, self._clock, removed, newest=max(newest, default=None)
        )
        self._spawn(house)
        self.loop.wake()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.append(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """A part of the daemon ended: by itself, which is fine, or by a fault, which ends the daemon."""
        if task.cancelled() or task.exception() is None:
            if task is not self._tasks[0]:
                self._tasks.remove(task)
            return
        error = task.exception()
        journal.fail("a part of the daemon failed; the daemon ends", error)
        sys.stderr.write(f"gavelq: a part of the daemon failed: {error!r}; more stands in the daemon's log\n")
        if self._stopped is not None and not self._stopped.done():
            self._stopped.set_result(error.exit_code if isinstance(error, GavelqError) else 1)

    async def _reconcile(self) -> None:
        await reconcile(self.loop.state, self._runner, self._evidence.take, self._effects.carry_out)

    def _reconnected(self) -> None:
        journal.warn("the runner was away; its attempts are compared with the books", runner_pid=self._runner.pid)
        self._spawn(self._reconcile())

    def _pids_of_ours(self) -> list[int]:
        """The daemon and the runner, whose control group tasks inherit."""
        return [os.getpid()] + ([self._runner.pid] if self._runner.pid else [])

    def _resample(self) -> None:
        self._monitor.kick()

    def _not_started(self, event: SpawnFailed) -> None:
        self.loop.post(event)

    def _sampled(self, event: GpusSampled) -> None:
        self.loop.post(event)
        self._host.look()  # so that what is asked for next tells of the last second, not of the last hour
        missing = set(unseen_cards(self.config, self.loop.state.cards)) if self.loop.state.cards else set()
        missing.update(missing_queues(self.config, self.loop.state.queues))
        for sentence in sorted(missing - self._missed):
            journal.warn(sentence)
        self._missed = missing

    def warnings(self) -> list[str]:
        """What a person should know: configured GPUs and queues that are not there, GPUs that cannot be seen."""
        state = self.loop.state
        problem = [state.books.sample.problem] if state.books.sample.problem else []
        return problem + missing_queues(self.config, state.queues) + unseen_cards(self.config, state.cards)

    def task_of(self, pid: int) -> TaskId | None:
        """The task that a process descends from, by its supervisor."""
        supervisors = {
            task.attempt.supervisor.pid: task.id
            for task in self.loop.state.holding.values()
            if task.attempt is not None and task.attempt.supervisor is not None
        }
        if not supervisors:
            return None
        return next((supervisors[up] for up in self._processes.ancestors(pid) if up in supervisors), None)

    def is_outside(self, pid: int) -> bool:
        """Whether a process certainly runs in no task, also in none whose start is not known yet or that is orphaned.

        Of a process that has ended meanwhile (its child may have inherited its connection) nobody can say so. Pid 0 is
        one that our pid namespace does not show; our tasks are always shown.
        """
        if pid == 0:
            return True
        ancestors = self._processes.ancestors(pid)
        return bool(ancestors) and self._runner.pid not in ancestors

    def tenant_of_task(self, task_id: TaskId) -> str | None:
        """Whose task that is."""
        task = self.loop.state.tasks.get(task_id)
        return task.request.tenant if task is not None else None

    def is_single(self) -> bool:
        """Whether nobody but the daemon's own user was ever made a tenant."""
        return not self.loop.state.tenants

    def reload(self) -> Json:
        """Read the configuration file again. Raises InvalidFile; then nothing changed."""
        fresh = load(self.paths.config, os.environ)
        if self.config.source("http.listen") == "flag":
            http = replace(fresh.http, listen=self.config.http.listen)
            fresh = replace(fresh, http=http, sources={**fresh.sources, "http.listen": "flag"})
        changed, needs_restart = differences(self.config, fresh)
        self.config = fresh
        self.loop.policy = policy_of(fresh)
        self.loop.state.books.settle_s = fresh.settle_s
        self.loop.state.books.unattributed_mib = fresh.foreign.unattributed_mib
        self.loop.rules = rules_of(fresh, self.paths, self._unavailable)
        self._monitor.interval_s = fresh.gpu.sample_interval_s
        self._monitor.configured = fresh.cards
        self._history.keeping = keeping_of(fresh)
        self._watching.window_s = fresh.sampling.window_s
        self._watching.count = fresh.sampling.count
        journal.set_level(fresh.log.level)
        journal.note("configuration reloaded", changed=list(changed), needs_restart=list(needs_restart))
        self._monitor.kick()
        self.loop.wake()
        return {"changed": list(changed), "needs_restart": list(needs_restart), "warnings": self.warnings()}

    def request_stop(self, why: str) -> None:
        """End the daemon; tasks go on."""
        if self._stopped is not None and not self._stopped.done():
            journal.note("stopping", why=why)
            self._waiters.let_go()
            self._turns.let_go()
            self._feed.let_go()
            self._stopped.set_result(0)

    def _stop_when_idle(self, is_killing: bool) -> None:
        if not is_killing:
            asyncio.get_running_loop().call_soon(self.request_stop, "asked to")
            return
        self._spawn(self._stop_after_tasks())

    async def _stop_after_tasks(self) -> None:
        deadline = asyncio.get_running_loop().time() + self.config.runner.grace_s + 30
        while self.loop.state.holding and asyncio.get_running_loop().time() < deadline:
            for task_id in list(self.loop.state.holding):
                await self._waiters.wait(task_id, 1.0)
        self.request_stop("its tasks have ended")

    async def wait_until_stopped(self) -> int:
        """Until a stop is requested, or a part of the daemon fails; the exit code."""
        if self._stopped is None:
            raise RuntimeError("the daemon was not started")
        return await self._stopped

    async def close(self) -> None:
        """End in an orderly way: nothing that was acknowledged is lost, tasks and their runner go on."""
        self.loop.stop()
        self._monitor.stop()
        for task in self._tasks[1:]:
            task.cancel()
        await asyncio.wait(self._tasks, timeout=10)
        await self._runner.close()
        await self._store.close()
        await self._history.close()
        await self._notifier.close()
        journal.note("stopped")
