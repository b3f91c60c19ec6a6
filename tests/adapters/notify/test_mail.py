"""Mail: over SMTP on loopback, and what stops it."""

import asyncio
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gavelq.adapters.notify.channels import Channels
from gavelq.adapters.notify.mail import MailSettings
from gavelq.core.errors import CannotNotify
from gavelq.ports import Notice

NOTICE = Notice(title="gavelq: task 1\r\nBcc: x@y", text="task 1 (ä): failed", document={"task_id": 1, "gone": None})


_USUAL = {"DATA": "354 go on", "QUIT": "221 bye"}


@contextmanager
def mail_server(answers: dict[str, str]) -> Iterator[tuple[int, list[str]]]:
    """As much of RFC 5321 as a client needs; `answers` by the first word of a command. Its port, and what it heard."""
    heard: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 here")
            is_text = False
            for raw in self.rfile:
                line = raw.decode().rstrip("\r\n")
                heard.append(line)
                if is_text:
                    is_text = line != "."
                    if not is_text:
                        self.say("250 taken")
                    continue
                word = line.split(" ", 1)[0].upper()
                self.say(answers.get(word, _USUAL.get(word, "250 ok")))
                is_text = word == "DATA"
                if word == "QUIT":
                    return

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1], heard
        finally:
            server.shutdown()
            thread.join(5)


def send(settings: MailSettings) -> None:
    asyncio.run(Channels(lambda: settings).send("mailto:ada@example.org", NOTICE))


def test_a_notice_becomes_a_mail_and_nothing_can_be_put_into_its_header() -> None:
    with mail_server({}) as (port, heard):
        send(MailSettings(server=f"127.0.0.1:{port}", tls="none", sender="gavelq@lab.example"))
    assert "rcpt TO:<ada@example.org>" in [line.replace("RCPT", "rcpt") for line in heard]
    assert "From: gavelq@lab.example" in heard
    assert "Subject: gavelq: task 1 Bcc: x@y" in heard
    assert not any(line.startswith("Bcc") for line in heard)
    assert any("task_id: 1" in line for line in heard)


def test_an_address_that_is_refused_is_given_up() -> None:
    with mail_server({"RCPT": "550 nobody here"}) as (port, _), pytest.raises(CannotNotify) as caught:
        send(MailSettings(server=f"127.0.0.1:{port}", tls="none"))
    assert caught.value.is_permanent


def test_a_server_without_tls_gets_no_mail_that_is_to_be_encrypted() -> None:
    with mail_server({}) as (port, heard), pytest.raises(CannotNotify) as caught:
        send(MailSettings(server=f"127.0.0.1:{port}", tls="starttls"))
    assert not caught.value.is_permanent
    assert not any(line.upper().startswith("MAIL") for line in heard)


def test_a_password_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("SECRET\n")
    password.chmod(0o644)
    settings = MailSettings(server="127.0.0.1:1", tls="none", user="ada", password_file=str(password))
    with pytest.raises(CannotNotify, match="0644") as caught:
        send(settings)
    assert "SECRET" not in caught.value.message
    settings = MailSettings(server="127.0.0.1:1", tls="none", user="ada", password_file=str(tmp_path / "gone"))
    with pytest.raises(CannotNotify, match="cannot be read"):
        send(settings)
