"""The page of settings, doctor, channels, alerts, versions and the audit log, in a real browser."""

import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gavelq.testing.waiting import wait_until
from tests.support.browser import NARROW, WIDE, Visit, visit
from tests.support.daemon import Box, box
from tests.support.tenants import As

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator


@pytest.fixture
def settings(visitor: Visit) -> Visit:
    """An admin on the page, with an empty file."""
    visitor.instance.home.joinpath("config.yaml").write_text("")
    visitor.instance.post("/api/config/reload")
    visitor.goto("/ui/setting")
    row(visitor, "log.level").wait_for()
    return visitor


def row(visitor: Visit, name: str) -> "Locator":
    """The row of a setting."""
    return visitor.page.locator(f'[data-setting="{name}"]')


def part(visitor: Visit, name: str) -> "Locator":
    """A card of the page."""
    return visitor.page.get_by_role("region", name=name)


def value(visitor: Visit, name: str) -> Any:
    """What the daemon works with."""
    return visitor.instance.get("/api/settings")[name]["value"]


@pytest.fixture
def hook() -> Iterator[tuple[str, list[bytes]]]:
    """A webhook's URL, and what it was sent."""
    got: list[bytes] = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            """It is quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/T00/secret", got
    server.shutdown()
    server.server_close()


def test_settings_tell_their_source_and_what_needs_a_restart(settings: Visit) -> None:
    row(settings, "gpu.provider").get_by_text("environment").wait_for()
    assert row(settings, "gpu.provider").get_by_role("combobox").is_disabled()
    row(settings, "http.listen").get_by_text("command line").wait_for()
    row(settings, "http.patience_s").get_by_text("needs restart").wait_for()
    row(settings, "http.patience_s").get_by_role("textbox").fill("40")
    settings.page.get_by_role("button", name="Save 1 change").click()
    settings.page.get_by_text("http.patience_s: at the next gavelq daemon restart").wait_for()
    row(settings, "http.patience_s").get_by_text("the daemon works with 30").wait_for()


def test_settings_are_found_by_what_they_do(settings: Visit) -> None:
    settings.page.get_by_label("Find a setting").fill("certificate key")
    row(settings, "http.tls_key").wait_for()
    row(settings, "log.level").wait_for(state="detached")
    settings.page.get_by_label("Find a setting").fill("no such thing")
    settings.page.get_by_text("No setting is called or does that").wait_for()
    settings.page.get_by_label("Find a setting").press("Escape")
    row(settings, "log.level").wait_for()


def test_an_address_that_others_reach_is_warned_of(browser: "Browser") -> None:
    with box() as instance:
        instance.request("PUT", "/api/config", {"http.rate_limit": 9000})
        url = instance.post("/api/daemon/listen", {"address": "127.0.0.1:0"})["http"]
        assert url
        with visit(browser, instance) as visitor:
            visitor.enter("/ui/setting")
            visitor.expect("400")
            row(visitor, "http.listen").get_by_role("textbox").fill("0.0.0.0:8080")
            row(visitor, "http.listen").get_by_text("Reachable from the network").wait_for()
            visitor.page.get_by_text("http.allow_remote").last.wait_for()


def test_a_channel_is_tested_added_and_saved(settings: Visit, hook: tuple[str, list[bytes]]) -> None:
    url, got = hook
    page = settings.page
    part(settings, "Notifications").get_by_role("button", name="Channel").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Address").fill("http://127.0.0.1:1/nobody")
    dialog.get_by_role("button", name="Send test").click()
    dialog.get_by_text(re.compile("was not told")).wait_for()
    dialog.get_by_label("Address").fill(url)
    dialog.get_by_role("button", name="Add").click()
    part(settings, "Notifications").get_by_text("not saved").wait_for()
    assert "secret" not in part(settings, "Notifications").inner_text()
    page.get_by_role("button", name="Save 1 change").click()
    page.get_by_text("Saved: notify.urls").wait_for()
    assert value(settings, "notify.urls") == [url]
    part(settings, "Notifications").get_by_role("button", name="Send test").click()
    part(settings, "Notifications").get_by_text(re.compile("^sent ")).wait_for()
    assert b"gavelq: a test" in got[-1]
    part(settings, "Notifications").get_by_role("button", name=re.compile("^Remove")).click()
    page.get_by_role("button", name="Save 1 change").click()
    wait_until(lambda: value(settings, "notify.urls") == [], 60, "the channel is gone")


def test_alerts_are_switched_and_muted(settings: Visit) -> None:
    page, alerts = settings.page, part(settings, "Alerts")
    alerts.get_by_text(re.compile("above 90\\s°C for 1 min")).wait_for()
    alerts.get_by_role("switch", name="Temperature").click()
    page.get_by_role("button", name="Save 1 change").click()
    page.get_by_text("Saved: alerts.gpu_temperature").wait_for()
    assert value(settings, "alerts.gpu_temperature") == "off"
    alerts.get_by_role("button", name="Mute: Queue wait").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("For", exact=True).fill("soon")
    dialog.get_by_role("button", name="Mute", exact=True).click()
    settings.expect("400")
    dialog.get_by_text(re.compile("'soon' is not")).wait_for()
    dialog.get_by_label("For", exact=True).fill("3h")
    dialog.get_by_label("Reason").fill("a long night")
    dialog.get_by_role("button", name="Mute", exact=True).click()
    alerts.get_by_text(re.compile("until .*: a long night")).wait_for()
    assert [mute["rule"] for mute in settings.instance.get("/api/alerts")["mutes"]] == ["queue_wait"]
    alerts.get_by_role("button", name="Unmute").click()
    alerts.get_by_text(re.compile("a long night")).wait_for(state="detached")
    assert settings.instance.get("/api/alerts")["mutes"] == []


def test_doctor_tells_what_helps_and_looks_again(settings: Visit) -> None:
    doctor = part(settings, "Doctor")
    doctor.get_by_text("gavelq config set gpu.provider nvml").wait_for()
    doctor.get_by_text(re.compile(r"\d+ fine")).click()
    doctor.get_by_text("gavelq: python").wait_for()
    with settings.page.expect_response("**/api/doctor"):
        doctor.get_by_role("button", name="Run again").click()


def test_the_file_is_read_again_and_a_backup_written(settings: Visit, tmp_path: Path) -> None:
    page, versions = settings.page, part(settings, "Versions")
    versions.get_by_text(re.compile("^Python 3")).wait_for()
    versions.get_by_text(re.compile(r"^schema \d+, ")).wait_for()
    settings.instance.home.joinpath("config.yaml").write_text("log.level: debug\n")
    versions.get_by_role("button", name="Read config.yaml again").click()
    page.get_by_text("Taken over: log.level").wait_for()
    row(settings, "log.level").get_by_text("config.yaml").wait_for()
    versions.get_by_role("button", name="Backup").click()
    page.get_by_label("New file on the daemon's machine").fill("relative.db")
    page.get_by_role("button", name="Write the backup").click()
    settings.expect("400")
    page.get_by_role("dialog").get_by_text(re.compile("absolute")).last.wait_for()
    page.get_by_label("New file on the daemon's machine").fill(str(tmp_path / "copy.db"))
    page.get_by_role("button", name="Write the backup").click()
    page.get_by_text(re.compile("MiB written to")).wait_for()
    assert (tmp_path / "copy.db").stat().st_size > 0


def test_acts_are_listed_newest_first(settings: Visit) -> None:
    for i in range(15):
        settings.instance.post("/api/tenants", {"name": f"tenant{i}"})
    settings.goto("/ui/setting")  # acts that come while one looks are added to those that are shown
    acts = part(settings, "Audit log")
    acts.get_by_text(re.compile(r"tenant created · tenant:tenant14\b")).wait_for()
    assert acts.get_by_text(re.compile(r"tenant created · tenant:tenant0\b")).count() == 0
    acts.get_by_role("button", name="Older acts").click()
    acts.get_by_text(re.compile(r"tenant created · tenant:tenant0\b")).wait_for()


def test_language_colours_and_keys_are_this_browsers(settings: Visit) -> None:
    page, own = settings.page, part(settings, "This browser")
    own.get_by_role("button", name="Dark").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    own.get_by_role("switch", name="Single keys").click()
    page.keyboard.press("g")
    page.keyboard.press("t")
    assert page.url.endswith("/ui/setting")
    own.get_by_role("button", name="中文").click()
    page.get_by_role("heading", name="本浏览器").wait_for()
    row(settings, "log.level").get_by_text("守护进程日志的详细程度").wait_for()


def test_stopping_the_daemon_asks_and_leaves_tasks_running(browser: "Browser") -> None:
    with box(listen="127.0.0.1:0") as instance:
        task = instance.submit("sleep 300", name="long", gpu_count=1)
        instance.wait(task, "running")
        with visit(browser, instance) as visitor:
            visitor.enter("/ui/setting")
            part(visitor, "Versions").get_by_role("button", name="Stop the daemon").click()
            dialog = visitor.page.get_by_role("alertdialog")
            dialog.get_by_text(f"Running tasks go on without it: #{task} long").wait_for()
            dialog.get_by_role("button", name="Keep it").click()
            assert instance.get("/api/daemon")["running"]
            part(visitor, "Versions").get_by_role("button", name="Stop the daemon").click()
            visitor.expect("ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET", "ERR_INCOMPLETE")
            dialog.get_by_role("button", name="Stop the daemon").click()
            assert instance.process is not None
            assert instance.process.wait(20) == 0
            visitor.page.get_by_text(re.compile("^Reconnecting")).wait_for()
        instance.start()
        assert instance.state(task) == "running"


def test_a_tenant_sees_what_concerns_it_and_no_settings(browser: "Browser", instance: Box) -> None:
    instance.post("/api/tenants", {"name": "priya"})
    token = instance.post("/api/tokens", {"tenant": "priya", "name": "t"})
    with visit(browser, instance) as visitor:
        visitor.enter("/ui/setting", As(instance, token["token"]))
        visitor.page.get_by_text("priya may not look at the settings").wait_for()
        part(visitor, "Alerts").get_by_text("No alerts").wait_for()
        part(visitor, "Versions").get_by_text(re.compile("^gavelq ")).wait_for()
        assert visitor.page.get_by_role("button", name=re.compile("Stop|Backup|Save|Mute")).count() == 0


@pytest.mark.parametrize(("theme", "language", "width"), [("light", "en", WIDE), ("dark", "zh", NARROW)])
def test_it_can_be_read_by_everybody(browser: "Browser", instance: Box, theme: str, language: str, width: int) -> None:
    with visit(browser, instance, theme=theme, language=language, width=width) as visitor:
        visitor.enter("/ui/setting")
        row(visitor, "log.max_mb").get_by_role("textbox").fill("30")
        visitor.page.get_by_role("button", name=re.compile("Save 1 change|保存 1 处修改")).wait_for()
        visitor.page.locator("#setting-doctor li").first.wait_for(state="attached")
        assert visitor.width_of_content() <= width
        assert visitor.violations() == []
