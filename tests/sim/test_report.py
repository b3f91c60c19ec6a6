"""What is drawn of a simulation: the numbers behind the plots, the pictures, and the page."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cache

import pytest

from gavelq.sim.comparing import Comparison, Result
from gavelq.sim.machine import parse_machine
from gavelq.sim.measures import Measures
from gavelq.sim.outcome import Outcome
from gavelq.sim.policies import named
from gavelq.sim.report import drawing, looks
from gavelq.sim.report.curves import (
    STEPS_S,
    Grid,
    busy,
    doublings,
    grid,
    mean_levels,
    neighbours,
    parts_within,
    waiting,
)
from gavelq.sim.report.facts import facts, title
from gavelq.sim.report.page import MEASURES, page
from gavelq.sim.report.picture import parts, picture
from gavelq.sim.simulator import Options
from gavelq.sim.trace import Trace
from tests.sim.loads import HOUR, job, run, trace

SVG = "{http://www.w3.org/2000/svg}"
LOAD = trace(*((row * 60.0, HOUR * (1 + row % 5), 1 + row % 3) for row in range(60)))
HOSTILE = "</title><script>alert(1)</script>$x_1^"


def compared(load: Trace = LOAD, policies: Sequence[str] = ("fair", "fifo", "srtf")) -> tuple[Comparison, list[Result]]:
    comparison = Comparison(trace=load, machine=parse_machine("4"))
    return comparison, [comparison.run(named(name), lambda: 0.0) for name in policies]


def outcomes(policies: Sequence[str] = ("fair", "fifo", "srtf")) -> list[Outcome]:
    return [result.outcome for result in compared(policies=policies)[1]]


@cache
def the_page(name: str = "load") -> str:
    comparison, results = compared(replace(LOAD, name=name, notes=(HOSTILE,)))
    said = facts(comparison, results, command=f"gavelq simulate '{name}'", by="gavelq")
    return page(title(comparison), said, results, parts([result.outcome for result in results]))


# --- the numbers ------------------------------------------------------------------------------------------


def test_a_level_is_the_mean_of_each_step() -> None:
    over = Grid(10.0, 5.0, 4)
    assert mean_levels([(10, 15, 1), (12, 14, 1), (17, 28, 2)], over) == pytest.approx([1.4, 1.2, 2.0, 1.2])


def test_levels_together_are_as_much_as_there_was() -> None:
    (outcome,) = outcomes(("fifo",))
    over = grid([outcome])
    waited = sum(run.wait_s for run in outcome.runs)
    assert sum(mean_levels(waiting(outcome.runs), over)) * over.step_s == pytest.approx(waited)
    ran = sum(run.ran_s * run.job.gpus for run in outcome.runs)
    assert sum(mean_levels(busy(outcome), over)) * over.step_s == pytest.approx(ran / outcome.n_gpus)


def test_jobs_on_one_card_make_it_busy_once() -> None:
    load = trace(job(0, 0, 100, memory_mib=1000), job(1, 50, 100, memory_mib=1000), job(2, 500, 10, memory_mib=1000))
    outcome = run(load, 1, options=Options(share=True))
    assert [one.start_s for one in outcome.runs] == [0, 50, 500]
    assert sorted(busy(outcome)) == [(0, 150, 1), (500, 510, 1)]


@pytest.mark.parametrize("length", [1.0, 400.0, 401.0, 3600.0, 86400.0 * 59, 86400.0 * 7 * 1000])
def test_a_grid_has_few_steps_of_a_round_length_and_reaches_to_the_end(length: float) -> None:
    over = grid([run(trace((5.0, length, 1)), 1)])
    assert over.begin_s == 5.0
    assert over.n <= 400
    assert over.step_s in STEPS_S or over.step_s % STEPS_S[-1] == 0
    assert over.edges[-2] < 5.0 + length <= over.edges[-1]


def test_the_distribution_tells_which_part_waited_no_longer() -> None:
    assert parts_within([0, 5, 5, 60], [1, 5, 59.9, 60]) == [0.25, 0.75, 0.75, 1.0]
    assert parts_within([], [1, 2]) == [0, 0]
    values = doublings(1.0, 100.0, each=2)
    assert values[2] == pytest.approx(2.0)
    assert values[-2] < 100 <= values[-1]


def test_cards_side_by_side_are_drawn_as_one_bar() -> None:
    assert list(neighbours((5, 0, 1, 3, 2, 7))) == [(0, 4), (5, 1), (7, 1)]
    assert list(neighbours(())) == []


# --- the pictures -----------------------------------------------------------------------------------------


def test_a_picture_has_every_plot_with_units_and_every_policy_by_name() -> None:
    tree = ET.fromstring(picture(outcomes(), "load on 4 GPUs", "svg"))  # noqa: S314  # our own
    words = ["".join(one.itertext()).strip() for one in tree.iter(f"{SVG}text")]
    for axis in ("GPU", "days since the first submission", "jobs waiting", "GPUs busy, %", "waiting time"):
        assert axis in words, axis
    assert "load on 4 GPUs" in words
    assert sum(word.startswith("fair") for word in words) == 4, "a chart, two curves and a distribution"
    assert any(word.startswith("srtf (oracle), longest") for word in words)
    assert "srtf moves jobs between GPUs at will, and has no chart over time" in words
    assert {"1 GPU", "2 GPUs", "3 to 4 GPUs"} <= set(words)


def test_the_same_outcome_makes_the_same_picture() -> None:
    shown = [run(trace((0, 10, 1)), 1)]
    assert picture(shown, "load", "svg") == picture(shown, "load", "svg")


def test_a_picture_of_an_oracle_alone_shows_how_long_jobs_waited() -> None:
    assert b"Waiting times" in picture(outcomes(("srtf",)), "load", "svg")
    assert picture(outcomes(("srtf",)), "load", "png").startswith(b"\x89PNG")


def test_a_picture_of_nothing_can_be_drawn() -> None:
    assert picture([run(trace((0, 10, 9)), 2)], "all too wide", "png").startswith(b"\x89PNG")


def test_very_many_bars_become_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = outcomes(("fair",))
    assert b"<image" not in picture(shown, "load", "svg")
    monkeypatch.setattr(drawing, "MOST_DRAWN", 10)
    assert b"<image" in picture(shown, "load", "svg")


@pytest.mark.filterwarnings("error")
def test_more_policies_than_colours_can_be_drawn_and_none_looks_like_its_neighbour() -> None:
    names = ("fair", "fifo", "fifo_skip", "fifo_easy", "largest_first", "smallest_first", "sjf", "srtf", "fair_skip")
    assert b"fair_skip, longest" in picture(outcomes(names), "load", "svg")
    assert len({tone.light for tone in looks.POLICIES}) == len(set(map(str, looks.DASHES))) == len(looks.POLICIES)


@pytest.mark.parametrize("tone", [*looks.POLICIES, *looks.BARS])
def test_each_colour_stands_out_from_its_paper(tone: looks.Tone) -> None:
    assert contrast(tone.light, looks.PAPER.light) >= 3
    assert contrast(tone.dark, looks.PAPER.dark) >= 3


def contrast(one: str, other: str) -> float:
    """Of two colours, as WCAG 2.2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# --- the page ---------------------------------------------------------------------------------------------


def test_a_page_needs_no_script_and_nothing_from_elsewhere() -> None:
    text = the_page()
    assert "<script" not in text
    names = r'xmlns(:xlink)?="http://www\.w3\.org/[^"]*"'
    assert "http" not in re.sub(names, "", text)
    assert not re.search(r"@import|<link|<img|<iframe|\bon\w+=", text)
    references = re.findall(r'href="([^"]*)"', text)
    assert all(one.startswith("#") for one in references)


def test_names_in_a_page_are_its_own_and_unique() -> None:
    text = the_page()
    ids = re.findall(r'\sid="([^"]*)"', text)
    assert len(ids) == len(set(ids)) > 10
    used = {*re.findall(r'href="#([^"]*)"', text), *re.findall(r"url\(#([^)]*)\)", text)}
    assert used <= set(ids)


def test_a_page_is_light_or_dark_as_a_whole() -> None:
    text = the_page()
    assert "prefers-color-scheme:dark" in text
    body = text.partition("</style>")[2]
    assert not re.search(r"#[0-9a-f]{6}\b", body), "every colour is one of those that the page decides"
    assert "var(--c0)" in body


def test_what_somebody_named_is_text_in_a_page() -> None:
    text = the_page(HOSTILE)
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 3, "title, heading, command and note"


def test_every_measure_is_in_the_page_with_an_explanation() -> None:
    assert {said.key for said in MEASURES} == {one.name for one in fields(Measures)} - {"policy"}
    text = the_page()
    for said in MEASURES:
        assert f"{said.name}<small>{said.why}</small>" in text


def test_a_page_tells_what_has_to_be_known_to_repeat_it() -> None:
    machine = parse_machine("2x24GiB,1x80GiB", nodes=2)
    comparison = Comparison(trace=LOAD, machine=machine, limits="modelled", seed=7, options=Options(weights={"ada": 2}))
    said = dict(facts(comparison, [], command="gavelq simulate load.csv --seed 7", by="gavelq 1"))
    assert said["Machine"] == "2 nodes, each with 2 GPUs of 24.0G, 1 GPU of 80.0G; a job runs within one"
    assert said["Trace"].startswith("test: 60 jobs, submitted within 59m00s, 15.")
    assert said["Limits"].startswith("modelled where the trace has none")
    assert (said["Seed"], said["Also"]) == ("7", "weights of tenants: ada 2")
    assert said["Command"] == "gavelq simulate load.csv --seed 7"
