"""Figures of servers that stand there: processor time while idle, memory of daemon and runner."""

import time

from bench.contenders import Contender, Gavelq, settle
from bench.measuring import Row, children, cpu_s, pss_mib, wait_for

IDLE_S = 10.0


def idle(contenders: list[Contender]) -> list[Row]:
    """Processor time of an idle server over ten seconds, in percent of one core."""
    settle(3)
    before = {contender.name: cpu_s(contender.server_pids()) for contender in contenders}
    gavelq = next((c for c in contenders if isinstance(c, Gavelq)), None)
    runner = [gavelq.runner_pid()] if gavelq is not None else []
    runner_before = cpu_s(runner)
    time.sleep(IDLE_S)
    values: dict[str, float | None] = {
        c.name: (cpu_s(c.server_pids()) - before[c.name]) / IDLE_S * 100 for c in contenders
    }
    rows = [Row(what="idle server", unit="% of a core", most=0.5, values=values)]
    if gavelq is not None:
        used = (cpu_s(runner) - runner_before) / IDLE_S * 100
        rows.append(Row(what="idle runner", unit="% of a core", values={"gavelq": used}))
    return rows


def memory(contenders: list[Contender]) -> list[Row]:
    """Proportional memory (PSS): the server with 1,000 tasks known, the runner without tasks and per task."""
    gavelq = next(c for c in contenders if isinstance(c, Gavelq))
    empty = pss_mib(gavelq.server_pids())
    gavelq.submit_many([{"command": f"echo {number}", "queue": "waiting"} for number in range(1000)])
    gavelq.ask("GET", "/api/tasks?limit=1000")
    settle()
    values: dict[str, float | None] = {"gavelq": pss_mib(gavelq.server_pids())}
    rows = [
        Row(what="daemon, 1,000 tasks known", unit="MiB", most=70, values=values),
        Row(
            what="server, nothing known", unit="MiB",
            values={"gavelq": empty} | {c.name: pss_mib(c.server_pids()) for c in contenders if c is not gavelq},
        ),
    ]  # fmt: skip
    return rows + _runner(gavelq)


def _runner(gavelq: Gavelq, n: int = 20) -> list[Row]:
    runner = gavelq.runner_pid()
    alone = pss_mib([runner])
    gavelq.submit_many([{"argv": ["sleep", "60"], "gpu_count": 0}] * n)
    wait_for(lambda: gavelq.counts().get("running", 0) == n, 20, "all run")
    settle(0.5)
    total = pss_mib([runner, *children(runner)])
    return [
        Row(what="runner without tasks", unit="MiB", most=12, values={"gavelq": alone}),
        Row(
            what=f"runner and supervisors of {n} running tasks", unit="MiB", most=12 + n, values={"gavelq": total},
            notes={"gavelq": f"{(total - alone) / n:.2f} MiB a task"},
        ),
    ]  # fmt: skip
