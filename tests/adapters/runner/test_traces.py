"""What remains of ended attempts: synced when nobody takes them over, deleted when forgotten."""

import os
from pathlib import Path

import pytest

from gavelq.adapters.runner.files import RESULT, AttemptFiles
from gavelq.adapters.runner.traces import SYNC_AFTER_S, Traces


@pytest.fixture
def files(tmp_path: Path) -> AttemptFiles:
    """An attempt with a result, in a directory of attempts."""
    made = AttemptFiles(os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY), 1, 1)
    made.create()
    made.write(RESULT, b"{}")
    return made


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each fsync; the kernel's own work is not repeated here."""
    calls: list[int] = []
    monkeypatch.setattr(os, "fsync", calls.append)
    return calls


def test_a_result_that_nobody_takes_over_is_synced_after_a_while(files: AttemptFiles, synced: list[int]) -> None:
    traces = Traces()
    traces.keep(files, 10.0)
    assert traces.tick(10.4) == pytest.approx(SYNC_AFTER_S - 0.4)
    assert synced == []
    assert traces.tick(10.0 + SYNC_AFTER_S) is None
    assert len(synced) == 2, "the file and its name"


def test_a_forgotten_one_is_deleted_and_never_synced(files: AttemptFiles, synced: list[int], tmp_path: Path) -> None:
    traces = Traces()
    traces.keep(files, 10.0)
    traces.forget(files)
    assert list(tmp_path.iterdir()), "it is deleted when there is time"
    traces.clear_away()
    assert list(tmp_path.iterdir()) == []
    assert traces.tick(99.0) is None
    assert synced == []
