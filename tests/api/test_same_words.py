"""What is another tenant's is refused in the very words in which what does not exist is refused."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.daemon import Box, box
from tests.support.tenants import As, tenant

Json = dict[str, Any]
TASK: Json = {"command": "true", "workdir": "/tmp", "gpu_count": 0}
NEVER = 987654
"""No task, submission or token has this number."""


class Two:
    """Ada with a task that waits, one that has ended and a token; Bob with tasks of his own."""

    def __init__(self, at: Box) -> None:
        ada, self.bob = tenant(at, "ada"), tenant(at, "bob")
        # So that no number that is asked for stands in a refusal for another reason.
        ada.post("/api/submissions", {"tasks": [{**TASK, "hold": True, "array": "0-40"}]})
        for _ in range(20):
            ada.post("/api/tasks", {**TASK, "hold": True})
        held = ada.post("/api/tasks", {**TASK, "hold": True})
        ended = ada.post("/api/tasks", TASK)["id"]
        at.wait(ended)
        self.hers = {"held": held["id"], "ended": ended, "submission": held["submission_id"]}
        self.token = ada.get("/api/user")["token_id"]
        self.waiting = self.bob.post("/api/tasks", {**TASK, "hold": True})["id"]
        self.over = self.bob.post("/api/tasks", TASK)["id"]
        at.wait(self.over)


@pytest.fixture(scope="module")
def two() -> Iterator[Two]:
    with box(listen="127.0.0.1:0", n_gpus=1) as instance:
        yield Two(instance)


def refusal(who: As, method: str, target: str, body: Json | None, number: int) -> tuple[int, str]:
    """Status and text of a refusal, without the number that was asked for and what differs from request to request."""
    answer = who.ask(method, target, body)
    assert 400 <= answer.status < 500, (target, body, answer.text)
    shown = {name: value for name, value in answer.json.items() if name not in ("instance", "request_id")}
    return answer.status, str(shown).replace(str(number), "N")


@pytest.mark.parametrize("which", ["held", "ended"])
def test_a_task_of_another_tenant_is_refused_as_one_that_is_not_there(two: Two, which: str) -> None:
    def asked(number: int) -> list[tuple[int, str]]:
        asks: list[tuple[str, str, Json | None]] = []
        for field in ("after", "after_any", "after_fail", "depends_on"):
            for ids in ([number], [two.waiting, number]):
                asks += [
                    ("POST", "/api/tasks", {**TASK, field: ids}),
                    ("POST", "/api/submissions", {"tasks": [TASK, {**TASK, field: ids}]}),
                    ("POST", "/api/submissions", {"tasks": [{**TASK, field: ids, "array": "0-2"}]}),
                    ("PATCH", f"/api/tasks/{two.waiting}", {field: ids}),
                    ("POST", f"/api/tasks/{two.over}/rerun", {field: ids}),
                ]
        asks += [
            ("POST", "/api/tasks/edit", {"ids": [two.waiting, number], "priority": 3}),
            ("GET", f"/api/wait?id={two.waiting}&id={number}&timeout=1", None),
            *(
                ("GET", f"/api/tasks/{number}{part}", None)
                for part in ("", "/why", "/logs", "/wait", "/turn?state=held")
            ),
            *(
                ("POST", f"/api/tasks/{number}/{verb}", {})
                for verb in ("run", "hold", "kill", "rerun", "renew", "release")
            ),
            ("PATCH", f"/api/tasks/{number}", {"priority": 3}),
            ("DELETE", f"/api/tasks/{number}", None),
        ]
        return [refusal(two.bob, *ask, number) for ask in asks]

    hers, nobodys = asked(two.hers[which]), asked(NEVER)
    assert hers == nobodys
    assert all(status in (400, 404) for status, _ in hers)


def test_so_are_submissions_tokens_and_tenants(two: Two) -> None:
    submission = two.hers["submission"]
    for target in ("/api/submissions/{}", "/api/tasks?submission={}", "/api/tasks?state=held&submission={}"):
        one, other = (refusal(two.bob, "GET", target.format(number), None, number) for number in (submission, NEVER))
        assert one == other, target
    one, other = (refusal(two.bob, "DELETE", f"/api/tokens/{number}", None, number) for number in (two.token, NEVER))
    assert one == other
    for target in ("/api/tenants/{}", "/api/tenants/{}/tasks", "/api/tasks?tenant={}", "/api/usage?tenant={}"):
        there, nowhere = (two.bob.ask("GET", target.format(name)) for name in ("ada", "eve"))
        assert there.status == nowhere.status == 404
        assert there.json["detail"].replace("ada", "eve") == nowhere.json["detail"]
    for name in ("ada", "eve"):
        assert two.bob.ask("POST", "/api/tasks", {**TASK, "tenant": name}).status == 403
