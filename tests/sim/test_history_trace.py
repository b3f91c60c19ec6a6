"""gavelq's own past as a trace."""

from typing import Any

from gavelq.sim.machine import parse_machine
from gavelq.sim.measures import busy_s
from gavelq.sim.readers.history import Past, machine_of, read_past


def stamp(second: int) -> str:
    return f"2026-03-01T00:{second // 60:02d}:{second % 60:02d}.000000Z"


def row(number: int, submitted: int, started: int | None, ended: int, cards: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "submitted_at": stamp(submitted), "started_at": None if started is None else stamp(started),
        "ended_at": stamp(ended), "not_before": None, "depends_on": [], "gpu_count": cards, "max_gpus": None,
        "gpu_uuids": [f"GPU-{n}" for n in range(cards)] if started is not None else [], "memory_mib": None,
        "share": False, "time_limit_s": None, "tenant": "ada", "attempt": 1, "is_lease": False, **more,
    }  # fmt: skip


def past(*rows: dict[str, Any]) -> Past:
    return read_past(rows, parse_machine("4"))


def test_a_task_that_ran_is_a_job_with_the_wait_that_it_had() -> None:
    found = past(row(5, 10, 40, 100, 2, time_limit_s=600.0))
    (job,) = found.trace.jobs
    assert (job.job_id, job.submit_s, job.duration_s, job.gpus) == ("5", 0, 60, 2)
    assert (job.limit_s, job.tenant, job.waited_s) == (600, "ada", 30)
    (run,) = found.outcome.runs
    assert (run.start_s, run.end_s, run.wait_s, run.cards) == (30, 90, 30, (0, 1))
    assert busy_s(found.outcome.runs) == 120


def test_tasks_that_never_ran_are_left_out_and_counted() -> None:
    found = past(row(1, 0, 5, 10), row(2, 0, None, 10), row(3, 0, 5, 10, 0))
    assert [job.job_id for job in found.trace.jobs] == ["1"]
    assert found.trace.notes[0].startswith("2 task(s) never ran")
    assert past(row(2, 0, None, 10)).trace.jobs == ()


def test_time_in_which_it_could_not_run_is_no_wait() -> None:
    found = past(
        row(1, 0, 0, 50), row(2, 0, 70, 80, depends_on=[1]), row(3, 0, 90, 95, not_before=stamp(60)),
        row(4, 0, 20, 30, depends_on=[99]), row(5, 0, 40, 45, depends_on=[1]),
    )  # fmt: skip
    waits = {job.job_id: job.waited_s for job in found.trace.jobs}
    assert waits == {"1": 0, "2": 20, "3": 30, "4": 20, "5": 0}


def test_nobody_started_before_being_submitted_whatever_clocks_said() -> None:
    (job,) = past(row(1, 20, 10, 30)).trace.jobs
    assert (job.submit_s, job.waited_s, job.duration_s) == (0, 0, 20)


def test_an_elastic_task_has_the_work_that_it_did() -> None:
    (job,) = past(row(1, 0, 0, 60, 4, gpu_count=2, max_gpus=4)).trace.jobs
    assert (job.gpus, job.max_gpus, job.gpu_s) == (2, 4, 240)


def test_memory_is_told_of_those_that_share_where_somebody_does() -> None:
    alone = past(row(1, 0, 0, 60, memory_mib=4096))
    beside = past(row(1, 0, 0, 60, memory_mib=4096), row(2, 0, 0, 60, memory_mib=2048, share=True))
    assert not alone.is_shared
    assert [job.memory_mib for job in alone.trace.jobs] == [4096]
    assert beside.is_shared
    assert [job.memory_mib for job in beside.trace.jobs] == [None, 2048]


def test_the_machine_is_the_one_that_is_there() -> None:
    machine = machine_of([{"memory_total_mib": 24576}, {"memory_total_mib": 81920}, {"memory_total_mib": None}])
    assert [gpu.memory for gpu in machine.gpus] == [24576, 81920]
