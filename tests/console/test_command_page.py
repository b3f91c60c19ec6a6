"""The page of command files, in a real browser: written, checked, started, edited while they run, stopped."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gavelq.testing.waiting import wait_until
from tests.support.browser import NARROW, WIDE, Visit, visit
from tests.support.daemon import Box, box
from tests.support.tenants import As

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=60_000)

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

    def is_running() -> bool:
        return any(run["ended_at"] is None for run in instance.get("/api/scheduler/status")["schedulers"])

    if is_running():
        instance.post("/api/scheduler/single/stop?config_index=0")
        wait_until(lambda: not is_running(), what="the run is over, also for a page that is opened next")
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
    assert page.get_by_role("button", name="Start", exact=True).is_disabled()
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
    page.get_by_role("button", name="Start", exact=True).click()
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
    asked.get_by_text(re.compile("1 task running will be ended: #.*1 task waiting will be cancelled")).wait_for()
    asked.get_by_role("button", name="Stop 2 tasks").click()
    page.get_by_role("button", name="Start", exact=True).wait_for()
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


def test_a_number_that_is_nearly_right_is_put_right_by_a_button_and_ctrl_z_takes_that_back(files: Visit) -> None:
    page = files.page
    editor(files).fill("1\necho a\n26 gigs # all\n")
    page.get_by_role("button", name="Write 26").click()
    expect(editor(files)).to_have_value("1\necho a\n26 # all\n")
    page.get_by_text("Valid").wait_for()
    page.keyboard.press("Control+z")
    expect(editor(files)).to_have_value("1\necho a\n26 gigs # all\n")
    editor(files).fill("")
    page.get_by_role("button", name="Write an example").click()
    page.get_by_text("Valid").wait_for()


def test_a_long_file_is_drawn_where_one_looks_and_a_task_leads_to_its_line(files: Visit) -> None:
    page = files.page
    put(files.instance, "".join(f"q{i % 3}\necho {i}\n1\n\n" for i in range(2000)))
    expect(page.get_by_role("button", name="By queue")).to_be_visible()
    page.get_by_text("2000 tasks, 3 queues, saved").wait_for()
    assert page.locator(".ed-line").count() < 300
    page.get_by_role("button", name="By queue").click()
    page.get_by_role("button", name=re.compile("more tasks")).first.click()
    page.get_by_role("button", name="Go to line 2389").click()
    expect(page.locator(".ed-line", has_text="echo 597")).to_be_in_viewport()
    expect(editor(files)).to_be_focused()


def test_what_failed_is_told_by_queue_with_its_name_where_it_ran_and_what_helps(files: Visit) -> None:
    page, instance = files.page, files.instance
    broken = "# queue a: pretraining\na\necho CUDA out of memory >&2; exit 1\n1\n"
    lanes = f"{broken}\na\necho never\n1\n\nb\nsleep 300\n2\n"
    put(instance, lanes)
    expect(editor(files)).to_have_value(lanes)
    page.get_by_role("button", name="Start with…").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Time limit of each task").fill("soon")
    form.get_by_label("Further tries").fill("0")
    form.get_by_label("After a failure").select_option("stop")
    form.get_by_role("button", name="Start", exact=True).click()
    files.expect("400")
    form.locator(".problem").wait_for()
    form.get_by_label("Time limit of each task").fill("1h")
    form.get_by_role("button", name="Start", exact=True).click()
    lane = page.get_by_role("region", name="Queue a")
    lane.get_by_text("pretraining").wait_for()
    lane.get_by_text("0 of 2 done, 1 failed, 1 not run, queue stopped").wait_for()
    lane.get_by_text("GPU out of memory, asked for 1 GB").wait_for()
    page.get_by_role("region", name="Placement").get_by_role("link", name=re.compile("this file")).wait_for()
    page.get_by_role("region", name="Latest").get_by_text("GPU out of memory").wait_for()
    run = instance.get("/api/scheduler/single/state?config_index=0")
    assert instance.task(run["queues"]["b"]["processes"][0]["task_id"])["time_limit_s"] == 3600
    lane.get_by_role("button", name="Rerun with 2").click()
    page.get_by_text(re.compile(r"#\d+ runs again as #\d+, beside the run")).wait_for()
    again = max(task["id"] for task in instance.get("/api/tasks"))
    assert instance.task(again)["memory_mib"] == 2048


def test_going_back_to_what_ran_can_be_undone(files: Visit) -> None:
    page, instance = files.page, files.instance
    put(instance, "1\necho later\n1\n")
    expect(editor(files)).to_have_value("1\necho later\n1\n")
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Back to what ran last").click()
    page.get_by_text("sweep is again what ran last").wait_for()
    assert stored(files) != "1\necho later\n1\n"
    page.get_by_role("button", name="Undo").last.click()
    expect(editor(files)).to_have_value("1\necho later\n1\n")


def test_a_text_is_loaded_from_a_file_in_the_encoding_it_has_and_downloaded(files: Visit) -> None:
    page = files.page
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="More", exact=True).click()
        page.get_by_role("menuitem", name="Load from a file").click()
    text = "# 队列 1：评测\n1\necho x\n1\n"
    content = text.replace("\n", "\r\n").encode("gbk")
    chosen.value.set_files({"name": "a.txt", "mimeType": "text/plain", "buffer": content})
    expect(editor(files)).to_have_value(text)
    page.get_by_text("Not saved").wait_for()
    with page.expect_download() as loaded:
        page.get_by_role("button", name="More", exact=True).click()
        page.get_by_role("menuitem", name="Download").click()
    assert loaded.value.suggested_filename == "sweep.txt"
    assert Path(loaded.value.path()).read_text() == text


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
    files.expect(r"404.*config_index=1'")  # its event may come before the answer, and the page asks again
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
    files.expect("404 .*/api/log/content")  # it may be asked for the file just then
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
