"""ProcTable answers about real processes: living, dead, unreaped, and with names that were chosen to confuse."""

import os
import pwd
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gavelq.adapters.procfs import COMMAND_LENGTH, ProcTable

Start = Callable[..., subprocess.Popen[str]]

RENAME = """
import ctypes, sys
ctypes.CDLL(None).prctl(15, sys.argv[1].encode(), 0, 0, 0)  # PR_SET_NAME
print('ready', flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts Python code that lives until its standard input ends; ends what is left."""
    running: list[subprocess.Popen[str]] = []

    def started(code: str, *args: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-c", code, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        running.append(child)
        assert child.stdout is not None
        assert child.stdout.readline().strip() == "ready"
        return child

    yield started
    for child in running:
        child.kill()
        child.communicate()


def test_a_process_is_identified_by_its_start_and_this_boot(start: Start) -> None:
    table, child = ProcTable(), start(RENAME, "x")
    identity = table.identify(child.pid)
    assert identity is not None
    assert identity.pid == child.pid
    assert identity.start_ticks == table.start_ticks(child.pid)
    assert identity.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert table.identify(child.pid) == identity != table.identify(os.getpid())
    child.kill()
    child.wait()
    assert table.identify(child.pid) is None


@pytest.mark.parametrize("pid", [0, -1, 1 << 40])
def test_no_process_has_no_identity(pid: int) -> None:
    assert ProcTable().identify(pid) is None


def test_ancestors_lead_from_the_process_to_the_first_one() -> None:
    chain = ProcTable().ancestors(os.getpid())
    assert chain[:2] == [os.getpid(), os.getppid()]
    assert len(chain) == len(set(chain))


def test_a_process_that_is_not_there_has_no_ancestors_owner_command_or_start(start: Start) -> None:
    child = start("print('ready', flush=True); input()")
    child.kill()
    child.wait()
    table = ProcTable()
    assert table.ancestors(child.pid) == []
    assert table.owner(child.pid) is None
    assert table.command(child.pid) == ""
    assert table.start_time(child.pid) is None
    assert table.start_ticks(child.pid) is None
    assert not table.is_alive(child.pid)


@pytest.mark.parametrize("pid", [0, -1, 2**31 - 1, 2**63])
def test_a_pid_that_cannot_be_is_not_alive(pid: int) -> None:
    assert not ProcTable().is_alive(pid)
    assert ProcTable().ancestors(pid) == []


@pytest.mark.parametrize("name", [") Z 1 (", "a b) S 1 1", "new\nline", "((((", "\\012"])
def test_a_name_made_to_confuse_does_not_change_the_answers(start: Start, name: str) -> None:
    child = start(RENAME, name)
    found = ProcTable().stat(child.pid)
    assert found is not None
    assert found.comm == name
    assert found.parent == os.getpid()
    assert ProcTable().ancestors(child.pid)[:2] == [child.pid, os.getpid()]
    assert ProcTable().is_alive(child.pid)


def test_an_unreaped_process_is_not_alive(start: Start) -> None:
    child = start("print('ready', flush=True); input()")
    assert ProcTable().is_alive(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and still in the table
    assert ProcTable().stat(child.pid) is not None
    assert not ProcTable().is_alive(child.pid)


def test_the_owner_is_a_user_name() -> None:
    assert ProcTable().owner(os.getpid()) == pwd.getpwuid(os.getuid()).pw_name


def test_an_owner_without_an_account_is_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "7").mkdir()

    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert ProcTable(str(tmp_path)).owner(7) == str(os.getuid())


def test_a_command_is_one_short_printable_line(start: Start) -> None:
    child = start("print('ready', flush=True); input()", "\x1b[31mred\nline", "x" * 5000)
    command = ProcTable().command(child.pid)
    assert command.isprintable()
    assert "print('ready', flush=True)" in command
    assert "[31mred line" in command
    assert len(command) == COMMAND_LENGTH


def test_a_process_without_a_command_line_goes_by_its_short_name(tmp_path: Path) -> None:
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / "cmdline").write_bytes(b"")
    (tmp_path / "2" / "stat").write_bytes(b"2 (kthreadd) S 0 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n")
    assert ProcTable(str(tmp_path)).command(2) == "kthreadd"


def test_a_leader_that_ended_before_its_threads_is_alive(tmp_path: Path) -> None:
    (tmp_path / "9").mkdir()
    (tmp_path / "9" / "stat").write_bytes(b"9 (a) Z 1 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 4 0 5 0 0\n")
    assert ProcTable(str(tmp_path)).is_alive(9)


def test_a_torn_line_is_an_unknown_process(tmp_path: Path) -> None:
    (tmp_path / "8").mkdir()
    (tmp_path / "8" / "stat").write_bytes(b"8 (a) S 1 0")
    assert ProcTable(str(tmp_path)).stat(8) is None


def test_a_start_time_is_the_moment_of_the_start(start: Start) -> None:
    before = time.time()
    child = start("print('ready', flush=True); input()")
    started_at = ProcTable().start_time(child.pid)
    assert started_at is not None
    assert before - 0.1 <= started_at <= time.time() + 0.1


def test_a_pid_with_another_start_is_another_process() -> None:
    table = ProcTable()
    ticks = table.start_ticks(os.getpid())
    assert ticks is not None
    assert table.is_same(os.getpid(), ticks)
    assert not table.is_same(os.getpid(), ticks - 1)


def test_a_table_that_leads_in_a_circle_ends(tmp_path: Path) -> None:
    for pid, parent in ((5, 6), (6, 5)):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (a) S {parent} 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n")
    assert ProcTable(str(tmp_path)).ancestors(5) == [5, 6]
