"""The one table of settings. Documentation, examples, checks and `gavelq config` all read it."""

from dataclasses import dataclass
from typing import Any

from gavelq.config.kinds import Choice, Flag, Kind, Maybe, Memory, Seconds, Whole, Words
from gavelq.config.places import FilePath, Listen, QueueRef
from gavelq.formats.environment import SECRET_PATTERNS


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: its dotted name, what it may be, its default, what it does."""

    name: str
    kind: Kind
    default: Any
    """As it would be written in the file."""
    help: str
    needs_restart: bool = False
    """True where a running daemon keeps the old value until `gavelq daemon restart`."""

    @property
    def env(self) -> str:
        """The environment variable that overrides the file."""
        return "GAVELQ_" + self.name.upper().replace(".", "_")


def _setting(name: str, kind: Kind, default: Any, text: str, *, restart: bool = False) -> Setting:
    return Setting(name=name, kind=kind, default=default, help=text, needs_restart=restart)


_DAEMON = (
    _setting("daemon.autostart", Flag(), True, "`gavelq submit` starts the daemon where it is not running."),
    _setting(
        "daemon.allow_network_fs",
        Flag(),
        False,
        "Accept a state directory on a network file system, where locks and fsync may not hold what they promise.",
        restart=True,
    ),
    _setting(
        "http.listen",
        Maybe(kind=Listen()),
        None,
        "Serve the REST API on this TCP address, too; every request there needs a token. Port 0 takes a free one.",
        restart=True,
    ),
    _setting(
        "http.allow_remote",
        Flag(),
        False,
        "Allow `http.listen` to name an address that other machines can reach. Tokens then travel unencrypted: put "
        "a TLS proxy in front.",
        restart=True,
    ),
    _setting(
        "http.allowed_hosts",
        Words(),
        [],
        "Host names that requests over TCP may carry in their Host and Origin headers, besides the listening address "
        "itself and localhost.",
        restart=True,
    ),
    _setting(
        "socket.path",
        Maybe(kind=FilePath(is_socket=True)),
        None,
        "The daemon's unix socket; none: `$XDG_RUNTIME_DIR/gavelq/gavelq.sock`, or `/tmp/gavelq-UID/gavelq.sock`.",
        restart=True,
    ),
)

_LOGS = (
    _setting(
        "log.path",
        Maybe(kind=FilePath()),
        None,
        "The daemon's own log; none: `daemon.log` in the state directory.",
        restart=True,
    ),
    _setting("log.level", Choice(words=("debug", "info", "warning", "error")), "info", "How much the daemon logs."),
    _setting("log.max_mb", Whole(low=1, high=100_000), 20, "The daemon's log is rotated at this size.", restart=True),
    _setting("log.backups", Whole(low=0, high=100), 5, "How many rotated daemon logs are kept.", restart=True),
    _setting(
        "logs.task_max_mb",
        Whole(low=0, high=10_000_000),
        1024,
        "A task's log is cut above this size, with three parts kept; 0: never. Holds for tasks that start later.",
    ),
)

_GPUS = (
    _setting(
        "gpu.provider",
        Choice(words=("nvml", "simulated")),
        "nvml",
        "Where GPUs come from: `nvml` is the NVIDIA driver, `simulated` pretends, for trying gavelq without a GPU.",
        restart=True,
    ),
    _setting("gpu.sample_interval_s", Seconds(low=0.1, high=4), 1, "How often the GPUs are looked at."),
    _setting("gpu.simulated_count", Whole(low=0, high=64), 4, "How many cards are simulated.", restart=True),
    _setting("gpu.simulated_memory", Memory(), "24G", "The memory of each simulated card.", restart=True),
    _setting(
        "gpu.claims_dir",
        FilePath(),
        "/tmp/gavelq-gpu",  # noqa: S108  # common to all users on purpose; sticky, links are not followed
        "Where the daemons of one machine lock the cards that they use. All of them must name the same directory.",
        restart=True,
    ),
    _setting(
        "selection",
        Choice(words=("best_fit", "first")),
        "best_fit",
        "Which of several fitting cards is taken: the one with the least free memory that does, or the lowest index.",
    ),
    _setting(
        "settle_s",
        Seconds(low=0, high=3600),
        2,
        "For so long after a task's end the utilisation of its card is taken for an echo of it, and hinders nobody.",
    ),
    _setting(
        "foreign.policy",
        Choice(words=("share", "avoid")),
        "share",
        "Whether a task that declares its memory may start beside processes that gavelq did not start. "
        "`foreign: share` is short for it.",
    ),
    _setting(
        "foreign.unattributed_mib",
        Whole(low=0, high=1 << 30),
        1024,
        "Used memory without a visible process (a container's) above this many MiB makes a card foreign.",
    ),
)

_TASKS = (
    _setting(
        "runner.grace_s",
        Seconds(low=0, high=3600),
        10,
        "The time between TERM and KILL when a task is stopped.",
    ),
    _setting(
        "runner.idle_exit_s",
        Seconds(low=0.1, high=86400),
        60,
        "The runner process ends when neither the daemon nor tasks have been there for so long.",
        restart=True,
    ),
    _setting(
        "submit.default_queue",
        QueueRef(),
        "running",
        "Where submissions go that name no queue. With `waiting` everything waits for `gavelq task run`.",
    ),
    _setting(
        "submit.secret_patterns",
        Words(),
        list(SECRET_PATTERNS),
        "Environment variables that match one of these are not passed on to tasks (`--env-keep NAME` passes one on). "
        "A pattern that begins with `!` exempts what it matches.",
    ),
    _setting(
        "limits.max_running",
        Maybe(kind=Whole(low=0, high=1_000_000)),
        None,
        "At most so many tasks run at once; none: no limit.",
    ),
    _setting(
        "limits.max_cpu_tasks",
        Maybe(kind=Whole(low=0, high=1_000_000)),
        None,
        "At most so many tasks without a GPU run at once; none: the number of cores.",
    ),
    _setting(
        "limits.max_unfinished",
        Whole(low=1, high=100_000_000),
        1_000_000,
        "Submissions are refused while so many tasks have not ended.",
    ),
    _setting("limits.max_submission", Whole(low=1, high=1_000_000), 100_000, "The most tasks of one submission."),
    _setting(
        "scheduling.depth",
        Whole(low=1, high=1_000_000),
        1000,
        "A scheduling cycle stops looking after so many different requests that do not fit.",
    ),
    _setting("retention.tasks_days", Whole(low=0, high=36500), 90, "Ended tasks and their logs are kept so long."),
    _setting("retention.events_days", Whole(low=0, high=36500), 30, "The event history is kept so long."),
)

SETTINGS: tuple[Setting, ...] = (*_DAEMON, *_LOGS, *_GPUS, *_TASKS)
BY_NAME: dict[str, Setting] = {setting.name: setting for setting in SETTINGS}
SECTIONS: frozenset[str] = frozenset(name.partition(".")[0] for name in BY_NAME if "." in name)
