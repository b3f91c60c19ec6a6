"""Requests as several tenants, over TCP with their tokens."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from tests.support.daemon import Box

Json = dict[str, Any]


class Answer:
    """Status, header fields (names in lower case) and body of an answer."""

    def __init__(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.status = status
        self.headers = headers
        self.text = content.decode(errors="replace")

    @property
    def json(self) -> Any:
        """The body's document."""
        return json.loads(self.text)


class As:
    """Somebody with a token (None: nobody) at a daemon's TCP address."""

    def __init__(self, instance: Box, token: str | None, *, source: str = "127.0.0.1") -> None:
        """`source`: the address that requests come from."""
        where = urlsplit(instance.get("/api/daemon")["http"])
        self.host, self.port = str(where.hostname), int(where.port or 0)
        self.url = f"http://{self.host}:{self.port}"
        self.token = token
        self.source = source

    def ask(self, method: str, target: str, body: Any = None, **headers: str) -> Answer:
        """One request; header names are written with underscores."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            fields.setdefault("Authorization", f"Bearer {self.token}")
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            fields.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30, source_address=(self.source, 0))
        try:
            connection.request(method, target, content, fields)
            reply = connection.getresponse()
            return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
        finally:
            connection.close()

    def get(self, target: str) -> Any:
        """The document of a 200."""
        answer = self.ask("GET", target)
        assert answer.status == 200, answer.text
        return answer.json

    def post(self, target: str, body: Any = None) -> Any:
        """The document of a 2xx."""
        answer = self.ask("POST", target, {} if body is None else body)
        assert 200 <= answer.status < 300, answer.text
        return answer.json

    def listen(self, target: str, quiet_s: float = 1.0) -> str:
        """What a stream tells until nothing comes for a while."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=quiet_s)
        told = b""
        try:
            connection.request("GET", target, headers={"Authorization": f"Bearer {self.token}"})
            reply = connection.getresponse()
            while part := reply.read1(65536):
                told += part
        except TimeoutError:
            pass
        finally:
            connection.close()
        return told.decode()


def tenant(instance: Box, name: str, **options: Any) -> As:
    """A new tenant, with a token."""
    instance.post("/api/tenants", {"name": name, **options})
    return As(instance, instance.post("/api/tokens", {"tenant": name})["token"])
