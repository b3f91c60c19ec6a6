"""The last acts and the last changes first, and back from there, at a real daemon."""

from collections.abc import Iterator

import pytest

from gavelq import Client
from gavelq.client import shapes
from tests.support.daemon import Box, Failure, box


@pytest.fixture(scope="module")
def at() -> Iterator[Box]:
    with box(n_gpus=1) as instance:
        for number in range(1, 6):
            instance.request("PUT", "/api/settings", {"rules.max_gpu": number})
        yield instance


def test_the_audit_log_is_paged_back_by_id(at: Box) -> None:
    client = Client(socket=at.socket)
    last = client.audit(limit=2)
    assert all(set(act) == set(shapes.Act.__annotations__) for act in last)
    assert [act["details"]["number"] for act in last] == [4, 5]
    assert [act["details"]["number"] for act in client.audit(before=last[0]["id"], limit=2)] == [2, 3]
    assert [act["id"] for act in at.get("/api/audit?newest=1&limit=2")] == [act["id"] for act in last]
    assert at.get("/api/audit?before=1") == []


def test_the_history_of_the_configuration_is_paged_back_by_number(at: Box) -> None:
    client = Client(socket=at.socket)
    last = client.config_history(limit=2)
    assert [change["number"] for change in last] == [4, 5]
    assert [change["number"] for change in client.config_history(before=4, limit=2)] == [2, 3]
    assert [change["number"] for change in at.get("/api/config/history?newest=1&limit=1")] == [5]


@pytest.mark.parametrize("path", ["/api/audit", "/api/config/history"])
def test_what_cannot_be_had_is_refused(at: Box, path: str) -> None:
    with pytest.raises(Failure, match="newest"):
        at.get(f"{path}?newest=0")
    with pytest.raises(Failure, match="before"):
        at.get(f"{path}?before=x")


def test_a_test_of_the_channels_answers_for_each(at: Box) -> None:
    told = at.post("/api/alerts/test", {"urls": ["http://127.0.0.1:9/a", "http://127.0.0.1:9/b"]})
    assert [(one["delivered"], bool(one["problem"])) for one in told] == [(False, True)] * 2
