"""How the console gets into the package: the build script with a pretended Node.js, in a tree of its own."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NODE = """#!/bin/sh
[ "$1" = --version ] && { echo "${PRETENDED:-v22.1.0}"; exit 0; }
[ -n "${BROKEN:-}" ] && { echo "src/App.tsx: Unexpected token"; exit 1; }
while [ "$1" != --outDir ]; do shift; done
mkdir -p "$2/assets"
{ cat index.html src/main.ts; } >"$2/index.html"
cat src/main.ts >"$2/assets/index-1.js"
echo built >>"$TREE/builds"
"""
NPM = """#!/bin/sh
echo "npm $1" >>"$TREE/builds"
mkdir -p node_modules
cp package-lock.json node_modules/.package-lock.json
"""


class Tree:
    """A clone with a small `ui/`, and a PATH that has the pretended programs or has not."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.dist = place / "src/gavelq/console/dist"
        self.programs = place / "programs"
        for directory in ("scripts", "ui/src", "programs", "src/gavelq/console"):
            (place / directory).mkdir(parents=True)
        shutil.copy(ROOT / "scripts/build_ui.py", place / "scripts")
        self.write("ui/package.json", json.dumps({"dependencies": {"react": "^19"}}))
        root = {"dependencies": {"react": "^19"}}
        react, other = {"version": "19.1.0"}, {"version": "1.0.0", "optional": True}
        packages = {"": root, "node_modules/react": react, "node_modules/of-another-platform": other}
        self.write("ui/package-lock.json", json.dumps({"packages": packages}))
        self.write("ui/index.html", "<!doctype html>")
        self.write("ui/src/main.ts", "console.log('hello, hello, hello, hello, hello, hello, hello, hello')")
        for name, text in (("node", NODE), ("npm", NPM)):
            self.write(f"programs/{name}", text)
            (self.programs / name).chmod(0o755)

    def write(self, name: str, text: str) -> None:
        (self.place / name).write_text(text)

    def build(self, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """Run the script."""
        path = os.pathsep.join([str(self.programs), "/usr/bin", "/bin"])
        command = [sys.executable, str(self.place / "scripts/build_ui.py"), *words]
        return subprocess.run(
            command, env={"PATH": path, "TREE": str(self.place), **env}, capture_output=True, text=True, timeout=60
        )

    def done(self) -> list[str]:
        """What the pretended programs did."""
        path = self.place / "builds"
        return path.read_text().split("\n")[:-1] if path.exists() else []


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "clone")


def test_it_builds_once_and_again_when_a_source_has_changed(tree: Tree) -> None:
    assert tree.build().returncode == 0
    assert tree.build().returncode == 0
    assert tree.done() == ["npm install", "built"]
    tree.write("ui/src/main.test.ts", "a test leaves nothing in the build")
    tree.build()
    assert tree.done() == ["npm install", "built"]
    tree.write("ui/src/main.ts", "console.log('another')")
    assert tree.build().returncode == 0
    assert tree.done() == ["npm install", "built", "built"]
    assert "another" in (tree.dist / "index.html").read_text()


def test_texts_lie_there_packed_as_well(tree: Tree) -> None:
    tree.build()
    script = tree.dist / "assets/index-1.js"
    assert gzip.decompress(script.with_name("index-1.js.gz").read_bytes()) == script.read_bytes()


def test_a_build_that_fails_leaves_the_old_one_and_tells_what_was_said(tree: Tree) -> None:
    tree.build()
    before = (tree.dist / "index.html").read_text()
    tree.write("ui/src/main.ts", "(")
    failed = tree.build(BROKEN="1")
    assert failed.returncode == 1
    assert "Unexpected token" in failed.stderr
    assert (tree.dist / "index.html").read_text() == before
    assert sorted(path.name for path in tree.dist.parent.iterdir()) == ["dist"]


def test_pip_never_fails_for_want_of_it(tree: Tree) -> None:
    failed = tree.build("--best-effort", BROKEN="1")
    assert failed.returncode == 0
    assert "scripts/ui" in failed.stderr
    assert not tree.dist.exists()


def test_an_old_node_is_none(tree: Tree) -> None:
    refused = tree.build("--system-node", PRETENDED="v18.20.0")
    assert refused.returncode == 1
    assert "there is no Node.js 20" in refused.stderr
    assert tree.done() == []


def test_it_can_be_left_out(tree: Tree) -> None:
    assert tree.build(GAVELQ_SKIP_UI="1").returncode == 0
    assert not tree.dist.exists()


def test_a_lock_file_of_other_packages_is_refused(tree: Tree) -> None:
    tree.write("ui/package.json", json.dumps({"dependencies": {"react": "^20"}}))
    refused = tree.build()
    assert refused.returncode == 1
    assert "package-lock.json" in refused.stderr
    assert tree.done() == []


def test_a_tree_without_sources_has_nothing_to_build(tree: Tree) -> None:
    shutil.rmtree(tree.place / "ui")
    done = tree.build()
    assert done.returncode == 0
    assert "nothing to build" in done.stderr
