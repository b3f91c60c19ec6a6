"""README's five minutes, typed line by line into a shell after scripts/quickstart."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import tour  # scripts are no package: their directory has to be on the path first

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
README_ZH = ROOT / "README.zh-CN.md"

VARIES = [
    (r"\x1b\[[0-9;]*m", ""),
    (r"\S*/quickstart/", "HOME/"),
    (r"\bpid \d+", "pid N"),
    (r"GPU-sim-[0-9a-f]+-\d", "GPU-sim"),
    (r"\b\d+(s|ms|m|h)\b", "TIME"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "WHEN"),
    (r"\b0%|(?<= )[-?](?= )", ""),
    (r"task \d+ [a-z_][a-z0-9_-]*(?= +TIME)", "task USER"),
    (r"(starting|pending|running) in queue", "accepted in queue"),
    (r" +", " "),
    (r"rank \d", "rank"),
]
"""What differs from run to run: places, process ids, times, how far a task has come a few milliseconds after submit."""


def alike(output: str) -> str:
    """An output without what differs from run to run."""
    for pattern, instead in VARIES:
        output = re.sub(pattern, instead, output)
    return "\n".join(sorted(line.strip() for line in output.splitlines() if line.strip()))


def test_the_tour_shows_what_it_says(tmp_path: Path) -> None:
    steps = tour.console(README)
    assert len(steps) > 20
    for (command, shown), seen in zip(steps, tour.take(tmp_path, Path(sys.executable)), strict=True):
        assert seen.code == 0, f"$ {command}\n{seen.output}"
        assert alike(seen.output) == alike(shown), (
            f"README shows otherwise for `{command}`; paste it anew with scripts/tour.py\n{seen.output}"
        )


def test_both_languages_show_the_same_commands() -> None:
    assert [command for command, _ in tour.console(README_ZH)] == [command for command, _ in tour.console(README)]


@pytest.mark.parametrize("page", [README, README_ZH], ids=["english", "chinese"])
def test_there_are_exactly_two_set_up_commands(page: Path) -> None:
    blocks = re.findall(r"^```\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines() if line.startswith("scripts/")]
    assert commands == ["scripts/quickstart", "scripts/test"]
