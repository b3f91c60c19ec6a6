"""The tour of docs/command-files.md, typed line by line: three configurations, failures, an edit, a killed daemon."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import file_tour  # scripts are no package: their directory has to be on the path first
import tour

DEPENDS_ON_WHEN = ("until ", "sleep ", "gavelq file stop ablation.txt", "gavelq file state --run 2")
"""How commands begin whose output tells how far everything was just then."""
VARIES = [
    (r"\x1b\[[0-9;]*m", ""),
    (r"\S*/home\b", "HOME"),
    (r"\bpid \d+", "pid N"),
    (r"\d{4}-\d\d-\d\d ", ""),
    (r"\d\d:\d\d:\d\d", "WHEN"),
    (r"\d+ as before, \d+ started or over", "OTHERS"),
    (r"tasks \d+ to \d+\)", "tasks N)"),
    (r"(?<= as task )11 \(\w+\)", "11"),
    (r"GPU \d", "GPU N"),
    (r"(failed +running +)\d( +)\d+s", r"\1N\2TIME"),
    (r"sh \S+…", "sh STEP"),
    (r"\s+", " "),
]
"""What differs from run to run: places, process ids, times, GPUs, how far the run was when it was edited."""


def alike(output: str) -> str:
    """An output without what differs from run to run."""
    for pattern, instead in VARIES:
        output = re.sub(pattern, instead, output)
    return output.strip()


@pytest.mark.timeout(300)
@pytest.mark.soak
def test_the_tour_of_command_files_shows_what_it_says(tmp_path: Path) -> None:
    steps = tour.console(file_tour.PAGE)
    assert len(steps) > 20
    seen = file_tour.take(tmp_path, Path(sys.executable))
    for (command, shown), typed in zip(steps, seen, strict=True):
        assert typed.code == 0, f"$ {command}\n{typed.output}"
        if command == "gavelq file state" or command.startswith(DEPENDS_ON_WHEN):
            continue
        if command.startswith("ls out"):  # how often the stopped run's tasks began depends on when it was stopped
            assert "double-booked" not in typed.output + shown
            continue
        assert alike(typed.output) == alike(shown), (
            f"the page shows otherwise for `{command}`; paste it anew with scripts/file_tour.py\n{typed.output}"
        )
