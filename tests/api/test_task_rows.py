"""`GET /api/tasks` for pages with thousands of rows: only some fields, only some tasks."""

from collections.abc import Iterator

import pytest

from gavelq import Client
from gavelq.client import shapes
from gavelq.daemon.task_fields import FIELDS
from tests.support.daemon import Box, Failure, box
from tests.support.tenants import tenant


@pytest.fixture(scope="module")
def at() -> Iterator[Box]:
    with box(n_gpus=1, listen="127.0.0.1:0") as instance:
        yield instance


def test_rows_have_the_fields_that_are_asked_for_in_that_order(at: Box) -> None:
    number = at.submit("true", name="short", hold=True)
    rows = at.get("/api/tasks?state=held&fields=id,state,%20name,id")
    assert {"id": number, "state": "held", "name": "short"} in rows
    assert all(list(row) == ["id", "state", "name"] for row in rows)


def test_each_field_by_itself_is_what_it_is_in_the_whole_row(at: Box) -> None:
    ended = at.submit("true")
    waiting = at.submit("true", gpu_count=1, not_before="+1h")
    at.wait(ended)
    whole = at.get(f"/api/tasks?ids={ended},{waiting}")
    by_field = [at.get(f"/api/tasks?ids={ended},{waiting}&fields={name}") for name in FIELDS]
    assert [{name: part[row][name] for part in by_field for name in part[row]} for row in (0, 1)] == whole


def test_the_table_has_every_field_of_a_task(at: Box) -> None:
    assert set(FIELDS) == set(shapes.Task.__annotations__)


def test_an_unknown_field_is_named(at: Box) -> None:
    with pytest.raises(Failure, match="a task has no field 'colour'") as refused:
        at.get("/api/tasks?fields=id,colour")
    assert (refused.value.status, refused.value.body["details"]["field"]) == (400, "fields")


def test_ids_pick_tasks_and_those_that_are_not_there_are_left_out(at: Box) -> None:
    first, second, third = (at.submit("true", hold=True) for _ in range(3))
    assert [task["id"] for task in at.get(f"/api/tasks?ids={third},999999,{first}")] == [first, third]
    assert [task["id"] for task in at.get(f"/api/tasks?state=held&ids={third},{second}")] == [second, third]
    assert at.get(f"/api/tasks?state=running&ids={first}") == []
    assert at.get("/api/tasks?ids=") == []


def test_at_most_500_ids_are_taken(at: Box) -> None:
    assert at.get(f"/api/tasks?ids={','.join(['999999'] * 500)}") == []
    with pytest.raises(Failure, match="more than 500 ids"):
        at.get(f"/api/tasks?ids={','.join(['1'] * 501)}")
    with pytest.raises(Failure, match="not a whole number"):
        at.get("/api/tasks?ids=1,x")


def test_ids_of_others_are_left_out(at: Box) -> None:
    hers, his = tenant(at, "rows-ada"), tenant(at, "rows-bob")
    one = hers.post("/api/tasks", {"command": "true", "hold": True, "workdir": "/tmp"})["id"]
    two = his.post("/api/tasks", {"command": "true", "hold": True, "workdir": "/tmp"})["id"]
    for filtered in ("", "&state=held"):
        assert [task["id"] for task in his.get(f"/api/tasks?ids={one},{two}&fields=id{filtered}")] == [two]
    assert [task["id"] for task in at.get(f"/api/tasks?ids={one},{two}&fields=id")] == [one, two]


def test_the_client_goes_through_pages_of_few_fields(at: Box) -> None:
    number = at.submit("true", hold=True)
    rows = list(Client(socket=at.socket).tasks(fields=["name"], ids=[number, 999999]))
    assert rows == [{"id": number, "name": rows[0]["name"]}]
