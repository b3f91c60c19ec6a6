"""`gavelq list` and `gavelq task list`."""

import sys
import time

from gavelq.cli.call import Call
from gavelq.cli.options import FINISHED, RUNNING, UNFINISHED
from gavelq.cli.output.table import Column, print_table
from gavelq.cli.output.text import say
from gavelq.cli.output.times import duration, run_time
from gavelq.client import lean
from gavelq.client.http import Link, query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_PAGE = 1000
SHOWN_ON_TERMINAL = 200

_COLUMNS = (
    Column("ID", is_right=True),
    Column("STATE"),
    Column("QUEUE", is_soft=True),
    Column("PRIO", is_right=True, is_optional=True),
    Column("GPUS", is_soft=True),
    Column("TIME", is_right=True, is_optional=True),
    Column("REASON", is_optional=True),
    Column("NAME", is_soft=True, is_optional=True),
    Column("COMMAND", is_soft=True),
)


def list_all(call: Call, values: "Mapping[str, Any]") -> int:
    """`gavelq list`: tasks in every state unless told otherwise, newest last."""
    return _list(call, values, _states(values, default=()))


def list_tasks(call: Call, values: "Mapping[str, Any]") -> int:
    """`gavelq task list`: tasks that have not ended unless told otherwise."""
    return _list(call, values, _states(values, default=UNFINISHED))


def _states(values: "Mapping[str, Any]", *, default: tuple[str, ...]) -> tuple[str, ...]:
    """The states that are asked for; empty means all."""
    given = list(values.get("state") or ())
    if values.get("all") or "all" in given:
        return ()
    if values.get("running"):
        given.extend(RUNNING)
    if values.get("finished"):
        given.extend(FINISHED)
    return tuple(dict.fromkeys(given)) or default


def _list(call: Call, values: "Mapping[str, Any]", states: tuple[str, ...]) -> int:
    link = call.link()
    chosen = [(name, values.get(name)) for name in ("queue", "submission")]
    wanted = [("state", state) for state in states] + chosen
    limit = values.get("limit")
    if limit is None and (call.is_json or not call.is_terminal):
        return _print_everything(call, link, wanted)
    n_shown = limit or SHOWN_ON_TERMINAL
    asked = min(n_shown + 1, _PAGE) if limit is None else n_shown
    bodies, tasks = _newest(link, wanted, asked)
    if call.is_json:
        from gavelq.cli.output.document import print_body

        print_body(_joined(bodies))
        return 0
    n_more = len(tasks) - n_shown if limit is None else 0
    print_tasks(tasks[-n_shown:])
    if n_more > 0:
        n_older = _n_older(link, states, values.get("queue") or values.get("submission"), n_shown)
        say(f"{n_older} tasks are not shown; see more with --limit N, or pipe this command into less")
    return 0


def _n_older(link: Link, states: tuple[str, ...], chosen: object, n_shown: int) -> str:
    """How many tasks stand before those that are shown, where the daemon counts them: all, not `chosen` ones."""
    if chosen is not None:
        return "older"
    counts = link.fetch("GET", "/api/status").get("counts") or {}
    return f"{sum(n for state, n in counts.items() if not states or state in states) - n_shown} older"


def _print_everything(call: Call, link: Link, wanted: "list[tuple[str, Any]]") -> int:
    bodies, tasks, after = [], [], 0
    while True:
        reply = link.send("GET", "/api/tasks" + query([*wanted, ("after", after or None), ("limit", _PAGE)]))
        page = lean.loads(reply.body)
        bodies.append(reply.body)
        tasks.extend(page)
        # A server that does not know `after` would give the same page for ever.
        if len(page) < _PAGE or page[-1]["id"] <= after:
            break
        after = page[-1]["id"]
    if call.is_json:
        from gavelq.cli.output.document import print_body

        print_body(_joined(bodies))
    else:
        print_tasks(tasks)
    return 0


def _newest(link: Link, wanted: "list[tuple[str, Any]]", n: int) -> "tuple[list[bytes], list[dict[str, Any]]]":
    """The newest `n` tasks, oldest first, page by page backwards; with the pages' bodies in the same order."""
    bodies: list[bytes] = []
    tasks: list[dict[str, Any]] = []
    before = None
    while len(tasks) < n:
        size = min(n - len(tasks), _PAGE)
        pairs = [*wanted, ("before", before), ("newest", 1), ("limit", size)]
        reply = link.send("GET", "/api/tasks" + query(pairs))
        page = lean.loads(reply.body)
        bodies.insert(0, reply.body)
        tasks[:0] = page
        if len(page) < size or (before is not None and page[0]["id"] >= before):
            break
        before = page[0]["id"]
    return bodies, tasks


def _joined(bodies: list[bytes]) -> bytes:
    """Several arrays as one, without taking their elements apart."""
    if len(bodies) == 1:
        return bodies[0]
    inner = [body.strip()[1:-1].strip() for body in bodies]
    return b"[" + b",".join(part for part in inner if part) + b"]"


def print_tasks(tasks: "list[dict[str, Any]]") -> None:
    """Print a table of tasks; on a terminal a sentence where there are none."""
    if not tasks and sys.stdout.isatty():
        say("no tasks")
        return
    now = time.time()
    print_table(_COLUMNS, [_row(task, now) for task in tasks])


def _row(task: "dict[str, Any]", now: float) -> tuple[str, ...]:
    command = task.get("command") or ""
    return (
        str(task["id"]),
        task["state"],
        task["queue"],
        str(task["priority"]) if task.get("priority") else "-",
        gpus_of(task),
        duration(run_time(task, now)),
        reason_of(task),
        shown_name(task),
        command.replace("\n", "; ") or "-",
    )


def shown_name(task: "dict[str, Any]") -> str:
    """A task's name, unless it was made of its command."""
    name = str(task.get("name") or "-")
    return "-" if (task.get("command") or "").startswith(name.rstrip("…")) else name


def gpus_of(task: "dict[str, Any]") -> str:
    """The GPUs that a task has or had; while it waits, how many it wants."""
    if task.get("gpus") and task.get("state") not in ("pending", "held"):
        return ",".join(str(index) for index in task["gpus"])
    count = task.get("gpu_count", 1)
    if not count:
        return "none"
    most = task.get("max_gpus") or count
    wanted = str(count) if most == count else f"{count}-{most}"
    ids = task.get("gpu_ids") or []
    if ids:
        names = ",".join(str(index) for index in ids)
        return names if count == len(ids) else f"{wanted} of {names}"
    return f"{wanted} any"


def reason_of(task: "dict[str, Any]") -> str:
    """Why a task waits, or how it ended where that was not success."""
    if task.get("pending_reason"):
        return str(task["pending_reason"])
    reason = task.get("end_reason")
    if not reason or reason == "exit_zero":
        return "-"
    if reason == "exit_nonzero":
        return f"exit {task.get('exit_code')}"
    if reason == "signalled":
        return f"signal {task.get('signal')}"
    return str(reason)
