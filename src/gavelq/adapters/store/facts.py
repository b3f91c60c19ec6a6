"""Reservations, and small facts that outlive tasks (learned, shares, streaks), as rows and back."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from gavelq.adapters.store.rows import parse_text, to_json
from gavelq.adapters.store.shape import FLAG, REAL, REALS, TEXTS, WHOLE, RowError, Shape, listed, optional
from gavelq.core.ids import SubmissionId
from gavelq.core.learned import Learned, ShareUse
from gavelq.core.reservation import Reservation
from gavelq.core.step import Changes

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


def fact_rows(changes: Changes) -> Iterator[tuple[str, str, str | None]]:
    """Kind, key and text of what changed; None as a text deletes the row."""
    for key, learned in changes.learned.items():
        yield "learned", key, None if learned is None else to_json(_LEARNED.encode(learned))
    for tenant, share in changes.shares.items():
        yield "share", tenant, None if share is None else to_json(_SHARE.encode(share))
    for submission, streak in changes.streaks.items():
        yield "streak", str(submission), None if streak is None else to_json(streak)


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
        case _:
            raise RowError(f"{document!r:.100} cannot be understood")
