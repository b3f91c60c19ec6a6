"""The configuration of the minimalist design: sections system, gpu, scheduler, tenants, monitor."""

from gavelq.config.importing.cards import devices, memory_percent
from gavelq.config.importing.design import Design, later
from gavelq.config.importing.draft import Draft
from gavelq.config.importing.entries import Entry
from gavelq.config.importing.listening import listen
from gavelq.config.importing.rules import (
    AS_ALWAYS,
    NOT_SAID,
    Rule,
    left,
    log_file,
    log_level,
    log_size,
    sample_interval,
    to,
)
from gavelq.config.importing.tenants import tenants
from gavelq.core.errors import InvalidField
from gavelq.core.units import parse_duration

_SPREAD = "the calmest card is taken, by a burst of samples"
_ALGORITHMS: dict[str, tuple[tuple[str, object, str], ...]] = {
    "round_robin": (("scheduling.policy", "fair", "whoever used the GPUs least goes first, so that all take turns"),),
    "least_used": (
        ("selection", "sampled", _SPREAD),
        ("rules.memory_save_mode", False, "it spreads tasks over the cards instead of packing them"),
    ),
    "priority": (
        ("scheduling.policy", "fifo", "higher priorities go first under every policy; equals go in their order"),
    ),
    "fifo": (("scheduling.policy", "fifo", ""),),
    "fair": (("scheduling.policy", "fair", ""),),
}
_HOUR_S = 3600


def _algorithm(draft: Draft, entry: Entry) -> None:
    if entry.value is None:
        draft.leave(entry, NOT_SAID)
        return
    taken = _ALGORITHMS.get(str(entry.value).strip().lower().replace("-", "_"))
    if taken is None:
        draft.refuse(entry, f"{entry.value!r} is not one of {', '.join(_ALGORITHMS)}")
    for name, value, because in taken or ():
        draft.take(entry, name, value, because)


def _timeout(draft: Draft, entry: Entry) -> None:
    if entry.value is None or str(entry.value).strip() in ("0", "-1", ""):
        draft.leave(entry, f"no time limit: {AS_ALWAYS}")
        return
    try:
        seconds = parse_duration(str(entry.value), field=entry.key)
    except InvalidField as error:
        draft.refuse(entry, f"{error.details['problem']}; {error.hint}")
        return
    because = "a time limit belongs to a queue, as the default of its tasks"
    draft.leave(entry, because, f"gavelq queue set running time_limit={seconds:.15g}s")


def _retention(draft: Draft, entry: Entry) -> None:
    """Their bare numbers count hours; gavelq keeps whole days."""
    if entry.value is None:
        draft.leave(entry, NOT_SAID)
        return
    written = str(entry.value).strip()
    try:
        seconds = parse_duration(written if written[-1:].isalpha() else f"{written}h", field=entry.key)
    except InvalidField:
        draft.refuse(entry, f"{entry.value!r} is not a time above 0; write hours, or for example 7d")
        return
    days = int(-(-seconds // (24 * _HOUR_S)))
    because = f"{seconds / _HOUR_S:.15g} hours are kept as whole days; ended tasks have retention.tasks_days"
    draft.take(entry, "retention.events_days", days, because)


def _check_interval(draft: Draft, entry: Entry) -> None:
    other = draft.find("monitor_interval")
    if other is None:
        sample_interval(draft, entry)
    else:
        draft.leave(entry, f"gavelq has one interval for both, taken from line {other.line}")


def _log(draft: Draft, entry: Entry) -> None:
    (log_file if "/" in str(entry.value) or "." in str(entry.value) else log_level)(draft, entry)


def _gpu_enabled(draft: Draft, entry: Entry) -> None:
    is_on = str(entry.value).strip().lower() in ("true", "yes", "on", "1")
    draft.leave(entry, AS_ALWAYS if is_on else "gavelq always schedules GPUs; `gavelq gpu ignore ID` takes one out")


_USERS = left("people of this machine are known by their unix account; others get a token: gavelq token create")
_ONE_ADDRESS = left("REST, metrics and console are served on one address: http.listen")
_ALERTS = left("gavelq has its own alert rules: the settings alerts.*; `gavelq alert list` shows what they found")

_RULES: dict[str, Rule] = {
    "system_host": later,
    "system_port": later,
    "system_log": _log,
    "system_log_level": log_level,
    "system_log_file": log_file,
    "system_log_path": log_file,
    "system_log_max_size": log_size,
    "system_log_max_size_mb": to("log.max_mb"),
    "system_log_backup_count": to("log.backups"),
    "system_log_max_backups": to("log.backups"),
    "gpu_enabled": _gpu_enabled,
    "gpu_devices": devices,
    "gpu_max_memory_percent": memory_percent,
    "gpu_max_compute_percent": to("sharing.max_utilization", "it counts for tasks that share a card"),
    "gpu_check_interval": _check_interval,
    "scheduler_algorithm": _algorithm,
    "scheduler_queue_size": to("limits.max_unfinished", "it counts running tasks, too"),
    "scheduler_interval": left("gavelq schedules when something happens, not in rounds"),
    "scheduler_task_timeout": _timeout,
    "scheduler_preemptive": to("preemption.enabled", "only tasks that were submitted as preemptible are stopped"),
    "tenants": tenants,
    "monitor_enabled": left("gavelq always watches its GPUs"),
    "monitor_interval": sample_interval,
    "monitor_retention": _retention,
    "monitor_http_api": _ONE_ADDRESS,
    "monitor_http_port": _ONE_ADDRESS,
}
_SHORT = {
    "devices": "gpu_devices",
    "max_memory_percent": "gpu_max_memory_percent",
    "max_compute_percent": "gpu_max_compute_percent",
    "algorithm": "scheduler_algorithm",
    "queue_size": "scheduler_queue_size",
    "task_timeout": "scheduler_task_timeout",
    "preemptive": "scheduler_preemptive",
}
"""How a flat file may write them."""


def _finish(draft: Draft) -> None:
    listen(draft, draft.find("system_host"), draft.find("system_port"))


MINIMALIST = Design(
    name="minimalist",
    telltales=frozenset({*_RULES, *_SHORT}),
    rules={**_RULES, **{short: _RULES[name] for short, name in _SHORT.items()}},
    prefixes={"auth_": _USERS, "users": _USERS, "alert": _ALERTS, "monitor_alert": _ALERTS},
    wrappers=frozenset({"config", "minimalist"}),
    whole=frozenset({"gpu_devices", "devices", "tenants"}),
    finish=_finish,
)
