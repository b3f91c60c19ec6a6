"""Log files of people's own, bound to tasks of configurations in a real daemon."""

import asyncio
import contextlib
import os
import pwd
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, get_type_hints
from urllib.parse import urlencode

import pytest

from gavelq.client import shapes
from gavelq.core import events as ev
from gavelq.core.command_files import BindingKey, FileId, FileNotStored
from gavelq.daemon.caller import Caller
from gavelq.daemon.log_roots import find_roots
from gavelq.daemon.service.bindings import BindingService, Part, TaskPlace
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.files import FileService
from gavelq.testing.waiting import wait_until
from tests.support.builders import World
from tests.support.daemon import Box, Failure, box

TEXT = "car\necho a\n1\n\ncar\necho b\n1\n\n7\nsleep 300\n1\n"
Json = dict[str, Any]


class Logs:
    """A daemon whose log roots are one directory, with a configuration whose tasks run there."""

    def __init__(self, instance: Box, root: Path) -> None:
        self.box = instance
        self.root = root
        """Where log files may lie; `outside` beside it is where they may not."""

    def store(self, content: str = TEXT, mode: str = "single", name: str = "sweep.txt") -> int:
        """One more configuration; its config_index."""
        body = {"content": content, "name": name, "workdir": str(self.root), "env": {"PATH": os.environ["PATH"]}}
        return int(self.box.post(f"/api/commands/{mode}/new", body)["config_index"])

    def bind(self, path: object, queue_id: str = "car", process_index: int = 0, **more: object) -> Json:
        """POST /api/log/bind, as SPEC prints it."""
        asked = {"mode": "single", "config_index": 0, "queue_id": queue_id, "process_index": process_index, **more}
        return self._object("POST", "/api/log/bind?" + urlencode({**asked, "log_path": str(path)}))

    def unbind(self, queue_id: str = "car", process_index: int = 0) -> Json:
        """DELETE /api/log/bind."""
        asked = {"mode": "single", "config_index": 0, "queue_id": queue_id, "process_index": process_index}
        return self._object("DELETE", "/api/log/bind?" + urlencode(asked))

    def content(self, queue_id: str = "car", process_index: int = 0, **part: object) -> Json:
        """GET /api/log/content."""
        asked = {"mode": "single", "config_index": 0, "queue_id": queue_id, "process_index": process_index, **part}
        return self._object("GET", "/api/log/content?" + urlencode(asked))

    def read(self, path: object, **part: object) -> Json:
        """GET /api/log/read."""
        return self._object("GET", "/api/log/read?" + urlencode({"log_path": str(path), **part}))

    def bindings(self, **wanted: object) -> Json:
        """GET /api/log/bindings."""
        found: Json = self._object("GET", "/api/log/bindings?" + urlencode(wanted))["bindings"]
        return found

    def _object(self, method: str, target: str) -> Json:
        found: Json = self.box.request(method, target, timeout_s=20)  # shorter than the longest wait of 25 s
        return found


@contextlib.contextmanager
def logs_box(tmp_path: Path, **env: str) -> Iterator[Logs]:
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret\n")
    with box(n_gpus=4, env={"GAVELQ_LOGS_ROOTS": str(tmp_path / "root"), **env}) as instance:
        yield Logs(instance, tmp_path / "root")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logs]:
    """One daemon for the tests that leave its configuration 1 as it is."""
    with logs_box(tmp_path_factory.mktemp("logs")) as found:
        found.store()
        yield found


@pytest.fixture
def logs(shared: Logs) -> Iterator[Logs]:
    """The shared daemon, without bindings before and after."""
    yield shared
    for one in shared.bindings().values():
        asked = {name: one[name] for name in ("mode", "config_index", "queue_id", "process_index")}
        shared.box.request("DELETE", "/api/log/bind?" + urlencode(asked))


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Logs]:
    """A daemon of the test's own."""
    with logs_box(tmp_path) as found:
        found.store()
        yield found


def refused(act: Any, *args: Any, **more: Any) -> tuple[int, Json]:
    """Status and problem of a request that must fail."""
    with pytest.raises(Failure) as failure:
        act(*args, **more)
    return failure.value.status, failure.value.body


# --- bind ------------------------------------------------------------------------------------------------


def test_a_bound_log_is_listed_and_read(logs: Logs) -> None:
    (logs.root / "a.log").write_text("one\ntwo\nthree\n")
    bound = logs.bind(logs.root / "a.log", process_index=1)
    assert bound["key"] == "single_0_car_1"
    assert set(bound) == set(get_type_hints(shapes.Bound))
    assert logs.bindings() == {"single_0_car_1": {name: bound[name] for name in bound if name != "replaced"}}
    one = logs.bindings()["single_0_car_1"]
    assert (one["path"], one["exists"], one["size"], one["known"]) == (str(logs.root / "a.log"), True, 14, True)
    assert (one["bound_by"], one["problem"], one["task_id"]) == (pwd.getpwuid(os.getuid()).pw_name, None, None)
    shown = logs.content(process_index=1, tail_lines=2)
    assert set(shown) == set(get_type_hints(shapes.BoundLogPart))
    assert (shown["content"], shown["start"], shown["next_offset"]) == ("two\nthree\n", 4, 14)
    assert logs.unbind(process_index=1) == {"unbound": "single_0_car_1", "path": str(logs.root / "a.log")}
    assert logs.bindings() == {}
    assert (logs.root / "a.log").read_text() == "one\ntwo\nthree\n"


def test_a_body_says_the_same_as_the_query(logs: Logs) -> None:
    body = {"mode": "single", "config_index": 0, "queue_id": 7, "process_index": 0, "log_path": "b.log"}
    bound = logs.box.post("/api/log/bind", body)
    assert (bound["key"], bound["path"]) == ("single_0_7_0", str(logs.root / "b.log"))
    status, problem = refused(logs.box.post, "/api/log/bind?mode=single", body)
    assert (status, problem["details"]["field"]) == (400, "mode")
    del body["log_path"]
    assert logs.box.request("DELETE", "/api/log/bind", body)["unbound"] == "single_0_7_0"


def test_a_file_may_come_later_and_is_then_read(logs: Logs) -> None:
    bound = logs.bind("later/on/a.log")
    assert (bound["exists"], bound["size"]) == (False, None)
    before = logs.content()
    assert (before["exists"], before["content"], before["next_offset"]) == (False, "", 0)
    (logs.root / "later" / "on").mkdir(parents=True)
    (logs.root / "later" / "on" / "a.log").write_text("here\n")
    assert logs.content()["content"] == "here\n"


def test_another_path_takes_the_place_of_the_first(logs: Logs) -> None:
    assert logs.bind("a.log")["replaced"] is None
    assert logs.bind("a.log")["replaced"] is None
    assert logs.bind("b.log")["replaced"] == str(logs.root / "a.log")
    assert logs.bindings()["single_0_car_0"]["path"] == str(logs.root / "b.log")


def test_a_place_that_the_file_has_not_is_bound_and_told(logs: Logs) -> None:
    assert logs.bind("a.log", "car", 1)["known"]
    assert not logs.bind("a.log", "car", 2)["known"]
    assert not logs.bind("a.log", "cra", 0)["known"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"queue_id": "a b"}, "queue_id"), ({"queue_id": ""}, "queue_id"), ({"process_index": -1}, "process_index"),
        ({"process_index": "x"}, "process_index"), ({"config_index": "-1"}, "config_index"),
        ({"path": "a\0b"}, "log_path"), ({"path": "x" * 5000}, "log_path"), ({"path": ""}, "log_path"),
        ({"path": "{work_dir}/a.log"}, "log_path"), ({"path": "out/"}, "log_path"),
    ],
)  # fmt: skip
def test_what_cannot_be_bound_is_refused_by_field(logs: Logs, given: Json, field: str) -> None:
    status, problem = refused(logs.bind, given.pop("path", "a.log"), **given)
    assert (status, problem["code"], problem["details"]["field"]) == (400, "invalid_field", field)
    assert logs.bindings() == {}


def test_what_is_not_there_is_not_found(logs: Logs) -> None:
    assert refused(logs.bind, "a.log", config_index=5)[1]["code"] == "configuration_not_found"
    assert refused(logs.bind, "a.log", mode="triple")[1]["code"] == "mode_not_found"
    assert refused(logs.unbind)[1]["code"] == "binding_not_found"
    assert refused(logs.content)[0] == 404
    assert refused(logs.bindings, mode="multi", config_index=3)[1]["code"] == "configuration_not_found"
    assert refused(logs.read, logs.root / "nothing")[1]["code"] == "log_not_found"


def test_bindings_are_listed_by_mode_and_configuration(fresh: Logs) -> None:
    second = fresh.store(name="second.txt")
    fresh.store("a\necho x\n1\n1\n", mode="multi")
    fresh.bind("a.log")
    fresh.bind("b.log", config_index=second)
    fresh.bind("c.log", "a", mode="multi")
    assert list(fresh.bindings()) == ["single_0_car_0", "single_1_car_0", "multi_0_a_0"]
    assert list(fresh.bindings(mode="single")) == ["single_0_car_0", "single_1_car_0"]
    assert list(fresh.bindings(mode="single", config_index=1)) == ["single_1_car_0"]
    assert list(fresh.bindings(config_index=0)) == ["single_0_car_0", "multi_0_a_0"]


# --- where -----------------------------------------------------------------------------------------------


def test_nothing_outside_the_roots_is_bound_or_read(logs: Logs) -> None:
    with contextlib.suppress(FileExistsError):
        (logs.root / "passwd").symlink_to("/etc/passwd")
        (logs.root / "up").symlink_to("../outside")
    for path in ("/etc/passwd", "passwd", "up/secret", "up/future", "../outside/secret", "../outside/nothing", "~/x"):
        status, problem = refused(logs.bind, path)
        assert (status, problem["code"]) == (403, "outside_log_roots"), path
        assert str(logs.root) in problem["message"]
        assert "logs.roots" in problem["message"]
    for absolute in ("/etc/passwd", logs.root / "passwd", logs.root / "up" / "secret", logs.root / ".." / "outside"):
        assert refused(logs.read, absolute)[0] == 403
    assert logs.bindings() == {}


def test_a_directory_that_became_a_link_after_the_binding_is_not_followed(logs: Logs) -> None:
    (logs.root / "run").mkdir()
    (logs.root / "run" / "secret").write_text("mine\n")
    logs.bind("run/secret")
    assert logs.content()["content"] == "mine\n"
    (logs.root / "run").rename(logs.root / "run.old")
    (logs.root / "run").symlink_to("../outside")
    assert refused(logs.content)[0] == 403
    assert refused(logs.content, offset=0)[0] == 403
    listed = logs.bindings()["single_0_car_0"]
    assert (listed["exists"], listed["size"]) == (False, None)
    assert "logs.roots" in listed["problem"]


def test_a_pipe_is_refused_without_hanging(logs: Logs) -> None:
    os.mkfifo(logs.root / "fifo")
    status, problem = refused(logs.bind, "fifo")
    assert (status, problem["code"]) == (422, "not_a_file")
    logs.bind("became")
    os.mkfifo(logs.root / "became")
    assert refused(logs.content, offset=0, wait=20)[1]["code"] == "not_a_file"
    assert "named pipe" in logs.bindings()["single_0_car_0"]["problem"]


def test_gavelqs_own_task_logs_may_be_read_but_nothing_else_of_its_state(logs: Logs) -> None:
    task_id = logs.box.submit("echo hello")
    logs.box.wait(task_id)
    path = logs.box.task(task_id)["log_path"]
    assert logs.read(path)["content"] == "hello\n"
    assert refused(logs.read, logs.box.home / "state" / "gavelq.db")[0] == 403


def test_the_state_directory_stays_closed_below_a_wide_root(tmp_path: Path) -> None:
    with logs_box(tmp_path, GAVELQ_LOGS_ROOTS="/") as found:
        assert found.read(tmp_path / "outside" / "secret")["content"] == "secret\n"
        assert refused(found.read, found.box.home / "state" / "gavelq.db")[0] == 403


def test_narrower_roots_hold_for_what_is_bound_already(tmp_path: Path) -> None:
    with logs_box(tmp_path) as found:
        found.store()
        (found.root / "a.log").write_text("x\n")
        found.bind("a.log")
        found.box.env["GAVELQ_LOGS_ROOTS"] = str(found.root / "narrow")
        found.box.restart()
        assert refused(found.content)[0] == 403
        assert found.unbind()["path"] == str(found.root / "a.log")


# --- read ------------------------------------------------------------------------------------------------


def test_pieces_go_on_where_the_last_one_ended(logs: Logs) -> None:
    whole = "".join(f"第 {n} 行\n" for n in range(200))
    (logs.root / "big.log").write_text(whole)
    logs.bind("big.log")
    text, offset = "", 0
    while offset < len(whole.encode()):
        part = logs.content(offset=offset, limit=100)
        assert (part["start"], part["truncated"]) == (offset, False)
        text, offset = text + part["content"], part["next_offset"]
    assert text == whole
    assert logs.content(tail_lines=1)["content"] == "第 199 行\n"
    assert logs.content(tail_lines=0)["content"] == ""
    assert logs.content()["content"] == "".join(f"第 {n} 行\n" for n in range(100, 200))


def test_bytes_come_as_they_are_where_that_is_asked_for(logs: Logs) -> None:
    (logs.root / "raw.log").write_bytes("损\n".encode("gbk") + b"\x00\xff\n")
    logs.bind("raw.log")
    target = "/api/log/content?mode=single&config_index=0&queue_id=car&process_index=0&raw=1&offset=1"
    status, headers, body = logs.box.raw("GET", target, b"", {})
    assert (status, body) == (200, ("损\n".encode("gbk") + b"\x00\xff\n")[1:])
    assert (headers["x-gavelq-start"], headers["x-gavelq-offset"], headers["x-gavelq-truncated"]) == ("1", "6", "0")
    assert headers["content-type"].startswith("text/plain")
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "part",
    [
        {"tail_lines": 10_001}, {"tail_lines": -1}, {"offset": -1}, {"limit": (1 << 20) + 1, "offset": 0},
        {"limit": 0}, {"wait": 26}, {"wait": "x"}, {"offset": 0, "tail_lines": 1},
    ],
)  # fmt: skip
def test_amounts_are_bounded(logs: Logs, part: Json) -> None:
    logs.bind("a.log")
    assert refused(logs.content, **part)[1]["code"] == "invalid_field"


def test_a_follower_gets_what_comes_and_begins_anew_after_a_truncation(logs: Logs) -> None:
    path = logs.root / "live.log"
    path.write_text("12345\n")
    logs.bind("live.log")
    first = logs.content(offset=0, wait=20)
    threading.Timer(0.3, lambda: path.open("a").write("more\n")).start()
    more = logs.content(offset=first["next_offset"], wait=20)
    assert (more["content"], more["truncated"]) == ("more\n", False)
    os.truncate(path, 0)
    anew = logs.content(offset=more["next_offset"], wait=20)
    assert (anew["truncated"], anew["start"]) == (True, 0)
    path.rename(logs.root / "live.log.1")
    path.write_text("a file that is longer than the old one was\n")
    anew = logs.content(offset=5, wait=20, identity=first["identity"])
    assert (anew["truncated"], anew["content"]) == (True, "a file that is longer than the old one was\n")


def test_a_follower_does_not_get_half_a_character(logs: Logs) -> None:
    path = logs.root / "half.log"
    path.write_bytes("损".encode()[:2])
    logs.bind("half.log")

    def complete() -> None:
        with path.open("ab") as file:
            file.write("损".encode()[2:])

    threading.Timer(0.3, complete).start()
    assert logs.content(offset=0, wait=20)["content"] == "损"


# --- through time ----------------------------------------------------------------------------------------


def test_a_binding_belongs_to_the_task_of_the_last_run(fresh: Logs) -> None:
    fresh.bind("a.log")
    fresh.bind("b.log", "7")
    (fresh.root / "a.log").write_text("x\n")
    fresh.box.post("/api/scheduler/single/start?config_index=0")
    listed = fresh.bindings()
    wait_until(lambda: fresh.bindings()["single_0_car_0"]["task_state"] == "completed", 60, "the first one ends")
    shown = fresh.content(offset=0)
    assert (shown["task_id"], shown["ended"]) == (listed["single_0_car_0"]["task_id"], True)
    long = fresh.content("7", offset=0)
    assert (long["task_state"], long["ended"]) == ("running", False)
    assert fresh.box.task(long["task_id"])["command"].startswith("sleep 300")
    threading.Timer(0.3, lambda: fresh.box.post(f"/api/tasks/{long['task_id']}/kill")).start()
    over = fresh.content("7", offset=0, wait=25)
    assert (over["task_state"], over["ended"], over["exists"]) == ("cancelled", True, False)


def test_a_binding_outlives_a_kill_and_an_edit_and_goes_with_its_configuration(fresh: Logs) -> None:
    second = fresh.store(name="second.txt")
    third = fresh.store(name="third.txt")
    (fresh.root / "a.log").write_text("x\n")
    fresh.bind("a.log", config_index=second)
    fresh.bind("b.log", config_index=third)
    fresh.box.kill()
    fresh.box.start()
    assert fresh.content(config_index=second)["content"] == "x\n"
    text = fresh.box.get(f"/api/commands/single?config_index={second}")["content"]
    assert text == TEXT
    fresh.box.request("PUT", f"/api/commands/single?config_index={second}", {"content": "9\necho z\n1\n"})
    one = fresh.bindings()["single_1_car_0"]
    assert (one["known"], one["path"]) == (False, str(fresh.root / "a.log"))
    fresh.box.request("DELETE", f"/api/commands/single/{second}")
    assert {key: one["path"] for key, one in fresh.bindings().items()} == {"single_1_car_0": str(fresh.root / "b.log")}


def test_another_tenants_configuration_is_not_found(tmp_path: Path) -> None:
    world = World()
    world.send(ev.FileCreated(by="ada", tenant="ada", mode="single", content=TEXT, workdir=str(tmp_path)))
    world.send(ev.LogBound(by="ada", key=BindingKey(file=FileId(1), queue_id="car", process_index=0), path="/x.log"))
    desk = cast(Desk, SimpleNamespace(state=world.state, loop=None, waiters=None, store=None))
    roots = find_roots([str(tmp_path)], state="/nowhere", task_logs="/nowhere/logs")
    service = BindingService(desk, FileService(desk), lambda: roots)
    place = TaskPlace(mode="single", config_index=0, queue_id="car", process_index=0)
    bob = Caller(name="bob", tenant="bob")

    async def ask() -> None:
        for act in (service.bind(bob, place, "a.log"), service.unbind(bob, place), service.content(bob, place, Part())):
            with pytest.raises(FileNotStored):
                await act
        assert (await service.list_bindings(bob))["bindings"] == {}

    asyncio.run(ask())
