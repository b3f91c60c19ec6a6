"""`GET /metrics` at a real daemon, read as Prometheus does; and the dashboard that is made of it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gavelq.daemon.counts import Histogram
from gavelq.daemon.service.exposition import Page
from tests.support.daemon import Box, box

DASHBOARD = Path(__file__).parents[2] / "examples" / "grafana" / "gavelq.json"
_SAMPLE = re.compile(r"([a-z_]+)(?:\{((?:[a-z]+=\"(?:[^\"\\]|\\.)*\",?)*)\})? (-?[0-9.e+-]+)")
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parse(text: str) -> tuple[Samples, dict[str, str]]:
    """Samples by name and labels, and types by family. Every line must be one of the format's."""
    samples: Samples = {}
    types: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in types, f"{name} is told twice"
            types[name] = kind
        elif not line.startswith("# HELP "):
            match = _SAMPLE.fullmatch(line)
            assert match, line
            labels = frozenset(re.findall(r"([a-z]+)=\"((?:[^\"\\]|\\.)*)\"", match[2] or ""))
            assert (match[1], labels) not in samples, f"{line} is told twice"
            samples[match[1], labels] = float(match[3])
    return samples, types


@pytest.fixture(scope="module")
def at() -> Iterator[Box]:
    with box(n_gpus=2) as instance:
        yield instance


def read(at: Box) -> tuple[Samples, dict[str, str]]:
    status, headers, body = at.raw("GET", "/metrics", b"", {})
    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    return parse(body.decode())


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0.0)


def test_tasks_are_counted_by_state_and_queue(at: Box) -> None:
    before, _ = read(at)
    ok, bad = at.submit("true"), at.submit("exit 3")
    at.wait(ok)
    at.wait(bad)
    held = at.submit("true", hold=True)

    after, _ = read(at)

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert grown("gavelq_tasks_submitted_total", queue="running") == 3
    assert grown("gavelq_tasks_ended_total", queue="running", state="completed", reason="exit_zero") == 1
    assert grown("gavelq_tasks_ended_total", queue="running", state="failed", reason="exit_nonzero") == 1
    assert grown("gavelq_tasks", queue="running", state="held") == 1
    assert grown("gavelq_task_wait_seconds_count", queue="running") == 2
    assert grown("gavelq_task_wait_seconds_bucket", queue="running", le="+Inf") == 2
    assert grown("gavelq_commits_total") > 2
    assert grown("gavelq_cycle_duration_seconds_count") > 0
    at.post(f"/api/tasks/{held}/kill")


def test_gpus_have_base_units_and_the_labels_that_joins_need(at: Box) -> None:
    samples, types = read(at)
    of_memory = {labels: n for (name, labels), n in samples.items() if name == "gavelq_gpu_memory_total_bytes"}
    assert len(of_memory) == 2
    assert set(of_memory.values()) == {float(24 << 30)}
    for labels in of_memory:
        assert {name for name, _ in labels} == {"gpu", "uuid", "name"}
    ratios = [n for (name, _), n in samples.items() if name == "gavelq_gpu_utilization_ratio"]
    assert all(0 <= n <= 1 for n in ratios)
    assert types["gavelq_gpu_state"] == "gauge"


def test_names_follow_the_conventions(at: Box) -> None:
    _, types = read(at)
    for name, kind in types.items():
        assert name.startswith("gavelq_")
        assert name.endswith("_total") == (kind == "counter"), name
        assert not re.search(r"_(ms|mib|percent|minutes)(_|$)", name), f"{name} is not in a base unit"


def test_every_metric_of_the_dashboard_exists(at: Box) -> None:
    at.wait(at.submit("true"))
    _, types = read(at)
    dashboard = json.loads(DASHBOARD.read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    expressions += [note["expr"] for note in dashboard["annotations"]["list"]]
    expressions += [v["query"]["query"] for v in dashboard["templating"]["list"] if v["type"] == "query"]
    for expression in expressions:
        names = re.findall(r"gavelq_[a-z_]+", expression)
        assert names, expression
        for name in names:
            family = re.sub(r"_(bucket|sum|count)$", "", name)
            assert types.get(name) in ("gauge", "counter") or types.get(family) == "histogram", name
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert len({(place["x"], place["y"]) for place in places}) == len(places)


def test_a_histogram_counts_a_bound_itself_and_what_is_above_all() -> None:
    histogram = Histogram((1.0, 10.0))
    for seconds in (0.5, 1.0, 2.0, 99.0):
        histogram.observe(seconds)
    assert histogram.cumulative() == [("1", 2), ("10", 3), ("+Inf", 4)]
    assert histogram.total == 102.5


def test_labels_are_escaped() -> None:
    page = Page()
    page.add("gavelq_x", "gauge", "Something.", [("", {"name": 'a"b\\c\nd'}, 1.0)])
    assert page.text().splitlines()[-1] == 'gavelq_x{name="a\\"b\\\\c\\nd"} 1'
