"""Port Notifier: which way a URL is told, by its scheme."""

import asyncio
import importlib
import importlib.util
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from gavelq.adapters.notify.mail import MailSettings, send_mail
from gavelq.adapters.notify.webhook import post
from gavelq.core.errors import CannotNotify
from gavelq.core.notices import masked, scheme_of, url_problem
from gavelq.ports import Notice

THREADS = 4
"""For what can only be done blocking; of our own, so that a slow mail server holds up nobody else."""
TIMEOUT_S = 60.0


class Channels:
    """Webhooks, mail and, where it is installed, Apprise."""

    def __init__(self, mail: Callable[[], MailSettings]) -> None:
        self._mail = mail
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="notify")

    def problem(self, url: str) -> str:
        """See Notifier.problem."""
        found, scheme = url_problem(url), scheme_of(url)
        if found or scheme in ("http", "https"):
            return found
        if scheme == "mailto" and not url.startswith("mailto://"):
            return "" if self._mail().server else "no mail server is configured (setting notify.smtp)"
        if importlib.util.find_spec("apprise") is None:
            return f"{scheme}: needs the package apprise, which is not installed (pip install 'gavelq[notify]')"
        return ""

    async def send(self, url: str, notice: Notice) -> None:
        """See Notifier.send."""
        problem = self.problem(url)
        if problem:
            raise CannotNotify(channel=masked(url), why=problem, is_permanent=True)
        if scheme_of(url) in ("http", "https"):
            await post(url, notice.document)
            return
        is_mail = scheme_of(url) == "mailto" and not url.startswith("mailto://")
        work = (lambda: send_mail(self._mail(), url, notice)) if is_mail else (lambda: _by_apprise(url, notice))
        try:
            await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(self._pool, work), TIMEOUT_S)
        except TimeoutError:
            raise CannotNotify(channel=masked(url), why=f"it took longer than {TIMEOUT_S:g} s") from None

    async def close(self) -> None:
        """See Notifier.close."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _by_apprise(url: str, notice: Notice) -> None:
    """Hand a notice to Apprise (blocking). Raises CannotNotify."""
    apprise = importlib.import_module("apprise")
    logging.getLogger("apprise").disabled = True  # it writes whole URLs, secrets included
    told = apprise.Apprise()
    if not told.add(url):
        why = "Apprise cannot understand this URL"
        raise CannotNotify(channel=masked(url), why=why, is_permanent=True)
    if not told.notify(body=notice.text, title=notice.title):
        raise CannotNotify(channel=masked(url), why="Apprise could not deliver it")
