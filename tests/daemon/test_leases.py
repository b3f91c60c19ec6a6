"""Leases through REST and the SDK: asked for, kept, given back, and not granted to nobody."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

import pytest

from gavelq import Client
from gavelq.client import shapes
from gavelq.client.leases import Lease
from gavelq.core.errors import GavelqError, NotFound, TimedOut, WrongState
from gavelq.testing.waiting import wait_until
from tests.daemon.gates import Gate, begin
from tests.support.daemon import Box, Failure, box


@pytest.fixture(scope="module")
def real() -> Iterator[Box]:
    """Two simulated GPUs, also over TCP; a lease without an owner lives for three seconds."""
    with box(n_gpus=2, env={"GAVELQ_LEASE_RENEW_S": "3"}, listen="127.0.0.1:0") as instance:
        yield instance


@pytest.fixture
def client(real: Box) -> Client:
    """This process, on the unix socket."""
    return Client(socket=real.socket)


@pytest.fixture
def remote(real: Box) -> Client:
    """This process, over TCP."""
    token = (real.home / "state" / "admin.token").read_text().strip()
    return Client(url=real.get("/api/daemon")["http"], token=token)


@pytest.fixture
def gate(real: Box) -> Iterator[Gate]:
    """A gate that is open at the end, whatever happened."""
    found = Gate(real)
    found.close()
    yield found
    found.open()
    live = "/api/tasks?state=pending&state=starting&state=running&state=stopping"
    wait_until(lambda: not real.get(live), 60, "all that stood before the gate has passed")


def n_renewals(real: Box, task_id: int) -> int:
    return sum(event["event"] == "renewed" for event in real.task(task_id)["events"])


# --- the SDK -----------------------------------------------------------------------------------------------


def test_gpus_are_held_in_the_block_and_given_back_behind_it(real: Box, client: Client) -> None:
    with client.lease(gpus=2, name="mine", time_limit="1h") as lease:
        assert lease.gpus == [0, 1]
        assert lease.env["CUDA_VISIBLE_DEVICES"] == ",".join(lease.gpu_uuids)
        assert lease.env["GAVELQ_TASK_ID"] == str(lease.id)
        shown = real.task(lease.id)
        assert (shown["state"], shown["name"], shown["is_lease"]) == ("running", "mine", True)
        assert (shown["lease_owner_pid"], shown["lease_renew_s"], shown["lease_expires_at"]) == (
            os.getpid(),
            None,
            None,
        )
        assert set(get_type_hints(shapes.Task)) <= set(shown)
        with pytest.raises(WrongState):
            lease.renew()
    assert real.wait(lease.id)["end_reason"] == "released"


def test_an_exception_gives_them_back_as_well(real: Box, client: Client) -> None:
    class Oops(Exception):
        """What a user's program may raise."""

    lease = client.lease()
    with pytest.raises(Oops), lease:
        raise Oops
    assert real.wait(lease.id)["state"] == "completed"
    lease.release()


def test_a_lease_may_be_held_without_a_block(real: Box, client: Client) -> None:
    lease = client.lease(1)
    with pytest.raises(RuntimeError):
        _ = lease.id
    lease.acquire()
    first = lease.id
    lease.release()
    lease.acquire()
    assert lease.id != first
    lease.release()
    assert {real.wait(number)["end_reason"] for number in (first, lease.id)} == {"released"}


def test_what_is_held_is_not_asked_for_again(real: Box, client: Client) -> None:
    with client.lease(2).acquire() as lease:
        first = lease.id
        assert lease.acquire().id == first
        assert [task["id"] for task in client.leases()] == [first]
        real.post(f"/api/tasks/{first}/kill")
        real.wait(first)
        assert lease.acquire().id != first
    assert real.wait(lease.id)["end_reason"] == "released"
    assert client.leases() == []


def test_who_waits_too_long_holds_nothing(real: Box, client: Client, gate: Gate) -> None:
    begin(real, gate.command(0), gpu_count=2)
    lease = client.lease(wait_s=0.2)
    with pytest.raises(TimedOut, match="was not granted"):
        lease.acquire()
    assert real.state(lease.id) == "cancelled"


def test_who_is_cancelled_while_waiting_hears_it(real: Box, client: Client, gate: Gate) -> None:
    begin(real, gate.command(0), gpu_count=2)
    lease = client.lease()
    errors: list[Exception] = []

    def acquire() -> None:
        try:
            lease.acquire()
        except WrongState as error:
            errors.append(error)

    thread = threading.Thread(target=acquire)
    thread.start()
    wait_until(lambda: real.get("/api/leases"), what="the lease is asked for")
    real.post(f"/api/tasks/{real.get('/api/leases')[0]['id']}/kill")
    thread.join(20)
    assert "cancelled" in str(errors)


def test_a_lease_that_ended_by_itself_is_released_quietly(real: Box, client: Client) -> None:
    with client.lease() as lease:
        real.post(f"/api/tasks/{lease.id}/kill")
        real.wait(lease.id)
    assert real.state(lease.id) == "cancelled"


def test_a_forked_child_gives_nothing_back(real: Box, client: Client) -> None:
    with client.lease() as lease:
        pid = os.fork()
        if pid == 0:
            lease.release()
            os._exit(0)
        os.waitpid(pid, 0)
        assert real.state(lease.id) == "running"


def test_over_tcp_a_thread_renews(real: Box, remote: Client) -> None:
    with remote.lease() as lease:
        assert "GAVELQ_SOCKET" not in lease.env
        shown = real.task(lease.id)
        assert (shown["lease_owner_pid"], shown["lease_renew_s"]) == (None, 3.0)
        assert shown["lease_expires_at"] > shown["started_at"]
        wait_until(lambda: n_renewals(real, lease.id) >= 4, 60, "it is renewed again and again")
        assert real.state(lease.id) == "running"
        lease.renew()
    assert real.wait(lease.id)["end_reason"] == "released"


def test_over_tcp_a_waiting_request_is_renewed(real: Box, remote: Client, gate: Gate) -> None:
    begin(real, gate.command(0), gpu_count=2)
    lease = remote.lease()
    thread = threading.Thread(target=lease.acquire)
    thread.start()
    wait_until(lambda: real.get("/api/leases"), what="the lease is asked for")
    number = real.get("/api/leases")[0]["id"]
    wait_until(lambda: n_renewals(real, number) >= 4, 60, "it is renewed again and again")
    gate.open()
    thread.join(20)
    assert lease.gpus
    lease.release()


def test_wrong_requests_hold_nothing(client: Client) -> None:
    with pytest.raises(GavelqError, match="not an amount of memory"):
        client.lease(memory="lots").acquire()
    with pytest.raises(GavelqError, match="runs no command"):
        client.lease(argv=["true"]).acquire()
    assert isinstance(client.lease(), Lease)


def test_a_command_is_run_to_its_end(client: Client) -> None:
    done = client.submit_and_wait("exit 3", gpu_count=0, workdir="/tmp", env={"PATH": os.environ["PATH"]})
    assert done["exit_code"] == 3


def test_a_program_that_is_killed_gives_its_gpus_back(real: Box, tmp_path: Path) -> None:
    program = tmp_path / "p.py"
    program.write_text(
        "import gavelq, time\n"
        "with gavelq.Client().lease(gpus=2) as lease:\n"
        "    print(lease.id, flush=True)\n"
        "    time.sleep(600)\n"
    )
    running = subprocess.Popen([sys.executable, str(program)], env=real.env, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    number = int(running.stdout.readline())
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=60)
    assert real.wait(number)["end_reason"] == "lease_expired"
    assert [gpu["state"] for gpu in real.get("/api/gpus")] == ["free", "free"]


# --- REST --------------------------------------------------------------------------------------------------


def ask(real: Box, **fields: object) -> int:
    return int(real.post("/api/tasks", {"lease": True, "workdir": "/tmp", **fields})["id"])


def test_a_request_whose_owner_died_is_granted_to_nobody(real: Box, gate: Gate) -> None:
    begin(real, gate.command(0), gpu_count=2)
    owner = subprocess.Popen(["sleep", "600"])
    waiting, held = ask(real, pid=owner.pid), ask(real, pid=owner.pid, hold=True)
    owner.kill()
    owner.wait()
    for number in (waiting, held):
        ended = real.wait(number)
        assert (ended["end_reason"], ended["attempt"]) == ("lease_expired", 0)
        assert f"process {owner.pid}" in ended["end_detail"]


def test_a_request_that_nobody_renews_is_granted_to_nobody(real: Box, gate: Gate) -> None:
    begin(real, gate.command(0), gpu_count=2)
    ended = real.wait(ask(real))
    assert (ended["end_reason"], ended["attempt"]) == ("lease_expired", 0)


def test_the_absence_of_the_daemon_does_not_count() -> None:
    with box(n_gpus=1, env={"GAVELQ_LEASE_RENEW_S": "3"}) as fresh:
        number = ask(fresh)
        fresh.wait(number, "running")
        before = fresh.task(number)["lease_expires_at"]
        fresh.kill()
        fresh.start()
        shown = fresh.task(number)
        assert shown["state"] == "running"
        assert shown["lease_expires_at"] > before, "the time begins anew with the daemon"
        assert fresh.wait(number)["end_reason"] == "lease_expired"


def test_turns_are_told_at_once(real: Box, gate: Gate) -> None:
    number = real.submit(gate.command(0), gpu_count=0, hold=True)
    told: list[str] = []
    thread = threading.Thread(
        target=lambda: told.append(real.get(f"/api/tasks/{number}/turn?state=held&timeout=25")["state"])
    )
    thread.start()
    assert real.get(f"/api/tasks/{number}/turn?state=held&timeout=0.05")["state"] == "held"
    real.post(f"/api/tasks/{number}/run")
    thread.join(20)
    assert told
    assert told != ["held"]
    assert real.get(f"/api/tasks/{number}/turn?state=held&timeout=25")["state"] != "held"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/tasks/1/turn", 400),
        ("/api/tasks/1/turn?state=nonsense", 400),
        ("/api/tasks/1/turn?state=held&timeout=99", 400),
        ("/api/tasks/99999/turn?state=held", 404),
        ("/api/wait", 400),
        ("/api/wait?id=x", 404),
        ("/api/wait?id=99999", 404),
        ("/api/wait?" + "&".join(["id=1"] * 1001), 400),
    ],
)
def test_what_cannot_be_waited_for_says_why(real: Box, path: str, status: int) -> None:
    real.submit("true", gpu_count=0)
    with pytest.raises(Failure) as failure:
        real.get(path)
    assert failure.value.status == status
    assert failure.value.body["message"]


def test_only_known_fields_are_taken(real: Box) -> None:
    number = ask(real)
    for verb in ("renew", "release"):
        with pytest.raises(Failure) as failure:
            real.post(f"/api/tasks/{number}/{verb}", {"for": "ever"})
        assert failure.value.status == 400
    real.post(f"/api/tasks/{number}/release")
    real.wait(number)


def test_the_log_of_each_attempt_can_be_read(real: Box, client: Client) -> None:
    number = real.submit("echo $GAVELQ_ATTEMPT; exit 1", gpu_count=0, retries=1, backoff=0.1)
    real.wait(number)
    for attempt in ("1", "2"):
        assert real.get(f"/api/tasks/{number}/logs?attempt={attempt}") == f"{attempt}\n"
    with pytest.raises(Failure) as failure:
        real.get(f"/api/tasks/{number}/logs?attempt=3")
    assert failure.value.status == 404
    with pytest.raises(NotFound):
        client.task(99999)
