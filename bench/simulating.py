"""The simulator: how many events it answers in a second, and how long and large a very large load is."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from bench.contenders import BIN, Contender
from bench.measuring import Row

TRACE = Path(__file__).resolve().parents[2] / "shared" / "traces" / "ef-c05.csv.gz"
"""Beside the project, where it is mounted; docs/simulator.md tells where it comes from."""
N_JOBS = 1_000_000
N_GPUS = 256


class _Done(NamedTuple):
    """A run of `gavelq simulate`."""

    measures: dict[str, Any]
    cpu_s: float
    peak_mib: float


def simulate(_: list[Contender]) -> list[Row]:
    """A real trace with the default policy, and a million made-up jobs, each in a process of its own."""
    rows = []
    if TRACE.exists():
        done = _run(str(TRACE), "--gpus", "16")
        of_plan = (
            f"{done.measures['events']:,} events; mean completion {done.measures['ratio_mean_jct']:.3f} x its bound"
        )
        rows.append(
            Row(
                what="`simulate`, ef-c05, 16 GPUs, policy fair", unit="events/s of a core", least=20_000,
                values={"gavelq": done.measures["events_per_s"]}, notes={"gavelq": of_plan},
            )
        )  # fmt: skip
    pypy = _pypy()
    if pypy is not None and TRACE.exists():
        done = _run(
            str(TRACE), "--gpus", "16", "--policy", "smallest_first,largest_first,fifo_easy,fair", "--python", pypy
        )
        rows.append(
            Row(
                what="the same in PyPy, after three other policies", unit="events/s of a core", least=20_000,
                values={"gavelq": done.measures["events_per_s"]},
            )
        )  # fmt: skip
    for where, words in (("", ()), *([(", PyPy", ("--python", pypy))] if pypy is not None else [])):
        done = _run("--synthetic", "bursty", "--jobs", str(N_JOBS), "--gpus", str(N_GPUS), *words)
        what = f"`simulate`, {N_JOBS:,} synthetic jobs, {N_GPUS} GPUs{where}"
        speed = f"{done.measures['events']:,} events, {done.measures['events_per_s']:,.0f} in a second of a core"
        rows += [
            Row(what=what, unit="s of a core", most=300, values={"gavelq": done.cpu_s}, notes={"gavelq": speed}),
            Row(what=f"{what}, memory", unit="MiB", most=2048, values={"gavelq": done.peak_mib}),
        ]
    return rows


def _pypy() -> str | None:
    """PyPy, where it is installed and new enough."""
    path = shutil.which("pypy3")
    is_new = path is not None and not subprocess.call([path, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"])
    return path if is_new else None


def _run(*words: str) -> _Done:
    """The whole process: what it printed of its last policy, its processor time, and the most memory that it had."""
    with tempfile.TemporaryFile() as out:
        argv = [str(BIN / "gavelq"), "simulate", *words, "-o", "json"]
        actions = [(os.POSIX_SPAWN_DUP2, out.fileno(), 1)]
        pid = os.posix_spawn(argv[0], argv, dict(os.environ), file_actions=actions)
        _, status, used = os.wait4(pid, 0)
        if status:
            raise RuntimeError(f"{' '.join(argv)} ended with {os.waitstatus_to_exitcode(status)}")
        out.seek(0)
        *_, measures = json.load(out)
    return _Done(measures, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
