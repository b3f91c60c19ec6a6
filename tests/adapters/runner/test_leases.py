"""A lease: cards are held without a command, for processes that are never touched."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gavelq.adapters.procfs import ProcTable
from gavelq.adapters.runner.claims import ClaimsReader
from gavelq.core.events import AttemptEnded, AttemptStarted
from gavelq.core.ids import TaskId
from gavelq.core.task import ProcessIdentity
from gavelq.ports import RunningAttempt
from gavelq.testing.waiting import wait_until
from tests.adapters.runner.box import Box, is_alive, uuids
from tests.adapters.runner.owners import Owner

CARDS = uuids("GPU-a")


def lease(box: Box, task_id: int = 1, owner: ProcessIdentity | None = None, **changes: object) -> AttemptStarted:
    """Ask for a lease and wait for its start."""
    box.spawn(task_id, (), lease=True, owner=owner, **changes)
    return box.started(task_id)


def claimed(root: Path) -> set[str]:
    return set(ClaimsReader(str(root / "claims")).foreign(CARDS, frozenset()))


def test_a_lease_holds_its_cards_until_it_is_released(box: Box) -> None:
    started = lease(box, claims=CARDS)
    assert started.pid == started.supervisor.pid
    assert is_alive(started.pid)
    assert claimed(box.root) == {"GPU-a"}
    box.stop(1, grace_s=300)
    result = box.result(1)
    assert (result.exit_code, result.signal, result.cause) == (0, None, "stopped")
    assert result.started_at == started.at
    wait_until(lambda: not claimed(box.root), what="the claim is gone")
    assert [type(event) for event in box.events] == [AttemptStarted, AttemptEnded]


def test_a_lease_has_an_empty_log_and_needs_no_working_directory(box: Box) -> None:
    lease(box, workdir="/no/such/directory")
    assert box.log(1).read_bytes() == b""


def test_a_log_that_cannot_be_made_fails_a_lease_as_it_fails_a_task(box: Box) -> None:
    box.spawn(1, (), lease=True, log_path=str(box.root))
    assert "the log" in box.failure(1).problem


def test_a_lease_is_reported_with_its_owner_s_process(box: Box) -> None:
    with Owner() as owner:
        started = lease(box, owner=owner.identity)
        assert started.pid == owner.process.pid
        assert started.supervisor.pid != owner.process.pid
        known = box.inventory()[1]
        assert isinstance(known, RunningAttempt)
        assert (known.pid, known.started_at) == (owner.process.pid, started.at)


def test_a_lease_ends_with_its_owner(box: Box) -> None:
    with Owner() as owner:
        lease(box, owner=owner.identity)
        owner.become_a_zombie()
        result = box.result(1)
    assert (result.exit_code, result.cause) == (0, "owner_gone")
    assert str(owner.process.pid) in result.detail


@pytest.mark.parametrize("what", ["dead", "another start", "another boot"])
def test_a_lease_of_an_owner_that_is_gone_already_ends_at_once(box: Box, what: str) -> None:
    with Owner() as owner:
        identity = owner.identity
        if what == "dead":
            owner.end()
            owner.process.wait(10)
        elif what == "another start":
            identity = replace(identity, start_ticks=identity.start_ticks - 1)
        else:
            identity = replace(identity, boot_id="another")
        box.spawn(1, (), lease=True, owner=identity)
        assert box.result(1).cause == "owner_gone"
        assert box.of(AttemptStarted, 1)


def test_an_owner_that_no_pidfd_can_be_had_for_is_looked_at(box: Box) -> None:
    """A thread's number is none of a process: pidfd_open(2) refuses it, and /proc knows it all the same."""
    code = (
        "import threading, time; done = threading.Event()\n"
        "t = threading.Thread(target=done.wait); t.start(); print(t.native_id, flush=True)\n"
        "import sys; sys.stdin.readline(); done.set(); t.join(); print('joined', flush=True); sys.stdin.readline()"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdin is not None
    try:
        thread = int(child.stdout.readline())
        with pytest.raises(OSError, match=r"Invalid argument|No such file"):  # by kernel
            os.pidfd_open(thread)
        identity = ProcTable().identify(thread)
        lease(box, owner=identity)
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.stdout.readline() == "joined\n"
        assert box.result(1).cause == "owner_gone"
        assert child.poll() is None
    finally:
        child.kill()
        child.communicate()


def test_a_lease_is_over_at_its_time_limit(box: Box) -> None:
    with Owner() as owner:
        lease(box, owner=owner.identity, time_limit_s=0.3, grace_s=300.0)
        result = box.result(1)
        assert (result.exit_code, result.signal, result.cause) == (0, None, "time_limit")
        assert result.started_at is not None
        assert result.ended_at - result.started_at >= 0.3
        assert owner.end() == ""


def test_the_limit_of_a_lease_may_be_set_and_lifted(box: Box) -> None:
    lease(box, 1, time_limit_s=0.5)
    lease(box, 2)
    box.call(box.client.set_limit, TaskId(1), 1, time_limit_s=None, grace_s=0.3)
    box.call(box.client.set_limit, TaskId(2), 1, time_limit_s=0.6, grace_s=0.3)
    assert box.result(2).cause == "time_limit"
    assert isinstance(box.inventory()[1], RunningAttempt)


def test_nothing_that_is_done_to_a_lease_signals_its_owner(box: Box) -> None:
    with Owner() as owner:
        lease(box, 1, owner=owner.identity, warn_signal=signal.SIGUSR1, warn_before_s=0.2, time_limit_s=0.3)
        box.call(box.client.send_signal, TaskId(1), 1, signal.SIGUSR2)
        assert box.result(1).cause == "time_limit"
        lease(box, 2, owner=owner.identity)
        box.stop(2, signum=signal.SIGKILL, grace_s=0)
        assert box.result(2).cause == "stopped"
        started = lease(box, 3, owner=owner.identity)
        os.kill(started.supervisor.pid, signal.SIGKILL)
        assert box.result(3).cause == "lost"
        assert owner.end() == ""


def test_a_lease_survives_the_runner_and_the_daemon(box: Box) -> None:
    with Owner() as owner:
        started = lease(box, 1, owner=owner.identity, claims=CARDS)
        lease(box, 2)
        box.kill_runner()
        box.await_reconnection()
        known = box.inventory()
        assert known[1] == RunningAttempt(
            task_id=TaskId(1), attempt=1, pid=started.pid, supervisor=started.supervisor, started_at=started.at
        )
        assert claimed(box.root) == {"GPU-a"}
        box.reconnect_as_new_daemon()
        assert set(box.inventory()) == {1, 2}
        box.stop(2)
        assert box.result(2).cause == "stopped"
        owner.end()
        assert box.result(1).cause == "owner_gone"


def test_a_lease_ends_with_its_owner_while_nobody_looks(box: Box) -> None:
    with Owner() as owner:
        started = lease(box, owner=owner.identity)
        box.kill_runner_for_good()
        owner.end()
        wait_until(lambda: not is_alive(started.supervisor.pid), what="the lease ends by itself")
        box.reconnect_as_new_daemon()
        known = box.inventory()[1]
        assert isinstance(known, AttemptEnded)
        assert known.result.cause == "owner_gone"


def test_a_lease_whose_supervisor_is_killed_is_lost_and_its_card_free(box: Box) -> None:
    # Marked like a task's own process: whoever looks for what is left of an attempt would find it by that.
    with Owner(**box.marks(1)) as owner:
        lease(box, owner=owner.identity, claims=CARDS)
        box.kill_supervisor(1)
        result = box.result(1)
        assert (result.exit_code, result.cause, result.detail) == (None, "lost", "its supervisor was killed")
        wait_until(lambda: not claimed(box.root), what="the claim is gone")
        assert owner.end() == ""


def test_a_lease_whose_runner_and_supervisor_are_killed_is_lost_and_its_owner_lives(box: Box) -> None:
    with Owner(**box.marks(1)) as owner:
        started = lease(box, owner=owner.identity)
        box.kill_runner_for_good()
        os.kill(started.supervisor.pid, signal.SIGKILL)
        box.reconnect_as_new_daemon()
        assert box.result_or_inventory(1).cause == "lost"
        assert owner.end() == ""


def test_a_lease_costs_no_processor_time(box: Box) -> None:
    with Owner() as owner:
        started = lease(box, owner=owner.identity, time_limit_s=3600.0)

        def ticks() -> int:
            fields = Path(f"/proc/{started.supervisor.pid}/stat").read_text().rpartition(")")[2].split()
            return sum(map(int, fields[11:13]))

        def rests() -> bool:
            """Whether half a second goes by without a tick of work: its start may still be going on."""
            before = ticks()
            try:
                wait_until(lambda: ticks() > before, 0.5)
            except AssertionError:
                return True
            return False

        wait_until(rests, what="it rests")


def test_a_known_lease_is_not_started_again(box: Box) -> None:
    first = lease(box)
    box.spawn(1, (), lease=True)
    wait_until(lambda: len(box.of(AttemptStarted, 1)) == 2, what="the start is told again")
    assert box.of(AttemptStarted, 1)[1] == first
