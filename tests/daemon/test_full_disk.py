"""A disk that cannot be written: nothing is acknowledged, nothing is lost, what runs goes on (DESIGN section 1).

A limit on the size of files does to the daemon what a full disk does, and needs no rights; where the tests may mount,
a file system that is really full is tried as well.
"""

import contextlib
import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gavelq.testing.waiting import wait_until
from tests.daemon.gates import Gate, begin
from tests.support.daemon import Box, Failure, is_alive


@contextlib.contextmanager
def no_room(instance: Box) -> Iterator[None]:
    """The daemon cannot make any file longer (setrlimit(2), RLIMIT_FSIZE: EFBIG, because Python ignores SIGXFSZ)."""
    assert instance.process is not None
    pid = instance.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):  # the test killed it
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


def refused(instance: Box, method: str, path: str, body: object = None) -> None:
    """A request that needs the disk."""
    with pytest.raises(Failure) as failure:
        instance.request(method, path, body)
    assert (failure.value.status, failure.value.body["code"]) == (503, "store_unavailable"), path
    assert failure.value.body["hint"]


def test_a_full_disk_makes_the_daemon_read_only_and_loses_nothing(fresh: Box) -> None:
    gate = Gate(fresh)
    running = begin(fresh, gate.command(3))
    held = fresh.submit("true", hold=True)
    waiting = fresh.submit("exit 5", gpu_count=4)
    daemon = fresh.get("/api/daemon")["pid"]
    wait_until(lambda: fresh.task(waiting)["pending_reason"], what="the waiting task has its reason")
    before = fresh.get("/api/tasks")
    with no_room(fresh):
        refused(fresh, "POST", "/api/tasks", {"command": "true", "workdir": "/tmp"})
        refused(fresh, "POST", f"/api/tasks/{held}/run", {})
        refused(fresh, "POST", f"/api/tasks/{running['id']}/kill", {})
        refused(fresh, "POST", f"/api/tasks/{held}/remove", {})
        refused(fresh, "POST", "/api/queues", {"name": "new"})
        refused(fresh, "POST", "/api/gpus/0/ignore", {})
        done = fresh.cli("submit", "true")
        assert (done.returncode, "store_unavailable" in fresh.cli("submit", "true", "-o", "json").stderr) == (1, True)
        assert "free space" in done.stderr
        assert fresh.get("/api/daemon")["read_only"] is True
        assert fresh.get("/api/tasks") == before, "what was refused did not happen, and what is known can be read"
        assert "cannot be written" in fresh.get(f"/api/tasks/{waiting}/why")["summary"]
        gate.open()
        wait_until(lambda: not is_alive(running["pid"]), what="the task ends while nothing can be written")
        refused(fresh, "POST", "/api/tasks", {"command": "true", "workdir": "/tmp"})
        assert fresh.state(running["id"]) == "running", "its end is not true before it is written"
    ended = fresh.wait(running["id"])
    assert (ended["state"], ended["exit_code"]) == ("failed", 3)
    assert fresh.wait(waiting)["exit_code"] == 5
    assert fresh.wait(fresh.submit("exit 6"))["exit_code"] == 6
    assert fresh.get("/api/daemon") | {"uptime_s": 0} == fresh.get("/api/daemon") | {"uptime_s": 0, "read_only": False}
    assert fresh.get("/api/daemon")["pid"] == daemon, "it is the same daemon"
    assert fresh.state(held) == "held"
    fresh.stop()
    fresh.start()
    assert [task["id"] for task in fresh.get("/api/tasks")] == sorted({*[task["id"] for task in before], waiting + 1})


def test_a_daemon_that_dies_on_a_full_disk_knows_the_ends_afterwards(fresh: Box) -> None:
    gate = Gate(fresh)
    running = begin(fresh, gate.command(4))
    with no_room(fresh):
        gate.open()
        wait_until(lambda: not is_alive(running["pid"]), what="the task ends while nothing can be written")
        refused(fresh, "POST", "/api/tasks", {"command": "true", "workdir": "/tmp"})
        fresh.kill()
        fresh.start()
    assert fresh.wait(running["id"])["exit_code"] == 4
    assert len(fresh.get("/api/tasks")) == 1


def test_a_full_disk_costs_no_processor_and_little_log(fresh: Box) -> None:
    gate = Gate(fresh)
    running = begin(fresh, gate.command(0))
    log = fresh.home / "state" / "daemon.log"
    assert fresh.process is not None
    stat = Path(f"/proc/{fresh.process.pid}/stat")

    def ticks() -> int:
        fields = stat.read_text().rpartition(") ")[2].split()
        return int(fields[11]) + int(fields[12])

    with no_room(fresh):
        gate.open()
        wait_until(lambda: not is_alive(running["pid"]), what="the task ends while nothing can be written")
        wait_until(lambda: fresh.get("/api/daemon")["read_only"], what="the daemon has noticed")
        size, before = log.stat().st_size, ticks()
        with pytest.raises(AssertionError):
            wait_until(lambda: fresh.state(running["id"]) != "running", 0, "it cannot")
        fresh.get(f"/api/tasks/{running['id']}/wait?timeout=2.5")
        assert ticks() - before < 60, "it does not try again without a pause"
        assert log.stat().st_size - size < 5000
    assert fresh.wait(running["id"])["state"] == "completed"


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 6 MiB."""
    with tempfile.TemporaryDirectory(prefix="gqbox-", dir="/tmp") as directory:
        options = ["-t", "tmpfs", "-o", "size=6m,mode=0700", "gavelq-test", directory]
        done = subprocess.run(["mount", *options], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"these tests may not mount: {done.stderr.strip()}")
        try:
            yield Path(directory)
        finally:
            subprocess.run(["umount", directory], check=True)


def test_a_file_system_without_room_is_survived_by_daemon_runner_and_tasks(small_disk: Path) -> None:
    instance = Box(small_disk / "h")
    ballast = small_disk / "ballast"
    try:
        instance.start()
        gate = Gate(instance)
        running = begin(instance, gate.command(7))
        log = instance.home / "state" / "runner" / "runner.log"
        with open(log, "ab") as file:  # no room in its last page either
            file.write(b"\n" * (4096 - log.stat().st_size % 4096))
        with contextlib.suppress(OSError), open(ballast, "wb") as file:
            while True:
                os.write(file.fileno(), b"x" * 4096)
        with contextlib.suppress(Failure):
            for number in range(200):
                instance.post("/api/tasks", {"command": "true", "workdir": "/tmp", "hold": True, "name": f"t{number}"})
        refused(instance, "POST", "/api/tasks", {"command": "true " + "x" * 100_000, "workdir": "/tmp", "hold": True})
        n_known = len(instance.get("/api/tasks"))
        os.kill(running["pid"], 15)
        wait_until(lambda: not is_alive(running["pid"]), what="the task ends on a full disk")
        ballast.unlink()
        ended = instance.wait(running["id"])
        assert (ended["end_reason"], ended["signal"]) == ("signalled", 15), log.read_text()
        assert len(instance.get("/api/tasks")) == n_known
        instance.kill()
        instance.start()
        assert len(instance.get("/api/tasks")) == n_known
    finally:
        ballast.unlink(missing_ok=True)
        instance.close()
