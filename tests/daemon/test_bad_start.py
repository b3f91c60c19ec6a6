"""Starts that must not be: a second daemon, other people's directories, damaged files, unreadable configurations."""

import contextlib
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from gavelq.daemon.listening import open_unix
from gavelq.testing.waiting import wait_until
from tests.support import forked
from tests.support.daemon import Box, alive_with, box

NOBODY = 65534


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory with a short path."""
    with tempfile.TemporaryDirectory(prefix="gqbox-", dir="/tmp") as directory:
        yield Path(directory)


def run(place: Path, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """`gavelq daemon run` in that directory, where it must end by itself."""
    instance = Box(place / "h", env=env)
    instance.home.mkdir(exist_ok=True)
    return forked.run(("daemon", "run", *words), env=instance.env, cwd="/")


def test_a_second_daemon_on_the_same_state_is_refused_and_names_the_first(daemon: Box) -> None:
    pid = daemon.get("/api/daemon")["pid"]
    second = run(daemon.home.parent)
    assert second.returncode == 6
    assert f"pid {pid}" in second.stderr
    assert "Traceback" not in second.stderr
    elsewhere = run(daemon.home.parent, "--socket", str(daemon.home / "other.sock"))
    assert elsewhere.returncode == 6, "another socket makes no other state"
    assert daemon.get("/api/daemon")["pid"] == pid


def test_two_people_who_start_it_at_once_get_one_daemon(place: Path) -> None:
    with box() as instance:
        instance.stop()
        command = [sys.executable, "-m", "gavelq", "daemon", "init", "-o", "json"]
        started: list[subprocess.Popen[str]] = []
        for _ in range(3):  # one behind the other: the last ones are still loading when the first answers
            started.append(
                subprocess.Popen(
                    command, env=instance.env, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                )
            )
            wait_until(partial(_is_under_way, instance, started), what="its daemon starts, or one is there")
        said = [process.communicate(timeout=60) for process in started]
        assert [process.returncode for process in started] == [0, 0, 0], said
        pid = instance.get("/api/daemon")["pid"]
        assert all(f'"pid": {pid}' in out or f'"pid":{pid}' in out for out, _ in said)
        assert alive_with_home(instance) == [pid], "those that came too late do not wait for its end"
        instance.cli("daemon", "stop")
        instance.start()


def _is_under_way(instance: Box, started: "list[subprocess.Popen[str]]") -> bool:
    return len(alive_with_home(instance)) >= len(started) or any(process.poll() is not None for process in started)


def alive_with_home(instance: Box) -> list[int]:
    """The daemons of an instance, also those that are still starting."""
    home = f"GAVELQ_HOME={instance.home}\0".encode()
    found = []
    for pid in alive_with("daemon\0run"):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:
            if home in file.read():
                found.append(pid)
    return found


def test_a_stale_socket_is_replaced(fresh: Box) -> None:
    fresh.kill()
    assert stat.S_ISSOCK(os.stat(fresh.socket).st_mode), "kill -9 leaves the socket behind"
    fresh.start()
    assert fresh.get("/api/daemon")["running"] is True


def test_a_socket_that_another_daemon_answers_on_is_refused_and_left_alone(daemon: Box, place: Path) -> None:
    second = run(place, "--socket", daemon.socket)
    assert second.returncode == 6
    assert daemon.socket in second.stderr
    assert daemon.get("/api/daemon")["running"] is True


def test_what_is_no_socket_of_ours_is_not_replaced(place: Path) -> None:
    (place / "h" / "run").mkdir(parents=True, mode=0o700)
    path = place / "h" / "run" / "gavelq.sock"
    path.write_text("precious")
    refused = run(place)
    assert refused.returncode == 4
    assert str(path) in refused.stderr
    assert path.read_text() == "precious"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a directory that belongs to somebody else")
@pytest.mark.parametrize("name", ["run", "state"])
def test_a_directory_that_belongs_to_somebody_else_is_refused(place: Path, name: str) -> None:
    directory = place / "h" / name
    directory.mkdir(parents=True, mode=0o777)
    os.chown(directory, NOBODY, NOBODY)
    refused = run(place)
    assert refused.returncode == 4
    assert f"uid {NOBODY}" in refused.stderr
    assert str(directory) in refused.stderr
    assert os.listdir(directory) == []


def test_a_directory_that_is_a_link_is_refused(place: Path) -> None:
    (place / "elsewhere").mkdir()
    (place / "h").mkdir()
    (place / "h" / "run").symlink_to(place / "elsewhere")
    refused = run(place)
    assert refused.returncode == 4
    assert os.listdir(place / "elsewhere") == []


def test_a_directory_that_somebody_named_for_the_socket_keeps_its_mode(place: Path) -> None:
    """It may be a home directory, or /: once a daemon of root had closed that to everybody else."""
    place.chmod(0o755)
    with open_unix(str(place / "s"), is_named=True):
        assert [stat.S_IMODE(path.lstat().st_mode) for path in (place, place / "s")] == [0o755, 0o600]


def test_a_socket_where_others_may_put_theirs_is_refused_with_the_way_out(place: Path) -> None:
    everybodys = place / "tmp"
    everybodys.mkdir()
    everybodys.chmod(0o1777)  # as /tmp
    refused = run(place, "--socket", str(everybodys / "s"))
    assert refused.returncode == 4
    assert f"{everybodys}/gavelq-{os.getuid()}/gavelq.sock" in refused.stderr
    assert stat.S_IMODE(everybodys.stat().st_mode) == 0o1777
    assert os.listdir(everybodys) == []


def test_a_socket_path_that_the_kernel_cannot_bind_is_refused_with_the_way_out(place: Path) -> None:
    path = place / ("x" * 100) / "gavelq.sock"
    refused = run(place, "--socket", str(path))
    assert refused.returncode == 2
    assert "107" in refused.stderr
    assert "GAVELQ_SOCKET" in refused.stderr


def test_directories_and_files_of_an_instance_are_its_owners_alone() -> None:
    """Promised by SECURITY: whatever umask the daemon was started with."""
    old_mask = os.umask(0)
    try:
        with box(listen="127.0.0.1:0") as instance:
            ended = instance.submit("echo $GAVELQ_TASK_ID; touch made")
            instance.wait(ended)
            attempts = instance.home / "state" / "runner" / "attempts"
            wait_until(lambda: not (attempts / f"{ended}-1").exists(), what="the ended attempt is forgotten")
            running = instance.submit("echo $GAVELQ_TASK_ID; exec sleep 100")
            wait_until(lambda: instance.state(running) == "running", what="the second task runs")
            kept = [instance.home / "run", Path(instance.socket), instance.home / "state"]
            kept += [path for path in (instance.home / "state").rglob("*") if not path.is_symlink()]
            modes = {str(path): stat.S_IMODE(path.lstat().st_mode) for path in kept}
            for path in kept:
                if path.parent.name == "simulated":
                    continue  # tasks write there, too; the directory is closed
                wanted = 0o700 if path.is_dir() else 0o600
                assert modes[str(path)] & ~wanted == 0, f"{path} has {modes[str(path)]:o}"
            assert str(attempts / f"{running}-1" / "control") in modes
            assert modes[instance.socket] == 0o600
            assert modes[str(instance.home / "state" / "admin.token")] == 0o600
    finally:
        os.umask(old_mask)
        Path("/tmp/made").unlink(missing_ok=True)


def _database(place: Path) -> Path:
    """A database as a daemon leaves it, with one task."""
    with box() as instance:
        instance.wait(instance.submit("true"))
        instance.stop()
        content = (instance.home / "state" / "gavelq.db").read_bytes()
        instance.start()
    state = place / "h" / "state"
    state.mkdir(parents=True, mode=0o700)
    path = state / "gavelq.db"
    path.write_bytes(content)
    return path


def test_damaged_strange_and_newer_databases_are_refused_and_left_as_they_are(place: Path) -> None:
    path = _database(place)
    good = path.read_bytes()
    damaged = bytearray(good)
    for page in range(4096, len(good), 4096):
        damaged[page : page + 64] = b"\xa5" * 64
    for content in (bytes(damaged), b"this is no database at all, " * 300, good[: len(good) // 2]):
        path.write_bytes(content)
        refused = run(place)
        assert refused.returncode == 1, refused.stderr
        assert str(path) in refused.stderr
        assert "gavelq backup" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert path.read_bytes() == content
    path.write_bytes(good)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    refused = run(place)
    assert refused.returncode == 1
    assert "newer gavelq" in refused.stderr
    path.unlink()
    path.mkdir()
    refused = run(place)
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("runner:\n  grace_s: soon\n", 2),
        ("runner:\n  grace_s: 1\n  typo: 2\n", 3),
        ("a: [1\nb: 2\n", 2),
        ("\tx: 1\n", 1),
        ("gpu:\n  provider: magic\n", 2),
        ('{"gpu": {"simulated_count": -4}}', 1),
    ],
)
def test_a_configuration_with_mistakes_is_refused_with_file_and_line(place: Path, text: str, line: int) -> None:
    (place / "h").mkdir()
    config = place / "h" / "config.yaml"
    config.write_text(text)
    refused = run(place)
    assert refused.returncode == 2, refused.stderr
    assert f"{config}:{line}" in refused.stderr
    assert not (place / "h" / "state" / "gavelq.db").exists()


def test_a_configuration_that_is_no_text_is_refused(place: Path) -> None:
    (place / "h").mkdir()
    (place / "h" / "config.yaml").write_bytes(b"\xff\xfe\x00gpu")
    assert run(place).returncode == 2
    refused = run(place, GAVELQ_GPU_SIMULATED_COUNT="many")
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


def test_a_daemon_that_a_terminal_starts_goes_on_when_the_terminal_closes(fresh: Box) -> None:
    assert fresh.process is not None
    fresh.process.send_signal(signal.SIGHUP)
    assert fresh.wait(fresh.submit("exit 3"))["exit_code"] == 3


def test_nothing_listens_where_nobody_asked(daemon: Box) -> None:
    assert daemon.get("/api/daemon")["http"] is None
    pid = str(daemon.get("/api/daemon")["pid"])
    own = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    tcp = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    listening = {f"socket:[{fields.split()[9]}]" for fields in tcp if fields.split()[3] == "0A"}
    assert not own & listening


def test_an_address_that_is_in_use_is_told(place: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused = run(place, GAVELQ_HTTP_LISTEN=f"127.0.0.1:{taken.getsockname()[1]}")
    assert refused.returncode == 2
    assert "cannot listen" in refused.stderr
