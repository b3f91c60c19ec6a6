"""`gavelq simulate`: what it prints, and what it refuses."""

import json
import sys
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
    words = (
        "--mtbf",
        "2m",
        "--repair",
        "30s",
        "--foreign",
        "20%",
        "--weights",
        "everybody=2",
        "--share",
        "--nodes",
        "1",
    )
    done = shell.run("simulate", str(load), "--gpus", "1x24GiB,1x80GiB", *words, "-o", "json")
    (found,) = json.loads(done.stdout)
    assert found["jobs"] == 3
    assert found["makespan_s"] > 240


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--gpus", "2", "--policy", "best"), "policy: there is no policy 'best'"),
        (("--gpus", "2", "--policy", ","), "policy: no policy was named"),
        (("--gpus", "many"), "gpus: 'many' is no number of GPUs"),
        ((), "no machine was named"),
        (("--gpus", "2", "--foreign", "all"), "foreign: 'all' is no part of the time"),
        (("--gpus", "2", "--weights", "ada"), "weights: 'ada' is no tenant with its weight"),
        (("--gpus", "2", "--weights", "ada=2"), "weights: no job belongs to 'ada'\nhint: its tenants are everybody"),
        (("--gpus", "2", "--weights", "everybody=2,everybody=3"), "weights: 'everybody' is given twice"),
        (("--gpus", "2", "--foreign", "10"), "foreign: '10' is no part of the time\nhint: write 0% to 95%"),
        (("--gpus", "2", "--foreign", "nan"), "foreign: 'nan' is no part of the time"),
        (("--gpus", "2", "--repair", "2h"), "--repair means nothing without --mtbf"),
        (("--nodes", "2"), "--nodes means nothing without --gpus"),
        (("--gpus", "2", "--jobs", "5"), "--jobs goes with --synthetic alone"),
        (("--gpus", "2", "--load", "50%"), "--load goes with --synthetic alone"),
        (("--gpus", "2", "--hours", "5"), "--hours goes with --queue alone"),
        (("--gpus", "2", "--assume", "5h"), "--assume goes with --queue alone"),
        (("--gpus", "2", "--set", "scheduling.depth"), "set: 'scheduling.depth' is not NAME=VALUE"),
        (("--gpus", "2", "--set", "scheduling.ageing=7d"), "did you mean scheduling.ageing_s?"),
        (("--gpus", "2", "--set", "scheduling.depth=0"), "scheduling.depth: '0' is not a whole number from 1 to"),
        (("--gpus", "2", "--set", "scheduling.policy=fifo"), "hint: write for example --policy fair,fifo"),
        (("--gpus", "2", "--set", "rules.max_gpu=1"), "rules.max_gpu: a load is not scheduled by it"),
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


@pytest.mark.parametrize(
    "words",
    [
        ("--gpus", "2"), ("--nodes", "2"), ("--policy", "fair"), ("--backfill", "easy"), ("--limits", "none"),
        ("--seed", "1"), ("--share",), ("--weights", "ada=2"), ("--mtbf", "30d"), ("--repair", "4h"),
        ("--foreign", "10%"),
    ],
)  # fmt: skip
def test_a_forecast_refuses_what_says_nothing_about_the_queue_also_where_it_is_the_usual_value(
    shell: Shell, words: tuple[str, ...]
) -> None:
    done = shell.run("simulate", "--queue", *words)
    assert done.returncode == 2
    assert f"{words[0]} says nothing about the live queue" in done.stderr


def test_a_wrong_load_is_told_as_it_was_written(shell: Shell) -> None:
    for load in ("x", "0", "2000%", "nan"):
        done = shell.run("simulate", "--synthetic", "bursty", "--gpus", "2", "--load", load)
        assert done.returncode == 2
        assert f"load: '{load}' is no part of the machine" in done.stderr


def test_half_is_half_in_either_writing(shell: Shell) -> None:
    words = ("simulate", "--synthetic", "bursty", "--jobs", "30", "--gpus", "8", "--foreign")
    assert shell.run(*words, "50%").stdout == shell.run(*words, "0.5").stdout != shell.run(*words, "0%").stdout


def test_other_constants_make_another_schedule_under_a_name_that_tells_them(shell: Shell) -> None:
    """A long job waits beside short ones: it goes before some of them where waiting counts after a minute."""
    path = shell.workdir / "aged.csv"
    small = "".join(f"{at},120,1,120\n" for at in range(1, 1200, 60))
    path.write_text(f"submit_s,duration_s,gpus,limit_s\n0,120,1,120\n2,300,1,300\n{small}")
    words = ("simulate", str(path), "--gpus", "1", "-o", "json", "--policy", "fair,fifo,sjf,srtf")
    usual = json.loads(shell.run(*words).stdout)
    aged = json.loads(shell.run(*words, "--set", "scheduling.ageing_s=1m", "--set", "scheduling.depth=50").stdout)
    assert [one["policy"] for one in aged] == [
        "fair[depth=50,ageing_s=60]", "fifo[depth=50,ageing_s=60]", "sjf[ageing_s=60]", "srtf",
    ]  # fmt: skip
    assert aged[0]["max_wait_s"] < usual[0]["max_wait_s"]
    assert aged[1]["mean_jct_s"] == usual[1]["mean_jct_s"]
    same = json.loads(shell.run(*words, "--set", "scheduling.ageing_s=30d").stdout)
    assert [one["policy"] for one in same] == ["fair", "fifo", "sjf", "srtf"], "what is the default is nothing new"


def test_oracles_with_other_constants_stay_marked(shell: Shell, load: Path) -> None:
    done = shell.run("simulate", str(load), "--gpus", "2", "--policy", "sjf", "--set", "scheduling.ageing_s=1d")
    assert done.stdout.splitlines()[1].startswith("sjf[ageing_s=86400] (oracle)\t")


def test_an_oracle_without_charts_tells_how_busy_its_cards_were(shell: Shell) -> None:
    path = shell.workdir / "memory.csv"
    path.write_text("submit_s,duration_s,gpus,memory_mib\n0,100,1,1000\n0,50,1,1000\n")
    done = shell.run("simulate", str(path), "--gpus", "2", "--policy", "srtf", "-o", "json")
    assert json.loads(done.stdout)[0]["utilisation"] == 0.75


def test_who_asks_for_sharing_is_told_that_no_memory_is_known(shell: Shell, load: Path) -> None:
    said = on_terminal(shell, "simulate", str(load), "--gpus", "2", "--share").text
    assert "no job's memory is known: nobody shares a card" in said


def test_another_interpreter_finds_the_same(shell: Shell, load: Path) -> None:
    words = ("simulate", str(load), "--gpus", "2", "--policy", "fair,srtf", "-o", "json")
    here = json.loads(shell.run(*words).stdout)
    for option in (("--python", sys.executable), (f"--python={sys.executable}",)):
        done = shell.run(*words[:2], *option, *words[2:])
        there = json.loads(done.stdout)
        assert [one.pop("events_per_s") is not None for one in there] == [True, True]
        assert there == [{key: value for key, value in one.items() if key != "events_per_s"} for one in here]


def test_an_interpreter_that_cannot_simulate_is_refused(shell: Shell, load: Path) -> None:
    words = ("simulate", str(load), "--gpus", "2")
    absent = shell.run(*words, "--python", "no-such-python")
    assert (absent.returncode, "python: 'no-such-python' is no program" in absent.stderr) == (2, True)
    old = shell.workdir / "python3.9"
    old.write_text(f"""#!/bin/sh
code=$6  # after -I -S -X utf8 -c
shift 6
exec {sys.executable} -I -S -c "import sys; sys.version_info = (3, 9, 0)
$code" "$@"
""")
    old.chmod(0o700)
    done = shell.run(*words, "--python", str(old))
    assert (done.returncode, "version 3.9" in done.stderr, "3.11 or newer" in done.stderr) == (2, True, True)
    drawn = shell.run(*words, "--python", sys.executable, "--plot", "out.svg")
    assert (drawn.returncode, "--plot needs matplotlib" in drawn.stderr) == (2, True)
