"""What the OpenAPI document says of each route beside what its handler says itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A route. Shapes are named; `[Task]` is an array of them. None: what the handler says holds."""

    summary: str | None = None
    answer: str | None = None
    body: str | Mapping[str, Json] | None = None
    """A shape, or the fields of an object, all of them optional."""
    example: Any = None
    """Of the body."""
    required: tuple[str, ...] = field(default=())
    needs_body: bool = False


def _of(
    summary: str | None = None, answer: str | None = None, body: str | Mapping[str, Json] | None = None,
    example: Any = None, required: tuple[str, ...] = (), *, needs_body: bool = False,
) -> Operation:  # fmt: skip
    return Operation(
        summary=summary, answer=answer, body=body, example=example, required=required,
        needs_body=needs_body or bool(required),
    )  # fmt: skip


_TEXT: Json = {"type": "string"}
_TEXT_OR_NONE: Json = {"type": ["string", "null"]}
_FLAG: Json = {"type": "boolean"}
_SIGNAL: Json = {"type": ["string", "integer", "null"], "description": "A name such as TERM, or a number"}
_QUEUE: dict[str, Json] = {"queue": _TEXT_OR_NONE}
_KILL: dict[str, Json] = {"signal": _SIGNAL}
_RUN: Json = {"command": "python train.py", "gpu_count": 1, "memory": "8G", "time_limit": "2h", "workdir": "/tmp"}  # noqa: S108  # an example
_LEASE: Json = {"tenant_id": "tenant-1", "name": "test-task", "gpu_request": 1, "memory_mb": 4096, "priority": 50}

OPERATIONS: dict[str, Operation] = {
    "POST /api/submissions": _of(
        "Submit tasks: all of them, or none", "[Task]", "SubmissionRequest", {"tasks": [_RUN]}, needs_body=True
    ),
    "POST /api/tasks": _of(
        "Submit one task; without a command, a lease. With `dry_run` only tell", "Task", "TaskSubmission", _LEASE
    ),
    "GET /api/tasks": _of("Tasks by id; `newest` takes the last ones", "[TaskRow]"),
    "GET /api/tasks/{number}": _of("A task with its attempts and events", "TaskDetails"),
    "DELETE /api/tasks/{number}": _of("End a task, like kill", "Task"),
    "PATCH /api/tasks/{number}": _of(
        "Edit a task that has not started", "Task", "TaskChanges", {"priority": 50, "memory": "12G"}, needs_body=True
    ),
    "GET /api/tasks/{number}/why": _of("Why a task waits, or how it ended", "Explanation"),
    "GET /api/tasks/{number}/wait": _of("The task, as soon as it has ended or the time is over", "Task"),
    "GET /api/tasks/{number}/logs": _of("Lines of a task's log, or what stands from an offset on"),
    "POST /api/tasks/{number}/run": _of("Let a held task go", "Task", _QUEUE, {"queue": None}),
    "POST /api/tasks/{number}/hold": _of("Hold a pending task", "Task"),
    "POST /api/tasks/{number}/kill": _of("End a task, or send it a signal", "Task", _KILL, {"signal": "TERM"}),
    "POST /api/tasks/{number}/rerun": _of(
        "The same again, as a new task, with changes", "Task", "TaskChanges", {"time_limit": "4h"}
    ),
    "POST /api/tasks/{number}/remove": _of("Remove a held or ended task with its log"),
    "POST /api/tasks/{number}/move": _of(
        "Move a task into another queue", "Task", {"queue": _TEXT}, {"queue": "night"}, ("queue",)
    ),
    "POST /api/tasks/{number}/priority": _of(
        "Another priority",
        "Task",
        {"priority": {"type": "integer", "minimum": 0, "maximum": 100}},
        {"priority": 50},
        ("priority",),
    ),
    "POST /api/tasks/edit": _of(
        "Edit several tasks: all of them, or none",
        "[Task]",
        {"ids": {"type": "array", "items": {"type": "integer"}, "minItems": 1}, "changes": {"type": "object"}},
        {"ids": [6, 7], "changes": {"priority": 50}},
        ("ids", "changes"),
    ),
    "GET /api/submissions": _of(None, "[Submission]"),
    "GET /api/submissions/{number}": _of("A submission, with its tasks counted by state", "Submission"),
    "GET /api/submissions/{number}/wait": _of("The same, as soon as all have ended or the time is over", "Submission"),
    "POST /api/submissions/{number}/hold": _of("Hold its tasks that have not started", "SubmissionDone"),
    "POST /api/submissions/{number}/run": _of("Let its held tasks go", "SubmissionDone", _QUEUE, {"queue": None}),
    "POST /api/submissions/{number}/kill": _of("End its tasks", "SubmissionDone", _KILL, {"signal": "TERM"}),
    "GET /api/leases": _of("The leases that have not ended", "[Task]"),
    "POST /api/tasks/{number}/renew": _of("The owner of a lease is still there", "Task"),
    "POST /api/tasks/{number}/release": _of("Give a lease's GPUs back", "Task"),
    "GET /api/tasks/{number}/turn": _of("The task, as soon as it is not in that state any more", "Task"),
    "GET /api/wait": _of("Those of several tasks that have ended, as soon as there is one", "[Task]"),
    "GET /api/gpus": _of("The GPUs", "[Gpu]"),
    "GET /api/gpus/{name}": _of("A GPU by index or UUID", "Gpu"),
    "POST /api/gpus/allocate": _of(
        "Give GPUs to a queue",
        "[Gpu]",
        {
            "queue": _TEXT,
            "gpus": {"type": ["array", "null"], "items": {"type": ["string", "integer"]}},
            "count": {"type": ["integer", "null"], "minimum": 1, "maximum": 1024},
        },
        {"queue": "night", "gpus": ["0", "1"]},
        ("queue",),
    ),
    "POST /api/gpus/{name}/release": _of(
        "Take a GPU back into the pool, and end gavelq's tasks on it", "Gpu", {"requeue": _FLAG}, {"requeue": True}
    ),
    "POST /api/gpus/{name}/ignore": _of("Start nothing more on a GPU", "Gpu"),
    "POST /api/gpus/{name}/unignore": _of("Let a GPU be used again; ends a fault, too", "Gpu"),
    "POST /api/gpus/{name}/share": _of(
        "Run tasks beside the foreign processes that are on a GPU now, until they leave",
        "Gpu",
        {"pid": {"type": ["integer", "null"], "minimum": 1}},
        {"pid": 48213},
    ),
    "POST /api/gpus/{name}/unshare": _of("Mind those foreign processes again", "Gpu"),
    "POST /api/gpus/{name}/drain": _of(
        "Start nothing more on a GPU and empty it",
        "Gpu",
        {"now": _FLAG, "requeue": _FLAG},
        {"now": True, "requeue": True},
    ),
    "GET /api/plan": _of(None, "Plan"),
    "GET /api/queues": _of("The queues", "[Queue]"),
    "POST /api/queues": _of(
        "One more queue", "Queue", "QueueRequest", {"name": "night", "max_running": 2}, needs_body=True
    ),
    "GET /api/queues/{name}": _of("A queue; its ETag is in the header", "Queue"),
    "PATCH /api/queues/{name}": _of(
        "Other values for some options of a queue", "Queue", "QueueOptions", {"paused": True}, needs_body=True
    ),
    "DELETE /api/queues/{name}": _of("Delete an empty queue"),
    "POST /api/queues/{name}/merge": _of(
        "Move all tasks of a queue into another one", "Queue", {"into": _TEXT}, {"into": "night"}, ("into",)
    ),
    "GET /api/config": _of("The settings, with what the daemon works with", "[Setting]"),
    "PUT /api/config": _of(
        "Write settings into the file",
        "ConfigDone",
        {"values": {"type": "object"}, "unset": {"type": "array"}},
        {"values": {"rules.max_gpu": 2}, "unset": ["rules.gpu_left"]},
    ),
    "GET /api/config/history": _of("Changes of the configuration, oldest first", "[ConfigChange]"),
    "POST /api/config/try": _of(
        None,
        "TriedRules",
        {"settings": {"type": "object"}, "unset": {"type": "array"}},
        {"settings": {"rules.max_gpu": 2}, "unset": ["rules.gpu_left"]},
        ("settings",),
    ),
    "POST /api/simulate": _of(
        None,
        "Simulation",
        {
            "settings": {"type": "object", "description": "Rules as for `PUT /api/settings`"},
            "unset": {"type": "array", "items": _TEXT},
            "hours": {"type": "integer", "minimum": 1, "maximum": 720, "description": "So far ahead; 24 unless given"},
            "assume": {
                "type": ["string", "number", "null"],
                "description": "So long take tasks of which nothing is known: seconds, or such as 2h",
            },
        },
        {"settings": {"scheduling.policy": "fifo"}, "hours": 24},
        needs_body=True,
    ),
    "POST /api/config/undo": _of(
        "Take a change of the configuration back",
        "ConfigDone",
        {"number": {"type": ["integer", "null"], "minimum": 1}},
        {"number": 7},
    ),
    "GET /api/settings": _of("The settings by name, described"),
    "PUT /api/settings": _of("Write settings into the file", "ConfigDone", "AnyObject", {"rules.max_gpu": 2}),
    "GET /": _of("A line of text, or for a browser the way to the console; no token needed"),
    "GET /api/gpu/status": _of("Whether the GPUs can be seen; no token needed"),
    "GET /api/daemon": _of("The daemon", "Daemon"),
    "GET /api/status": _of("Daemon, GPUs, queues and counts at a glance", "Status"),
    "GET /api/doctor": _of("What works here, what does not, and what helps", "[DoctorCheck]"),
    "POST /api/daemon/stop": _of("End the daemon; its tasks only when asked", None, {"kill_tasks": _FLAG}, {}),
    "POST /api/daemon/listen": _of(
        "Open a TCP address on the loopback, for a browser on this machine; closed with the daemon",
        None,
        {"address": _TEXT_OR_NONE},
        {"address": "127.0.0.1:8080"},
    ),
    "POST /api/config/reload": _of("Read the configuration file again"),
    "POST /api/backup": _of(
        "Copy the live database into a new file", None, {"path": _TEXT}, {"path": "/backup/gavelq.db"}, ("path",)
    ),
    "GET /api/commands/{mode}/list": _of(None, "[StoredFile]"),
    "GET /api/commands/{mode}/all": _of(None, "[StoredText]"),
    "GET /api/commands/{mode}": _of(None, "StoredText"),
    "PUT /api/commands/{mode}": _of(None, "StoredText"),
    "POST /api/commands/{mode}/new": _of(None, "StoredText"),
    "POST /api/commands/{mode}/reset": _of(None, "StoredText"),
    "POST /api/commands/{mode}/duplicate": _of(None, "StoredText"),
    "POST /api/commands/{mode}/check": _of(None, "CheckedText"),
    "DELETE /api/commands/{mode}/{index}": _of(None, "DeletedFile"),
    "GET /api/user": _of(None, "User"),
    "GET /api/tenant": _of(None, "Tenant"),
    "GET /api/tenants": _of(None, "[Tenant]"),
    "GET /api/tenants/{name}": _of(None, "Tenant"),
    "GET /api/tenants/{name}/tasks": _of(None, "[Task]"),
    "GET /api/tokens": _of(None, "[Token]"),
    "GET /api/audit": _of(None, "[Act]"),
}

_WHOLE: Json = {"type": "integer", "minimum": 0}
_COUNT: Json = {"type": "integer", "minimum": 1}
_SECONDS: Json = {"type": "number", "minimum": 0, "maximum": 25}
_YES: Json = {"enum": ["0", "1"]}
STATES = ["held", "pending", "starting", "running", "stopping", "completed", "failed", "cancelled", "aborted"]

PARAMETERS: dict[str, tuple[str, Json, Any]] = {
    "number": ("The id of a task, or the number of a submission", _COUNT, 7),
    "run_id": ("The number of a run", _COUNT, 12),
    "index": ("A place from 0", _WHOLE, 1),
    "mode": ("Of command files", {"enum": ["single", "multi"]}, "single"),
    "config_index": ("A configuration's place, from 0", _WHOLE, 0),
    "process_index": ("A task's place in its queue, from 0", _WHOLE, 0),
    "submission": ("Of this submission alone", _COUNT, 3),
    "queue": ("Of this queue alone", _TEXT, "running"),
    "status": (
        "In a word of other schedulers", {"enum": ["all", "pending", "running", "completed", "failed", "cancelled"]},
        "running",
    ),
    "tenant": ("Of this tenant alone", _TEXT, "ada"),
    "tenant_id": ("The same as tenant", _TEXT, "ada"),
    "before": ("Only what is before this id", _COUNT, 1000),
    "limit": ("At most so many", _COUNT, 100),
    "ids": ("Of these alone, with commas, 500 at most; those that are not there are left out", _TEXT, "7,8"),
    "fields": ("Only these fields of each, with commas", _TEXT, "id,name,state"),
    "newest": ("1: the last ones instead of the first", _YES, "1"),
    "tail": ("The last lines", _WHOLE, 100),
    "tail_lines": ("The last lines", _WHOLE, 100),
    "offset": ("From this byte on", _WHOLE, 0),
    "attempt": ("The number of a try", _COUNT, 1),
    "wait": ("Seconds to wait for something new", _SECONDS, 0),
    "timeout": ("Seconds to wait", _SECONDS, 0),
    "processes": ("0 leaves the tasks of each queue id out", _YES, "1"),
    "raw": ("1: the bytes as they are", _YES, "0"),
    "hours": ("So far ahead; 6 unless given", {**_COUNT, "maximum": 168}, 6),
    "samples": ("Seconds between blocks `event: sample`, which have no id line", {**_COUNT, "maximum": 60}, 2),
    "step": ("Seconds of one point, at least", _COUNT, 60),
}  # fmt: skip
"""Description, schema and example of parameters by name; they are read by hand, so their handlers declare texts."""
