"""docs/events.md: every event that a listener may hear of, from the table in the code. Called by scripts/pages.py."""

from gavelq.core.audit import ACTS
from gavelq.core.event_names import EVENTS, KINDS, EventName

HEAD = """# Events

Written by `scripts/docs` from the table in `src/gavelq/core/event_names.py`: what [`GET /api/events`](http.md#events),
`Client.events()` of the [SDK](sdk.md#events), the `events` of `GET /api/tasks/{id}` and `gavelq audit` tell. Ask for
kinds or for single events: `?kinds=gpu,ended`. A name that is not on this page is refused. New versions may have new
events and new details: a listener passes over what it does not know.

A detail with a question mark is there only sometimes. Times (`..._at`) are written as in `at`. `gap` and `sample` are
no events of the history, and [come by themselves](http.md#events).

"""
MEANING = {
    "about": "what it was to be told of: `start`, `end`, `idle`, `firing` or `resolved`",
    "action": "what the queue does about it: `warn`, `notify`, `requeue` or `end`",
    "added": "so many new tasks",
    "address": "where the caller came from",
    "after": "`lane_advanced`: the task that is gone; `prioritized`: the priority now",
    "attempt": "the number of the attempt, from 1 on",
    "before": "the priority before",
    "by_s": "by so many seconds; negative: back",
    "behind": "the task that is now before it in its lane, or null",
    "cause": "how the attempt ended: `exited`, `stopped`, `time_limit`, `lost`, `spawn_failed` or `owner_gone`",
    "changed": "`retrying`: what it asks for now instead, in words, or empty; `config_reloaded`: the names of settings",
    "command": "what it runs, at most 500 characters",
    "declared_mib": "the GPU memory that it asked for, or null",
    "detail": "what the runner found out about the end, in words",
    "exit_code": "the exit code, or null",
    "failures": "so many attempts failed so far",
    "fault": "what is wrong with it, or was, in words",
    "fields": "the names of what was changed",
    "file": "the configuration's id",
    "fired_at": "since when it fired",
    "gpu": "the index of the GPU",
    "gpus": "the indices of its GPUs, as texts",
    "how": "`api` or `undo`",
    "http": "the URL",
    "index": "the GPU's index, a text: `0`, or `0:1` for a MIG device",
    "is_ending": "whether it was to end; else it only got the signal",
    "kill_tasks": "whether its tasks end with it",
    "memory_mib": "the GPU memory that its processes use there, or null",
    "mode": "`single` or `multi`",
    "n_open": "so many tasks it still waits for",
    "n_tasks": "so many tasks",
    "name": "the name of the task, the GPU's model, or the configuration's name",
    "number": "the change's number in the history of the configuration",
    "password": "`changed` or `removed`",
    "path": "the file",
    "pause_s": "the pause before the next attempt",
    "pid": "the process",
    "pids": "the processes",
    "prefix": "the first characters of the token",
    "problem": "what went wrong, in words",
    "process_index": "the task's place in its queue id",
    "queue": "the queue",
    "queue_id": "the queue id in the command file",
    "reason": "an [end reason](lifecycle.md); of `held` and `alert_muted`: words",
    "removed": "so many tasks that were taken out",
    "requeue": "whether it goes back into its queue",
    "retries": "so many retries it has, or `unlimited`",
    "retry_at": "not before this time; null: at once",
    "rule": "the rule of the alert; of a mute empty for all",
    "says": "the same in words",
    "scopes": "what the token may do",
    "settings": "their names",
    "severity": "`warning` or `critical`",
    "signal": "the signal's number, or null",
    "since_at": "since when it has been so",
    "source": "the queue that it was in",
    "subject": "what the mute is about; empty: all",
    "submission": "the submission's number",
    "taken_over": "true where it got what a deleted tenant of this name left behind",
    "target": "the other queue",
    "task": "the task that it waited for or stood behind, by its id",
    "tenant": "whose it is; null: the machine's",
    "text": "the alert in words",
    "to": "the place that was, or was to be, told, without its secrets",
    "token": "the token's id",
    "told": "why, in words",
    "until_at": "when the mute ends",
    "value": "what was measured, or null",
    "version": "counts the changes of the configuration",
    "what": "`other_gpu` or `memory`",
    "why": "`placed`: how its GPUs were chosen (`selection`); else why nobody was told",
    "xid": "the number of the error",
}


def render() -> str:
    """The page. Raises ValueError where a detail is not explained here, or one is that no event has."""
    used = {name for event in EVENTS.values() for name in (*event.details, *event.maybe)}
    if used != set(MEANING):
        raise ValueError(f"details that are not explained, or that no event has: {sorted(used ^ set(MEANING))}")
    parts = [line for kind in KINDS for line in _kind(kind)]
    acts = ", ".join(f"`{name}`" for name in EVENTS if name in ACTS)
    ends = ["## Details", "", "| detail | what it holds |", "|---|---|"]
    ends += [f"| `{name}` | {meaning} |" for name, meaning in sorted(MEANING.items())]
    return HEAD + "\n".join([*parts, f"`gavelq audit` tells {acts}.", "", *ends]) + "\n"


def _kind(kind: str) -> list[str]:
    rows = [f"| `{name}` | {event.says} | {_details(event)} |" for name, event in EVENTS.items() if event.kind == kind]
    return [f"## {kind}", "", KINDS[kind], "", "| event | what happened | details |", "|---|---|---|", *rows, ""]


def _details(event: EventName) -> str:
    named = [f"`{name}`" for name in event.details] + [f"`{name}`?" for name in event.maybe]
    options = [f"the options that were given, as in `gavelq {event.options}`"] if event.options else []
    return ", ".join(named + options)
