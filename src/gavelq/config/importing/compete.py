"""The configuration of the compete design: its rules, its command files and its console."""

import shlex

from gavelq.config.importing.design import Design, later
from gavelq.config.importing.draft import Draft
from gavelq.config.importing.entries import Entry
from gavelq.config.importing.listening import listen
from gavelq.config.importing.rules import Rule, left, log_file, log_level, path_to, to, unless_negative

_TIME_LIMIT = unless_negative("rules.time_limit", None)
_TOKEN = left("gavelq makes its tokens itself and shows them once: gavelq token create")
_HOSTS = ("bind_address", "address", "host")


def _cards(draft: Draft, entry: Entry) -> None:
    every = draft.find("use_all_gpus")
    is_every = every is not None and str(every.value).strip().lower() in ("true", "yes", "on", "1")
    if entry.value in (None, "", []) and not is_every:
        draft.refuse(entry, "no card is named, which means every card here; name some, or write use_all_gpus: true")
    else:
        draft.take(entry, "rules.compete_gpus", [] if entry.value is None else entry.value)


def _file(mode: str) -> Rule:
    def rule(draft: Draft, entry: Entry) -> None:
        files = entry.value if isinstance(entry.value, list) else [entry.value]
        if not files or not all(isinstance(file, str) and file for file in files):
            draft.leave(entry, "no command file is named")
            return
        typed = "; ".join(f"gavelq file new {shlex.quote(file)} --mode {mode}" for file in files)
        draft.leave(entry, "gavelq keeps command files in its own store; this brings it in", typed)

    return rule


_RULES: dict[str, Rule] = {
    "compete_gpus": _cards,
    "use_all_gpus": to("rules.use_all_gpus"),
    "gpu_left": to("rules.gpu_left"),
    "min_gpu": to("rules.min_gpu"),
    "max_gpu": unless_negative("rules.max_gpu", None),
    "maximize_resource_utilization": to("rules.maximize_resource_utilization"),
    "memory_save_mode": to("rules.memory_save_mode"),
    "max_retry_before_backoff": to("rules.max_retry_before_backoff"),
    "backoff_duration": to("rules.backoff_duration"),
    "max_retries": unless_negative("rules.max_retries", "unlimited"),
    "time_limit": _TIME_LIMIT,
    "default_time_limit": _TIME_LIMIT,
    "work_dir": path_to("rules.work_dir"),
    "on_failure": to("rules.on_failure"),
    "seed": to("rules.seed"),
    "sampling_window": to("sampling.window_s"),
    "sampling_count": to("sampling.count"),
    "gpu_command_file": _file("single"),
    "gpus_command_file": _file("multi"),
    "check_time": left("gavelq acts when something happens, and has no rounds; GPUs: gpu.sample_interval_s"),
    "log_level": log_level,
    "log_file": log_file,
    "log_path": log_file,
    "log_dir": left("logs of tasks lie in gavelq's state directory; `gavelq task logs ID` shows them"),
    "port": later,
    **dict.fromkeys(_HOSTS, later),
    "secret": _TOKEN,
    "secret_key": _TOKEN,
    "password": _TOKEN,
    "token": _TOKEN,
}


def _finish(draft: Draft) -> None:
    listen(draft, draft.find(*_HOSTS), draft.find("port"))


COMPETE = Design(
    name="compete",
    telltales=frozenset(
        {
            "compete_gpus", "use_all_gpus", "gpu_left", "min_gpu", "max_gpu", "maximize_resource_utilization",
            "memory_save_mode", "max_retry_before_backoff", "backoff_duration", "gpu_command_file", "gpus_command_file",
            "bind_address", "secret",
        }
    ),
    rules=_RULES,
    wrappers=frozenset({"rules", "retry", "retry_config", "console", "server", "web", "config", "gpu"}),
    finish=_finish,
)  # fmt: skip
