"""The pages of the GPUs, in a real browser: what they say, and that everything on them does what it says."""

import csv
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gavelq.testing.waiting import wait_until
from tests.support.browser import NARROW, WIDE, Visit, visit
from tests.support.daemon import Box, box
from tests.support.tenants import tenant

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

SIMTASK = f"{sys.executable} -m gavelq.testing.simtask --vram 4G --util 50 --hold 600"


def faults(instance: Box, content: dict[str, Any]) -> None:
    """Trouble of the simulated cards, from now on."""
    path = instance.home / "state" / "simulated" / "faults.json"
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content))
    new.rename(path)


@pytest.fixture(scope="module")
def instance(stranger: int) -> Iterator[Box]:
    """GPU 0 busy with our task, 1 held by a stranger while a task waits for it, 2 in jonas' queue, 3 free."""
    with box(listen="127.0.0.1:0") as started:
        tenant(started, "jonas")
        started.post("/api/queues", {"name": "vision"})
        started.post("/api/gpus/allocate", {"queue": "vision", "gpus": ["2"]})
        faults(started, {"foreign": {"1": {"mib": 6144, "pid": stranger}}})
        wait_until(lambda: gpu(started, 1)["state"] == "foreign", 60, "the stranger is seen")
        ours = started.submit(SIMTASK, name="train", gpu_ids=["0"], time_limit="1h", memory="5G", share=True)
        theirs = started.submit(SIMTASK, name="segment", queue="vision", tenant="jonas", gpu_count=1)
        started.submit("true", name="waits", gpu_ids=["1"])
        for task in (ours, theirs):
            started.wait(task, "running")
        yield started


def gpu(instance: Box, name: int) -> dict[str, Any]:
    """A GPU as the API tells of it."""
    found: dict[str, Any] = instance.get(f"/api/gpus/{name}")
    return found


def task_id(instance: Box, name: str) -> int:
    """The newest task of a name."""
    return max(int(task["id"]) for task in instance.get("/api/tasks") if task["name"] == name)


def card(page: "Page", name: int) -> "Locator":
    """A card of the page of all GPUs."""
    return page.get_by_role("article", name=f"GPU {name}")


def opened(visitor: Visit, name: int) -> "Page":
    """The page of one GPU."""
    visitor.goto(f"/ui/gpu/{name}")
    visitor.page.get_by_role("heading", name="Processes").wait_for()
    return visitor.page


def test_each_card_says_who_is_on_it_and_what_comes_next(page: "Page", instance: Box, stranger: int) -> None:
    card(page, 0).get_by_text("Busy").wait_for()
    card(page, 0).get_by_role("link", name=f"#{task_id(instance, 'train')} train").wait_for()
    card(page, 0).get_by_role("img", name=re.compile("Memory: mine 4.0")).wait_for()
    card(page, 0).get_by_text("at the latest").wait_for()
    card(page, 1).get_by_text(f"pid {stranger}").wait_for()
    card(page, 1).get_by_role("img", name=re.compile("Memory: foreign 6.0")).wait_for()
    card(page, 2).get_by_text("queue vision").wait_for()
    card(page, 2).get_by_role("img", name=re.compile("Memory: others 4.0")).wait_for()
    card(page, 3).get_by_text("Nothing waits for it").wait_for()
    heights = {round(box["height"]) for n in range(4) if (box := card(page, n).bounding_box())}
    assert len(heights) == 1


def test_the_strip_counts_and_shows_the_cards_of_a_state_alone(page: "Page", instance: Box) -> None:
    strip = page.get_by_role("region", name="GPUs", exact=True)
    strip.get_by_text("1 pending").wait_for()
    strip.get_by_role("link", name=f"#{task_id(instance, 'waits')}").wait_for()
    strip.get_by_role("button", name="1 foreign").click()
    card(page, 0).wait_for(state="detached")
    card(page, 1).wait_for()
    strip.get_by_role("button", name="1 foreign").click()
    card(page, 0).wait_for()


def test_the_banner_names_who_blocks_and_ignoring_the_card_can_be_undone(page: "Page", instance: Box) -> None:
    banner = page.get_by_role("alert")
    banner.get_by_text("A foreign process holds GPU 1, and 1 task waits for it.").wait_for()
    banner.get_by_role("link", name=f"#{task_id(instance, 'waits')}").wait_for()
    banner.get_by_role("button", name="Ignore GPU 1").click()
    page.get_by_text("GPU 1 ignored.").wait_for()
    wait_until(lambda: gpu(instance, 1)["state"] == "ignored", 60, "the card is ignored")
    card(page, 1).get_by_text(re.compile("Ignored by .* since")).wait_for()
    page.get_by_role("button", name="Undo").click()
    wait_until(lambda: gpu(instance, 1)["state"] == "foreign", 60, "the card is as it was")


def test_a_message_to_the_stranger_is_copied_whole(page: "Page", stranger: int) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("alert").get_by_role("button", name="Copy message").click()
    page.get_by_role("button", name="Copied").wait_for()
    text = page.evaluate("navigator.clipboard.readText()")
    assert f"pid {stranger}" in text
    assert "6.0 GiB of GPU 1" in text


def test_the_plan_shows_more_or_fewer_hours_and_leads_to_a_task(page: "Page", instance: Box) -> None:
    plan = page.get_by_role("region", name="Plan")
    with page.expect_response(re.compile(r"/api/plan\?hours=24")):
        plan.get_by_role("button", name="24 h").click()
    train = task_id(instance, "train")
    plan.get_by_role("list", name="Plan of GPU 0").get_by_role("link", name=f"#{train} train").click()
    page.wait_for_url(f"**/ui/state/{train}")


def test_the_history_tells_the_values_under_the_cursor(visitor: Visit, instance: Box) -> None:
    page = opened(visitor, 0)
    cursor = page.get_by_role("slider")
    cursor.focus()
    cursor.press("End")
    wait_until(lambda: "GPU 50 %" in (cursor.get_attribute("aria-valuetext") or ""), 90, "the use of now")
    assert re.search("mine 4.0 GiB, others 0.0 GiB, foreign 0.0", cursor.get_attribute("aria-valuetext") or "")
    before = cursor.get_attribute("aria-valuenow")
    cursor.press("ArrowLeft")
    assert cursor.get_attribute("aria-valuenow") != before
    with page.expect_response(re.compile("/api/monitor/metrics.*from=-7d")):
        page.get_by_role("button", name="7 d").click()
    train = task_id(instance, "train")
    page.get_by_role("list", name="Tasks on this GPU").get_by_role("link", name=f"#{train} train").click()
    page.wait_for_url(f"**/ui/state/{train}")


def test_the_history_can_be_taken_along_as_csv(visitor: Visit, tmp_path: Path) -> None:
    page = opened(visitor, 0)
    with page.expect_download() as coming:
        page.get_by_role("button", name="CSV").click()
    coming.value.save_as(tmp_path / "gpu.csv")
    with open(tmp_path / "gpu.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert coming.value.suggested_filename == "gpu-0.csv"
    # The task uses half of the card; its first minute was idle in part.
    assert 0 < max(float(row["utilization_percent"] or 0) for row in rows) <= 50


def test_processes_are_told_apart_and_the_next_card_is_one_click_away(
    visitor: Visit, instance: Box, stranger: int
) -> None:
    page = opened(visitor, 0)
    page.get_by_role("region", name="Processes").get_by_role("link", name=f"#{task_id(instance, 'train')}").wait_for()
    page.get_by_role("navigation", name="GPUs").get_by_role("link", name="GPU 1, Foreign").click()
    row = page.get_by_role("row", name=re.compile(str(stranger)))
    row.get_by_text("foreign").wait_for()
    page.get_by_role("link", name="All GPUs").click()
    card(page, 3).wait_for()


def test_a_card_is_given_to_a_queue_and_released(visitor: Visit, instance: Box) -> None:
    page = opened(visitor, 3)
    page.get_by_role("button", name="Give to queue").click()
    page.get_by_role("menuitem", name="vision").click()
    page.get_by_text("queue vision", exact=True).wait_for()
    assert gpu(instance, 3)["queue"] == "vision"
    page.get_by_role("button", name="Release…").click()
    question = page.get_by_role("alertdialog")
    question.get_by_text("Nothing runs on it.").wait_for()
    question.get_by_role("button", name="Release it").click()
    wait_until(lambda: gpu(instance, 3)["queue"] is None, 60, "the card is back")
    page.get_by_role("button", name="Undo").click()
    wait_until(lambda: gpu(instance, 3)["queue"] == "vision", 60, "the card is the queue's again")
    instance.post("/api/gpus/3/release")


def test_a_release_names_whom_it_ends_and_puts_the_task_back(visitor: Visit, instance: Box) -> None:
    segment = task_id(instance, "segment")
    page = opened(visitor, 2)
    page.get_by_role("button", name="Release…").click()
    question = page.get_by_role("alertdialog", name="Release GPU 2 from queue vision?")
    question.get_by_text(re.compile(f"Task #{segment} of jonas has run on it for .* will be ended")).wait_for()
    question.get_by_role("button", name="Keep it").click()
    assert instance.state(segment) == "running"
    page.get_by_role("button", name="Release…").click()
    assert question.get_by_label("Put it back as pending (starts over)").is_checked()
    question.get_by_role("button", name="Release and end 1 task").click()
    wait_until(lambda: gpu(instance, 2)["queue"] is None, 60, "the card is back")
    wait_until(lambda: instance.task(segment)["attempt"] >= 1 and instance.state(segment) != "stopping", 60, "it ended")
    assert instance.state(segment) in ("pending", "starting", "running")
    instance.post("/api/gpus/allocate", {"queue": "vision", "gpus": ["2"]})
    instance.wait(segment, "running")


def test_a_drained_card_takes_tasks_again(visitor: Visit, instance: Box) -> None:
    page = opened(visitor, 0)
    page.get_by_role("button", name="Drain").click()
    page.get_by_role("menuitem", name="Take no new task; what runs goes on").click()
    page.get_by_role("button", name="Take tasks again").wait_for()
    assert gpu(instance, 0)["state"] == "draining"
    assert instance.state(task_id(instance, "train")) == "running"
    page.get_by_role("button", name="Take tasks again").click()
    wait_until(lambda: gpu(instance, 0)["state"] == "busy", 60, "the card takes tasks")


def test_draining_now_ends_what_runs_after_a_question(visitor: Visit, instance: Box) -> None:
    short = instance.submit("sleep 600", name="short", gpu_ids=["3"])
    instance.wait(short, "running")
    page = opened(visitor, 3)
    page.get_by_role("button", name="Drain").click()
    page.get_by_role("menuitem", name=re.compile("end what runs")).click()
    question = page.get_by_role("alertdialog")
    question.get_by_text(f"#{short}").wait_for()
    question.get_by_label("Put it back as pending (starts over)").uncheck()
    question.get_by_role("button", name="Drain and end 1 task").click()
    assert instance.wait(short)["end_reason"] == "gpu_drained"
    page.get_by_role("button", name="Take tasks again").click()
    wait_until(lambda: gpu(instance, 3)["state"] == "free", 60, "the card takes tasks")


def test_a_card_is_ignored_and_taken_back(visitor: Visit, instance: Box) -> None:
    page = opened(visitor, 3)
    page.get_by_role("button", name="Ignore").click()
    page.get_by_role("button", name="Unignore").wait_for()
    assert gpu(instance, 3)["state"] == "ignored"
    page.get_by_role("button", name="Unignore").click()
    wait_until(lambda: gpu(instance, 3)["state"] == "free", 60, "the card is back")


def test_of_several_blockers_there_is_one_banner_and_a_broken_card_is_declared_well(
    visitor: Visit, instance: Box, stranger: int
) -> None:
    foreign = {"1": {"mib": 6144, "pid": stranger}}
    faults(instance, {"foreign": foreign, "xid": {"3": 79}})
    visitor.goto("/ui/gpu")
    banner = visitor.page.get_by_role("alert")
    banner.get_by_text("2 things block work.").wait_for()
    banner.get_by_text(re.compile("Xid 79")).wait_for()
    page = opened(visitor, 3)
    page.get_by_text(re.compile("Xid 79: GPU has fallen off the bus, since")).wait_for()
    page.get_by_role("button", name="It is well again").click()
    wait_until(lambda: gpu(instance, 3)["fault"] is None, 60, "the card is well")
    faults(instance, {"foreign": foreign})


def test_a_tenant_sees_how_many_others_there_are_and_no_buttons_that_would_be_refused(
    browser: "Browser", instance: Box
) -> None:
    mei = tenant(instance, "mei")
    with visit(browser, instance) as visitor:
        visitor.enter("/ui/gpu", mei)
        page = visitor.page
        card(page, 0).get_by_text("1 task of others").wait_for()
        ignore = page.get_by_role("alert").get_by_role("button", name="Ignore GPU 1")
        assert ignore.is_disabled()
        assert ignore.get_attribute("title") == "Only admins may change GPUs"
        opened(visitor, 0).get_by_text("Only admins may change GPUs").wait_for()
        assert page.get_by_role("button", name="Release…").count() == 0


@pytest.mark.parametrize(("theme", "language", "width"), [("light", "en", WIDE), ("dark", "zh", NARROW)])
def test_everybody_can_read_it(browser: "Browser", instance: Box, theme: str, language: str, width: int) -> None:
    with visit(browser, instance, theme=theme, language=language, width=width) as visitor:
        visitor.enter()
        word = {"en": "Foreign", "zh": "外部占用"}[language]
        visitor.page.get_by_text(word, exact=True).first.wait_for()
        assert visitor.width_of_content() <= width
        assert visitor.violations() == []
        visitor.goto("/ui/gpu/0")
        visitor.page.get_by_role("slider").wait_for()
        assert visitor.width_of_content() <= width
        assert visitor.violations() == []


def test_a_machine_with_one_gpu_shows_it_at_once(browser: "Browser") -> None:
    with box(listen="127.0.0.1:0", n_gpus=1) as lonely, visit(browser, lonely) as visitor:
        visitor.enter()
        visitor.page.get_by_role("slider").wait_for()
        visitor.page.get_by_text("1 free").wait_for()
        assert visitor.page.get_by_role("link", name="All GPUs").count() == 0


def test_without_gpus_the_page_names_the_command_that_looks_for_them(browser: "Browser") -> None:
    with box(listen="127.0.0.1:0", n_gpus=0) as blind, visit(browser, blind) as visitor:
        visitor.enter()
        visitor.page.get_by_text("No GPU is seen").wait_for()
        visitor.page.get_by_text("gavelq doctor").wait_for()


def test_keys_lead_from_card_to_card(page: "Page") -> None:
    card(page, 1).wait_for()
    for key in ("j", "j", "k", "j", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url("**/ui/gpu/1")
    page.get_by_role("heading", name="Processes").wait_for()
    page.keyboard.press("j")
    page.wait_for_url("**/ui/gpu/2")
    page.keyboard.press("Escape")
    card(page, 1).wait_for()


def test_a_card_that_is_not_there_is_told(visitor: Visit) -> None:
    visitor.goto("/ui/gpu/17")
    visitor.page.get_by_role("heading", name="There is no GPU 17").wait_for()
    visitor.page.get_by_role("link", name="GPU 0, Busy").click()
    visitor.page.get_by_role("heading", name="Processes").wait_for()


def test_a_card_is_shared_with_a_stranger_and_taken_back(visitor: Visit, instance: Box, stranger: int) -> None:
    visitor.goto("/ui/gpu")
    page = visitor.page
    page.get_by_role("alert").get_by_role("button", name="Share this GPU").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Share GPU 1").click()
    instance.wait(task_id(instance, "waits"), "completed")
    assert gpu(instance, 1)["accepted_pids"] == [stranger]
    opened(visitor, 1).get_by_text("foreign, shared").wait_for()
    page.get_by_role("button", name="Unshare").click()
    page.get_by_text("foreign processes count again").wait_for()
    wait_until(lambda: gpu(instance, 1)["state"] == "foreign", 60, "the stranger counts")
