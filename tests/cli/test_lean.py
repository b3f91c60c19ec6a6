"""What the hot path saves, and that it says the same as what it saves."""

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavelq import paths
from gavelq.cli.output import times
from gavelq.client import address, lean
from gavelq.core import units
from tests.cli.conftest import Shell
from tests.cli.fake_daemon import Answer, FakeDaemon, daemon, gpu, queue, task

COSTLY = {"click", "json", "re", "dataclasses", "enum", "typing", "socket", "http.client", "gavelq.core", "subprocess"}


@pytest.mark.parametrize(
    "words",
    [
        ["submit", "true", "-e", "A=1", "-c", "2"],
        ["status"],
        ["list"],
        ["task", "list", "--all"],
        ["task", "info", "7"],
        ["cancel", "7"],
        ["submit", "true", "-o", "json"],
    ],
)
def test_hot_verbs_load_nothing_costly(shell: Shell, fake: FakeDaemon, words: list[str]) -> None:
    fake.on("POST", "/api/tasks", Answer(status=201, document=task(7)))
    fake.on("POST", "/api/tasks/7/kill", Answer(document=task(7)))
    fake.gives("/api/tasks", [task(7)])
    fake.gives("/api/tasks/7", {**task(7), "attempts": [], "events": []})
    fake.gives("/api/tasks/7/why", {"would_start": []})
    status = {"daemon": daemon(), "gpus": [gpu(0, tasks=[7])], "queues": [queue("running")], "counts": {}}
    fake.gives("/api/status", status)
    # What `import gavelq` alone loads is looked at below.
    code = (
        "import sys, gavelq; before = set(sys.modules); from gavelq.cli.main import main; code = main(sys.argv[1:]);"
        "print(code, *sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, *words],
        env=shell.env(PYTHONPATH=":".join(path for path in sys.path if path)),
        capture_output=True,
        text=True,
    )
    loaded = done.stderr.split()
    assert loaded[0] == "0", done.stderr
    assert COSTLY.intersection(loaded) == set()


def test_importing_gavelq_loads_nothing_costly() -> None:
    code = "import sys; before = set(sys.modules); import gavelq; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert COSTLY.intersection(done.stdout.split()) == set()


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_lean_json_is_json(value: Any) -> None:
    assert json.loads(lean.dumps(value)) == value
    assert lean.loads(json.dumps(value)) == value
    assert lean.loads(json.dumps(value, indent=2).encode() + b"\n") == value


@pytest.mark.parametrize("text", ["", "{", "[1,]", "1 2", "nope", '{"a" 1}', '"\n"'])
def test_lean_json_refuses_what_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        lean.loads(text)


def test_lean_json_writes_no_nan() -> None:
    with pytest.raises(ValueError):
        lean.dumps(float("nan"))


@pytest.mark.parametrize(
    "env",
    [
        {"HOME": "/home/ada"},
        {"HOME": "/home/ada", "XDG_RUNTIME_DIR": "/run/user/1000", "XDG_CONFIG_HOME": "/c"},
        {"GAVELQ_HOME": "inst"},
        {"GAVELQ_HOME": "/inst", "GAVELQ_SOCKET": "s.sock", "GAVELQ_CONFIG": "c.yaml"},
    ],
)
@pytest.mark.parametrize("given_path", [None, "rel/x"])
def test_the_client_finds_what_the_daemon_makes(env: dict[str, str], given_path: str | None) -> None:
    found = paths.resolve(env, config=given_path, socket=given_path)
    assert address.socket_path(env, socket=given_path) == found.socket
    assert address.config_path(env, config=given_path) == found.config


@given(st.floats(min_value=0, max_value=1e8) | st.none())
def test_durations_are_those_of_core(seconds: float | None) -> None:
    assert times.duration(seconds) == units.format_duration(seconds)


@given(st.integers(min_value=0, max_value=1 << 30) | st.none())
def test_amounts_are_those_of_core(mib: int | None) -> None:
    assert times.memory(mib) == units.format_memory(mib)


@given(st.datetimes())
def test_times_are_those_of_the_calendar(moment: Any) -> None:
    from datetime import UTC

    text = moment.isoformat(timespec="microseconds") + "Z"
    assert times.epoch(text) == pytest.approx(moment.replace(tzinfo=UTC).timestamp(), abs=1e-4)
