"""The page of command files, in a real browser: written, checked, started, edited while they run, stopped."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import NARROW, WIDE, Visit, visit
from tests.support.daemon import Box, box
from tests.support.tenants import As

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

TWO_LANES = "# first\n1\nsleep 300\n1\n\n1\necho second\n1\n\nx\necho third # not a comment\n1\n"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """Logs may be bound below one directory."""
    roots = tmp_path_factory.mktemp("logs")
    with box(listen="127.0.0.1:0", env={"GAVELQ_LOGS_ROOTS": str(roots)}) as started:
        (roots / "own.log").write_text("epoch 1\nepoch 2\n")
        yield started


@pytest.fixture
def files(visitor: Visit) -> Visit:
    """The page, with one single-GPU configuration that holds two lanes."""
    put(visitor.instance, TWO_LANES)
    visitor.goto("/ui/command/single/1")
    editor(visitor).wait_for()
    return visitor


def put(instance: Box, text: str) -> None:
    """The first single-GPU configuration holds this text, and nothing of it runs."""
    if any(run["ended_at"] is None for run in instance.get("/api/scheduler/status")["schedulers"]):
        instance.post("/api/scheduler/single/stop?config_index=0")
    instance.request("PUT", "/api/commands/single?config_index=0", {"content": text, "name": "sweep"})


def editor(visitor: Visit) -> "Locator":
    """The text."""
    return visitor.page.get_by_role("textbox", name=re.compile("Text of"))


def stored(visitor: Visit) -> str:
    """The text as the daemon holds it."""
    return str(visitor.instance.get("/api/commands/single?config_index=0")["content"])


def test_mistakes_are_told_while_one_types_and_keep_it_from_starting(files: Visit) -> None:
    page = files.page
    page.get_by_text("Valid").wait_for()
    editor(files).fill("1\necho a\nmuch\n")
    page.get_by_role("button", name=re.compile("Line 3: 'much' is not an amount of GPU memory")).wait_for()
    page.get_by_text("1 error").wait_for()
    assert page.get_by_role("button", name="Start").is_disabled()
    editor(files).fill("1\necho a\n2\n")
    page.get_by_text("Valid").wait_for()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Save", exact=True).wait_for(state="detached")
    assert stored(files) == "1\necho a\n2\n"


def test_what_was_typed_survives_a_look_at_another_page(files: Visit) -> None:
    editor(files).fill(TWO_LANES + "\ny\necho fourth\n1\n")
    files.page.get_by_text("Not saved").wait_for()
    files.goto("/ui/usage")
    files.goto("/ui/command/single/1")
    files.page.get_by_text("Not saved").wait_for()
    assert "echo fourth" in editor(files).input_value()
    assert "echo fourth" not in stored(files)
    files.page.get_by_role("button", name="Discard").click()
    assert editor(files).input_value() == TWO_LANES


def test_two_people_who_save_lose_nothing(files: Visit) -> None:
    page = files.page
    editor(files).fill("1\necho mine\n1\n")
    put(files.instance, "1\necho theirs\n1\n")
    page.get_by_role("button", name="Save", exact=True).click()
    files.expect("412")
    page.get_by_role("alertdialog").get_by_text("Somebody else saved this file meanwhile").wait_for()
    page.get_by_role("button", name="Keep it").click()
    assert "theirs" in stored(files)
    assert "mine" in editor(files).input_value()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Save mine").click()
    page.get_by_text("Saved", exact=True).wait_for()
    assert "mine" in stored(files)


def test_it_is_started_edited_applied_and_stopped(files: Visit) -> None:
    page, instance = files.page, files.instance
    files.expect("409")  # what differs is asked for once more while the run ends
    page.get_by_role("button", name="Start").click()
    page.get_by_text("sweep is started: 3 tasks").wait_for()
    page.get_by_role("button", name="Stop").wait_for()
    page.locator(".run-panel").get_by_text("1 of 1 done").wait_for()

    editor(files).fill(TWO_LANES.replace("echo second", "echo other"))
    page.get_by_role("button", name="Save and apply").click()
    page.get_by_text(re.compile("Applied: 1 added, 1 removed")).wait_for()
    run = instance.get("/api/scheduler/single/state?config_index=0")
    assert [one["commands"] for one in run["queues"]["1"]["processes"]][-1] == ["echo other"]

    page.get_by_role("button", name="Stop").click()
    asked = page.get_by_role("alertdialog")
    asked.get_by_text("1 running tasks are ended, 1 that wait are cancelled.").wait_for()
    asked.get_by_role("button", name="End 2 tasks").click()
    page.get_by_role("button", name="Start").wait_for()
    assert instance.get("/api/scheduler/single/state?config_index=0")["cancelled_tasks"] == 2


def test_the_lanes_and_what_differs_can_be_looked_at(files: Visit) -> None:
    page = files.page
    page.get_by_role("button", name="By queue").click()
    assert page.get_by_label("By queue").locator("ol").count() == 2
    page.get_by_role("button", name="Edit", exact=True).click()
    editor(files).fill(TWO_LANES.replace("third", "fifth"))
    page.get_by_role("button", name=re.compile("^Diff")).click()
    page.get_by_text("+ echo fifth # not a comment").wait_for()
    page.get_by_text("- echo third # not a comment").wait_for()


def test_files_are_made_copied_renamed_and_deleted(files: Visit) -> None:
    page = files.page
    page.get_by_role("button", name="New multi-GPU file").click()
    page.get_by_role("heading", name=re.compile("^multi 1")).wait_for()
    page.get_by_role("link", name=re.compile("sweep")).first.click()
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Duplicate").click()
    page.get_by_role("heading", name=re.compile(r"^single 2 · sweep \(copy\)")).wait_for()
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_role("textbox", name="Name").fill("grid")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.get_by_role("heading", name=re.compile("^single 2 · grid")).wait_for()
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    page.get_by_role("heading", name=re.compile("^single 1 · sweep")).wait_for()
    assert len(files.instance.get("/api/commands/single/list")) == 1


def test_a_log_of_ones_own_is_bound_read_and_unbound(files: Visit) -> None:
    page, instance = files.page, files.instance
    root = Path(instance.env["GAVELQ_LOGS_ROOTS"])
    page.get_by_role("button", name="Log files").click()
    page.get_by_role("button", name="Bind a file").click()
    path = page.get_by_label("Path of the log file")
    path.fill("/etc/passwd")
    page.get_by_role("dialog").get_by_role("button", name="Bind a file").click()
    files.expect("40[03]")
    page.get_by_role("dialog").locator(".problem").wait_for()
    path.fill(str(root / "own.log"))
    page.get_by_role("dialog").get_by_role("button", name="Bind a file").click()
    page.get_by_role("button", name=str(root / "own.log")).click()
    page.get_by_text("epoch 2").wait_for()
    page.get_by_role("button", name="Unbind").click()
    page.get_by_text("No log file is bound").wait_for()
    assert instance.get("/api/log/bindings")["bindings"] == {}


def test_a_viewer_may_look_and_is_told_why_nothing_more(browser: "Browser", instance: Box) -> None:
    instance.post("/api/tenants", {"name": "guest", "role": "viewer"})
    token = instance.post("/api/tokens", {"tenant": "guest", "name": "t"})
    with visit(browser, instance) as visitor:
        visitor.enter("/ui/command", As(instance, token["token"]))
        visitor.page.get_by_text("No command files").wait_for()
        assert visitor.page.get_by_role("button", name=re.compile("New .* file")).count() == 0


@pytest.mark.parametrize(("theme", "language", "width"), [("light", "en", WIDE), ("dark", "zh", NARROW)])
def test_it_can_be_read_by_everybody(browser: "Browser", instance: Box, theme: str, language: str, width: int) -> None:
    put(instance, TWO_LANES)
    with visit(browser, instance, theme=theme, language=language, width=width) as visitor:
        visitor.enter("/ui/command/single/1")
        visitor.page.locator(".ed-area").wait_for()
        assert visitor.width_of_content() <= width
        assert visitor.violations() == []
