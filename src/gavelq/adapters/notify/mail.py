"""Mail by SMTP, with STARTTLS or TLS and a password from a file."""

import os
import smtplib
import ssl
import stat
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from socket import gethostname
from urllib.parse import unquote

from gavelq.core.errors import CannotNotify
from gavelq.core.notices import masked
from gavelq.ports import Notice

TIMEOUT_S = 10.0
_PORTS = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """How mail is sent (settings `notify.smtp*`)."""

    server: str | None = None
    """HOST or HOST:PORT; None: no mail."""
    tls: str = "starttls"
    user: str | None = None
    password_file: str | None = None
    sender: str | None = None


def send_mail(settings: MailSettings, url: str, notice: Notice) -> None:
    """Send a notice to a mailto: URL (blocking, some seconds at most for each step). Raises CannotNotify."""
    channel = masked(url)
    if settings.server is None:
        raise CannotNotify(channel=channel, why="notify.smtp names no mail server", is_permanent=True)
    letter = _letter(settings, unquote(url.partition(":")[2].partition("?")[0]), notice)
    password = _password(settings, channel)
    host, _, port = settings.server.partition(":")
    number = int(port) if port.isdigit() else _PORTS[settings.tls]
    try:
        with _connected(settings.tls, host, number) as server:
            if settings.tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if settings.user is not None:
                server.login(settings.user, password)
            server.send_message(letter)
    except smtplib.SMTPAuthenticationError as error:
        raise CannotNotify(channel=channel, why=f"the mail server refused the login ({error.smtp_code})") from None
    except smtplib.SMTPRecipientsRefused:
        why = "the mail server does not take mail for this address"
        raise CannotNotify(channel=channel, why=why, is_permanent=True) from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        why = f"the mail server {host}:{number} did not take it: {type(error).__name__}"
        raise CannotNotify(channel=channel, why=why) from None


def _connected(tls: str, host: str, port: int) -> smtplib.SMTP:
    if tls == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=ssl.create_default_context())
    return smtplib.SMTP(host, port, timeout=TIMEOUT_S)


def _letter(settings: MailSettings, address: str, notice: Notice) -> EmailMessage:
    letter = EmailMessage()
    letter["Subject"] = " ".join(notice.title.split())[:200]
    letter["From"] = settings.sender or f"gavelq@{gethostname()}"
    letter["To"] = address
    letter["Date"] = formatdate()
    letter["Message-ID"] = make_msgid("gavelq")
    lines = [f"{name}: {value}" for name, value in notice.document.items() if value is not None]
    letter.set_content("\n".join([notice.text, "", *lines, ""]))
    return letter


def _password(settings: MailSettings, channel: str) -> str:
    if settings.user is None or settings.password_file is None:
        return ""
    try:
        with open(settings.password_file, encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                why = f"notify.smtp_password_file has mode {mode:04o}, so that others may read it; make it 0600"
                raise CannotNotify(channel=channel, why=why)
            return file.readline().rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        why = f"notify.smtp_password_file cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}"
        raise CannotNotify(channel=channel, why=why) from None
