"""Single looks of `gavelq doctor`, at directories of the tests' own."""

import contextlib
import fcntl
import getpass
import json
import os
import resource
import sqlite3
from dataclasses import asdict
from pathlib import Path

import pytest

from gavelq.adapters.doctor import driver, kernel, places, session
from gavelq.adapters.doctor.finding import Finding, Wanted
from gavelq.adapters.store.statements import migrations
from tests.support.fake_nvml import CompilerMissing, FakeMachine, build


def verdicts(found: list[Finding]) -> list[tuple[str, str]]:
    return [(one.name, one.verdict) for one in found]


def test_a_directory_may_be_missing_but_not_a_link_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "own").mkdir(mode=0o700)
    told = {name: places.private("x", str(tmp_path / name)).verdict for name in ("missing", "own", "file", "link")}
    assert told == {"missing": "ok", "own": "ok", "file": "problem", "link": "problem"}


def test_the_schema_of_the_state_is_told_and_one_of_a_newer_gavelq_is_a_problem(tmp_path: Path) -> None:
    database, known = str(tmp_path / "state.db"), len(migrations())
    assert list(places.schema(database)) == []
    for version, verdict, text in (
        (known, "ok", f"schema {known}, "),
        (known + 1, "problem", "newer"),
        (1, "ok", "next start"),
    ):
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.execute(f"PRAGMA user_version = {version}")
        (found,) = places.schema(database)
        assert (found.name, found.verdict) == ("database", verdict)
        assert text in found.text
    Path(database).write_text("no database at all, but some text that is long enough to be looked at" * 20)
    damaged = list(places.schema(database))
    assert verdicts(damaged) == [("database", "problem")]
    assert "`gavelq backup FILE`" in damaged[0].fix


def test_a_directory_of_another_user_is_a_problem() -> None:
    if os.getuid() == 0:
        pytest.skip("root owns what could be tried")
    assert "belongs to uid 0" in places.private("x", "/usr").text


def test_other_daemons_that_hold_gpus_are_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    path = tmp_path / "GPU-held"
    path.write_text(json.dumps({"uid": os.getuid(), "user": "ada", "pid": 4711, "state_dir": "/home/ada/gavelq"}))
    path.chmod(0o666)
    assert [one.verdict for one in places.others(str(tmp_path), "/mine")] == ["ok"]
    with open(path, "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        (found,) = places.others(str(tmp_path), "/mine")
        assert (found.verdict, "ada" in found.text, "GPU-held" in found.text) == ("note", True, True)
        assert [one.verdict for one in places.others(str(tmp_path), "/home/ada/gavelq")] == ["ok"]


@pytest.mark.parametrize(
    ("systemd", "lingers", "verdict"), [(False, False, "ok"), (True, True, "ok"), (True, False, "note")]
)
def test_what_a_logout_ends_is_told(tmp_path: Path, systemd: bool, lingers: bool, verdict: str) -> None:
    linger, running = tmp_path / "linger", tmp_path / "systemd"
    linger.mkdir()
    if systemd:
        running.mkdir()
    if lingers:
        (linger / getpass.getuser()).touch()
    (found,) = session.examine({}, linger=str(linger), systemd=str(running))
    assert (found.name, found.verdict) == ("logout", verdict)


def test_a_runtime_directory_that_is_gone_is_a_problem(tmp_path: Path) -> None:
    found = list(session.examine({"XDG_RUNTIME_DIR": str(tmp_path / "gone")}, systemd=str(tmp_path / "no")))
    assert verdicts(found) == [("logout", "ok"), ("runtime directory", "problem")]


def test_limits_are_those_of_this_process() -> None:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    found = {one.name: one for one in session.limits()}
    assert set(found) == {"nofile", "nproc"}
    assert files == resource.RLIM_INFINITY or str(files) in found["nofile"].text


def test_nodes_that_every_cuda_program_opens_are_missed(tmp_path: Path) -> None:
    (tmp_path / "nvidiactl").touch()
    assert verdicts(list(driver.shared_nodes(str(tmp_path)))) == [("nvidia-uvm", "note")]


def test_the_kernel_is_looked_at_without_a_complaint_here() -> None:
    assert {one.name for one in kernel.examine() if one.verdict == "problem"} == set()


def test_cards_are_named_with_what_is_wrong_with_them(tmp_path: Path) -> None:
    try:
        library = build(tmp_path / "lib")
    except CompilerMissing as error:
        pytest.skip(str(error))
    machine = FakeMachine(library, tmp_path)
    machine.add_card("GPU-a", minor=7777)
    machine.add_card("GPU-b", state=15)
    machine.write()
    with machine.in_this_process():
        found = list(driver.examine(Wanted()))
    told = [(one.name, one.verdict) for one in found if one.name.startswith(("library", "GPU"))]
    assert told == [("library", "ok"), ("GPU 0", "ok"), ("GPU 0", "problem"), ("GPU 1", "problem")]
    assert any("/dev/nvidia7777 cannot be opened" in one.text for one in found)
    assert all(asdict(one)["fix"] for one in found if one.verdict == "problem")


def test_a_driver_without_cards_is_a_problem(tmp_path: Path) -> None:
    try:
        machine = FakeMachine(build(tmp_path / "lib"), tmp_path)
    except CompilerMissing as error:
        pytest.skip(str(error))
    machine.write()
    with machine.in_this_process():
        found = list(driver.examine(Wanted()))
    assert ("cards", "problem") in verdicts(found)
