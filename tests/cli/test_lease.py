"""`gavelq lease`: GPUs for the calling shell."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from gavelq.client.leases import variables
from gavelq.core.task import Lease
from gavelq.daemon.spawning import environment
from gavelq.testing.waiting import wait_until
from tests.daemon.gates import Gate
from tests.support.builders import World
from tests.support.daemon import Box, box

GAVELQ = f"{sys.executable} -m gavelq"


@pytest.fixture(scope="module")
def real() -> Iterator[Box]:
    """A daemon with three simulated GPUs, where a lease without an owner lives for a second."""
    with box(n_gpus=3, env={"GAVELQ_LEASE_RENEW_S": "1"}) as instance:
        yield instance


@pytest.fixture
def gate(real: Box) -> Iterator[Gate]:
    """A gate that is open at the end, whatever happened."""
    found = Gate(real)
    found.close()
    yield found
    found.open()
    live = "/api/tasks?state=pending&state=starting&state=running&state=stopping"
    wait_until(lambda: not real.get(live), 60, "all that stood before the gate has passed")


def bash(real: Box, script: str, *, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """A script of a user."""
    words = ["bash", "-c", script]
    return subprocess.run(words, env=real.env, cwd="/tmp", input=stdin, capture_output=True, text=True, timeout=60)


def newest(real: Box) -> int:
    return int(real.get("/api/tasks?newest=1&limit=1")[0]["id"])


def ask(real: Box, *words: str) -> "subprocess.Popen[str]":
    """`gavelq lease` in the background; this process is its owner."""
    return subprocess.Popen(
        [sys.executable, "-m", "gavelq", "lease", *words],
        env=real.env, cwd="/tmp", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_lease_tells_its_gpus_and_ends_with_the_shell_that_asked(real: Box) -> None:
    done = bash(real, f"{GAVELQ} lease -c 2 -t 2h && {GAVELQ} lease list && echo shell $$")
    assert done.returncode == 0, done.stderr
    granted = re.match(r"lease (\d+) granted: GPU 0,1 until \d\d:\d\d:\d\d; it ends with process (\d+)\n", done.stdout)
    assert granted is not None, done.stdout
    assert f"shell {granted[2]}" in done.stdout
    assert "export CUDA_VISIBLE_DEVICES=GPU-sim-" in done.stdout
    assert f"\n{granted[1]}\trunning\trunning\t0,1\t" in done.stdout
    ended = real.wait(int(granted[1]))
    assert (ended["state"], ended["end_reason"]) == ("aborted", "lease_expired")
    assert all(gpu["state"] == "free" for gpu in real.get("/api/gpus"))


@pytest.mark.parametrize(
    "way",
    [
        'eval "$({lease} --export)"',
        'eval "$({lease} --export || exit 1)"',
        'x=$(:; {lease} --export; :); eval "$x"',
    ],
)
def test_exported_variables_are_the_shells_and_the_lease_as_well(real: Box, way: str) -> None:
    script = way.format(lease=f"{GAVELQ} lease -c 1")
    done = bash(real, f'{script}; echo "$CUDA_VISIBLE_DEVICES $GAVELQ_TASK_ID $$"; {GAVELQ} lease list -o json')
    shown, document = done.stdout.split("\n", 1)
    uuid, number, shell = shown.split()
    [lease] = json.loads(document)
    assert (lease["gpu_uuids"], lease["id"], lease["lease_owner_pid"]) == ([uuid], int(number), int(shell))
    assert f"lease {number} granted" in done.stderr
    real.wait(lease["id"])


def test_a_lease_is_given_back_by_hand(real: Box) -> None:
    done = ask(real, "-c", "3", "-o", "json")
    task = json.loads(done.communicate(timeout=60)[0])
    assert (task["state"], task["gpus"], task["lease_owner_pid"]) == ("running", [0, 1, 2], os.getpid())
    assert task["lease_expires_at"] is None
    assert real.cli("lease", "release", str(task["id"])).returncode == 0
    assert real.wait(task["id"])["end_reason"] == "released"
    again = real.cli("lease", "release", str(task["id"]))
    assert again.returncode == 6
    assert "gavelq lease" in again.stderr


def test_another_process_may_be_the_owner(real: Box) -> None:
    owner = subprocess.Popen(["sleep", "600"])
    try:
        assert "granted" in real.cli("lease", "--pid", str(owner.pid)).stdout
        number = newest(real)
        assert real.state(number) == "running"
    finally:
        owner.kill()
        owner.wait()
    assert real.wait(number)["end_reason"] == "lease_expired"


def test_without_an_owner_renewals_keep_it(real: Box) -> None:
    done = real.cli("lease", "--no-owner")
    number = newest(real)
    assert f"gavelq lease renew {number}" in done.stdout
    renewed = real.cli("lease", "renew", str(number))
    assert renewed.returncode == 6 or "kept until" in renewed.stdout
    ended = real.wait(number)
    assert (ended["end_reason"], ended["state"]) == ("lease_expired", "aborted")
    assert "nobody renewed it for 1 s" in ended["end_detail"]


def test_it_is_renewed_as_long_as_it_is_waited_for(real: Box, gate: Gate) -> None:
    real.submit(gate.command(0), gpu_count=3)
    waiting = ask(real, "--no-owner", "-o", "json")
    assert waiting.stderr is not None
    waiting.stderr.readline()
    number = newest(real)

    def n_renewals() -> int:
        return sum(event["event"] == "renewed" for event in real.task(number)["events"])

    wait_until(lambda: n_renewals() >= 4, 60, "it is renewed again and again")
    gate.open()
    assert json.loads(waiting.communicate(timeout=60)[0])["state"] == "running"
    real.wait(number)


def test_whoever_gives_up_gives_the_place_back(real: Box, gate: Gate) -> None:
    real.submit(gate.command(0), gpu_count=3)
    late = real.cli("lease", "--wait", "0.2")
    assert (late.returncode, late.stdout) == (8, "")
    assert "gpu_count" in late.stderr
    assert real.state(newest(real)) == "cancelled"
    for number in (signal.SIGINT, signal.SIGTERM):
        waiting = ask(real)
        assert waiting.stderr is not None
        waiting.stderr.readline()
        waiting.send_signal(number)
        waiting.communicate(timeout=60)
        assert waiting.returncode == 128 + number
        assert real.state(newest(real)) == "cancelled"


def test_a_request_that_is_cancelled_meanwhile_is_told(real: Box, gate: Gate) -> None:
    real.submit(gate.command(0), gpu_count=3)
    waiting = ask(real)
    assert waiting.stderr is not None
    waiting.stderr.readline()
    real.post(f"/api/tasks/{newest(real)}/kill")
    told = waiting.communicate(timeout=60)[1]
    assert waiting.returncode == 6
    assert "cancelled" in told


def test_without_waiting_only_the_request_is_told(real: Box, gate: Gate) -> None:
    real.submit(gate.command(0), gpu_count=3)
    done = ask(real, "--no-wait")
    said = done.communicate(timeout=60)[0]
    number = newest(real)
    assert said.startswith(f"lease {number} asked for: pending in queue running; it ends with process {os.getpid()}")
    assert real.cli("lease", "release", str(number)).stdout == f"lease {number}: cancelled\n"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--pid", "4194305"], 2, "pid"),
        (["--pid", "1", "--no-owner"], 2, "--no-owner"),
        (["--no-wait", "--wait", "3"], 2, "--no-wait"),
        (["-c", "9"], 7, "9"),
        (["--wait", "soon"], 2, "wait"),
        (["renew", "99999"], 3, "99999"),
        (["-e", "A=b"], 2, "-e"),
    ],
)
def test_what_cannot_be_leased_says_why(real: Box, words: list[str], code: int, told: str) -> None:
    done = real.cli("lease", *words)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert told in done.stderr


def test_a_command_is_no_lease(real: Box, gate: Gate) -> None:
    number = real.submit(gate.command(0), gpu_count=0)
    for verb in ("renew", "release"):
        refused = real.cli("lease", verb, str(number))
        assert refused.returncode == 6
        assert "no lease" in refused.stderr
    assert real.cli("lease", "list", "-o", "json").stdout == "[]\n"


def test_leases_see_what_tasks_see() -> None:
    world = World(n_cards=2)
    task_id = world.submit(command=Lease(), count=2)
    world.run_all()
    task = world.task(task_id)
    assert task.attempt is not None
    theirs = environment(task, task.attempt, {}, socket_path="/s", master_port=1, simulated_dir="/d/simulated")
    document = {
        "id": task_id, "attempt": 1, "queue": "running", "gpus": [0, 1], "gpu_uuids": list(task.attempt.gpus),
    }  # fmt: skip
    ours = variables(document, {"socket": "/s", "state_dir": "/d", "gpu_provider": "simulated"})
    of_captured = {"PYTHONUNBUFFERED"}
    assert {**ours, "MASTER_PORT": "1"} == {name: theirs[name] for name in theirs.keys() - of_captured}
