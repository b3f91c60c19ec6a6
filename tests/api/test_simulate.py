"""The queue looked ahead at a real daemon: by REST, the SDK and the command line."""

import json
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from gavelq import Client
from gavelq.client import shapes
from gavelq.testing.waiting import wait_until
from tests.support import forked
from tests.support.daemon import Box, Failure, box
from tests.support.tenants import tenant

WAITING = (("next", "10m"), ("long", "5h"), ("short", "1m"))
FIFO = {"scheduling.policy": "fifo"}


@pytest.fixture(scope="module")
def at() -> Iterator[Box]:
    with box(n_gpus=1, listen="127.0.0.1:0") as instance:
        yield instance


@pytest.fixture
def busy(at: Box) -> Iterator[tuple[Box, int, int, int]]:
    """One task runs for 10 minutes at most. Behind it wait one with a reservation, a long and a short one.

    Gives the first one, the long one and the short one.
    """
    first = at.submit("sleep 300", name="first", time_limit="10m")
    at.wait(first, "running")
    ids = [at.submit("true", name=name, time_limit=limit) for name, limit in WAITING]
    wait_until(lambda: at.task(ids[0])["expected_start_at"] is not None, 60, "it has its reservation")
    yield at, first, ids[1], ids[2]
    for task_id in (*ids, first):
        at.post(f"/api/tasks/{task_id}/kill")
    at.wait(first)


def seconds(begin: str | None, end: str | None) -> float:
    assert begin is not None
    assert end is not None
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()


def test_each_waiting_task_has_its_expected_start_under_both_rules(busy: tuple[Box, int, int, int]) -> None:
    at, first, long, short = busy
    told = Client(socket=at.socket).simulate(FIFO)
    assert set(told) == set(shapes.Simulation.__annotations__)
    assert set(told["summary"]) == set(shapes.SimulationSummary.__annotations__)
    assert [row["task_id"] for row in told["tasks"]][1:] == [short, long]
    row = told["tasks"][1]
    assert set(row) == set(shapes.SimulatedTask.__annotations__)
    assert set(row["now"]) == set(shapes.Fate.__annotations__)
    assert (row["name"], row["run_time_s"], row["run_time_basis"], row["now"]["gpus"]) == ("short", 60, "limit", [0])
    began = at.task(first)["started_at"]
    assert row["then"] is not None
    assert seconds(began, row["now"]["start_at"]) == pytest.approx(1200, abs=0.01)
    assert seconds(row["now"]["start_at"], row["now"]["end_at"]) == pytest.approx(60, abs=0.01)
    assert seconds(row["now"]["start_at"], row["then"]["start_at"]) == pytest.approx(5 * 3600, abs=0.01)
    assert row["now"]["wait_s"] == pytest.approx(seconds(row["submitted_at"], row["now"]["start_at"]), abs=0.01)
    summary = told["summary"]
    assert (summary["n_waiting"], summary["n_earlier"], summary["n_later"], summary["n_same"]) == (3, 1, 1, 1)
    assert summary["then"] is not None
    assert summary["now"]["mean_wait_s"] < summary["then"]["mean_wait_s"]  # type: ignore[operator]  # both start
    assert summary["run_times"] == {"learned": 0, "limit": 3, "assumed": 0, "unknown": 0}
    assert [(one["name"], one["new"]) for one in told["changed"]] == [("scheduling.policy", "fifo")]
    assert at.get("/api/settings")["scheduling.policy"]["value"] == "fair"
    assert at.state(short) == at.state(long) == "pending"


def test_without_changes_there_is_one_side_and_the_hours_bound_it(busy: tuple[Box, int, int, int]) -> None:
    at, _, long, short = busy
    told = at.post("/api/simulate", {"hours": 1})
    assert told["summary"]["then"] is None
    assert [row["then"] for row in told["tasks"]] == [None, None, None]
    assert seconds(told["at"], told["until"]) == 3600
    behind = at.submit("true", time_limit="6h")
    told = at.post("/api/simulate", {"hours": 1})
    fates = {row["task_id"]: row["now"] for row in told["tasks"]}
    at.post(f"/api/tasks/{behind}/kill")
    assert fates[long]["start_at"] is not None
    assert (fates[behind]["start_at"], fates[behind]["why"]) == (None, "not within the time that was looked ahead")
    assert told["summary"]["now"]["n_starting"] == 3
    assert fates[short]["why"] is None


def test_a_tenant_is_told_of_its_own_tasks_alone(busy: tuple[Box, int, int, int]) -> None:
    at, _, long, _ = busy
    at.post("/api/tenants", {"name": "eve"})
    token = at.post("/api/tokens", {"tenant": "eve"})["token"]
    eve = Client(url=at.get("/api/daemon")["http"], token=token)
    hers = eve.submit("true", name="hers", workdir="/tmp", time_limit="1h")["id"]
    told = eve.simulate(FIFO)
    assert [(row["task_id"], row["tenant"]) for row in told["tasks"]] == [(hers, "eve")]
    assert told["summary"]["n_waiting"] == 1
    assert seconds(told["at"], told["tasks"][0]["now"]["start_at"]) > 1000, "she waits behind others all the same"
    assert [(one["name"], one["old"]) for one in told["changed"]] == [("scheduling.policy", None)]
    text = json.dumps(told)
    assert f"task {long}" not in text
    assert "first" not in text
    assert hers in [row["task_id"] for row in at.post("/api/simulate")["tasks"]]
    eve.kill(hers)


def test_one_tenant_asks_one_thing_at_a_time(busy: tuple[Box, int, int, int]) -> None:
    at, *_ = busy
    answers: list[Any] = []

    def ask() -> None:
        try:
            answers.append(at.post("/api/simulate"))
        except Failure as failure:
            answers.append(failure)

    def has_refused() -> bool:
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return any(isinstance(one, Failure) for one in answers)

    wait_until(has_refused, 60, "two questions met")
    refused = [one for one in answers if isinstance(one, Failure)]
    assert {(one.status, one.body["code"]) for one in refused} == {(429, "simulation_running")}
    assert any(isinstance(one, dict) for one in answers)
    assert at.post("/api/simulate")["summary"]["is_whole"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"settings": {"scheduling.policy": "best"}}, "scheduling.policy"),
        ({"settings": {"rules.max_gpus": 1}}, "rules.max_gpus"),
        ({"settings": {"notify.urls": []}}, "notify.urls"),
        ({"unset": ["http.listen"]}, "http.listen"),
        ({"settings": []}, None),
        ({"settings": ["x"]}, "settings"),
        ({"unset": "rules.max_gpu"}, "unset"),
        ({"hours": 0}, "hours"),
        ({"hours": "24"}, "hours"),
        ({"hours": 721}, "hours"),
        ({"assume": "long"}, "assume"),
        ({"assume": -1}, "assume"),
        ({"assume": True}, "assume"),
        ({"days": 1}, "days"),
    ],
)
def test_mistakes_are_named(at: Box, body: Any, named: str | None) -> None:
    if named is None:
        assert at.post("/api/simulate", body)["changed"] == []
        return
    with pytest.raises(Failure) as refused:
        at.post("/api/simulate", body)
    assert refused.value.status == 400
    assert refused.value.body["details"]["field"] == named


def test_all_settings_that_a_simulation_does_not_go_by_are_named_at_once(at: Box) -> None:
    settings = {"retry.retries": 3, "rules.max_gpu": 1, "http.listen": None}
    with pytest.raises(Failure) as refused:
        at.post("/api/simulate", {"settings": settings, "unset": ["notify.urls"]})
    assert (refused.value.status, refused.value.body["code"]) == (400, "not_simulated")
    assert refused.value.body["details"]["fields"] == ["retry.retries", "http.listen", "notify.urls"]


def test_the_command_line_tells_both_sides(busy: tuple[Box, int, int, int]) -> None:
    at, _, long, short = busy
    said = at.cli("simulate", "--queue", "--set", "scheduling.policy=fifo")
    assert said.returncode == 0, said.stderr
    rows = [line.split("\t") for line in said.stdout.splitlines()]
    assert rows[0][:6] == ["ID", "NAME", "GPUS", "RUNS", "BY", "START"]
    assert [(cells[0], cells[1], cells[3], cells[4]) for cells in rows[2:]] == [
        (str(short), "short", "1m00s", "limit"), (str(long), "long", "5h00m", "limit"),
    ]  # fmt: skip
    assert [cells[rows[0].index("CHANGE")] for cells in rows[2:]] == ["+5h00m", "-1m00s"]
    plain = json.loads(at.cli("simulate", "--queue", "-o", "json", "--hours", "2", "--assume", "2h").stdout)
    assert (plain["assumed_s"], plain["summary"]["then"]) == (7200, None)
    wrong = at.cli("simulate", "--queue", "--set", "fifo")
    assert (wrong.returncode, "is not NAME=VALUE" in wrong.stderr) == (2, True)


def test_the_past_stands_beside_what_would_have_been(at: Box) -> None:
    ids = [at.submit("sleep 0.3", time_limit="1m") for _ in range(4)]
    for task_id in ids:
        at.wait(task_id)
    said = at.cli("simulate", "--from-history", "1d", "-o", "json", "--policy", "fair,fifo")
    assert said.returncode == 0, said.stderr
    really, fair, fifo = json.loads(said.stdout)
    assert [one["policy"] for one in (really, fair, fifo)] == ["as_it_was", "fair", "fifo"]
    assert set(really) == set(fair)
    assert really["jobs"] == fair["jobs"] >= 4
    assert really["mean_wait_s"] >= fair["mean_wait_s"] > 0, "starting a task takes a moment, which is not simulated"
    assert at.cli("simulate", "--from-history", "soon").returncode == 2
    assert at.cli("simulate", "--from-history", "1d", "--queue").returncode == 2


def test_the_past_is_simulated_by_the_daemons_own_rules(at: Box) -> None:
    at.wait(at.submit("true", time_limit="1m"))
    own = ("scheduling.policy=fifo", "scheduling.ageing_s=7d", "rules.gpu_left=0")
    for one in own:
        assert at.cli("config", "set", *one.split("=")).returncode == 0
    try:
        assert policies(at) == ["as_it_was", "fifo_easy[ageing_s=604800]"]
        assert policies(at, "--backfill", "skip") == ["as_it_was", "fifo_skip[ageing_s=604800]"]
        assert policies(at, "--policy", "fair,fifo", "--set", "scheduling.ageing_s=1d") == [
            "as_it_was", "fair[ageing_s=86400]", "fifo[ageing_s=86400]",
        ]  # fmt: skip
    finally:
        for one in own:
            at.cli("config", "unset", one.partition("=")[0])
    assert policies(at) == ["as_it_was", "fair"]


def test_who_may_not_see_the_settings_is_told_which_ones_are_simulated(at: Box) -> None:
    bob = tenant(at, "bob")
    at.wait(bob.post("/api/tasks", {"command": "true", "time_limit": "1m", "workdir": "/tmp"})["id"])
    env = {**at.env, "GAVELQ_URL": bob.url, "GAVELQ_TOKEN": str(bob.token)}
    said = forked.run(("simulate", "--from-history", "1d", "-o", "json"), env=env, cwd="/tmp")
    assert [one["policy"] for one in json.loads(said.stdout)] == ["as_it_was", "fair"]
    assert "the usual settings are simulated, not the daemon's" in said.stderr


def policies(at: Box, *words: str) -> list[str]:
    """The names of what the past is compared with."""
    said = at.cli("simulate", "--from-history", "1d", "-o", "json", *words)
    assert said.returncode == 0, said.stderr
    return [one["policy"] for one in json.loads(said.stdout)]
