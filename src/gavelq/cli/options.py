"""The option tables. The quick parser of the hot verbs and the click commands are both made from them.

On the path of `gavelq submit`: plain classes, no `typing`, no `dataclasses`.
"""

TEXT = "text"
COUNT = "count"
FLAG = "flag"


class Option:
    """One option: the name of its value, its spellings, and what it takes (`text`, `count` or `flag`)."""

    __slots__ = ("choices", "flags", "help", "is_many", "kind", "metavar", "name", "range")

    def __init__(
        self,
        name: str,
        flags: tuple[str, ...],
        help: str,
        *,
        kind: str = TEXT,
        metavar: str = "TEXT",
        is_many: bool = False,
        range: tuple[int, int] = (0, 1_000_000_000),
        choices: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.flags = flags
        self.help = help
        self.kind = kind
        self.metavar = metavar
        self.is_many = is_many
        self.range = range
        self.choices = choices


COMMON = (
    Option("config", ("--config",), "The configuration file of the instance.", metavar="FILE"),
    Option("socket", ("--socket",), "The unix socket of the daemon.", metavar="PATH"),
    Option("output", ("-o", "--output"), "How answers are printed.", metavar="FORMAT", choices=("table", "json")),
)
"""Accepted by every command, in any position."""

REQUEST = (
    Option("name", ("-n", "--name"), "A name for the task.", metavar="NAME"),
    Option("workdir", ("-w", "--workdir"), "The directory to run in; default: the present one.", metavar="DIR"),
    Option(
        "gpus", ("-g", "--gpus"), "Only these GPUs (indices or UUIDs): all of them, or -c N of them.", metavar="IDS"
    ),
    Option(
        "gpu_count",
        ("-c", "--gpu-count", "--gpu_num", "--gpu-num"),
        "How many GPUs; 0 for none; default: 1, or as many as --gpus names.",
        kind=COUNT,
        metavar="N",
        range=(0, 1024),
    ),
    Option(
        "memory",
        ("-m", "--memory"),
        "Memory per GPU that must really be free (a bare number is in GiB); default: the whole card.",
        metavar="GB",
    ),
    Option(
        "util_margin",
        ("-u", "--util-margin"),
        "At least M % of a GPU's utilisation must be idle: --max-util of 100 - M.",
        kind=COUNT,
        metavar="M",
        range=(0, 100),
    ),
    Option("max_util", ("--max-util",), "Do not start on a GPU busier than U %; `none`: no limit.", metavar="U"),
    Option("priority", ("-p", "--priority"), "0 to 100, higher first.", kind=COUNT, metavar="LEVEL", range=(0, 100)),
    Option("queue", ("-q", "--queue"), "The queue to submit to.", metavar="QUEUE"),
    Option(
        "time", ("-t", "--time"), "A limit to the running time, such as 90s, 30m, 2h or 1-12:00:00.", metavar="LIMIT"
    ),
    Option(
        "warn", ("--warn",), "Send a signal so many seconds before the time limit, such as USR1@60.", metavar="SIGNAL@S"
    ),
    Option(
        "min_gpus",
        ("--min-gpus",),
        "Elastic: start with at least N GPUs (default 1).",
        kind=COUNT,
        metavar="N",
        range=(1, 1024),
    ),
    Option(
        "max_gpus",
        ("--max-gpus",),
        "Elastic: take up to N GPUs when it starts.",
        kind=COUNT,
        metavar="N",
        range=(1, 1024),
    ),
    Option(
        "gpu_left",
        ("--gpu-left",),
        "Elastic: leave N fitting GPUs free; default: what the tasks behind it need at least.",
        kind=COUNT,
        metavar="N",
        range=(0, 1024),
    ),
    Option("share", ("--share",), "The GPU may be shared with other tasks that say so; needs --memory.", kind=FLAG),
    Option("retries", ("--retries",), "Try again up to N times when it fails; `unlimited`: always.", metavar="N"),
    Option("backoff", ("--backoff",), "Pauses between tries, such as 30 or 10x2..600.", metavar="S[xFACTOR][..CAP]"),
    Option(
        "retry_burst",
        ("--retry-burst",),
        "N tries without a pause, then one of --backoff, again and again.",
        kind=COUNT,
        metavar="N",
        range=(1, 1_000_000),
    ),
    Option(
        "retry_on", ("--retry-on",), "Try again only after these ends, such as gpu_lost,signalled.", metavar="REASONS"
    ),
    Option(
        "on_gpu_oom",
        ("--on-gpu-oom",),
        "After a GPU ran out of memory: `same`, `exclusive`, or `x1.5` the memory.",
        metavar="ACTION",
    ),
    Option("after", ("--after",), "Start when these tasks have completed.", metavar="IDS"),
    Option("after_any", ("--after-any",), "Start when these tasks have ended, however.", metavar="IDS"),
    Option("after_fail", ("--after-fail",), "Start when these tasks have failed.", metavar="IDS"),
    Option(
        "not_before",
        ("--not-before",),
        "Do not start before 18:00, 2026-12-01T18:00 or +2h (from now).",
        metavar="TIME",
    ),
    Option("preemptible", ("--preemptible",), "More urgent tasks may stop it; it runs again later.", kind=FLAG),
    Option(
        "learn_memory",
        ("--learn-memory",),
        "Take what tasks of this name used before for the memory it needs.",
        kind=FLAG,
    ),
    Option(
        "isolation",
        ("--isolation",),
        "How far the task is kept to its GPUs, at least as strictly as its tenant is (docs/isolation.md).",
        choices=("visible", "watched", "device", "mps"),
    ),
    Option(
        "mps_percent",
        ("--mps-percent",),
        "With --isolation mps: at most P % of the GPU's compute.",
        kind=COUNT,
        metavar="P",
        range=(1, 100),
    ),
    Option("env", ("-e", "--env"), "Set an environment variable.", metavar="K=V", is_many=True),
    Option(
        "env_keep",
        ("--env-keep",),
        "Pass this variable on although it looks like a secret.",
        metavar="NAME",
        is_many=True,
    ),
    Option("env_all", ("--env-all",), "Pass the whole environment on, secrets included.", kind=FLAG),
    Option("log", ("--log",), "Write the output to this file.", metavar="FILE"),
    Option("tag", ("--tag",), "A word to find the task by.", metavar="WORD", is_many=True),
    Option(
        "notify",
        ("--notify",),
        "Tell this URL when the task ends: https://..., mailto:NAME@HOST, or what Apprise knows.",
        metavar="URL",
        is_many=True,
    ),
    Option("on", ("--on",), "With --notify: tell of these events: end, fail, start; default end.", metavar="EVENTS"),
    Option("hold", ("--hold",), "Accept the task, but hold it until `gavelq task run`.", kind=FLAG),
    Option("requeue", ("--requeue",), "Run the task again when a reboot or crash lost it.", kind=FLAG),
    Option(
        "allow_infeasible",
        ("--allow-infeasible",),
        "Let the task wait even if this machine can never run it.",
        kind=FLAG,
    ),
)
"""What a task asks for, on every form of `submit`, `run` and `lease`, and for `task edit` and `task rerun`."""

TRIAL = (
    Option(
        "dry_run",
        ("--dry-run",),
        "Make nothing: only tell whether it is valid, and where and when it would start.",
        kind=FLAG,
    ),
)
SWEEP = (
    Option("array", ("--array",), "One task for each index, such as 0-9 or 0-99%4 (4 at once).", metavar="INDICES"),
    Option(
        "param",
        ("--param",),
        "One task for each value; {NAME} in the command and name stands for it.",
        metavar="NAME=V,V",
        is_many=True,
    ),
    Option("param_file", ("--param-file",), "One task for each row of a CSV file with a header.", metavar="FILE"),
    Option(
        "max_parallel",
        ("--max-parallel",),
        "At most N tasks of the submission at once.",
        kind=COUNT,
        metavar="N",
        range=(1, 100_000),
    ),
)
"""Many tasks of one submission."""

STATES = ("held", "pending", "starting", "running", "stopping", "completed", "failed", "cancelled", "aborted")
UNFINISHED = STATES[:5]
RUNNING = STATES[2:5]
FINISHED = STATES[5:]

SUBMISSION = Option(
    "submission",
    ("--submission",),
    "All tasks of this submission.",
    kind=COUNT,
    metavar="S",
    range=(1, 1_000_000_000),
)
STATE = Option(
    "state",
    ("-s", "--state"),
    "Only tasks in this state; `all` for every state.",
    metavar="STATE",
    is_many=True,
    choices=("all", *STATES),
)
LISTING = (
    STATE,
    Option("queue", ("-q", "--queue"), "Only tasks of this queue.", metavar="QUEUE"),
    SUBMISSION,
    Option("limit", ("--limit",), "Only the newest N tasks.", kind=COUNT, metavar="N", range=(1, 1_000_000)),
)
TASK_LISTING = (
    Option("all", ("--all",), "Tasks in every state.", kind=FLAG),
    Option("running", ("--running",), "Only tasks that hold GPUs now.", kind=FLAG),
    Option("finished", ("--finished",), "Only tasks that have ended.", kind=FLAG),
    *LISTING,
)
KILL = (
    Option("signal", ("--signal",), "The first signal to send, such as TERM, INT or USR1.", metavar="SIGNAL"),
    SUBMISSION,
)
