"""`gavelq alert` and `--notify` on the command line, at a real daemon."""

import json
from collections.abc import Iterator

import pytest

from tests.support.daemon import Box, box
from tests.support.hooks import hook


@pytest.fixture(scope="module")
def daemon() -> Iterator[Box]:
    """A daemon with GPUs, shared by these tests."""
    with box(n_gpus=1) as instance:
        yield instance


def test_a_mute_is_made_listed_and_taken_away(daemon: Box) -> None:
    made = daemon.cli("alert", "mute", "gpu_fault", "--subject", "gpu:0", "--for", "2h", "--reason", "known")
    assert (made.returncode, made.stderr) == (0, "")
    assert "gpu_fault, gpu:GPU-" in made.stdout
    (mute,) = json.loads(daemon.cli("alert", "list", "-o", "json").stdout)["mutes"]
    assert (mute["rule"], mute["reason"]) == ("gpu_fault", "known")
    unmuted = daemon.cli("alert", "unmute", "gpu_fault")
    assert (unmuted.returncode, "gavelq alert list --mutes" in unmuted.stderr) == (3, True)
    _, row = daemon.cli("alert", "list", "--mutes").stdout.splitlines()
    assert row.split("\t")[1:] == ["gpu_fault", mute["subject"], mute["by"], "known"]
    assert daemon.cli("alert", "list", "--mutes", "--recent").returncode == 2
    for gone in ("gpu:99", "queue:nosuch"):
        refused = daemon.cli("alert", "mute", "--subject", gone, "--for", "2h")
        assert (refused.returncode, "there is no " in refused.stderr) == (3, True)
    assert daemon.cli("alert", "unmute", "--all").stdout == "1 mute(s) taken away\n"
    assert daemon.cli("alert", "unmute", "--all", "gpu_fault").returncode == 2
    assert daemon.cli("alert", "mute", "--for", "soon").returncode == 2
    assert "muted" in daemon.cli("alert", "list", "--recent").stdout


def test_a_test_tells_in_its_exit_code_whether_all_arrived(daemon: Box) -> None:
    assert daemon.cli("alert", "test").stdout.startswith("no channel is configured")
    with hook() as made:
        done = daemon.cli("alert", "test", made.url("/SECRET"))
        assert (done.returncode, done.stdout.split("\n")[1].split("\t")[1]) == (0, "yes")
        made.status = 403
        done = daemon.cli("alert", "test", made.url("/SECRET"))
        assert done.returncode == 1
        assert "SECRET" not in done.stdout
        assert made.events("/SECRET") == ["test", "test"]


def test_notify_and_on_become_fields_of_the_task(daemon: Box) -> None:
    with hook() as made:
        done = daemon.cli(
            "submit", "--notify", made.url("/a"), "--notify", made.url("/b"), "--on", "fail,end", "-c", "0",
            "-o", "json", "--", "true",
        )  # fmt: skip
        task = json.loads(done.stdout)
        assert task["notify"] == [f"http://127.0.0.1:{made.port}"] * 2
        assert task["notify_on"] == ["fail", "end"]
        daemon.wait(task["id"])
        told = daemon.cli("task", "info", str(task["id"])).stdout
        assert "(on fail, end)" in told
    refused = daemon.cli("submit", "--on", "end", "--", "true")
    assert refused.returncode == 2
    assert "nobody is told" in refused.stderr


def test_what_is_told_can_be_edited(daemon: Box) -> None:
    done = daemon.cli("submit", "--hold", "--notify", "http://127.0.0.1:9/SECRET", "-o", "json", "--", "true")
    number = str(json.loads(done.stdout)["id"])
    assert daemon.cli("task", "edit", number, "--on", "fail").returncode == 0
    assert daemon.task(int(number))["notify_on"] == ["fail"]
    assert daemon.cli("task", "edit", number, "--unset", "notify").returncode == 0
    assert daemon.task(int(number))["notify"] == []
    daemon.request("DELETE", f"/api/tasks/{number}")


def test_an_idle_policy_is_set_shown_and_taken_back(daemon: Box) -> None:
    done = daemon.cli("queue", "set", "running", "idle_after=2h", "idle_action=requeue")
    assert "idle_after=2h" in done.stdout
    assert "idle_action=requeue" in daemon.cli("queue", "list").stdout
    assert daemon.cli("queue", "set", "running", "idle_action=explode").returncode == 2
    assert daemon.cli("queue", "set", "running", "idle_after=none").returncode == 0
    assert "idle_action" not in daemon.cli("queue", "list").stdout
