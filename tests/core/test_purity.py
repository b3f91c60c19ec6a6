"""The core and the scheduler decide, they do not act: importing them brings in nothing that could."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SRC = str(Path(__file__).parents[2] / "src")

ACTING = {
    "asyncio", "logging", "random", "secrets", "select", "selectors", "signal", "socket", "sqlite3", "ssl",
    "subprocess", "tempfile", "threading", "urllib.request", "uuid",
}  # fmt: skip
"""No module of the standard library that a pure one needs imports these; `time` and `os` are loaded by Python itself,
so for them the names inside of our own modules are looked at."""

PROBE = """
import importlib, json, pkgutil, sys
import enum, dataclasses, typing, collections.abc, bisect, heapq, re, math, shlex, string  # data types: allowed
before = set(sys.modules)
package = importlib.import_module(sys.argv[1])
for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(found.name)
brought = sorted(set(sys.modules) - before)
held = {
    name: sorted({
        (value.__name__ if type(value) is type(sys) else getattr(value, "__module__", None) or "")
        for value in vars(module).values()
        if type(value) is type(sys) or callable(value)
    } & {"time", "os", "posix", "posixpath", "io", "random", "asyncio", "logging", "sqlite3", "datetime"})
    for name, module in sys.modules.items() if name.startswith(sys.argv[1])
}
print(json.dumps({"brought": brought, "held": {name: names for name, names in held.items() if names}}))
"""


def probe(package: str, path: str = SRC) -> dict[str, object]:
    """What importing a whole package in a fresh interpreter brings in, and which acting modules its modules hold."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {path!r})\n{PROBE}", package],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("package", ["gavelq.core", "gavelq.scheduling"])
def test_importing_it_brings_in_nothing_that_acts(package: str) -> None:
    found = probe(package)
    brought = found["brought"]
    assert isinstance(brought, list)
    assert ACTING.intersection(brought) == set()
    assert found["held"] == {}


@pytest.mark.parametrize(
    ("package", "others"),
    [
        ("gavelq.core", ("scheduling", "ports", "config", "adapters", "daemon", "api", "client", "cli", "formats")),
        ("gavelq.scheduling", ("ports", "config", "adapters", "daemon", "api", "client", "cli", "formats")),
    ],
)
def test_importing_it_brings_in_no_upper_layer(package: str, others: tuple[str, ...]) -> None:
    brought = probe(package)["brought"]
    assert isinstance(brought, list)
    assert package in brought
    assert [name for name in brought if name.startswith(tuple(f"gavelq.{other}" for other in others))] == []


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("import sqlite3", "sqlite3"),
        ("from time import time", "time"),
        ("import os", "os"),
        ("import logging", "logging"),
    ],
)
def test_a_module_that_acts_is_seen(tmp_path: Path, line: str, what: str) -> None:
    package = tmp_path / "impure"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "inner.py").write_text(line + "\n")
    found = probe("impure", str(tmp_path))
    assert what in str(found["held"]) or what in str(found["brought"])
