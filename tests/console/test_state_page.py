"""The page of tasks and queues, in a real browser: every action by mouse or keyboard, its effect asked of the API."""

import contextlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser import NARROW, WIDE, Visit, visit
from tests.support.daemon import Box, Failure
from tests.support.tenants import As

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

PARKED = "parked"
"""A paused queue: what is in it waits until somebody does something."""


@pytest.fixture
def parked(instance: Box) -> Iterator[Box]:
    """The daemon with a paused queue; afterwards nothing is left running or waiting."""
    if PARKED not in [queue["name"] for queue in instance.get("/api/queues")]:
        instance.post("/api/queues", {"name": PARKED, "paused": True})
    yield instance
    for task in instance.get("/api/tasks?limit=10000&fields=id,state"):
        if task["state"] in ("held", "pending", "starting", "running"):
            with contextlib.suppress(Failure):  # it ended meanwhile
                instance.post(f"/api/tasks/{task['id']}/kill")


@pytest.fixture
def state(visitor: Visit, parked: Box) -> Visit:
    """An admin on the page."""
    visitor.goto("/ui/state")
    visitor.page.get_by_role("grid").wait_for()
    return visitor


def park(instance: Box, name: str, **fields: Any) -> int:
    """A task that waits."""
    return instance.submit("sleep 300", name=name, queue=PARKED, gpu_count=0, **fields)


def row(page: "Page", name: str) -> "Locator":
    """A task's line."""
    return page.get_by_role("row", name=re.compile(rf"(?<!\w){re.escape(name)}(?!\w)"))


def select(page: "Page", *names: str) -> None:
    """Tick lines, once all of them are there: the list takes no new ones while the pointer is in it."""
    for name in names:
        row(page, name).wait_for()
    for name in names:
        row(page, name).get_by_role("checkbox").check()


def press(page: "Page", button: str) -> None:
    """A button of the bar for selected tasks."""
    page.get_by_role("toolbar").get_by_role("button", name=re.compile(rf"^{button}\b")).click()


def test_lines_stand_in_order_and_say_why_tasks_wait_or_ended(state: Visit) -> None:
    page, instance = state.page, state.instance
    failed = instance.submit("exit 3", name="order-failed", gpu_count=0, tags=["order"])
    instance.wait(failed)
    running = instance.submit("sleep 300", name="order-running", gpu_count=0, time_limit="2h", tags=["order"])
    instance.wait(running, "running")
    park(instance, "order-pending", tags=["order"])
    instance.submit("true", name="order-held", queue="waiting", tags=["order"])
    state.goto("/ui/state?q=tag:order")
    lines = page.locator("[data-key]")
    lines.nth(3).wait_for()
    assert names(page, "order-") == ["order-running", "order-pending", "order-held", "order-failed"]
    row(page, "order-running").get_by_text("/ 2:00").wait_for()
    row(page, "order-pending").get_by_text("paused").wait_for()
    row(page, "order-failed").get_by_text("Exit code 3").wait_for()
    row(page, "order-held").get_by_text("which holds its tasks").wait_for()


def test_the_filter_is_completed_by_keyboard_and_stays_in_the_url(state: Visit) -> None:
    page, instance = state.page, state.instance
    park(instance, "keep-me")
    instance.submit("true", name="drop-me", queue="waiting")
    row(page, "drop-me").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("que")
    page.get_by_role("option", name="queue:").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.type("par")
    page.keyboard.press("Tab")
    page.get_by_role("button", name=f"Drop queue:{PARKED}").wait_for()
    page.keyboard.type("keep")
    row(page, "keep-me").wait_for()
    row(page, "drop-me").wait_for(state="detached")
    page.wait_for_url(re.compile(r"q=queue%3Aparked\+keep"))
    page.reload()
    row(page, "keep-me").wait_for()
    assert row(page, "drop-me").count() == 0
    page.get_by_role("button", name="Clear the filter").click()
    row(page, "drop-me").wait_for()


def test_a_value_that_is_not_known_is_marked_and_filters_nothing(state: Visit) -> None:
    park(state.instance, "still-here")
    state.goto("/ui/state?q=state:fialed")
    state.page.locator(".token.wrong", has_text="state:fialed").wait_for()
    row(state.page, "still-here").wait_for()


def test_segments_show_some_with_their_counts(state: Visit) -> None:
    page, instance = state.page, state.instance
    park(instance, "seg-pending")
    instance.wait(instance.submit("sleep 300", name="seg-running", gpu_count=0), "running")
    page.get_by_role("button", name=re.compile(r"^Running 1$")).click()
    row(page, "seg-running").wait_for()
    row(page, "seg-pending").wait_for(state="detached")
    assert "show=running" in page.url
    page.get_by_role("button", name=re.compile(r"^Pending \d+$")).click()
    row(page, "seg-pending").wait_for()
    page.get_by_role("button", name=re.compile(r"^Mine \d+$")).click()
    row(page, "seg-running").wait_for()


def test_killing_asks_first_and_names_what_ends_and_whose(state: Visit) -> None:
    page, instance = state.page, state.instance
    running = instance.submit("sleep 300", name="kill-running", gpu_count=0)
    waiting = park(instance, "kill-waiting")
    select(page, "kill-running", "kill-waiting")
    press(page, "Kill")
    asked = page.get_by_role("alertdialog", name="Kill 2 tasks?")
    asked.get_by_text("kill-waiting").wait_for()
    owner = instance.task(running)["tenant"]
    assert f"#{running} kill-running of {owner}" in re.sub(r"\s+", " ", asked.inner_text())
    asked.get_by_role("button", name="Keep it").click()
    assert instance.state(waiting) == "pending"
    press(page, "Kill")
    asked.get_by_role("button", name="Kill 2 tasks").click()
    state.told("2 tasks killed")
    assert instance.wait(running)["state"] == instance.wait(waiting)["state"] == "cancelled"


def test_holding_and_releasing_are_undone_in_the_toast(state: Visit) -> None:
    page, instance = state.page, state.instance
    task = park(instance, "hold-me")
    select(page, "hold-me")
    press(page, "Hold")
    state.told("put on hold")
    assert instance.state(task) == "held"
    page.get_by_role("button", name="Undo").click()
    state.until(lambda: instance.state(task) == "pending")
    press(page, "Hold")
    state.until(lambda: instance.state(task) == "held")
    press(page, "Release")
    state.until(lambda: instance.state(task) == "pending")


def test_tasks_are_moved_and_given_another_priority_and_back(state: Visit) -> None:
    page, instance = state.page, state.instance
    task = park(instance, "move-me", priority=7)
    select(page, "move-me")
    press(page, "Move")
    page.get_by_label("Queue", exact=True).select_option("waiting")
    page.get_by_role("dialog").get_by_role("button", name="Move").click()
    state.told("moved to queue waiting")
    assert instance.task(task)["queue"] == "waiting"
    page.get_by_role("button", name="Undo").click()
    state.until(lambda: instance.task(task)["queue"] == PARKED)
    press(page, "Priority")
    page.get_by_role("dialog").get_by_label("Priority").fill("55")
    page.keyboard.press("Enter")
    state.told("priority 55")
    assert instance.task(task)["priority"] == 55
    page.get_by_role("button", name="Undo").last.click()
    state.until(lambda: instance.task(task)["priority"] == 7)


def test_an_undo_that_is_refused_is_not_called_done(state: Visit) -> None:
    page, instance = state.page, state.instance
    task = park(instance, "too-late", priority=7)
    select(page, "too-late")
    press(page, "Priority")
    page.get_by_role("dialog").get_by_label("Priority").fill("55")
    page.keyboard.press("Enter")
    state.told("priority 55")
    instance.post(f"/api/tasks/{task}/kill")
    state.expect("409")
    page.get_by_role("button", name="Undo").click()
    state.told(f"task {task} is cancelled")
    assert page.get_by_text("Undone").count() == 0


def test_a_dialog_covers_the_page_and_keeps_what_was_written(state: Visit) -> None:
    page, instance = state.page, state.instance
    task = park(instance, "asked-about", priority=7)
    select(page, "asked-about")
    press(page, "Priority")
    form = page.get_by_role("dialog", name=f"Priority of #{task} asked-about")
    ground = page.locator(".scrim").bounding_box()
    assert ground is not None
    assert (ground["x"], ground["y"], ground["width"]) == (0, 0, WIDE), "not the list alone"
    page.keyboard.type("30")
    page.mouse.click(5, 5)
    form.get_by_role("button", name="Set priority 30").click()
    state.told("priority 30")
    press(page, "Priority")
    form.wait_for()
    page.mouse.click(5, 5)
    form.wait_for(state="detached")


def test_ended_tasks_run_again_and_are_removed(state: Visit) -> None:
    page, instance = state.page, state.instance
    first = instance.submit("true", name="again", gpu_count=0)
    instance.wait(first)
    select(page, "again")
    assert page.get_by_role("toolbar").get_by_role("button", name="Hold").is_disabled()
    press(page, "Rerun")
    state.told("submitted again as #")
    page.mouse.move(5, 5)
    press(page, "Remove")
    asked = page.get_by_role("alertdialog")
    asked.get_by_text("nothing brings them back").wait_for()
    asked.get_by_role("button", name=re.compile("^Remove")).click()
    state.told("removed")
    state.until(lambda: first not in [task["id"] for task in instance.get("/api/tasks?limit=10000&fields=id")])


def test_a_submission_folds_into_a_line_that_opens_and_is_killed_as_one(state: Visit) -> None:
    page, instance = state.page, state.instance
    made = instance.post(
        "/api/submissions",
        {"tasks": [{"command": "sleep 300", "name": "sweep", "array": "0-299", "gpu_count": 0}], "queue": PARKED},
    )
    line = page.locator("[data-key]", has_text="(300 tasks)")
    line.click()
    row(page, made[0]["name"]).first.wait_for()
    assert page.locator("[data-key]").count() < 120, "only what is in view is drawn"
    line.focus()
    page.keyboard.press("End")
    page.locator("[data-key]:focus").wait_for()
    page.keyboard.press("Home")
    line.get_by_role("checkbox").check()
    press(page, "Kill")
    page.get_by_role("alertdialog").get_by_text("and 294 more").wait_for()
    page.get_by_role("button", name="Kill 300 tasks").click()
    state.told("300 tasks killed")
    assert instance.get(f"/api/submissions/{made[0]['submission_id']}")["counts"]["cancelled"] == 300
    # The store begins with the newest ended tasks; the others come as the end of the list is in view.
    state.goto(f"/ui/state?q=submission:{made[0]['submission_id']}")
    page.locator("[data-key]", has_text="(300 tasks)").wait_for()


def test_keys_move_select_open_and_close(state: Visit) -> None:
    page, instance = state.page, state.instance
    first, second = park(instance, "key-a", tags=["keys"]), park(instance, "key-b", tags=["keys"])
    state.goto("/ui/state?q=tag:keys")
    row(page, "key-b").wait_for()
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.get_by_text("1 selected").wait_for()
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    page.get_by_text("2 selected").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("toolbar").wait_for(state="detached")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"/ui/state/{second}\b"))
    page.keyboard.press("k")
    page.wait_for_url(re.compile(rf"/ui/state/{first}\b"))
    page.keyboard.press("Escape")
    page.wait_for_url(re.compile(r"/ui/state\?"))


def test_the_order_stands_still_while_the_pointer_is_in_the_list(state: Visit) -> None:
    page, instance = state.page, state.instance
    first = park(instance, "still-a", tags=["still"])
    park(instance, "still-b", tags=["still"])
    state.goto("/ui/state?q=tag:still")
    row(page, "still-b").hover()
    instance.post(f"/api/tasks/{first}/kill")
    instance.submit("true", name="still-c", queue="waiting", tags=["still"])
    changes = page.get_by_role("button", name="2 changes")
    changes.wait_for()
    row(page, "still-a").get_by_text("Cancelled", exact=True).wait_for()
    assert names(page, "still-") == ["still-a", "still-b"]
    changes.click()
    row(page, "still-c").wait_for()
    assert names(page, "still-") == ["still-b", "still-c", "still-a"]
    instance.submit("true", name="still-d", queue="waiting", tags=["still"])
    page.get_by_role("button", name="1 change", exact=True).wait_for()
    page.mouse.move(5, 5)
    row(page, "still-d").wait_for()


def names(page: "Page", start: str) -> list[str]:
    """The names that begin so, from top to bottom."""
    texts = page.locator("[data-key]").all_inner_texts()
    return [name for text in texts for name in re.findall(rf"{start}\w+", text)[:1]]


def test_a_queue_is_made_paused_changed_and_deleted(state: Visit) -> None:
    page, instance = state.page, state.instance
    page.get_by_role("button", name="New queue").click()
    page.get_by_label("Name").fill("vision")
    page.get_by_label("Tasks at once").fill("many")
    page.get_by_role("button", name="Create queue").click()
    state.expect("400")
    page.get_by_role("dialog").get_by_text("max_running").first.wait_for()
    page.get_by_label("Tasks at once").fill("2")
    page.get_by_role("button", name="Create queue").click()
    lane = page.locator("[data-queue=vision]")
    lane.get_by_text("2 at once").wait_for()
    lane.get_by_role("button", name="Pause queue vision").click()
    lane.get_by_text(f"paused by {instance.get('/api/user')['tenant']}").wait_for()
    assert instance.get("/api/queues/vision")["paused"] is True
    page.get_by_role("button", name="Undo").last.click()
    state.until(lambda: instance.get("/api/queues/vision")["paused"] is False)
    menu(lane, "Edit options")
    page.get_by_label("Default time limit").fill("2h")
    page.get_by_label("Tasks at once").fill("")
    page.get_by_role("button", name="Save").click()
    state.until(lambda: instance.get("/api/queues/vision")["time_limit_s"] == 7200)
    assert instance.get("/api/queues/vision")["max_running"] is None
    menu(lane, "Hold its tasks")
    lane.get_by_text("hold queue").wait_for()
    menu(lane, "Delete queue")
    page.get_by_role("alertdialog").get_by_role("button", name="Delete queue vision").click()
    lane.wait_for(state="detached")
    page.get_by_role("button", name="Undo").last.click()
    lane.wait_for()
    assert instance.get("/api/queues/vision")["time_limit_s"] == 7200
    instance.request("DELETE", "/api/queues/vision")


def menu(lane: "Locator", choice: str) -> None:
    """An entry of a lane's menu."""
    lane.get_by_role("button", name=re.compile("^More about")).click()
    lane.get_by_role("menuitem", name=choice).click()


def test_queues_are_merged_by_dropping_one_on_another_or_by_the_menu(state: Visit) -> None:
    page, instance = state.page, state.instance
    task = park(instance, "merge-me")
    lanes = page.locator("[data-queue=parked]"), page.locator("[data-queue=waiting]")
    lanes[0].get_by_text("1 pending").wait_for()
    lanes[0].drag_to(lanes[1])
    asked = page.get_by_role("alertdialog", name="Merge queue parked into waiting?")
    asked.get_by_text("merge-me").wait_for()
    asked.get_by_role("button", name="Move 1 task to waiting").click()
    state.until(lambda: instance.task(task)["queue"] == "waiting")
    page.get_by_role("button", name="Undo").click()
    state.until(lambda: instance.task(task)["queue"] == PARKED)
    menu(lanes[0], "Merge into")
    page.get_by_label("Queue", exact=True).select_option("waiting")
    page.get_by_role("button", name="Merge into waiting").click()
    asked.get_by_role("button", name="Move 1 task to waiting").click()
    state.until(lambda: instance.task(task)["queue"] == "waiting")


def test_a_queue_that_goes_while_it_is_chosen_is_chosen_no_more(state: Visit) -> None:
    page, instance = state.page, state.instance
    instance.post("/api/queues", {"name": "fleeting"})
    menu(page.locator(f"[data-queue={PARKED}]"), "Merge into")
    page.get_by_label("Queue", exact=True).select_option("fleeting")
    page.get_by_role("button", name="Merge into fleeting").wait_for()
    instance.request("DELETE", "/api/queues/fleeting")
    page.get_by_role("button", name="Merge into running").wait_for()
    page.keyboard.press("Escape")


def test_a_lane_filters_by_its_queue(state: Visit) -> None:
    park(state.instance, "in-lane")
    state.instance.submit("true", name="elsewhere", queue="waiting")
    row(state.page, "elsewhere").wait_for()
    state.page.get_by_role("button", name=f"Show the tasks of queue {PARKED}").click()
    row(state.page, "elsewhere").wait_for(state="detached")
    row(state.page, "in-lane").wait_for()


def test_a_running_configuration_is_a_lane_that_can_be_stopped(state: Visit) -> None:
    page, instance = state.page, state.instance
    text = "1\nsleep 300\n1\n"
    made = instance.post("/api/commands/single/new", {"content": text, "name": "sweep.txt"})
    started = instance.post(f"/api/scheduler/single/start?config_index={made['config_index']}")
    card = page.locator(f"[data-run='{started['pid']}']")
    card.get_by_text("0 of 1 done ·").wait_for()
    card.get_by_role("button", name="Stop").click()
    page.get_by_role("alertdialog").get_by_role("button", name=re.compile("^Stop and end")).click()
    card.wait_for(state="detached")
    assert instance.get("/api/scheduler/running")["schedulers"] == []


def test_a_viewer_sees_why_nothing_can_be_done(browser: "Browser", parked: Box) -> None:
    names = [tenant["name"] for tenant in parked.get("/api/tenants")]
    if "guest" not in names:
        parked.post("/api/tenants", {"name": "guest", "role": "viewer"})
    parked.post(
        "/api/tasks", {"name": "guests", "command": "true", "tenant": "guest", "queue": "waiting", "workdir": "/tmp"}
    )
    token = parked.post("/api/tokens", {"tenant": "guest"})["token"]
    with visit(browser, parked) as visitor:
        visitor.enter("/ui/state", As(parked, token))
        page = visitor.page
        select(page, "guests")
        button = page.get_by_role("toolbar").get_by_role("button", name="Kill")
        assert button.is_disabled()
        assert button.get_attribute("title") == "Your account may only look"
        assert page.get_by_role("button", name="Pause queue running").is_disabled()
        assert page.get_by_role("button", name="New queue").count() == 0


@pytest.mark.parametrize(("theme", "language", "width"), [("light", "en", WIDE), ("dark", "zh", NARROW)])
def test_it_can_be_read_in_each_look(browser: "Browser", parked: Box, theme: str, language: str, width: int) -> None:
    park(parked, "looked-at")
    with visit(browser, parked, theme=theme, language=language, width=width) as visitor:
        visitor.enter("/ui/state")
        row(visitor.page, "looked-at").first.wait_for()
        assert visitor.width_of_content() <= width
        assert visitor.violations() == []


def test_axe_finds_nothing_with_selection_and_menu_open(state: Visit) -> None:
    park(state.instance, "axe-me")
    select(state.page, "axe-me")
    state.page.locator("[data-queue=running]").get_by_role("button", name=re.compile("^More about")).click()
    assert state.violations() == []
