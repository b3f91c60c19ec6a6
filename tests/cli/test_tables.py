"""How answers look, in a pipe and on a terminal of 80 columns."""

import json
import subprocess
import sys

import pytest

from gavelq.cli.output.table import Column, fitted
from gavelq.cli.output.text import safe, width
from tests.cli.conftest import Shell
from tests.cli.fake_daemon import Answer, FakeDaemon, Request, daemon, gpu, queue, task
from tests.cli.terminal import on_terminal


@pytest.fixture(autouse=True)
def answers(fake: FakeDaemon) -> None:
    long = "python train.py --data /a/very/long/path/that/does/not/fit/anywhere --epochs 100 --learning-rate 0.001"
    fake.gives(
        "/api/tasks",
        [
            task(1, state="completed", end_reason="exit_zero", gpus=[0], started_at="2026-01-31T12:00:00.000000Z",
                 ended_at="2026-01-31T13:02:03.000000Z", pending_reason=None),
            task(123456, state="failed", end_reason="exit_nonzero", exit_code=3, pending_reason=None, command=long),
            task(3, pending_reason="gpu_unavailable", gpu_count=2, name="训练任务", command="a\x1b[2Jb"),
        ],
    )  # fmt: skip
    users = [{"pid": 9, "user": "bob", "memory_mib": 8294, "task_id": None}]
    fake.gives(
        "/api/gpus",
        [
            gpu(0, state="busy", memory_used_mib=10240, tasks=[12], utilization_percent=98, processes=[
                {"pid": 5, "user": "ada", "memory_mib": 10000, "task_id": 12}]),
            gpu("1:0", state="foreign", processes=users, utilization_percent=None),
        ],
    )  # fmt: skip
    fake.gives("/api/queues", [queue("running", n_running=1), queue("night", gpus=[2, 3], max_running=1)])


def test_a_pipe_gets_whole_rows_with_tabs_and_titles(shell: Shell) -> None:
    lines = shell.run("list").stdout.splitlines()
    assert lines[0].split("\t") == ["ID", "STATE", "QUEUE", "PRIO", "GPUS", "TIME", "REASON", "NAME", "COMMAND"]
    assert lines[1].split("\t")[:7] == ["1", "completed", "running", "-", "0", "1h02m", "-"]
    assert lines[2].endswith("--learning-rate 0.001")
    assert lines[2].split("\t")[6] == "exit 3"


def test_control_characters_never_reach_the_terminal(shell: Shell) -> None:
    assert "a\\e[2Jb" in shell.run("list").stdout
    assert "\x1b[2J" not in on_terminal(shell, "list").text


def test_a_terminal_gets_at_most_its_columns_with_ids_and_reasons_whole(shell: Shell) -> None:
    screen = on_terminal(shell, "list", NO_COLOR="1")
    assert max(width(line) for line in screen.lines) <= 80
    assert "123456" in screen.text
    assert "gpu_unavailable" in screen.text
    assert "…" in screen.text
    assert "PRIO" not in screen.text


def test_no_color_is_honoured(shell: Shell) -> None:
    assert "\x1b[" in on_terminal(shell, "list").text
    assert "\x1b[" not in on_terminal(shell, "list", NO_COLOR="1").text


def test_gpus_show_who_uses_them(shell: Shell, fake: FakeDaemon) -> None:
    fake.gives("/api/tasks", [task(12, state="running", started_at="2026-01-31T12:00:00.000000Z")])
    rows = [line.split("\t") for line in shell.run("gpu", "list").stdout.splitlines()]
    assert rows[0] == ["GPU", "MODEL", "STATE", "QUEUE", "MEMORY", "UTIL", "TEMP", "POWER", "USED BY", "FOR",
                       "BLOCKS"]  # fmt: skip
    assert rows[1][:9] == ["0", "NVIDIA GeForce RTX 4090", "busy", "-", "10.0/24.0G", "98%", "40C", "32/450W",
                           "task 12 ada 9.8G"]  # fmt: skip
    assert rows[2][5] == "?"
    assert rows[2][8] == "bob pid 9 8.1G"
    screen = on_terminal(shell, "gpu", "list", NO_COLOR="1")
    assert max(len(line) for line in screen.lines) <= 80
    assert "task 12 ada 9.8G" in screen.text
    assert "RTX 4090" in screen.text
    assert "NVIDIA" not in screen.text


def test_a_broken_gpu_shows_what_is_wrong_and_how_it_comes_back(shell: Shell, fake: FakeDaemon) -> None:
    fault = {"fault": "Xid 79: GPU has fallen off the bus", "fault_at": "2026-01-31T12:00:00.000000Z"}
    fake.gives("/api/gpus", [gpu(0), gpu(1, state="draining", **fault)])
    fake.gives("/api/gpus/1", gpu(1, state="draining", **fault))
    rows = [line.split("\t") for line in shell.run("gpu", "list").stdout.splitlines()]
    column = rows[0].index("USED BY")
    assert [row[column] for row in rows[1:]] == ["-", "fault: Xid 79: GPU has fallen off the bus"]
    for text in (on_terminal(shell, "gpu", "list", NO_COLOR="1").text, shell.run("gpu", "info", "1").stdout):
        words = " ".join(text.split())
        assert "Xid 79: GPU has fallen off the bus" in words
        assert "gavelq gpu unignore 1" in words


def test_queues_show_their_gpus_and_limits(shell: Shell) -> None:
    rows = [line.split("\t") for line in shell.run("queue", "list").stdout.splitlines()]
    assert rows[2] == ["night", "open", "2,3", "0", "0", "-", "-", "max_running=1"]


def test_all_that_was_set_for_a_queue_is_shown_as_it_is_set(shell: Shell, fake: FakeDaemon) -> None:
    rules = {"retries": 2, "backoff": "1x2..10", "burst": None, "on": ["gpu_lost", "lost"], "on_gpu_oom": None}
    night = queue("night", lend=True, time_limit_s=3600.0, max_time_limit_s=7200.0, retry=rules)
    fake.gives("/api/queues", [night])
    fake.on("PATCH", "/api/queues/night", Answer(document=night))
    fake.gives("/api/queues/night", night)
    fake.gives("/api/tasks", [])
    told = ["time_limit=1h00m", "max_time_limit=2h00m", "lend=true", "retries=2", "backoff=1x2..10"]
    told.append("retry_on=gpu_lost,lost")
    assert ", ".join(told) in shell.run("queue", "list").stdout
    assert ", ".join(told) in shell.run("queue", "set", "night", "retries=2").stdout
    status = shell.run("queue", "status", "night").stdout
    assert all(part in status for part in told if part != "lend=true")
    assert "its idle GPUs" in status
    screen = on_terminal(shell, "queue", "list", NO_COLOR="1").text
    assert all(part in screen for part in told)


def test_status_shows_daemon_gpus_and_queues(shell: Shell, fake: FakeDaemon) -> None:
    status = {"daemon": daemon(), "gpus": [gpu(0)], "queues": [queue("running")], "counts": {"running": 2, "held": 0}}
    fake.gives("/api/status", status)
    shown = shell.run("status").stdout
    assert shown.startswith("gavelq 0.1.0, pid 4242, up 1h02m, simulated GPUs\ntasks: 2 running\n")
    assert "NVIDIA GeForce RTX 4090\tfree" in shown
    assert "running\topen\tpool" in shown
    assert json.loads(shell.run("status", "-o", "json").stdout) == status


@pytest.mark.parametrize(
    ("words", "states"),
    [
        (["task", "list"], ["held", "pending", "starting", "running", "stopping"]),
        (["task", "list", "--all"], []),
        (["task", "list", "--running"], ["starting", "running", "stopping"]),
        (["task", "list", "--finished"], ["completed", "failed", "cancelled", "aborted"]),
        (["task", "list", "-s", "failed"], ["failed"]),
        (["list"], []),
        (["list", "-s", "all"], []),
        (["list", "-s", "cancelled"], ["cancelled"]),
    ],
)
def test_each_listing_asks_for_its_states(shell: Shell, fake: FakeDaemon, words: list[str], states: list[str]) -> None:
    assert shell.run(*words, "-q", "night").returncode == 0
    query = fake.last().query
    assert [value for name, value in query if name == "state"] == states
    assert ("queue", "night") in query


def test_an_output_that_takes_no_more_is_told_in_one_line(shell: Shell) -> None:
    script = f'"{sys.executable}" -m gavelq list > /dev/full'
    done = subprocess.run(["bash", "-c", script], env=shell.env(), capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "no space left" in done.stderr
    closed = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -m gavelq list >&-'], env=shell.env(), capture_output=True, text=True
    )
    assert (closed.returncode, closed.stderr) == (0, "")


def test_a_locale_without_the_letters_gets_escapes(shell: Shell) -> None:
    assert "\\u8bad" in shell.run("list", env=shell.env(PYTHONIOENCODING="ascii")).stdout


def paged(n_tasks: int) -> "list[dict[str, object]]":
    return [task(i) for i in range(1, n_tasks + 1)]


def serve_pages(fake: FakeDaemon, n_tasks: int) -> None:
    def page(request: Request) -> Answer:
        asked = dict(request.query)
        found = [one for one in paged(n_tasks) if one["id"] > int(asked.get("after", 0))]  # type: ignore[operator]  # ids are integers
        found = [one for one in found if one["id"] < int(asked.get("before", 1 << 60))]  # type: ignore[operator]  # ids are integers
        limit = int(asked.get("limit", 1000))
        return Answer(document=found[-limit:] if asked.get("newest") == "1" else found[:limit])

    fake.on("GET", "/api/tasks", page)
    fake.gives("/api/status", {"daemon": daemon(), "gpus": [], "queues": [], "counts": {"pending": n_tasks}})


def test_a_pipe_gets_every_page(shell: Shell, fake: FakeDaemon) -> None:
    serve_pages(fake, 2345)
    assert len(json.loads(shell.run("list", "-o", "json").stdout)) == 2345
    assert len(shell.run("list").stdout.splitlines()) == 2346


def test_a_terminal_gets_the_newest_rows_and_is_told_of_the_others(shell: Shell, fake: FakeDaemon) -> None:
    serve_pages(fake, 2345)
    lines = [line for line in on_terminal(shell, "list").lines if line.strip()]
    assert len(lines) == 202
    assert lines[1].split()[0] == "2146"
    assert lines[-2].split()[0] == "2345"
    assert "2145 older" in lines[-1]
    assert "--limit" in lines[-1]


def test_a_limit_gives_the_newest_everywhere(shell: Shell, fake: FakeDaemon) -> None:
    serve_pages(fake, 2345)
    found = json.loads(shell.run("list", "--limit", "1500", "-o", "json").stdout)
    assert (found[0]["id"], found[-1]["id"], len(found)) == (846, 2345, 1500)
    assert len(shell.run("list", "--limit", "2").stdout.splitlines()) == 3


def test_optional_columns_without_content_go_and_soft_ones_shrink() -> None:
    columns = [Column("ID"), Column("EMPTY", is_optional=True), Column("SOFT", is_soft=True)]
    lines = fitted(columns, [["1", "-", "x" * 50], ["22", "", "y"]], 20)
    assert lines == ["ID  SOFT", "1   " + "x" * 15 + "…", "22  y"]


def test_an_id_wider_than_the_terminal_is_still_whole() -> None:
    assert fitted([Column("ID")], [["1" * 30]], 10)[1] == "1" * 30


def test_wide_characters_take_two_columns() -> None:
    lines = fitted([Column("NAME"), Column("N")], [["训练", "1"], ["abcd", "2"]], 80)
    assert [width(line) for line in lines[1:]] == [7, 7]


@pytest.mark.parametrize(
    ("text", "shown"), [("a\nb", "a\\nb"), ("\x07", "\\x07"), ("\u202e", "\\u202e"), ("ä训", "ä训")]
)
def test_what_steers_a_terminal_is_escaped(text: str, shown: str) -> None:
    assert safe(text) == shown
