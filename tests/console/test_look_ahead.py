"""The rule page's look ahead, in a real browser: when what waits will start, also under rules that are not saved."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from gavelq.testing.waiting import wait_until
from tests.support.browser import NARROW, Visit, visit
from tests.support.daemon import Box
from tests.support.tenants import As

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, Route

ONE_CARD = "rules:\n  max_gpu: 1\n"
FIFO = 1
"""Where it stands among the policies."""
WAITING = (("next", "10m"), ("long", "5h"), ("short", "1m"))
"""Behind a task of ten minutes on the only card: by size the short one goes first, in order the long one."""


@pytest.fixture(scope="module")
def queue(instance: Box) -> dict[str, int]:
    """Tasks by their names; all but the first wait as long as the module's daemon lives."""
    (instance.home / "config.yaml").write_text(ONE_CARD)
    instance.post("/api/config/reload")
    tasks = {"first": instance.submit("sleep 1000", name="first", time_limit="10m")}
    instance.wait(tasks["first"], "running")
    for name, limit in WAITING:
        tasks[name] = instance.submit("true", name=name, time_limit=limit)
    wait_until(lambda: instance.task(tasks["next"])["expected_start_at"] is not None, 60, "it has its reservation")
    return tasks


@pytest.fixture
def rules(visitor: Visit, queue: dict[str, int]) -> Iterator[Visit]:
    """An admin on the page; the tasks wait."""
    visitor.goto("/ui/rule")
    visitor.page.get_by_text("Valid", exact=True).wait_for()
    yield visitor
    waiting = {task["id"] for task in visitor.instance.get("/api/tasks?state=pending")}
    for task_id in waiting - set(queue.values()):
        visitor.instance.post(f"/api/tasks/{task_id}/kill")
    assert {queue[name] for name, _ in WAITING} <= waiting, "looking changes nothing"


def ahead(page: "Page") -> "Locator":
    """Where one looks ahead."""
    return page.get_by_role("region", name="Look ahead")


def names(page: "Page") -> list[str]:
    """The tasks of the answer, in its order."""
    return ahead(page).locator("tbody th .name").all_inner_texts()


def test_without_changes_it_tells_when_what_waits_will_start(rules: Visit) -> None:
    page = rules.page
    assert ahead(page).get_by_role("table").count() == 0, "nothing is asked before somebody wants it"
    ahead(page).get_by_role("button", name="Look ahead").click()
    ahead(page).get_by_text("3 of 3 start").wait_for()
    assert names(page) == ["next", "short", "long"]
    ahead(page).get_by_text("Run times: 3 by time limit.").wait_for()
    ahead(page).get_by_text("1 GPU, runs 5 h (limit)").wait_for()
    assert ahead(page).get_by_text("With the changes", exact=True).count() == 0


def test_changed_rules_stand_beside_those_in_force_and_an_answer_about_others_says_so(rules: Visit) -> None:
    page = rules.page
    page.locator('[data-rule="scheduling.policy"] select').select_option(index=FIFO)
    page.get_by_text("1 change not saved").wait_for()
    ahead(page).get_by_role("button", name="Look ahead").click()
    for count in ("1 earlier", "1 later", "1 the same"):
        ahead(page).get_by_text(count, exact=True).wait_for()
    assert names(page) == ["short", "long", "next"], "those first that differ most"
    rows = ahead(page).get_by_role("row")
    rows.filter(has_text="short").get_by_text("5 h later").wait_for()
    rows.filter(has_text="long").get_by_text("1 min earlier").wait_for()
    assert rules.instance.get("/api/settings")["scheduling.policy"]["value"] == "fair"
    page.get_by_role("button", name="Discard").click()
    ahead(page).get_by_text("This answer is about earlier rules").wait_for()
    ahead(page).get_by_text("1 earlier", exact=True).wait_for()
    ahead(page).get_by_role("button", name="Look ahead again").click()
    ahead(page).get_by_text("This answer is about earlier rules").wait_for(state="hidden")
    assert names(page) == ["next", "short", "long"]


def test_what_a_look_ahead_does_not_go_by_is_left_out_when_one_says_so(rules: Visit) -> None:
    page = rules.page
    rules.expect("400")
    page.locator('[data-rule="retry.retries"]').get_by_role("textbox").fill("3")
    page.get_by_role("textbox", name="At most", exact=True).fill("2")
    page.get_by_text("2 changes not saved").wait_for()
    ahead(page).get_by_role("button", name="Look ahead").click()
    ahead(page).get_by_text("A look ahead does not go by retry.retries").wait_for()
    ahead(page).get_by_role("button", name="Leave it out").press("Enter")
    ahead(page).get_by_text("Left out, because a look ahead does not go by it: retry.retries.").wait_for()
    ahead(page).get_by_text("3 earlier", exact=True).wait_for()
    page.get_by_role("button", name="Discard").click()


def test_the_fields_say_what_they_want_and_enter_asks(rules: Visit, queue: dict[str, int]) -> None:
    page = rules.page
    rules.expect("400")
    hours, assume = ahead(page).get_by_label("Hours ahead"), ahead(page).get_by_label("Run time if unknown")
    rules.instance.submit("true", name="unknown")
    hours.fill("1000")
    ahead(page).get_by_text("A whole number from 1 to 720").wait_for()
    hours.fill("48")
    assume.fill("2 moons")
    assume.press("Enter")
    ahead(page).get_by_text("A time such as 90m, 2h or 1d").wait_for()
    assume.fill("2h")
    assume.press("Enter")
    ahead(page).get_by_text("1 assumed (2 h)").wait_for()
    ahead(page).get_by_text("4 of 4 start").wait_for()
    assume.fill("")
    ahead(page).get_by_text("The fields above are different by now").wait_for()


def test_the_page_is_of_use_while_it_computes_and_the_answer_waits_there(rules: Visit, queue: dict[str, int]) -> None:
    page = rules.page
    held: list[Route] = []

    def hold(route: "Route") -> None:
        held.append(route)

    page.route("**/api/simulate", hold)
    ask = ahead(page).get_by_role("button", name="Look ahead")
    ask.click()
    ahead(page).get_by_text("the page can be used meanwhile").wait_for()
    ask.click(force=True)
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("heading", name="Doctor").wait_for()
    rules.until(lambda: held)
    assert len(held) == 1, "one question at a time"
    answer = held[0].fetch()
    told = answer.json()
    told["summary"]["is_whole"] = False
    told["tasks"] = [{**told["tasks"][0], "task_id": 1000 + n, "name": f"t{n}"} for n in range(10)]
    held[0].fulfill(response=answer, body=json.dumps(told))
    page.get_by_role("link", name="Rules").first.click()
    ahead(page).get_by_text("the forecast ends before its time").wait_for()
    assert len(names(page)) == 8
    ahead(page).get_by_role("button", name="Show 2 more").press("Enter")
    assert names(page)[-1] == "t9"
    assert page.evaluate("document.activeElement.textContent") == "#1008"


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (429, "simulation_running", "Ask again in a few seconds"),
        (500, "simulation_failed", "Look fewer hours ahead"),
        (422, "limit_reached", "Too many tasks"),
    ],
)
def test_a_refusal_says_what_to_do(rules: Visit, status: int, code: str, said: str) -> None:
    page = rules.page
    rules.expect(str(status))
    problem = {"code": code, "status": status, "title": code, "detail": "no", "hint": "", "details": {}}
    page.route("**/api/simulate", lambda route: route.fulfill(status=status, body=json.dumps(problem)))
    ahead(page).get_by_role("button", name="Look ahead").click()
    ahead(page).get_by_role("alert").get_by_text(said).wait_for()
    page.unroute_all()
    ahead(page).get_by_role("button", name="Look ahead").click()
    ahead(page).get_by_text("3 of 3 start").wait_for()
    assert ahead(page).get_by_role("alert").count() == 0


def test_a_tenant_looks_ahead_for_its_own_tasks_and_a_viewer_does_not(browser: "Browser", instance: Box,
                                                                     queue: dict[str, int]) -> None:  # fmt: skip
    instance.post("/api/tenants", {"name": "jonas"})
    scopes = {name: instance.post("/api/tokens", {"tenant": "jonas", "name": name, "scopes": [name]})["token"]
              for name in ("submit", "read")}  # fmt: skip
    own = As(instance, scopes["submit"]).post(
        "/api/tasks", {"command": ["true"], "name": "his", "workdir": "/tmp", "time_limit": "1h"}
    )["id"]
    with visit(browser, instance) as visitor:
        visitor.enter("/ui/rule", As(instance, scopes["submit"]))
        ahead(visitor.page).get_by_role("button", name="Look ahead").click()
        ahead(visitor.page).get_by_text("1 of 1 start").wait_for()
        found = names(visitor.page)
        instance.post(f"/api/tasks/{own}/kill")
        assert found == ["his"]
        assert visitor.violations() == []
        visitor.enter("/ui/rule", As(instance, scopes["read"]))
        visitor.page.get_by_text("jonas may not look at the configuration").wait_for()
        assert ahead(visitor.page).count() == 0


def test_it_can_be_read_in_the_dark_on_a_phone_in_chinese(browser: "Browser", instance: Box,
                                                         queue: dict[str, int]) -> None:  # fmt: skip
    with visit(browser, instance, theme="dark", language="zh", width=NARROW) as visitor:
        visitor.enter("/ui/rule")
        page = visitor.page
        page.locator('[data-rule="scheduling.policy"] select').select_option(index=FIFO)
        region = page.get_by_role("region", name="预测", exact=True)
        region.get_by_role("button", name="预测").click()
        region.get_by_text("1 个推迟").wait_for()
        region.get_by_label("未知时长按").fill("3h")
        region.get_by_text("已过时").wait_for()
        assert visitor.width_of_content() <= NARROW
        assert visitor.violations() == []
