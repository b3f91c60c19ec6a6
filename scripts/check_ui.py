"""Checks of the web console, for `scripts/ui --check`: types (the API's among them), lint, tests, weight."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import build_ui
from build_ui import DIST, Node, NotBuilt, say

MOST_KB = 150.0
"""Of what any one page needs when it is opened first: scripts, styles and document, by gzip, in kB of 1000 bytes.

Pages are loaded when one goes there, so all of them together weigh more.
"""
_STEP_S = 600


def weigh(directory: Path) -> tuple[float, dict[str, float]]:
    """All of a build, and what each page needs that is opened first, in kB by gzip."""
    sizes = {path.name.removesuffix(".gz"): path.stat().st_size for path in sorted(directory.rglob("*.gz"))}
    for path in directory.rglob("*"):
        if path.is_file() and path.suffix != ".gz" and not path.name.startswith("."):
            sizes.setdefault(path.name, path.stat().st_size)
    document = (directory / "index.html").read_text()
    first = {"index.html", *re.findall(r'(?:src|href)="/ui/(?:assets/)?([^"]+)"', document)}
    pages = {}
    for page in sorted(directory.glob("assets/*Page-*.js")):
        name = _stem(page.name)
        needed = first | _imported(page, set())
        styles = {style.name for style in directory.glob("assets/*.css") if _stem(style.name) in map(_stem, needed)}
        pages[name] = sum(sizes[one] for one in needed | styles) / 1000
    return sum(sizes.values()) / 1000, pages


def _stem(name: str) -> str:
    """`GpuPage` of `GpuPage-BHnLL1d6.css`."""
    return re.sub(r"-[\w-]{8}\.(js|css)$", "", name)


def _imported(chunk: Path, found: set[str]) -> set[str]:
    """A chunk, and all that it imports before it runs."""
    if chunk.name not in found:
        found.add(chunk.name)
        for name in re.findall(r'(?:from|import)\s*["\x60\']\./([^"\x60\']+\.js)["\x60\']', chunk.read_text()):
            _imported(chunk.with_name(name), found)
    return found


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
    whole, pages = weigh(DIST)
    weights = ", ".join(f"{name} {weight:.1f}" for name, weight in pages.items())
    say(f"kB by gzip that a page needs, at most {MOST_KB:g}: {weights}; all of them together: {whole:.1f}")
    return all(results) and bool(pages) and max(pages.values()) <= MOST_KB


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
