"""`task wait|hold|run|kill --submission S`: all tasks that came in together."""

import sys
import time
from collections.abc import Sequence
from typing import Any

import click

from gavelq.cli.call import Call
from gavelq.cli.options import FINISHED
from gavelq.cli.output.failure import tell
from gavelq.cli.output.text import safe, say
from gavelq.cli.wait import POLL_S, exit_code_of
from gavelq.client import lean
from gavelq.client.http import query
from gavelq.client.patience import PatientLink
from gavelq.core.errors import PartlyDone, TimedOut

_SLACK_S = 15


def chosen(ids: Sequence[int], submission: int | None) -> int | None:
    """The submission, where one is named instead of ids. Raises UsageError unless exactly one of both is given."""
    if submission is None and not ids:
        raise click.UsageError("name tasks by their ids, or all tasks of a submission with --submission S")
    if submission is not None and ids:
        raise click.UsageError("give either ids or --submission S")
    return submission


def kill(call: Call, number: int, signal: str | None) -> int:
    """End all of its tasks, or deliver a signal that does not end them."""
    from gavelq.core.signals import parse_signal

    done = "killed" if parse_signal(signal)[1] else "signalled"
    return act(call, number, "kill", {"signal": signal} if signal else {}, done)


def act(call: Call, number: int, verb: str, payload: dict[str, Any], done: str) -> int:
    """Do it to all tasks of a submission that it can be done to; says how many. Raises WrongState where none.

    Returns 9 where some of them were refused it.
    """
    reply = call.link().send("POST", f"/api/submissions/{number}/{verb}", payload, timeout_s=120)
    if call.is_json:
        from gavelq.cli.output.document import print_body

        print_body(reply.body)
        return _tell_refused(call, lean.loads(reply.body))
    found = lean.loads(reply.body)
    rest = f", {found['n_refused']} not" if found["n_refused"] else ""
    say(f"submission {number}: {found['n_done']} {_tasks(found['n_done'])} {done}{rest} ({_counts(found)} now)")
    return _tell_refused(call, found)


def _tell_refused(call: Call, found: dict[str, Any]) -> int:
    """Why it could not be done to some, as for several ids; the exit code."""
    refused = found.get("refused")
    if not refused:
        return 0
    if call.is_json:
        n_done, n_failed = found["n_done"], len(refused)
        tell(PartlyDone(n_done=n_done, n_total=n_done + n_failed, n_failed=n_failed, results=refused), is_json=True)
        return 9
    sys.stdout.flush()
    for one in refused:
        error = one["error"]
        say(f"gavelq: task {one['id']}: {safe(error['message'])}", sys.stderr)
        if error["hint"]:
            say(f"hint: {safe(error['hint'])}", sys.stderr)
    return 9


def wait(call: Call, number: int, *, timeout_s: float | None, pass_exit_code: bool) -> int:
    """Wait for all of its tasks; 0 where all completed, else 1, or the code of the first that did not.

    Raises TimedOut (8) when the time is over.
    """
    link = PatientLink(call.link())
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        left = POLL_S if deadline is None else max(0.0, min(POLL_S, deadline - time.monotonic()))
        target = f"/api/submissions/{number}/wait" + query([("timeout", f"{left:g}")])
        reply = link.get(target, timeout_s=left + _SLACK_S, deadline=deadline)
        found: dict[str, Any] = lean.loads(reply.body)
        if found["is_ended"]:
            break
        if deadline is not None and time.monotonic() >= deadline:
            hint = f"gavelq task list --submission {number}"
            raise TimedOut(timeout_s=f"{timeout_s:g}", what=f"submission {number}: {_counts(found)}", hint=hint)
    if call.is_json:
        from gavelq.cli.output.document import print_body

        print_body(reply.body)
    else:
        say(f"submission {number} ({safe(found['name'])}): {_counts(found)}")
        sys.stdout.flush()
    if found["counts"]["completed"] == found["n_tasks"]:
        return 0
    return _own_code(link, number, deadline) if pass_exit_code else 1


def _own_code(link: PatientLink, number: int, deadline: float | None) -> int:
    """The exit code of its first task that did not complete."""
    states = [("state", state) for state in FINISHED if state != "completed"]
    target = "/api/tasks" + query([*states, ("submission", number), ("limit", 1)])
    tasks = lean.loads(link.get(target, timeout_s=_SLACK_S, deadline=deadline).body)
    return exit_code_of(tasks[0], is_own=True) if tasks else 1


def _counts(found: dict[str, Any]) -> str:
    return ", ".join(f"{n} {state}" for state, n in found["counts"].items() if n)


def _tasks(n: int) -> str:
    return "task" if n == 1 else "tasks"
