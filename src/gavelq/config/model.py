"""The configuration as the rest of gavelq reads it: typed attributes, grouped like the settings' names.

A test holds this and the table in `settings.py` together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gavelq.config.settings import BY_NAME, SETTINGS
from gavelq.core.alerts import Quiet, RuleSpec
from gavelq.core.card_config import CardConfig
from gavelq.core.lifecycle import EndReason
from gavelq.core.retrying import Backoff, OomAction
from gavelq.core.units import MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """`daemon.*`"""

    autostart: bool
    allow_network_fs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """`http.*`; `split_listen` takes `listen` apart."""

    listen: str | None
    allow_remote: bool
    allowed_hosts: tuple[str, ...]
    rate_limit: int | None
    patience_s: float
    tls_cert: str | None
    tls_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Socket:
    """`socket.*`"""

    path: str | None
    shared: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """`log.*`: the daemon's own log."""

    path: str | None
    level: str
    max_mb: int
    backups: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """`logs.*`: the logs of tasks, and where people's own log files may lie (`~` as written)."""

    task_max_mb: int
    roots: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """`gpu.*`"""

    provider: str
    sample_interval_s: float
    simulated_count: int
    simulated_memory: MiB
    claims_dir: str
    order: tuple[str, ...]
    topology: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """`foreign.*`"""

    policy: str
    unattributed_mib: int
    ignored_users: tuple[str, ...]
    ignored_commands: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """`runner.*`"""

    grace_s: float
    idle_exit_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """`submit.*`"""

    default_queue: str
    secret_patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`limits.*`; None: no limit, and the number of cores for `max_cpu_tasks`."""

    max_running: int | None
    max_cpu_tasks: int | None
    max_unfinished: int
    max_submission: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduling:
    """`scheduling.*`"""

    policy: str
    backfill: str
    depth: int
    unknown_limit_s: float
    ageing_s: float
    ageing_exponent: float
    share_half_life_s: float
    allowance_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """`sampling.*`"""

    window_s: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """`sharing.*`"""

    max_per_gpu: int
    reserve_mib: int
    max_utilization: int
    unknown_utilization: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """`rules.*`: the GPU budget and the allowed cards, which bind all tasks, and how command files are run."""

    min_gpu: int
    max_gpu: int | None
    gpu_left: int
    compete_gpus: tuple[str, ...]
    use_all_gpus: bool
    maximize_resource_utilization: bool
    memory_save_mode: bool | None
    max_retry_before_backoff: int
    backoff_duration: float
    max_retries: int
    time_limit: float | None
    work_dir: str | None
    on_failure: str
    seed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preempting:
    """`preemption.*`"""

    enabled: bool
    min_levels: int
    min_run_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Leases:
    """`lease.*`"""

    renew_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """`retry.*`"""

    retries: int
    backoff: Backoff
    jitter_percent: int
    on: tuple[EndReason, ...]
    on_gpu_oom: OomAction
    hold_after: int
    fast_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """`retention.*`"""

    tasks_days: int
    events_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolating:
    """`isolation.*`"""

    level: str
    enforce: bool
    tolerance_mib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """`history.*`: measures of GPUs and tasks over time."""

    enabled: bool
    raw_s: float
    fine_s: float
    days: int
    max_mb: int
    processes_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenancy:
    """`tenants.*`"""

    auto: bool
    quota: tuple[tuple[str, str], ...] | None
    log_roots: tuple[str, ...]
    """Where log files of tenants' tasks may lie (`~` as written)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """`alerts.*`; None: the rule is off."""

    gpu_temperature: RuleSpec | None
    gpu_fault: RuleSpec | None
    foreign_blocking: RuleSpec | None
    allocation_idle: RuleSpec | None
    queue_wait: RuleSpec | None
    repeated_failures: RuleSpec | None
    disk_space: RuleSpec | None
    violation: RuleSpec | None
    resolve_s: float
    quiet: Quiet | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """`notify.*`"""

    urls: tuple[str, ...]
    smtp: str | None
    smtp_tls: str
    smtp_user: str | None
    smtp_password_file: str | None
    mail_from: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings, where each came from, and the `gpus:` section."""

    path: str
    daemon: Daemon
    http: Http
    socket: Socket
    log: Log
    logs: Logs
    gpu: Gpu
    foreign: Foreign
    runner: Runner
    submit: Submit
    limits: Limits
    scheduling: Scheduling
    sampling: Sampling
    sharing: Sharing
    rules: Rules
    preemption: Preempting
    lease: Leases
    retry: Retry
    retention: Retention
    isolation: Isolating
    history: History
    tenants: Tenancy
    alerts: Alerts
    notify: Notify
    selection: str
    settle_s: float
    cards: Mapping[str, CardConfig] = field(default_factory=dict)
    """The `gpus:` entries by index or UUID, as written."""
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)

    def value(self, name: str) -> Any:
        """A setting by its dotted name. KeyError where there is no such setting."""
        BY_NAME[name]
        section, _, key = name.rpartition(".")
        return getattr(getattr(self, section), key) if section else getattr(self, key)

    def source(self, name: str) -> str:
        """Where a setting's value comes from: `default`, `file:LINE`, `env` or `flag`. KeyError."""
        BY_NAME[name]
        return self.sources.get(name, "default")

    def rows(self) -> list[dict[str, Any]]:
        """Every setting for display: name, value, source, default, help, needs_restart, wanted, form; all JSON-able."""
        return [
            {
                "name": setting.name,
                "value": setting.kind.plain(self.value(setting.name)),
                "source": self.source(setting.name),
                "default": setting.default,
                "help": setting.help,
                "needs_restart": setting.needs_restart,
                "wanted": setting.kind.wanted,
                **setting.form,
            }
            for setting in SETTINGS
        ]


_SECTIONS: dict[str, type] = {
    "daemon": Daemon,
    "http": Http,
    "socket": Socket,
    "log": Log,
    "logs": Logs,
    "gpu": Gpu,
    "foreign": Foreign,
    "runner": Runner,
    "submit": Submit,
    "limits": Limits,
    "scheduling": Scheduling,
    "sampling": Sampling,
    "sharing": Sharing,
    "rules": Rules,
    "preemption": Preempting,
    "lease": Leases,
    "retry": Retry,
    "retention": Retention,
    "isolation": Isolating,
    "history": History,
    "tenants": Tenancy,
    "alerts": Alerts,
    "notify": Notify,
}


def build(
    values: Mapping[str, Any], *, path: str, sources: Mapping[str, str], cards: Mapping[str, CardConfig]
) -> Config:
    """A Config of parsed values by dotted name; settings that are missing get their defaults."""
    grouped: dict[str, dict[str, Any]] = {section: {} for section in _SECTIONS}
    top: dict[str, Any] = {}
    for setting in SETTINGS:
        if setting.name in values:
            value = values[setting.name]
        else:
            value = setting.kind.parse(setting.default, field=setting.name)
        section, _, key = setting.name.rpartition(".")
        (grouped[section] if section else top)[key] = value
    sections = {name: made(**grouped[name]) for name, made in _SECTIONS.items()}
    return Config(path=path, sources=dict(sources), cards=dict(cards), **sections, **top)


def differences(old: Config, new: Config) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the settings (and `gpus`) that differ, and those of them that need a restart."""
    changed = [setting for setting in SETTINGS if old.value(setting.name) != new.value(setting.name)]
    names = [setting.name for setting in changed] + (["gpus"] if dict(old.cards) != dict(new.cards) else [])
    return tuple(names), tuple(setting.name for setting in changed if setting.needs_restart)
