"""The header of a script: `#GAVELQ` lines hold the options of `submit`, `#SBATCH` lines those of Slurm's sbatch."""

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from gavelq.cli import sbatch, sbatch_options
from gavelq.cli.hot.parser import parse
from gavelq.cli.hot.submit import is_given
from gavelq.cli.judging import require_readable
from gavelq.cli.options import COMMON, REQUEST, SWEEP
from gavelq.core.errors import InvalidField, InvalidFile

GAVELQ = "#GAVELQ"
SBATCH = "#SBATCH"
_OPTIONS = (*REQUEST, *SWEEP)
_COMMON = {option.name for option in COMMON}
"""Options of the command line alone: they say how to reach the daemon and how to print."""
_WAITS = ("after", "after_any", "after_fail")
_MOST_NOTES = 50
_SLURM = re.compile(r"\$\{?(SLURM_\w+)")
_INSTEAD = {
    "SLURM_ARRAY_TASK_ID": "GAVELQ_ARRAY_INDEX",
    "SLURM_JOB_ID": "GAVELQ_TASK_ID",
    "SLURM_JOBID": "GAVELQ_TASK_ID",
}
"""Slurm's variables that have a counterpart among those that a task gets."""
Options = dict[str, Any]


class Header:
    """What the lines at the head of a script ask for, and what is to be said about them."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.ours: Options = {}
        """Of `#GAVELQ` lines. They win over those of sbatch."""
        self.of_sbatch: Options = {}
        self.notes: list[str] = []
        """Warnings: what is left out or only noted, each with file and line."""
        self._places: dict[str, tuple[int, str]] = {}
        """By sbatch's long name the line where an option was last given, and its value."""

    def note(self, line: int, text: str) -> None:
        """One more warning."""
        self.notes.append(f"{self.path}:{line}: {text}")

    # --- reading -----------------------------------------------------------------------------------------

    def read_ours(self, line: int, text: str) -> None:
        """A line behind `#GAVELQ`. Raises InvalidFile."""
        shown = f"{GAVELQ}{text}".strip()
        _join(self.ours, self._parsed(_words(text, self.path, line), line, shown))

    def read_sbatch(self, line: int, text: str) -> None:
        """A line behind `#SBATCH`. Raises InvalidFile."""
        shown = f"{SBATCH}{text}".strip()
        try:
            for given in sbatch_options.read(_words(text, self.path, line)):
                self._take(given, line, shown)
        except sbatch_options.Misread as error:
            hint = "docs/directives.md names the options of sbatch that mean something here"
            raise _invalid(self.path, line, f"{shown!r}: {error}", hint) from None

    def _take(self, given: sbatch_options.Given, line: int, shown: str) -> None:
        if not given.is_known:
            near = sbatch_options.nearest(given.name) if given.name.startswith("--") else None
            meant = f" (did you mean {near}?)" if near else ""
            self.note(line, f"{given.written}: it is left out: neither sbatch nor gavelq knows it{meant}")
            return
        before = self._places.get(given.name)
        self._places[given.name] = line, given.value
        if given.name == "error":  # it depends on --output, which may come later
            return
        meant_here = sbatch.meaning(given.name, given.value)
        for text in meant_here.notes:
            self.note(line, f"{given.written}: {text}")
        if given.name == "dependency" and before is not None:  # sbatch takes the last one, too
            for name in _WAITS:
                self.of_sbatch.pop(name, None)
            self.note(line, f"{given.written}: it takes the place of the one in line {before[0]}")
        values = self._parsed(list(meant_here.words), line, shown)
        was, new = self.of_sbatch.get("gpu_count"), values.get("gpu_count")
        if was is not None and new is not None and was != new:
            self.note(line, f"{given.written}: it takes the place of the {was} GPU(s) asked for above")
        _join(self.of_sbatch, values)

    def _parsed(self, words: list[str], line: int, shown: str) -> Options:
        """The values of these options of ours. Raises InvalidFile."""
        parsed = parse(words, _OPTIONS)
        if parsed is None or parsed.words or parsed.behind is not None or parsed.values.keys() & _COMMON:
            raise _invalid(self.path, line, f"{shown!r}: {_mistake(words)}", "gavelq submit --help")
        try:
            require_readable(parsed.values)
        except InvalidField as error:
            raise _invalid(self.path, line, f"{shown!r}: {error.message}", error.hint) from None
        return parsed.values

    # --- using -------------------------------------------------------------------------------------------

    def under(self, given: Mapping[str, Any]) -> Options:
        """Its options, overridden by those of the command line; lists are put together."""
        merged = merge(merge(self.of_sbatch, self.ours), given)
        is_sbatchs_log = "log" in self.of_sbatch and "log" not in self.ours and not is_given(given.get("log"))
        if is_sbatchs_log:
            merged["log"] = self._log(merged)
        self._tell_error(merged.get("log") if is_sbatchs_log else None)
        if "warn" in self.of_sbatch and "time" not in merged and merged["warn"] == self.of_sbatch["warn"]:
            line, value = self._places["signal"]
            self.note(line, f"--signal={value}: it is left out: it needs --time, the limit that it warns of")
            del merged["warn"]
        return merged

    def _log(self, merged: Options) -> str:
        """Sbatch's `--output`: relative to the task's directory, and with an index where there is an array."""
        path = str(merged["log"])
        if "{index" in path and merged.get("array") is None:
            line, value = self._places["output"]
            self.note(line, f"--output={value}: 0 stands for %a, because there is no --array")
            path = sbatch.without_index(path)
        return os.path.join(str(merged.get("workdir") or ""), path)

    def _tell_error(self, log: str | None) -> None:
        """Both streams of a task go to one log: only a file of its own for errors is worth a word."""
        if "error" not in self._places:
            return
        line, value = self._places["error"]
        output = self._places.get("output")
        if log is None or output is None or os.path.normpath(output[1]) != os.path.normpath(value):
            self.note(line, f"--error={value}: it is left out: output and errors both go to the task's log")


def read_header(text: str, path: str) -> Header:
    """The header of a script. Raises InvalidFile with the line that cannot be understood.

    It ends at the first line that is neither empty nor a comment, as for sbatch.
    """
    header = Header(path)
    late: list[int] = []
    told: set[str] = set()
    is_over = False
    for number, line in enumerate(text.splitlines(), 1):
        is_over = is_over or (bool(line.strip()) and not line.startswith("#"))
        mark = _mark(line)
        if mark is None:
            if not line.lstrip().startswith("#"):
                _note_variables(header, number, line, told)
            continue
        if is_over:
            late.append(number)
        elif mark == GAVELQ:
            header.read_ours(number, line[len(mark) :])
        else:
            header.read_sbatch(number, line[len(mark) :])
    if late:
        more = f" (and {len(late) - 1} more)" if len(late) > 1 else ""
        header.note(late[0], f"this line{more} is not read: the header ends at the first command")
    return header


def _note_variables(header: Header, number: int, line: str, told: set[str]) -> None:
    """A script of a cluster that counts on Slurm's variables would find them empty; each is told once."""
    for name in _SLURM.findall(line):
        if name not in told:
            told.add(name)
            instead = f"; {_INSTEAD[name]} is" if name in _INSTEAD else ""
            header.note(number, f"${name} is not set here{instead}")


def _mark(line: str) -> str | None:
    return next((m for m in (GAVELQ, SBATCH) if line.startswith(m) and _is_end(line[len(m) : len(m) + 1])), None)


def _is_end(character: str) -> bool:
    return character.isspace() or character == "-"


def merge(options: Mapping[str, Any], given: Mapping[str, Any]) -> Options:
    """Options overridden by others, such as those of the command line; lists are put together."""
    merged = dict(options)
    for name, value in given.items():
        if isinstance(value, list | tuple):
            if value:
                merged[name] = [*merged.get(name, ()), *value]
        elif is_given(value):
            merged[name] = value
    if given.get("util_margin") is not None:
        merged.pop("max_util", None)
    elif given.get("max_util") is not None:
        merged.pop("util_margin", None)
    return merged


def _join(options: Options, more: Options) -> None:
    """Options of a further line: the later one counts, and lists grow."""
    for name, value in more.items():
        options[name] = [*options.get(name, ()), *value] if isinstance(value, list) else value


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


def _words(text: str, path: str, line: int) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError as error:
        raise _invalid(path, line, str(error).lower(), "look at the quotes") from None


def _invalid(path: str, line: int, problem: str, hint: str) -> InvalidFile:
    return InvalidFile(path=path, line=line, problem=problem, hint=hint)


def lines_of(notes: list[str]) -> Iterator[str]:
    """The warnings, at most a screen of them."""
    yield from notes[:_MOST_NOTES]
    if len(notes) > _MOST_NOTES:
        yield f"... and {len(notes) - _MOST_NOTES} more"
