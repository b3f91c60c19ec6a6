"""The form for a new task, in a real browser: a dry run while one types, refusals at their field, and what is made."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from gavelq.testing.waiting import wait_until
from tests.support.browser import MOMENT, NARROW, WIDE, Visit, visit
from tests.support.daemon import Box, box
from tests.support.tenants import tenant

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page


@pytest.fixture(scope="module")
def instance() -> Iterator[Box]:
    """Two cards: 0 is busy for two hours at most, 1 is free."""
    with box(listen="127.0.0.1:0", n_gpus=2) as started:
        started.post("/api/queues", {"name": "vision"})
        busy = started.submit("sleep 600", name="busy", gpu_ids=["0"], time_limit="2h")
        started.wait(busy, "running")
        yield started


def form_on(page: "Page") -> "Locator":
    """The form, opened by its key."""
    page.get_by_role("button", name="New task").wait_for()
    page.keyboard.press("n")
    form = page.get_by_role("dialog", name="New task")
    form.wait_for()
    return form


def made(page: "Page", instance: Box) -> dict[str, Any]:
    """The task whose drawer has opened."""
    page.wait_for_url(re.compile(r"/ui/state/\d+"))
    return instance.task(int(page.url.partition("/ui/state/")[2].partition("?")[0]))


def more(form: "Locator") -> None:
    """Open the rest of the form."""
    form.get_by_text(re.compile("^More options")).click()


def test_it_says_where_and_when_a_task_would_start_and_makes_nothing(page: "Page", instance: Box) -> None:
    before = len(instance.get("/api/tasks"))
    form = form_on(page)
    form.get_by_text(re.compile("Write a command")).wait_for()
    form.get_by_label("Command", exact=True).fill("sleep 600")
    form.get_by_text("Would start now on GPU 1").wait_for()
    form.get_by_label("How many", exact=True).fill("2")
    form.get_by_text(re.compile(rf"Would start about {MOMENT}")).wait_for()
    form.get_by_text(re.compile("Place 1 in the order")).wait_for()
    form.get_by_label("How many", exact=True).fill("0")
    form.get_by_text("Would start now, without a GPU").wait_for()
    form.get_by_role("button", name="Cancel").click()
    assert len(instance.get("/api/tasks")) == before


def test_a_refusal_stands_at_its_field_and_nothing_can_be_submitted(visitor: Visit) -> None:
    visitor.expect("400", "404", "422")
    visitor.goto("/ui/gpu")
    form = form_on(visitor.page)
    form.get_by_label("Command", exact=True).fill("true")
    form.get_by_label("Memory per GPU, GiB", exact=True).fill("lots")
    wrong = form.locator("[aria-invalid=true]")
    wrong.wait_for()
    assert wrong.input_value() == "lots"
    form.get_by_text("'lots' is not an amount of memory").first.wait_for()
    assert form.get_by_role("button", name="Submit").is_disabled()
    form.get_by_label("Memory per GPU, GiB", exact=True).fill("4")
    wrong.wait_for(state="detached")
    form.get_by_label("How many", exact=True).fill("9")
    form.get_by_text(re.compile("asks for 9 GPUs")).wait_for()


def test_a_task_is_made_its_drawer_opens_and_undo_cancels_it(page: "Page", instance: Box) -> None:
    form = form_on(page)
    form.get_by_label("Command", exact=True).fill("echo one\nsleep 600")
    form.get_by_label("Name", exact=True).fill("from-form")
    form.get_by_label("Queue", exact=True).select_option("vision")
    form.get_by_label("How many", exact=True).fill("0")
    form.get_by_label("Time limit", exact=True).fill("30m")
    form.get_by_label("Priority", exact=True).fill("7")
    form.get_by_label("Directory", exact=True).fill("/tmp")
    more(form)
    form.get_by_label("Tags", exact=True).fill("paper, night")
    form.get_by_label("Tries again", exact=True).fill("2")
    form.get_by_role("button", name="Submit").dblclick()
    task = made(page, instance)
    assert (task["name"], task["queue"], task["priority"], task["workdir"]) == ("from-form", "vision", 7, "/tmp")
    assert (task["time_limit_s"], task["gpu_count"], task["tags"]) == (1800, 0, ["paper", "night"])
    assert task["retry"]["retries"] == 2
    page.get_by_role("complementary").get_by_text("from-form").wait_for()
    named = [one["id"] for one in instance.get("/api/tasks?limit=10000") if one["name"] == "from-form"]
    assert named == [task["id"]], "a double click is one click"
    instance.wait_log(task["id"], "one")
    page.get_by_role("button", name="Undo").click()
    assert instance.wait(task["id"])["end_reason"] == "cancelled_by_user"


def test_the_last_values_are_kept_but_secrets_are_not(page: "Page") -> None:
    form = form_on(page)
    form.get_by_label("Command", exact=True).fill("true")
    form.get_by_label("Memory per GPU, GiB", exact=True).fill("4")
    more(form)
    form.get_by_label("Environment", exact=True).fill("TOKEN=secret")
    form.get_by_role("button", name="Cancel").click()
    page.reload()
    form = form_on(page)
    assert form.get_by_label("Command", exact=True).input_value() == "true"
    assert form.get_by_label("Memory per GPU, GiB", exact=True).input_value() == "4"
    assert "secret" not in page.evaluate("JSON.stringify(localStorage)")
    form.get_by_role("button", name="Clear the form").click()
    assert form.get_by_label("Command", exact=True).input_value() == ""


def test_variables_come_on_top_of_the_daemons_own_environment(page: "Page", instance: Box) -> None:
    form = form_on(page)
    form.get_by_label("Command", exact=True).fill('echo "$GREETING in $HOME"')
    form.get_by_label("How many", exact=True).fill("0")
    more(form)
    form.get_by_label("Environment", exact=True).fill("# a comment\nexport GREETING='good day'")
    form.get_by_role("button", name="Submit").click()
    task = made(page, instance)
    instance.wait(task["id"], "completed")
    assert re.search("good day in /", instance.log(task["id"]))


def test_a_range_of_cards_and_cards_by_number(visitor: Visit, instance: Box) -> None:
    visitor.expect("400")  # while the range is half written
    visitor.goto("/ui/gpu")
    page = visitor.page
    form = form_on(page)
    form.get_by_label("Command", exact=True).fill("true")
    form.get_by_role("button", name="A range").click()
    form.get_by_label("At least", exact=True).fill("1")
    form.get_by_label("At most", exact=True).fill("2")
    form.get_by_role("button", name="Submit").click()
    task = made(page, instance)
    assert (task["min_gpus"], task["max_gpus"]) == (1, 2)
    instance.wait(task["id"])
    form = form_on(page)
    form.get_by_role("button", name="These").click()
    form.get_by_label("Numbers", exact=True).fill("1")
    form.get_by_label("Name", exact=True).fill("by number")
    form.get_by_role("button", name="Submit").click()
    page.get_by_role("complementary").get_by_text("by number").wait_for()
    task = made(page, instance)
    assert task["gpu_ids"] == [1]


def test_a_sweep_makes_all_of_its_tasks_and_undo_ends_them(page: "Page", instance: Box) -> None:
    form = form_on(page)
    form.get_by_label("Command", exact=True).fill("sleep 600 # {lr} {index}")
    form.get_by_label("Name", exact=True).fill("sweep")
    form.get_by_label("How many", exact=True).fill("0")
    more(form)
    form.get_by_label("Parameters", exact=True).fill("lr=.1,.01")
    form.get_by_label("Array", exact=True).fill("0-2")
    form.get_by_text("This is about the first of 6 tasks.").wait_for()
    form.get_by_role("button", name="Submit 6 tasks").click()
    first = made(page, instance)
    six = [task for task in instance.get("/api/tasks") if task["submission_id"] == first["submission_id"]]
    assert len(six) == 6
    page.get_by_role("button", name="Undo").click()
    for task in six:
        instance.wait(task["id"], "cancelled")


def test_ctrl_and_enter_submit_from_the_command(page: "Page", instance: Box) -> None:
    form = form_on(page)
    form.get_by_label("How many", exact=True).fill("0")
    form.get_by_label("Command", exact=True).fill("echo by keys")
    form.get_by_label("Command", exact=True).press("Control+Enter")
    assert made(page, instance)["command"] == "echo by keys"


def test_a_script_may_be_held(page: "Page", instance: Box) -> None:
    form = form_on(page)
    form.get_by_label("Command", exact=True).fill("#!/bin/sh\necho from a script")
    form.get_by_label("How many", exact=True).fill("0")
    more(form)
    form.get_by_label("Accept it, but hold it", exact=True).check()
    form.get_by_role("heading", name="Would be held").wait_for()
    form.get_by_role("button", name="Submit").click()
    task = made(page, instance)
    assert task["state"] == "held"
    instance.post(f"/api/tasks/{task['id']}/run")
    instance.wait(task["id"], "completed")
    assert "from a script" in instance.log(task["id"])


def test_a_viewer_cannot_open_it(browser: "Browser", instance: Box) -> None:
    mei = tenant(instance, "mei", role="viewer")
    with visit(browser, instance) as visitor:
        visitor.enter("/ui/state", mei)
        button = visitor.page.get_by_role("button", name="New task")
        button.wait_for()
        assert button.is_disabled()
        visitor.page.keyboard.press("n")
        assert visitor.page.get_by_role("dialog").count() == 0


@pytest.mark.parametrize(("theme", "language", "width"), [("light", "en", WIDE), ("dark", "zh", NARROW)])
def test_everybody_can_fill_it(browser: "Browser", instance: Box, theme: str, language: str, width: int) -> None:
    with visit(browser, instance, theme=theme, language=language, width=width) as visitor:
        visitor.enter()
        page = visitor.page
        page.get_by_role("button", name={"en": "New task", "zh": "新建任务"}[language]).click()
        form = page.get_by_role("dialog")
        command = form.get_by_label({"en": "Command", "zh": "命令"}[language], exact=True)
        wait_until(lambda: command.evaluate("one => one === document.activeElement"), 60, "the command has the focus")
        page.keyboard.type("true")
        form.get_by_text({"en": "Would start now on GPU 1", "zh": "可立即在 GPU 1 上启动"}[language]).wait_for()
        form.locator("summary").click()
        assert visitor.width_of_content() <= width
        assert visitor.violations(within=".dialog") == []
        page.keyboard.press("Escape")
        form.wait_for(state="detached")
