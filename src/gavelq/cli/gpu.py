"""`gavelq gpu`."""

from __future__ import annotations

import time
from typing import Any

import click

from gavelq.cli.asking import confirm
from gavelq.cli.base import Command, Count, Group, pass_call
from gavelq.cli.call import Call
from gavelq.cli.hot.each import act
from gavelq.cli.hot.overview import holding_tasks
from gavelq.cli.output.document import print_body, print_document
from gavelq.cli.output.fields import print_fields
from gavelq.cli.output.gpus import fault_lines, foreign_lines, power, print_gpus, with_unit
from gavelq.cli.output.history import history_of, print_history
from gavelq.cli.output.text import safe, say
from gavelq.cli.output.times import local, memory
from gavelq.client import lean
from gavelq.client.http import quote
from gavelq.core.errors import UsageError

_ids = click.argument("ids", nargs=-1, required=True, metavar="ID...")
_requeue = click.option("--requeue", is_flag=True, help="Put the tasks that are ended back as pending.")


@click.group(cls=Group)
def gpu() -> None:
    """Look at GPUs and decide who may use them."""


@gpu.command("list", cls=Command)
@pass_call
def list_(call: Call) -> int:
    """List the GPUs: what each one does, for whom, and for how long."""
    return _print_gpus(call, "/api/gpus")


@gpu.command("info", cls=Command)
@click.argument("gpu_id", required=False, metavar="[ID]")
@pass_call
def info(call: Call, gpu_id: str | None) -> int:
    """Show everything about a GPU (an index or UUID), or about all of them."""
    link = call.link()
    reply = link.send("GET", f"/api/gpus/{quote(gpu_id)}" if gpu_id is not None else "/api/gpus")
    found = lean.loads(reply.body)
    gpus = found if isinstance(found, list) else [found]
    if call.is_json:
        _add_history(call, gpus)
        print_document(found)
        return 0
    told = history_of(link, [one["uuid"] for one in gpus]) if call.is_terminal and gpus else None
    series = {one["uuid"]: one for one in told["gpus"]} if told is not None else {}
    for number, one in enumerate(gpus):
        if number:
            say("")
        print_fields(_fields(one))
        if one["uuid"] in series:
            print_history(series[one["uuid"]])
    return 0


@gpu.command("allocate", cls=Command)
@click.argument("words", nargs=-1, required=True, metavar="[IDS] QUEUE")
@click.option("--count", type=Count(1, 1024), metavar="N", help="So many free cards of the pool; default: 1.")
@pass_call
def allocate(call: Call, words: tuple[str, ...], count: int | None) -> int:
    """Give GPUs to a queue: those that are named, or free ones of the pool."""
    *named, queue = words
    ids = _split(named)
    if ids and count is not None:
        raise UsageError("GPU ids and --count say the same thing in two ways", hint="give only one of them")
    payload: dict[str, Any] = {"queue": queue}
    if ids:
        payload["gpus"] = ids
    else:
        payload["count"] = count or 1
    reply = call.link().send("POST", "/api/gpus/allocate", payload)
    if call.is_json:
        print_body(reply.body)
        return 0
    for one in lean.loads(reply.body):
        say(safe(f"GPU {one['index']}: belongs to queue {one.get('queue') or queue}"))
    return 0


@gpu.command("release", cls=Command)
@_ids
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@_requeue
@pass_call
def release(call: Call, ids: tuple[str, ...], yes: bool, requeue: bool) -> int:
    """Take GPUs back into the pool, and end gavelq's tasks on them."""
    if not yes:
        fate = "back to pending" if requeue else "ended"
        found = [call.link().fetch("GET", f"/api/gpus/{quote(one)}") for one in _split(ids)]
        tasks = sorted({task for one in found for task in one.get("tasks") or ()})
        told = f"tasks {', '.join(map(str, tasks))} will be {fate}" if tasks else "no task of gavelq runs there"
        confirm(f"release GPU {', '.join(str(one['index']) for one in found)} ({told})?")
    return _each(call, ids, "release", {"requeue": requeue}, _released)


@gpu.command("ignore", cls=Command)
@_ids
@pass_call
def ignore(call: Call, ids: tuple[str, ...]) -> int:
    """Start no new task on GPUs; what runs there goes on."""
    return _each(call, ids, "ignore", {}, _state)


@gpu.command("unignore", cls=Command)
@click.argument("ids", nargs=-1, metavar="[ID...]")
@click.option("--all", "is_all", is_flag=True, help="All GPUs that are ignored, drained or broken.")
@pass_call
def unignore(call: Call, ids: tuple[str, ...], is_all: bool) -> int:
    """Let tasks onto GPUs again: the end of `ignore`, of `drain` and of a fault."""
    if is_all == bool(ids):
        raise UsageError("name GPUs, or give --all", hint="gavelq gpu unignore --help")
    if is_all:
        found = call.link().fetch("GET", "/api/gpus")
        wanted = [one for one in found if one["state"] in ("ignored", "draining") or one.get("ignored")]
        ids = tuple(str(one["uuid"]) for one in wanted)
        if not ids:
            say("[]" if call.is_json else "no GPU is ignored")
            return 0
    return _each(call, ids, "unignore", {}, _state, is_list=is_all)


@gpu.command("drain", cls=Command)
@_ids
@click.option("--now", is_flag=True, help="End the tasks on it instead of waiting for them.")
@_requeue
@pass_call
def drain(call: Call, ids: tuple[str, ...], now: bool, requeue: bool) -> int:
    """Start no new task on GPUs, and empty them."""
    if requeue and not now:
        raise UsageError("--requeue is about tasks that are ended: it needs --now", hint="add --now")
    return _each(call, ids, "drain", {"now": now, "requeue": requeue}, _state)


@gpu.command("share", cls=Command)
@click.argument("gpu_id", metavar="ID")
@click.option("--pid", type=int, metavar="PID", help="This process alone.")
@pass_call
def share(call: Call, gpu_id: str, pid: int | None) -> int:
    """Run tasks beside the foreign processes that are on a GPU now, until those leave. Their memory counts as used."""
    return _each(call, (gpu_id,), "share", {"pid": pid}, _shared)


@gpu.command("unshare", cls=Command)
@click.argument("gpu_id", metavar="ID")
@pass_call
def unshare(call: Call, gpu_id: str) -> int:
    """Mind those processes again: no more whole-card tasks beside them. What runs goes on."""
    return _each(call, (gpu_id,), "unshare", {}, _shared)


def _shared(found: dict[str, Any]) -> str:
    pids = ", ".join(map(str, found.get("accepted_pids") or ()))
    return f"{_state(found)}" + (f", shared with process {pids}" if pids else ", shared with nobody")


def _add_history(call: Call, gpus: list[dict[str, Any]]) -> None:
    """`history` of each GPU: the last hour, as `GET /api/monitor/metrics` tells it; missing where it is not known."""
    told = history_of(call.link(), [one["uuid"] for one in gpus]) if gpus else None
    series = {one["uuid"]: one["series"] for one in told["gpus"]} if told is not None else {}
    frame = {name: told[name] for name in ("from", "to", "step_s", "n_points")} if told is not None else {}
    for one in gpus:
        if one["uuid"] in series:
            one["history"] = {**frame, "series": series[one["uuid"]]}


def _each(call: Call, ids: tuple[str, ...], verb: str, payload: dict[str, Any], sentence: Any, **more: Any) -> int:
    return act(
        call,
        _split(ids),
        lambda one: ("POST", f"/api/gpus/{quote(one)}/{verb}", payload),
        sentence,
        noun="GPU",
        **more,
    )


def _split(words: list[str] | tuple[str, ...]) -> list[str]:
    """The ids in words that may hold several. Raises UsageError for words without any: a script's empty variable."""
    ids = [part.strip() for word in words for part in word.split(",") if part.strip()]
    if words and not ids:
        raise UsageError(f"{words[0]!r} names no GPU", hint="write for example 0, or 0,1")
    return ids


def _state(found: dict[str, Any]) -> str:
    why = f" ({found['unavailable']})" if found.get("excluded") and found["state"] == "ignored" else ""
    return f"GPU {found['index']}: {found['state']}{why}"


def _released(found: dict[str, Any]) -> str:
    return f"GPU {found['index']}: released into {'the pool' if not found.get('queue') else found['queue']}"


def _print_gpus(call: Call, target: str) -> int:
    link = call.link()
    reply = link.send("GET", target)
    if call.is_json:
        print_body(reply.body)
        return 0
    found = lean.loads(reply.body)
    print_gpus(found, holding_tasks(link, found))
    return 0


def _fields(one: dict[str, Any]) -> list[tuple[str, str]]:
    used, total, free = (one.get(f"memory_{name}_mib") for name in ("used", "total", "free"))
    return [
        ("gpu", str(one["index"])),
        ("label", one.get("label") or "-"),
        ("uuid", one["uuid"]),
        ("model", one["name"]),
        ("state", one["state"]),
        ("fault", "\n".join(line.strip().removeprefix("fault: ") for line in fault_lines(one, time.time())) or "-"),
        ("unavailable", str(one.get("unavailable") or "-")),
        ("queue", one.get("queue") or "pool"),
        ("memory", f"{memory(used)} of {memory(total)} used, {memory(free)} may be promised"),
        ("utilisation", with_unit(one.get("utilization_percent"), "%")),
        ("temperature", with_unit(one.get("temperature_c"), " C")),
        ("power", power(one.get("power_w"), one.get("power_limit_w"))),
        ("tasks", ", ".join(str(task) for task in one.get("tasks") or ()) or "none"),
        ("processes", "\n".join(_process(process) for process in one.get("processes") or ()) or "none"),
        ("unseen memory", memory(one["unattributed_mib"]) if one.get("unattributed_mib") else "-"),
        ("claimed by", str(one.get("claimed_by") or "-")),
        ("foreign use", "\n".join(_unlabelled(line) for line in foreign_lines(one, time.time())) or "-"),
    ]


def _process(process: dict[str, Any]) -> str:
    owner = f"task {process['task_id']}" if process.get("task_id") is not None else "not gavelq's"
    if process.get("is_ignored"):
        owner += ", ignored"
    if process.get("since"):
        owner += f", here since {local(process['since'])}"
    command = f" {process['command']}" if process.get("command") else ""
    return f"{process['pid']} {process.get('user') or '?'} {memory(process.get('memory_mib'))} ({owner}){command}"


def _unlabelled(line: str) -> str:
    return line.strip().removeprefix("foreign: ")
