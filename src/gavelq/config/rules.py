"""The settings under `rules:`, with the names that people of the compete design know. docs/rules.md explains them."""

from gavelq.config.kinds import Choice, Duration, Flag, Maybe, Retries, Seconds, Whole
from gavelq.config.places import CardNames, FilePath
from gavelq.config.setting import Setting, setting

RULES: tuple[Setting, ...] = (
    setting(
        "rules.min_gpu",
        Whole(low=0, high=1024),
        0,
        "Binds all tasks: gavelq may always use so many GPUs, whatever `rules.gpu_left` says.",
    ),
    setting(
        "rules.max_gpu",
        Maybe(kind=Whole(low=0, high=1024)),
        None,
        "Binds all tasks: gavelq uses at most so many GPUs at once; none: all.",
    ),
    setting(
        "rules.gpu_left",
        Whole(low=0, high=1024),
        0,
        "Binds all tasks: gavelq leaves so many of the available GPUs to others.",
    ),
    setting(
        "rules.compete_gpus",
        CardNames(),
        [],
        "Binds all tasks: they start on these cards only (indices or UUIDs); empty: on every card. What runs elsewhere "
        "already is left alone.",
    ),
    setting(
        "rules.use_all_gpus",
        Flag(),
        False,
        "Binds all tasks: every card may be used, and `rules.compete_gpus` is not looked at.",
    ),
    setting(
        "rules.maximize_resource_utilization",
        Flag(),
        False,
        "Command files only: their tasks may share a card with other tasks that share, where the memory fits; "
        "otherwise a card is for one task.",
    ),
    setting(
        "rules.memory_save_mode",
        Maybe(kind=Flag()),
        True,
        "Command files: where several cards fit, they are watched for a moment (`sampling.*`); true packs tasks onto "
        "used cards, false avoids cards that may overflow; none: they are placed as `selection` says. With "
        "`selection: sampled` it decides the same for all tasks (none as true).",
    ),
    setting(
        "rules.max_retry_before_backoff",
        Whole(low=1, high=1_000_000),
        3,
        "Command files only: after every so many failures of a task there is a pause of `rules.backoff_duration`.",
    ),
    setting(
        "rules.backoff_duration",
        Seconds(low=0, high=30 * 86400),
        600,
        "Command files only: how long that pause is.",
    ),
    setting(
        "rules.max_retries",
        Retries(),
        "unlimited",
        "Command files only: a task that failed is tried again so often at most; unlimited: until it succeeds.",
    ),
    setting(
        "rules.time_limit",
        Maybe(kind=Duration(low=1, high=3650 * 86400)),
        "2h",
        "Command files only: the time limit of each task; none: no limit.",
    ),
    setting(
        "rules.work_dir",
        Maybe(kind=FilePath()),
        None,
        "Command files only: where their tasks run, and what `{work_dir}` in a command becomes; none: the directory "
        "of whoever starts the file.",
    ),
    setting(
        "rules.on_failure",
        Choice(words=("continue", "stop")),
        "continue",
        "Command files only: what a lane does after a task that failed for good: goes on with the next one, or stops.",
    ),
    setting(
        "rules.seed",
        Maybe(kind=Whole(low=0, high=2_147_483_647)),
        None,
        "Command files only: makes the random order of idle lanes repeatable; none: another order every time.",
    ),
)
