"""Every event of the history by its name: what it is about, what happened, and the names of its details.

Listeners (`GET /api/events`) ask for these names, `docs/events.md` is written from them, and in tests and with
GAVELQ_DEBUG=1 each record is held against them.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from gavelq.core import queue_options, tenant_options
from gavelq.core.fixed import fixed
from gavelq.core.step import Record

KINDS: Final[Mapping[str, str]] = {
    "task": "`task_id` is the task. `subject` is the GPU's UUID of a `violation`, `task:ID` of a `task_killed` (whose "
    "`task_id` is null), else empty.",
    "queue": "`subject` is the queue's name.",
    "gpu": "`subject` is the GPU's UUID. Of `gpu_fault` and `gpu_xid` there is one for each task there (`task_id`), or "
    "one without a task.",
    "file": "`subject` is `single:ID` or `multi:ID` of the configuration of a command file; for bound logs `file:ID`.",
    "run": "`subject` is the name under which a command file was started; it may be empty.",
    "tenant": "`subject` is `tenant:NAME`.",
    "token": "`subject` is `tenant:NAME` of the token's tenant.",
    "config": "The configuration file; `subject` is empty.",
    "daemon": "The daemon, with an empty `subject`; and logins: `tenant:NAME`, or empty for a name that nobody has.",
    "alert": "`subject` of `alert_firing` and `alert_resolved` is what they are about: `gpu:UUID`, `task:ID`, "
    "`queue:NAME`, `submission:ID` or `disk:state`; else empty.",
}
"""What events are about, and what `subject` says then."""

_OPTIONS: Final = {
    "queue set": queue_options.OPTION_NAMES,
    "tenant set": tenant_options.OPTION_NAMES,
}
"""The names of options by the command that changes them."""


@fixed
class EventName:
    """What is known of all events of one name."""

    kind: str
    says: str
    """What happened: one sentence."""
    details: tuple[str, ...]
    """Always there."""
    maybe: tuple[str, ...]
    """There sometimes."""
    options: str
    """The command whose options, as far as they were given, are among the details; empty: none."""

    def misfits(self, found: Iterable[str]) -> list[str]:
        """The details that are missing or not known."""
        there, always = set(found), set(self.details)
        known = always.union(self.maybe, _OPTIONS.get(self.options, ()))
        return sorted((always - there) | (there - known))


def _event(kind: str, says: str, details: str = "", *, maybe: str = "", options: str = "") -> EventName:
    return EventName(kind=kind, says=says, details=tuple(details.split()), maybe=tuple(maybe.split()), options=options)


_ATTEMPT = "attempt exit_code signal cause"
_CARD = "index name"
_FILE = "file mode name tenant"
_LOG = "path queue_id process_index"
_ALERT = "rule severity text value tenant"

EVENTS: Final[Mapping[str, EventName]] = {
    "submitted": _event("task", "It was handed in.", "name queue", maybe="command submission"),
    "placed": _event("task", "GPUs were chosen for it; its process is made.", "attempt gpus why"),
    "started": _event("task", "Its process runs.", "attempt pid gpus"),
    "spawn_failed": _event(
        "task", "Its process could not be made; it is tried again after a pause.", "attempt problem retry_at"
    ),
    "stopping": _event("task", "It is asked to end, or got another signal while it ends.", "reason signal requeue"),
    "signalled": _event("task", "It was sent a signal and goes on.", "signal"),
    "requeued": _event("task", "An attempt ended, and it is back in its queue.", f"{_ATTEMPT} reason"),
    "retrying": _event(
        "task",
        "An attempt failed, and it gets another one.",
        "attempt exit_code signal reason detail failures retries pause_s retry_at changed",
    ),
    "ended": _event(
        "task",
        "It has ended; what is told of an attempt is there where one ended with it.",
        "reason",
        maybe=f"{_ATTEMPT} task told",
    ),
    "held": _event("task", "It waits until it is released.", maybe="reason"),
    "released": _event("task", "It may start.", maybe="queue"),
    "moved": _event("task", "It is in another queue.", "source target"),
    "prioritized": _event("task", "It has another priority.", "before after"),
    "edited": _event("task", "It was changed before it started.", "fields"),
    "removed": _event("task", "It was deleted with its history.", "tenant"),
    "renewed": _event("task", "A lease was renewed."),
    "dependency_met": _event("task", "One of the tasks that it waits for is out of its way.", "task told n_open"),
    "lane_advanced": _event("task", "One of the tasks before it in its lane is gone.", "after behind"),
    "lane_changed": _event("task", "An edit of its command file gave it another place.", "behind"),
    "idle": _event("task", "Its GPUs lie idle for longer than its queue wants.", "since_at action told"),
    "busy_again": _event("task", "Its GPUs are used again."),
    "violation": _event("task", "It goes beyond what it asked for.", "what gpu pid memory_mib declared_mib says"),
    "task_killed": _event("task", "An admin ended or signalled another tenant's task.", "tenant signal is_ending"),
    "notified": _event("task", "Somebody was told of it.", "about to"),
    "not_notified": _event("task", "Somebody could not be told of it.", "about to why"),
    "queue_created": _event("queue", "It is new.", options="queue set"),
    "queue_changed": _event("queue", "Its options were changed.", options="queue set"),
    "queue_deleted": _event("queue", "It is gone."),
    "queue_merged": _event("queue", "Its tasks went into another one.", "target n_tasks"),
    "gpu_seen": _event("gpu", "It was seen for the first time.", _CARD),
    "gpu_changed": _event("gpu", "Its index, name, memory or configuration changed.", _CARD),
    "gpu_lost": _event("gpu", "It does not answer any more.", _CARD),
    "gpu_back": _event("gpu", "It answers again.", _CARD),
    "gpu_gone": _event("gpu", "A MIG or simulated device is no longer there.", "index"),
    "gpu_fault": _event("gpu", "It broke: nothing starts there until `gpu unignore`.", "index fault"),
    "gpu_xid": _event("gpu", "Its driver reported an error that does not take it out of use.", "index xid says"),
    "gpu_allocated": _event("gpu", "A queue owns it.", "index queue"),
    "gpu_released": _event("gpu", "It belongs to the pool.", "index"),
    "gpu_ignored": _event("gpu", "Nothing starts there until `gpu unignore`.", "index"),
    "gpu_drained": _event("gpu", "Nothing starts there; what runs may end, or was stopped.", "index"),
    "gpu_unignored": _event("gpu", "It is used again.", "index", maybe="fault"),
    "gpu_shared": _event("gpu", "Foreign processes there are not minded.", "index pids"),
    "gpu_unshared": _event("gpu", "Foreign processes there are minded again.", "index pids"),
    "gpu_share_ended": _event("gpu", "A foreign process that was not minded has left.", _CARD),
    "file_created": _event("file", "It is new.", f"{_FILE} version"),
    "file_edited": _event("file", "Its text, name, directory or environment changed.", f"{_FILE} version"),
    "file_reset": _event("file", "Its text is again what was run last.", f"{_FILE} version"),
    "file_deleted": _event("file", "It is gone.", _FILE),
    "log_bound": _event("file", "A log file was bound to one of its tasks.", _LOG, maybe="tenant"),
    "log_unbound": _event("file", "A log file is bound no more.", _LOG, maybe="tenant"),
    "run_started": _event("run", "Its tasks were handed in.", "submission mode n_tasks tenant"),
    "run_edited": _event(
        "run", "What has not started became as the edited file says.", "submission added removed tenant"
    ),
    "tenant_created": _event("tenant", "It is new.", maybe="taken_over", options="tenant set"),
    "tenant_changed": _event(
        "tenant", "Its options or its password were changed.", maybe="password", options="tenant set"
    ),
    "tenant_deleted": _event("tenant", "It is gone, and its tokens with it."),
    "token_created": _event("token", "It is new.", "token prefix scopes"),
    "token_revoked": _event("token", "It opens nothing any more.", "token prefix"),
    "config_changed": _event("config", "Settings were changed over HTTP.", "number how settings"),
    "config_reloaded": _event("config", "It was read again, as after a change at the command line.", "changed"),
    "clock_set": _event(
        "daemon", "The machine's clock was set; times of running tasks and of what waits moved with it.", "by_s"
    ),
    "daemon_listening": _event("daemon", "It opened a TCP address.", "http"),
    "daemon_stopping": _event("daemon", "It was asked to end.", "kill_tasks"),
    "backup": _event("daemon", "A copy of its database was made.", "path"),
    "login": _event("daemon", "Somebody logged in.", "address"),
    "login_link": _event("daemon", "Somebody asked for a link into the console.", "address"),
    "login_refused": _event("daemon", "Somebody could not log in.", "address"),
    "logout": _event("daemon", "Somebody logged out.", "address"),
    "alert_firing": _event("alert", "It fires.", f"{_ALERT} since_at"),
    "alert_resolved": _event("alert", "It is over.", f"{_ALERT} fired_at"),
    "alert_unsent": _event("alert", "The channels could not be told of it.", "about to why"),
    "alert_muted": _event("alert", "Such alerts are not told for a while.", "rule subject until_at reason"),
    "alert_unmuted": _event("alert", "Such alerts are told again.", "rule subject"),
}


def misfits(records: Iterable[Record]) -> list[str]:
    """Every record that is not as the table says, in words; empty when all is well."""
    found = []
    for record in records:
        known = EVENTS.get(record.kind)
        if known is None:
            found.append(f"an event {record.kind} was recorded, which core/event_names.py does not know")
        elif wrong := known.misfits(record.details):
            found.append(f"details of an event {record.kind} are not as core/event_names.py says: {', '.join(wrong)}")
    return found
