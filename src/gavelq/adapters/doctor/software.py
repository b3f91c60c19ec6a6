"""The interpreter, gavelq itself and its configuration."""

import platform
import sys
from collections.abc import Iterator, Mapping

from gavelq.adapters.doctor.finding import Finding, Wanted, ok, problem
from gavelq.config import Config
from gavelq.config.load import check
from gavelq.config.reading import read_text
from gavelq.core.errors import GavelqError
from gavelq.version import __version__

_AREA = "gavelq"
_OLDEST_PYTHON = (3, 11)


def versions() -> Iterator[Finding]:
    """Of Python and of gavelq."""
    found = platform.python_version()
    if sys.version_info[:2] < _OLDEST_PYTHON:
        yield problem(_AREA, "python", f"Python {found}", "install Python 3.11 or newer")
    else:
        yield ok(_AREA, "python", f"Python {found} ({sys.executable})")
    yield ok(_AREA, "version", f"gavelq {__version__}")


def configuration(path: str, env: Mapping[str, str]) -> tuple[Config, list[Finding]]:
    """The configuration as far as it can be understood, and its mistakes."""
    name = "configuration"
    try:
        text = read_text(path)
        config, mistakes = check(path, text, env)
    except GavelqError as error:
        return check(path, None, {})[0], [problem(_AREA, name, error.message, error.hint or "correct it")]
    if not mistakes:
        said = path if text is not None else f"{path} is not there; the defaults apply"
        return config, [ok(_AREA, name, said)]
    fix = "correct it, then look again with: gavelq config check"
    return config, [problem(_AREA, name, str(mistake), fix) for mistake in mistakes]


def wanted_of(config: Config, socket: str) -> Wanted:
    """What the configuration says of all that is looked after. `socket`: where the daemon answers."""
    return Wanted(
        provider=config.gpu.provider,
        simulated_count=config.gpu.simulated_count,
        claims_dir=config.gpu.claims_dir,
        socket=socket,
        level=config.isolation.level,
        allow_network_fs=config.daemon.allow_network_fs,
    )
