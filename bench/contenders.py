"""Whoever is measured: gavelq, and its peers where they install. Each gets a fresh server in a directory of its own."""

import os
import shutil
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from bench.measuring import run, wait_for
from gavelq.client import lean
from gavelq.client.address import Address
from gavelq.client.wire import Unreachable, exchange

ROOT = Path(__file__).parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gavelq-bench"
BIN = Path(sys.executable).parent


class NotHere(Exception):
    """This peer cannot be measured on this machine; the message says why."""


class Contender(ABC):
    """A scheduler under test. `home` is an empty directory; `n_gpus` cards (or slots) are its to give."""

    name = ""
    n_samples = 50
    """How often something quick is measured."""

    def __init__(self, home: Path, n_gpus: int) -> None:
        self.home = home
        self.n_gpus = n_gpus
        keep = ("PATH", "LANG", "LC_ALL", "TERM", "USER", "LOGNAME", "SHELL")
        self.env = {name: os.environ[name] for name in keep if name in os.environ} | {"HOME": str(home)}
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def start(self) -> None:
        """Start the server; returns when it answers. Raises NotHere."""

    @abstractmethod
    def submit(self, command: str, after_last: bool = False) -> list[str]:
        """The argv of a submission that runs `bash -c COMMAND` on one GPU; `after_last`: behind the one before."""

    def server_pids(self) -> list[int]:
        """The processes that stay while nothing runs."""
        return [self.process.pid] if self.process is not None else []

    def stop(self) -> None:
        """End the server and what it runs."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def _serve(self, *argv: str) -> None:
        with open(self.home / "server.out", "wb") as out:
            self.process = subprocess.Popen(
                argv, env=self.env, cwd=self.home, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )


class Gavelq(Contender):
    """This project, from the environment that runs the benchmark, with simulated cards."""

    name = "gavelq"

    def __init__(self, home: Path, n_gpus: int) -> None:
        super().__init__(home, n_gpus)
        self.env |= {
            "GAVELQ_HOME": str(home / "q"),
            "GAVELQ_GPU_PROVIDER": "simulated",
            "GAVELQ_GPU_SIMULATED_COUNT": str(n_gpus),
            "GAVELQ_RUNNER_IDLE_EXIT_S": "1",
            "GAVELQ_LIMITS_MAX_CPU_TASKS": "64",
            "GAVELQ_HTTP_LISTEN": "127.0.0.1:0",
            "GAVELQ_HTTP_RATE_LIMIT": "none",
        }
        self.address = Address(socket=str(home / "q" / "run" / "gavelq.sock"))

    def start(self) -> None:
        self._serve(str(BIN / "gavelq"), "daemon", "run")
        wait_for(self._answers, 20, "gavelq answers")

    def _answers(self) -> bool:
        try:
            return exchange(self.address, "GET", "/api/daemon").status == 200
        except Unreachable:
            return False

    def submit(self, command: str, after_last: bool = False) -> list[str]:
        return [str(BIN / "gavelq"), "submit", "--", "bash", "-c", command]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the daemon; its answer. Raises RuntimeError where that is not 2xx."""
        sent = None if body is None else lean.dumps(body).encode()
        reply = exchange(self.address, method, path, body=sent, timeout_s=120)
        if reply.status >= 300:
            raise RuntimeError(f"{method} {path}: {reply.status} {reply.body.decode()[:300]}")
        return lean.loads(reply.body)

    def submit_many(self, tasks: list[dict[str, Any]]) -> list[int]:
        """One bulk submission; the ids. Every task gets an environment of usual size."""
        base = {"workdir": "/", "env": dict(os.environ)}
        return [task["id"] for task in self.ask("POST", "/api/submissions", {"base": base, "tasks": tasks})]

    def counts(self) -> dict[str, int]:
        """How many tasks there are by state."""
        found: dict[str, int] = self.ask("GET", "/api/status")["counts"]
        return found

    def n_unfinished(self) -> int:
        """How many tasks have not ended."""
        counts = self.counts()
        return sum(counts.get(state, 0) for state in ("held", "pending", "starting", "running", "stopping"))

    def over_tcp(self) -> tuple[int, str]:
        """The port on 127.0.0.1, and the token that opens it."""
        url = str(self.ask("GET", "/api/daemon")["http"])
        return int(url.rpartition(":")[2]), (self.home / "q" / "state" / "admin.token").read_text().strip()

    def runner_pid(self) -> int:
        """The runner's process."""
        return int(self.ask("GET", "/api/daemon")["runner_pid"])

    def stop(self) -> None:
        if self.process is not None:
            run([str(BIN / "gavelq"), "daemon", "stop", "--kill-tasks"], self.env)
            self.process.wait(20)


class TaskSpooler(Contender):
    """Debian's task-spooler: a C program with slots instead of GPUs."""

    name = "task-spooler"

    def start(self) -> None:
        if shutil.which("tsp") is None:
            raise NotHere("not installed: apt-get install task-spooler")
        self.env |= {"TS_SOCKET": str(self.home / "ts.sock"), "TMPDIR": str(self.home), "TS_SLOTS": str(self.n_gpus)}
        run(["tsp"], self.env)

    def submit(self, command: str, after_last: bool = False) -> list[str]:
        return ["tsp", "bash", "-c", command]

    def server_pids(self) -> list[int]:
        needle = f"TS_SOCKET={self.home / 'ts.sock'}".encode()
        return [pid for pid in _pids_with(needle) if Path(f"/proc/{pid}/comm").read_text().strip() == "tsp"]

    def stop(self) -> None:
        run(["tsp", "-K"], self.env)


class Gq(Contender):
    """PyPI's gq-local (Python), which needs NVML: it gets the pretended library of our tests."""

    name = "gq"
    n_samples = 20

    def start(self) -> None:
        self.binary = _installed("gq-local", "gq")
        self.env |= _pretended_nvml(self.home, self.n_gpus) | {
            "GQ_DATA_DIR": str(self.home / "data"), "GQ_RUNTIME_DIR": str(self.home / "run"), "GQ_ALLOW_ROOT": "1",
        }  # fmt: skip
        run([self.binary, "daemon", "start"], self.env)

    def submit(self, command: str, after_last: bool = False) -> list[str]:
        return [self.binary, "run", "-g", "1", "--", "bash", "-c", command]

    def server_pids(self) -> list[int]:
        return [int((self.home / "run" / "gq.pid").read_text().split()[0])]

    def stop(self) -> None:
        run([self.binary, "daemon", "stop"], self.env)


class Gflow(Contender):
    """PyPI's runqd: gflow (Rust), which runs tasks in tmux. It is asked for no GPU: it refuses pretended ones."""

    name = "gflow"

    def start(self) -> None:
        self.binary = _installed("runqd", "gbatch")
        if shutil.which("tmux") is None:
            raise NotHere("tmux is not installed")
        for name in ("config", "data", "run"):
            (self.home / name).mkdir()
        self.env |= {
            "XDG_CONFIG_HOME": str(self.home / "config"), "XDG_DATA_HOME": str(self.home / "data"),
            "XDG_RUNTIME_DIR": str(self.home / "run"), "TMUX_TMPDIR": str(self.home / "run"),
        }  # fmt: skip
        # Its tasks run in login shells and report their end with a command, which has to be on their PATH.
        (self.home / ".bash_profile").write_text(f'export PATH="{Path(self.binary).parent}:$PATH"\n')
        self._serve(str(Path(self.binary).with_name("gflowd")))
        wait_for(self._answers, 20, "gflow answers", poll_s=0.2)

    def _answers(self) -> bool:
        try:
            run([str(Path(self.binary).with_name("gqueue"))], self.env)
        except RuntimeError:
            return False
        return True

    def submit(self, command: str, after_last: bool = False) -> list[str]:
        return [self.binary, "--auto-close", *(["-d", "@"] if after_last else []), "bash", "-c", command]

    def stop(self) -> None:
        super().stop()
        subprocess.run(["tmux", "kill-server"], env=self.env, capture_output=True, check=False)


PEERS: tuple[type[Contender], ...] = (TaskSpooler, Gq, Gflow)


def _installed(package: str, program: str) -> str:
    """A program of a package in an environment of its own under the cache directory. Raises NotHere."""
    place = CACHE / package
    binary = place / "bin" / program
    if not binary.exists():
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            subprocess.run([sys.executable, "-m", "venv", str(place)], check=True, capture_output=True, timeout=300)
            subprocess.run(
                [str(place / "bin" / "python"), "-m", "pip", "install", "-q", package],
                check=True, capture_output=True, timeout=300,
            )  # fmt: skip
        except (subprocess.SubprocessError, OSError) as error:
            raise NotHere(f"{package} does not install: {error}") from error
    if not binary.exists():
        raise NotHere(f"{package} brings no {program}")
    return str(binary)


def _pretended_nvml(home: Path, n_gpus: int) -> dict[str, str]:
    from tests.support.fake_nvml import CompilerMissing, FakeMachine, build

    try:
        machine = FakeMachine(build(home / "lib"), home)
    except CompilerMissing as error:
        raise NotHere(str(error)) from error
    for number in range(n_gpus):
        machine.add_card(f"GPU-bench-{number}", memory_total=24576)
    machine.write()
    return dict(machine.env())


def _pids_with(needle: bytes) -> list[int]:
    """Our processes whose environment holds a text."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if needle in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def settle(seconds: float = 1.0) -> None:
    """Let a server finish what it does behind an answer."""
    time.sleep(seconds)
