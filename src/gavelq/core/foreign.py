"""Which GPU processes count as somebody else's, and what was lately seen of them on a card."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType

from gavelq.core.gpu import Accepted, Card, CardSample, GpuProcess, GpuSample
from gavelq.core.ids import GpuUuid, TaskId

NO_CARDS: Mapping[GpuUuid, Card] = MappingProxyType({})
SAME_START_S = 1.0
"""Start times of one process agree to this: they are counted from a boot time that is itself measured."""


def mark_ignored(
    sample: GpuSample, users: tuple[str, ...], commands: tuple[str, ...], register: Mapping[GpuUuid, Card] = NO_CARDS
) -> GpuSample:
    """The sample with `is_ignored` set on every process that is not to be minded.

    By the settings `foreign.ignored_*` a process is meant by the name of its user or of its program (the first word of
    its command line, without the directory); in patterns `*` stands for anything. By `gpu share` it is meant where the
    `register` of cards says so. gavelq's own processes are never ignored.
    """
    if not any(card.processes for card in sample.cards):
        return sample
    cards = tuple(
        replace(card, processes=tuple(_marked(p, users, commands, _accepted(card, register)) for p in card.processes))
        if card.processes
        else card
        for card in sample.cards
    )
    return replace(sample, cards=cards, by_uuid={})


def _accepted(card: CardSample, cards: Mapping[GpuUuid, Card]) -> tuple[Accepted, ...]:
    known = cards.get(card.uuid)
    return () if known is None else known.accepted


def still_there(card: Card, seen: CardSample) -> tuple[Accepted, ...]:
    """Those of a card's accepted processes that a look still shows."""
    return tuple(one for one in card.accepted if any(is_same(one, process) for process in seen.processes))


def is_same(one: Accepted, process: GpuProcess) -> bool:
    """Whether that is the process that was accepted, and not a later one with its pid."""
    if one.pid != process.pid:
        return False
    if one.started_at is None or process.started_at is None:
        return True
    return abs(one.started_at - process.started_at) < SAME_START_S


def _marked(
    process: GpuProcess, users: tuple[str, ...], commands: tuple[str, ...], accepted: tuple[Accepted, ...]
) -> GpuProcess:
    is_ignored = process.task_id is None and (
        (process.user is not None and is_listed(process.user, users))
        or is_listed(program_of(process.command), commands)
        or any(is_same(one, process) for one in accepted)
    )
    return process if process.is_ignored == is_ignored else replace(process, is_ignored=is_ignored)


def program_of(command: str) -> str:
    """The program's base name: `Xorg` of `/usr/lib/xorg/Xorg :0`; empty where the command is not known."""
    first = command.split(None, 1)[0] if command.strip() else ""
    return first.rstrip("/").rpartition("/")[2]


@lru_cache(maxsize=1024)
def is_listed(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a name is one of these; `*` in a pattern stands for any number of characters, nothing else is special."""
    return bool(name) and any(_matches(name, pattern) for pattern in patterns)


def _matches(name: str, pattern: str) -> bool:
    head, *middle = pattern.split("*")
    if not middle:
        return name == pattern
    *middle, tail = middle
    if not name.startswith(head) or not name.endswith(tail) or len(name) < len(head) + len(tail):
        return False
    at, end = len(head), len(name) - len(tail)
    for part in middle:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


class CardHistory:
    """What the looks at one card told, as far back as matters: who is there since when, how busy it was.

    It holds what is on the card now, and each utilisation that no later look reached.
    """

    def __init__(self) -> None:
        self._since: dict[int, tuple[float, float | None]] = {}
        self._present: frozenset[int] = frozenset()
        """Pids that count as foreign, as the last look showed them."""
        self.seen_at: float | None = None
        """The last look, where it showed foreign use."""
        self.left_at: float | None = None
        """The last look that showed foreign use, before one that showed none."""
        self.unseen_since: float | None = None
        """Since when memory without a process counts as foreign."""
        self.claimed_since: float | None = None
        """Since when another daemon claims the card."""
        self._peaks: list[tuple[float, int]] = []

    def look(
        self,
        card: CardSample,
        now: float,
        *,
        held: Collection[TaskId],
        gone: Collection[int],
        unseen: int,
    ) -> CardSample:
        """Take in a look; returns the card with `since` on its processes.

        `held` are the tasks on the card, `gone` pids that it no longer shows because a task of ours ended a moment ago,
        `unseen` the MiB that count as somebody's without a process.
        """
        self._heed_clock(now)
        known, self._since = self._since, {}
        processes = tuple(self._dated(process, known, now) for process in card.processes)
        self._judge(
            frozenset(p.pid for p in processes if is_foreign(p, held)),
            {p.pid for p in processes if p.task_id in held}.union(gone),
            unseen > 0,
            now,
        )
        self.claimed_since = (self.claimed_since or now) if card.claimed_by is not None else None
        self._note_peak(card.utilization, now)
        return replace(card, processes=processes) if processes else card

    def _heed_clock(self, now: float) -> None:
        """A clock that was set back must not make anybody wait for the time that it lost."""
        if self.left_at is not None and self.left_at > now:
            self.left_at = now
        if self._peaks and self._peaks[-1][0] > now:
            self._peaks.clear()

    def _dated(self, process: GpuProcess, known: dict[int, tuple[float, float | None]], now: float) -> GpuProcess:
        first, started_at = known.get(process.pid, (now, process.started_at))
        if started_at is None or process.started_at is None:
            is_same = True
        else:
            is_same = abs(started_at - process.started_at) < SAME_START_S
        since = min(first, now) if is_same else now
        self._since[process.pid] = (since, process.started_at)
        return replace(process, since=since)

    def _judge(self, present: frozenset[int], ours: set[int], has_unseen: bool, now: float) -> None:
        # A process of ours is a stranger until the runner's report of its start is in: then nobody left.
        has_left = bool(self._present - ours) or self.unseen_since is not None
        if present or has_unseen:
            self.seen_at = now
        elif self.seen_at is not None:
            self.left_at = min(self.seen_at, now) if has_left else self.left_at
            self.seen_at = None
        self._present = present
        self.unseen_since = min(self.unseen_since or now, now) if has_unseen else None

    def _note_peak(self, utilization: int | None, now: float) -> None:
        if utilization is None:
            return
        # Only what no later look reaches can ever be the highest again: at most 101 percentages are kept.
        while self._peaks and self._peaks[-1][1] <= utilization:
            self._peaks.pop()
        self._peaks.append((now, utilization))

    def forget_peaks(self) -> bool:
        """A task of ours ended here: how busy the card was before was its doing. False: nothing was known of that."""
        is_known = bool(self._peaks)
        self._peaks.clear()
        return is_known

    def peak(self, newest: int | None, now: float, settle_s: float) -> int | None:
        """The highest utilisation of the last `settle_s` seconds; the newest look counts, however old it is."""
        recent = next((value for at, value in self._peaks if at >= now - settle_s), None)
        if newest is None or recent is None:
            return newest if recent is None else recent
        return max(newest, recent)

    def calm_at(self, now: float, settle_s: float) -> float | None:
        """See `Books.calm_at`."""
        if self.seen_at is not None:
            return max(now, self.seen_at + settle_s)
        if self.left_at is None or self.left_at + settle_s <= now:
            return None
        return self.left_at + settle_s


def is_foreign(process: GpuProcess, held: Collection[TaskId]) -> bool:
    """Whether a process on a card that these tasks hold is somebody else's, and to be minded."""
    return process.task_id not in held and not process.is_ignored
