"""What tasks, queues and settings are like in the random lives.

Hypothesis chooses seeds and rules; the many small choices behind one submission are Python's, which is much faster.
"""

from random import Random
from typing import Any

import hypothesis.strategies as st

from gavelq.core.ids import QueueName
from gavelq.core.retrying import NO_LIMIT, Backoff, OomAction, RetryRules
from gavelq.core.task import DependencyKind, GpuRequest, Warn
from gavelq.core.units import MiB
from gavelq.scheduling.policy import Policy
from tests.properties.machine import N_CARDS
from tests.support.builders import GIB, uuid

TASKS = st.integers(0, 1 << 16)
"""Which of the tasks in question; hypothesis shrinks it well."""
CARDS = st.integers(0, N_CARDS - 1)
NAMES = tuple(QueueName(name) for name in ("running", "running", "running", "a", "b", "waiting"))
QUEUES = st.sampled_from(NAMES)
PRIORITIES = (0, 0, 0, 1, 2, 5, 100)

POLICIES = st.sampled_from(
    [
        Policy(max_running=8, max_cpu_tasks=2),
        Policy(order="fifo", max_per_gpu=3, unknown_utilization=40),
        Policy(max_per_gpu=2, unknown_utilization=30, reserve_mib=2048),
        Policy(order="smallest_first", max_cpu_tasks=2, max_per_gpu=3, unknown_utilization=30),
        Policy(gpu_left=1, max_cpu_tasks=2),
        Policy(max_gpu=4, preemption=True, min_run_s=0.5),
        Policy(order="largest_first", preemption=True, min_run_s=0.5),
        Policy(preemption=True, min_run_s=1.0, max_cpu_tasks=2),
        Policy(preemption=True, min_run_s=0.0, min_levels=1, max_running=6, order="fifo"),
        Policy(allowed_gpus=frozenset({"0", "1", "GPU-test-3", "4"}), gpu_left=1, preemption=True, min_run_s=0.5),
    ]
)
SETTINGS = st.sampled_from(
    [
        {"gpu_left": 0, "min_gpu": 0, "max_gpu": None},
        {"gpu_left": 0, "min_gpu": 0, "max_gpu": None, "max_running": None},
        {"gpu_left": 1},
        {"gpu_left": 2, "min_gpu": 1},
        {"gpu_left": 6, "min_gpu": 3},
        {"max_gpu": 3},
        {"max_gpu": 5, "gpu_left": 0},
        {"preemption": True, "min_run_s": 0.5},
        {"preemption": False},
        {"max_running": 4},
        {"allowed_gpus": frozenset({"0", "2", "GPU-test-4"})},
        {"allowed_gpus": frozenset({"1", "GPU-test-5"}), "gpu_left": 1},
        {"allowed_gpus": None},
    ]
)
OWNERS = ("", "", "", "", "a", "b")
DEPENDENCIES = ((), (), (), (), (DependencyKind.OK,), (DependencyKind.ANY, DependencyKind.FAIL))
CAUSES = ("exited", "exited", "exited", "stopped", "time_limit", "lost")
TOLD = ("", "", "", "torch.cuda.OutOfMemoryError: CUDA out of memory")
"""The last lines of a failed task's output."""
AT_EASE: dict[str, object] = {
    "paused": False, "hold": False, "pool": True, "max_running": None, "max_gpus": None, "max_util": None,
    "mem_type": "ignore",
}  # fmt: skip
"""Options of a queue in whose way nothing stands."""


def options(chance: Random) -> dict[str, object]:
    """Some options of a queue; most of them are nothing special."""
    special = {
        "max_running": chance.choice([1, 2, 3]),
        "max_gpus": chance.choice([1, 2, 4]),
        "max_util": chance.choice([10, 50]),
        "paused": True,
        "hold": chance.random() < 0.5,
        "pool": chance.random() < 0.5,
        "mem_type": chance.choice(["absolute", "percentage"]),
    }
    found: dict[str, object] = {name: value for name, value in special.items() if chance.random() < 0.1}
    return found | {"priority": chance.choice([0, 0, 1, 2, 9]), "mem_value": 50, "lend": chance.random() < 0.6}


def gpus(chance: Random) -> GpuRequest:
    """A request for GPUs."""
    count = chance.choice([1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 0])
    most = count + chance.choice([1, 3]) if count and chance.random() < 0.3 else None
    memory = chance.choice([None, None, None, 1, 8 * GIB, 8 * GIB, 12 * GIB, 20 * GIB])
    listed = chance.choice([(0,), (1, 2, 3)]) if chance.random() < 0.1 else ()
    return GpuRequest(
        count=count,
        max_count=most,
        gpu_left=chance.choice([None, None, 0, 1, 2]) if most else None,
        allowed=tuple(uuid(number) for number in listed) if count <= len(listed) else (),
        memory=None if memory is None else MiB(memory),
        share=memory is not None and chance.random() < 0.6,
        max_util=30 if chance.random() < 0.1 else None,
    )


def limit(chance: Random) -> float | None:
    """A time limit in seconds."""
    return chance.choice([None, None, 3.0, 10.0, 30.0, 60.0, 300.0])


def retries(chance: Random) -> RetryRules:
    """Rules of trying again."""
    return RetryRules(
        retries=chance.choice([0, 0, 1, 2, NO_LIMIT]),
        backoff=chance.choice([Backoff(first_s=0.0), Backoff(first_s=0.5, cap_s=2.0)]),
        burst=chance.choice([None, None, 2]),
        on_gpu_oom=chance.choice([OomAction(), OomAction(factor=1.5), OomAction(is_exclusive=True)]),
    )


def wishes(chance: Random) -> dict[str, Any]:
    """What a task asks for."""
    return {
        "gpus": gpus(chance),
        "queue": chance.choice(NAMES),
        "priority": chance.choice(PRIORITIES),
        "time_limit_s": limit(chance),
        "hold": chance.random() < 0.05,
        "requeue": chance.random() < 0.5,
        "preemptible": chance.random() < 0.5,
        "retry": retries(chance),
        "warn": chance.choice([None, None, Warn(signal=10, before_s=5.0)]),
        "tenant": chance.choice(["me", "me", "you"]),
    }


CHANCE = st.integers(0, 1 << 32).map(Random)
EDITS = (
    "gpus", "gpus", "time_limit_s", "priority", "queue", "preemptible", "retry", "hold", "depends_on", "not_before",
)  # fmt: skip
