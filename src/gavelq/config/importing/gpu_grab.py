"""The configuration of gpu-grab: a flat YAML file."""

from gavelq.config.importing.design import Design
from gavelq.config.importing.draft import Draft
from gavelq.config.importing.entries import Entry
from gavelq.config.importing.rules import (
    AS_ALWAYS,
    NOT_SAID,
    Rule,
    count,
    left,
    log_file,
    log_level,
    path_to,
    sample_interval,
    to,
)
from gavelq.core.errors import InvalidField
from gavelq.core.units import parse_memory, parse_percent


def _max_tasks(draft: Draft, entry: Entry) -> None:
    if str(entry.value).strip() in ("0", "-1"):
        draft.refuse(entry, "0 would stop everything here; for no limit leave the line out (limits.max_running: none)")
    else:
        draft.take(entry, "limits.max_running", entry.value)


def _gpu_count(draft: Draft, entry: Entry) -> None:
    wanted = count(draft, entry, low=0, high=1024)
    if wanted == 1:
        draft.leave(entry, AS_ALWAYS)
    elif wanted is not None:
        draft.leave(entry, f"a task that says nothing gets one GPU; say how many at submit: -c {wanted}")


def _memory(draft: Draft, entry: Entry) -> None:
    if entry.value is None:
        draft.leave(entry, NOT_SAID)
        return
    try:
        memory = parse_memory(entry.value if isinstance(entry.value, str | int | float) else "", field=entry.key)
    except InvalidField as error:
        draft.refuse(entry, f"{error.details['problem']}; {error.hint}")
        return
    if memory == 0:
        draft.leave(entry, "a task that says nothing gets a whole GPU; -m at submit asks for less")
        return
    because = "a queue has that limit for all its tasks (one task says it at submit: -m)"
    draft.leave(entry, because, f"gavelq queue set-limit running --mem-type absolute --mem-value {memory}")


def _max_util(draft: Draft, entry: Entry) -> None:
    if entry.value is None:
        draft.leave(entry, NOT_SAID)
        return
    try:
        percent = parse_percent(entry.value if isinstance(entry.value, str | int | float) else "", field=entry.key)
    except InvalidField as error:
        draft.refuse(entry, f"{error.details['problem']}; {error.hint}")
        return
    if percent in (None, 100):
        draft.leave(entry, AS_ALWAYS)
        return
    because = "a queue has that limit for all its tasks (one task says it at submit: --max-util)"
    draft.leave(entry, because, f"gavelq queue set-limit running --max-util {percent}")


_STATE = left("gavelq keeps its state in $XDG_STATE_HOME/gavelq, or below GAVELQ_HOME")

_RULES: dict[str, Rule] = {
    "check_interval": sample_interval,
    "max_concurrent_tasks": _max_tasks,
    "log_level": log_level,
    "log_file": log_file,
    "log_path": log_file,
    "log_max_size_mb": to("log.max_mb"),
    "log_backup_count": to("log.backups"),
    "default_gpu_count": _gpu_count,
    "default_min_memory_gb": _memory,
    "default_max_util_percent": _max_util,
    "socket_path": path_to("socket.path", "stop gpu-grab before gavelq starts: only one of them can listen there"),
    "base_dir": _STATE,
    "data_dir": _STATE,
    "log_dir": left("logs of tasks lie in gavelq's state directory; `gavelq logs ID` shows them"),
    "logs_dir": left("logs of tasks lie in gavelq's state directory; `gavelq logs ID` shows them"),
}

GPU_GRAB = Design(
    name="gpu-grab",
    telltales=frozenset(
        {
            "check_interval",
            "max_concurrent_tasks",
            "log_max_size_mb",
            "log_backup_count",
            "default_gpu_count",
            "default_min_memory_gb",
            "default_max_util_percent",
        }
    ),
    rules=_RULES,
    wrappers=frozenset({"gpu_grab", "scheduling", "scheduler", "config"}),
)
