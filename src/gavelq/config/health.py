"""The interpreter, gavelq itself and its configuration."""

import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gavelq.config.load import check
from gavelq.config.model import Config
from gavelq.config.reading import read_text
from gavelq.core.errors import GavelqError
from gavelq.version import __version__

_AREA = "gavelq"
_OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found, in the form of the findings of `gavelq.adapters.doctor`."""

    area: str
    name: str
    verdict: str
    """`ok` or `problem`."""
    text: str
    fix: str = ""


def ok(name: str, text: str) -> Checked:
    """All is well."""
    return Checked(area=_AREA, name=name, verdict="ok", text=text)


def problem(name: str, text: str, fix: str) -> Checked:
    """Something does not work."""
    return Checked(area=_AREA, name=name, verdict="problem", text=text, fix=fix)


def versions() -> Iterator[Checked]:
    """Of Python and of gavelq."""
    found = platform.python_version()
    if sys.version_info[:2] < _OLDEST_PYTHON:
        yield problem("python", f"Python {found}", "install Python 3.11 or newer")
    else:
        yield ok("python", f"Python {found} ({sys.executable})")
    yield ok("version", f"gavelq {__version__}")


def configuration(path: str, env: Mapping[str, str]) -> tuple[Config, list[Checked]]:
    """The configuration as far as it can be understood, and its mistakes."""
    name = "configuration"
    try:
        text = read_text(path)
        config, mistakes = check(path, text, env)
    except GavelqError as error:
        return check(path, None, {})[0], [problem(name, error.message, error.hint or "correct it")]
    if not mistakes:
        said = path if text is not None else f"{path} is not there; the defaults apply"
        return config, [ok(name, said)]
    fix = "correct it, then look again with: gavelq config check"
    return config, [problem(name, str(mistake), fix) for mistake in mistakes]


def looked_after(config: Config) -> dict[str, Any]:
    """What the configuration says of all that is looked after: fields of `gavelq.adapters.doctor.Wanted`."""
    return {
        "provider": config.gpu.provider,
        "simulated_count": config.gpu.simulated_count,
        "claims_dir": config.gpu.claims_dir,
        "level": config.isolation.level,
        "allow_network_fs": config.daemon.allow_network_fs,
    }
