"""`gavelq queue`."""

from __future__ import annotations

from typing import Any

import click

from gavelq.cli.base import TASK_ID, Command, Count, Group, pass_call
from gavelq.cli.call import Call
from gavelq.cli.hot.listing import print_tasks
from gavelq.cli.options import UNFINISHED
from gavelq.cli.output.document import print_body
from gavelq.cli.output.fields import print_fields
from gavelq.cli.output.queues import limits_of, options_of, print_queues, retries_of, state_of
from gavelq.cli.output.text import safe, say
from gavelq.client import lean
from gavelq.client.http import new_key, query, quote
from gavelq.core.errors import InvalidField, UsageError

_name = click.argument("name", metavar="NAME")
_TRUE = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_FLAGS = ("hold", "paused", "pool")


@click.group(cls=Group)
def queue() -> None:
    """Look at queues, make them and set their limits."""


@queue.command("list", cls=Command)
@pass_call
def list_(call: Call) -> int:
    """List the queues."""
    reply = call.link().send("GET", "/api/queues")
    if call.is_json:
        print_body(reply.body)
    else:
        print_queues(lean.loads(reply.body))
    return 0


@queue.command("status", cls=Command)
@_name
@pass_call
def status(call: Call, name: str) -> int:
    """Show a queue and its tasks that have not ended."""
    link = call.link()
    reply = link.send("GET", f"/api/queues/{quote(name)}")
    if call.is_json:
        print_body(reply.body)
        return 0
    found = lean.loads(reply.body)
    gpus = ",".join(str(index) for index in found.get("gpus") or ())
    print_fields(
        [
            ("queue", found["name"]),
            ("state", state_of(found)),
            ("gpus", gpus or ("pool" if found.get("pool", True) else "none")),
            ("priority", str(found.get("priority", 0))),
            ("limits", ", ".join(limits_of(found)) or "-"),
            ("lends", "its idle GPUs" if found.get("lend") else "-"),
            ("retries", ", ".join(retries_of(found)) or "-"),
            ("running", str(found["n_running"])),
            ("pending", str(found["n_pending"])),
            ("held", str(found["n_held"])),
        ]
    )
    tasks = link.fetch("GET", "/api/tasks" + query([("state", s) for s in UNFINISHED] + [("queue", name)]))
    if tasks:
        say("")
        print_tasks(tasks)
    return 0


@queue.command("create", cls=Command)
@_name
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--priority", metavar="LEVEL", help="0 to 9, added to the order between queues.")
@click.option("--max-running", metavar="N", help="At most so many tasks at once; `none`: no limit.")
@click.option("--max-gpus", metavar="N", help="At most so many GPUs at once; `none`: no limit.")
@click.option("--max-util", metavar="U", help="Only GPUs at or below this utilisation in percent; `none`: no limit.")
@click.option("--mem-type", metavar="T", help="How --mem-value counts: ignore, absolute (MiB) or percentage.")
@click.option("--mem-value", metavar="V", help="So much memory must be free on a GPU; `none`: no limit.")
@click.option("--hold", is_flag=True, default=None, help="A hold queue: its tasks wait for `task run`.")
@click.option("--pool/--no-pool", default=None, help="Whether it may use the pool while it owns no GPU.")
@pass_call
def create(call: Call, name: str, pairs: tuple[str, ...], **given: Any) -> int:
    """Make a queue."""
    settings = {**_pairs(pairs), **{key: _value(key, value) for key, value in given.items() if value is not None}}
    reply = call.link().send("POST", "/api/queues", {"name": name, **settings}, key=new_key())
    return _tell(call, reply.body, "created")


@queue.command("set", cls=Command, context_settings={"ignore_unknown_options": False})
@_name
@click.argument("pairs", nargs=-1, required=True, metavar="KEY=VALUE...")
@pass_call
def set_(call: Call, name: str, pairs: tuple[str, ...]) -> int:
    """Change options: hold, paused, pool, priority, max_running, max_gpus, max_util, mem_type, mem_value, lend,
    time_limit, max_time_limit, idle_after, idle_action, and its tasks' retries, backoff, retry_burst, retry_on,
    on_gpu_oom. `none` takes a limit back.
    """
    return _patch(call, name, _pairs(pairs))


@queue.command("set-limit", cls=Command)
@_name
@click.option("--max-util", metavar="U", help="Only GPUs at or below this utilisation in percent; `none`: no limit.")
@click.option("--mem-type", metavar="T", help="How --mem-value counts: ignore, absolute (MiB) or percentage.")
@click.option("--mem-value", metavar="V", help="So much memory must be free on a GPU; `none`: no limit.")
@click.option("--max-running", metavar="N", help="At most so many tasks at once; `none`: no limit.")
@pass_call
def set_limit(call: Call, name: str, **given: Any) -> int:
    """Limit which GPUs a queue may use, and how many tasks it runs."""
    settings = {key: _value(key, value) for key, value in given.items() if value is not None}
    if not settings:
        raise UsageError("no limit was given", hint="gavelq queue set-limit --help")
    return _patch(call, name, settings)


@queue.command("delete", cls=Command)
@_name
@pass_call
def delete(call: Call, name: str) -> int:
    """Delete an empty queue; its GPUs go back to the pool."""
    reply = call.link().send("DELETE", f"/api/queues/{quote(name)}")
    if call.is_json:
        print_body(reply.body)
    else:
        say(safe(f"queue {name}: deleted"))
    return 0


@queue.command("merge", cls=Command)
@click.option("--from", "source", required=True, metavar="QUEUE", help="Where the tasks are.")
@click.option("--to", "target", required=True, metavar="QUEUE", help="Where they go.")
@pass_call
def merge(call: Call, source: str, target: str) -> int:
    """Move all tasks of a queue into another one; the emptied queue and its GPUs stay."""
    reply = call.link().send("POST", f"/api/queues/{quote(source)}/merge", {"into": target})
    return _tell(call, reply.body, f"has the tasks of {source}")


@queue.command("move", cls=Command)
@click.argument("task_id", type=TASK_ID, metavar="TASK")
@click.argument("name", metavar="QUEUE")
@pass_call
def move(call: Call, task_id: int, name: str) -> int:
    """Move a task into another queue; a running one keeps its GPUs."""
    return _task(call, task_id, "move", {"queue": name})


@queue.command("priority", cls=Command)
@click.argument("task_id", type=TASK_ID, metavar="TASK")
@click.argument("level", type=Count(0, 100), metavar="LEVEL")
@pass_call
def priority(call: Call, task_id: int, level: int) -> int:
    """Give a task another priority: 0 to 100, higher first."""
    return _task(call, task_id, "priority", {"priority": level})


@queue.command("pause", cls=Command)
@_name
@pass_call
def pause(call: Call, name: str) -> int:
    """Start no more tasks of a queue."""
    return _patch(call, name, {"paused": True})


@queue.command("resume", cls=Command)
@_name
@pass_call
def resume(call: Call, name: str) -> int:
    """Start tasks of a paused queue again."""
    return _patch(call, name, {"paused": False})


def _pairs(pairs: tuple[str, ...]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise InvalidField(field=pair, problem="this is not KEY=VALUE", hint="write for example max_running=1")
        if key in settings:
            raise InvalidField(field=key, problem="it is given twice", hint="give it once")
        settings[key] = _value(key, value)
    return settings


def _value(key: str, value: Any) -> Any:
    """A value as JSON wants it; what is neither a number nor a word of ours is left for the daemon to judge."""
    if isinstance(value, bool):
        return value
    text = str(value).strip()
    if key in _FLAGS and text.lower() in _TRUE:
        return _TRUE[text.lower()]
    if text.lower() == "none":
        return None
    return int(text) if text.removeprefix("-").isdecimal() and text.isascii() and len(text) < 19 else text


def _patch(call: Call, name: str, settings: dict[str, Any]) -> int:
    reply = call.link().send("PATCH", f"/api/queues/{quote(name)}", settings)
    return _tell(call, reply.body, "changed")


def _tell(call: Call, body: bytes, what: str) -> int:
    if call.is_json:
        print_body(body)
        return 0
    found = lean.loads(body)
    priority = [f"priority={found['priority']}"] if found.get("priority") else []
    say(safe(f"queue {found['name']}: {what} ({', '.join([state_of(found), *priority, *options_of(found)])})"))
    return 0


def _task(call: Call, task_id: int, verb: str, payload: dict[str, Any]) -> int:
    reply = call.link().send("POST", f"/api/tasks/{task_id}/{verb}", payload)
    if call.is_json:
        print_body(reply.body)
        return 0
    found = lean.loads(reply.body)
    say(safe(f"task {found['id']}: {found['state']} in queue {found['queue']}, priority {found['priority']}"))
    return 0
