"""The composition root: the one place where the daemon meets its adapters and the API."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
from functools import partial

from gavelq.adapters import mps
from gavelq.adapters.clock import SystemClock
from gavelq.adapters.gpu import open_probe
from gavelq.adapters.history.sqlite_history import SqliteHistory
from gavelq.adapters.host import ProcHost
from gavelq.adapters.mps import PrivateMps
from gavelq.adapters.notify.channels import Channels
from gavelq.adapters.notify.mail import MailSettings
from gavelq.adapters.proc_trees import ProcTrees
from gavelq.adapters.procfs import ProcTable
from gavelq.adapters.runner import landlock
from gavelq.adapters.runner.claims import ClaimsReader
from gavelq.adapters.runner.client import RunnerClient
from gavelq.adapters.simulating import SimulatorProcess
from gavelq.adapters.store.filesystem import network_file_system
from gavelq.adapters.store.sqlite_store import SqliteStore
from gavelq.api.app import build_app
from gavelq.api.auth import Doorkeeper, hosts_of
from gavelq.api.limits import Limits
from gavelq.api.serving import make_protocol
from gavelq.config import Config, load, split_listen
from gavelq.core.errors import GavelqError, WrongState
from gavelq.core.tenants import Isolation
from gavelq.daemon import journal
from gavelq.daemon.access import hash_token
from gavelq.daemon.caller import user_name
from gavelq.daemon.confining import CannotConfine
from gavelq.daemon.daemon import Daemon
from gavelq.daemon.history import NoHistory, keeping_of
from gavelq.daemon.instance import InstanceLock, private_directory
from gavelq.daemon.listening import Listener, admin_token, open_shared, open_tcp, open_unix
from gavelq.daemon.service.doctor import Finding
from gavelq.daemon.tls import Tls, open_tls
from gavelq.paths import Paths, resolve
from gavelq.version import __version__

COLLECTED = (10_000, 20, 50)
"""Garbage in circles is looked for after so many new objects, and rarely among the old ones (gc.set_threshold)."""


def main(*, config_path: str | None, socket: str | None, listen: str | None) -> int:
    """Run a daemon in the foreground until it is stopped; its exit code (SPEC section 4).

    `config_path` and `socket` override the usual places, `listen` (HOST:PORT) adds a TCP address.
    """
    paths = resolve(os.environ, config=config_path, socket=socket)
    try:
        config = load(paths.config, os.environ, {"http.listen": listen} if listen else {})
        if config.socket.path and not socket and not os.environ.get("GAVELQ_SOCKET"):
            paths = Paths(paths.config, paths.state, config.socket.path)
        return asyncio.run(_run(paths, config))
    except GavelqError as error:
        sys.stderr.write(f"gavelq: {error.message}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _prepare(paths: Paths, config: Config) -> InstanceLock:
    private_directory(paths.state)
    remote = network_file_system(paths.state)
    if remote is not None and not config.daemon.allow_network_fs:
        raise WrongState(
            what=f"the state directory {paths.state}",
            state=f"on a network file system ({remote})",
            problem="locks and fsync may not hold there what they promise",
            hint="set GAVELQ_HOME or XDG_STATE_HOME to a local disk, or daemon.allow_network_fs: true",
        )
    lock = InstanceLock(paths)
    private_directory(paths.task_logs)
    private_directory(paths.runner)
    journal.open_journal(
        config.log.path or paths.daemon_log,
        level=config.log.level,
        max_mb=config.log.max_mb,
        backups=config.log.backups,
        also_stderr=sys.stderr.isatty(),
    )
    return lock


async def _run(paths: Paths, config: Config) -> int:
    # The loop, the store's writer and the monitor hand the interpreter to each other: 5 ms a hand-over would be felt.
    sys.setswitchinterval(0.0005)
    # Nothing answers and nothing starts while all objects are looked through: 0.1 s with 5,000 tasks.
    gc.set_threshold(*COLLECTED)
    lock = _prepare(paths, config)
    try:
        return await _serve(paths, config)
    finally:
        lock.release()


def _offers() -> dict[Isolation, str]:
    """Why this machine cannot give the levels of isolation that it has to do something for; empty: it can."""
    return {Isolation.DEVICE: landlock.problem(), Isolation.MPS: mps.problem()}


def _build(paths: Paths, config: Config, http: str | None) -> Daemon:
    clock = SystemClock()
    simulated_dir = os.path.join(paths.state, "simulated")
    probe = open_probe(
        config.gpu.provider,
        simulated_count=config.gpu.simulated_count,
        simulated_memory_mib=config.gpu.simulated_memory,
        simulated_dir=simulated_dir,
    )
    is_real = config.gpu.provider != "simulated"
    user = user_name(os.getuid())
    keeping = keeping_of(config)
    identity = {"uid": os.getuid(), "user": user, "pid": os.getpid(), "state_dir": paths.state, "socket": paths.socket}
    runner = RunnerClient(
        directory=paths.runner,
        claims_dir=config.gpu.claims_dir,
        idle_exit_s=config.runner.idle_exit_s,
        identity=identity,
    )
    daemon: Daemon
    daemon = Daemon(
        paths=paths,
        config=config,
        clock=clock,
        store=SqliteStore(paths.database),
        probe=probe,
        runner=runner,
        claims=ClaimsReader(config.gpu.claims_dir, paths.state) if is_real else None,
        processes=ProcTable(),
        history=SqliteHistory(paths.history, keeping) if config.history.enabled else NoHistory(keeping),
        trees=ProcTrees(),
        host=ProcHost(),
        examine=partial(_examine, paths),
        mps=PrivateMps(paths.mps, CannotConfine),
        notifier=Channels(lambda: _mail(daemon.config)),
        simulator=SimulatorProcess(),
        unavailable={level: problem for level, problem in _offers().items() if problem},
        simulated_dir=None if is_real else simulated_dir,
        http=http,
        is_debug=os.environ.get("GAVELQ_DEBUG") == "1",
    )
    return daemon


def _examine(paths: Paths, config: Config) -> list[Finding]:
    """What `gavelq doctor` looks at. Blocking."""
    from gavelq.adapters import doctor  # seldom asked for, and a start need not wait for it
    from gavelq.config import health

    wanted = doctor.Wanted(socket=paths.socket, **health.looked_after(config))
    mistakes = health.configuration(paths.config, os.environ)[1]
    return [*health.versions(), *mistakes, *doctor.examine(paths, wanted, os.environ)]


def _mail(config: Config) -> MailSettings:
    notify = config.notify
    return MailSettings(
        server=notify.smtp, tls=notify.smtp_tls, user=notify.smtp_user, password_file=notify.smtp_password_file,
        sender=notify.mail_from,
    )  # fmt: skip


async def _serve(paths: Paths, config: Config) -> int:
    usual = resolve({name: value for name, value in os.environ.items() if name != "GAVELQ_SOCKET"}).socket
    sockets, unix = [open_unix(paths.socket, is_named=paths.socket != usual)], [paths.socket]
    http, token = None, None
    try:
        tls = open_tls(config.http.tls_cert, config.http.tls_key)
        if config.http.listen:
            tcp, http = open_tcp(config.http.listen, is_tls=tls is not None)
            sockets.append(tcp)
            token = admin_token(paths.admin_token)
        if config.socket.shared:
            sockets.append(open_shared(config.socket.shared, paths.socket))
            unix.append(config.socket.shared)
        daemon = _build(paths, config, http)
        daemon.access.admin_hash = hash_token(token) if token else None
        await daemon.start()
        try:
            return await _answer(daemon, sockets, _doorkeeper(daemon, config), tls)
        finally:
            await daemon.close()
    finally:
        for sock in sockets:
            sock.close()
        for path in unix:  # where none was opened, somebody else may answer
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


def _doorkeeper(daemon: Daemon, config: Config) -> Doorkeeper:
    host = split_listen(config.http.listen)[0] if config.http.listen else "127.0.0.1"
    return Doorkeeper(
        own_uid=os.getuid(),
        access=daemon.access,
        allowed_hosts=hosts_of(host, config.http.allowed_hosts),
        task_of=daemon.task_of,
        is_outside=daemon.is_outside,
        tenant_of_task=daemon.tenant_of_task,
        is_single=daemon.is_single,
        shared_socket=config.socket.shared,
    )


async def _answer(daemon: Daemon, sockets: list[socket.socket], doorkeeper: Doorkeeper, tls: Tls | None) -> int:
    limits = Limits(lambda: daemon.config.http.rate_limit, os.getuid())
    listener = Listener(make_protocol(build_app(daemon.service, doorkeeper, limits), daemon.config.http.patience_s))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, partial(daemon.request_stop, signal.Signals(number).name))
    # The terminal it was started from may close, which is no reason to end.
    loop.add_signal_handler(signal.SIGHUP, tls.reload if tls is not None else lambda: None)
    serve = partial(listener.serve, tls=tls.context if tls is not None else None)
    for sock in sockets:
        await serve(sock)
    daemon.http.is_tls, daemon.http.serve = tls is not None, serve
    facts, http = daemon.facts, daemon.http.url
    journal.note("ready", version=__version__, pid=os.getpid(), socket=facts.socket, http=http)
    if sys.stderr.isatty() or http:
        shown = f", {http} (token in {daemon.paths.admin_token})" if http else ""
        sys.stderr.write(f"gavelq {__version__} is ready: pid {os.getpid()}, {facts.socket}{shown}\n")
        sys.stderr.flush()
    gc.freeze()  # what is there now stays, nearly all of it, and is never looked through again
    code = await daemon.wait_until_stopped()
    daemon.http.serve = None
    listener.close()
    await asyncio.sleep(0.05)  # the answer to `daemon stop` is still on its way
    return code
