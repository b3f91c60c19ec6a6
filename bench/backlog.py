"""Figures with 10,000 pending tasks: a submission, a list, a cycle, a restart."""

import statistics
import time

from bench.contenders import BIN, Contender, Gavelq
from bench.measuring import Row, median_ms, run, spawn_ms, timed_ms, wait_for
from gavelq.core import events as ev
from gavelq.core.ids import BlobKey
from gavelq.core.units import MiB
from gavelq.scheduling.cycle import plan
from gavelq.scheduling.snapshot import Camera
from tests.support.builders import World, request

N = 10_000


def backlog(contenders: list[Contender]) -> list[Row]:
    """A daemon that 10,000 tasks of 1,000 kinds wait in."""
    gavelq = next(c for c in contenders if isinstance(c, Gavelq))
    submit = gavelq.submit("true")
    before = statistics.median(spawn_ms(submit, gavelq.env) for _ in range(30))
    gavelq.submit_many([{"argv": ["sleep", "600"]}] * 4)
    wait_for(lambda: gavelq.counts().get("running", 0) == 4, 20, "the cards are taken")
    tasks = [{"command": "true", "priority": n % 100, "memory_mib": 1024 + n // 100 % 10} for n in range(N)]
    bulk = timed_ms(lambda: gavelq.submit_many(tasks))
    wait_for(lambda: gavelq.counts().get("pending", 0) >= N, 20, "all are pending")
    after = statistics.median(spawn_ms(submit, gavelq.env) for _ in range(30))
    page = median_ms(lambda: gavelq.ask("GET", "/api/tasks?limit=100"), 20)
    listed = [str(BIN / "gavelq"), "task", "list", "--limit", "100"]
    shown = statistics.median(spawn_ms(listed, gavelq.env) for _ in range(20))
    why = median_ms(lambda: gavelq.ask("GET", f"/api/tasks/{N}/why"), 10)
    restart = statistics.median(_restart_ms(gavelq) for _ in range(3))
    return [
        Row(what="submit, 10,000 pending more than none", unit="ms", most=5, values={"gavelq": after - before}),
        Row(what="bulk submission of 10,000 tasks", unit="ms", values={"gavelq": bulk}),
        Row(what="first page (100) over REST, 10,000 pending", unit="ms", most=200, values={"gavelq": page}),
        Row(what="`task list --limit 100`, whole process", unit="ms", most=200, values={"gavelq": shown}),
        Row(what="`why` over REST, 10,000 pending", unit="ms", values={"gavelq": why}),
        Row(what="`daemon restart`, 10,000 pending, 4 running", unit="ms", most=2000, values={"gavelq": restart}),
    ]


def _restart_ms(gavelq: Gavelq) -> float:
    """Stop and start, as a person does it. The daemon is then no longer a child of ours."""
    took = timed_ms(lambda: run([str(BIN / "gavelq"), "daemon", "restart"], gavelq.env))
    time.sleep(0.3)
    return took


def cycle(contenders: list[Contender]) -> list[Row]:
    """One scheduling cycle in this process, on 16 GPUs: with tasks to start, with all cards taken, with nothing."""
    rows = []
    for n_tasks, n_shapes, most in ((N, 1, 25), (N, 200, 25), (10 * N, 200, 25), (10 * N, 1000, 100)):
        world = World(n_cards=16)
        _fill(world, n_tasks, n_shapes)
        what = f"one cycle, {n_tasks:,} pending of {n_shapes:,} kinds, 16 GPUs"
        rows.append(_row(world, f"{what}, 16 start", most))
        world.run_all()
        rows.append(_row(world, f"{what}, all taken", most))
    rows.append(_row(World(n_cards=16), "one cycle, nothing is pending", 1))
    return rows


def _row(world: World, what: str, most: float) -> Row:
    camera = Camera(world.state)  # one for all cycles, as the daemon has it
    took = median_ms(lambda: plan(camera.take(world.policy, world.now), world.policy), 20)
    return Row(what=what, unit="ms", most=most, values={"gavelq": took})


def _fill(world: World, n_tasks: int, n_shapes: int) -> None:
    """Kinds that differ in priority, memory, GPUs, time limit and allowed utilisation."""
    limits = (None, 3600.0, 7200.0, 86400.0)
    kinds = [
        request(
            priority=n % 5,
            memory=MiB(1024 + 64 * (n // 20)) if n % 3 else None,
            count=1 + n // 20 % 4 if n % 5 == 0 else 1,
            time_limit_s=limits[n // 5 % 4],
            max_util=n // 10 % 101,
        )
        for n in range(n_shapes)
    ]
    requests = tuple(kinds[n % n_shapes] for n in range(n_tasks))
    world.send(ev.TasksSubmitted(by="me", requests=requests, blobs={BlobKey("e"): b"{}"}))
    if len(world.state.pending.buckets) != n_shapes:
        raise AssertionError(f"{len(world.state.pending.buckets)} kinds instead of {n_shapes}")
