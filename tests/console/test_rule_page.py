"""The page of scheduling rules, in a real browser."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from gavelq.testing.waiting import wait_until
from tests.support.browser import NARROW, WIDE, Visit, visit
from tests.support.daemon import Box
from tests.support.tenants import As

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

FILE = "# the lab machine\nrules:\n  max_gpu: 1  # guests have the others\n"


@pytest.fixture
def rules(visitor: Visit) -> Iterator[Visit]:
    """An admin on the page; one card may be used, by the file."""
    instance = visitor.instance
    (instance.home / "config.yaml").write_text(FILE)
    instance.post("/api/config/reload")
    visitor.goto("/ui/rule")
    visitor.page.get_by_text("Valid", exact=True).wait_for()
    yield visitor
    for task in instance.get("/api/tasks?state=pending&state=running&state=starting"):
        instance.post(f"/api/tasks/{task['id']}/kill")


def row(visitor: Visit, name: str) -> "Locator":
    """The row of a rule."""
    return visitor.page.locator(f'[data-rule="{name}"]')


def file_of(visitor: Visit) -> str:
    """The configuration file as it is."""
    return (visitor.instance.home / "config.yaml").read_text()


def value(visitor: Visit, name: str) -> Any:
    """What the daemon works with."""
    return visitor.instance.get("/api/settings")[name]["value"]


def test_changes_are_shown_as_lines_of_the_file_and_saved_together(rules: Visit) -> None:
    page = rules.page
    row(rules, "rules.max_gpu").get_by_text("config.yaml").wait_for()
    assert page.get_by_text("that this page has no words for").count() == 0
    page.get_by_role("textbox", name="At most", exact=True).fill("3")
    page.get_by_role("switch", name="Share cards").click()
    page.get_by_text("2 changes not saved").wait_for()
    lines = page.get_by_label(re.compile("config.yaml$"))
    lines.get_by_text("max_gpu: 3").wait_for()
    lines.get_by_text("max_gpu: 1").wait_for()
    lines.get_by_text("# guests have the others").first.wait_for()
    assert file_of(rules) == FILE
    page.get_by_role("button", name="Save 2 changes").click()
    page.get_by_text("Saved: rules.max_gpu, rules.maximize_resource_utilization").wait_for()
    assert (value(rules, "rules.max_gpu"), value(rules, "rules.maximize_resource_utilization")) == (3, True)
    assert "max_gpu: 3  # guests have the others" in file_of(rules)


def test_nothing_is_saved_while_a_value_is_wrong_and_its_field_says_why(rules: Visit) -> None:
    page = rules.page
    rules.expect("400")
    page.get_by_role("textbox", name="At most", exact=True).fill("many")
    page.get_by_role("textbox", name="At least", exact=True).fill("2")
    row(rules, "rules.max_gpu").get_by_text("'many' is not a whole number").wait_for()
    save = page.get_by_role("button", name="Save 2 changes")
    assert save.is_disabled()
    assert save.get_attribute("title") == "A value is refused"
    page.get_by_role("textbox", name="At most", exact=True).fill("2")
    page.get_by_text("Valid", exact=True).wait_for()
    save.click()
    page.get_by_text(re.compile("^Saved: ")).wait_for()
    assert (value(rules, "rules.max_gpu"), value(rules, "rules.min_gpu")) == (2, 2)


def test_the_default_is_one_button_away_and_discarding_forgets(rules: Visit) -> None:
    page = rules.page
    page.get_by_role("button", name="Use the default of rules.max_gpu").click()
    row(rules, "rules.max_gpu").get_by_text("changed").wait_for()
    page.get_by_role("button", name="Discard").click()
    row(rules, "rules.max_gpu").get_by_text("config.yaml").wait_for()
    page.get_by_role("button", name="Use the default of rules.max_gpu").click()
    page.get_by_role("button", name="Save 1 change").click()
    page.get_by_text("Saved: rules.max_gpu").wait_for()
    assert value(rules, "rules.max_gpu") is None
    assert "max_gpu" not in file_of(rules)


def test_trying_tells_what_would_start_and_starts_nothing(rules: Visit) -> None:
    page, instance = rules.page, rules.instance
    instance.wait(instance.submit("sleep 300", name="first", gpu_count=1), "running")
    waits = instance.submit("sleep 300", name="second", gpu_count=1)
    page.get_by_role("textbox", name="At most", exact=True).fill("2")
    tried = page.get_by_role("region", name="Try it")
    tried.get_by_text("1 task starts").wait_for()
    tried.get_by_role("listitem").filter(has_text="second").get_by_text("starts now on GPU").wait_for()
    tried.get_by_text("0 tasks start").wait_for()
    assert instance.state(waits) == "pending"
    page.get_by_role("button", name="Save 1 change").click()
    instance.wait(waits, "running")


def test_cards_are_chosen_by_their_chips(rules: Visit) -> None:
    page = rules.page
    page.get_by_role("button", name="GPU 3").click()
    page.get_by_role("button", name="GPU 2").press("Enter")
    page.get_by_text("1 change not saved").wait_for()
    page.get_by_role("button", name="Save 1 change").click()
    page.get_by_text("Saved: rules.compete_gpus").wait_for()
    assert value(rules, "rules.compete_gpus") == [0, 1]
    for card in "23":
        page.get_by_role("button", name=f"GPU {card}").click()
    page.get_by_role("button", name="Save 1 change").click()
    wait_until(lambda: value(rules, "rules.compete_gpus") == [], 60, "all cards may be used")


def test_a_change_is_looked_at_and_undone(rules: Visit) -> None:
    page, instance = rules.page, rules.instance
    instance.request("PUT", "/api/config", {"rules.backoff_duration": 300})
    number = instance.get("/api/config/history")[-1]["number"]
    page.get_by_role("button", name=f"Diff {number}").click()
    change = page.get_by_role("listitem").filter(has=page.get_by_role("button", name=f"Undo {number}"))
    change.get_by_text("+ rules.backoff_duration: 300").wait_for()
    page.get_by_role("button", name=f"Undo {number}").click()
    page.get_by_text(f"undone by {number + 1}").wait_for()
    assert value(rules, "rules.backoff_duration") == 600
    assert page.get_by_role("button", name=f"Undo {number}", exact=True).is_disabled()


def test_what_was_saved_can_be_undone_at_once(rules: Visit) -> None:
    page = rules.page
    page.get_by_role("textbox", name="Pause", exact=True).fill("42")
    page.get_by_role("button", name="Save 1 change").click()
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    page.get_by_text("Undone", exact=True).wait_for()
    assert value(rules, "rules.backoff_duration") == 600


def test_a_file_that_somebody_else_changed_meanwhile_is_not_written_over(rules: Visit) -> None:
    page, instance = rules.page, rules.instance
    page.get_by_role("textbox", name="At least", exact=True).fill("3")
    page.get_by_text("1 change not saved").wait_for()
    (instance.home / "config.yaml").write_text(FILE + "  gpu_left: 1\n")
    rules.expect("412")
    page.get_by_role("button", name="Save 1 change").click()
    page.get_by_text(re.compile("changed meanwhile|another version|by now", re.I)).first.wait_for()
    assert value(rules, "rules.min_gpu") == 0
    page.get_by_text("gpu_left: 1").wait_for()
    page.get_by_role("button", name="Save 1 change").click()
    page.get_by_text("Saved: rules.min_gpu").wait_for()
    assert "gpu_left: 1" in file_of(rules)


def test_changes_outlive_a_look_at_another_page_and_a_reload(rules: Visit) -> None:
    page = rules.page
    page.get_by_role("textbox", name="Leave for others").fill("2")
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("heading", name="Doctor").wait_for()
    page.get_by_role("link", name="Rules").first.click()
    page.get_by_text("1 change not saved").wait_for()
    assert page.get_by_role("textbox", name="Leave for others").input_value() == "2"
    page.reload()
    page.get_by_text("1 change not saved").wait_for()
    assert page.get_by_role("textbox", name="Leave for others").input_value() == "2"
    page.get_by_role("button", name="Discard").click()
    page.reload()
    page.get_by_role("textbox", name="Leave for others").wait_for()
    assert page.get_by_text("1 change not saved").count() == 0


def test_a_tenant_is_told_that_rules_are_for_admins(browser: "Browser", instance: Box) -> None:
    instance.post("/api/tenants", {"name": "jonas"})
    token = instance.post("/api/tokens", {"tenant": "jonas", "name": "t"})
    with visit(browser, instance) as visitor:
        visitor.enter("/ui/rule", As(instance, token["token"]))
        visitor.page.get_by_text("jonas may not look at the configuration").wait_for()
        assert visitor.page.get_by_role("button", name="Save").count() == 0


@pytest.mark.parametrize(("theme", "language", "width"), [("light", "en", WIDE), ("dark", "zh", NARROW)])
def test_it_can_be_read_by_everybody(browser: "Browser", instance: Box, theme: str, language: str, width: int) -> None:
    with visit(browser, instance, theme=theme, language=language, width=width) as visitor:
        visitor.enter("/ui/rule")
        visitor.expect("400")
        row(visitor, "rules.max_gpu").get_by_role("textbox").fill("many")
        row(visitor, "rules.max_gpu").get_by_text(re.compile("'many' (is not|不是)")).wait_for()
        assert visitor.width_of_content() <= width
        assert visitor.violations() == []
