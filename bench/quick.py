"""Figures of single tasks: a submission, a start, the gap between two tasks on a GPU, throughput."""

import statistics
import sys
import time
from pathlib import Path

from bench.contenders import Contender, Gavelq
from bench.measuring import Row, spawn_ms, timed_ms, wait_for

STAMP = "echo $EPOCHREALTIME"
"""bash's own clock: no further process is needed to tell when a task's first instruction ran."""


def submit(contenders: list[Contender]) -> list[Row]:
    """How long `submit` takes as a whole process, in milliseconds, beside a bare interpreter."""
    values: dict[str, float | None] = {}
    bare: list[float] = []
    for contender in contenders:
        argv = contender.submit("true")
        spawn_ms(argv, contender.env, str(contender.home))
        times = []
        for _ in range(contender.n_samples):
            times.append(spawn_ms(argv, contender.env, str(contender.home)))
            if contender.name == "gavelq":  # in turn, so that a busy machine slows both down
                bare.append(spawn_ms([sys.executable, "-c", "pass"], contender.env))
        values[contender.name] = statistics.median(times)
    return [
        Row(what="submit, whole process", unit="ms", most=60, values=values),
        Row(what="(a bare `python -c pass`, in turn with it)", unit="ms", values={"gavelq": statistics.median(bare)}),
    ]


def start(contenders: list[Contender]) -> list[Row]:
    """From the start of the submitting process, and from the request, to the task's first instruction."""
    values: dict[str, float | None] = {}
    for contender in contenders:
        values[contender.name] = statistics.median(
            _start_ms(contender, number) for number in range(min(contender.n_samples, 30))
        )
    rows = [Row(what="start of the submitting process to first instruction", unit="ms", values=values)]
    gavelq = next((c for c in contenders if isinstance(c, Gavelq)), None)
    if gavelq is not None:
        times = [_request_ms(gavelq, number) for number in range(30)]
        rows.insert(
            0,
            Row(
                what="request to first instruction", unit="ms", most=30, values={"gavelq": statistics.median(times)},
                notes={"gavelq": f"90 % within {sorted(times)[26]:.1f}"},
            ),
        )  # fmt: skip
    return rows


def _start_ms(contender: Contender, number: int) -> float:
    file = contender.home / f"start-{number}"
    begin = time.time()
    spawn_ms(contender.submit(f"{STAMP} > {file}"), contender.env, str(contender.home))
    return _stamped(file, begin)


def _request_ms(gavelq: Gavelq, number: int) -> float:
    file = gavelq.home / f"request-{number}"
    begin = time.time()
    gavelq.submit_many([{"argv": ["bash", "-c", f"{STAMP} > {file}"]}])
    return _stamped(file, begin)


def _stamped(file: Path, begin: float) -> float:
    wait_for(lambda: file.exists() and file.stat().st_size, 30, "a task writes its first line")
    took = (float(file.read_text()) - begin) * 1000
    time.sleep(0.05)  # the task has to end before the next one is measured
    return took


def gap(contenders: list[Contender]) -> list[Row]:
    """From the last instruction of a task to the first one of the next, on one GPU that a line of tasks waits for."""
    values: dict[str, float | None] = {}
    notes: dict[str, str] = {}
    for contender in contenders:
        try:
            values[contender.name] = _gap_ms(contender)
        except TimeoutError:
            notes[contender.name] = "its tasks did not run one after another in the time given"
    return [Row(what="gap between two tasks on a GPU", unit="ms", most=10, values=values, notes=notes)]


def _gap_ms(contender: Contender) -> float:
    """The first task keeps the GPU until all others wait: submissions must not disturb what is measured."""
    n = 3 if contender.name == "gflow" else 30
    file, go = contender.home / "gaps", contender.home / "go"
    spawn_ms(contender.submit(f"until [ -e {go} ]; do sleep 0.05; done"), contender.env, str(contender.home))
    for _ in range(n):
        command = f"{STAMP} >> {file}; sleep 0.1; {STAMP} >> {file}"
        spawn_ms(contender.submit(command, after_last=True), contender.env, str(contender.home))
    time.sleep(0.5)
    go.touch()
    wait_for(lambda: file.exists() and file.read_bytes().count(b"\n") == 2 * n, 90, "all ran", poll_s=0.1)
    stamps = [float(line) for line in file.read_text().split()]
    return statistics.median((begin - end) * 1000 for end, begin in zip(stamps[1::2], stamps[2::2], strict=False))


def throughput(contenders: list[Contender]) -> list[Row]:
    """Tasks that do nothing, from the first submission to the last end, on four GPUs."""
    values: dict[str, float | None] = {}
    notes: dict[str, str] = {}
    for contender in contenders:
        if isinstance(contender, Gavelq):
            best = sorted(_bulk_per_s(contender, 400) for _ in range(3))
            values[contender.name] = best[1]
            notes[contender.name] = "400 tasks in one submission"
        elif contender.name != "gflow":
            values[contender.name] = _single_per_s(contender, 50)
            notes[contender.name] = "50 submissions: it has no bulk submission"
    return [
        Row(what="no-op tasks on four GPUs", unit="tasks/s", least=200, values=values, notes=notes),
    ]


def _bulk_per_s(gavelq: Gavelq, n: int) -> float:
    before = gavelq.counts().get("completed", 0)

    def work() -> None:
        gavelq.submit_many([{"argv": ["true"]}] * n)
        wait_for(lambda: not gavelq.n_unfinished(), 120, "all have ended", poll_s=0.05)

    took = timed_ms(work)
    counts = gavelq.counts()
    if counts["completed"] != before + n:
        raise RuntimeError(f"not all of {n} tasks completed: {counts}")
    return n / took * 1000


def _single_per_s(contender: Contender, n: int) -> float:
    file = contender.home / "count"
    begin = time.time()
    for _ in range(n):
        spawn_ms(contender.submit(f"{STAMP} >> {file}"), contender.env, str(contender.home))
    wait_for(lambda: file.exists() and file.read_bytes().count(b"\n") == n, 120, "all ran")
    return n / (time.time() - begin)
