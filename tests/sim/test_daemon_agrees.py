"""The daemon in real time and the simulator in virtual time do the same with the same tasks."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from gavelq.scheduling.policy import Policy
from gavelq.sim.machine import parse_machine
from gavelq.sim.simulator import simulate
from gavelq.testing.waiting import wait_until
from tests.sim.loads import HOUR, job, trace
from tests.support.daemon import Box, box

N_TASKS = 200
N_GPUS = 4
PATH = {"PATH": "/usr/bin:/bin"}
POLICY = Policy(order="fair", allowance_s=1.0, grace_s=1.0, stale_s=math.inf)
"""The daemon's own, with the grace time of `Box`."""


@dataclass(slots=True)
class Seen:
    """What the daemon's log tells of a task. Times in seconds since the epoch, when the daemon decided or heard it."""

    placed: float = 0.0
    ended: float = 0.0
    cards: tuple[int, ...] = ()


def test_200_tasks_start_in_the_same_order_and_at_the_same_times_in_daemon_and_simulator() -> None:
    random = Random(7)
    # No two limits are equal: how many milliseconds a launch takes must not decide which of two ends first.
    limits = [HOUR + 120 * n for n in random.sample(range(N_TASKS), N_TASKS)]
    wishes = [(random.choice((1, 1, 1, 2, 2, 3, 4)), limit) for limit in limits]
    lengths = [round(random.uniform(0.01, 0.08), 3) for _ in range(N_TASKS)]
    with box(n_gpus=N_GPUS) as daemon:
        life = _lived(daemon, wishes, lengths)
        launch_s = max(_launch_s(daemon.task(task_id), seen) for task_id, seen in life.items())
    began = min(seen.placed for seen in life.values())
    # A job's length is how long its task really had its cards: what the machine did meanwhile is in it.
    jobs = [
        job(task_id, 0.0, seen.ended - seen.placed, wishes[task_id - 1][0], limit_s=wishes[task_id - 1][1])
        for task_id, seen in sorted(life.items())
    ]
    found = simulate(trace(*jobs), parse_machine(str(N_GPUS)), POLICY)
    # Those that one cycle starts, start together: by number.
    simulated = sorted(found.runs, key=lambda run: (run.start_s, run.job.row))
    really = sorted(life, key=lambda task_id: (life[task_id].placed, task_id))
    assert len(really) == N_TASKS
    assert [run.job.row for run in simulated] == really
    assert {run.job.row: run.cards for run in simulated} == {n: seen.cards for n, seen in life.items()}
    late = [abs(run.start_s - (life[run.job.row].placed - began)) for run in simulated]
    assert max(late) <= launch_s, "they differ by no more than a launch takes"
    assert found.backfilled > 0, "the load is one in which tasks go ahead of each other"


def _lived(daemon: Box, wishes: list[tuple[int, float]], lengths: list[float]) -> dict[int, Seen]:
    """Let the daemon run the tasks, which wait together before the first one starts."""
    daemon.request("PATCH", "/api/queues/running", {"paused": True})
    tasks = [
        {"command": f"sleep {length}", "workdir": "/tmp", "env": PATH, "gpu_count": gpus, "time_limit": limit}
        for (gpus, limit), length in zip(wishes, lengths, strict=True)
    ]
    daemon.post("/api/submissions", {"tasks": tasks})
    daemon.request("PATCH", "/api/queues/running", {"paused": False})
    log = daemon.home / "state" / "daemon.log"
    wait_until(lambda: log.read_text().count('"event": "ended"') == N_TASKS, 240, "all tasks have ended")
    return _read(_lines(log.read_text()))


def _lines(text: str) -> Iterator[tuple[float, dict[str, Any]]]:
    """The lines about starts and ends, with their times. What one commit wrote has one time, and no other has it."""
    at, told, before = 0.0, "", ""
    for line in map(json.loads, text.splitlines()):
        event = line["event"]
        if event not in ("placed", "ended"):
            continue
        is_later = line["at"] != told or (event, before) == ("ended", "placed")
        if is_later:
            at = max(datetime.fromisoformat(line["at"]).timestamp(), at + 1e-5)
        told, before = line["at"], event
        yield at, line


def _read(lines: Iterator[tuple[float, dict[str, Any]]]) -> dict[int, Seen]:
    life: dict[int, Seen] = {}
    for at, line in lines:
        seen = life.setdefault(line["task"], Seen())
        if line["event"] == "placed":
            seen.placed, seen.cards = at, tuple(int(index) for index in line["gpus"])
        else:
            seen.ended = at
    return life


def _launch_s(task: dict[str, Any], seen: Seen) -> float:
    """How long it took from the decision to the start of the command."""
    return max(0.0, datetime.fromisoformat(task["started_at"]).timestamp() - seen.placed)
