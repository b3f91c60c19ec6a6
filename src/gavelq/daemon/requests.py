"""From what a caller wrote to what the engine takes: defaults, blobs, card names, directories."""

import hashlib
import json
import os
from collections.abc import Mapping

from gavelq.core.errors import GpuNotFound, InvalidField
from gavelq.core.gpu import Card
from gavelq.core.ids import BlobKey, GpuUuid, QueueName
from gavelq.core.task import Argv, Command, GpuRequest, Script, ShellLines, TaskRequest, describe
from gavelq.daemon.caller import Caller
from gavelq.formats.script import interpreter
from gavelq.formats.task_object import ParsedTask

MAX_NAME = 60


def blob_key(content: bytes) -> BlobKey:
    """The key of a blob: equal contents are stored once."""
    return BlobKey(hashlib.sha256(content).hexdigest())


class Intake:
    """Turns the parsed tasks of one submission into requests and collects their blobs."""

    def __init__(self, *, caller: Caller, default_queue: str, cards: Mapping[GpuUuid, Card]) -> None:
        self.blobs: dict[BlobKey, bytes] = {}
        self._caller = caller
        self._default_queue = default_queue
        self._by_name = {card.index: card.uuid for card in cards.values()} | {uuid: uuid for uuid in cards}
        self._envs: dict[int, BlobKey] = {}
        self._checked_dirs: set[str] = set()

    def request(self, parsed: ParsedTask, queue: str | None) -> TaskRequest:
        """One task. `queue` is the submission's; the task's own wins. Raises InvalidField and GpuNotFound."""
        workdir = self._workdir(parsed.workdir)
        command = self._command(parsed)
        memory, count = parsed.memory_mib, parsed.gpu_count
        allowed = tuple(dict.fromkeys(resolve_gpu(name, self._by_name) for name in parsed.gpu_ids or ()))
        gpus = GpuRequest(
            count=count if count is not None else (len(allowed) or 1),
            allowed=allowed,
            memory=memory,
            max_util=parsed.max_util,
        )
        return TaskRequest(
            command=command,
            name=parsed.name or _short(describe(command)),
            workdir=workdir,
            env=self._env(parsed.env),
            dropped_env=parsed.env_dropped or (),
            gpus=gpus,
            queue=QueueName(parsed.queue or queue or self._default_queue),
            priority=parsed.priority or 0,
            tenant=self._caller.tenant,
            tags=parsed.tags or (),
            time_limit_s=parsed.time_limit_s,
            log_path=None if parsed.log_path is None else os.path.normpath(os.path.join(workdir, parsed.log_path)),
            hold=parsed.hold or False,
            requeue=parsed.requeue or False,
            allow_infeasible=parsed.allow_infeasible or False,
        )

    def _workdir(self, wanted: str | None) -> str:
        workdir = os.path.normpath(wanted or os.path.expanduser("~"))
        if workdir not in self._checked_dirs:
            if not os.path.isdir(workdir):
                raise InvalidField(
                    field="workdir",
                    problem=f"there is no directory {workdir}",
                    hint="make it, or name another one with -w DIR",
                )
            self._checked_dirs.add(workdir)
        return workdir

    def _command(self, parsed: ParsedTask) -> Command:
        if parsed.script is not None:
            key = blob_key(parsed.script.content)
            self.blobs[key] = parsed.script.content
            name = parsed.script.name
            by = interpreter(name, parsed.script.content)
            return Script(name=name, blob=key, interpreter=by, args=parsed.script.args)
        if parsed.argv is not None:
            return Argv(argv=parsed.argv)
        return ShellLines(lines=parsed.command or ())

    def _env(self, env: Mapping[str, str] | None) -> BlobKey:
        """The captured environment; without one, a small one of the daemon's own user."""
        if env is None:
            env = {name: os.environ[name] for name in ("HOME", "PATH", "LANG", "USER", "SHELL") if name in os.environ}
        known = self._envs.get(id(env))
        if known is None:
            content = json.dumps(env, sort_keys=True).encode("ascii")
            known = self._envs[id(env)] = blob_key(content)
            self.blobs[known] = content
        return known


def resolve_gpu(name: str, by_name: Mapping[str, GpuUuid]) -> GpuUuid:
    """A card by index or UUID. Raises GpuNotFound."""
    uuid = by_name.get(name)
    if uuid is None:
        raise GpuNotFound(gpu=name)
    return uuid


def _short(text: str) -> str:
    """A name made of a command: its first line, not too long, without control characters."""
    line = "".join(c if c.isprintable() else " " for c in text.split("\n", 1)[0]).strip()
    return line if len(line) <= MAX_NAME else line[: MAX_NAME - 1] + "…"
