"""Usage reports of a real daemon: over REST, as several tenants, and on the command line."""

import csv
import io
import json
import os
from collections.abc import Iterator
from typing import get_type_hints

import pytest

from gavelq.cli.output.usage import csv_text
from gavelq.client.sdk import Client
from gavelq.client.usage import UsageRow
from tests.support.daemon import Box, Failure, box
from tests.support.tenants import tenant

ENV = {"PATH": os.environ["PATH"]}


@pytest.fixture(scope="module")
def used() -> Iterator[Box]:
    """Three tasks of the box's own that ended, and one on two GPUs that runs."""
    with box(listen="127.0.0.1:0") as instance:
        ids = [instance.submit(command) for command in ("true", "true", "exit 3")]
        for task_id in ids:
            instance.wait(task_id)
        instance.wait(instance.submit("sleep 600", gpu_count=2), "running")
        yield instance


def test_a_report_counts_ends_starts_and_hours_also_of_what_runs(used: Box) -> None:
    first = used.get("/api/usage")["total"]
    assert (first["n_completed"], first["n_failed"], first["n_ended"], first["n_started"]) == (2, 1, 3, 4)
    assert first["gpu_hours"] >= 0
    assert first["wait_p95_s"] >= first["wait_p50_s"] >= 0


def test_a_report_is_split_by_what_was_asked_for(used: Box) -> None:
    found = used.get("/api/usage?by=queue,day&by=tenant")
    assert found["by"] == ["queue", "day", "tenant"]
    (row,) = found["rows"]
    assert row["queue"] == "running"
    assert row["n_ended"] == 3
    assert used.get("/api/usage")["rows"] == []


def test_split_by_card_it_has_their_hours_and_no_tasks(used: Box) -> None:
    found = used.get("/api/usage?by=gpu")
    rows = {row["gpu"]: row for row in found["rows"]}
    assert list(rows) == sorted(rows)
    assert sum(row["gpu_hours"] for row in rows.values()) == pytest.approx(found["total"]["gpu_hours"], abs=0.001)
    assert {row["n_started"] for row in rows.values()} == {None}
    assert found["total"]["n_started"] == 4
    (running,) = used.get("/api/tasks?state=running")
    assert rows.keys() >= set(running["gpus"])


def test_nothing_is_told_of_another_time(used: Box) -> None:
    found = used.get("/api/usage?since=-3d&until=-2d&by=tenant")
    assert found["rows"] == []
    assert found["total"]["gpu_hours"] == 0


@pytest.mark.parametrize(
    ("target", "field"),
    [("by=colour", "by"), ("since=soon", "since"), ("until=-900d&since=-1d", "since"), ("since=-2000d", "since")],
)
def test_a_question_that_makes_no_sense_is_refused_with_its_field(used: Box, target: str, field: str) -> None:
    with pytest.raises(Failure) as failure:
        used.get(f"/api/usage?{target}")
    assert failure.value.status == 400
    assert failure.value.body["details"]["field"] == field


def test_a_tenant_sees_its_own_part_alone(used: Box) -> None:
    ada, bob = tenant(used, "ada"), tenant(used, "bob")
    made = ada.post("/api/tasks", {"command": "true", "workdir": "/tmp", "env": ENV})
    used.wait(made["id"])
    mine = ada.get("/api/usage?by=tenant")
    assert [row["tenant"] for row in mine["rows"]] == ["ada"]
    assert mine["total"]["n_ended"] == 1
    assert mine["total"]["foreign_gpu_hours"] is None
    assert bob.get("/api/usage?by=tenant")["rows"] == []
    assert bob.ask("GET", "/api/usage?tenant=ada").status == 404
    assert bob.ask("GET", "/api/usage?tenant=nobody").status == 404
    assert used.get("/api/usage?tenant=ada")["total"]["n_ended"] == 1
    assert {row["tenant"] for row in used.get("/api/usage?by=tenant")["rows"]} > {"ada"}


def test_the_command_line_prints_tables_json_and_csv(used: Box) -> None:
    table = used.cli("usage", "--by", "queue").stdout.splitlines()
    assert table[0].split("\t")[:2] == ["QUEUE", "GPU-HOURS"]
    assert [line.split("\t")[0] for line in table[1:]] == ["running", "total"]
    assert json.loads(used.cli("usage", "--since", "1d", "-o", "json").stdout)["by"] == ["tenant"]
    written = used.cli("usage", "-o", "csv", "--by", "queue,day").stdout
    (row,) = csv.DictReader(io.StringIO(written))
    assert row["queue"] == "running"
    assert int(row["n_ended"]) >= 3
    assert used.cli("usage", "--by", "colour").returncode == 2


def test_programs_ask_with_the_sdk(used: Box) -> None:
    found = Client(socket=used.socket).usage(since="-1d", by=["queue"])
    assert found["rows"][0]["queue"] == "running"


def test_csv_has_rfc_4180_lines_and_no_formulas() -> None:
    sums = dict.fromkeys(get_type_hints(UsageRow))
    names = ["=cmd()", "-1+1", "@x", "+2", 'a "b", c', "plain"]
    rows = [{**sums, "tenant": name, "n_ended": -1} for name in names]
    text = csv_text({"by": ["tenant"], "from": "a", "to": "b", "rows": rows, "total": sums})
    assert text.count("\r\n") == text.count("\n") == 7
    told = list(csv.DictReader(io.StringIO(text)))
    assert [row["tenant"] for row in told] == ["'=cmd()", "'-1+1", "'@x", "'+2", 'a "b", c', "plain"]
    assert {row["n_ended"] for row in told} == {"-1"}
