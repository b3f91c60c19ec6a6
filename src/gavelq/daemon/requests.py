"""From what a caller wrote to what the engine takes: defaults, blobs, card names, directories."""

import hashlib
import json
import os
from collections.abc import Callable, Collection, Mapping
from functools import cached_property, lru_cache

from gavelq.core.errors import GpuNotFound, InvalidField, LimitReached, NotAllowed, QueueNotFound
from gavelq.core.gpu import Card
from gavelq.core.ids import BlobKey, GpuUuid, QueueName, TaskId
from gavelq.core.notices import NotifyOn, masked
from gavelq.core.queue import Queue
from gavelq.core.retrying import RetryWish, resolved
from gavelq.core.task import (
    Argv,
    Command,
    Dependency,
    DependencyKind,
    GpuRequest,
    Lease,
    ProcessIdentity,
    Script,
    ShellLines,
    TaskRequest,
    Warn,
    describe,
)
from gavelq.core.tenants import Role, TenantNotFound
from gavelq.daemon.caller import Caller
from gavelq.daemon.directories import Directories
from gavelq.daemon.log_places import LogPlaces
from gavelq.formats.environment import OVERRIDDEN
from gavelq.formats.script import interpreter
from gavelq.formats.task_object import ParsedTask

MAX_NAME = 60
_encode_env = json.JSONEncoder(sort_keys=True).encode
MAX_DEPENDENCIES = 100_000
"""Of all tasks of one submission."""


def blob_key(content: bytes) -> BlobKey:
    """The key of a blob: equal contents are stored once."""
    return BlobKey(hashlib.sha256(content).hexdigest())


class Intake:
    """Turns the parsed tasks of one submission into requests and collects their blobs."""

    def __init__(
        self, *, caller: Caller, default_queue: str, cards: Mapping[GpuUuid, Card],
        queues: Mapping[QueueName, Queue] | None = None, retry: RetryWish | None = None, now: float = 0.0,
        owner: Callable[[int], ProcessIdentity | None] = lambda _: None, renew_s: float = 60.0,
        tenants: Collection[str] = (), notify_problem: Callable[[str], str] = lambda _: "",
        log_places: Callable[[], LogPlaces] = lambda: LogPlaces("", (), (), ()),
        directories: Directories | None = None,
    ) -> None:  # fmt: skip
        """`queues` and `retry` (the configuration's) give defaults; `owner` identifies the process of a pid."""
        self.blobs: dict[BlobKey, bytes] = {}
        self._caller = caller
        self._default_queue = default_queue
        self._queues = queues or {}
        self._retry = retry or RetryWish()
        self._now = now
        self._owner = owner
        self._renew_s = renew_s
        self._tenants = tenants
        self._notify_problem = notify_problem
        self._find_log_places = log_places
        self._log_places: LogPlaces | None = None
        self._cards = cards
        self._envs: dict[int, tuple[Mapping[str, str], BlobKey]] = {}
        """By identity; the object is kept, so that no other one gets its number."""
        self._directories = directories or Directories()
        self._checked_dirs: set[str] = set()
        self._n_dependencies = 0

    @cached_property
    def _by_name(self) -> Mapping[str, GpuUuid]:
        """The cards by their indices and UUIDs; most tasks name none."""
        return {card.index: card.uuid for card in self._cards.values()} | {uuid: uuid for uuid in self._cards}

    def is_at_hand(self, parsed: ParsedTask) -> bool:
        """Whether `request` needs to look at nothing that may take its time."""
        asks = parsed.log_path is not None or bool(parsed.notify) or parsed.pid is not None
        return not asks and self._directories.was_seen(_normal(parsed.workdir))

    def request(self, parsed: ParsedTask, queue: str | None) -> TaskRequest:
        """One task. `queue` is the submission's; the task's own wins. Raises InvalidField and NotFound errors."""
        workdir = self._workdir(parsed.workdir)
        command = self._command(parsed)
        named = parsed.queue or queue
        name = QueueName(named or self._default_queue)
        of_queue = self._queues.get(name) or Queue(name=name)
        if not named and self._queues and name not in self._queues:
            hint = "submit.default_queue names it; change that with: gavelq config set submit.default_queue running"
            raise QueueNotFound(queue=name, hint=hint)
        limit = of_queue.limit_for(parsed.time_limit_s)
        return TaskRequest(
            command=command,
            name=parsed.name or name_of(command),
            workdir=workdir,
            env=self._env(parsed.env),
            dropped_env=_dropped(parsed),
            gpus=self._gpus(parsed),
            queue=name,
            priority=parsed.priority or 0,
            tenant=self._tenant(parsed.tenant),
            description=parsed.description or "",
            tags=parsed.tags or (),
            time_limit_s=limit,
            log_path=None if parsed.log_path is None else self._log_path(workdir, parsed.log_path),
            hold=parsed.hold or False,
            requeue=parsed.requeue or False,
            allow_infeasible=parsed.allow_infeasible or False,
            warn=_warn(parsed.warn, limit),
            retry=resolved(_wish(parsed), of_queue.retry, self._retry),
            depends_on=self._dependencies(parsed),
            not_before=None if parsed.not_before is None else parsed.not_before.seconds(self._now),
            preemptible=parsed.preemptible or False,
            is_named=parsed.name is not None,
            learn_memory=parsed.learn_memory or False,
            array_index=parsed.array.indices[0] if parsed.array else None,
            max_parallel=parsed.max_parallel,
            isolation=parsed.isolation,
            mps_percent=parsed.mps_percent,
            notify=self._notify(parsed.notify or ()),
            notify_on=parsed.notify_on or (NotifyOn.END,),
            params=tuple((name, values[0]) for name, values in (parsed.params or {}).items()),
        )

    def _tenant(self, wanted: str | None) -> str:
        """Whose task it is. Raises NotAllowed for another tenant than the caller's own, TenantNotFound to admins."""
        if wanted is None or wanted == self._caller.tenant:
            return self._caller.tenant
        if not self._caller.is_admin and self._caller.role is not Role.ADMIN:
            why, own = f"you are tenant {self._caller.tenant}", self._caller.tenant
            hint = f"leave `tenant` out, or write {own}: the task is {own}'s then"
            raise NotAllowed(action=f"submitting as tenant {wanted}", why=why, hint=hint)
        self._caller.require_admin(f"submitting as tenant {wanted}")
        if wanted not in self._tenants:
            raise TenantNotFound(tenant=wanted)
        return wanted

    def _notify(self, urls: tuple[str, ...]) -> tuple[str, ...]:
        """The URLs to tell. Raises InvalidField where this daemon has no way to; the URL may hold a secret."""
        for number, url in enumerate(urls):
            problem = self._notify_problem(url)
            if problem:
                hint = "docs/alerts.md tells which URLs can be told"
                raise InvalidField(field=f"notify[{number}]", problem=f"{masked(url)}: {problem}", hint=hint)
        return urls

    def _gpus(self, parsed: ParsedTask) -> GpuRequest:
        allowed = tuple(dict.fromkeys(resolve_gpu(name, self._by_name) for name in parsed.gpu_ids or ()))
        count = parsed.gpu_count if parsed.gpu_count is not None else (len(allowed) or 1)
        is_elastic = parsed.max_gpus is not None
        return GpuRequest(
            count=(parsed.min_gpus or 1) if is_elastic else count,
            max_count=parsed.max_gpus,
            gpu_left=parsed.gpu_left,
            allowed=allowed,
            memory=parsed.memory_mib,
            max_util=parsed.max_util,
            share=parsed.share or False,
        )

    def _workdir(self, wanted: str | None) -> str:
        workdir = _normal(wanted)
        if workdir not in self._checked_dirs:
            if not self._directories.is_there(workdir):
                raise InvalidField(
                    field="workdir",
                    problem=f"there is no directory {workdir}",
                    hint="make it, or name another one with -w DIR",
                )
            self._checked_dirs.add(workdir)
        return workdir

    def _log_path(self, workdir: str, wanted: str) -> str:
        """Where its output goes. Raises LogPlaceRefused."""
        if self._log_places is None:
            self._log_places = self._find_log_places()
        return self._log_places.path(self._caller, workdir, wanted)

    def _command(self, parsed: ParsedTask) -> Command:
        if parsed.lease:
            return Lease(owner=self._lease_owner(parsed.pid), renew_s=self._renew_s)
        if parsed.script is not None:
            key = blob_key(parsed.script.content)
            self.blobs[key] = parsed.script.content
            name = parsed.script.name
            by = interpreter(name, parsed.script.content)
            return Script(name=name, blob=key, interpreter=by, args=parsed.script.args)
        if parsed.argv is not None:
            return Argv(argv=parsed.argv)
        return ShellLines(lines=parsed.command or ())

    def _dependencies(self, parsed: ParsedTask) -> tuple[Dependency, ...]:
        wanted = (
            (DependencyKind.OK, parsed.after), (DependencyKind.ANY, parsed.after_any),
            (DependencyKind.FAIL, parsed.after_fail),
        )  # fmt: skip
        found = tuple(Dependency(task_id=TaskId(number), kind=kind) for kind, ids in wanted for number in ids or ())
        self._n_dependencies += len(found)
        if self._n_dependencies > MAX_DEPENDENCIES:
            problem = f"together these tasks name more than {MAX_DEPENDENCIES} tasks to wait for"
            hint = "let them wait for one task that waits for the others"
            raise LimitReached(limit="the number of dependencies", problem=problem, hint=hint, field="after")
        return found

    def _lease_owner(self, pid: int | None) -> ProcessIdentity | None:
        if pid is None:
            return None
        found = self._owner(pid)
        if found is None:
            raise InvalidField(field="pid", problem=f"there is no process {pid}", hint="name one that runs")
        return found

    def _env(self, env: Mapping[str, str] | None) -> BlobKey:
        """The captured environment; without one, a small one of the daemon's own user."""
        if env is None:
            env = _small_env()
        known = self._envs.get(id(env))
        if known is None:
            content = _encode_env(env).encode("ascii")
            known = self._envs[id(env)] = env, blob_key(content)
            self.blobs[known[1]] = content
        return known[1]


def _dropped(parsed: ParsedTask) -> tuple[str, ...]:
    """The variables that the task does not get as its submitter has them: left out, or set by gavelq."""
    lost = [name for name in OVERRIDDEN if name in parsed.env] if parsed.env else []
    return tuple(dict.fromkeys([*(parsed.env_dropped or ()), *sorted(lost)])) if lost else parsed.env_dropped or ()


def _normal(workdir: str | None) -> str:
    return os.path.normpath(workdir or os.path.expanduser("~"))


@lru_cache(maxsize=1)  # one object, which `_env` knows again for ten thousand tasks
def _small_env() -> Mapping[str, str]:
    return {name: os.environ[name] for name in ("HOME", "PATH", "LANG", "USER", "SHELL") if name in os.environ}


def _wish(parsed: ParsedTask) -> RetryWish:
    return RetryWish(
        retries=parsed.retries, backoff=parsed.backoff, burst=parsed.retry_burst, on=parsed.retry_on,
        on_gpu_oom=parsed.on_gpu_oom,
    )  # fmt: skip


def _warn(warn: Warn | None, limit: float | None) -> Warn | None:
    """Raises InvalidField for a warning that could never come."""
    if warn is not None and (limit is None or warn.before_s >= limit):
        raise InvalidField(
            field="warn",
            problem="there is no time limit to warn of" if limit is None else f"the time limit is {limit:g} s",
            hint="give a time limit that is longer than the warning's lead, such as --time 2h",
        )
    return warn


def resolve_gpu(name: str, by_name: Mapping[str, GpuUuid]) -> GpuUuid:
    """A card by index or UUID. Raises GpuNotFound."""
    uuid = by_name.get(name)
    if uuid is None:
        raise GpuNotFound(gpu=name)
    return uuid


def name_of(command: Command) -> str:
    """The name of a task that nobody named."""
    return _short(describe(command)) or "lease"


def _short(text: str) -> str:
    """A name made of a command: its first line, not too long, without control characters."""
    line = "".join(c if c.isprintable() else " " for c in text.split("\n", 1)[0]).strip()
    return line if len(line) <= MAX_NAME else line[: MAX_NAME - 1] + "…"
