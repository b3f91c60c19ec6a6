"""What tells the present text of a command file from the one that its run runs, lane by lane. Pure.

Every block of the text that runs has its task (`Run.owners`), so that two texts are compared, whatever was done to the
tasks meanwhile.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gavelq.core.ids import TaskId

Content = tuple[tuple[str, ...], int, int | None]
"""Command lines with `{work_dir}` replaced, number of GPUs, memory in MiB: what makes two tasks the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A block of the present text."""

    index: int
    """From 0 in the file."""
    lane: str
    at: int
    """From 0 in its lane."""
    content: Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """A block of the text that runs, and its task."""

    task_id: TaskId
    lane: str
    content: Content
    is_untouched: bool = True
    """The task waits and has never been started, so that an edit may change it."""
    has_started: bool = False
    """It has been started at least once. Neither: it was cancelled while it waited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneDifference:
    """One lane. Every block and every task of it is in exactly one of these; `moved` is a part of `kept`."""

    lane: str
    kept: tuple[tuple[Wanted, Owned], ...] = ()
    """Have not started and stay, in file order."""
    moved: frozenset[TaskId] = frozenset()
    """Kept ones that stand elsewhere among them now."""
    added: tuple[Wanted, ...] = ()
    removed: tuple[Owned, ...] = ()
    fixed: tuple[tuple[Wanted, Owned], ...] = ()
    """Have started or ended, with the block that says the same."""
    changed: tuple[tuple[Wanted, Owned], ...] = ()
    """Have started, with the block that stands in their place and says something else: they stay as they are."""
    dropped: tuple[Owned, ...] = ()
    """Have started or ended, and no block is left of them."""

    @property
    def is_changed(self) -> bool:
        """Whether an apply would do anything here."""
        return bool(self.added or self.removed or self.moved)

    @property
    def order(self) -> list[tuple[Wanted, Owned | None]]:
        """What has not started, as the file has it: kept tasks, and blocks that become new ones."""
        all_of: list[tuple[Wanted, Owned | None]] = [*self.kept, *((wanted, None) for wanted in self.added)]
        return sorted(all_of, key=lambda entry: entry[0].at)

    def places(self, fixed: Iterable[tuple[int, bool]]) -> list[int]:
        """For each of `order` its new place in the run: that of its block, but behind all that has started.

        `fixed`: the places of the tasks of this lane that stay as they are, and whether they have started.
        """
        places = list(fixed)
        taken = {place for place, _ in places}
        free = max((place + 1 for place, has_started in places if has_started), default=0)
        found = []
        for wanted, _ in self.order:
            free = max(free, wanted.at)
            while free in taken:
                free += 1
            found.append(free)
            free += 1
        return found


def differences(running: Iterable[Owned], present: Iterable[Wanted]) -> list[LaneDifference]:
    """Lane by lane: those of the present text in its order, then those that it has no longer. Both in file order."""
    by_lane: dict[str, tuple[list[Owned], list[Wanted]]] = {}
    for wanted in present:
        by_lane.setdefault(wanted.lane, ([], []))[1].append(wanted)
    for task in running:
        by_lane.setdefault(task.lane, ([], []))[0].append(task)
    return [_lane(lane, old, new) for lane, (old, new) in by_lane.items()]


def _lane(lane: str, old: Sequence[Owned], new: Sequence[Wanted]) -> LaneDifference:
    pairs = _ends(old, new)
    # Of equal blocks the first ones are those that have started: they are not run again.
    for is_untouched in (False, True):
        taken = set(pairs.values())
        of_old = [index for index, task in enumerate(old) if index not in pairs and task.is_untouched is is_untouched]
        pairs |= _equal_ones(old, of_old, new, [index for index in range(len(new)) if index not in taken])
    taken = set(pairs.values())
    free = [index for index in range(len(new)) if index not in taken]
    left = [index for index, task in enumerate(old) if index not in pairs and not task.is_untouched]
    changed = _in_place(pairs, [index for index in left if old[index].has_started], free)
    waiting = sorted((new_at, old_at) for old_at, new_at in pairs.items() if old[old_at].is_untouched)
    in_order = _longest_rise([old_at for _, old_at in waiting])
    return LaneDifference(
        lane=lane,
        kept=tuple((new[new_at], old[old_at]) for new_at, old_at in waiting),
        moved=frozenset(old[old_at].task_id for _, old_at in waiting if old_at not in in_order),
        added=tuple(new[index] for index in free if index not in changed.values()),
        removed=tuple(task for index, task in enumerate(old) if task.is_untouched and index not in pairs),
        fixed=tuple((new[new_at], old[old_at]) for old_at, new_at in pairs.items() if not old[old_at].is_untouched),
        changed=tuple((new[new_at], old[old_at]) for old_at, new_at in sorted(changed.items())),
        dropped=tuple(old[index] for index in left if index not in changed),
    )


def _ends(old: Sequence[Owned], new: Sequence[Wanted]) -> dict[int, int]:
    """What is equal at the beginning and at the end of both: most of it, where little was edited."""
    least, front, back = min(len(old), len(new)), 0, 0
    while front < least and old[front].content == new[front].content:
        front += 1
    while back < least - front and old[-1 - back].content == new[-1 - back].content:
        back += 1
    head = {index: index for index in range(front)}
    return head | {len(old) - 1 - index: len(new) - 1 - index for index in range(back)}


def _equal_ones(
    old: Sequence[Owned], of_old: Sequence[int], new: Sequence[Wanted], of_new: Sequence[int]
) -> dict[int, int]:
    """Tasks and blocks that say the same, by index: of several equal ones the first goes with the first, and so on."""
    waiting: defaultdict[Content, list[int]] = defaultdict(list)
    for index in reversed(of_new):
        waiting[new[index].content].append(index)
    return {index: waiting[old[index].content].pop() for index in of_old if waiting.get(old[index].content)}


def _in_place(pairs: dict[int, int], left: Sequence[int], free: Sequence[int]) -> dict[int, int]:
    """Started tasks without a block that says the same, and blocks without a task, between the same neighbours."""
    in_order = _longest_rise([new_at for _, new_at in sorted(pairs.items())])
    anchors = sorted((old_at, new_at) for old_at, new_at in pairs.items() if new_at in in_order)
    old_ends, new_ends = [old_at for old_at, _ in anchors], [new_at for _, new_at in anchors]
    gaps: defaultdict[int, list[int]] = defaultdict(list)
    for index in reversed(free):
        gaps[bisect_left(new_ends, index)].append(index)
    found = {}
    for index in left:
        gap = gaps.get(bisect_left(old_ends, index))
        if gap:
            found[index] = gap.pop()
    return found


def _longest_rise(numbers: Sequence[int]) -> set[int]:
    """The numbers of a longest rising subsequence (all different; by patience sorting, in n log n)."""
    tops: list[int] = []
    before: dict[int, int | None] = {}
    for number in numbers:
        pile = bisect_left(tops, number)
        before[number] = tops[pile - 1] if pile else None
        tops[pile : pile + 1] = [number]
    found: set[int] = set()
    at = tops[-1] if tops else None
    while at is not None:
        found.add(at)
        at = before[at]
    return found
