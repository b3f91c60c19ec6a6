"""The drawer of one task, in a real browser: why it waits or ended, its log, and everything that can be done to it."""

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gavelq.testing.waiting import wait_until
from tests.support.browser import MOMENT, NARROW, WIDE, Visit, visit
from tests.support.daemon import Box, box
from tests.support.tenants import tenant

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

SIMTASK = f"{sys.executable} -m gavelq.testing.simtask"
SLEEP = f"{SIMTASK} --vram 4G --util 50 --hold 600"
N_LINES = 100_000


@pytest.fixture(scope="module")
def instance(stranger: int) -> Iterator[Box]:
    """GPU 0 and 1 busy, 2 a stranger's, 3 a queue's; one task waits for two cards, others have ended."""
    with box(listen="127.0.0.1:0") as started:
        started.post("/api/queues", {"name": "vision"})
        started.post("/api/queues", {"name": "nightly", "paused": True})
        started.post("/api/gpus/allocate", {"queue": "vision", "gpus": ["3"]})
        faults = started.home / "state" / "simulated" / "faults.json"
        faults.write_text(json.dumps({"foreign": {"2": {"mib": 23000, "pid": stranger}}}))
        wait_until(lambda: started.get("/api/gpus/2")["state"] == "foreign", 60, "the stranger is seen")
        for name, card in (("train", "0"), ("bench", "1")):
            made = started.submit(SLEEP, name=name, gpu_ids=[card], memory="5G", time_limit="2h")
            started.wait(made, "running")
        started.submit("true", name="waits", gpu_count=2, memory="8G", time_limit="1h")
        yield started


def task_id(instance: Box, name: str) -> int:
    """The newest task of a name."""
    return max(int(task["id"]) for task in instance.get("/api/tasks") if task["name"] == name)


def opened(visitor: Visit, number: int, tab: str = "why") -> "Locator":
    """The drawer of a task."""
    visitor.goto(f"/ui/state/{number}?tab={tab}")
    drawer = visitor.page.get_by_role("complementary")
    drawer.get_by_role("tabpanel").wait_for()
    return drawer


def pending(instance: Box, **fields: Any) -> int:
    """A task that waits for both busy cards."""
    return instance.submit("true", gpu_ids=["0", "1"], **fields)


# --- why ---------------------------------------------------------------------------------------------------


def test_a_wait_is_told_with_its_start_its_gates_and_every_card(visitor: Visit, instance: Box, stranger: int) -> None:
    drawer = opened(visitor, task_id(instance, "waits"))
    drawer.get_by_role("heading", name=re.compile(rf"Starts about {MOMENT} on GPU 0 and 1")).wait_for()
    drawer.get_by_text(re.compile("First of 1 in the order")).wait_for()
    drawer.get_by_text("0 of 2 fit now").wait_for()
    cards = drawer.get_by_role("list", name="GPUs one by one")
    train = task_id(instance, "train")
    cards.get_by_role("listitem").nth(0).get_by_text(re.compile(rf"#{train} .*until {MOMENT}")).wait_for()
    cards.get_by_role("listitem").nth(2).get_by_text(re.compile(f"pid {stranger}")).wait_for()
    cards.get_by_role("listitem").nth(3).get_by_text("owned by queue vision").wait_for()


def test_what_would_help_is_done_by_a_button_and_undone(visitor: Visit, instance: Box) -> None:
    number = instance.submit("sleep 600", name="narrower", gpu_ids=["0"], memory="5G", hold=True)
    instance.request("PATCH", f"/api/tasks/{number}", {"gpu_ids": None, "gpu_count": 1, "hold": None})
    drawer = opened(visitor, number)
    drawer.get_by_text("In queue vision").wait_for()
    drawer.get_by_role("button", name="Move to vision").click()
    visitor.page.get_by_text(f"#{number} changed").wait_for()
    assert instance.wait(number, "running")["queue"] == "vision"
    drawer.get_by_role("heading", name=re.compile("Running on GPU 3 since")).wait_for()
    instance.post(f"/api/tasks/{number}/kill")
    instance.wait(number)


def test_a_message_to_a_stranger_is_copied(visitor: Visit, instance: Box, stranger: int) -> None:
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    number = task_id(instance, "waits")
    drawer = opened(visitor, number)
    drawer.get_by_text(re.compile(f"ends pid {stranger} on GPU 2")).wait_for()
    drawer.get_by_role("button", name="Copy message").click()
    drawer.get_by_role("button", name="Copied").wait_for()
    text = visitor.page.evaluate("navigator.clipboard.readText()")
    assert f"pid {stranger}" in text
    assert f"task #{number} waits" in text


def test_a_paused_queue_is_resumed_from_the_task_that_waits_for_it(visitor: Visit, instance: Box) -> None:
    number = instance.submit("sleep 600", name="night", queue="nightly", gpu_count=0)
    drawer = opened(visitor, number)
    drawer.get_by_role("button", name="Resume queue nightly").click()
    instance.wait(number, "running")
    instance.request("PATCH", "/api/queues/nightly", {"paused": True})
    instance.post(f"/api/tasks/{number}/kill")


def test_a_start_time_is_given_up(visitor: Visit, instance: Box) -> None:
    number = instance.submit("true", name="later", gpu_count=0, not_before="+2h")
    drawer = opened(visitor, number)
    drawer.get_by_text("Start without waiting for its time").wait_for()
    drawer.get_by_role("button", name="Do that").click()
    instance.wait(number, "completed")
    drawer.get_by_role("heading", name="Completed").wait_for()


def test_an_end_tells_the_evidence_and_what_to_do(visitor: Visit, instance: Box) -> None:
    number = instance.submit("echo first; echo 'ValueError: bad shape'; exit 3", name="fails", gpu_count=0)
    instance.wait(number)
    drawer = opened(visitor, number)
    drawer.get_by_role("heading", name="Failed: Exit code 3").wait_for()
    drawer.get_by_text("ValueError: bad shape").wait_for()
    drawer.get_by_text(re.compile("Its own program failed")).wait_for()
    drawer.get_by_role("button", name="Open the log").click()
    drawer.get_by_role("region", name=f"Log of #{number}").get_by_text("first").wait_for()


def test_a_task_out_of_memory_is_run_again_with_more(visitor: Visit, instance: Box) -> None:
    number = instance.submit(f"{SIMTASK} --vram 30G --hold 1", name="large", gpu_ids=["3"], memory="4G", queue="vision")
    assert instance.wait(number)["end_reason"] == "out_of_memory_gpu"
    drawer = opened(visitor, number)
    drawer.get_by_role("button", name="Run again with 6 GiB").click()
    form = visitor.page.get_by_role("dialog")
    assert form.get_by_label("Memory per GPU, GiB", exact=True).input_value() == "6"
    form.get_by_role("button", name="Run again").click()
    visitor.page.wait_for_url(re.compile(rf"/ui/state/(?!{number}\b)"))
    again = task_id(instance, "large")
    assert instance.task(again)["memory_mib"] == 6144
    instance.wait(again)


# --- what can be done --------------------------------------------------------------------------------------


def test_a_waiting_task_is_held_released_and_gets_another_priority(visitor: Visit, instance: Box) -> None:
    number = pending(instance, name="acts")
    drawer = opened(visitor, number)
    drawer.get_by_role("button", name="Hold", exact=True).click()
    drawer.get_by_text("Held", exact=True).wait_for()
    assert instance.state(number) == "held"
    drawer.get_by_role("button", name="Release").first.click()
    drawer.get_by_text("Pending", exact=True).wait_for()
    drawer.get_by_role("button", name="Priority").click()
    form = visitor.page.get_by_role("dialog")
    form.get_by_label("Priority", exact=True).fill("300")
    assert form.get_by_role("button", name="Priority").is_disabled()
    form.get_by_label("Priority", exact=True).fill("40")
    form.get_by_role("button", name="Priority").click()
    drawer.get_by_text(re.compile("priority 40")).wait_for()
    assert instance.task(number)["priority"] == 40
    drawer.get_by_role("button", name="More").click()
    drawer.get_by_role("menuitem", name="Move to queue vision").click()
    wait_until(lambda: instance.task(number)["queue"] == "vision", 60, "the task is in the other queue")
    drawer.get_by_text(re.compile("queue vision")).first.wait_for()
    instance.post(f"/api/tasks/{number}/kill")


def test_cancelling_names_the_task_and_asks_first(visitor: Visit, instance: Box) -> None:
    number = pending(instance, name="unwanted")
    drawer = opened(visitor, number)
    drawer.get_by_role("button", name="Cancel").click()
    question = visitor.page.get_by_role("alertdialog")
    question.get_by_role("button", name="Keep it").click()
    assert instance.state(number) == "pending"
    drawer.get_by_role("button", name="Cancel").click()
    question.get_by_role("button", name=f"Kill #{number} unwanted").click()
    drawer.get_by_text("Cancelled", exact=True).wait_for()
    assert instance.state(number) == "cancelled"


def test_a_request_is_edited_and_a_refusal_stands_at_its_field(visitor: Visit, instance: Box) -> None:
    visitor.expect("400", "422")
    number = pending(instance, name="edited")
    drawer = opened(visitor, number)
    drawer.get_by_role("button", name="Edit request").click()
    form = visitor.page.get_by_role("dialog", name=f"Edit task #{number}")
    form.get_by_label("Time limit", exact=True).fill("soon")
    form.get_by_role("button", name="Save").click()
    form.get_by_label("Time limit", exact=True).and_(visitor.page.locator("[aria-invalid=true]")).wait_for()
    form.get_by_label("Time limit", exact=True).fill("90m")
    form.get_by_label("Memory per GPU, GiB", exact=True).fill("7")
    form.get_by_role("button", name="Save").click()
    visitor.page.get_by_text(f"#{number} changed").wait_for()
    assert (instance.task(number)["time_limit_s"], instance.task(number)["memory_mib"]) == (5400, 7168)
    visitor.page.get_by_role("button", name="Undo").click()
    wait_until(lambda: instance.task(number)["time_limit_s"] is None, 60, "the edit is taken back")
    assert instance.task(number)["memory_mib"] is None
    instance.post(f"/api/tasks/{number}/kill")


def test_an_edit_that_was_overtaken_is_made_on_top_of_the_other(visitor: Visit, instance: Box) -> None:
    visitor.expect("412")
    number = pending(instance, name="overtaken")
    opened(visitor, number).get_by_role("button", name="Edit request").click()
    form = visitor.page.get_by_role("dialog", name=f"Edit task #{number}")
    form.get_by_label("Time limit", exact=True).fill("90m")
    instance.post(f"/api/tasks/{number}/priority", {"priority": 9})
    form.get_by_role("button", name="Save").click()
    form.get_by_text("It was changed meanwhile").wait_for()
    assert form.get_by_label("Priority", exact=True).input_value() == "9"
    form.get_by_role("button", name="Save").click()
    visitor.page.get_by_text(f"#{number} changed").wait_for()
    assert (instance.task(number)["time_limit_s"], instance.task(number)["priority"]) == (5400, 9)
    instance.post(f"/api/tasks/{number}/kill")


def test_a_running_task_gets_a_signal(visitor: Visit, instance: Box) -> None:
    command = "trap 'echo saved' USR1; echo ready; while :; do sleep 0.1; done"
    number = instance.submit(command, name="saves", gpu_count=0)
    instance.wait_log(number, "ready")
    drawer = opened(visitor, number, "log")
    drawer.get_by_role("button", name="More").click()
    drawer.get_by_role("menuitem", name="Send USR1").click()
    drawer.get_by_role("region", name=f"Log of #{number}").get_by_text("saved").wait_for()
    drawer.get_by_role("button", name="End").click()
    visitor.page.get_by_role("alertdialog").get_by_role("button", name=f"Kill #{number} saves").click()
    instance.wait(number, "cancelled")


def test_a_lease_is_given_back(visitor: Visit, instance: Box) -> None:
    asked = {"lease": True, "pid": os.getpid(), "gpu_ids": ["3"], "queue": "vision", "name": "notebook"}
    number = int(instance.post("/api/tasks", asked)["id"])
    instance.wait(number, "running")
    drawer = opened(visitor, number)
    drawer.get_by_role("button", name="Give back").click()
    visitor.page.get_by_role("alertdialog").get_by_role("button", name="Give back").click()
    assert instance.wait(number)["end_reason"] == "released"


def test_an_ended_task_is_removed_and_the_drawer_closes(visitor: Visit, instance: Box) -> None:
    number = instance.submit("true", name="old", gpu_count=0)
    instance.wait(number)
    drawer = opened(visitor, number)
    visitor.expect(f"404 .*/api/tasks/{number}/")  # it may be asked for just then
    drawer.get_by_role("button", name="More").click()
    drawer.get_by_role("menuitem", name="Remove").click()
    visitor.page.get_by_role("alertdialog").get_by_role("button", name=f"Remove #{number} old").click()
    visitor.page.wait_for_url(re.compile("/ui/state(\\?|$)"))
    assert number not in [task["id"] for task in instance.get("/api/tasks")]


# --- log ---------------------------------------------------------------------------------------------------


def log_of(drawer: "Locator", number: int) -> "Locator":
    """The lines of the log, once they are there."""
    region = drawer.get_by_role("region", name=f"Log of #{number}")
    region.wait_for()
    return region


def test_a_log_is_followed_until_the_reader_scrolls_up(visitor: Visit, instance: Box, tmp_path: Path) -> None:
    go_on = tmp_path / "go"
    more = f"while [ ! -e {go_on} ]; do sleep 0.05; done; seq -f 'more %.0f' 12"
    number = instance.submit(f"seq -f 'line %.0f' 200; {more}; sleep 600", name="follows", gpu_count=0)
    drawer = opened(visitor, number, "log")
    lines = log_of(drawer, number)
    lines.get_by_text("line 200", exact=True).wait_for()
    lines.hover()
    visitor.page.mouse.wheel(0, -1500)
    drawer.get_by_role("button", name="To the end").wait_for()
    go_on.touch()
    drawer.get_by_role("button", name="12 new lines").click()
    lines.get_by_text("more 12", exact=True).wait_for()
    drawer.get_by_role("button", name="To the end").wait_for(state="detached")
    instance.post(f"/api/tasks/{number}/kill")


def test_colours_go_and_progress_bars_show_their_last_state(visitor: Visit, instance: Box) -> None:
    command = r"printf '\033[31mred\033[0m line\n'; for i in 1 2 3; do printf '\r%d of 3' $i; done; echo; echo done"
    number = instance.submit(command, name="bars", gpu_count=0)
    instance.wait(number)
    drawer = opened(visitor, number, "log")
    lines = log_of(drawer, number)
    lines.get_by_text("done", exact=True).wait_for()
    assert lines.locator(".log-text").all_inner_texts() == ["red line", "3 of 3", "done"]
    drawer.get_by_text("3 lines · ended").wait_for()


def test_a_long_log_stays_small_in_the_page_and_is_searched(visitor: Visit, instance: Box, tmp_path: Path) -> None:
    number = instance.submit(f"seq -f 'line %.0f' {N_LINES}; echo Needle here", name="long", gpu_count=0)
    instance.wait(number, timeout_s=30)
    drawer = opened(visitor, number, "log")
    lines = log_of(drawer, number)
    lines.get_by_text("Needle here").wait_for()
    drawer.get_by_text(f"{N_LINES + 1} lines").wait_for()
    assert lines.locator(".log-line").count() < 200
    search = drawer.get_by_label("Find in the log")
    search.fill("line 5000")
    drawer.get_by_text("1 of 11").wait_for()
    lines.get_by_text("5000", exact=True).first.wait_for()
    search.press("Enter")
    drawer.get_by_text("2 of 11").wait_for()
    drawer.get_by_role("button", name="Previous match").click()
    drawer.get_by_text("1 of 11").wait_for()
    search.fill("needle")
    drawer.get_by_text("1 of 1", exact=True).wait_for()
    with visitor.page.expect_download() as coming:
        drawer.get_by_role("button", name="Download").click()
    coming.value.save_as(tmp_path / "log")
    assert (tmp_path / "log").read_bytes().count(b"\n") == N_LINES + 1


def test_long_lines_are_wrapped_on_demand(visitor: Visit, instance: Box) -> None:
    number = instance.submit("printf 'x%.0s' $(seq 600); echo", name="wide", gpu_count=0)
    instance.wait(number)
    drawer = opened(visitor, number, "log")
    lines = log_of(drawer, number)
    assert lines.evaluate("box => box.scrollWidth > box.clientWidth")
    drawer.get_by_label("Wrap").check()
    wait_until(lambda: lines.evaluate("box => box.scrollWidth <= box.clientWidth"), 60, "the line is wrapped")


def test_each_attempt_has_its_log(visitor: Visit, instance: Box) -> None:
    number = instance.submit("echo try $GAVELQ_ATTEMPT; exit 1", name="retries", gpu_count=0, retries=1, backoff="0")
    instance.wait(number)
    drawer = opened(visitor, number, "log")
    log_of(drawer, number).get_by_text("try 2").wait_for()
    drawer.get_by_label("Which log").select_option(label="Attempt 1")
    log_of(drawer, number).get_by_text("try 1").wait_for()


def test_a_bound_log_stands_beside_the_output(visitor: Visit, instance: Box) -> None:
    own = instance.home / "own.log"
    instance.request("PUT", "/api/config", {"logs.roots": [str(instance.home)]})
    instance.post("/api/commands/single/new", {"content": "car\necho output of it\n4\n", "workdir": "/tmp"})
    place = {"mode": "single", "config_index": 0, "queue_id": "car", "process_index": 0}
    instance.post("/api/log/bind", {**place, "log_path": str(own)})
    own.write_text("bound line\n")
    instance.post("/api/scheduler/single/start?config_index=0", {"queue": "vision"})
    number = max(int(task["id"]) for task in instance.get("/api/tasks"))
    instance.wait(number)
    drawer = opened(visitor, number, "log")
    log_of(drawer, number).get_by_text("output of it").wait_for()
    drawer.get_by_label("Which log").select_option(label=f"Bound: {own}")
    log_of(drawer, number).get_by_text("bound line").wait_for()


# --- the other tabs ----------------------------------------------------------------------------------------


def test_charts_show_what_was_used_beside_what_was_asked_for(visitor: Visit, instance: Box) -> None:
    drawer = opened(visitor, task_id(instance, "train"), "charts")
    drawer.get_by_role("heading", name="GPU memory").or_(drawer.get_by_text("GPU memory")).first.wait_for()
    cursor = drawer.get_by_role("slider")
    wait_until(lambda: _at_end(cursor) is not None, 60, "memory was measured")
    drawer.get_by_role("button", name="Last 15 min").click()
    drawer.get_by_role("list", name="Attempts").get_by_role("listitem").wait_for()


def _at_end(cursor: "Locator") -> re.Match[str] | None:
    cursor.focus()
    cursor.press("End")
    return re.search(r"task 4\.0 GiB", cursor.get_attribute("aria-valuetext") or "")


def test_command_and_history_tell_what_was_asked_for_and_what_happened(visitor: Visit, instance: Box) -> None:
    first = task_id(instance, "train")
    number = instance.submit(
        "echo 'a b'", name="told", gpu_count=0, after=[first], tags=["paper"], env_dropped=["HF_TOKEN"], priority=7,
        env={"LEARNING_RATE": "zq7", "PATH": os.environ["PATH"]},
    )  # fmt: skip
    drawer = opened(visitor, number)
    visitor.page.keyboard.press("4")
    drawer.get_by_text("HF_TOKEN").wait_for()
    drawer.get_by_text("LEARNING_RATE").wait_for()
    assert "zq7" not in drawer.inner_text()
    line = drawer.get_by_text(re.compile("^gavelq submit")).inner_text()
    assert line == rf"gavelq submit -n told -w /tmp -q running -c 0 -p 7 --after {first} --tag paper 'echo '\''a b'\'''"
    visitor.page.keyboard.press("5")
    drawer.get_by_text("waits until it completes").wait_for()
    drawer.get_by_text("Submitted", exact=True).wait_for()
    drawer.get_by_role("link", name=f"#{first}").click()
    visitor.page.wait_for_url(re.compile(f"/ui/state/{first}"))
    instance.post(f"/api/tasks/{number}/kill")


def test_an_attempt_tells_its_cards_its_peak_and_its_end(visitor: Visit, instance: Box) -> None:
    number = instance.submit(f"{SIMTASK} --vram 3G --hold 1; exit 4", name="tried", gpu_ids=["3"], queue="vision")
    instance.wait(number)
    drawer = opened(visitor, number, "attempts")
    table = drawer.get_by_role("table")
    table.get_by_text("exit 4").wait_for()
    table.get_by_role("cell", name="3.0").wait_for()


# --- who looks, and how ------------------------------------------------------------------------------------


def test_a_viewer_sees_no_button_that_would_be_refused(browser: "Browser", instance: Box) -> None:
    mei = tenant(instance, "mei", role="viewer")
    number = instance.submit("true", name="theirs", tenant="mei", gpu_ids=["0", "1"])
    with visit(browser, instance) as visitor:
        visitor.enter("/ui/state", mei)
        drawer = opened(visitor, number)
        hold = drawer.get_by_role("button", name="Hold", exact=True)
        hold.wait_for()
        assert hold.is_disabled()
        assert hold.get_attribute("title") == "Your account may only look"
    instance.post(f"/api/tasks/{number}/kill")


def test_a_task_that_is_not_there_is_told(visitor: Visit) -> None:
    visitor.expect("404")
    visitor.goto("/ui/state/4711")
    visitor.page.get_by_role("heading", name="There is no task #4711").wait_for()
    visitor.page.get_by_role("complementary").get_by_role("button", name="Close").click()
    visitor.page.wait_for_url(re.compile("/ui/state$"))


@pytest.mark.parametrize(("theme", "language", "width"), [("light", "en", WIDE), ("dark", "zh", NARROW)])
def test_everybody_can_read_it(browser: "Browser", instance: Box, theme: str, language: str, width: int) -> None:
    with visit(browser, instance, theme=theme, language=language, width=width) as visitor:
        visitor.enter()
        number = task_id(instance, "waits")
        drawer = opened(visitor, number)
        drawer.get_by_text({"en": "What stands in the way", "zh": "阻塞原因"}[language]).wait_for()
        assert visitor.width_of_content() <= width
        assert visitor.violations(within="aside") == []
        drawer = opened(visitor, task_id(instance, "train"), "log")
        for tab in drawer.get_by_role("tab").all()[1:]:
            tab.click()
            drawer.get_by_role("tabpanel", name=tab.inner_text()).wait_for()
            assert visitor.width_of_content() <= width
            assert visitor.violations(within="aside") == [], tab.inner_text()


def test_the_page_under_it_stays_usable(page: "Page", instance: Box) -> None:
    page.goto(page.url.replace("/gpu", f"/state/{task_id(instance, 'waits')}"))
    drawer = page.get_by_role("complementary")
    drawer.get_by_role("tab", name="Why").press("ArrowRight")
    page.wait_for_url(re.compile("tab=log"))
    page.keyboard.press("Escape")
    drawer.wait_for(state="detached")
