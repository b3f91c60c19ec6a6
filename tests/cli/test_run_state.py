"""`file state`: bars and words for people, rows for programs, and a block that lives in the terminal."""

import json
import re
import signal
import subprocess
import sys
from typing import Any

import pytest

from gavelq.cli.output.runs import bar, latest
from gavelq.testing.waiting import wait_until
from tests.cli.conftest import Shell
from tests.cli.drawn import Drawn
from tests.cli.fake_daemon import Answer, FakeDaemon, problem
from tests.cli.screens import CONTROL_C, Terminal
from tests.cli.terminal import on_terminal

STATUS = "/api/scheduler/status"
WHEN = "2026-08-01T09:30:00.000000Z"


def counts(done: int = 0, failed: int = 0, running: int = 0, pending: int = 0, cancelled: int = 0) -> dict[str, Any]:
    return {
        "pending_tasks": pending, "running_tasks": running, "completed_tasks": done, "failed_tasks": failed + cancelled,
        "total_tasks": done + failed + running + pending + cancelled, "cancelled_tasks": cancelled, "retries": 0,
        "last_error": None, "started_at": WHEN, "ended_at": None, "expected_end_at": WHEN, "expected_basis": "why",
    }  # fmt: skip


def lane(name: str, status: str = "running", **given: Any) -> dict[str, Any]:
    numbers = {key: given.pop(key) for key in ("done", "failed", "running", "pending", "cancelled") if key in given}
    return {
        "id": name, "status": status, "current_gpu": 0, "current_task": f"f:{name}:1", "current_task_id": 7,
        "gpus": [0, 2], "memory_used_mib": 18432, "pending_reason": None, "pending_detail": None, "processes": [],
        **counts(**numbers), **given,
    }  # fmt: skip


def scheduler(
    *lanes: dict[str, Any], run: int | None = 12, state: str | None = "running", **given: Any
) -> dict[str, Any]:
    kinds = {"done": "completed", "running": "running", "pending": "pending"}
    sums = {word: sum(one[f"{kind}_tasks"] for one in lanes) for word, kind in kinds.items()}
    sums["cancelled"] = sum(one["cancelled_tasks"] for one in lanes)
    sums["failed"] = sum(one["failed_tasks"] for one in lanes) - sums["cancelled"]
    return {
        "pid": run, "run": run, "submission_id": run, "mode": "single", "config_index": 0, "index": 1,
        "name": "exp.txt", "tenant": "ada", "started_by": "ada", "state": state, "gpus_used": [0, 2],
        "gpu_assignments": {}, **counts(**sums), **given, "queues": {one["id"]: one for one in lanes},
    }  # fmt: skip


def many(*runs: dict[str, Any]) -> Answer:
    return Answer(document={"schedulers": list(runs)})


# --- once -----------------------------------------------------------------------------------------------------------


def test_a_bar_shows_each_kind_however_little_there_is_of_it() -> None:
    found = bar(counts(done=500, failed=1, running=1, pending=498), 10)
    assert len(found) == 10
    assert len(set(found)) == 4
    assert len(bar(counts(), 10)) == 10
    assert bar(counts(done=3), 5) == bar(counts(done=300), 5)


def test_a_person_sees_words_beside_the_bar_and_no_escape_without_colours(shell: Shell, fake: FakeDaemon) -> None:
    waits = lane("car", "waiting", pending=3, current_task_id=None, current_task=None, gpus=[], memory_used_mib=None,
                 pending_reason="gpu_count")  # fmt: skip
    fake.on("GET", STATUS, many(scheduler(lane("1", done=4, failed=1, running=1, pending=2, retries=3), waits)))
    screen = on_terminal(shell, "file", "state", columns=100, NO_COLOR="1")
    assert screen.code == 0
    assert "\x1b" not in screen.text
    heading, progress, times, title, first, second = screen.lines[:6]
    assert heading == "exp.txt (single 1), run 12: running"
    assert "4 done, 1 failed, 1 running, 5 waiting of 11" in progress
    assert "expected end" in times
    assert title.split()[:5] == ["QUEUE", "PROGRESS", "DONE", "FAILED", "TOTAL"]
    assert re.search(r"1\s+\S{10}\s+4\s+1\s+8\s+running\s+7\s+0,2\s+18.0G\s+3 ", first)
    assert "waiting (gpu_count)" in second


def test_colours_only_underline_what_words_say(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("GET", STATUS, many(scheduler(lane("1", "failed", failed=2), lane("2", running=1))))
    (line,) = (line for line in on_terminal(shell, "file", "state").lines if "\x1b[31m" in line)
    assert "failed" in line


@pytest.mark.parametrize("columns", [30, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(shell: Shell, fake: FakeDaemon, columns: int) -> None:
    from gavelq.cli.output.text import width

    name = "很长的实验名称" * 9
    lanes = [lane(f"queue-{n}", done=n, running=1, current_task=f"{name}:{n}:1") for n in range(3)]
    fake.on("GET", STATUS, many(scheduler(*lanes, name=name, last_error=name * 3)))
    lines = on_terminal(shell, "file", "state", columns=columns, NO_COLOR="1", LANG="C.UTF-8").lines
    assert max(width(line) for line in lines) < columns
    assert any("很长" in line for line in lines)


def test_names_cannot_steer_the_terminal(shell: Shell, fake: FakeDaemon) -> None:
    evil = "\x1b]0;x\x07"
    fake.on("GET", STATUS, many(scheduler(lane("1", running=1, current_task=evil), name=evil, last_error=evil)))
    assert "\x1b]" not in on_terminal(shell, "file", "state", columns=150).text


def test_runs_that_are_over_are_a_heading_in_the_overview_and_whole_when_asked_for(
    shell: Shell, fake: FakeDaemon
) -> None:
    over = scheduler(lane("q7", "completed", done=2), state="completed", ended_at=WHEN)
    fake.on("GET", STATUS, many(over))
    fake.on("GET", "/api/scheduler/run/12", Answer(document=over))
    assert "q7" not in on_terminal(shell, "file", "state").text
    assert "q7" in on_terminal(shell, "file", "state", "--run", "12").text
    assert fake.requests[-1].query == [("processes", "0")]


def test_a_program_gets_every_queue_of_every_run_in_whole_rows(shell: Shell, fake: FakeDaemon) -> None:
    never = scheduler(run=None, state=None, index=2, config_index=1, name="new.txt")
    fake.on("GET", STATUS, many(scheduler(lane("1", done=1, failed=2, cancelled=1, running=1)), never))
    title, first, second = (line.split("\t") for line in shell.run("file", "state").stdout.splitlines())
    assert len(title) == len(first) == len(second)
    row = dict(zip(title, first, strict=True))
    assert [row[name] for name in ("RUN", "QUEUE", "DONE", "FAILED", "CANCELLED", "TOTAL", "GPUS", "MEMORY MIB")] == [
        "12", "1", "1", "2", "1", "5", "0,2", "18432",
    ]  # fmt: skip
    assert second[:5] == ["single", "2", "new.txt", "-", "-"]


def test_json_is_what_the_api_says_with_the_tasks(shell: Shell, fake: FakeDaemon) -> None:
    found = scheduler(lane("1", running=1))
    fake.on("GET", "/api/scheduler/run/12", Answer(document=found))
    assert json.loads(shell.run("file", "state", "--run", "12", "-o", "json").stdout) == found
    assert fake.requests[-1].query == [("processes", "1")]


def test_a_configuration_is_named_by_its_number(shell: Shell, fake: FakeDaemon) -> None:
    fake.gives("/api/commands/single/list", [])
    fake.gives("/api/commands/multi/list", [{"mode": "multi", "config_index": 1, "index": 2, "name": "gpus.txt"}])
    never = scheduler(run=None, state=None, mode="multi", index=2, name="gpus.txt")
    fake.on("GET", "/api/scheduler/multi/state", Answer(document=never))
    screen = on_terminal(shell, "file", "state", "2", columns=120)
    assert "gpus.txt (multi 2): it has not run; start it with: gavelq file start 2" in screen.text
    assert fake.requests[-1].query == [("config_index", "1"), ("processes", "0")]
    assert shell.run("file", "state", "2", "--run", "1").returncode == 2
    assert shell.run("file", "state", "9").returncode == 3


def test_the_overview_has_the_last_run_of_each_configuration_and_submitted_files_that_go_on() -> None:
    runs = [
        scheduler(run=1), scheduler(run=2, index=None, state="failed"), scheduler(run=3, index=None), scheduler(run=4),
        scheduler(run=5, index=2, state="completed"), scheduler(run=6, mode="multi"),
    ]  # fmt: skip
    assert [run["run"] for run in latest(runs)] == [4, 5, 6, 3]


# --- live -----------------------------------------------------------------------------------------------------------


def progress(n: int) -> dict[str, Any]:
    state, status = ("running", "running") if n < 3 else ("completed", "completed")
    return scheduler(lane("1", status, done=n, pending=3 - n), lane("2", status, done=n), state=state)


def test_following_draws_in_place_and_ends_with_the_runs(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("GET", STATUS, *(many(progress(n)) for n in range(4)))
    screen = on_terminal(shell, "file", "state", "-f", columns=80)
    assert screen.code == 0
    drawn = Drawn(24, 80)
    drawn.take(screen.text)
    assert len(fake.requests) == 4
    assert sum("run 12" in line for line in drawn.lines) == 1, "one block, not four"
    assert "run 12: completed" in drawn.lines[0]
    assert drawn.is_cursor_shown
    assert screen.text.count("\x1b[2J") == 0, "nothing is blanked: that would flicker"


def test_a_block_that_shrinks_leaves_nothing_behind(shell: Shell, fake: FakeDaemon) -> None:
    long = scheduler(*(lane(f"q{n}", running=1) for n in range(9)))
    short = scheduler(lane("q0", "completed", done=1), state="completed", ended_at=WHEN)
    fake.on("GET", "/api/scheduler/run/12", Answer(document=long), Answer(document=short))
    drawn = Drawn(24, 80)
    drawn.take(on_terminal(shell, "file", "state", "-f", "--run", "12").text)
    assert not any("q8" in line for line in drawn.lines)
    assert any("q0" in line for line in drawn.lines)


def test_what_does_not_fit_into_the_terminal_is_counted(shell: Shell, fake: FakeDaemon) -> None:
    words = (("running", "running"), ("running", "running"), ("completed", "completed"))
    runs = [scheduler(*(lane(f"q{n}", word, done=1) for n in range(60)), state=state) for state, word in words]
    fake.on("GET", "/api/scheduler/run/12", *(Answer(document=one) for one in runs))
    drawn = Drawn(24, 80)
    drawn.take(on_terminal(shell, "file", "state", "-f", "--run", "12").text)
    assert sum("run 12" in line for line in drawn.lines) == 1
    assert drawn.n_scrolled == 0
    assert any("more line(s) do not fit" in line for line in drawn.lines)


def test_control_c_gives_the_cursor_back(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("GET", STATUS, many(progress(1)))
    terminal = Terminal("file", "state", "-f", env=shell.env(), cwd=str(shell.workdir))
    terminal.read_until("\x1b[?25l")
    terminal.read_until("run 12")
    terminal.type(CONTROL_C)
    assert terminal.end() == 128 + signal.SIGINT
    assert "\x1b[?25h" in terminal.shown
    assert "Traceback" not in terminal.shown
    terminal.close()


def test_following_waits_for_a_daemon_that_restarts(shell: Shell, fake: FakeDaemon) -> None:
    away = [problem(503, "store_unavailable", "no disk"), Answer(is_cut=True), Answer(is_cut=True), Answer(is_cut=True)]
    fake.on("GET", STATUS, many(progress(1)), *away, many(progress(3)))
    screen = on_terminal(shell, "file", "state", "-f")
    assert screen.code == 0
    assert "the daemon has been away" in screen.text
    drawn = Drawn(24, 80)
    drawn.take(screen.text)
    assert not any("away" in line for line in drawn.lines)


def test_in_a_pipe_a_block_is_printed_for_each_change(shell: Shell, fake: FakeDaemon) -> None:
    more_memory = scheduler(lane("1", done=0, pending=3, memory_used_mib=1), lane("2", done=0))
    fake.on("GET", STATUS, many(progress(0)), many(more_memory), many(progress(1)), many(progress(3)))
    done = shell.run("file", "state", "-f")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert len(done.stdout.split("\n\n")) == 3
    fake.on("GET", STATUS, many(progress(0)), many(progress(3)))
    found = [json.loads(line) for line in shell.run("file", "state", "-f", "-o", "json").stdout.splitlines()]
    assert [one["schedulers"][0]["state"] for one in found] == ["running", "completed"]


def test_following_a_configuration_stays_with_its_run(shell: Shell, fake: FakeDaemon) -> None:
    listed = {"mode": "single", "config_index": 0, "index": 1, "name": "exp.txt"}
    fake.gives("/api/commands/single/list", [listed])
    fake.gives("/api/commands/multi/list", [])
    fake.on("GET", "/api/scheduler/single/state", Answer(document=progress(1)))
    fake.on("GET", "/api/scheduler/run/12", Answer(document=progress(3)))
    assert shell.run("file", "state", "1", "-f").returncode == 0
    assert [request.path for request in fake.requests[-2:]] == ["/api/scheduler/single/state", "/api/scheduler/run/12"]


def test_a_broken_pipe_ends_it(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("GET", STATUS, *(many(progress(n % 3)) for n in range(6)))
    child = subprocess.Popen(
        [sys.executable, "-m", "gavelq", "file", "state", "-f"], env=shell.env(), stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.close()
    wait_until(lambda: child.poll() is not None, 60, "it ends")
    assert child.returncode == 141
