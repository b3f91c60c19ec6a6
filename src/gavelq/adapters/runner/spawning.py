"""Starting attempts: the directory first, then the fork.

After a crash of any process, no directory means that nothing ever ran. The directory is not brought to disk: after a
loss of power nothing runs any more, and what the daemon has committed as running is lost with or without it.
"""

import gc
import os
import socket
import sys

from gavelq.adapters.runner import sockets, wire
from gavelq.adapters.runner.attempts import Attempt, Attempts
from gavelq.adapters.runner.claims import Claimed
from gavelq.adapters.runner.command import TRANSIENT_ERRORS
from gavelq.adapters.runner.facts import Facts
from gavelq.adapters.runner.files import CONTROL, AttemptFiles
from gavelq.adapters.runner.forked import supervise

_Prepared = tuple[wire.Spawn, Attempt, socket.socket, tuple[int, ...]]
"""What is asked for, its control socket, and the descriptors that its supervisor holds: the lock first, the cards'."""


class Spawner:
    """Collects requests and starts them together."""

    def __init__(self, attempts: Attempts, reports_fd: int, file_limit: tuple[int, int]) -> None:
        self._attempts = attempts
        self._reports_fd = reports_fd
        self._file_limit = file_limit
        self._batch: list[tuple[wire.Spawn, Attempt]] = []

    def ask(self, spawn: wire.Spawn) -> None:
        """Take a request into the batch; answer at once what is known, or what cannot be."""
        key = (spawn.task, spawn.attempt)
        known = self._attempts.known.get(key)
        if known is not None:
            line = known.end or known.started
            if line is not None:
                self._attempts.report(line)
            return
        if any(attempt.key == key for _, attempt in self._batch):
            return
        problem = self._misplaced(spawn)
        if problem:
            self._refuse(spawn, problem, is_transient=False)
            return
        files = AttemptFiles(self._attempts.attempts_fd, *key)
        attempt = Attempt(key, files, Facts(spawn, self._attempts.boot_id))
        try:
            self._attempts.claims.take(spawn.claims)
            attempt.claimed = spawn.claims
            files.create()
        except Claimed as conflict:
            self._refuse(spawn, str(conflict), is_transient=True)
        except FileExistsError:  # an end that could not be deleted once, and was forgotten
            self._attempts.claims.give_back(attempt.claimed)
            self._attempts.adopt(key)
        except OSError as error:
            self._give_up(spawn, attempt, error)
        else:
            self._batch.append((spawn, attempt))

    def start(self) -> None:
        """Start what was asked for: all is prepared before the first fork.

        A page that the runner writes between two forks stays as it was in the first supervisor, its own copy as long
        as its task runs. Forked in a row, the supervisors share what the runner writes after them.
        """
        batch, self._batch = self._batch, []
        prepared = []
        for spawn, attempt in batch:
            try:
                prepared.append(self._prepare(spawn, attempt))
            except OSError as error:
                self._give_up(spawn, attempt, error)
        failures = [self._fork(*one) for one in prepared]
        for (spawn, attempt, control, (lock_fd, *_)), failure in zip(prepared, failures, strict=True):
            os.close(lock_fd)
            control.close()
            if failure is None:
                self._attempts.add(attempt)
            else:
                self._give_up(spawn, attempt, failure)

    def _prepare(self, spawn: wire.Spawn, attempt: Attempt) -> _Prepared:
        files = attempt.files
        if attempt.facts is None:
            raise AssertionError("an attempt that is started here has its facts")
        lock_fd = files.lock(attempt.facts)
        control: socket.socket | None = None
        try:
            control = sockets.inbox(files.attempts_fd, f"{files.name}/{CONTROL}")
            if spawn.script is not None:
                files.write_script(spawn.script)
        except OSError:
            os.close(lock_fd)
            if control is not None:
                control.close()
            raise
        return spawn, attempt, control, (lock_fd, *self._attempts.claims.descriptors(spawn.claims))

    def _fork(
        self, spawn: wire.Spawn, attempt: Attempt, control: socket.socket, keep: tuple[int, ...]
    ) -> OSError | None:
        sys.stderr.flush()
        try:
            attempt.pid = os.fork()
        except OSError as error:
            return error
        if attempt.pid == 0:
            gc.disable()
            boot_id, file_limit = self._attempts.boot_id, self._file_limit
            supervise(
                spawn, attempt.files, control, self._reports_fd, boot_id=boot_id, keep=keep, file_limit=file_limit
            )
        return None

    def _misplaced(self, spawn: wire.Spawn) -> str:
        if spawn.account not in ("", self._attempts.user):
            return f"this runner starts tasks as {self._attempts.user}, not as {spawn.account!r}"
        if spawn.host not in ("", self._attempts.host):
            return f"this runner starts tasks on {self._attempts.host}, not on {spawn.host!r}"
        return ""

    def _give_up(self, spawn: wire.Spawn, attempt: Attempt, error: OSError) -> None:
        self._attempts.claims.give_back(attempt.claimed)
        attempt.files.discard()
        where = attempt.files.path("")
        is_transient = error.errno in TRANSIENT_ERRORS
        self._refuse(spawn, f"the attempt cannot be prepared in {where} ({error.strerror})", is_transient=is_transient)

    def _refuse(self, spawn: wire.Spawn, problem: str, *, is_transient: bool) -> None:
        message = {"task": spawn.task, "attempt": spawn.attempt, "problem": problem, "is_transient": is_transient}
        self._attempts.report(wire.encode({"kind": "spawn_failed", **message}))
