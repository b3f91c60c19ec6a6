"""Values of sbatch's options (sbatch(1)) in gavelq's words. Raises Misread for what sbatch would refuse as well."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from gavelq.cli.sbatch_options import Misread

_DEPENDENCIES = {"afterok": "--after", "afterany": "--after-any", "afternotok": "--after-fail"}
_OTHER_DEPENDENCIES = {"after", "afterburstbuffer", "aftercorr", "expand", "singleton"}
_IDS = re.compile(r"\d+(?:[_+]\d+)?(?::\d+(?:[_+]\d+)?)*")
_UNITS = {"second": "s", "minute": "m", "hour": "h", "day": "d"}
_SOON = re.compile(r"now\+(\d+)\s*(?:(second|minute|hour|day)s?)?")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?|\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?")
_OTHER_BEGIN = re.compile(r"now(\+\d+\s*weeks?)?|today|tomorrow|fika|elevenses|\d{1,2}[:/.\d]*( ?[AaPp][Mm])?")
_LIMIT = re.compile(r"\d+|\d+:\d{1,2}|\d+:\d{1,2}:\d{1,2}|\d+-\d{1,2}(:\d{1,2}){0,2}")
_SIGNAL = re.compile(r"(?:[BR]{1,2}:)?(\w+)(?:@(\d+))?")
_SIGNAL_S = 60
_NAMED = {"midnight": "00:00", "noon": "12:00", "teatime": "16:00"}
_MEMORY = re.compile(r"(\d+)([KMGT]?)B?", re.IGNORECASE)
_MAX_TAG = 64
_PATTERN = re.compile(r"%(\d*)(.?)")
_INDEX = re.compile(r"\{index(?::0(\d+))?\}")
_NUMBERS = {"j": "id", "A": "submission", "a": "index"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What an option is in our words, and what is to be said about it."""

    words: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def gres(value: str) -> Meant:
    """`gpu`, `gpu:2`, `gpu:a100:2`, several with commas; the others of the generic resources are left out."""
    total, notes = 0, []
    parts = value.split(",")
    for part in parts:
        name, *rest = part.split(":")
        if name.lower() != "gpu":
            notes.append(f"of it {part} is left out: GPUs are all that is given out here")
            continue
        if len(rest) > 2 or (len(rest) == 2 and not _is_number(rest[1])):
            raise Misread(f"{part!r} is not gpu:NUMBER or gpu:TYPE:NUMBER")
        total += int(rest[-1]) if rest and _is_number(rest[-1]) else 1
        if rest and not _is_number(rest[0]):
            notes.append(_of_type(rest[0]))
    if len(notes) == len(parts) and not total:
        return Meant(notes=("it is left out: GPUs are all that is given out here",))
    return Meant(words=("--gpu-count", str(total)), notes=tuple(notes))


def gpus(value: str) -> Meant:
    """`2` or `a100:2`, several with commas."""
    total, notes = 0, []
    for part in value.split(","):
        kind, _, number = part.rpartition(":")
        if not _is_number(number):
            raise Misread(f"{part!r} is not a number of GPUs, such as 2 or a100:2")
        total += int(number)
        if kind:
            notes.append(_of_type(kind))
    return Meant(words=("--gpu-count", str(total)), notes=tuple(notes))


def _of_type(kind: str) -> str:
    return f"the type {kind} is left out: cards are chosen by --memory, or named with --gpus, in a line of #GAVELQ"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def time_limit(value: str) -> Meant:
    """A bare number counts minutes; `D-HH` and `D-HH:MM` are days and hours; nought is no limit."""
    if value.upper() in ("UNLIMITED", "INFINITE") or (_LIMIT.fullmatch(value) and not value.strip("0:-")):
        return Meant(notes=("it means no limit: then that of the queue counts, if it has one",))
    if _LIMIT.fullmatch(value) is None:
        raise Misread(f"{value!r} is not a time limit: MINUTES, M:S, H:M:S, D-H, D-H:M or D-H:M:S")
    days, dash, clock = value.rpartition("-")
    if not dash:
        return Meant(words=("--time", f"{value}m" if value.isdigit() else value))
    return Meant(words=("--time", f"{days}-{clock}{':00' * (2 - clock.count(':'))}"))


def begin(value: str) -> Meant:
    """`--begin`: a time of the day, a date, or `now+2hours`."""
    soon = _SOON.fullmatch(value)
    found = f"+{soon[1]}{_UNITS[soon[2] or 'second']}" if soon else _NAMED.get(value)
    if found is None and _CLOCK.fullmatch(value):
        found = value
    if found is not None:
        return Meant(words=("--not-before", found))
    if _OTHER_BEGIN.fullmatch(value) is None:
        raise Misread(f"{value!r} is not a time: HH:MM, YYYY-MM-DD, YYYY-MM-DDTHH:MM, now+2hours")
    return Meant(notes=("it is left out: write HH:MM, YYYY-MM-DDTHH:MM or now+2hours",))


def warning(value: str) -> Meant:
    """`--signal`: `[B:]USR1@90`; a minute before the limit unless it says otherwise.

    Whom it goes to (`B:`, the shell alone) makes no difference: here all processes of the task get it.
    """
    found = _SIGNAL.fullmatch(value)
    if found is None:
        raise Misread(f"{value!r} is not SIGNAL@SECONDS, such as USR1@90")
    return Meant(words=("--warn", f"{found[1]}@{found[2] or _SIGNAL_S}"))


def log(value: str) -> Meant:
    """`--output`: `%j`, `%A`, `%a`, `%x` and `%%` have a counterpart; with another pattern it is left out."""
    if "\\" in value:  # sbatch(1): then no pattern is replaced
        return Meant(words=("--log", value.replace("\\", "")))
    strange: list[str] = []

    def replaced(found: re.Match[str]) -> str:
        digits, letter = found[1], found[2]
        if letter == "%" and not digits:
            return "%"
        if letter == "x":
            return "{name}"
        if letter not in _NUMBERS or len(digits) > 2 or int(digits or 0) > 10:
            strange.append(found[0])
            return ""
        return f"{{{_NUMBERS[letter]}{f':0{int(digits)}' if int(digits or 0) else ''}}}"

    path = _PATTERN.sub(replaced, value)
    if strange:
        return Meant(notes=(f"it is left out, because {strange[0]} means nothing here: the log has its usual place",))
    return Meant(words=("--log", path))


def dependencies(value: str) -> Meant:
    """`afterok:12:13,afterany:14` as ids by our option."""
    if "?" in value:  # any one of them will do
        return Meant(notes=("it is left out: a task waits for all that it names, and for no one of several",))
    found: dict[str, list[str]] = {}
    notes = []
    for part in value.split(","):
        kind, _, ids = part.partition(":")
        option = _DEPENDENCIES.get(kind)
        if option is None and kind not in _OTHER_DEPENDENCIES:
            raise Misread(f"{part!r} is not a dependency, such as afterok:12:13")
        if kind != "singleton" and _IDS.fullmatch(ids) is None:
            raise Misread(f"{part!r} names no tasks by their ids, as afterok:12:13 does")
        if option is None or "+" in ids or "_" in ids:
            why = "afterok, afterany and afternotok with ids of tasks are what is known here"
            notes.append(f"{part} is left out, and nothing waits for it: {why}")
        else:
            found.setdefault(option, []).extend(ids.split(":"))
    words = tuple(word for option, ids in found.items() for word in (option, ",".join(ids)))
    return Meant(words=words, notes=tuple(notes))


def host_memory(name: str, value: str) -> Meant:
    """`--mem` and its kin: a bare number counts megabytes."""
    found = _MEMORY.fullmatch(value)
    if found is None:
        raise Misread(f"{value!r} is not an amount of memory, such as 16G")
    return _noted(f"{name}={found[1]}{found[2].upper() or ('M' if int(found[1]) else '')}")


def cpus(name: str, value: str) -> Meant:
    """`--cpus-per-task` and its kin."""
    if not _is_number(value):
        raise Misread(f"{value!r} is not a number of CPUs")
    return _noted(f"{name}={int(value)}")


def _noted(tag: str) -> Meant:
    return Meant(words=("--tag", tag), notes=(f"it is noted as the tag {tag}; nothing limits the task by it",))


def comment(value: str) -> Meant:
    """`--comment`: a tag, as far as it goes."""
    if len(value) <= _MAX_TAG and value.isprintable():
        return Meant(words=("--tag", value))
    short = "".join(c if c.isprintable() else " " for c in value)[: _MAX_TAG - 1] + "…"
    return Meant(words=("--tag", short), notes=(f"a tag has at most {_MAX_TAG} characters: its end is left out",))


def exported(value: str) -> Meant:
    """`--export`: variables with values are set; the submitter's own environment comes along in any case."""
    words, notes = [], []
    for part in value.split(","):
        if "=" in part:
            words += ["--env", part]
        elif part != "ALL":
            notes.append(f"{part} makes no difference: the environment is passed on as always, without secrets")
    return Meant(words=tuple(words), notes=tuple(notes))


def as_ours(option: str) -> Callable[[str], Meant]:
    """The same value under an option of ours."""
    return lambda value: Meant(words=(option, value))


def switch(*words: str) -> Callable[[str], Meant]:
    """A switch of ours, or nothing where that is what happens anyway."""
    return lambda _: Meant(words=words)


_ONE = "there is one machine, and the script runs once"
_LEFT_OUT = {
    "partition": "queues are gavelq's own: #GAVELQ --queue NAME",
    "constraint": "cards are named with #GAVELQ --gpus IDS",
    "nodelist": _ONE,
    "exclude": _ONE,
    "nodes": _ONE,
    "ntasks": _ONE,
    "ntasks-per-node": _ONE,
    "ntasks-per-gpu": _ONE,
    "gpus-per-task": "say how many the script needs: --gpus=N",
    "gpus-per-socket": "say how many the script needs: --gpus=N",
    "exclusive": "a task has its cards alone unless it says --share",
    "oversubscribe": "cards are shared with #GAVELQ --share --memory GB",
    "nice": "order is asked for with #GAVELQ --priority LEVEL",
    "priority": "order is asked for with #GAVELQ --priority LEVEL",
    "input": "a task reads nothing: its standard input is /dev/null",
    "open-mode": "a log is always appended to",
    "wait": "gavelq task wait does that",
}


def left_out(name: str) -> Meant:
    """An option without a counterpart."""
    return Meant(notes=(f"it is left out: {_LEFT_OUT.get(name, 'it has no counterpart here')}",))


COUNTERPARTS: dict[str, Callable[[str], Meant]] = {
    "job-name": as_ours("--name"),
    "chdir": as_ours("--workdir"),
    "array": as_ours("--array"),
    "time": time_limit,
    "output": log,
    "gpus": gpus,
    "gpus-per-node": gpus,
    "gres": gres,
    "dependency": dependencies,
    "begin": begin,
    "signal": warning,
    "hold": switch("--hold"),
    "requeue": switch("--requeue"),
    "no-requeue": switch(),
    "mem": lambda value: host_memory("mem", value),
    "mem-per-cpu": lambda value: host_memory("mem-per-cpu", value),
    "mem-per-gpu": lambda value: host_memory("mem-per-gpu", value),
    "cpus-per-task": lambda value: cpus("cpus", value),
    "cpus-per-gpu": lambda value: cpus("cpus-per-gpu", value),
    "comment": comment,
    "export": exported,
}
"""By sbatch's long name what an option of it means here. `error` belongs to `output`: gavelq.cli.directives."""


def meaning(name: str, value: str) -> Meant:
    """What an option of sbatch means here. Raises Misread."""
    read = COUNTERPARTS.get(name)
    return read(value) if read is not None else left_out(name)


def without_index(path: str) -> str:
    """What `log` made, for a task that is in no array."""
    return _INDEX.sub(lambda found: "0" * int(found[1] or 1), path)
