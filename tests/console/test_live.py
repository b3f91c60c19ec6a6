"""A page that stays open: what changes appears, a broken connection is told and loses nothing, a session can end."""

import contextlib
import re
import socket
import threading
from typing import TYPE_CHECKING

from tests.support.browser import Visit, visit
from tests.support.daemon import Box, box
from tests.support.tenants import As

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator


class Line:
    """A line to the daemon's port that can be cut: what goes over it ends, and nobody answers until it is mended."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._pairs: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._is_cut = False

    def __enter__(self) -> "Line":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """End what goes over it."""
        self._is_cut = True
        for one in self._pairs:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Let everything through again."""
        self._is_cut = False

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed at the end of the test
            while True:
                near, _ = self._listener.accept()
                if self._is_cut:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._target))
                self._pairs += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(65536):
                sink.sendall(content)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)


def wait_for(visitor: Visit, state: str) -> None:
    """Until the badge says so."""
    visitor.page.locator(f"[data-connection={state}]").wait_for()


def shown(visitor: Visit, name: str) -> "Locator":
    """A task in the list."""
    return visitor.page.get_by_text(name, exact=True).first


def test_a_task_appears_and_ends_without_a_reload(visitor: Visit) -> None:
    visitor.goto("/ui/state")
    wait_for(visitor, "live")
    task = visitor.instance.submit("sleep 300", name="appears")
    shown(visitor, "appears").wait_for()
    visitor.instance.post(f"/api/tasks/{task}/kill")
    visitor.page.get_by_text("Cancelled").first.wait_for()


def test_what_happened_while_the_line_was_down_is_shown_afterwards(browser: "Browser", instance: Box) -> None:
    with Line(int(As(instance, None).port)) as line, visit(browser, instance) as visitor:
        visitor.url = f"http://127.0.0.1:{line.port}"
        visitor.enter("/ui/state")
        wait_for(visitor, "live")
        visitor.expect("net::ERR_")  # whichever way Chromium calls it
        line.cut()
        wait_for(visitor, "reconnecting")
        instance.wait(instance.submit("true", name="meanwhile"))
        visitor.page.locator("html[data-old]").wait_for(state="attached")
        assert shown(visitor, "meanwhile").count() == 0
        line.mend()
        wait_for(visitor, "live")
        shown(visitor, "meanwhile").wait_for()
        visitor.page.locator("html:not([data-old])").wait_for(state="attached")


def test_a_restart_asks_who_is_there_and_leads_back(
    browser: "Browser",
) -> None:
    with box(listen="127.0.0.1:0") as instance, visit(browser, instance) as visitor:
        visitor.enter("/ui/usage")
        wait_for(visitor, "live")
        visitor.expect("401", "net::ERR_")  # whichever way Chromium calls it
        port = visitor.url.rpartition(":")[2]
        instance.kill()
        instance.listen = f"127.0.0.1:{port}"
        wait_for(visitor, "reconnecting")
        instance.start()
        visitor.page.wait_for_url(re.compile(r"/ui/login\?next=%2Fusage&expired=1"))
        visitor.page.get_by_text("Your session is over").wait_for()
        token = instance.post("/api/tokens", {"admin": True, "name": "t"})
        visitor.page.get_by_role("textbox", name="Token").fill(token["token"])
        visitor.page.get_by_role("button", name="Sign in").click()
        visitor.page.wait_for_url("**/ui/usage")
        wait_for(visitor, "live")


def test_a_token_that_is_revoked_ends_its_session(browser: "Browser", instance: Box) -> None:
    instance.post("/api/tenants", {"name": "gone"})
    token = instance.post("/api/tokens", {"tenant": "gone", "name": "t"})
    with visit(browser, instance) as visitor:
        visitor.goto("/ui/state?q=state:failed")
        visitor.page.get_by_role("textbox", name="Token").fill("not a token")
        visitor.expect("401")
        visitor.page.get_by_role("button", name="Sign in").click()
        visitor.page.locator(".problem").wait_for()
        visitor.page.get_by_role("textbox", name="Token").fill(token["token"])
        visitor.page.get_by_role("button", name="Sign in").click()
        visitor.page.wait_for_url("**/ui/state?q=state:failed")
        wait_for(visitor, "live")
        instance.request("DELETE", f"/api/tokens/{token['id']}")
        visitor.page.wait_for_url(re.compile("/ui/login"))


def test_a_password_opens_the_console_and_signing_out_closes_it(browser: "Browser", instance: Box) -> None:
    instance.post("/api/tenants", {"name": "mei", "password": "correct horse battery"})
    with visit(browser, instance) as visitor:
        visitor.goto("/ui/login")
        visitor.page.locator("input:focus").and_(visitor.page.get_by_label("Token", exact=True)).wait_for()
        visitor.page.get_by_role("button", name="Name and password").click()
        visitor.page.get_by_label("Tenant").fill("mei")
        visitor.page.get_by_label("Password").fill("wrong horse")
        visitor.expect("401")
        visitor.page.get_by_role("button", name="Sign in", exact=True).click()
        visitor.page.get_by_text("The name or the password is wrong").wait_for()
        visitor.page.get_by_label("Password").fill("correct horse battery")
        visitor.page.get_by_role("button", name="Sign in").click()
        visitor.page.wait_for_url("**/ui/gpu")
        visitor.page.get_by_role("button", name=re.compile("^mei")).click()
        visitor.page.get_by_role("menuitem", name="Sign out").click()
        visitor.page.wait_for_url(re.compile("/ui/login"))
        visitor.expect("401")
        visitor.goto("/ui/state")
        visitor.page.wait_for_url(re.compile("/ui/login"))


def test_keys_lead_through_the_pages_and_can_be_switched_off(visitor: Visit) -> None:
    page = visitor.page
    visitor.goto("/ui/gpu")
    wait_for(visitor, "live")
    page.keyboard.press("g")
    page.keyboard.press("u")
    page.wait_for_url("**/ui/usage")
    page.keyboard.press("/")
    page.locator("input:focus").and_(page.get_by_label("Filter tasks")).wait_for()
    page.keyboard.type("no such")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.get_by_label("Single keys are on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.get_by_role("link", name="Commands").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/command**")
    assert As(visitor.instance, None).url == visitor.url


def test_who_presses_a_button_while_nobody_answers_is_told(browser: "Browser", instance: Box) -> None:
    with Line(int(As(instance, None).port)) as line, visit(browser, instance, language="zh") as visitor:
        visitor.url = f"http://127.0.0.1:{line.port}"
        visitor.enter("/ui/gpu/0")
        wait_for(visitor, "live")
        ignore = visitor.page.get_by_role("button", name="忽略", exact=True)
        ignore.wait_for()
        visitor.expect("net::ERR_")
        line.cut()
        wait_for(visitor, "reconnecting")
        ignore.click()
        visitor.page.get_by_text("守护进程无响应").wait_for()
    assert instance.get("/api/gpus/0")["state"] == "free"
