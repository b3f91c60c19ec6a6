"""`docs/configuration.md` and `configs/example.*`, written from the table of settings."""

import json
import os
import sys
import textwrap
from collections.abc import Callable
from typing import Any

from gavelq.config.settings import SETTINGS, Setting

_CARDS = """\
# What you say about single cards, by index or UUID (`gavelq gpu list` shows both). Every field is optional: `label` is
# a name for people, `keep_free` is memory that gavelq leaves alone (a bare number counts GiB), `ignored` takes the card
# out of scheduling, `queue` gives it to a queue. An entry is applied when the card appears, and again when it changes.
gpus: {}
# gpus:
#   0: {label: next to the window, keep_free: 2G}
#   GPU-11111111-2222-3333-4444-555555555555: {ignored: true}
#   "3": {queue: running}
"""

_CARD_ROWS = """\
## Single cards: `gpus`

A mapping from an index or a UUID to what you say about that card (or a list of the same with `index` or `uuid` in each
entry):

```yaml
gpus:
  0: {label: next to the window, keep_free: 2G}
  GPU-11111111-2222-3333-4444-555555555555: {ignored: true}
  "3": {queue: running}
```

| field | meaning | default |
|---|---|---|
| `label` | a name for people | empty |
| `keep_free` | memory that gavelq leaves alone on the card; a bare number counts GiB | 0 |
| `ignored` | take the card out of scheduling | false |
| `queue` | the queue that owns the card | none: the pool |

An entry is applied when its card appears, and again when the entry changes; what you did by command in between holds
until then. An entry whose card is not there is reported in the daemon's log.
"""

_INTRODUCTION = """\
# Configuration

This page is written from the table in `src/gavelq/config/settings.py` (by `scripts/docs`).

gavelq runs without any configuration. Where there is a file it is `$XDG_CONFIG_HOME/gavelq/config.yaml`
(`~/.config/gavelq/config.yaml`), or `config.yaml` under `GAVELQ_HOME`, or what `--config FILE` or `GAVELQ_CONFIG`
names. It is YAML, so JSON files load as well; keys that begin with `//` are comments. Both
[example.yaml](../configs/example.yaml) and [example.json](../configs/example.json) hold every setting with its default.

A value is taken from the first of these that has one: a flag on the command line, the environment, the file, the
default. The environment variable of a setting is `GAVELQ_` and its name in capitals with `_` for `.`:
`GAVELQ_GPU_PROVIDER` for `gpu.provider`. In the file a setting stands under its section
(`gpu:` and below it `provider: nvml`) or under its whole name (`gpu.provider: nvml`).

* `gavelq config show` lists all settings with their values and where each comes from; `config get NAME` tells one.
* `gavelq config set NAME VALUE` changes the file and leaves its comments alone; a running daemon takes the change over,
  except for the settings marked below. `config unset NAME` takes a setting out again, and `config edit` opens the file.
* `gavelq config history` tells who changed what when, and `config undo` takes a change back ([rules.md](rules.md)).
* `gavelq config check` reports every mistake with its file and line. A file with mistakes is never used.
* `gavelq config import FILE` takes over the configuration file of another scheduler, line by line: [import](import.md).
"""


def as_markdown() -> str:
    """The text of `docs/configuration.md`."""
    parts = [_INTRODUCTION]
    for title, settings in _groups():
        rows = [_row(setting) for setting in settings]
        table = ["| setting | value | default | meaning |", "|---|---|---|---|", *rows]
        parts.append(f"## {title}\n\n" + "\n".join(table) + "\n")
    parts.append("(R): a running daemon takes it over at `gavelq daemon restart`.\n")
    parts.append(_CARD_ROWS)
    return "\n".join(parts)


def as_example_yaml() -> str:
    """The text of `configs/example.yaml`: every setting with its default and its meaning."""
    lines = ["# gavelq: every setting with its default. Delete what you do not change. See docs/configuration.md."]
    for section, settings in _by_section():
        lines += ["", f"{section}:"] if section else []
        indent = "  " if section else ""
        for setting in settings:
            lines += [] if section else [""]
            lines += [f"{indent}# {line}" for line in _wrapped(_sentence(setting), 116 - len(indent))]
            lines.append(f"{indent}{setting.name.rpartition('.')[2]}: {_yaml(setting.default)}")
    return "\n".join(lines) + "\n\n" + _CARDS


def as_example_json() -> str:
    """The text of `configs/example.json`: the same as JSON; keys that begin with // are comments."""
    root: dict[str, Any] = {"//": "gavelq: every setting with its default. Keys that begin with // are comments."}
    for setting in SETTINGS:
        section, _, key = setting.name.rpartition(".")
        inner = root.setdefault(section, {}) if section else root
        inner[f"// {key}"] = _sentence(setting)
        inner[key] = setting.default
    root["// gpus"] = 'single cards by index or UUID: {"0": {"label": "...", "keep_free": "2G", "ignored": false}}'
    root["gpus"] = {}
    return json.dumps(root, indent=2, ensure_ascii=False) + "\n"


_TITLES = {
    "daemon": "The daemon",
    "http": "REST over TCP: `http`",
    "socket": "The unix socket: `socket`",
    "log": "The daemon's log: `log`",
    "logs": "The logs of tasks: `logs`",
    "gpu": "GPUs: `gpu`",
    "": "Choosing a card",
    "foreign": "Foreign processes: `foreign`",
    "sampling": "Watching cards before choosing one: `sampling`",
    "sharing": "Several tasks on one card: `sharing`",
    "runner": "The runner: `runner`",
    "submit": "Submitting: `submit`",
    "limits": "Limits: `limits`",
    "scheduling": "Scheduling: `scheduling`",
    "rules": "Which and how many cards gavelq uses, and command files: `rules`",
    "preemption": "Preemption: `preemption`",
    "lease": "Leases: `lease`",
    "retry": "Retries: `retry`",
    "retention": "History: `retention`",
    "isolation": "Keeping tasks to their GPUs: `isolation`",
    "history": "Measures over time: `history`",
    "tenants": "Other users: `tenants`",
    "alerts": "Alerts: `alerts`",
    "notify": "Who is told: `notify`",
}


def _by_section() -> list[tuple[str, list[Setting]]]:
    found: dict[str, list[Setting]] = {}
    for setting in SETTINGS:
        found.setdefault(setting.name.rpartition(".")[0], []).append(setting)
    return list(found.items())


def _groups() -> list[tuple[str, list[Setting]]]:
    return [(_TITLES[section], settings) for section, settings in _by_section()]


def _row(setting: Setting) -> str:
    mark = " (R)" if setting.needs_restart else ""
    default = _yaml(setting.default).replace("|", "\\|")
    return f"| `{setting.name}`{mark} | {setting.kind.wanted} | `{default}` | {setting.help} |"


def _sentence(setting: Setting) -> str:
    return f"{setting.help} ({setting.kind.wanted})" + (" Needs a restart." if setting.needs_restart else "")


def _yaml(value: Any) -> str:
    return "none" if value is None else json.dumps(value) if not isinstance(value, str) else value


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width)


FILES: dict[str, Callable[[], str]] = {
    "docs/configuration.md": as_markdown,
    "configs/example.yaml": as_example_yaml,
    "configs/example.json": as_example_json,
}
"""What is made from the table, by path in the repository."""


def stale(root: str) -> list[str]:
    """The files under `root` that no longer say what the table says."""
    found = []
    for name, made in FILES.items():
        try:
            with open(os.path.join(root, name), encoding="utf-8") as file:
                text = file.read()
        except FileNotFoundError:
            text = ""
        if text != made():
            found.append(name)
    return found


def main(arguments: list[str]) -> int:
    """Write the stale files below the current directory; with `--check`, only name them and return 1."""
    names = stale(".")
    for name in names:
        sys.stdout.write(f"{name} is stale\n" if arguments else f"writing {name}\n")
        if not arguments:
            with open(name, "w", encoding="utf-8") as file:
                file.write(FILES[name]())
    return 1 if names and arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
