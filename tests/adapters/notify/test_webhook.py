"""Webhooks: one POST, no redirects, a time limit to all of it, and no secret in any message."""

import asyncio
import importlib.util
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gavelq.adapters.notify.channels import Channels
from gavelq.adapters.notify.mail import MailSettings
from gavelq.adapters.notify.webhook import post
from gavelq.core.errors import CannotNotify
from gavelq.core.notices import masked, url_problem
from gavelq.ports import Notice
from tests.support.hooks import hook

NOTICE = Notice(title="t", text="x", document={"event": "end", "ä": 1})


def failure(url: str, timeout_s: float = 5.0) -> CannotNotify:
    with pytest.raises(CannotNotify) as caught:
        asyncio.run(post(url, {}, timeout_s=timeout_s))
    return caught.value


def test_the_document_arrives_with_its_path_query_and_credentials() -> None:
    with hook() as made:
        url = f"http://ada:s%40fe@127.0.0.1:{made.port}/a/b?c=d"
        asyncio.run(Channels(MailSettings).send(url, NOTICE))
        assert made.got == [("/a/b?c=d", {"event": "end", "ä": 1})]
        assert made.headers[0]["content-type"] == "application/json"
        assert made.headers[0]["authorization"] == "Basic YWRhOnNAZmU="


@pytest.mark.parametrize(
    ("status", "is_permanent"), [(404, True), (400, True), (429, False), (408, False), (500, False), (503, False)]
)
def test_an_answer_that_is_no_success_is_a_failure(status: int, is_permanent: bool) -> None:
    with hook() as made:
        made.status = status
        found = failure(made.url("/SECRET"))
    assert found.is_permanent is is_permanent
    assert f"it answered {status}" in found.message
    assert "SECRET" not in found.message


def test_redirects_are_not_followed() -> None:
    with hook() as made, hook() as other:
        made.status, made.location = 302, other.url()
        found = failure(made.url())
    assert found.is_permanent
    assert "redirects are not followed" in found.message
    assert other.got == []


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = failure(f"http://127.0.0.1:{port}/SECRET")
    assert not found.is_permanent
    assert "cannot be reached" in found.message
    assert "SECRET" not in found.message


@contextmanager
def saying(content: bytes) -> Iterator[str]:
    """A server that says this to whoever comes, and then nothing more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        left: list[socket.socket] = []

        def serve() -> None:
            try:
                peer, _ = server.accept()
                left.append(peer)
                peer.sendall(content)
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join(5)
        for peer in left:
            peer.close()


def test_a_server_that_does_not_answer_takes_no_longer_than_the_limit() -> None:
    with saying(b"HTTP/1.1 2") as url:
        assert "did not answer within 0.2 s" in failure(url, timeout_s=0.2).message


@pytest.mark.parametrize("content", [b"hello\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"x" * 100_000])
def test_what_is_no_http_is_a_failure(content: bytes) -> None:
    with saying(content) as url:
        assert "cannot be reached" in failure(url).message


def test_interim_answers_are_passed_over() -> None:
    with saying(b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n") as url:
        asyncio.run(post(url, {}))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@hooks.example:8443/T/B?x=y", "https://hooks.example:8443"), ("http://h#SECRET", "http://h"),
        ("tgram://SECRET/1", "tgram://..."), ("mailto:ada@example.org?subject=x", "mailto:...@example.org"),
        ("HTTPS://h/SECRET", "https://h"),
    ],
)  # fmt: skip
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert url_problem(url) == ""
    assert masked(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "", "x", "http:", "http://", "https://:80/", "http://h:0/", "http://h:99999/", "http://h:x/", "http://a b/",
        "http://h/\r\nX: y", "http://ä/", "mailto:", "mailto:x", "mailto:a,b@c", "://h", "http:/h", "1http://h",
        "https://h/" + "x" * 2000,
    ],
)  # fmt: skip
def test_what_is_no_url_is_refused(url: str) -> None:
    assert url_problem(url)


STAND_IN = """
import logging
class Apprise:
    def add(self, url):
        self.url = url
        if "nosuch" in url:
            logging.getLogger("apprise").error("Unsupported URL %s", url)
        return "nosuch" not in url
    def notify(self, body, title):
        return "away" not in self.url
"""


def test_apprise_is_handed_what_it_knows_and_kept_from_logging_urls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "apprise.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(str(tmp_path))
    channels = Channels(MailSettings)
    assert channels.problem("tgram://SECRET/1") == ""
    asyncio.run(channels.send("tgram://SECRET/1", NOTICE))
    for url, is_permanent in (("tgram://SECRET/away", False), ("nosuch://SECRET", True)):
        with pytest.raises(CannotNotify) as caught:
            asyncio.run(channels.send(url, NOTICE))
        assert caught.value.is_permanent is is_permanent
        assert "SECRET" not in caught.value.message
    assert "SECRET" not in capfd.readouterr().err
    sys.modules.pop("apprise")


@pytest.mark.skipif(importlib.util.find_spec("apprise") is not None, reason="apprise is installed here")
def test_what_only_apprise_knows_needs_apprise() -> None:
    channels = Channels(MailSettings)
    assert "apprise" in channels.problem("tgram://SECRET/1")
    assert "SECRET" not in channels.problem("tgram://SECRET/1")
    assert "notify.smtp" in channels.problem("mailto:a@b.c")
    with pytest.raises(CannotNotify) as caught:
        asyncio.run(channels.send("tgram://SECRET/1", NOTICE))
    assert caught.value.is_permanent
