"""The console in a real browser: it comes up, signed in, in each look, without a word of complaint."""

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import NARROW, WIDE, Visit, visit
from tests.support.daemon import Box

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_a_link_leads_into_the_console(visitor: Visit) -> None:
    assert visitor.page.url == visitor.url + "/ui/gpu"
    cookies = [cookie["name"] for cookie in visitor.page.context.cookies()]
    assert cookies == [f"gavelq_session_{visitor.url.rpartition(':')[2]}"]


def test_a_link_that_was_used_says_so(browser: "Browser", instance: Box) -> None:
    link = instance.post("/api/login/link")["url_path"]
    with visit(browser, instance) as first:
        first.goto(link)
        first.page.wait_for_url("**/ui/gpu")
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
