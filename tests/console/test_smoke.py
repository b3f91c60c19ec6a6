"""The console in a real browser: it comes up, signed in, in each look, without a word of complaint."""

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import NARROW, WIDE, visit
from tests.support.daemon import Box

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_a_link_leads_into_the_console_once(browser: "Browser", instance: Box) -> None:
    link = instance.post("/api/login/link")["url_path"]
    with visit(browser, instance) as first:
        first.goto(link)
        first.page.wait_for_url("**/ui/gpu")
        opened = [cookie for cookie in first.page.context.cookies() if cookie["name"].startswith("gavelq")]
        assert [cookie["name"] for cookie in opened] == [f"gavelq_session_{first.url.rpartition(':')[2]}"]
        assert (opened[0]["httpOnly"], opened[0]["sameSite"]) == (True, "Strict")
    with visit(browser, instance) as second:
        second.expect("401")
        second.goto(link)
        second.page.get_by_text("gavelq ui").wait_for()


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(("theme", "language"), [("light", "en"), ("dark", "zh")])
def test_it_comes_up_in_each_look(browser: "Browser", instance: Box, theme: str, language: str, width: int) -> None:
    with visit(browser, instance, theme=theme, language=language, width=width) as visitor:
        visitor.enter()
        assert visitor.page.evaluate("document.documentElement.lang").startswith(language)
        assert visitor.page.evaluate("document.documentElement.dataset.theme") == theme
        assert visitor.width_of_content() <= width
