"""Passwords: hashed with Argon2id, in threads of their own, as slowly for names that nobody has as for all others."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING

from gavelq.core.errors import InvalidField

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_LENGTH, MAX_LENGTH = 8, 1024


def require_password(given: object) -> str:
    """A password that may be set. Raises InvalidField, without the password in it."""
    if not isinstance(given, str) or not MIN_LENGTH <= len(given) <= MAX_LENGTH or "\0" in given:
        problem = f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters"
        raise InvalidField(field="password", problem=problem, hint="take several words, or let a program make one")
    return given


class Passwords:
    """Hashes and checks: at most two at once, which take 19 MiB each."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="password")

    async def hashed(self, password: str) -> str:
        """What is kept of a password."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _hash, password)

    async def fits(self, kept: str, password: str) -> bool:
        """Whether that is the password. Where none is kept, it takes as long to say no."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _fits, kept, password)


@lru_cache(maxsize=1)
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher  # here, because most daemons never see a password

    # Argon2id with one lane as OWASP's password storage cheat sheet has it.
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hash("the password of nobody")


def _hash(password: str) -> str:
    return _hasher().hash(password.encode("utf-8", "surrogatepass"))


def _fits(kept: str, password: str) -> bool:
    from argon2.exceptions import VerificationError

    try:
        _hasher().verify(kept or _nobody(), password.encode("utf-8", "surrogatepass"))
    except VerificationError:
        return False
    return bool(kept)
