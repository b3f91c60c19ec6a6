"""The console's files: what is sent, what is refused, and with which header fields. No daemon is needed for that."""

import asyncio
import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from gavelq.api.console import Console
from gavelq.api.console_files import read_files
from gavelq.api.front import Front
from gavelq.api.limits import Limits

PAGE = b'<!doctype html><script type="module" src="/ui/assets/index-BUdnMvx6.js"></script>\n'
SCRIPT = b"export const text = 'a line that packs well';\n" * 50
NAME = "/ui/assets/index-BUdnMvx6.js"
PAGES = ("gpu", "state", "command", "rule", "usage", "setting", "login", "open")


class Answer:
    """What came back."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        self.status = int(messages[0]["status"])
        self.headers = {name.decode().lower(): value.decode() for name, value in messages[0]["headers"]}
        self.content = b"".join(message.get("body", b"") for message in messages[1:])


class Site:
    """A build in a directory, and the part of the daemon that serves it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._app = Front(Console(str(directory)).answer, Limits(lambda: None, os.getuid()))

    def write(self, name: str, content: bytes) -> None:
        """A file of the build."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """One request; header names are written with underscores."""
        fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": fields, "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 8080), "scheme": "http",
            "http_version": "1.1", "root_path": "", "state": {"peer": None},
        }  # fmt: skip
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self._app(scope, receive, send))
        return Answer(sent)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path / "dist")
    made.write("index.html", PAGE)
    made.write("assets/index-BUdnMvx6.js", SCRIPT)
    made.write("assets/index-BUdnMvx6.js.gz", gzip.compress(SCRIPT, mtime=0))
    made.write("assets/index-aitTXmZs.css", b"body { margin: 0 }\n")
    return made


@pytest.mark.parametrize(
    "path", ["/ui", "/ui/", *(f"/ui/{name}" for name in PAGES), "/ui/state/17", "/ui/command/single/0"]
)
def test_every_page_is_the_same_document_that_is_asked_for_anew_each_time(site: Site, path: str) -> None:
    answer = site.ask(path)
    assert (answer.status, answer.content) == (200, PAGE)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


def test_what_has_its_hash_in_its_name_is_kept_for_ever(site: Site) -> None:
    script, style = site.ask(NAME), site.ask("/ui/assets/index-aitTXmZs.css")
    assert (script.status, script.content) == (200, SCRIPT)
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    for answer in (script, style):
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_a_browser_that_unpacks_gets_the_packed_file(site: Site) -> None:
    packed = site.ask(NAME, accept_encoding="br, gzip;q=0.5")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.content) == SCRIPT
    for accepted in ("br", "gzip;q=0", "gzip; q=0.000, *", ""):
        plain = site.ask(NAME, accept_encoding=accepted)
        assert "content-encoding" not in plain.headers, accepted
        assert plain.content == SCRIPT
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert packed.headers["etag"] != plain.headers["etag"]


def test_what_the_browser_has_already_is_not_sent_again(site: Site) -> None:
    for path in (NAME, "/ui/gpu"):
        tag = site.ask(path).headers["etag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = site.ask(path, if_none_match=known)
            assert (again.status, again.content) == (304, b"")
            assert again.headers["etag"] == tag
        assert site.ask(path, if_none_match='"other"').status == 200


def test_head_has_the_fields_and_no_content(site: Site) -> None:
    answer, whole = site.ask(NAME, "HEAD"), site.ask(NAME)
    assert (answer.status, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(whole.content))
    assert answer.headers["etag"] == whole.headers["etag"]


@pytest.mark.parametrize(
    "path", ["/ui/gpu", NAME, "/ui/assets/none.js", "/ui/../etc/passwd"], ids=["page", "asset", "missing", "refused"]
)
def test_every_answer_says_what_a_browser_may_do_with_it(site: Site, path: str) -> None:
    headers = site.ask(path).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/ui/../secret.txt", "/ui/assets/../../secret.txt", "/ui/assets/..", "/ui/./index.html", "/ui/assets//etc/x",
        "/ui/assets/../index.html", "/ui/..\\secret.txt", "/ui/\0", "/ui/assets/link.js", "/ui/assets/.sources",
        "/ui/assets/deep/one.js", "/ui/assets/", "/ui/" + "a" * 600,
    ],
)  # fmt: skip
def test_nothing_but_the_files_of_the_build_can_be_read(site: Site, path: str) -> None:
    (site.directory.parent / "secret.txt").write_bytes(b"secret")
    (site.directory / "assets" / "link.js").symlink_to(site.directory.parent / "secret.txt")
    site.write("assets/.sources", b"secret")
    site.write("assets/deep/one.js", b"secret")
    answer = site.ask(path)
    assert answer.status == 404
    assert b"secret" not in answer.content
    assert answer.headers["cache-control"] == "no-store"


def test_a_missing_file_is_no_page(site: Site) -> None:
    answer = site.ask("/ui/assets/index-OLD.js")
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_pages_are_only_read(site: Site) -> None:
    for method in ("POST", "PUT", "DELETE"):
        refused = site.ask("/ui/gpu", method)
        assert refused.status == 405
        assert refused.headers["allow"] == "GET, HEAD, OPTIONS"
    assert site.ask("/ui/gpu", "OPTIONS").status == 204


def test_without_a_build_a_page_says_which_command_makes_one_and_the_next_look_finds_it(tmp_path: Path) -> None:
    site = Site(tmp_path / "dist")
    missing = site.ask("/ui/gpu")
    assert missing.status == 503
    assert missing.headers["content-type"] == "text/html; charset=utf-8"
    assert b"<pre>scripts/ui</pre>" in missing.content
    assert site.ask(NAME).status == 404
    site.write("index.html", PAGE)
    assert site.ask("/ui/gpu").content == PAGE


def test_a_new_build_takes_the_old_ones_place(site: Site) -> None:
    assert site.ask("/ui/gpu").content == PAGE
    site.write("assets/index-NEW.js", b"1")
    site.write("index.html", PAGE + b"<!-- new -->")
    assert site.ask("/ui/gpu").content == PAGE + b"<!-- new -->"
    assert site.ask("/ui/assets/index-NEW.js").content == b"1"


def test_files_beyond_the_daemons_measure_are_left_out(site: Site) -> None:
    found = read_files(str(site.directory), most=len(PAGE) + 100)
    assert set(found) == {"index.html", "assets/index-aitTXmZs.css"}
