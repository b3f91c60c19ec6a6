"""`gavelq file start|stop|diff|apply`: runs of configurations."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click

from gavelq.cli.asking import confirm
from gavelq.cli.base import Command, options, pass_call
from gavelq.cli.call import Call
from gavelq.cli.file_options import START, start_options
from gavelq.cli.hot.submit import tell_dropped
from gavelq.cli.output.document import print_body, print_document
from gavelq.cli.output.text import safe, say
from gavelq.cli.stored import LONG_S, chosen, mode_option
from gavelq.client import lean
from gavelq.client.http import new_key, query

Json = dict[str, Any]
_SHOWN = 40
"""Lines of a difference that a terminal shows."""
_word = click.argument("word", metavar="N|NAME")


def _target(mode: str, config_index: int, verb: str) -> str:
    return f"/api/scheduler/{mode}/{verb}" + query([("config_index", config_index)])


@click.command("start", cls=Command)
@_word
@mode_option
@options(START)
@pass_call
def start(call: Call, word: str, mode: str | None, **values: Any) -> int:
    """Run a configuration as it is now: one lane for each queue id, all lanes side by side.

    The options win over the rules (`gavelq config show rules`). The environment of now goes with it.
    """
    place = chosen(call, word, mode)
    wanted, dropped = start_options(call, values)
    reply = call.link().send("POST", _target(*place, "start"), wanted, timeout_s=LONG_S, key=new_key())
    if call.is_json:
        print_body(reply.body)
        return 0
    run: Json = lean.loads(reply.body)
    n_tasks, n_lanes = run["total_tasks"], len(run["queues"])
    say(
        safe(
            f"configuration {run['index']} ({run['name']}) runs as submission {run['submission_id']}: "
            f"{_counted(n_tasks, 'task')} in {_counted(n_lanes, 'lane')}"
        )
    )
    if sys.stdout.isatty():
        say(f"watch it with: gavelq file state -f {run['index']} --mode {run['mode']}")
    tell_dropped(dropped)
    return 0


@click.command("stop", cls=Command)
@click.argument("word", required=False, metavar="[N|NAME]")
@mode_option
@click.option("--run", "number", type=click.IntRange(min=1), metavar="R", help="The run (its submission) instead.")
@pass_call
def stop(call: Call, word: str | None, mode: str | None, number: int | None) -> int:
    """End the run of a configuration: its tasks that wait at once, those that run as `task kill` does."""
    if (word is None) == (number is None):
        raise click.UsageError("name a configuration, or a run with --run R")
    target = f"/api/scheduler/stop/{number}" if word is None else _target(*chosen(call, word, mode), "stop")
    reply = call.link().send("POST", target, {}, timeout_s=LONG_S)
    if call.is_json:
        print_body(reply.body)
        return 0
    run: Json = lean.loads(reply.body)
    rest = f", {run['running_tasks']} of them still ending" if run["running_tasks"] else ""
    say(safe(f"run {run['pid']} ({run['name']}): {_counted(run['n_done'], 'task')} stopped{rest}"))
    return 0


@click.command("diff", cls=Command)
@_word
@mode_option
@pass_call
def diff(call: Call, word: str, mode: str | None) -> int:
    """Show what `file apply` would change in the run of a configuration."""
    reply = call.link().send("GET", _target(*chosen(call, word, mode), "diff"), timeout_s=LONG_S)
    if call.is_json:
        print_body(reply.body)
    else:
        _show(lean.loads(reply.body))
    return 0


@click.command("apply", cls=Command)
@_word
@mode_option
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@pass_call
def apply(call: Call, word: str, mode: str | None, dry_run: bool, yes: bool) -> int:
    """Bring an edited configuration into its run: what has not started is added, removed or moved as it says now.

    What has started stays as it is, even where its block was changed or deleted. Shows the difference and asks first.
    """
    place, link = chosen(call, word, mode), call.link()
    shown: Json = lean.loads(link.send("GET", _target(*place, "diff"), timeout_s=LONG_S).body)
    if not call.is_json:
        _show(shown)
    if shown["is_changed"] and not dry_run and not yes:
        confirm(f"Change run {shown['pid']}?")
    # What was shown is applied, and not what somebody wrote meanwhile.
    target, payload = _target(*place, "apply"), {"dry_run": dry_run}
    done: Json = link.fetch("POST", target, payload, timeout_s=LONG_S, match=shown["etag"])
    if call.is_json:
        print_document(done)
    elif done["is_applied"] and done["is_changed"]:
        say(f"run {done['pid']} is as the file says now: {_summary(done)}{_new_ones(done)}")
    return 0


# --- the difference in words -------------------------------------------------------------------------------


def _show(found: Json) -> None:
    lines = [line for lane, one in found["queues"].items() for line in _lane_lines(lane, one)]
    most = _SHOWN if sys.stdout.isatty() else len(lines)
    for line in lines[:most]:
        say(safe(line))
    if len(lines) > most:
        say(f"... and {len(lines) - most} more lines (pipe it to see all)")
    nothing = "" if found["is_changed"] else "nothing to change: "
    say(safe(f"{found['name']} against run {found['pid']}: {nothing}{_summary(found)}"))


def _lane_lines(lane: str, found: Json) -> Iterator[str]:
    lines = [
        *(f"  + line {one['line']}: {_block(one)}" for one in found["added"]),
        *(f"  - task {one['task_id']}: {_commands(one)}" for one in found["removed"]),
        *(f"  ~ task {one['task_id']} moves (line {one['line']})" for one in found["moved"]),
        *(_stays(one) for one in found["started"] if _is_worth_telling(one)),
    ]
    if lines:
        yield f"lane {lane}"
        yield from lines


def _block(one: Json) -> str:
    return f"{_commands(one)} ({_counted(one['gpu_count'], 'GPU')}, {one['memory_gb']:g} GB)"


def _commands(one: Json) -> str:
    first, *rest = map(str, one["commands"])
    return first + (f" ... ({len(rest)} more)" if rest else "")


def _is_worth_telling(one: Json) -> bool:
    """A block that was deleted because its task is done needs no words."""
    return one["line"] is not None or one["state"] in ("pending", "held", "starting", "running", "stopping")


def _stays(one: Json) -> str:
    state = one["state"] or "removed"
    if one["line"] is not None:
        return f"  = line {one['line']} was changed, but it has started as task {one['task_id']} ({state}): it stays"
    return f"  = task {one['task_id']} ({state}) stays, though its block is gone; end it with: gavelq task kill"


def _summary(found: Json) -> str:
    return (
        f"{found['n_added']} added, {found['n_removed']} removed, {found['n_moved']} moved, "
        f"{found['n_kept'] - found['n_moved']} as before, {found['n_started']} started or over"
    )


def _new_ones(found: Json) -> str:
    ids = sorted(one["task_id"] for lane in found["queues"].values() for one in lane["added"])
    if not ids:
        return ""
    return f" (new: task {ids[0]})" if len(ids) == 1 else f" (new: tasks {ids[0]} to {ids[-1]})"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
