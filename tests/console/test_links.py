"""Coming into the console: one-time links, what their sessions may do, and who is refused."""

import http.client
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gavelq.cli.browser import place_of
from gavelq.daemon.login_links import LINK_S, MAX_OF_ONE, LoginLinks
from gavelq.daemon.sessions import Session
from tests.support.daemon import Box, Failure, box
from tests.support.tenants import Answer, As, tenant

FROM = "203.0.113.9 51234 192.0.2.7 22"


@pytest.fixture(scope="module")
def quiet() -> Iterator[Box]:
    """A daemon that listens on no TCP address."""
    with box() as started:
        yield started


class Browsing(As):
    """A browser at the daemon's address: it keeps its cookie and says where its pages come from."""

    def __init__(self, instance: Box) -> None:
        super().__init__(instance, None)
        self.cookie: str | None = None

    def send(self, method: str, target: str, body: Any = None, **headers: str) -> Answer:
        """A request of the console's own page, as browsers make them."""
        fields = {"Origin": self.url} if method != "GET" else {}
        fields |= {"Sec_Fetch_Site": "same-origin"} | ({"Cookie": self.cookie} if self.cookie else {})
        return self.ask(method, target, body, **{**fields, **headers})

    def enter(self, link: str) -> Answer:
        """Open a link, as its page does."""
        (code,) = parse_qs(urlsplit(link).query)["code"]
        answer = self.send("POST", "/api/login", {"code": code})
        if answer.status == 200:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer


def link_of(who: Box | As) -> str:
    return str(who.post("/api/login/link")["url_path"])


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["code"]


# --- links -----------------------------------------------------------------------------------------------


def test_a_link_opens_a_session_of_whoever_made_it(instance: Box) -> None:
    browsing = Browsing(instance)
    entered = browsing.enter(link_of(instance))
    assert entered.status == 200
    assert entered.json["is_admin"] is True
    for word in ("HttpOnly", "SameSite=strict", "Path=/"):
        assert word in entered.headers["set-cookie"]
    assert browsing.send("GET", "/api/user").json["tenant"] == instance.get("/api/user")["tenant"]
    assert browsing.send("POST", "/api/queues", {"name": "of-the-console"}).status == 201
    assert [act["event"] for act in instance.get("/api/audit")][-3:-1] == ["login_link", "login"]


def test_a_link_is_good_once(instance: Box) -> None:
    link = link_of(instance)
    assert Browsing(instance).enter(link).status == 200
    assert refused(Browsing(instance).enter(link)) == (401, "link_over")
    assert refused(Browsing(instance).enter("/ui/open?code=guessed")) == (401, "link_over")


def test_looking_at_a_link_does_not_use_it_up(instance: Box) -> None:
    link = link_of(instance)
    nobody = As(instance, None)
    for method in ("GET", "HEAD"):
        assert nobody.ask(method, link).status in (200, 503)
    assert Browsing(instance).enter(link).status == 200


def test_a_link_is_good_for_a_minute() -> None:
    links, session = LoginLinks(), Session(tenant="ada", expires_at=1e9, uid=1000)
    in_time, ends = links.make(session, 100.0)
    assert ends == 100.0 + LINK_S
    assert links.take(in_time, ends - 0.001) is session
    late, ends = links.make(session, 100.0)
    assert links.take(late, ends) is None


def test_one_tenants_links_push_out_nobody_elses() -> None:
    links = LoginLinks()
    of_bob, _ = links.make(Session(tenant="bob", expires_at=1e9, uid=1001), 0.0)
    codes = [links.make(Session(tenant="ada", expires_at=1e9, uid=1000), 0.0)[0] for _ in range(MAX_OF_ONE + 3)]
    known = [links.take(code, 1.0) is not None for code in codes]
    assert known == [False] * 3 + [True] * MAX_OF_ONE
    assert links.take(of_bob, 1.0) is not None


def test_a_link_from_a_token_can_do_what_the_token_can_and_ends_with_it(instance: Box) -> None:
    instance.post("/api/tenants", {"name": "ada"})
    made = instance.post("/api/tokens", {"tenant": "ada", "scopes": ["read"]})
    browsing = Browsing(instance)
    assert browsing.enter(link_of(As(instance, made["token"]))).json["scopes"] == ["read"]
    assert refused(browsing.send("POST", "/api/tasks", {"command": "true"})) == (403, "not_allowed")
    instance.request("DELETE", f"/api/tokens/{made['id']}")
    assert refused(browsing.send("GET", "/api/user")) == (401, "unauthenticated")


def test_a_viewer_comes_in_and_changes_nothing(instance: Box) -> None:
    browsing = Browsing(instance)
    entered = browsing.enter(link_of(tenant(instance, "vera", role="viewer")))
    assert entered.json["role"] == "viewer"
    assert browsing.send("GET", "/api/gpus").status == 200
    assert refused(browsing.send("POST", "/api/queues", {"name": "hers"})) == (403, "not_allowed")


def test_a_session_makes_no_links_and_nobody_makes_none(instance: Box) -> None:
    browsing = Browsing(instance)
    browsing.enter(link_of(instance))
    assert refused(browsing.send("POST", "/api/login/link", {})) == (403, "not_allowed")
    assert refused(As(instance, None).ask("POST", "/api/login/link", {})) == (401, "unauthenticated")


def test_a_task_gets_no_link(instance: Box) -> None:
    ask = f"curl -s -X POST --unix-socket {instance.socket} http://localhost/api/login/link"
    number = instance.submit(ask, gpu_count=0)
    instance.wait(number)
    told = json.loads(instance.log(number))
    assert (told["code"], "outlive" in told["message"]) == ("not_allowed", True)


# --- other origins ---------------------------------------------------------------------------------------


def test_pages_of_other_origins_get_nothing_with_the_sessions_cookie(instance: Box) -> None:
    browsing = Browsing(instance)
    browsing.enter(link_of(instance))
    assert browsing.send("GET", "/api/tasks").status == 200
    assert browsing.send("GET", "/api/tasks", Sec_Fetch_Site="none").status == 200  # a person typed the address
    for site in ("cross-site", "same-site"):
        assert refused(browsing.send("GET", "/api/tasks", Sec_Fetch_Site=site)) == (403, "not_allowed")
        assert browsing.send("GET", "/", Accept="text/html", Sec_Fetch_Site=site).status == 303  # a link elsewhere
    other_port = f"http://{browsing.host}:1"
    for origin in ("https://example.org", other_port, "null"):
        answer = browsing.send("POST", "/api/queues", {"name": "stolen"}, Origin=origin)
        assert refused(answer) == (403, "not_allowed"), origin
    assert refused(browsing.ask("POST", "/api/queues", {"name": "stolen"}, Cookie=browsing.cookie or "")) == (
        403,
        "not_allowed",
    )


def test_a_name_that_is_not_ours_gets_not_even_the_pages(instance: Box) -> None:
    for path in ("/ui/gpu", "/", "/api/tasks"):
        assert refused(As(instance, None).ask("GET", path, Host="example.org:8080")) == (403, "not_allowed")


def test_the_event_stream_takes_the_sessions_cookie(instance: Box) -> None:
    browsing = Browsing(instance)
    browsing.enter(link_of(instance))
    connection = http.client.HTTPConnection(browsing.host, browsing.port, timeout=30)
    try:
        connection.request(
            "GET", "/api/events", headers={"Cookie": browsing.cookie or "", "Sec-Fetch-Site": "same-origin"}
        )
        reply = connection.getresponse()
        assert (reply.status, reply.headers["Content-Type"].partition(";")[0]) == (200, "text/event-stream")
    finally:
        connection.close()
    browsing.cookie = None
    assert refused(browsing.send("GET", "/api/events")) == (401, "unauthenticated")


def test_daemons_behind_forwarded_ports_do_not_share_a_cookie(instance: Box) -> None:
    """`ssh -L 9001:127.0.0.1:8080 a` and `ssh -L 9002:127.0.0.1:8080 b`: one host, one port, for the browser two."""
    names = set()
    for port in (9001, 9002):
        browsing = Browsing(instance)
        (code,) = parse_qs(urlsplit(link_of(instance)).query)["code"]
        here = {"Host": f"127.0.0.1:{port}", "Origin": f"http://127.0.0.1:{port}"}
        entered = browsing.ask("POST", "/api/login", {"code": code}, **here)
        cookie = entered.headers["set-cookie"].partition(";")[0]
        names.add(cookie.partition("=")[0])
        assert browsing.ask("POST", "/api/queues", {"name": f"of-{port}"}, Cookie=cookie, **here).status == 201
    assert names == {"gavelq_session_9001", "gavelq_session_9002"}


# --- the address -----------------------------------------------------------------------------------------


def test_a_browser_is_led_from_the_root_to_the_console_and_a_program_is_not(instance: Box) -> None:
    nobody = As(instance, None)
    led = nobody.ask("GET", "/", Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert (led.status, led.headers["location"], led.headers["vary"]) == (303, "/ui/gpu", "Accept")
    told = nobody.ask("GET", "/", Accept="*/*")
    assert (told.status, told.headers["content-type"]) == (200, "text/plain; charset=utf-8")


def test_the_pages_come_over_the_unix_socket_too(quiet: Box) -> None:
    status, headers, _ = quiet.raw("GET", "/ui/gpu", b"", {})
    assert status in (200, 503)
    assert headers["content-security-policy"].startswith("default-src 'self';")


def test_a_daemon_without_an_address_opens_one_on_the_loopback_for_its_own_user(quiet: Box) -> None:
    for address in ("0.0.0.0:0", "192.0.2.1:80", "localhost"):
        with pytest.raises(Failure) as failure:
            quiet.post("/api/daemon/listen", {"address": address})
        assert failure.value.body["code"] == "invalid_field"
    assert quiet.get("/api/daemon")["http"] is None
    opened = quiet.post("/api/daemon/listen", {"address": "127.0.0.1:0"})
    assert opened["opened"] is True
    assert opened["http"] == quiet.get("/api/daemon")["http"]
    assert quiet.post("/api/daemon/listen") == {"http": opened["http"], "opened": False}
    assert Browsing(quiet).enter(link_of(quiet)).status == 200
    assert refused(As(quiet, None).ask("GET", "/api/tasks")) == (401, "unauthenticated")
    quiet.restart()
    assert quiet.get("/api/daemon")["http"] is None


def test_nobody_opens_an_address_over_the_network(instance: Box) -> None:
    admin = As(instance, instance.post("/api/tokens", {"admin": True})["token"])
    assert refused(admin.ask("POST", "/api/daemon/listen", {})) == (403, "not_allowed")


def test_gavelq_ui_prints_a_link_that_works(instance: Box) -> None:
    done = instance.cli("ui", "--no-open")
    assert done.returncode == 0, done.stderr
    assert Browsing(instance).enter(done.stdout.strip()).status == 200
    shown = json.loads(instance.cli("ui", "-o", "json").stdout)
    assert shown["url"].startswith(As(instance, None).url + "/ui/open?code=")
    assert shown["forward"] is None


def test_over_ssh_it_says_how_the_port_is_forwarded() -> None:
    near = place_of("http://127.0.0.1:8080", {})
    assert (near.url, near.forward) == ("http://127.0.0.1:8080", None)
    far = place_of("http://127.0.0.1:8080", {"SSH_CONNECTION": FROM})
    assert far.url == "http://127.0.0.1:8080"
    assert re.fullmatch(r"ssh -N -L 8080:127\.0\.0\.1:8080 \S+@192\.0\.2\.7", far.forward or "")
    odd = place_of("http://0.0.0.0:443", {"SSH_CONNECTION": FROM.removesuffix("22") + "2222"})
    assert odd.url == "http://127.0.0.1:8443"
    assert re.fullmatch(r"ssh -N -L 8443:127\.0\.0\.1:443 -p 2222 \S+@192\.0\.2\.7", odd.forward or "")
    assert place_of("http://[::]:8080", {}).url == "http://[::1]:8080"
