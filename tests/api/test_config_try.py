"""Other rules, only tried, at a real daemon: by REST and on the command line."""

import json
from collections.abc import Iterator

import pytest

from gavelq import Client
from gavelq.client import shapes
from tests.support.daemon import Box, Failure, box


@pytest.fixture
def at() -> Iterator[Box]:
    with box(n_gpus=3) as instance:
        instance.request("PUT", "/api/settings", {"rules.max_gpu": 1})
        instance.wait(instance.submit("sleep 300"), "running")
        yield instance


def test_it_tells_what_would_start_and_changes_nothing(at: Box) -> None:
    first, second, third = (at.submit("sleep 300", name=name) for name in ("one", "two", "three"))
    told = Client(socket=at.socket).try_config({"rules.max_gpu": 3})
    assert set(told) == set(shapes.TriedRules.__annotations__)
    assert told["changed"] == [
        {"name": "rules.max_gpu", "old": 1, "new": 3, "was_default": False, "is_default": False}
    ]  # fmt: skip
    assert told["now"] == []
    assert [(one["task_id"], one["name"], len(one["gpus"])) for one in told["then"]] == [
        (first, "one", 1), (second, "two", 1),
    ]  # fmt: skip
    by_id = {one["task_id"]: one for one in told["reasons"]}
    assert set(by_id) == {first, second, third}
    assert (by_id[first]["now_reason"], by_id[first]["then"]) == ("gpu_budget", None)
    assert "rules.gpu_left" in str(by_id[first]["now"])
    assert (by_id[third]["now_reason"], by_id[third]["then_reason"]) == ("gpu_budget", "gpu_count")
    assert told["preempted"] == []
    assert told["budget"] == {
        "now": {"n_used": 1, "most": 1, "is_limited": True}, "then": {"n_used": 3, "most": 3, "is_limited": True},
    }  # fmt: skip
    assert at.get("/api/settings")["rules.max_gpu"]["value"] == 1
    assert [at.state(task) for task in (first, second, third)] == ["pending"] * 3


def test_cards_that_would_be_left_out_count_for_nobody(at: Box) -> None:
    first = at.submit("sleep 300", gpu_count=2)
    wide = at.post("/api/config/try", {"settings": {"rules.max_gpu": 3}})
    assert [one["task_id"] for one in wide["then"]] == [first]
    narrow = {"rules.max_gpu": 3, "rules.use_all_gpus": False, "rules.compete_gpus": ["0"]}
    assert at.post("/api/config/try", {"settings": narrow})["then"] == []


def test_tasks_that_would_be_stopped_are_named(at: Box) -> None:
    at.request("PUT", "/api/settings", {"preemption.min_run_s": 0, "rules.max_gpu": 3})
    at.post("/api/tasks/1/kill")
    at.wait(1)
    low = at.submit("sleep 300", gpu_count=3, preemptible=True)
    at.wait(low, "running")
    high = at.submit("sleep 300", priority=90)
    told = at.post("/api/config/try", {"settings": {"preemption.enabled": True}})
    assert told["preempted"] == [low]
    assert at.state(low) == "running"
    assert at.state(high) == "pending"


def test_the_file_is_shown_as_it_is_and_as_it_would_be(at: Box) -> None:
    path = at.home / "config.yaml"
    path.write_text("# the lab machine\nrules:\n  max_gpu: 1  # guests\n  gpu_left: 1\n")
    told = at.post("/api/config/try", {"settings": {"rules.max_gpu": 2}, "unset": ["rules.gpu_left"]})
    assert told["file"] == {
        "path": str(path), "before": path.read_text(),
        "after": "# the lab machine\nrules:\n  max_gpu: 2  # guests\n",
    }  # fmt: skip
    assert [(one["name"], one["is_default"]) for one in told["changed"]] == [
        ("rules.max_gpu", False), ("rules.gpu_left", True),
    ]  # fmt: skip
    with pytest.raises(Failure) as refused:
        at.post("/api/config/try", {"settings": {}, "unset": "rules.gpu_left"})
    assert refused.value.body["details"]["field"] == "unset"


@pytest.mark.parametrize(
    ("settings", "named"),
    [({"rules.max_gpus": 3}, "rules.max_gpus"), ({"rules.max_gpu": "many"}, "rules.max_gpu"), ([], "settings")],
)
def test_mistakes_are_named_as_when_they_are_written(at: Box, settings: object, named: str) -> None:
    with pytest.raises(Failure) as refused:
        at.post("/api/config/try", {"settings": settings})
    assert refused.value.status == 400
    assert refused.value.body["details"]["field"] == named
    if isinstance(settings, dict):
        with pytest.raises(Failure) as written:
            at.request("PUT", "/api/settings", settings)
        assert written.value.body == refused.value.body


def test_the_command_line_tells_both_sides(at: Box) -> None:
    waiting = at.submit("sleep 300", name="waits")
    said = at.cli("config", "try", "rules.max_gpu=2")
    assert said.returncode == 0, said.stderr
    assert "with the rules in force: nothing starts now" in said.stdout
    assert f"with the changes:        task {waiting} on GPU" in said.stdout
    told = json.loads(at.cli("config", "try", "rules.max_gpu", "2", "-o", "json").stdout)
    assert [one["task_id"] for one in told["then"]] == [waiting]
    assert at.cli("config", "try", "rules.max_gpus=2").returncode == 2
