"""`gavelq simulate`: what it prints, and what it refuses."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Shell as Shell
from tests.cli.conftest import shell as shell
from tests.cli.terminal import on_terminal

KEYS = [
    "policy", "left_out", "jobs", "mean_jct_s", "p50_jct_s", "p95_jct_s", "mean_wait_s", "p95_wait_s", "max_wait_s",
    "mean_bounded_slowdown", "makespan_s", "utilisation", "backfilled", "promises_broken", "preemptions",
    "bound_makespan_s", "bound_mean_jct_s", "ratio_makespan", "ratio_mean_jct", "events", "events_per_s",
]  # fmt: skip


@pytest.fixture
def load(shell: Shell) -> Path:
    path = shell.workdir / "load.csv"
    path.write_text("submit_s,duration_s,gpus\n0,100,1\n10,100,2\n20,40,1\n20,60,9\n")
    return path


def test_json_is_an_object_for_each_policy_with_exactly_these_keys(shell: Shell, load: Path) -> None:
    done = shell.run("simulate", str(load), "--gpus", "2", "--policy", "fifo,fifo_skip,srtf", "-o", "json")
    found = json.loads(done.stdout)
    assert [list(one) for one in found] == [KEYS] * 3
    fifo, skip, oracle = found
    assert [one["policy"] for one in found] == ["fifo", "fifo_skip", "srtf"]
    assert (fifo["jobs"], fifo["left_out"]) == (3, 1)
    assert (fifo["mean_jct_s"], skip["mean_jct_s"]) == ((100 + 190 + 220) / 3, (100 + 190 + 40) / 3)
    assert (fifo["p50_jct_s"], fifo["p95_jct_s"], fifo["max_wait_s"], fifo["makespan_s"]) == (190, 220, 180, 240)
    assert fifo["mean_bounded_slowdown"] == pytest.approx((1 + 1.9 + 5.5) / 3)
    assert fifo["utilisation"] == pytest.approx(340 / 480)
    assert (skip["backfilled"], oracle["preemptions"]) == (1, 0)
    assert fifo["ratio_mean_jct"] == pytest.approx(fifo["mean_jct_s"] / fifo["bound_mean_jct_s"])
    assert fifo["events"] == 3 * 3 + 4 + 1, "submission, start and end of each; four plans; one look at the cards"


def test_a_table_has_a_row_for_each_policy_and_marks_oracles(shell: Shell, load: Path) -> None:
    done = shell.run("simulate", str(load), "--gpus", "2", "--policy", "fair,sjf")
    head, *rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert head[0] == "POLICY"
    assert [row[0] for row in rows] == ["fair", "sjf (oracle)"]


def test_a_person_is_told_what_was_left_out(shell: Shell, load: Path) -> None:
    said = on_terminal(shell, "simulate", str(load), "--gpus", "2").text
    assert "3 jobs on 2 GPUs; 1 want more than there is and were left out" in said


def test_backfill_may_be_chosen_and_shows_in_the_name(shell: Shell, load: Path) -> None:
    words = ("simulate", str(load), "--gpus", "2", "-o", "json", "--limits", "exact")
    found = json.loads(shell.run(*words, "--policy", "fifo,fair", "--backfill", "easy").stdout)
    assert [one["policy"] for one in found] == ["fifo_easy", "fair"]
    found = json.loads(shell.run(*words, "--policy", "fair,fifo", "--backfill", "none").stdout)
    assert [one["policy"] for one in found] == ["fair_none", "fifo"]


def test_faults_and_foreign_use_and_weights_can_be_asked_for(shell: Shell, load: Path) -> None:
    words = ("--mtbf", "2m", "--repair", "30s", "--foreign", "20%", "--weights", "ada=2", "--share", "--nodes", "1")
    done = shell.run("simulate", str(load), "--gpus", "1x24GiB,1x80GiB", *words, "-o", "json")
    (found,) = json.loads(done.stdout)
    assert found["jobs"] == 3
    assert found["makespan_s"] > 240


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--gpus", "2", "--policy", "best"), "policy: there is no policy 'best'"),
        (("--gpus", "2", "--policy", ","), "policy: no policy was named"),
        (("--gpus", "many"), "gpus: 'many' is not an amount of memory"),
        ((), "no machine was named"),
        (("--gpus", "2", "--foreign", "all"), "foreign: 'all' is no part of the time"),
        (("--gpus", "2", "--weights", "ada"), "weights: 'ada' is no tenant with its weight"),
        (("--gpus", "2", "--mtbf", "soon"), "mtbf: 'soon' is not a duration"),
        (("--gpus", "2", "--limits", "wild"), "'wild'"),
    ],
)
def test_what_cannot_be_simulated_is_refused_with_the_field(
    shell: Shell, load: Path, words: tuple[str, ...], said: str
) -> None:
    done = shell.run("simulate", str(load), *words)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_trace_that_is_not_there_is_not_found(shell: Shell) -> None:
    assert shell.run("simulate", "none.csv", "--gpus", "2").returncode == 3
