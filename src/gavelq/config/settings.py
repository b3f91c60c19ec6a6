"""The one table of settings. Documentation, examples, checks and `gavelq config` all read it."""

from gavelq.config import alerting
from gavelq.config.kinds import (
    AfterOom,
    Choice,
    EndReasons,
    Flag,
    Maybe,
    Memory,
    Number,
    Pauses,
    Retries,
    Seconds,
    Whole,
    Words,
)
from gavelq.config.places import Directories, FilePath, Listen, QueueRef
from gavelq.config.rules import RULES
from gavelq.config.setting import Setting
from gavelq.config.setting import setting as _setting
from gavelq.config.tenancy import TenantOptions
from gavelq.core.units import MiB
from gavelq.formats.environment import SECRET_PATTERNS

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
        "Allow `http.listen` to name an address that other machines can reach, without `http.tls_cert`. Tokens then "
        "travel unencrypted: put a TLS proxy in front.",
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
        "http.rate_limit",
        Maybe(kind=Whole(low=1, high=10_000_000)),
        12_000,
        "Requests that one token, session or other unix user may make in a minute, all of them at once if need be; "
        "none: no limit.",
    ),
    _setting(
        "http.patience_s",
        Seconds(low=1, high=600),
        30,
        "A client that takes longer to send the head of a request, or the next part of its body, is let go.",
        restart=True,
    ),
    _setting(
        "http.tls_cert",
        Maybe(kind=FilePath()),
        None,
        "The certificate of `http.listen` in PEM, with the chain that leads to it: then it speaks TLS. SIGHUP makes "
        "the daemon read both files again.",
        restart=True,
    ),
    _setting("http.tls_key", Maybe(kind=FilePath()), None, "The certificate's private key in PEM.", restart=True),
    _setting(
        "socket.path",
        Maybe(kind=FilePath(is_socket=True)),
        None,
        "The daemon's unix socket; none: `$XDG_RUNTIME_DIR/gavelq/gavelq.sock`, or `/tmp/gavelq-UID/gavelq.sock`.",
        restart=True,
    ),
    _setting(
        "socket.shared",
        Maybe(kind=FilePath(is_socket=True)),
        None,
        "A second unix socket, for the other users of this machine (docs/tenants.md): each is the tenant whose `uid` "
        "is theirs. Its directory must be one that they can enter.",
        restart=True,
    ),
    _setting(
        "tenants.auto",
        Flag(),
        False,
        "A unix user who comes by the shared socket for the first time becomes a tenant of that name; else only those "
        "may come whose uid an admin has given to a tenant.",
    ),
    _setting(
        "tenants.quota",
        Maybe(kind=TenantOptions()),
        None,
        "What `tenants.auto` gives to a new tenant, such as `max_gpus=2 max_queued=100`.",
    ),
    _setting(
        "tenants.log_roots",
        Directories(),
        [],
        "Below these directories tenants may name log files for their tasks (`--log`); empty: they get the usual log "
        "alone. The daemon's own user and admins name any file.",
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
    _setting(
        "logs.roots",
        Directories(),
        ["~"],
        "Below these directories log files of your own may be bound to tasks and read; all others are refused.",
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
    _setting(
        "gpu.simulated_memory",
        Memory(least=MiB(1), wanted="an amount of memory above 0, such as 24G, 8.5G or 8192M"),
        "24G",
        "The memory of each simulated card.",
        restart=True,
    ),
    _setting(
        "gpu.claims_dir",
        FilePath(),
        "/tmp/gavelq-gpu",  # noqa: S108  # common to all users on purpose; sticky, links are not followed
        "Where the daemons of one machine lock the cards that they use. All of them must name the same directory.",
        restart=True,
    ),
    _setting(
        "selection",
        Choice(words=("best_fit", "first", "sampled")),
        "best_fit",
        "Which of several fitting cards is taken: the one with the least free memory that does, the first in order, "
        "or the one that looks best in a burst of samples (`sampling.*`, `rules.memory_save_mode`).",
    ),
    _setting(
        "settle_s",
        Seconds(low=0, high=3600),
        2,
        "A card that foreign processes used, or that was too busy, must have been calm for so long before a task "
        "starts on it. For as long after a task's end its card's utilisation counts as its echo, and hinders nobody.",
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

_CHOICE = (
    _setting(
        "gpu.order",
        Words(),
        [],
        "Cards (indices or UUIDs) that are taken before others where several fit equally well, first named first.",
    ),
    _setting(
        "gpu.topology",
        Flag(),
        True,
        "Give tasks of several GPUs cards that are close together (NVLink, one PCIe switch) where the driver tells.",
    ),
    _setting("sampling.window_s", Seconds(low=0.1, high=60), 3, "How long `selection: sampled` watches the cards."),
    _setting("sampling.count", Whole(low=1, high=1000), 30, "How many samples it takes in that time."),
    _setting(
        "foreign.ignored_users",
        Words(),
        [],
        "Processes of these unix users are not foreign: their memory counts as used, and nothing else.",
    ),
    _setting(
        "foreign.ignored_commands",
        Words(),
        [
            "Xorg",
            "Xwayland",
            "gnome-shell",
            "kwin_*",
            "plasmashell",
            "gdm-*",
            "sddm*",
            "lightdm*",
            "nvidia-persistenced",
            "nvidia-cuda-mps-server",
        ],
        "Programs that are not foreign, by name; `*` stands for anything. Their memory counts as used.",
    ),
    _setting("sharing.max_per_gpu", Whole(low=1, high=64), 2, "At most so many tasks that share stand on one GPU."),
    _setting(
        "sharing.reserve_mib",
        Whole(low=0, high=1 << 20),
        512,
        "Memory of a shared GPU that is given to no task, for what frameworks use beside what was declared.",
    ),
    _setting(
        "sharing.max_utilization",
        Whole(low=1, high=6400),
        100,
        "The learned utilisations of the tasks on one shared GPU add up to at most so many percent.",
    ),
    _setting(
        "sharing.unknown_utilization",
        Whole(low=0, high=100),
        50,
        "What a task counts for whose utilisation is not known yet.",
    ),
)

_SCHEDULING = (
    _setting(
        "scheduling.policy",
        Choice(words=("fair", "fifo", "largest_first", "smallest_first")),
        "fair",
        "The order of tasks of equal priority; docs/scheduling.md says when to use which.",
    ),
    _setting(
        "scheduling.backfill",
        Choice(words=("easy", "skip", "none")),
        "easy",
        "Who starts ahead of a task that waits: `easy` who cannot delay it, `skip` whoever fits, `none` nobody.",
    ),
    _setting(
        "scheduling.depth",
        Whole(low=1, high=1_000_000),
        1000,
        "A scheduling cycle stops looking after so many different requests that do not fit.",
    ),
    _setting(
        "scheduling.unknown_limit_s",
        Seconds(low=1, high=365 * 86400),
        86400,
        "`fair` sorts a task without a time limit as if it had this one.",
    ),
    _setting(
        "scheduling.ageing_s",
        Seconds(low=1, high=365 * 86400),
        30 * 86400,
        "`fair` divides a task's area (limit x GPUs) by (1 + wait / ageing_s) to the power of `ageing_exponent`.",
    ),
    _setting("scheduling.ageing_exponent", Number(low=0, high=10), 2, "See `scheduling.ageing_s`."),
    _setting(
        "scheduling.share_half_life_s",
        Seconds(low=60, high=365 * 86400),
        7 * 86400,
        "`fair` lets the tenant go first who used the GPUs least; use counts half after this time.",
    ),
    _setting(
        "scheduling.allowance_s",
        Seconds(low=0, high=3600),
        1,
        "Starting a task may take so long; backfill leaves that much time before a promised start.",
    ),
    *RULES,
    _setting(
        "preemption.enabled",
        Flag(),
        False,
        "A waiting task may stop tasks that are marked preemptible and have a lower priority; they run again later.",
    ),
    _setting("preemption.min_levels", Whole(low=2, high=100), 2, "How much lower their priority must be."),
    _setting(
        "preemption.min_run_s", Seconds(low=0, high=30 * 86400), 600, "A task that runs for less is not preempted."
    ),
    _setting(
        "lease.renew_s",
        Seconds(low=1, high=86400),
        60,
        "A lease without an owner process ends unless renewed so often.",
    ),
    _setting("retry.retries", Retries(), 0, "How often a task that failed is tried again, where it says nothing."),
    _setting("retry.backoff", Pauses(), "10x2..600", "The pauses between tries: SECONDS[xFACTOR][..CAP]."),
    _setting(
        "retry.jitter_percent",
        Whole(low=0, high=100),
        10,
        "Pauses are longer by up to this, so that not all come at once.",
    ),
    _setting("retry.on", EndReasons(), ["default"], "After which ends a task is tried again."),
    _setting("retry.on_gpu_oom", AfterOom(), "same", "What changes after a GPU ran out of memory."),
    _setting(
        "retry.hold_after",
        Whole(low=0, high=1_000_000),
        5,
        "After so many fast failures in a row the rest of a submission is held; 0: never.",
    ),
    _setting("retry.fast_s", Seconds(low=0, high=86400), 30, "A failure within so many seconds is a fast one."),
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
    _setting("retention.tasks_days", Whole(low=0, high=36500), 90, "Ended tasks and their logs are kept so long."),
    _setting("retention.events_days", Whole(low=0, high=36500), 30, "The event history is kept so long."),
)

_ISOLATION = (
    _setting(
        "isolation.level",
        Choice(words=("visible", "watched", "device", "mps")),
        "visible",
        "How far tasks of the daemon's own user are kept to their GPUs at least; tenants have a level of their own. "
        "docs/isolation.md says what each protects.",
    ),
    _setting(
        "isolation.enforce",
        Flag(),
        False,
        "Stop watched tasks of the daemon's own user that use other GPUs, or more memory than they declared.",
    ),
    _setting(
        "isolation.tolerance_mib",
        Whole(low=0, high=1 << 20),
        256,
        "So much more memory of a GPU than declared is not minded.",
    ),
)

_HISTORY = (
    _setting(
        "history.enabled",
        Flag(),
        True,
        "Record what GPUs and tasks use as time goes by (`gavelq gpu info`, `GET /api/monitor/metrics`).",
        restart=True,
    ),
    _setting("history.raw_s", Seconds(low=60, high=86400), 3600, "How long every second of it is kept."),
    _setting("history.fine_s", Seconds(low=600, high=30 * 86400), 86400, "How long ten seconds are kept as one."),
    _setting("history.days", Whole(low=1, high=3650), 30, "How many days long minutes are kept; what is older goes."),
    _setting("history.max_mb", Whole(low=8, high=100_000), 256, "Above this size of its file the oldest goes earlier."),
    _setting(
        "history.processes_s",
        Seconds(low=1, high=3600),
        5,
        "How often the processor time and main memory of tasks' processes are looked at.",
    ),
)

_ALERTS = (
    _setting(
        "alerts.gpu_temperature", alerting.TEMPERATURE, "90 for 1m", "Alert when a GPU is so hot (degrees Celsius)."
    ),
    _setting("alerts.gpu_fault", alerting.FAULT, "on", "Alert when a GPU is lost, or shows Xid or ECC errors."),
    _setting(
        "alerts.foreign_blocking",
        alerting.BLOCKING,
        "1 for 10m",
        "Alert when foreign processes on a GPU keep at least so many tasks waiting.",
    ),
    _setting(
        "alerts.allocation_idle",
        alerting.IDLE,
        "3 for 30m",
        "Alert when a task's GPUs are at most so many percent busy, and draw no more power than idle ones. The "
        "percentage is also that of the queues' `idle_after`.",
    ),
    _setting("alerts.queue_wait", alerting.WAIT, "1d", "Alert when a queue's oldest pending task has waited so long."),
    _setting(
        "alerts.repeated_failures",
        alerting.FAILURES,
        "3",
        "Alert when so many tasks of a submission failed fast in a row, or one task failed so often.",
    ),
    _setting("alerts.disk_space", alerting.DISK, "1G for 1m", "Alert when less is free in the state directory."),
    _setting(
        "alerts.violation", alerting.VIOLATING, "on", "Alert while a task uses GPUs or memory that it does not hold."
    ),
    _setting(
        "alerts.resolve_s",
        Seconds(low=0, high=86400),
        60,
        "An alert is over when its cause has been gone for so long; what comes back earlier is the same alert.",
    ),
    _setting(
        "alerts.quiet",
        alerting.HOURS,
        None,
        "In these hours (local time) only critical alerts are told; others that still fire are told afterwards.",
    ),
    _setting(
        "notify.urls",
        alerting.Urls(),
        [],
        "Who is told of alerts, besides the daemon's log: webhooks (https://...), mailto:NAME@HOST, and with the extra "
        "`gavelq[notify]` whatever Apprise knows.",
    ),
    _setting(
        "notify.smtp",
        Maybe(kind=alerting.Text(wanted="a mail server such as mail.example.org or mail.example.org:587")),
        None,
        "The mail server for mailto: URLs, as HOST or HOST:PORT.",
    ),
    _setting("notify.smtp_tls", alerting.TLS, "starttls", "How the connection to the mail server is encrypted."),
    _setting(
        "notify.smtp_user", Maybe(kind=alerting.Text(wanted="a user's name")), None, "Who logs in there; none: nobody."
    ),
    _setting(
        "notify.smtp_password_file",
        Maybe(kind=FilePath()),
        None,
        "A file with that user's password, which only you may read (mode 0600).",
    ),
    _setting(
        "notify.mail_from",
        Maybe(kind=alerting.Text(wanted="a mail address such as gavelq@example.org")),
        None,
        "The sender of mails; none: gavelq@ this machine.",
    ),
)

__all__ = ["BY_NAME", "SECTIONS", "SETTINGS", "Setting"]

SETTINGS: tuple[Setting, ...] = (
    *_DAEMON, *_LOGS, *_GPUS, *_CHOICE, *_SCHEDULING, *_TASKS, *_ISOLATION, *_HISTORY, *_ALERTS,
)  # fmt: skip
BY_NAME: dict[str, Setting] = {setting.name: setting for setting in SETTINGS}
SECTIONS: frozenset[str] = frozenset(name.partition(".")[0] for name in BY_NAME if "." in name)
