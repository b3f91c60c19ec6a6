"""Bad input to every route: refused with a problem document that names the mistake; nothing else changes."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.daemon import Box, Json, box

DEEP = b"[" * 100_000 + b"]" * 100_000
JSON = "application/json"


@pytest.fixture(scope="module")
def target() -> Iterator[Box]:
    """A daemon with task 1 ended, task 2 held, task 3 pending for ever and queue `q` with a GPU and task 4."""
    with box() as instance:
        instance.wait(instance.submit("true"))
        instance.submit("true", hold=True)
        instance.post("/api/queues", {"name": "paused", "paused": True})
        instance.submit("true", queue="paused")
        instance.post("/api/queues", {"name": "q"})
        instance.post("/api/gpus/allocate", {"queue": "q", "gpus": ["3"]})
        instance.submit("true", queue="q", hold=True)
        yield instance


def everything(instance: Box) -> list[Any]:
    """All that a request could have changed."""
    gpus = [{key: gpu[key] for key in ("index", "state", "queue", "tasks")} for gpu in instance.get("/api/gpus")]
    queues, tasks = instance.get("/api/queues"), instance.get("/api/tasks")
    return [instance.get("/api/daemon")["counts"], gpus, queues, tasks, instance.get("/api/tasks/2")]


@pytest.fixture(autouse=True)
def unchanged(target: Box) -> Iterator[None]:
    """Nothing that these tests ask for happens."""
    before = everything(target)
    yield
    assert everything(target) == before


def refused(
    instance: Box, method: str, path: str, body: object = None, *, kind: str = JSON, raw: bytes | None = None
) -> tuple[int, str, Json]:
    """Send a request that must be refused; status, code and the problem document, which is checked."""
    content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
    status, headers, answer = instance.raw(method, path, content, {"Content-Type": kind})
    assert status >= 400, (path, body, status, answer)
    assert headers["content-type"] == "application/problem+json", answer
    problem = json.loads(answer)
    assert problem["status"] == status
    assert problem["code"]
    assert problem["message"] == problem["detail"]
    assert {"hint", "details", "type", "title"} <= set(problem)
    assert "Traceback" not in answer.decode()
    return status, problem["code"], problem


def test_unknown_things_are_not_found(target: Box) -> None:
    for path in ("/api/tasks/999", "/api/tasks/0", "/api/tasks/-1", "/api/tasks/1e3", "/api/tasks/" + "9" * 400,
                 "/api/tasks/%00", "/api/tasks/%F0%28%8C%28", "/api/tasks/１"):  # fmt: skip
        quoted = "".join(c if c.isascii() else "%EF%BC%91" for c in path)
        assert refused(target, "GET", quoted)[:2] == (404, "task_not_found"), path
        for verb in ("run", "hold", "kill", "rerun", "remove"):
            assert refused(target, "POST", f"{quoted}/{verb}", {})[:2] == (404, "task_not_found"), path
        assert refused(target, "DELETE", quoted)[:2] == (404, "task_not_found")
        for verb in ("why", "wait", "logs"):
            assert refused(target, "GET", f"{quoted}/{verb}")[:2] == (404, "task_not_found")
    for name in ("9", "GPU-nope", "-1", "0:7", "%00", "%ED%A0%80", "x" * 3000):
        assert refused(target, "GET", f"/api/gpus/{name}")[:2] == (404, "gpu_not_found"), name
        for verb in ("release", "ignore", "unignore", "drain"):
            assert refused(target, "POST", f"/api/gpus/{name}/{verb}", {})[:2] == (404, "gpu_not_found"), name
    for name in ("nope", "%00", "%ED%A0%80", "x" * 3000):
        assert refused(target, "GET", f"/api/queues/{name}")[:2] == (404, "queue_not_found"), name
        assert refused(target, "PATCH", f"/api/queues/{name}", {"priority": 1})[:2] == (404, "queue_not_found")
        assert refused(target, "DELETE", f"/api/queues/{name}")[:2] == (404, "queue_not_found")
    assert refused(target, "POST", "/api/queues/q/merge", {"into": "nope"})[:2] == (404, "queue_not_found")
    assert refused(target, "POST", "/api/tasks/2/move", {"queue": "nope"})[:2] == (404, "queue_not_found")
    assert refused(target, "GET", "/api/nope")[:2] == (404, "not_found")
    assert refused(target, "PUT", "/api/tasks", {})[:2] == (405, "method_not_allowed")


def test_wrong_states_are_told(target: Box) -> None:
    cases: list[tuple[str, str, object]] = [
        ("POST", "/api/tasks/1/kill", {}),
        ("POST", "/api/tasks/1/hold", {}),
        ("POST", "/api/tasks/1/run", {}),
        ("POST", "/api/tasks/1/move", {"queue": "q"}),
        ("POST", "/api/tasks/1/priority", {"priority": 3}),
        ("DELETE", "/api/tasks/1", None),
        ("POST", "/api/tasks/2/rerun", {}),
        ("POST", "/api/tasks/2/run", {"queue": "waiting"}),
        ("POST", "/api/tasks/2/kill", {"signal": "USR1"}),
        ("POST", "/api/tasks/3/remove", {}),
        ("POST", "/api/tasks/3/run", {}),
        ("POST", "/api/queues", {"name": "q"}),
        ("POST", "/api/queues", {"name": "running"}),
        ("PATCH", "/api/queues/waiting", {"hold": False}),
        ("DELETE", "/api/queues/q", None),
        ("DELETE", "/api/queues/running", None),
        ("POST", "/api/queues/q/merge", {"into": "q"}),
        ("POST", "/api/gpus/allocate", {"queue": "running", "gpus": ["3"]}),
        ("POST", "/api/gpus/allocate", {"queue": "waiting", "gpus": ["0"]}),
    ]
    for method, path, body in cases:
        status, code, problem = refused(target, method, path, body)
        assert (status, code) == (409, "wrong_state"), (path, problem)


ABSURD: list[object] = [
    None,
    True,
    "x",
    "",
    "\0",
    "\ud800",
    -1,
    1.5,
    10**30,
    float("nan"),
    float("inf"),
    [],
    {},
    [[]],
    {"a": 1},
]


def test_every_field_of_a_task_refuses_what_it_is_not(target: Box) -> None:
    bad: dict[str, list[object]] = {
        "command": [True, "", " ", "\0", "a\0b", "\ud800", 1, [""], [], {}, [1], ["a", ["b"]], "x" * 200_000],
        "argv": ["ls", [], [""], [1], ["a\0"], {"a": 1}],
        "script": ["x", {}, {"content": ""}, {"content": "x", "name": "../a"}, {"content": "x", "more": 1}],
        "name": [1, "", "\n", "\0", "\ud800", [], "x" * 10_000],
        "workdir": [1, "", "relative", "/nowhere/at/all", "/tmp\0", "/etc/passwd", "\ud800", "/" + "x" * 5000],
        "env": [1, "A=b", ["A"], {"A": [1]}, {"": "x"}, {"A=B": "x"}, {"A": "\0"}, {"\ud800": "x"}],
        "gpu_count": [-1, 1.5, "many", True, 1025, 10**30, float("nan"), [], {}],
        "gpu_ids": ["zero", [True], ["9"], [9], [[]], {"a": 1}, [-1]],
        "memory": [-1, "much", "8Q", True, float("inf"), 10**30, [], {}],
        "memory_mib": [-1, "1x", True, 10**30, []],
        "max_util": [-2, 101, "half", True, 1.5, []],
        "priority": [-1, 101, "high", True, 1.5, [], 10**30],
        "time_limit": [-1, 0, "soon", True, "1y", 10**30, []],
        "log_path": [1, "", "\0", [], "x" * 5000],
        "hold": ["maybe", 2, [], {}],
        "requeue": ["maybe", 2, []],
        "allow_infeasible": ["maybe", []],
        "tags": ["x", [1], [""], {"a": 1}],
        "queue": [1, "", "no such", "\0", "\ud800", []],
        "unknown_field": [1],
    }  # fmt: skip
    for field, values in bad.items():
        for value in values:
            body = {"workdir": "/tmp", field: value} | (
                {} if field in ("command", "argv", "script") else {"command": "true"}
            )
            good = {"command": "true", "workdir": "/tmp"}
            for path, sent in (("/api/tasks", body), ("/api/submissions", {"tasks": [good, body]})):
                status, code, problem = refused(target, "POST", path, sent)
                assert status in (400, 404, 422), (field, value, problem)
                said = json.dumps(problem)
                assert field in said or code in ("queue_not_found", "gpu_not_found") or "half a char" in said, (
                    field,
                    value,
                    problem,
                )
                assert len(said) < 20_000, (field, value, len(said))


def test_a_submission_names_every_mistake_by_its_index(target: Box) -> None:
    tasks = [{"command": "true"}, {"command": "true", "gpu_count": -1}, {"cmd": ""}, {"command": "true", "memory": "x"}]
    _, code, problem = refused(target, "POST", "/api/submissions", {"tasks": tasks})
    assert code == "invalid_tasks"
    assert [mistake["index"] for mistake in problem["details"]["mistakes"]] == [1, 2, 3]
    one = [{"command": "x"}]
    bodies: list[Json] = [
        {}, {"tasks": []}, {"tasks": {}}, {"tasks": "x"}, {"tasks": [1]}, {"tasks": one, "key": 1},
        {"tasks": one, "key": "k" * 300}, {"tasks": one, "key": "\ud800"}, {"tasks": one, "key": "a\0"},
        {"tasks": one, "queue": 3}, {"tasks": one, "base": []}, {"tasks": one, "more": 1},
    ]  # fmt: skip
    for body in bodies:
        assert refused(target, "POST", "/api/submissions", body)[0] == 400, body


def test_requests_that_can_never_be_are_refused_with_the_reason(target: Box) -> None:
    for body in ({"gpu_count": 5}, {"memory": "25G"}, {"gpu_ids": ["3"]}):
        status, code, problem = refused(target, "POST", "/api/tasks", {"command": "true", "workdir": "/tmp", **body})
        assert (status, code) in ((422, "infeasible"), (422, "refused")), problem
        assert problem["hint"]


def test_options_of_queues_and_arguments_of_verbs_are_checked(target: Box) -> None:
    names: list[object] = ["", " ", "a b", "a/b", "x" * 65, "\0", "\ud800", "ä", None, 1, [], ".", ".."]
    for name in names:
        assert refused(target, "POST", "/api/queues", {"name": name})[0] == 400, name
    wrong: dict[str, list[object]] = {
        "hold": ["maybe", None, [], 2], "paused": [None, {}], "pool": ["x"],
        "priority": [-1, 10, "x", None, True, 1e400],
        "max_running": [-2, "x", True, 1.5, [], 10**30], "max_gpus": [-2, {}], "max_util": [-2, 101, "x", [], True],
        "mem_type": ["x", 1], "mem_value": [-1, "x", 10**30], "by": [1], "name": ["other"], "\ud800": [1],
    }  # fmt: skip
    for option, values in wrong.items():
        for value in values:
            assert refused(target, "PATCH", "/api/queues/q", {option: value})[0] == 400, (option, value)
    assert refused(target, "PATCH", "/api/queues/q", {"mem_type": "percentage", "mem_value": 101})[0] == 400
    for value in ABSURD:
        assert refused(target, "POST", "/api/tasks/2/priority", {"priority": value})[0] == 400, value
        assert refused(target, "POST", "/api/tasks/2/move", {"queue": value})[0] in (400, 404), value
        assert refused(target, "POST", "/api/queues/q/merge", {"into": value})[0] in (400, 404), value
        assert refused(target, "POST", "/api/backup", {"path": value})[0] == 400, value
        if value is not None:
            assert refused(target, "POST", "/api/tasks/2/kill", {"signal": value})[0] == 400, value
        if not isinstance(value, bool):
            assert refused(target, "POST", "/api/daemon/stop", {"kill_tasks": value})[0] == 400, value
            assert refused(target, "POST", "/api/gpus/0/release", {"requeue": value})[0] == 400, value
            assert refused(target, "POST", "/api/gpus/0/drain", {"now": value})[0] == 400, value
        if value is not None:
            assert refused(target, "POST", "/api/gpus/allocate", {"queue": "q", "gpus": value})[0] == 400, value
        if value is not None:
            assert refused(target, "POST", "/api/gpus/allocate", {"queue": "q", "count": value})[0] in (400, 422), value
    assert refused(target, "POST", "/api/gpus/0/drain", {"requeue": True})[0] == 400
    for verb in ("hold", "run", "rerun", "remove", "kill"):
        assert refused(target, "POST", f"/api/tasks/2/{verb}", {"more": 1})[:2] == (400, "invalid_field")
    assert refused(target, "POST", "/api/config/reload", {"x": 1})[0] == 400


def test_queries_are_checked(target: Box) -> None:
    for query in ("state=nope", "state=%00", "limit=0", "limit=-1", "limit=x", "limit=99999999", "after=x",
                  "before=1.5", "submission=a"):  # fmt: skip
        assert refused(target, "GET", f"/api/tasks?{query}")[:2] == (400, "invalid_field"), query
    for query in ("timeout=-1", "timeout=nan", "timeout=1e9", "timeout=x"):
        assert refused(target, "GET", f"/api/tasks/2/wait?{query}")[0] == 400, query
    for query in ("tail=-1", "tail=x", "offset=-1", "offset=x", "wait=-1", "tail=99999999999"):
        assert refused(target, "GET", f"/api/tasks/1/logs?{query}")[0] == 400, query


def test_a_deletion_that_says_more_than_what_is_meant_is_refused(target: Box) -> None:
    for path in ("/api/tasks/2", "/api/queues/paused"):
        assert refused(target, "DELETE", path, {"signal": "USR1"})[:2] == (400, "invalid_field")


POSTS = (
    "/api/tasks", "/api/submissions", "/api/tasks/2/run", "/api/tasks/2/hold", "/api/tasks/2/kill",
    "/api/tasks/1/rerun", "/api/tasks/2/remove", "/api/tasks/2/move", "/api/tasks/2/priority", "/api/queues",
    "/api/queues/q/merge",
    "/api/gpus/allocate", "/api/gpus/0/release", "/api/gpus/0/ignore", "/api/gpus/0/unignore", "/api/gpus/0/drain",
    "/api/daemon/stop", "/api/config/reload", "/api/backup",
)  # fmt: skip


@pytest.mark.parametrize("path", POSTS)
def test_what_is_no_json_object_is_refused_everywhere(target: Box, path: str) -> None:
    for raw in (b"{", b"nul", b"[]", b"1", b'"x"', b"\xff\xfe", b'{"a": "\xff"}', b"\0", b'{"a"', DEEP, b"{'a': 1}"):
        status, code, _ = refused(target, "POST", path, raw=raw)
        assert (status, code) == (400, "invalid_field"), raw[:20]
    for raw in (
        b'{"name": "a", "name": "b"}',
        b'{"a": [{"name": 1, "b": 2, "name": 1}]}',
        b'{"\\ud800": 1, "\\ud800": 2}',
    ):
        _, code, problem = refused(target, "POST", path, raw=raw)
        assert (code, problem["message"].partition(": ")[2]) == ("invalid_field", "it stands twice in one object")
        assert problem["details"]["field"] in ("name", "\\ud800")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "json"):
        assert refused(target, "POST", path, raw=b"{}", kind=kind)[:2] == (415, "unsupported_media_type"), kind


def test_a_body_over_16_mib_is_refused_and_not_kept(target: Box) -> None:
    status, code, _ = refused(target, "POST", "/api/tasks", raw=b'{"command": "' + b"x" * (17 << 20) + b'"}')
    assert (status, code) == (413, "too_large")


def test_what_is_not_http_does_no_harm(target: Box) -> None:
    for nonsense in (b"\0" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01" * 50,
                     b"GET /" + b"x" * 70_000,
                     b"POST /api/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
                     b"POST /api/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
                     b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20_000 + b"\r\n"):  # fmt: skip
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(target.socket)
            try:
                connection.sendall(nonsense)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except (ConnectionError, BrokenPipeError):
                continue
    assert target.get("/api/daemon")["running"] is True
