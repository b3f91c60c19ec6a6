"""kill -9 of the daemon at random moments, again and again, while tasks are submitted, started and ended.

Every task is submitted under a key of its own until it is acknowledged, notes in a witness file when it begins and
ends and on which GPUs, and exits with a code that follows from its key. Afterwards `problems` holds what was promised
against what the daemon says and what the witness saw.
"""

import json
import os
import random
import signal
import threading
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from gavelq.client.address import Address
from gavelq.client.wire import Unreachable, exchange
from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, Json

TASKS_PER_ROUND = 10
N_SUBMITTERS = 2
_SHARE_OF_EARLY_KILLS = 0.4
"""How many of the kills hit a daemon that is still starting."""
_DRAIN_S = 120.0
"""After so long without an end, tasks that are left will never end."""
_LOOK_S = 10.0
_NOT_ENDED = ("held", "pending", "starting", "running", "stopping")
_LIVE = "/api/tasks?limit=1&" + "&".join(f"state={state}" for state in _NOT_ENDED)


@dataclass(frozen=True)
class Job:
    """One task as it is meant to run; everything follows from the seed and the number."""

    key: str
    seconds: float
    n_gpus: int
    exit_code: int

    @staticmethod
    def of(seed: int, number: int) -> "Job":
        """The job with that number."""
        chance = random.Random(f"{seed}-{number}")
        is_long = chance.random() < 0.1  # it ends while there is no daemon
        seconds = chance.uniform(0.6, 1.6) if is_long else chance.uniform(0, 0.15)
        n_gpus = chance.choice((0, 1, 1, 1, 1, 1, 2, 4))
        return Job(f"job-{number}", round(seconds, 3), n_gpus, chance.randrange(200))

    def body(self, witness: Path) -> Json:
        """The request. An `echo` is one write to a file opened with O_APPEND, so that lines never mix."""
        told = f'{self.key} $GAVELQ_TASK_ID $GAVELQ_ATTEMPT "${{GAVELQ_GPUS:--}}" $EPOCHREALTIME >> {witness}'
        command = f"echo begin {told}; sleep {self.seconds}; echo end {told}; exit {self.exit_code}"
        env = {"PATH": os.environ["PATH"]}
        return {"name": self.key, "command": command, "gpu_count": self.n_gpus, "workdir": "/tmp", "env": env}


class Storm:
    """The kills, the submissions, and what came of them."""

    def __init__(self, box: Box, *, seed: int, n_rounds: int, runner_every: int = 0) -> None:
        """`runner_every`: in every so many rounds the runner is killed as well (0: never)."""
        self.box = box
        self.seed = seed
        self.n_rounds = n_rounds
        self.witness = box.home / "witness"
        self.acknowledged: dict[str, int] = {}
        self.start_s: list[float] = []
        """How long the daemon took to answer, where it was allowed to."""
        self.n_kills = 0
        self._runner_every = runner_every
        self._chance = random.Random(seed)
        self._numbers = iter(range(n_rounds * TASKS_PER_ROUND))
        self._allowance = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._strange: list[str] = []
        """Answers that nobody should ever get."""

    def run(self) -> None:
        """All rounds, and then until every task has ended under a daemon that is left alone."""
        submitters = [threading.Thread(target=self._submit_all) for _ in range(N_SUBMITTERS)]
        for thread in submitters:
            thread.start()
        try:
            for number in range(self.n_rounds):
                self._allowance.release(TASKS_PER_ROUND)
                self._round(number)
        finally:
            self._allowance.release(TASKS_PER_ROUND * self.n_rounds + N_SUBMITTERS)
            self._start()
            for thread in submitters:
                thread.join()
        self._drain()

    def _drain(self) -> None:
        """Wait until every task has ended, however long that takes, while some do."""
        n_left, quiet_s = self._n_left(), 0.0
        while n_left:
            oldest = self.box.get(_LIVE)[:1]
            for task in oldest:
                self.box.get(f"/api/tasks/{task['id']}/wait?timeout={_LOOK_S:g}")
            before, n_left = n_left, self._n_left()
            quiet_s = quiet_s + _LOOK_S if n_left == before else 0.0
            if quiet_s >= _DRAIN_S:
                raise AssertionError(f"seed {self.seed}: {n_left} tasks do not end, such as {oldest}")

    def _round(self, number: int) -> None:
        """From one kill to the next. The moment is random on purpose: this is the one place that sleeps."""
        if self._chance.random() < _SHARE_OF_EARLY_KILLS:
            self.box.start(wait=False)
            time.sleep(self._chance.uniform(0.0, 1.0))
        else:
            self._start()
            time.sleep(self._chance.uniform(0.0, 0.25))
            if self._runner_every and number % self._runner_every == 0:
                os.kill(self.box.runner_pid, signal.SIGKILL)
                time.sleep(self._chance.uniform(0.0, 0.3))
        if self.box.process is not None and self.box.process.poll() is not None:
            self._strange.append(f"round {number}: the daemon ended by itself: {self.box.said()}")
        self.box.kill()
        self.n_kills += 1

    def _start(self) -> None:
        began = time.monotonic()
        self.box.start()
        self.start_s.append(time.monotonic() - began)

    # --- submitting ---------------------------------------------------------------------------------------

    def _submit_all(self) -> None:
        while True:
            self._allowance.acquire()
            with self._lock:
                number = next(self._numbers, None)
            if number is None:
                return
            self._submit(Job.of(self.seed, number))

    def _submit(self, job: Job) -> None:
        """Until it is acknowledged; the same key each time, so that a lost answer makes no second task."""
        content = json.dumps(job.body(self.witness)).encode()
        headers = {"Idempotency-Key": job.key}
        for _ in range(10_000):
            try:
                reply = exchange(
                    Address(socket=self.box.socket), "POST", "/api/tasks", body=content, headers=headers, timeout_s=20
                )
            except (Unreachable, TimeoutError):
                time.sleep(0.01)
                continue
            if reply.status != 201:
                self._strange.append(f"{job.key}: {reply.status} {reply.body!r:.300}")
            else:
                self.acknowledged[job.key] = int(json.loads(reply.body)["id"])
            return
        self._strange.append(f"{job.key}: never acknowledged")

    def _n_left(self) -> int:
        counts = self.box.get("/api/daemon")["counts"]
        return sum(int(counts[state]) for state in _NOT_ENDED)

    # --- the verdict --------------------------------------------------------------------------------------

    def problems(self) -> list[str]:
        """Every broken promise, in words; empty when all were kept."""
        tasks = self._listed()
        found = list(self._strange)
        found += self._check_tasks(tasks)
        found += check_witness(self.witness.read_text().splitlines(), self.acknowledged)
        found += self._check_rest(tasks)
        return found

    def _listed(self) -> list[Json]:
        tasks: list[Json] = []
        while page := self.box.get(f"/api/tasks?limit=1000&after={tasks[-1]['id'] if tasks else 0}"):
            tasks += page
        return tasks

    def _check_tasks(self, tasks: list[Json]) -> list[str]:
        found = []
        by_id = {task["id"]: task for task in tasks}
        if len(by_id) != len(tasks) or len(tasks) != len(self.acknowledged):
            found.append(f"{len(tasks)} tasks, {len(by_id)} ids, {len(self.acknowledged)} acknowledged")
        if len(set(self.acknowledged.values())) != len(self.acknowledged):
            found.append("an id was given twice")
        for number in range(self.n_rounds * TASKS_PER_ROUND):
            job = Job.of(self.seed, number)
            task = by_id.get(self.acknowledged.get(job.key, 0))
            if task is None or task["name"] != job.key:
                found.append(f"{job.key} was acknowledged as {self.acknowledged.get(job.key)} and is {task}")
                continue
            wanted = ("completed", "exit_zero") if job.exit_code == 0 else ("failed", "exit_nonzero")
            if (task["state"], task["end_reason"], task["exit_code"]) != (*wanted, job.exit_code):
                found.append(f"{job.key} should have ended with {job.exit_code}: {task}")
            if task["attempt"] != 1 or task["gpus"] != sorted(set(task["gpus"])) or len(task["gpus"]) != job.n_gpus:
                found.append(f"{job.key} asked for {job.n_gpus} GPUs and one attempt: {task}")
        return found

    def _check_rest(self, tasks: list[Json]) -> list[str]:
        found = [f"GPU {gpu['index']} leaked: {gpu}" for gpu in self.box.get("/api/gpus") if gpu["state"] != "free"]
        counts = self.box.get("/api/daemon")["counts"]
        recount = {state: sum(task["state"] == state for task in tasks) for state in counts}
        if counts != recount:
            found.append(f"counted {counts}, recounted {recount}")
        queues = self.box.get("/api/queues")
        counted = ("n_pending", "n_running", "n_held")
        found += [f"a queue still counts tasks: {queue}" for queue in queues if any(queue[name] for name in counted)]
        attempts = self.box.home / "state" / "runner" / "attempts"
        try:
            wait_until(lambda: not list(attempts.iterdir()), 30)
        except AssertionError:
            found.append(f"attempts that were never forgotten: {sorted(p.name for p in attempts.iterdir())}")
        return found


def check_witness(lines: list[str], acknowledged: dict[str, int]) -> list[str]:
    """What the tasks themselves noted: each began and ended once, under its id, and no GPU had two at once."""
    found = []
    noted: dict[str, list[tuple[str, int, int, str, float]]] = {}
    for line in lines:
        what, key, number, attempt, gpus, at = line.split()
        noted.setdefault(key, []).append((what, int(number), int(attempt), gpus, float(at)))
    spans: dict[str, list[tuple[float, float, str]]] = {}
    for key, task_id in acknowledged.items():
        told = noted.pop(key, [])
        if [entry[:3] for entry in told] != [("begin", task_id, 1), ("end", task_id, 1)]:
            found.append(f"{key} (task {task_id}) should have begun and ended once: {told}")
            continue
        for gpu in told[0][3].split(",") if told[0][3] != "-" else ():
            spans.setdefault(gpu, []).append((told[0][4], told[1][4], key))
    if noted:
        found.append(f"tasks ran that nobody was told of: {noted}")
    for gpu, used in spans.items():
        used.sort()
        for (_, ended, first), (began, _, second) in pairwise(used):
            if began < ended:
                found.append(f"GPU {gpu} was given to {second} while {first} ran on it")
    return found
