"""examples/hold_memory.py takes memory through the CUDA driver library, and is polite where there is none."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[2] / "examples" / "hold_memory.py"


@pytest.fixture(scope="session")
def cuda(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a pretended libcuda.so.1."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed, so that the pretended CUDA library cannot be built")
    directory = tmp_path_factory.mktemp("cuda")
    source, library = HERE / "fake_cuda" / "cuda.c", directory / "libcuda.so.1"
    options = ["-shared", "-fPIC", "-Wall", "-Wextra"]
    subprocess.run(["gcc", *options, "-Wl,-soname,libcuda.so.1", "-o", str(library), str(source)], check=True)
    return directory


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLE), *arguments], capture_output=True, text=True, env=os.environ | env, timeout=30
    )


def on_gpus(cuda: Path, n_gpus: int, free_mib: int = 4096) -> dict[str, str]:
    return {"LD_LIBRARY_PATH": str(cuda), "FAKE_CUDA_GPUS": str(n_gpus), "FAKE_CUDA_FREE_MIB": str(free_mib)}


@pytest.fixture
def holding(cuda: Path) -> Iterator[subprocess.Popen[str]]:
    """The example while it holds 100 MiB on two GPUs for an hour."""
    task = subprocess.Popen(
        [sys.executable, str(EXAMPLE), "3600", "100"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | on_gpus(cuda, 2),
    )
    yield task
    task.kill()
    task.communicate()


def test_it_says_what_it_holds_on_each_gpu(holding: subprocess.Popen[str]) -> None:
    assert holding.stdout is not None
    said = [holding.stdout.readline() for _ in range(2)]
    assert said == [
        f"holding 100 MiB on GPU {number} (Pretended GPU {number}) as process {holding.pid}\n" for number in range(2)
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(holding: subprocess.Popen[str], number: signal.Signals) -> None:
    assert holding.stdout is not None
    holding.stdout.readline()
    holding.send_signal(number)
    said, _ = holding.communicate(timeout=30)
    assert holding.returncode == 0
    assert "asked to stop" in said


def test_it_ends_by_itself(cuda: Path) -> None:
    done = run("0", "1", **on_gpus(cuda, 1))
    assert (done.returncode, done.stderr) == (0, "")
    assert "done" in done.stdout


def test_more_than_the_card_has_free_is_out_of_memory(cuda: Path) -> None:
    done = run("0", "5000", **on_gpus(cuda, 1))
    assert done.returncode == 1
    assert "CUDA out of memory" in done.stderr


def test_a_machine_whose_driver_has_no_gpu_is_told_politely(cuda: Path) -> None:
    done = run(LD_LIBRARY_PATH=str(cuda))
    assert done.returncode == 3
    assert "no usable GPU" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_task_that_sees_no_gpu_is_told_politely(cuda: Path) -> None:
    done = run(**on_gpus(cuda, 0))
    assert done.returncode == 3
    assert "CUDA_VISIBLE_DEVICES" in done.stderr


def has_real_driver() -> bool:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


@pytest.mark.skipif(has_real_driver(), reason="this machine has an NVIDIA driver")
def test_a_machine_without_a_driver_is_told_politely() -> None:
    done = run()
    assert done.returncode == 3
    assert "no NVIDIA driver" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["soon"], ["1", "much"], ["-1"], ["nan"], ["1", "1", "1"]])
def test_wrong_usage_is_told(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "usage:" in done.stderr
