"""Figures with 10,000 pending tasks: a submission, a list, a cycle, a restart."""

import statistics
import time

from bench.contenders import BIN, Contender, Gavelq
from bench.measuring import Row, median_ms, run, spawn_ms, timed_ms, wait_for
from gavelq.scheduling.cycle import plan
from gavelq.scheduling.snapshot import take_snapshot
from tests.support.builders import World

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
    """One scheduling cycle over 10,000 pending tasks, in this process, with all cards taken."""
    return [_cycle(n_shapes) for n_shapes in (1, 100, 1000, N)]


def _cycle(n_shapes: int) -> Row:
    world = World()
    for _ in range(4):
        world.submit()
    world.run_all()
    _fill(world, n_shapes)
    took = median_ms(lambda: plan(take_snapshot(world.state, world.policy, world.now), world.policy), 20)
    most = 20 if n_shapes <= 1000 else None
    return Row(what=f"one cycle, 10,000 pending of {n_shapes:,} kinds", unit="ms", most=most, values={"gavelq": took})


def _fill(world: World, n_shapes: int) -> None:
    from gavelq.core import events as ev
    from gavelq.core.ids import BlobKey
    from tests.support.builders import request

    requests = tuple(
        request(priority=n % n_shapes % 100, memory=1024 + n % n_shapes // 100, count=1 + (n % n_shapes % 7 == 0))
        for n in range(N)
    )
    world.send(ev.TasksSubmitted(by="me", requests=requests, blobs={BlobKey("e"): b"{}"}))
