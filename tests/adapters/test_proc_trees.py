"""Whole process trees: everything below a root, whoever its parent is by now, with the time of what has ended."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from gavelq.adapters.proc_trees import ProcTrees
from gavelq.adapters.procfs import ProcTable
from gavelq.core.task import ProcessIdentity
from gavelq.testing.waiting import wait_until

TABLE = ProcTable()
ROOT = """
import ctypes, os, signal, subprocess, sys, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: what loses its parent becomes ours
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
{work}
print("ready", flush=True)
while True:
    signal.pause()
"""
BURN = "import time\nbegan = time.process_time()\nwhile time.process_time() - began < 0.3: pass"


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    found: list[subprocess.Popen[str]] = []
    yield found
    for process in found:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def root(started: list[subprocess.Popen[str]], work: str) -> ProcessIdentity:
    """A process that has done its work and waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", ROOT.format(work=work)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    started.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    found = TABLE.identify(process.pid)
    assert found is not None
    return found


def test_everything_below_is_counted_and_the_root_is_not(started: list[subprocess.Popen[str]]) -> None:
    one = root(started, "subprocess.Popen(['sh', '-c', 'sleep 1000 & wait'])")
    wait_until(lambda: ProcTrees().look([one])[one].n_processes == 2, what="a shell and its child")
    assert ProcTrees().look([one])[one].rss_mib > 0


def test_what_double_forked_still_belongs_to_it(started: list[subprocess.Popen[str]]) -> None:
    one = root(started, "subprocess.run(['sh', '-c', 'sleep 1000 & exit 0'])")
    wait_until(lambda: ProcTrees().look([one])[one].n_processes == 1, what="the orphan is found")


def test_the_time_of_those_that_ended_stays(started: list[subprocess.Popen[str]]) -> None:
    one = root(started, f"subprocess.run([sys.executable, '-c', {BURN!r}])")
    found = ProcTrees().look([one])[one]
    assert found.n_processes == 0
    assert found.cpu_s >= 0.3


def test_several_trees_are_told_apart_in_one_look(started: list[subprocess.Popen[str]]) -> None:
    one = root(started, "subprocess.Popen(['sleep', '1000'])")
    two = root(started, "[subprocess.Popen(['sleep', '1000']) for _ in range(3)]")
    found = ProcTrees().look([one, two])
    assert (found[one].n_processes, found[two].n_processes) == (1, 3)


def test_one_that_is_gone_or_whose_pid_is_another_process_is_left_out(started: list[subprocess.Popen[str]]) -> None:
    one = root(started, "pass")
    other = ProcessIdentity(pid=one.pid, start_ticks=one.start_ticks + 1, boot_id=one.boot_id)
    gone = ProcessIdentity(pid=2**22 + 1, start_ticks=1, boot_id=one.boot_id)
    assert set(ProcTrees().look([one, other, gone])) == {one}


def test_without_a_proc_file_system_nothing_is_known() -> None:
    assert ProcTrees("/nonexistent").look([ProcessIdentity(pid=1, start_ticks=1, boot_id="")]) == {}
