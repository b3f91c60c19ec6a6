"""`gavelq file bind|unbind|bindings|log`: log files of one's own, with a real daemon, followed through its death."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gavelq.testing.waiting import wait_until
from tests.cli.conftest import Shell
from tests.cli.fake_daemon import Answer, FakeDaemon
from tests.support.daemon import Box, box

TEXT = "car\necho a\n1\n\ncar\necho b\n1\n"
CONTENT = "/api/log/content"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where log files may lie."""
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def real(root: Path) -> Iterator[Box]:
    """A daemon with a configuration of each mode, both called `sweep`; that of single mode has a second one."""
    with box(env={"GAVELQ_LOGS_ROOTS": str(root)}) as found:
        for mode, name, text in (("single", "sweep", TEXT), ("single", "other", TEXT), ("multi", "sweep", "")):
            found.post(f"/api/commands/{mode}/new", {"content": text, "name": name, "workdir": str(root)})
        yield found


def ok(done: "subprocess.CompletedProcess[str]") -> str:
    """The output of a command that succeeded without a word on standard error."""
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def rows(real: Box, *words: str) -> list[list[str]]:
    """The table of bindings without its head."""
    return [line.split("\t") for line in ok(real.cli("file", "bindings", *words)).splitlines()[1:]]


def test_a_log_is_bound_listed_printed_and_let_go(real: Box, root: Path) -> None:
    told = ok(real.cli("file", "bind", "other", "car", "2", "out/b.log"))
    assert told == f"configuration 2 (other), queue car, task 2: bound to {root}/out/b.log (not there yet)\n"
    assert [row[-1] for row in rows(real)] == ["not there yet"]
    missing = real.cli("file", "log", "2", "car", "2", "--mode", "single")
    assert (missing.returncode, "not there (yet)" in missing.stderr) == (3, True)
    (root / "out").mkdir()
    (root / "out" / "b.log").write_text("one\ntwo\nthree\n")
    assert ok(real.cli("file", "log", "other", "car", "2")) == "one\ntwo\nthree\n"
    assert ok(real.cli("file", "log", "other", "car", "2", "-t", "1")) == "three\n"
    assert json.loads(ok(real.cli("file", "log", "other", "car", "2", "-t", "1", "-o", "json")))["content"] == "three\n"
    assert [row[:4] + row[8:9] for row in rows(real, "other")] == [["2", "single", "car", "2", str(root / "out/b.log")]]
    assert rows(real, "1", "--mode", "single") == []
    assert list(json.loads(ok(real.cli("file", "bindings", "-o", "json")))["bindings"]) == ["single_1_car_1"]
    told = ok(real.cli("file", "bind", "other", "car", "2", "out/c.log"))
    assert told.endswith(f"out/c.log (not there yet, instead of {root}/out/b.log)\n")
    assert ok(real.cli("file", "unbind", "other", "car", "2")).endswith(f"not bound to {root}/out/c.log now\n")
    again = real.cli("file", "unbind", "other", "car", "2")
    assert (again.returncode, "to task 2 of queue car" in again.stderr) == (3, True)


def test_mistakes_are_told_with_the_right_exit_codes(real: Box) -> None:
    outside = real.cli("file", "bind", "other", "car", "1", "/etc/passwd")
    assert (outside.returncode, "logs.roots" in outside.stderr) == (4, True)
    assert real.cli("file", "bind", "sweep", "car", "1", "a.log").returncode == 2  # one in each mode
    assert real.cli("file", "bind", "nothing", "car", "1", "a.log").returncode == 3
    assert real.cli("file", "bind", "other", "car", "0", "a.log").returncode == 2
    unknown = real.cli("file", "bind", "other", "cra", "1", "a.log")
    assert unknown.returncode == 0
    assert unknown.stderr == "note: configuration 2 has no task 1 in queue 'cra' now\n"
    assert [row[-1] for row in rows(real, "other")] == ["no such task now; not there yet"]
    assert real.cli("file", "unbind", "other", "cra", "1").returncode == 0


def test_following_goes_on_through_a_cut_another_file_and_a_kill_of_the_daemon(tmp_path: Path) -> None:
    with box(env={"GAVELQ_LOGS_ROOTS": str(tmp_path)}) as own:
        own.post("/api/commands/single/new", {"content": TEXT, "name": "sweep", "workdir": str(tmp_path)})
        ok(own.cli("file", "bind", "1", "car", "1", "a.log"))
        path, seen = tmp_path / "a.log", tmp_path / "seen"
        path.write_text("begin\n")
        with seen.open("wb") as out, (tmp_path / "errors").open("wb") as errors:
            command = [sys.executable, "-m", "gavelq", "file", "log", "1", "car", "1", "-f"]
            follower = subprocess.Popen(command, env=own.env, stdout=out, stderr=errors)
        try:
            wait_until(lambda: seen.read_text() == "begin\n", 60, "the beginning")
            with path.open("a") as file:
                file.write("more\n")
            wait_until(lambda: seen.read_text() == "begin\nmore\n", 60, "what was added")
            path.write_text("cut\n")
            wait_until(lambda: seen.read_text() == "begin\nmore\ncut\n", 60, "the shorter file")
            path.rename(tmp_path / "a.log.1")
            path.write_text("rotated\n")
            wait_until(lambda: seen.read_text().endswith("cut\nrotated\n"), 60, "the other file")
            own.kill()
            with path.open("a") as file:
                file.write("later\n")
            own.start()
            wait_until(lambda: seen.read_text().endswith("cut\nrotated\nlater\n"), 60, "what came after the kill")
        finally:
            follower.terminate()
            follower.wait(10)
        assert (tmp_path / "errors").read_text().count("the file begins anew") == 2


def piece(content: bytes, start: int, **fields: Any) -> Answer:
    """An answer of the daemon's with bytes as they are."""
    end = start + len(content)
    said = {"start": start, "offset": end, "truncated": 0, "identity": "x-1", "exists": 1, "ended": 0, **fields}
    return Answer(raw=content, headers={f"X-Gavelq-{name}": str(value) for name, value in said.items()})


@pytest.fixture
def stored(fake: FakeDaemon) -> FakeDaemon:
    """A fake daemon with one configuration."""
    fake.gives("/api/commands/single/list", [{"mode": "single", "config_index": 0, "index": 1, "name": "sweep"}])
    fake.gives("/api/commands/multi/list", [])
    return fake


def asked(fake: FakeDaemon) -> list[dict[str, str]]:
    """Which parts were asked for."""
    place = {"mode", "config_index", "queue_id", "process_index", "raw"}
    queries = [dict(request.query) for request in fake.requests if request.path == CONTENT]
    return [{name: value for name, value in query.items() if name not in place} for query in queries]


def test_bytes_come_as_they_are_in_as_many_parts_as_it_takes(shell: Shell, stored: FakeDaemon) -> None:
    big = bytes(range(256)) * 4096
    stored.on("GET", CONTENT, piece(big, 0), piece(b"end\xff", len(big)))
    command = [sys.executable, "-m", "gavelq", "file", "log", "1", "car", "1"]
    done = subprocess.run(command, env=shell.env(), capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, big + b"end\xff")
    assert asked(stored) == [{"offset": "0"}, {"offset": str(len(big)), "identity": "x-1"}]
    assert dict(stored.last().query)["process_index"] == "0"


def test_following_ends_with_the_task_and_outlives_cut_connections(shell: Shell, stored: FakeDaemon) -> None:
    cut = Answer(is_cut=True)
    stored.on("GET", CONTENT, piece(b"a\n", 4), cut, cut, cut, cut, piece(b"b\n", 6, ended=1))
    done = shell.run("file", "log", "1", "car", "1", "-t", "1", "-f")
    assert (done.returncode, done.stdout) == (0, "a\nb\n")
    parts = asked(stored)
    assert parts[0] == {"tail_lines": "1"}
    assert {(part["offset"], part["identity"], float(part["wait"]) > 0) for part in parts[1:]} == {("6", "x-1", True)}


def test_a_follower_waits_for_a_file_that_is_not_there(shell: Shell, stored: FakeDaemon) -> None:
    none = piece(b"", 0, exists=0, identity="")
    stored.on("GET", CONTENT, none, none, piece(b"here\n", 0, ended=1))
    done = shell.run("file", "log", "1", "car", "1", "-f")
    assert (done.returncode, done.stdout) == (0, "here\n")
