"""The header of a script: `#GAVELQ` lines hold the options of `submit`, `#SBATCH` lines those of Slurm's sbatch."""

import shlex
import sys
from collections.abc import Iterator
from typing import Any

from gavelq.cli import sbatch
from gavelq.cli.hot.parser import parse
from gavelq.cli.options import COMMON, REQUEST, SWEEP
from gavelq.cli.output.text import safe, say
from gavelq.core.errors import InvalidFile

_GAVELQ = "#GAVELQ"
_SBATCH = "#SBATCH"
_OPTIONS = (*REQUEST, *SWEEP)
_COMMON = {option.name for option in COMMON}
"""Options of the command line alone: they say how to reach the daemon and how to print."""
_SAME = {
    "--job-name": "--name",
    "-J": "--name",
    "--chdir": "--workdir",
    "-D": "--workdir",
    "--time": "--time",
    "-t": "--time",
    "--output": "--log",
    "-o": "--log",
    "--gpus": "--gpu-count",
    "-G": "--gpu-count",
    "--gpus-per-node": "--gpu-count",
    "--gres": "--gpu-count",
    "--comment": "--tag",
    "--array": "--array",
    "-a": "--array",
    "--begin": "--not-before",
    "-b": "--not-before",
    "--signal": "--warn",
}
"""Options of sbatch(1) that have a counterpart here."""
_DEPENDENCY = ("--dependency", "-d")
_SWITCHES = {"--hold": "--hold", "-H": "--hold", "--requeue": "--requeue"}


def header_options(text: str, path: str) -> dict[str, Any]:
    """The option values of a script's header. Raises InvalidFile with the line that cannot be understood.

    The header ends at the first line that is neither empty nor a comment, as for sbatch. Sbatch options without a
    counterpart are told on standard error and left out.
    """
    merged: dict[str, Any] = {}
    of_sbatch: dict[str, Any] = {}
    ignored: list[str] = []
    for number, line in _header(text):
        mark = next((m for m in (_GAVELQ, _SBATCH) if line.startswith(m) and line[len(m) :][:1].isspace()), None)
        if mark is None:
            continue
        words = _words(line[len(mark) :], path, number)
        if mark == _SBATCH:
            words = list(_translated(words, ignored))
        parsed = parse(words, _OPTIONS)
        if parsed is None or parsed.words or parsed.behind is not None or parsed.values.keys() & _COMMON:
            problem = f"{line.strip()!r}: {_mistake(words)}"
            raise InvalidFile(path=path, line=number, problem=problem, hint="gavelq submit --help")
        _join(merged if mark == _GAVELQ else of_sbatch, parsed.values)
    if "warn" in of_sbatch and "time" not in {*of_sbatch, *merged}:
        ignored.append(f"--signal={of_sbatch.pop('warn')}, which needs --time")
    if ignored:
        say(f"left out, without a counterpart here: {safe(', '.join(ignored))}", sys.stderr)
    return {**of_sbatch, **merged}


def _mistake(words: list[str]) -> str:
    """What is wrong with these options, in click's words."""
    import click  # here, because only mistakes need it

    from gavelq.cli.base import click_option

    try:
        click.Command("submit", params=[click_option(option) for option in _OPTIONS]).make_context("submit", words)
    except click.UsageError as error:
        message = error.format_message().rstrip(".")
        return message[:1].lower() + message[1:]
    return "it holds more than options of `gavelq submit`"


def _join(options: dict[str, Any], more: dict[str, Any]) -> None:
    """Options of a further line: the later one counts, and lists grow."""
    for name, value in more.items():
        options[name] = [*options.get(name, ()), *value] if isinstance(value, list) else value


def _header(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            return
        yield number, line


def _words(text: str, path: str, line: int) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError as error:
        raise InvalidFile(path=path, line=line, problem=str(error).lower(), hint="look at the quotes") from None


def _translated(words: list[str], ignored: list[str]) -> Iterator[str]:
    """Sbatch options as ours; those without a counterpart go to `ignored`."""
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        flag, separator, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
        if flag in _SWITCHES:
            yield _SWITCHES[flag]
            continue
        if not separator and at < len(words) and not words[at].startswith("-"):
            value = words[at]
            at += 1
        if flag in _DEPENDENCY:
            found, strange = sbatch.dependencies(value)
            ignored += [f"{flag} {part}" for part in strange]
            for option, ids in found.items():
                yield from (option, ",".join(ids))
            continue
        known = _SAME.get(flag)
        meant = _meant(known, flag, value)
        if known is None or not meant:
            ignored.append(word)
            continue
        yield from (known, meant)


def _meant(known: str | None, flag: str, value: str) -> str | None:
    """The value of an sbatch option in our words; None where it has no counterpart."""
    match known:
        case "--gpu-count":
            return sbatch.count(flag, value)
        case "--time":
            return sbatch.time_limit(value)
        case "--not-before":
            return sbatch.begin(value)
        case "--log":
            return sbatch.log(value)
        case "--warn":
            return sbatch.warning(value)
    return value
