"""A pretended NVIDIA driver for these tests, built once; they are skipped with the reason where gcc is missing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gavelq.adapters.gpu.nvml import NvmlProbe
from tests.support.fake_nvml import CompilerMissing, FakeMachine, build


def _built(directory: Path, *, is_old: bool = False) -> Path:
    try:
        return build(directory, is_old=is_old)
    except CompilerMissing as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pretended libnvidia-ml.so.1."""
    return _built(tmp_path_factory.mktemp("nvml"))


@pytest.fixture(scope="session")
def old_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a driver before 510 has it, without the functions that end in _v3."""
    return _built(tmp_path_factory.mktemp("nvml-old"), is_old=True)


@pytest.fixture
def machine(library: Path, tmp_path: Path) -> Iterator[FakeMachine]:
    """A machine without cards, visible to nvidia-ml-py in this process; add cards and `write`."""
    fake = FakeMachine(library, tmp_path)
    fake.is_logged = True
    fake.write()
    with fake.in_this_process():
        yield fake


@pytest.fixture
def probe(machine: FakeMachine) -> Iterator[NvmlProbe]:
    """A probe of that machine, closed at the end."""
    found = NvmlProbe()
    yield found
    found.close()
