"""`GET /api/doctor` at a real daemon."""

import json

from gavelq import Client
from gavelq.client import shapes
from tests.support.daemon import box


def test_the_daemon_tells_what_the_command_finds() -> None:
    with box(n_gpus=1) as at:
        found = Client(socket=at.socket).doctor()
        told = json.loads(at.cli("doctor", "-o", "json").stdout)
        assert all(set(one) == set(shapes.DoctorCheck.__annotations__) for one in found)
        names = {one["name"] for one in found}
        by_command = {f"{row['area']}: {row['check']}" for row in told["checks"]} - {"gavelq: daemon"}
        assert by_command <= names
        assert {"daemon: running", "daemon: state"} <= names
        assert {one["ok"] for one in found if one["level"] == "ok"} == {True}
        provider = next(one for one in found if one["name"] == "gpus: provider")
        assert (provider["level"], provider["ok"]) == ("warn", None)
        assert "gpu.provider nvml" in str(provider["hint"])


def test_what_is_wrong_fails_with_what_helps() -> None:
    with box(n_gpus=1) as at:
        (at.home / "config.yaml").write_text("rules:\n  max_gpus: 1\n")
        rows = [one for one in at.get("/api/doctor") if one["name"] == "gavelq: configuration"]
        assert rows
        assert all((row["level"], row["ok"]) == ("fail", False) and row["hint"] for row in rows)
