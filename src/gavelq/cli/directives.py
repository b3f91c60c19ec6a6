"""The header of a script: `#GAVELQ` lines hold the options of `submit`, `#SBATCH` lines those of Slurm's sbatch."""

import shlex
import sys
from collections.abc import Iterator
from typing import Any

from gavelq.cli.hot.parser import parse
from gavelq.cli.options import REQUEST
from gavelq.cli.output.text import safe, say
from gavelq.core.errors import InvalidFile

_GAVELQ = "#GAVELQ"
_SBATCH = "#SBATCH"
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
}
"""Options of sbatch(1) that have a counterpart here."""
_SWITCHES = {"--hold": "--hold", "-H": "--hold", "--requeue": "--requeue"}


def header_options(text: str, path: str) -> dict[str, Any]:
    """The option values of a script's header. Raises InvalidFile with the line that cannot be understood.

    The header ends at the first line that is neither empty nor a comment, as for sbatch. Sbatch options without a
    counterpart are told on standard error and left out.
    """
    merged: dict[str, Any] = {}
    sbatch: dict[str, Any] = {}
    ignored: list[str] = []
    for number, line in _header(text):
        mark = next((m for m in (_GAVELQ, _SBATCH) if line.startswith(m) and line[len(m) :][:1].isspace()), None)
        if mark is None:
            continue
        words = _words(line[len(mark) :], path, number)
        if mark == _SBATCH:
            words = list(_translated(words, ignored))
        parsed = parse(words, REQUEST)
        if parsed is None or parsed.words or parsed.behind:
            raise InvalidFile(
                path=path,
                line=number,
                problem=f"{line.strip()!r} does not hold options of `gavelq submit`",
                hint="gavelq submit --help",
            )
        (merged if mark == _GAVELQ else sbatch).update(parsed.values)
    if ignored:
        say(f"left out, without a counterpart here: {safe(', '.join(ignored))}", sys.stderr)
    return {**sbatch, **merged}


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
        known = _SAME.get(flag)
        if known == "--gpu-count":
            value = _count(flag, value)
        elif known == "--time":
            value = _time(value)
        elif known == "--log" and "%" in value:
            known = None  # sbatch's patterns (%j) mean nothing here
        if known is None or not value:
            ignored.append(word)
            continue
        yield known
        yield value


def _count(flag: str, value: str) -> str:
    """`gpu:2`, `gpu:a100:2`, `a100:2` or `2`; empty for other generic resources."""
    parts = value.split(":")
    if flag == "--gres" and parts[0] != "gpu":
        return ""
    if parts[-1].isdigit():
        return parts[-1]
    return "1" if flag == "--gres" else ""


def _time(value: str) -> str:
    """Sbatch counts a bare number in minutes, and reads `D-HH` and `D-HH:MM` (sbatch(1), --time)."""
    days, dash, clock = value.rpartition("-")
    if not dash:
        return f"{value}m" if value.isdigit() else value
    return f"{days}-{clock}{':00' * (2 - clock.count(':'))}"
