"""Starting a runner from the daemon, once: detached, with a clean environment and nothing of the daemon's open."""

import asyncio
import os
import subprocess

from gavelq.adapters.apart import clean_environment, command_of
from gavelq.core.errors import RunnerUnavailable

_CODE = "from gavelq.adapters.runner.launcher import main; main(sys.argv[1:])"
_MAX_LOG = 1 << 20
_START_TIMEOUT_S = 15.0


def command(directory: str, claims_dir: str, idle_exit_s: float) -> list[str]:
    """The command line of a runner."""
    return command_of(_CODE, directory, claims_dir, str(idle_exit_s))


async def start(directory: str, claims_dir: str, idle_exit_s: float) -> None:
    """Start a runner and wait until it listens, or until another one turned out to be there.

    Raises RunnerUnavailable with what the runner said. Its standard error goes to DIRECTORY/runner.log.
    """
    # In a thread: asyncio's own subprocess transports outlive a cancelled caller. No start is left half done.
    starting = asyncio.ensure_future(asyncio.to_thread(_start, directory, command(directory, claims_dir, idle_exit_s)))
    try:
        said = await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait([starting])
        raise
    if not said.startswith(b"ready") and b"holds the lock" not in said:
        why = said.decode(errors="replace").strip() or f"it ended at once; see {_log_path(directory)}"
        raise RunnerUnavailable(why=why)


def _log_path(directory: str) -> str:
    return os.path.join(directory, "runner.log")


def _start(directory: str, argv: list[str]) -> bytes:
    """Run the starter, which ends as soon as the runner listens; returns what it said."""
    try:
        os.makedirs(directory, 0o700, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        log_fd = os.open(_log_path(directory), flags, 0o600)
        try:
            if os.fstat(log_fd).st_size > _MAX_LOG:
                os.ftruncate(log_fd, 0)
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log_fd,
                cwd="/",
                env=clean_environment(os.environ),
                start_new_session=True,
                timeout=_START_TIMEOUT_S,
                check=False,
            )
        finally:
            os.close(log_fd)
    except OSError as error:
        raise RunnerUnavailable(why=f"it cannot be started: {error}") from error
    except subprocess.TimeoutExpired:
        why = f"it did not start within {_START_TIMEOUT_S:.0f} s; see {_log_path(directory)}"
        raise RunnerUnavailable(why=why) from None
    return done.stdout
