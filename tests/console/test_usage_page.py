"""The page of usage, tenants and tokens, in a real browser."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import NARROW, WIDE, Visit, visit
from tests.support.daemon import Box
from tests.support.tenants import As

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator


@pytest.fixture
def usage(visitor: Visit) -> Visit:
    """An admin on the page, after a task has run."""
    if not visitor.instance.get("/api/stats")["counts"]["completed"]:
        visitor.instance.wait(visitor.instance.submit("true", name="first", gpu_count=1))
    visitor.goto("/ui/usage")
    visitor.page.get_by_role("heading", name="Tenants").wait_for()
    return visitor


def row(visitor: Visit, name: str) -> "Locator":
    """A tenant's row."""
    return visitor.page.get_by_role("row", name=re.compile(rf"\b{name}\b"))


def test_the_figures_are_those_of_the_report(usage: Visit) -> None:
    total = usage.instance.get("/api/usage?since=-14d")["total"]
    assert total["n_completed"] >= 1
    figures = usage.page.get_by_label("Usage", exact=True)
    figures.get_by_text(f"{total['n_completed']} ok, {total['n_failed']} failed, 0 other").wait_for()
    usage.page.get_by_role("button", name="By queue").click()
    row(usage, "running").wait_for()


def test_each_card_has_its_part_and_leads_to_its_page(usage: Visit) -> None:
    usage.page.get_by_role("button", name="By GPU").click()
    rows = usage.instance.get("/api/usage?since=-14d&by=gpu")["rows"]
    for card in usage.instance.get("/api/gpus"):
        row(usage, f"GPU {card['index']}").wait_for()  # also those on which nothing ran
    assert {one["gpu"] for one in rows} <= {card["index"] for card in usage.instance.get("/api/gpus")}
    usage.page.get_by_role("link", name="GPU 3").click()
    usage.page.wait_for_url("**/ui/gpu/3")


def test_a_range_of_days_can_be_chosen_and_a_wrong_one_is_told(usage: Visit) -> None:
    page = usage.page
    page.get_by_role("button", name="Range…").click()
    page.get_by_label("From").fill("2026-03-02")
    page.get_by_label("To", exact=True).fill("2026-03-01")
    page.get_by_text("Choose a first day").wait_for()
    with page.expect_response(lambda told: "/api/usage" in told.url and "by=tenant" in told.url) as coming:
        page.get_by_label("To", exact=True).fill("2026-03-02")
    told = coming.value.json()
    assert coming.value.status == 200
    assert told["total"]["n_started"] == 0
    page.get_by_text("Nothing ran in this time").wait_for()


def test_the_rows_can_be_taken_along_as_csv(usage: Visit, tmp_path: Path) -> None:
    with usage.page.expect_download() as coming:
        usage.page.get_by_role("button", name="CSV").click()
    coming.value.save_as(tmp_path / "usage.csv")
    header, *rows = (tmp_path / "usage.csv").read_text().splitlines()
    assert header.startswith("tenant,queue,gpu,day,gpu_hours")
    assert len(rows) == len(usage.instance.get("/api/usage?since=-14d&by=tenant,day")["rows"])


def test_a_tenant_is_made_changed_and_deleted(usage: Visit) -> None:
    page, instance = usage.page, usage.instance
    page.get_by_role("button", name="Tenant", exact=True).click()
    page.get_by_label("Name").fill("mei")
    page.get_by_label("GPUs at once", exact=True).fill("two")
    page.get_by_role("button", name="Create").click()
    usage.expect("400")
    page.get_by_text(re.compile("'two' is not")).wait_for()
    page.get_by_label("GPUs at once", exact=True).fill("2")
    page.get_by_role("button", name="Create").click()
    row(usage, "mei").get_by_text("0 of 2").wait_for()
    assert instance.get("/api/tenants/mei")["quota"]["max_gpus"] == 2

    row(usage, "mei").get_by_role("button").click()
    page.get_by_label("GPUs at once", exact=True).fill("")
    page.get_by_label("Share weight").fill("3")
    page.get_by_role("button", name="Save").click()
    row(usage, "mei").get_by_text("0, no limit").wait_for()
    changed = instance.get("/api/tenants/mei")
    assert (changed["quota"]["max_gpus"], changed["weight"]) == (None, 3.0)

    row(usage, "mei").get_by_role("button").click()
    page.get_by_role("button", name="Delete tenant").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete tenant").click()
    row(usage, "mei").wait_for(state="detached")
    assert "mei" not in [one["name"] for one in instance.get("/api/tenants")]


def test_a_token_is_shown_once_and_can_be_revoked(usage: Visit) -> None:
    page, instance = usage.page, usage.instance
    instance.post("/api/tenants", {"name": "jonas"})
    page.get_by_role("button", name="Token", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("laptop")
    dialog.get_by_label("For tenant").select_option("jonas")
    assert dialog.get_by_label("It may").get_by_role("option").all_inner_texts() == ["read", "read and submit"]
    dialog.get_by_role("button", name="Make the token").click()
    secret = page.get_by_test_id("secret").inner_text()
    assert As(instance, secret).get("/api/user")["tenant"] == "jonas"
    page.keyboard.press("Escape")  # a slip of the hand does not hide it for ever
    page.get_by_test_id("secret").wait_for()
    dialog.get_by_role("button", name="Done").click()
    assert secret not in page.content()

    page.get_by_role("listitem").filter(has_text="laptop").get_by_role("button", name="Revoke").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Revoke").click()
    page.get_by_text("No tokens", exact=True).wait_for()
    assert As(instance, secret).ask("GET", "/api/user").status == 401


def test_a_tenant_sees_its_own_use_quota_and_tokens(browser: "Browser", instance: Box) -> None:
    instance.post("/api/tenants", {"name": "priya", "max_gpus": 3, "gpu_hours": 50})
    token = instance.post("/api/tokens", {"tenant": "priya", "name": "t"})
    instance.post("/api/tokens", {"tenant": "priya", "name": "left"})
    instance.post("/api/tokens", {"tenant": "root", "name": "not hers", "scopes": ["read"]})
    with visit(browser, instance) as visitor:
        page = visitor.page
        visitor.enter("/ui/usage", As(instance, token["token"]))
        row(visitor, "priya").get_by_text("0 of 3").wait_for()
        page.get_by_role("region", name="Your quota").get_by_text("0 of 50").wait_for()
        assert page.get_by_text("not hers").count() == 0
        for made_by_admins in ("Tenant", "Token"):
            assert page.get_by_role("button", name=made_by_admins, exact=True).count() == 0
        page.get_by_role("listitem").filter(has_text="left").get_by_role("button", name="Revoke").click()
        page.get_by_role("alertdialog").get_by_role("button", name="Revoke").click()
        page.get_by_role("listitem").filter(has_text="left").wait_for(state="detached")


@pytest.mark.parametrize(("theme", "language", "width"), [("light", "en", WIDE), ("dark", "zh", NARROW)])
def test_it_can_be_read_by_everybody(browser: "Browser", instance: Box, theme: str, language: str, width: int) -> None:
    with visit(browser, instance, theme=theme, language=language, width=width) as visitor:
        visitor.enter("/ui/usage")
        row(visitor, "root").wait_for()
        assert visitor.width_of_content() <= width
        assert visitor.violations() == []
