"""The tour of docs/command-files.md, typed for real: `scripts/file_tour.py` pastes what appears into the page.

tests/docs/soak_file_tour.py uses the same functions to tell whether the page still shows what happens.
"""

import getpass
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from record import Typed, plain, record
from tour import ROOT, console, pasted

PAGE = ROOT / "docs" / "command-files.md"


@contextmanager
def four_gpus(place: Path, python: Path) -> Iterator[Mapping[str, str]]:
    """A clone in `place`, with the virtual environment of `python` and four simulated GPUs, and no daemon yet.

    Gives the environment of the shell; the daemon is stopped in the end.
    """
    (place / "examples").symlink_to(ROOT / "examples")
    env = {name: value for name, value in os.environ.items() if not name.startswith("GAVELQ_")}
    env |= {"GAVELQ_HOME": str(place / "home"), "PATH": f"{python.parent}:{env['PATH']}"}
    (place / "home").mkdir()
    (place / "home" / "config.yaml").write_text("gpu: {provider: simulated}\nrunner: {idle_exit_s: 0.5}\n")
    try:
        yield env
    finally:
        stop = ["gavelq", "daemon", "stop", "--kill-tasks"]
        subprocess.run(stop, env=env, capture_output=True, timeout=60, check=False)


def take(place: Path, python: Path) -> list[Typed]:
    """Take the tour."""
    with four_gpus(place, python) as env:
        return list(record([command for command, _ in console(PAGE)], env=env, cwd=place))


def main() -> int:
    """Take the tour and paste it; 1 where a command failed."""
    with tempfile.TemporaryDirectory(prefix="gq-") as directory:
        typed = take(Path(directory), Path(sys.executable))
        shown: dict[str, list[str]] = {}
        for step in typed:
            output = plain(step.output).replace(directory, "/home/ada") if step.output else ""
            shown.setdefault(step.command, []).append(output.replace(f"by {getpass.getuser()})", "by ada)"))
    PAGE.write_text(pasted(PAGE, shown))
    failed = [step.command for step in typed if step.code]
    print("\n".join(f"failed: {command}" for command in failed) or "pasted; look at it with: git diff docs")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
