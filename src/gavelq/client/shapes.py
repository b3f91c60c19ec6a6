"""The shapes of the JSON documents, as types (SPEC section 4). The API's schemas are checked against them.

One shape everywhere: `-o json`, REST and SDK. Times are ISO 8601 in UTC; memory is in MiB; None means unknown or unset.
"""

from typing import Any, Literal, TypedDict

from gavelq.client.measured import Measured

State = Literal["held", "pending", "starting", "running", "stopping", "completed", "failed", "cancelled", "aborted"]
MemType = Literal["ignore", "absolute", "percentage"]
Mode = Literal["single", "multi"]
IsolationLevel = Literal["visible", "watched", "device", "mps"]


class Task(TypedDict):
    """A task as lists show it."""

    id: int
    name: str
    state: State
    pending_reason: str | None
    end_reason: str | None
    exit_code: int | None
    signal: int | None
    queue: str
    priority: int
    tenant: str
    command: str | None
    workdir: str
    gpu_count: int
    min_gpus: int | None
    max_gpus: int | None
    gpu_ids: list[str]
    memory_mib: int | None
    max_util: int | None
    share: bool
    time_limit_s: float | None
    depends_on: list[int]
    submission_id: int
    gpus: list[int | str]
    gpu_uuids: list[str]
    pid: int | None
    attempt: int
    submitted_at: str
    started_at: str | None
    ended_at: str | None
    log_path: str
    expected_start_at: str | None
    pending_detail: str | None
    end_detail: str | None
    tags: list[str]
    requeue: bool
    env_dropped: list[str]
    gpu_left: int | None
    warn: str | None
    retry: "Retry"
    n_failures: int
    retry_at: str | None
    dependencies: list["Dependency"]
    not_before: str | None
    preemptible: bool
    learn_memory: bool
    is_lease: bool
    lease_owner_pid: int | None
    lease_renew_s: float | None
    lease_expires_at: str | None
    array_index: int | None
    params: dict[str, str]
    hold_reason: str | None
    peak_memory_mib: int | None
    isolation: "IsolationLevel"
    mps_percent: int | None
    description: str | None
    notify: list[str]
    """Scheme and host of each URL; the rest may be secret."""
    notify_on: list[str]
    idle_since: str | None
    status: str
    tenant_id: str
    gpu_request: int
    memory_mb: int | None
    timeout: float | None
    device_ids: list[int | str]
    environment: dict[str, str] | None
    violations: list["Violation"]


class Violation(TypedDict):
    """A GPU that a task used without holding it, or on which it used more memory than it declared (`declared_mib`)."""

    at: str
    what: Literal["other_gpu", "memory"]
    gpu: int | str
    gpu_uuid: str
    pid: int
    memory_mib: int | None
    declared_mib: int | None
    text: str


class Retry(TypedDict):
    """When and how often a task is tried again; None (of a queue): as the configuration says."""

    retries: int | Literal["unlimited"] | None
    backoff: str | None
    burst: int | None
    on: list[str] | None
    on_gpu_oom: str | None


class Dependency(TypedDict):
    """Another task that has to end first."""

    task_id: int
    kind: Literal["ok", "any", "fail"]
    is_open: bool


class Attempt(TypedDict):
    """One try at running a task."""

    attempt: int
    gpus: list[int | str]
    gpu_uuids: list[str]
    pid: int | None
    placed_at: str
    started_at: str | None
    ended_at: str | None
    exit_code: int | None
    signal: int | None
    cause: str | None
    end_reason: str | None
    log_path: str | None
    peak_memory_mib: int | None
    utilization_percent: float | None
    borrowed: bool
    isolation: IsolationLevel
    violations: list["Violation"]
    cpu_s: float | None
    max_rss_mib: float | None
    detail: str


class Event(TypedDict):
    """One row of the history."""

    at: str
    event: str
    by: str
    task_id: int | None
    subject: str
    details: dict[str, Any]


class Submission(TypedDict):
    """The tasks that one command, file or sweep brought in."""

    id: int
    name: str
    tenant: str
    n_tasks: int
    first_task_id: int
    last_task_id: int
    submitted_at: str
    is_ended: bool
    counts: dict[str, int]


class SubmissionDone(Submission):
    """What came of an action on all tasks of a submission."""

    n_done: int
    n_refused: int


class TaskDetails(Task):
    """A single task, with its story; `position` and `expected_basis` only while it is pending."""

    position: int | None
    expected_basis: str | None
    etag: str
    n_attempts: int
    attempts: list[Attempt]
    """The newest 100."""
    events: list[Event]
    dependents: list[int]
    graph: list["Node"]
    learned: "Learned | None"
    measured: Measured | None


class Node(TypedDict):
    """A task among those that depend on each other; `dependents` are those that wait for it now."""

    id: int
    name: str
    state: State
    end_reason: str | None
    dependencies: list[Dependency]
    dependents: list[int]


class Learned(TypedDict):
    """What ended tasks of a name taught; of names that differ in numbers alone (`train-#`), where the name is new."""

    name: str
    is_exact: bool
    n_ends: int
    run_time_s: float | None
    peak_memory_mib: int | None
    utilization_percent: float | None


class GpuProcess(TypedDict):
    """A process on a GPU; `task_id` None means that gavelq did not start it."""

    pid: int
    user: str | None
    memory_mib: int | None
    task_id: int | None
    command: str
    started_at: str | None
    since: str | None
    is_ignored: bool


class Gpu(TypedDict):
    """A GPU with what it does now."""

    index: int | str
    uuid: str
    name: str
    state: Literal["free", "busy", "shared", "foreign", "ignored", "draining", "lost"]
    queue: str | None
    memory_total_mib: int
    memory_used_mib: int | None
    utilization_percent: int | None
    temperature_c: int | None
    power_w: float | None
    power_limit_w: float | None
    tasks: list[int]
    processes: list[GpuProcess]
    label: str
    memory_free_mib: int | None
    unattributed_mib: int
    unattributed_since: str | None
    claimed_by: str | None
    claimed_since: str | None
    calm_at: str | None
    blocks: int
    held_since: str | None
    unavailable: str | None
    excluded: bool
    fault: str | None
    fault_at: str | None
    violations: list["GpuViolation"]
    n_other_tasks: int
    accepted_pids: list[int]
    """Foreign processes that it is shared with until they leave."""


class GpuViolation(TypedDict):
    """What a task does on a GPU at this moment that it should not."""

    task_id: int
    text: str


class Following(TypedDict):
    """What happens next on a GPU; `at` None: nobody knows when, or it does not end by itself."""

    kind: Literal["ends", "starts", "foreign", "ignored", "draining", "lost", "idle"]
    task_id: int | None
    name: str | None
    at: str | None
    text: str


# A field is called `from`, which no class could have.
PlanSpan = TypedDict(
    "PlanSpan",
    {
        "kind": Literal["running", "reserved", "expected", "foreign"],
        "task_id": int | None,
        "name": str | None,
        "tenant": str | None,
        "is_own": bool,
        "from": str,
        "to": str | None,
        "is_limit": bool,
    },
)
"""What a GPU is used for, or is to be; with `is_limit` it ends at `to` at the latest. What is others' is None."""


class PlanGpu(TypedDict):
    """A GPU and what is to come on it, in time order."""

    index: int | str
    uuid: str
    next: Following
    spans: list[PlanSpan]


class PlanTask(TypedDict):
    """A task that waits, and the GPUs that it is expected to get."""

    task_id: int
    position: int
    expected_start_at: str | None
    expected_basis: str
    gpus: list[int | str]


class Plan(TypedDict):
    """What is to come, as it looks now; only limits and reservations are promises."""

    at: str
    until: str
    gpus: list[PlanGpu]
    pending: list[PlanTask]


class Queue(TypedDict):
    """A queue, its limits and its counts."""

    name: str
    hold: bool
    paused: bool
    gpus: list[int | str]
    pool: bool
    priority: int
    max_running: int | None
    max_gpus: int | None
    max_util: int | None
    mem_type: MemType
    mem_value: int
    lend: bool
    time_limit_s: float | None
    max_time_limit_s: float | None
    idle_after_s: float | None
    idle_action: Literal["warn", "notify", "requeue", "end"]
    retry: Retry
    n_pending: int
    n_running: int
    n_held: int


class Daemon(TypedDict):
    """The daemon itself; counts by state come with it."""

    running: bool
    pid: int
    version: str
    socket: str
    state_dir: str
    http: str | None
    uptime_s: float
    gpu_provider: str
    runner_pid: int | None
    read_only: bool
    warnings: list[str]
    counts: dict[str, int]


class DoctorCheck(TypedDict):
    """Something that gavelq needs here; `ok` None: it could be better, or is only good to know."""

    name: str
    ok: bool | None
    level: Literal["ok", "warn", "fail", "info"]
    text: str
    hint: str | None


class Host(TypedDict):
    """How busy the machine itself is; of all processors together."""

    name: str
    cpu_count: int
    cpu_percent: float | None
    memory_total_mib: int | None
    memory_used_mib: int | None
    load_1m: float | None


class Status(TypedDict):
    """Everything at a glance."""

    daemon: Daemon
    host: Host
    gpus: list[Gpu]
    queues: list[Queue]
    counts: dict[str, int]


class Gate(TypedDict):
    """One condition between a pending task and its start."""

    gate: str
    passed: bool
    reason: str | None
    text: str
    details: dict[str, Any]


class CardVerdict(TypedDict):
    """Whether a card would do for a pending task."""

    index: int | str
    fits: bool
    reason: str | None
    text: str


class Explanation(TypedDict):
    """Why a task stands where it stands."""

    task: Task
    state: State
    summary: str
    gates: list[Gate]
    cards: list[CardVerdict]
    position: int | None
    expected_start_at: str | None
    expected_basis: str | None
    would_start: list["Change"]


class DryRun(TypedDict):
    """What would come of a submission; `task` is as it would be, with the id None."""

    valid: bool
    task: dict[str, Any]
    starts_now: bool
    gpus: list[int | str]
    summary: str
    gates: list[Gate]
    cards: list[CardVerdict]
    position: int | None
    expected_start_at: str | None
    expected_basis: str | None


class Change(TypedDict):
    """With these fields of its request changed, a waiting task would start at once."""

    change: dict[str, Any]
    text: str


class Setting(TypedDict):
    """A setting of the configuration, as the daemon works with it."""

    name: str
    value: Any
    source: str
    default: Any
    help: str
    needs_restart: bool
    wanted: str
    kind: str
    optional: bool
    choices: list[str] | None
    low: float | None
    high: float | None


class DescribedSetting(TypedDict):
    """A setting with what a person should know before changing it."""

    value: Any
    description: str
    needs_restart: bool
    warning: str | None


class SettingChange(TypedDict):
    """One setting before and after; null is none, or nothing where the default applied."""

    name: str
    old: Any
    new: Any
    was_default: bool
    is_default: bool


class TriedStart(TypedDict):
    """A task that would start now."""

    task_id: int
    name: str
    gpus: list[int | str]


class TriedReason(TypedDict):
    """Why a task waits under the rules in force and under the others; None: it would start."""

    task_id: int
    name: str
    now: str | None
    then: str | None
    now_reason: str | None
    then_reason: str | None


class TriedFile(TypedDict):
    """The configuration file: its text as it is (empty: there is none), and as it would be."""

    path: str
    before: str
    after: str


class TriedRules(TypedDict):
    """What would start now under the rules in force, and under others."""

    changed: list[SettingChange]
    now: list[TriedStart]
    then: list[TriedStart]
    reasons: list[TriedReason]
    preempted: list[int]
    file: TriedFile


class ConfigChange(TypedDict):
    """What one command or request changed in the configuration."""

    number: int
    at: str
    by: str
    how: Literal["set", "unset", "edit", "undo", "import", "api"]
    undoes: int | None
    undone_by: int | None
    settings: list[SettingChange]


class ConfigDone(TypedDict):
    """What came of a change: the settings that are different now, and the change (null: there was none)."""

    changed: list[str]
    needs_restart: list[str]
    warnings: list[str]
    change: ConfigChange | None


class CommandTask(TypedDict):
    """A task as it stands in a command file; `line` is where its block begins, from 1."""

    process_index: int
    line: int
    commands: list[str]
    gpu_count: int
    memory_gb: float


class FileMistake(TypedDict):
    """What is wrong with a command file."""

    line: int
    problem: str
    hint: str
    block: str


class StoredFile(TypedDict):
    """A configuration without its text; `id` None: there is none at this place yet."""

    id: int | None
    mode: Mode
    config_index: int
    index: int
    name: str
    tenant: str
    n_tasks: int
    n_queues: int
    n_mistakes: int
    is_running: bool
    run_id: int | None
    is_changed: bool
    workdir: str | None
    has_env: bool
    n_bindings: int
    etag: str
    modified_at: str | None
    modified_by: str | None


class StoredText(StoredFile):
    """A configuration with its text, and what stands in that: tasks by queue id, mistakes."""

    content: str
    queues: dict[str, list[CommandTask]]
    mistakes: list[FileMistake]


class DeletedFile(StoredFile):
    """A configuration that is gone; so many behind it moved up by one place."""

    n_moved: int


class CheckedText(TypedDict):
    """What stands in a text that nobody keeps."""

    mode: Mode
    n_tasks: int
    n_queues: int
    n_mistakes: int
    queues: dict[str, list[CommandTask]]
    mistakes: list[FileMistake]


class Binding(TypedDict):
    """A log file of somebody's own, bound to a task of a configuration; `known` tells whether that is there now."""

    key: str
    mode: Mode
    config_index: int
    index: int
    name: str
    queue_id: str
    process_index: int
    path: str
    exists: bool
    size: int | None
    modified_at: str | None
    bound_at: str
    bound_by: str
    known: bool
    problem: str | None
    task_id: int | None
    task_state: str | None


class Bound(Binding):
    """A new binding, and the path that it took the place of."""

    replaced: str | None


class Unbound(TypedDict):
    """A binding that was taken back."""

    unbound: str
    path: str


class Bindings(TypedDict):
    """Bindings by MODE_CONFIGINDEX_QUEUEID_PROCESSINDEX, and below which directories log files may lie."""

    bindings: dict[str, Binding]
    roots: list[str]


class LogPart(TypedDict):
    """Some of a log file as text; offsets count bytes."""

    path: str
    exists: bool
    size: int | None
    modified_at: str | None
    identity: str | None
    start: int
    next_offset: int
    truncated: bool
    encoding: str
    content: str


class BoundLogPart(LogPart):
    """Some of a bound log file; `ended`: its task has ended, and nothing more stands behind this."""

    key: str
    task_id: int | None
    task_state: str | None
    ended: bool


class Error(TypedDict):
    """What stands under `error`, and inside every problem document."""

    code: str
    message: str
    hint: str
    details: dict[str, Any]


class Script(TypedDict):
    """A script file's text, as a task request carries it."""

    name: str
    content: str
    args: list[str]


class TaskFields(TypedDict, total=False):
    """What a task asks for, beside a command line."""

    argv: list[str]
    script: Script
    name: str
    workdir: str
    queue: str
    tags: list[str]
    env: dict[str, str]
    env_dropped: list[str]
    gpu_count: int
    gpu_ids: list[str]
    memory: str | float
    memory_mib: int
    max_util: int | str | None
    priority: int
    time_limit: str | float
    time_limit_s: float
    log_path: str
    hold: bool
    requeue: bool
    allow_infeasible: bool
    warn: str
    min_gpus: int
    max_gpus: int
    gpu_left: int
    share: bool
    retries: int | Literal["unlimited"]
    backoff: str | float
    retry_burst: int
    retry_on: list[str] | str
    on_gpu_oom: str
    after: list[int] | int | str
    after_any: list[int] | int | str
    after_fail: list[int] | int | str
    not_before: str | float
    preemptible: bool
    learn_memory: bool
    array: str
    params: dict[str, list[str]]
    param_rows: list[dict[str, str]]
    max_parallel: int
    isolation: "IsolationLevel"
    mps_percent: int
    description: str
    notify: list[str] | str
    notify_on: list[str] | str
    tenant: str
    lease: bool
    pid: int


class TaskRequest(TaskFields, total=False):
    """What a task asks for; one of `command`, `argv`, `script` must be there."""

    command: str | list[str]


class SchedulerProcess(TypedDict):
    """A task of a run."""

    index: int
    status: Literal["waiting", "running", "retrying", "completed", "failed"]
    commands: list[str]
    memory_gb: float | None
    gpu_count: int
    current_gpu: int | str | None
    gpus: list[int | str]
    retry_count: int
    last_error: str | None
    task_id: int
    name: str
    task_state: State
    exit_code: int | None
    end_reason: str | None
    started_at: str | None
    ended_at: str | None
    pending_reason: str | None


class SchedulerCounts(TypedDict):
    """How many tasks there are; the first four of them add up to `total_tasks`."""

    pending_tasks: int
    running_tasks: int
    completed_tasks: int
    failed_tasks: int
    total_tasks: int
    cancelled_tasks: int
    retries: int
    last_error: str | None
    started_at: str | None
    ended_at: str | None
    expected_end_at: str | None
    expected_basis: str | None


class SchedulerQueue(SchedulerCounts):
    """A queue id of a run."""

    id: str
    status: Literal["waiting", "running", "retrying", "completed", "failed"]
    current_gpu: int | str | None
    current_task: str | None
    current_task_id: int | None
    gpus: list[int | str]
    memory_used_mib: int | None
    pending_reason: str | None
    pending_detail: str | None
    processes: list[SchedulerProcess]


class Scheduler(SchedulerCounts):
    """A run of a command file; of a configuration that never ran `pid`, `run` and `state` are null."""

    pid: int | None
    mode: Mode
    config_index: int | None
    state: Literal["starting", "running", "stopping", "completed", "failed"] | None
    gpus_used: list[int | str]
    gpu_assignments: dict[str, list[str]]
    run: int | None
    submission_id: int | None
    index: int | None
    name: str
    tenant: str
    started_by: str | None
    queues: dict[str, SchedulerQueue]


class StoppedRun(Scheduler):
    """A run that was asked to end: `n_done` of its tasks were, `n_refused` could not be."""

    n_done: int
    n_refused: int


class AddedTask(TypedDict):
    """A block that becomes a task; `task_id` is null until that is done."""

    task_id: int | None
    line: int
    commands: list[str]
    gpu_count: int
    memory_gb: float


class RemovedTask(TypedDict):
    """A task that waits, and whose block is gone or says something else."""

    task_id: int
    commands: list[str]


class MovedTask(TypedDict):
    """A task that waits, and whose block stands elsewhere among those of its queue id."""

    task_id: int
    line: int


class StartedTask(TypedDict):
    """A task that stays as it is though its block changed (at `line`) or is gone (null), because it has started."""

    task_id: int
    state: State | None
    line: int | None


class QueueDifference(TypedDict):
    """A queue id of a configuration against its run."""

    n_kept: int
    n_started: int
    added: list[AddedTask]
    removed: list[RemovedTask]
    moved: list[MovedTask]
    started: list[StartedTask]


class RunDifference(TypedDict):
    """A configuration's text against its run."""

    pid: int
    submission_id: int
    mode: Mode
    config_index: int
    name: str
    etag: str
    is_changed: bool
    is_applied: bool
    n_kept: int
    n_moved: int
    n_added: int
    n_removed: int
    n_started: int
    queues: dict[str, QueueDifference]


class StartOptions(TypedDict, total=False):
    """What a start of a command file asks for beside its text; it wins over the rules."""

    queue: str
    priority: int
    time_limit: str | float
    retries: int | Literal["unlimited"]
    on_failure: Literal["continue", "stop"]
    seed: int
    hold: bool
    workdir: str
    cwd: str
    env: dict[str, str]
    env_dropped: list[str]


class Quota(TypedDict):
    """What a tenant may have; null, or nothing listed: no limit."""

    max_gpus: int | None
    max_memory_mib: int | None
    max_running: int | None
    max_queued: int | None
    gpu_hours: float | None
    window_s: float
    max_priority: int | None
    max_time_limit_s: float | None
    queues: list[str]
    gpus: list[int | str]


class TenantUse(TypedDict):
    """What a tenant has now; GPU-hours within its window."""

    gpus: int
    memory_mib: int
    running: int
    queued: int
    gpu_hours: float


class Tenant(TypedDict):
    """An owner of tasks."""

    name: str
    role: Literal["admin", "tenant", "viewer"]
    is_own: bool
    weight: float
    uid: int | None
    user: str | None
    isolation: Literal["visible", "watched", "device", "mps"]
    enforce: bool
    has_password: bool
    description: str
    created_at: str | None
    quota: Quota
    use: TenantUse
    etag: str
    n_tokens: int


class Token(TypedDict):
    """What is told of a token."""

    id: int
    prefix: str
    tenant: str
    name: str
    scopes: list[Literal["read", "submit", "admin"]]
    created_at: str
    created_by: str
    expires_at: str | None
    is_expired: bool
    used_at: str | None


class NewToken(Token):
    """The one answer that has a token itself."""

    token: str


class User(TypedDict):
    """Who a caller is."""

    name: str
    tenant: str
    role: Literal["admin", "tenant", "viewer"]
    scopes: list[Literal["read", "submit", "admin"]]
    is_admin: bool
    task_id: int | None
    token_id: int | None
    expires_at: str | None


class Act(TypedDict):
    """An administrative act; `id` is that of its event."""

    id: int
    at: str
    event: str
    by: str
    subject: str
    details: dict[str, Any]
