"""README's tour, typed for real: `scripts/tour.py` pastes what appears into both READMEs.

tests/docs/test_tour.py uses the same functions to tell whether the pages still show what happens.
"""

import getpass
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from record import Typed, plain, record

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
BLOCK = re.compile(r"^```console\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


def console(page: Path) -> list[tuple[str, str]]:
    """The commands of a page's console blocks, each with the output that is shown below it."""
    return [step for block in BLOCK.findall(page.read_text()) for step in _steps(block)]


def _steps(block: str) -> list[tuple[str, str]]:
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts)]


@contextmanager
def after_quickstart(place: Path, python: Path) -> Iterator[Mapping[str, str]]:
    """What a new user has after scripts/quickstart: a clone in `place`, with the virtual environment of `python`.

    Gives the environment of the shell; the daemon is stopped in the end. Raises CalledProcessError.
    """
    for name in ("examples", "scripts", "src"):
        (place / name).symlink_to(ROOT / name)
    (place / ".venv").symlink_to(python.parent.parent)
    env = {name: value for name, value in os.environ.items() if not name.startswith("GAVELQ_")}
    env |= {"GAVELQ_HOME": str(place / "quickstart"), "PATH": f"{place}/.venv/bin:{env['PATH']}"}
    (place / "quickstart").mkdir()
    (place / "quickstart" / "config.yaml").write_text("gpu: {provider: simulated}\nrunner: {idle_exit_s: 0.5}\n")
    try:
        subprocess.run(
            [sys.executable, "scripts/first_tasks.py", ""], cwd=place, env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, timeout=100, check=True,
        )  # fmt: skip
        yield env
    finally:
        stop = ["gavelq", "daemon", "stop", "--kill-tasks"]
        subprocess.run(stop, env=env, capture_output=True, timeout=60, check=False)


def take(place: Path, python: Path) -> list[Typed]:
    """Take the tour of README.md."""
    with after_quickstart(place, python) as env:
        return list(record([command for command, _ in console(PAGES[0])], env=env, cwd=place))


def pasted(page: Path, taken: Mapping[str, list[str]]) -> str:
    """A page with what really appeared; `taken` holds the outputs of each command, in the order of its uses."""
    left = {command: list(outputs) for command, outputs in taken.items()}

    def block(match: re.Match[str]) -> str:
        steps = "".join(f"$ {command}\n{left[command].pop(0)}" for command, _ in _steps(match.group(1)))
        return f"```console\n{steps}```\n"

    return BLOCK.sub(block, page.read_text())


def main() -> int:
    """Take the tour and paste it; 1 where a command failed."""
    with tempfile.TemporaryDirectory(prefix="gq-") as directory:
        typed = take(Path(directory), Path(sys.executable))
        shown: dict[str, list[str]] = {}
        for step in typed:
            output = plain(step.output) if step.output else ""
            output = output.replace(directory, "/home/ada/gavelq").replace(f" {getpass.getuser()} ", " ada ")
            shown.setdefault(step.command, []).append(output)
    for page in PAGES:
        page.write_text(pasted(page, shown))
    failed = [step.command for step in typed if step.code]
    print("\n".join(f"failed: {command}" for command in failed) or "pasted; look at it with: git diff README*")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
