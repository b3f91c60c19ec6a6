"""Graphs of the last hour in `gpu info`, and what a task used in `task info`."""

import json
from typing import Any

import pytest

from gavelq.cli.output.graph import draw, framed
from tests.cli.conftest import Shell
from tests.cli.fake_daemon import FakeDaemon, gpu, task
from tests.cli.terminal import on_terminal

NAMES = ("utilization_percent", "memory_used_mib")


def metrics(*values: float | None, index: int = 0) -> dict[str, Any]:
    """An answer whose series are all the same."""
    points = {"mean": list(values), "min": list(values), "max": list(values), "count": [1] * len(values)}
    one = gpu(index, series=dict.fromkeys(NAMES, points))
    return {
        "at": "2026-01-31T13:00:00.000000Z", "from": "2026-01-31T12:00:00.000000Z", "to": "2026-01-31T13:00:00.000000Z",
        "step_s": 30, "level_s": 10, "n_points": len(values), "note": None, "problem": None, "gpus": [one], "tasks": [],
    }  # fmt: skip


def test_a_graph_grows_from_the_bottom_two_values_to_a_character() -> None:
    assert draw([100, 100, 50, 25, 0, None], 100) == ["⣿  ", "⣿  ", "⣿⡇ ", "⣿⣿⡀"]


def test_what_is_unknown_is_blank_and_zero_is_not() -> None:
    assert draw([None, None, 0, 0], 100)[-1] == " ⣀"
    assert draw([None, None, 0, 0], 100, is_plain=True)[-1] == " _"
    assert draw([], 100) == ["", "", "", ""]


def test_without_braille_plain_characters_do() -> None:
    lines = draw([100, 100, 50, 50, None, 30, 0, None], 100, is_plain=True)
    assert lines == ["#   ", "#   ", "##. ", "###_"]
    assert all(line.isascii() for line in framed("memory", lines, "24.0G", is_plain=True))


@pytest.mark.parametrize("value", [101, 1e9, -5])
def test_values_beyond_the_scale_stay_on_it(value: float) -> None:
    assert all(len(line) == 1 for line in draw([value, value], 100))
    assert draw([value, value], 0)[-1] == "⣀"


def test_the_scale_stands_at_the_left() -> None:
    assert framed("memory", ["a", "b", "c", "d"], "24.0G") == ["memory", "24.0G │a", "      │b", "      │c", "    0 │d"]


def test_a_terminal_shows_the_last_hour_and_a_pipe_does_not(shell: Shell, fake: FakeDaemon) -> None:
    fake.gives("/api/gpus/0", gpu(0))
    fake.gives("/api/monitor/metrics", metrics(*[100.0] * 120))
    screen = on_terminal(shell, "gpu", "info", "0", LC_ALL="C.UTF-8")
    assert "100 │" + "⣿" * 60 in screen.text
    assert "24.0G │" in screen.text
    assert dict(fake.last().query) == {"gpu": "GPU-0", "from": "-1h", "step": "30"}
    asked = len(fake.requests)
    piped = shell.run("gpu", "info", "0").stdout
    assert "⣿" not in piped
    assert "last hour" not in piped
    assert len(fake.requests) == asked + 1


def test_a_locale_without_braille_gets_plain_characters(shell: Shell, fake: FakeDaemon) -> None:
    fake.gives("/api/gpus/0", gpu(0))
    fake.gives("/api/monitor/metrics", metrics(100.0, 100.0))
    screen = on_terminal(shell, "gpu", "info", "0", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert "100 |#" in screen.text
    assert screen.text.isascii()


def test_a_narrow_terminal_gets_the_newest_part(shell: Shell, fake: FakeDaemon) -> None:
    fake.gives("/api/gpus/0", gpu(0))
    fake.gives("/api/monitor/metrics", metrics(*[0.0] * 60, *[100.0] * 60))
    screen = on_terminal(shell, "gpu", "info", "0", columns=40, LC_ALL="C.UTF-8")
    graph = [line for line in screen.lines if "│" in line]
    assert max(len(line) for line in graph) <= 40
    assert graph[0] == "100 │" + "⣿" * 30


def test_json_has_the_series(shell: Shell, fake: FakeDaemon) -> None:
    fake.gives("/api/gpus/0", gpu(0))
    fake.gives("/api/monitor/metrics", metrics(1.0, None))
    found = json.loads(shell.run("gpu", "info", "0", "-o", "json").stdout)
    assert found["index"] == 0
    assert found["history"]["step_s"] == 30
    assert found["history"]["series"]["utilization_percent"]["mean"] == [1.0, None]


def test_an_older_daemon_and_one_that_knows_nothing_yet_do_without(shell: Shell, fake: FakeDaemon) -> None:
    fake.gives("/api/gpus", [gpu(0)])
    assert json.loads(shell.run("gpu", "info", "-o", "json").stdout)[0].keys() == gpu(0).keys()
    assert "last hour" not in on_terminal(shell, "gpu", "info").text
    fake.gives("/api/monitor/metrics", metrics(None, None))
    screen = on_terminal(shell, "gpu", "info")
    assert (screen.code, "last hour" in screen.text) == (0, False)


def test_task_info_shows_peak_and_mean(shell: Shell, fake: FakeDaemon) -> None:
    measured = {
        "gpu_memory_mib": {"peak": 8192.0, "mean": 7680.5},
        "gpu_utilization_percent": None,
        "cpu_percent": {"peak": 812.4, "mean": 390.0},
        "rss_mib": {"peak": 300.0, "mean": 250.2},
        "n_processes": {"peak": 9.0, "mean": 8.25},
    }
    fake.gives("/api/tasks/7", task(7, state="completed", pending_reason=None, measured=measured))
    lines = shell.run("task", "info", "7").stdout.splitlines()
    assert "gpu memory\tpeak 8.0G, mean 7.5G" in lines
    assert "processor\tpeak 812%, mean 390%" in lines
    assert "main memory\tpeak 300M, mean 250M" in lines
    assert "processes\tpeak 9, mean 8.25" in lines
    assert not any(line.startswith("gpu utilisation") for line in lines)
