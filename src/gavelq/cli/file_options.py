"""What a start of a command file asks for, on `file start` and `submit file` alike."""

import os
from collections.abc import Mapping
from typing import Any

from gavelq.cli.call import Call
from gavelq.cli.hot.submit import environment, is_given
from gavelq.cli.options import COUNT, REQUEST, Option
from gavelq.core.errors import InvalidField
from gavelq.formats.start_options import MAX_SEED

_OF_SUBMIT = ("workdir", "queue", "priority", "time", "retries", "env", "env_keep", "env_all", "hold")
_HELP = {
    "workdir": "Where its tasks run, and what {work_dir} stands for; default: `rules.work_dir`.",
    "queue": "The queue that its tasks go to; its queue ids are lanes and have nothing to do with it.",
    "time": "A limit to the running time of each task, such as 30m or 2h; `none`: no limit.",
    "hold": "Accept the tasks, but hold them until `gavelq task run --submission S`.",
    "retries": "Try a failed task again up to N times; `unlimited`: always.",
}


def _told_anew(option: Option) -> Option:
    return Option(
        option.name, option.flags, _HELP.get(option.name, option.help), kind=option.kind, metavar=option.metavar,
        is_many=option.is_many, range=option.range,
    )  # fmt: skip


START = (
    *(_told_anew(option) for option in REQUEST if option.name in _OF_SUBMIT),
    Option(
        "on_failure",
        ("--on-failure",),
        "What a lane does after a task that failed for good.",
        choices=("continue", "stop"),
    ),
    Option(
        "seed",
        ("--seed",),
        "Makes the random order in which lanes start repeatable.",
        kind=COUNT,
        metavar="N",
        range=(0, MAX_SEED),
    ),
)
"""They win over the rules."""
_FIELDS = {"queue": "queue", "priority": "priority", "time": "time_limit", "retries": "retries", "hold": "hold"}


def start_options(call: Call, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The options as the daemon takes them, and the variables that were left out of the environment."""
    found = {field: values[name] for name, field in _FIELDS.items() if is_given(values.get(name))}
    found |= {name: values[name] for name in ("on_failure", "seed") if values.get(name) is not None}
    try:
        here = os.getcwd()
    except FileNotFoundError:
        here = None
    wanted = values.get("workdir")
    if wanted is not None:
        if not wanted or (here is None and not os.path.isabs(wanted)):
            raise InvalidField(field="workdir", problem=f"{wanted!r} is no path", hint="name a directory with -w DIR")
        found["workdir"] = os.path.abspath(wanted)
    elif here is not None:
        found["cwd"] = here
    found["env"], dropped = environment(call, values)
    if dropped:
        found["env_dropped"] = dropped
    return found, dropped
