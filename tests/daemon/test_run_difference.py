"""What tells a command file's text from its run: pure functions, in examples and in general."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gavelq.core.ids import TaskId
from gavelq.daemon.run_difference import Content, LaneDifference, Owned, Wanted, differences


def content(word: str) -> Content:
    return ((word,), 1, 1024)


def blocks(*words: str, lane: str = "1") -> list[Wanted]:
    return [Wanted(index=at, lane=lane, at=at, content=content(word)) for at, word in enumerate(words)]


def tasks(*words: str, lane: str = "1") -> list[Owned]:
    """`a*` has started, `a!` was cancelled while it waited."""
    return [
        Owned(
            task_id=TaskId(at + 1), lane=lane, content=content(word.rstrip("*!")),
            is_untouched=word[-1] not in "*!", has_started=word.endswith("*"),
        )
        for at, word in enumerate(words)
    ]  # fmt: skip


def one(old: list[Owned], new: list[Wanted]) -> LaneDifference:
    (found,) = differences(old, new)
    return found


def told(found: LaneDifference) -> dict[str, Any]:
    """By word: what happens to each."""
    return {
        "order": [wanted.content[0][0] for wanted, _ in found.order],
        "added": [wanted.content[0][0] for wanted in found.added],
        "removed": [task.content[0][0] for task in found.removed],
        "moved": sorted(int(task) for task in found.moved),
        "changed": [(wanted.content[0][0], int(task.task_id)) for wanted, task in found.changed],
        "dropped": [int(task.task_id) for task in found.dropped],
    }


NOTHING: dict[str, Any] = {"added": [], "removed": [], "moved": [], "changed": [], "dropped": []}


def test_the_same_text_changes_nothing() -> None:
    found = one(tasks("a*", "b", "b", "c"), blocks("a", "b", "b", "c"))
    assert told(found) == {**NOTHING, "order": ["b", "b", "c"]}
    assert not found.is_changed
    assert found.places([(0, True)]) == [1, 2, 3]


def test_a_block_in_between_is_added_and_later_ones_stay() -> None:
    found = one(tasks("a*", "b", "c"), blocks("a", "x", "b", "c"))
    assert told(found) == {**NOTHING, "order": ["x", "b", "c"], "added": ["x"]}
    assert found.places([(0, True)]) == [1, 2, 3]


def test_a_block_that_is_gone_takes_its_task_out() -> None:
    found = one(tasks("a*", "b", "c"), blocks("a", "c"))
    assert told(found) == {**NOTHING, "order": ["c"], "removed": ["b"]}


def test_a_changed_block_that_waits_becomes_another_task() -> None:
    found = one(tasks("a*", "b", "c"), blocks("a", "b2", "c"))
    assert told(found) == {**NOTHING, "order": ["b2", "c"], "added": ["b2"], "removed": ["b"]}


def test_a_changed_block_that_has_started_stays_as_it_is() -> None:
    found = one(tasks("a*", "b*", "c"), blocks("a2", "b", "c"))
    assert told(found) == {**NOTHING, "order": ["c"], "changed": [("a2", 1)]}
    assert not found.is_changed


def test_a_changed_first_block_and_one_behind_it_are_told_apart() -> None:
    found = one(tasks("a*", "b", "c"), blocks("a2", "x", "b", "c"))
    assert told(found) == {**NOTHING, "order": ["x", "b", "c"], "added": ["x"], "changed": [("a2", 1)]}


def test_done_blocks_may_be_deleted_and_new_ones_written_at_the_end() -> None:
    found = one(tasks("a*", "b*", "c", "d"), blocks("c", "d", "e", "f"))
    assert told(found) == {**NOTHING, "order": ["c", "d", "e", "f"], "added": ["e", "f"], "dropped": [1, 2]}
    assert found.places([(0, True), (1, True)]) == [
        2,
        3,
        4,
        5,
    ]  # behind what has started, though the file has them from 0 on


def test_a_block_before_what_has_started_runs_next() -> None:
    found = one(tasks("a*", "b"), blocks("x", "a", "b"))
    assert told(found) == {**NOTHING, "order": ["x", "b"], "added": ["x"]}
    assert found.places([(0, True)]) == [1, 2]


def test_blocks_that_change_places_are_moved_and_not_made_anew() -> None:
    found = one(tasks("a*", "b", "c", "d"), blocks("a", "c", "d", "b"))
    assert told(found) == {**NOTHING, "order": ["c", "d", "b"], "moved": [2]}


def test_a_started_block_that_moves_is_not_run_again() -> None:
    found = one(tasks("a*", "b", "c"), blocks("b", "c", "a"))
    assert told(found) == {**NOTHING, "order": ["b", "c"]}


def test_a_task_that_was_cancelled_while_it_waited_does_not_come_back() -> None:
    found = one(tasks("a*", "b!", "c"), blocks("a", "b", "c"))
    assert told(found) == {**NOTHING, "order": ["c"]}
    assert not found.is_changed


def test_a_cancelled_block_that_is_changed_is_a_new_task() -> None:
    found = one(tasks("a*", "b!", "c"), blocks("a", "b2", "c"))
    assert told(found) == {**NOTHING, "order": ["b2", "c"], "added": ["b2"], "dropped": [2]}
    assert found.places([(0, True), (1, False)]) == [2, 3]  # no place is used twice


def test_of_equal_blocks_those_that_have_started_are_the_first() -> None:
    found = one(tasks("a*", "a*", "a", "a"), blocks("a", "a", "a"))
    assert told(found) == {**NOTHING, "order": ["a"], "removed": ["a"]}


def test_an_equal_block_goes_to_the_task_that_has_started_wherever_that_stands() -> None:
    found = one(tasks("a", "a*", "z"), blocks("q", "a", "w"))
    assert told(found) == {**NOTHING, "order": ["q", "w"], "added": ["q", "w"], "removed": ["a", "z"]}


def test_a_lane_that_the_text_has_no_longer_is_emptied() -> None:
    found = differences(tasks("a*", "b", lane="x"), blocks("c", lane="y"))
    assert [lane.lane for lane in found] == ["y", "x"]
    assert told(found[1]) == {**NOTHING, "order": [], "removed": ["b"], "dropped": [1]}


def test_ten_thousand_blocks_in_reverse_are_compared_at_once() -> None:
    words = [str(number) for number in range(10_000)]
    found = one(tasks(*words), blocks(*reversed(words)))
    assert len(found.kept) == 10_000
    assert len(found.moved) == 9_999


# --- in general --------------------------------------------------------------------------------------------

UNTIMED = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""The machine may be busy."""
WORDS = st.lists(st.sampled_from("abcdef"), max_size=8)
STATES = st.sampled_from([(True, False), (False, True), (False, False)])


@dataclass
class Life:
    """The text that runs, with what became of its tasks, and the present one."""

    old: list[Owned] = field(default_factory=list)
    new: list[Wanted] = field(default_factory=list)


@st.composite
def lives(draw: st.DrawFn) -> Life:
    life = Life()
    for lane in draw(st.lists(st.sampled_from("123"), unique=True, max_size=3)):
        words = draw(WORDS)
        for word in words:
            is_untouched, has_started = draw(STATES)
            life.old.append(
                Owned(
                    task_id=TaskId(len(life.old) + 1), lane=lane, content=content(word), is_untouched=is_untouched,
                    has_started=has_started,
                )
            )  # fmt: skip
        for at, word in enumerate(draw(st.one_of(WORDS, st.just(words), st.permutations(words)))):
            life.new.append(Wanted(index=len(life.new), lane=lane, at=at, content=content(word)))
    return life


def applied(found: list[LaneDifference], new: list[Wanted]) -> list[Owned]:
    """The text that runs after an apply: the present one, each block with its task."""
    owners: dict[int, Owned] = {}
    number = 1000
    for lane in found:
        for wanted, task in (*lane.kept, *lane.fixed, *lane.changed):
            owners[wanted.index] = replace(task, content=wanted.content)
        for wanted in lane.added:
            number += 1
            owners[wanted.index] = Owned(task_id=TaskId(number), lane=lane.lane, content=wanted.content)
    return [owners[wanted.index] for wanted in new]


@UNTIMED
@given(lives())
def test_every_block_and_every_task_has_exactly_one_fate(life: Life) -> None:
    found = differences(life.old, life.new)
    ids = [
        task.task_id
        for lane in found
        for task in (*(task for _, task in (*lane.kept, *lane.fixed, *lane.changed)), *lane.removed, *lane.dropped)
    ]
    assert sorted(ids) == [task.task_id for task in life.old]
    indices = [
        wanted.index
        for lane in found
        for wanted in (*(wanted for wanted, _ in (*lane.kept, *lane.fixed, *lane.changed)), *lane.added)
    ]
    assert sorted(indices) == list(range(len(life.new)))
    assert all(task.is_untouched for lane in found for _, task in lane.kept)
    assert not any(task.is_untouched for lane in found for _, task in (*lane.fixed, *lane.changed))
    assert all(task.has_started for lane in found for _, task in lane.changed)


@UNTIMED
@given(lives())
def test_applying_a_difference_leaves_what_the_text_has_and_has_not_started(life: Life) -> None:
    for lane in differences(life.old, life.new):
        begun = {wanted.index for wanted, _ in (*lane.fixed, *lane.changed)}
        rest = [wanted for wanted in life.new if wanted.lane == lane.lane and wanted.index not in begun]
        assert [wanted for wanted, _ in lane.order] == rest
        assert all(task is None or task.content == wanted.content for wanted, task in lane.order)


@UNTIMED
@given(lives())
def test_an_apply_leaves_no_difference(life: Life) -> None:
    after = applied(differences(life.old, life.new), life.new)
    again = differences(after, life.new)
    assert not any(lane.is_changed or lane.changed or lane.dropped for lane in again)


@UNTIMED
@given(lives(), st.lists(st.tuples(st.integers(0, 12), st.booleans()), unique_by=lambda pair: pair[0]))
def test_new_places_are_free_and_rise_behind_what_has_started(life: Life, fixed: list[tuple[int, bool]]) -> None:
    for lane in differences(life.old, life.new):
        places = lane.places(fixed)
        assert len(places) == len(lane.order)
        assert places == sorted(set(places))
        assert not set(places) & {place for place, _ in fixed}
        assert not places or all(places[0] > place for place, has_started in fixed if has_started)


@UNTIMED
@given(WORDS, WORDS)
def test_what_was_never_started_and_is_still_there_is_kept(before: list[str], after: list[str]) -> None:
    found = differences(tasks(*before), blocks(*after))
    n_equal = (Counter(before) & Counter(after)).total()
    assert sum(len(lane.kept) for lane in found) == n_equal
