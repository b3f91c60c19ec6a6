"""Starting a runner from the daemon, once: detached, with a clean environment and nothing of the daemon's open."""

import asyncio
import os
import sys
from collections.abc import Mapping

import gavelq
from gavelq.core.errors import RunnerUnavailable

_BOOTSTRAP = (
    "import sys; sys.path.append(sys.argv[1]); from gavelq.adapters.runner.launcher import main; main(sys.argv[2:])"
)
_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
_MAX_LOG = 1 << 20
_START_TIMEOUT_S = 15.0


def command(directory: str, claims_dir: str, idle_exit_s: float) -> list[str]:
    """The command line of a runner.

    `-I -S` keeps the environment, the user's packages and .pth files out; gavelq itself is found where this process has
    found it, behind the standard library, so that nothing beside it can take a module's place.
    """
    root = os.path.dirname(os.path.dirname(os.path.abspath(gavelq.__file__ or "")))
    options = ["-I", "-S", "-X", "utf8"]
    return [sys.executable, *options, "-c", _BOOTSTRAP, root, directory, claims_dir, str(idle_exit_s)]


def clean_environment(source: Mapping[str, str]) -> dict[str, str]:
    """What the runner needs; the daemon's secrets are not among it."""
    return {name: source[name] for name in _KEPT if name in source}


async def start(directory: str, claims_dir: str, idle_exit_s: float) -> None:
    """Start a runner and wait until it listens, or until another one turned out to be there.

    Raises RunnerUnavailable with what the runner said. Its standard error goes to DIRECTORY/runner.log.
    """
    os.makedirs(directory, 0o700, exist_ok=True)
    log_path = os.path.join(directory, "runner.log")
    log_fd = os.open(log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(log_fd).st_size > _MAX_LOG:
            os.ftruncate(log_fd, 0)
        process = await asyncio.create_subprocess_exec(
            *command(directory, claims_dir, idle_exit_s),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log_fd,
            cwd="/",
            env=clean_environment(os.environ),
            start_new_session=True,
        )
    except OSError as error:
        raise RunnerUnavailable(why=f"it cannot be started: {error}") from error
    finally:
        os.close(log_fd)
    try:
        said, _ = await asyncio.wait_for(process.communicate(), _START_TIMEOUT_S)
    except TimeoutError:
        raise RunnerUnavailable(why=f"it did not start within {_START_TIMEOUT_S:.0f} s; see {log_path}") from None
    if not said.startswith(b"ready") and b"holds the lock" not in said:
        why = said.decode(errors="replace").strip() or f"it ended at once; see {log_path}"
        raise RunnerUnavailable(why=why)
