"""The driver's library may be missing, arrive, be replaced or hang while the daemon runs."""

import ctypes
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gavelq.adapters.gpu.nvml import NvmlProbe
from gavelq.core.gpu import GpuSample
from gavelq.testing.waiting import wait_until
from tests.support.fake_nvml import FakeMachine, build

SAMPLER = """
import json, sys
from gavelq.adapters.gpu.nvml import NvmlProbe
probe = NvmlProbe()
for line in sys.stdin:
    sample = probe.sample(float(line))
    print(json.dumps({'cards': [card.uuid for card in sample.cards], 'problem': sample.problem}), flush=True)
"""


class Sampler:
    """A probe in another process."""

    def __init__(self, machine: FakeMachine) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SAMPLER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | machine.env() | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def sample(self, now: float) -> dict[str, Any]:
        """What the probe over there says at this time."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{now}\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@pytest.fixture
def installed(tmp_path: Path, library: Path) -> Iterator[tuple[FakeMachine, Sampler]]:
    """A machine with one card whose library's directory is empty at first, and a probe that looks there."""
    directory = tmp_path / "lib"
    directory.mkdir()
    machine = FakeMachine(directory / library.name, tmp_path)
    machine.add_card("GPU-a")
    machine.write()
    sampler = Sampler(machine)
    yield machine, sampler
    sampler.process.kill()
    sampler.process.communicate()


def has_real_library() -> bool:
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return False
    return True


@pytest.mark.skipif(has_real_library(), reason="this machine has a real NVIDIA library, which would be found instead")
def test_a_library_that_is_missing_is_named_and_found_when_it_arrives(
    installed: tuple[FakeMachine, Sampler], library: Path
) -> None:
    machine, sampler = installed
    missing = sampler.sample(0)
    assert missing["cards"] == []
    assert "libnvidia-ml.so.1" in missing["problem"]
    assert "simulated" in missing["problem"]
    shutil.copy(library, machine.library)
    assert sampler.sample(5)["problem"] == missing["problem"]
    assert sampler.sample(11) == {"cards": ["GPU-a"], "problem": None}


def test_a_driver_update_is_a_problem_until_the_new_library_is_there(
    installed: tuple[FakeMachine, Sampler], library: Path, tmp_path: Path
) -> None:
    machine, sampler = installed
    shutil.copy(library, machine.library)
    assert sampler.sample(0)["problem"] is None
    machine.driver = "560.10"
    machine.calls_error = 1
    machine.write()
    assert "stopped answering" in sampler.sample(100)["problem"]
    machine.calls_error = 0
    machine.write()
    assert "different versions" in sampler.sample(101)["problem"]
    build(tmp_path / "newer", driver="560.10").rename(machine.library)
    assert sampler.sample(112) == {"cards": ["GPU-a"], "problem": None}


def test_a_call_that_hangs_lets_the_other_threads_go_on(machine: FakeMachine, probe: NvmlProbe) -> None:
    machine.add_card("GPU-a")
    machine.hang = (0.3, "nvmlDeviceGetTemperature")
    machine.write()
    samples: list[GpuSample] = []
    thread = threading.Thread(target=lambda: samples.append(probe.sample(1.0)))
    thread.start()
    wait_until(lambda: machine.n_calls("nvmlDeviceGetTemperature") == 1, what="the hanging call to begin")
    assert samples == []
    thread.join()
    assert samples[0].cards[0].temperature_c == 35
