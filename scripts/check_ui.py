"""Checks of the web console, for `scripts/ui --check`: types (the API's among them), lint, tests, weight."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import build_ui
from build_ui import DIST, Node, NotBuilt, say

MOST_KB = 150.0
"""Of scripts, styles and page together, by gzip, in kB of 1000 bytes."""
_STEP_S = 600


def weigh(directory: Path) -> tuple[float, float]:
    """All that is sent of a build, and what the first page needs, in kB by gzip."""
    sizes = {path.name.removesuffix(".gz"): path.stat().st_size for path in sorted(directory.rglob("*.gz"))}
    for path in directory.rglob("*"):
        if path.is_file() and path.suffix != ".gz" and not path.name.startswith("."):
            sizes.setdefault(path.name, path.stat().st_size)
    page = (directory / "index.html").read_text()
    first = {"index.html", *re.findall(r'(?:src|href)="/ui/(?:assets/)?([^"]+)"', page)}
    return sum(sizes.values()) / 1000, sum(size for name, size in sizes.items() if name in first) / 1000


def _passes(node: Node, name: str) -> bool:
    """Whether `npm run NAME` succeeds; it is told what it said where it does not."""
    say(f"npm run {name}")
    try:
        node.run([*node.npm, "run", "--silent", name], _STEP_S)
    except NotBuilt as problem:
        say(str(problem))
        return False
    return True


def check(node: Node) -> bool:
    """All checks; every one is made. Raises NotBuilt where they cannot be made."""
    # The first writes the types of docs/openapi.json before it checks: what uses the API otherwise is a mistake.
    results = [_passes(node, "check"), _passes(node, "test")]
    build_ui.make(is_forced=False, wants_system=False)
    whole, first = weigh(DIST)
    say(f"bundle: {whole:.1f} kB by gzip, {first:.1f} kB of it for the first page; at most {MOST_KB:g} kB")
    return all(results) and whole <= MOST_KB


def main(words: Sequence[str]) -> int:
    """`--packages-only`: only see to it that node_modules is there."""
    try:
        node = build_ui.find_node() or build_ui.node_of_pypi()
        with build_ui.alone():
            build_ui.install_packages(node)
        if "--packages-only" in words:
            return 0
        return 0 if check(node) else 1
    except NotBuilt as problem:
        say(str(problem))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
