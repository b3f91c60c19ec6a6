"""A page that is open while the daemon is upgraded: its next parts have other names by then."""

from typing import TYPE_CHECKING

from tests.support.browser import Visit

if TYPE_CHECKING:
    from playwright.sync_api import Route


def test_a_page_from_before_an_upgrade_is_loaded_anew_when_its_parts_are_gone(visitor: Visit) -> None:
    visitor.expect("404", "Failed to fetch dynamically imported module")
    visitor.goto("/ui/gpu")
    page, asked = visitor.page, []

    def gone_at_first(route: "Route") -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fulfill(status=404)
        else:
            route.continue_()

    page.route("**/ui/assets/StatePage-*.js", gone_at_first)
    page.get_by_role("link", name="Tasks").first.click()
    page.get_by_role("grid").wait_for()
    assert len(asked) >= 2


def test_a_page_waits_for_a_daemon_that_is_away_when_its_parts_are_gone(visitor: Visit) -> None:
    visitor.expect("ERR_FAILED", "ERR_CONNECTION_REFUSED", "Failed to fetch dynamically imported module")
    visitor.goto("/ui/gpu")
    page = visitor.page
    tasks = page.get_by_role("link", name="Tasks").first
    tasks.wait_for()
    page.route("**/ui/assets/StatePage-*.js", lambda route: route.abort())
    page.route("**/ui/", lambda route: route.abort())
    with page.expect_event("requestfailed", lambda asked: asked.url.endswith("/ui/")):
        tasks.click()
    tasks.wait_for()
    page.unroute_all()
    page.get_by_role("grid").wait_for()
