"""Reservations, and facts that outlive tasks (learned, shares, streaks, command files, ...), as rows and back."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from gavelq.adapters.store.rows import decode_pairs, parse_text, to_json
from gavelq.adapters.store.shape import (
    FLAG,
    RANGES,
    REAL,
    REALS,
    TEXT,
    TEXTS,
    WHOLE,
    Codec,
    RowError,
    Shape,
    enumerated,
    listed,
    optional,
)
from gavelq.core.alerts import Alert, Mute, RuleName
from gavelq.core.command_files import Binding, BindingKey, FileId, Run, StoredFile
from gavelq.core.ids import SubmissionId
from gavelq.core.learned import Learned, ShareUse
from gavelq.core.notices import Message
from gavelq.core.reservation import Reservation
from gavelq.core.step import Changes
from gavelq.core.tenants import HourKey, Isolation, Quota, Role, Scope, Tenant, Token, TokenId

_RESERVATION = Shape(
    Reservation,
    task_id=WHOLE,
    gpus=TEXTS,
    expected_at=optional(REAL),
    promised_at=optional(REAL),
    is_preempting=FLAG,
)
_LEARNED = Shape(
    Learned,
    n_ends=WHOLE,
    run_times_s=REALS,
    peaks=listed(WHOLE),
    utilization=optional(REAL),
    at=REAL,
)
_SHARE = Shape(ShareUse, gpu_s=REAL, at=REAL)
_FILE = Shape(
    StoredFile,
    id=WHOLE,
    tenant=TEXT,
    mode=TEXT,
    place=WHOLE,
    name=TEXT,
    content=TEXT,
    saved=TEXT,
    version=WHOLE,
    modified_at=REAL,
    modified_by=TEXT,
    workdir=optional(TEXT),
    env=optional(Codec(lambda pairs: [list(pair) for pair in pairs], decode_pairs)),
)
_RUN = Shape(
    Run,
    submission=WHOLE,
    mode=TEXT,
    file=optional(WHOLE),
    name=TEXT,
    content=TEXT,
    tenant=TEXT,
    by=TEXT,
    started_at=REAL,
    seed=WHOLE,
    work_dir=TEXT,
    options=TEXT,
    owners=RANGES,
)
_QUOTA = Shape(
    Quota,
    max_gpus=optional(WHOLE),
    max_memory=optional(WHOLE),
    max_running=optional(WHOLE),
    max_queued=optional(WHOLE),
    gpu_hours=optional(REAL),
    window_s=REAL,
    max_priority=optional(WHOLE),
    max_time_limit_s=optional(REAL),
    queues=TEXTS,
    gpus=TEXTS,
)
_TENANT = Shape(
    Tenant,
    name=TEXT,
    role=enumerated(Role),
    quota=_QUOTA.codec,
    weight=REAL,
    uid=optional(WHOLE),
    isolation=enumerated(Isolation),
    enforce=FLAG,
    password=TEXT,
    description=TEXT,
    created_at=REAL,
)
_TOKEN = Shape(
    Token,
    id=WHOLE,
    tenant=TEXT,
    hash=TEXT,
    prefix=TEXT,
    scopes=listed(enumerated(Scope)),
    name=TEXT,
    created_at=REAL,
    created_by=TEXT,
    expires_at=optional(REAL),
    used_at=optional(REAL),
)
_ALERT = Shape(
    Alert,
    rule=enumerated(RuleName),
    subject=TEXT,
    since=REAL,
    fired_at=REAL,
    text=TEXT,
    value=optional(REAL),
    tenant=optional(TEXT),
    is_told=FLAG,
)
_MUTE = Shape(Mute, rule=TEXT, subject=TEXT, until=REAL, by=TEXT, at=REAL, reason=TEXT)
_MESSAGE = Shape(
    Message,
    key=TEXT,
    at=REAL,
    to=TEXT,
    event=TEXT,
    title=TEXT,
    text=TEXT,
    details=TEXT,
    tenant=optional(TEXT),
    task_id=optional(WHOLE),
)
_KEY = Shape(BindingKey, file=WHOLE, queue_id=TEXT, process_index=WHOLE)
_BINDING = Shape(Binding, key=_KEY.codec, path=TEXT, at=REAL, by=TEXT)


def reservation_text(held: Reservation) -> str:
    """A reservation as text."""
    return to_json(_RESERVATION.encode(held))


def reservation_of(text: str) -> Reservation:
    """The reservation of a text. Raises RowError."""
    return _RESERVATION.decode(parse_text(text))


@dataclass(slots=True)
class Facts:
    """All of them, by kind."""

    learned: dict[str, Learned] = field(default_factory=dict)
    shares: dict[str, ShareUse] = field(default_factory=dict)
    streaks: dict[SubmissionId, int] = field(default_factory=dict)
    files: dict[FileId, StoredFile] = field(default_factory=dict)
    runs: dict[SubmissionId, Run] = field(default_factory=dict)
    bindings: dict[BindingKey, Binding] = field(default_factory=dict)
    tenants: dict[str, Tenant] = field(default_factory=dict)
    retired: dict[str, float] = field(default_factory=dict)
    tokens: dict[TokenId, Token] = field(default_factory=dict)
    hours: dict[HourKey, float] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    mutes: dict[str, Mute] = field(default_factory=dict)
    outbox: dict[str, Message] = field(default_factory=dict)


def fact_rows(changes: Changes) -> Iterator[tuple[str, str, str | None]]:
    """Kind, key and text of what changed; None as a text deletes the row."""
    for key, learned in changes.learned.items():
        yield "learned", key, None if learned is None else to_json(_LEARNED.encode(learned))
    for owner, share in changes.shares.items():
        yield "share", owner, None if share is None else to_json(_SHARE.encode(share))
    for submission, streak in changes.streaks.items():
        yield "streak", str(submission), None if streak is None else to_json(streak)
    for number, file in changes.files.items():
        yield "file", str(number), None if file is None else to_json(_FILE.encode(file))
    for submission, run in changes.runs.items():
        yield "run", str(submission), None if run is None else to_json(_RUN.encode(run))
    for bound, binding in changes.bindings.items():
        yield "binding", str(bound), None if binding is None else to_json(_BINDING.encode(binding))
    for name, tenant in changes.tenants.items():
        yield "tenant", name, None if tenant is None else to_json(_TENANT.encode(tenant))
    for name, deleted_at in changes.retired.items():
        yield "retired", name, None if deleted_at is None else to_json(deleted_at)
    for token_id, token in changes.tokens.items():
        yield "token", str(token_id), None if token is None else to_json(_TOKEN.encode(token))
    for hour, seconds in changes.hours.items():
        yield "hour", str(hour), None if seconds is None else to_json(seconds)
    for key, alert in changes.alerts.items():
        yield "alert", key, None if alert is None else to_json(_ALERT.encode(alert))
    for key, mute in changes.mutes.items():
        yield "mute", key, None if mute is None else to_json(_MUTE.encode(mute))
    for key, message in changes.outbox.items():
        yield "message", key, None if message is None else to_json(_MESSAGE.encode(message))


def facts_of(rows: Iterable[tuple[str, str, str]]) -> Facts:
    """The facts of all rows. Raises RowError."""
    found = Facts()
    for kind, key, text in rows:
        try:
            _put(found, kind, key, parse_text(text))
        except RowError as error:
            raise RowError(f"fact {kind} {key:.100}: {error}") from None
    return found


def _put(found: Facts, kind: str, key: str, document: Any) -> None:
    match kind:
        case "learned":
            found.learned[key] = _LEARNED.decode(document)
        case "share":
            found.shares[key] = _SHARE.decode(document)
        case "streak" if type(document) is int and key.isdecimal():
            found.streaks[SubmissionId(int(key))] = document
        case "file":
            file = _FILE.decode(document)
            found.files[file.id] = file
        case "run":
            run = _RUN.decode(document)
            found.runs[run.submission] = run
        case "binding":
            binding = _BINDING.decode(document)
            found.bindings[binding.key] = binding
        case "tenant":
            tenant = _TENANT.decode(document)
            found.tenants[tenant.name] = tenant
        case "retired" if type(document) in (int, float):
            found.retired[key] = float(document)
        case "token":
            token = _TOKEN.decode(document)
            found.tokens[token.id] = token
        case "hour" if type(document) in (int, float) and key.partition(":")[0].lstrip("-").isdecimal():
            hour, _, owner = key.partition(":")
            found.hours[HourKey(owner, int(hour))] = float(document)
        case "alert":
            found.alerts[key] = _ALERT.decode(document)
        case "mute":
            found.mutes[key] = _MUTE.decode(document)
        case "message":
            found.outbox[key] = _MESSAGE.decode(document)
        case _:
            raise RowError(f"{document!r:.100} cannot be understood")
