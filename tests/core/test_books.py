"""What the books remember of a card: who is foreign there and since when, how calm it is, what a burst told."""

from dataclasses import replace

import pytest

from gavelq.core.bursts import Burst, summarize
from gavelq.core.engine import EngineRules
from gavelq.core.events import GpusWatched, Placement, PlanMade
from gavelq.core.foreign import is_listed, program_of
from gavelq.core.gpu import GpuProcess
from gavelq.core.ids import TaskId
from gavelq.core.view import View
from tests.support.builders import World, card, process, uuid

RULES = EngineRules(log_dir="/logs", ignored_users=("gdm", "mon*"), ignored_commands=("Xorg", "gnome-*"))


def world() -> World:
    """One card, calm from the start."""
    return World(n_cards=1, rules=RULES)


def place(w: World) -> TaskId:
    """A task that starts on card 0, whatever a cycle thinks of that."""
    task_id = w.submit()
    w.send(PlanMade(starts=(Placement(task_id=task_id, gpus=(uuid(0),)),), reservations={}))
    w.started(task_id)
    return task_id


def later(w: World, seconds: float, *processes: GpuProcess, util: int | None = 0, used: int | None = None) -> None:
    """Some time passes, and the card is looked at again."""
    w.now += seconds
    w.look(card(0, *processes, util=util, used=used))


def burst(number: int, at: float) -> Burst:
    """What a burst told about a card."""
    return Burst(uuid=uuid(number), at=at, n_samples=30, memory_utilization=1.0, used=2.0, free=3.0)


# --- calm ------------------------------------------------------------------------------------------------


def test_a_card_that_was_never_foreign_is_calm_at_once() -> None:
    w = world()
    assert w.state.books.calm_at(uuid(0), w.now) is None
    assert w.state.books.calm_at(uuid(7), w.now) is None, "nobody has seen that one"


def test_a_card_is_calm_some_time_after_foreign_use_was_seen_last() -> None:
    w = world()
    later(w, 1, process(9, 100))
    books, seen_at = w.state.books, w.now
    assert books.calm_at(uuid(0), w.now) == seen_at + books.settle_s
    w.now += 30
    assert books.calm_at(uuid(0), w.now) == w.now, "as long as it is there nobody knows"
    later(w, 1, process(9, 100))
    seen_at = w.now
    later(w, 1)
    assert books.calm_at(uuid(0), w.now) == seen_at + books.settle_s
    assert books.calm_at(uuid(0), seen_at + books.settle_s) is None
    later(w, 0.5, process(10, 100))
    later(w, 0.5)
    assert books.calm_at(uuid(0), w.now) == w.now - 0.5 + books.settle_s, "somebody came back"


def test_no_settling_means_no_waiting() -> None:
    w = world()
    w.state.books.settle_s = 0
    later(w, 1, process(9, 100))
    later(w, 1)
    assert w.state.books.calm_at(uuid(0), w.now) is None


def test_memory_without_a_process_is_foreign_use_from_a_threshold_on() -> None:
    w = world()
    books = w.state.books
    later(w, 1, used=1024)
    assert (books.calm_at(uuid(0), w.now), books.unseen_since(uuid(0))) == (None, None)
    later(w, 1, used=1025)
    since = w.now
    later(w, 1, used=2000)
    assert books.unseen_since(uuid(0)) == since
    later(w, 1, used=0)
    assert (books.calm_at(uuid(0), w.now), books.unseen_since(uuid(0))) == (w.now + 1, None)


def test_what_is_ignored_disturbs_no_calm() -> None:
    w = world()
    later(w, 1, replace(process(9, 100), command="/usr/lib/xorg/Xorg :0"), process(10, 50, user="gdm"))
    seen = w.state.books.sample.by_uuid[uuid(0)]
    assert [p.is_ignored for p in seen.processes] == [True, True]
    assert (w.state.books.calm_at(uuid(0), w.now), seen.memory_used) == (None, 150)
    later(w, 1)
    assert w.state.books.calm_at(uuid(0), w.now) is None


def test_the_end_of_an_own_task_disturbs_no_calm() -> None:
    w = world()
    task_id = place(w)
    later(w, 1, process(9, 100, task_id=task_id))
    w.ended(task_id)
    assert w.state.books.calm_at(uuid(0), w.now) is None
    later(w, 0.2, process(9, 100, task_id=task_id))
    assert w.state.books.calm_at(uuid(0), w.now) is None, "its trace in a late look"
    later(w, 1)
    assert w.state.books.calm_at(uuid(0), w.now) is None


@pytest.mark.parametrize("is_known_first", [True, False])
def test_a_process_that_turns_out_to_be_ours_never_was_foreign(is_known_first: bool) -> None:
    w = world()
    task_id = place(w)
    later(w, 1, process(9, 100))  # the runner has not told yet which process is whose
    if is_known_first:
        later(w, 0.5, process(9, 100, task_id=task_id))
    w.ended(task_id)
    later(w, 0.2, process(9, 100, task_id=task_id))
    later(w, 0.2)
    assert w.state.books.calm_at(uuid(0), w.now) is None


def test_a_clock_that_is_set_back_makes_nobody_wait_longer() -> None:
    w = world()
    later(w, 1, process(9, 100))
    later(w, 1)
    w.now -= 5000
    later(w, 0)
    assert w.state.books.calm_at(uuid(0), w.now) == w.now + w.state.books.settle_s


# --- how busy --------------------------------------------------------------------------------------------


def test_the_highest_utilisation_of_the_settle_time_counts() -> None:
    w = world()
    for util in (80, 20, 40, 10):
        later(w, 1, util=util)
    books = w.state.books
    assert books.settle_s == 2
    assert books.peak_utilization(uuid(0), w.now) == 40
    w.now += 1
    assert books.peak_utilization(uuid(0), w.now) == 40
    w.now += 1
    assert books.peak_utilization(uuid(0), w.now) == 10, "the newest look always counts"
    later(w, 10, util=95)
    assert books.peak_utilization(uuid(0), w.now) == 95


def test_an_unknown_utilisation_stays_unknown() -> None:
    w = World(n_cards=0)
    w.look(card(0, util=None))
    assert w.state.books.peak_utilization(uuid(0), w.now) is None
    later(w, 1, util=30)
    later(w, 1, util=None)
    assert w.state.books.peak_utilization(uuid(0), w.now) == 30, "what was seen just before still counts"


def test_what_an_own_task_did_is_no_peak() -> None:
    w = world()
    task_id = place(w)
    later(w, 1, process(9, 100, task_id=task_id), util=98)
    w.ended(task_id)
    assert w.state.books.peak_utilization(uuid(0), w.now) is None
    later(w, 0.5, util=60)
    assert w.state.books.peak_utilization(uuid(0), w.now) is None, "NVML averages: that is its echo"
    later(w, 5, util=3)
    assert w.state.books.peak_utilization(uuid(0), w.now) == 3


def test_an_ignored_process_makes_an_echo_no_business_of_others() -> None:
    w = world()
    task_id = place(w)
    xorg = replace(process(5, 10), command="Xorg")
    later(w, 1, process(9, 100, task_id=task_id), xorg, util=98)
    w.ended(task_id)
    later(w, 0.5, xorg, util=60)
    assert w.state.books.peak_utilization(uuid(0), w.now) is None


# --- since when ------------------------------------------------------------------------------------------


def test_a_process_is_dated_from_when_it_was_first_seen_on_the_card() -> None:
    w = world()
    later(w, 1, process(9, 100))
    began = w.now
    later(w, 5, process(9, 200), process(10, 1))
    seen = w.state.books.sample.by_uuid[uuid(0)].processes
    assert [p.since for p in seen] == [began, w.now]
    w.look(problem="the driver stopped answering")
    later(w, 5, process(9, 200))
    assert w.state.books.sample.by_uuid[uuid(0)].processes[0].since == began, "a look that fails forgets nobody"
    later(w, 1)
    later(w, 1, process(9, 100))
    assert w.state.books.sample.by_uuid[uuid(0)].processes[0].since == w.now, "it was away"


def test_a_pid_that_is_used_again_is_another_process() -> None:
    w = world()
    later(w, 1, replace(process(9, 100), started_at=500.0))
    later(w, 1, replace(process(9, 100), started_at=500.01))
    assert w.state.books.sample.by_uuid[uuid(0)].processes[0].since == w.now - 1
    later(w, 1, replace(process(9, 100), started_at=w.now))
    assert w.state.books.sample.by_uuid[uuid(0)].processes[0].since == w.now


def test_a_claim_is_dated() -> None:
    w = world()
    books = w.state.books
    claimed = replace(card(0), claimed_by="gavelq of alice")
    w.look(claimed)
    began, w.now = w.now, w.now + 10
    w.look(claimed)
    assert books.claimed_since(uuid(0)) == began
    assert books.calm_at(uuid(0), w.now) is None, "it is free the moment that the other daemon lets go"
    w.look(card(0))
    assert books.claimed_since(uuid(0)) is None


# --- bursts ----------------------------------------------------------------------------------------------


def test_a_burst_is_good_until_a_task_starts_or_ends_there() -> None:
    w = World(n_cards=2)
    w.send(GpusWatched(bursts=(burst(0, w.now), burst(1, w.now))))
    assert set(w.state.books.bursts) == {uuid(0), uuid(1)}
    w.now += 1
    task_id = place(w)
    assert set(w.state.books.bursts) == {uuid(1)}
    assert w.state.books.turned_at(uuid(0)) == w.now
    w.send(GpusWatched(bursts=(burst(0, w.now),)))
    w.ended(task_id)
    assert set(w.state.books.bursts) == {uuid(1)}
    w.look(card(0))
    assert set(w.state.books.bursts) == set(), "a card that is gone for good is forgotten"


def test_a_burst_is_the_mean_of_its_looks() -> None:
    looks = [
        replace(card(0, used=1000), memory_utilization=10),
        replace(card(0, used=3000, util=40), memory_utilization=None),
        card(0, used=2000, util=None),
    ]
    found = summarize(looks, 5.0)
    assert (found.uuid, found.at, found.n_samples) == (uuid(0), 5.0, 3)
    assert round(found.memory_utilization, 3) == round(50 / 3, 3), "the unknown ones: 40 % of the card's, and 0"
    assert (found.used, found.free) == (2000, 24 * 1024 - 2000)
    with pytest.raises(ValueError, match="without a look"):
        summarize([], 5.0)


# --- what is ignored -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "patterns", "expected"),
    [
        ("Xorg", ("Xorg",), True),
        ("Xorg2", ("Xorg",), False),
        ("xorg", ("Xorg",), False),
        ("gnome-shell", ("kwin_*", "gnome-*"), True),
        ("kwin_x11", ("kwin_*",), True),
        ("kwin", ("kwin_*",), False),
        ("anything", ("*",), True),
        ("", ("*",), False),
        ("ab", ("ab*b",), False),
        ("abcb", ("a*b*b",), True),
        ("axxb", ("*x*x*",), True),
        ("axb", ("*x*x*",), False),
        ("a.c", ("a?c", "a[.]c"), False),
        ("name", (), False),
    ],
)
def test_a_star_stands_for_anything_and_nothing_else_is_special(
    name: str, patterns: tuple[str, ...], expected: bool
) -> None:
    assert is_listed(name, patterns) is expected


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("/usr/lib/xorg/Xorg -core :0", "Xorg"), ("gnome-shell", "gnome-shell"), ("", ""), ("  ", ""),
        ("python3 /usr/bin/gnome-shell", "python3"), ("/odd/", "odd"), ("/", ""),
    ],
)  # fmt: skip
def test_a_program_is_known_by_its_name_without_the_directory(command: str, program: str) -> None:
    assert program_of(command) == program


def test_patterns_hold_for_users_and_never_for_our_own_tasks() -> None:
    w = world()
    task_id = place(w)
    own = replace(process(9, 1, task_id=task_id, user="gdm"), command="Xorg")
    later(w, 1, own, process(10, 1, user="monitor"), process(11, 1, user="me"))
    assert [p.is_ignored for p in w.state.books.sample.by_uuid[uuid(0)].processes] == [False, True, False]


def test_a_card_with_ignored_processes_alone_is_free_to_be_given_to_a_queue() -> None:
    w = world()
    later(w, 1, process(10, 1, user="monitor"))
    assert View(w.state).is_idle(uuid(0))
    later(w, 1, process(10, 1, user="alice"))
    assert not View(w.state).is_idle(uuid(0))


def test_what_is_remembered_is_bounded_by_what_is_there() -> None:
    w = world()
    w.state.books.settle_s = 3600
    for n in range(2000):
        later(w, 1, process(n + 10, 1), util=n % 7)
    history = w.state.books._history[uuid(0)]
    assert len(history._since) == 1
    assert len(history._peaks) <= 101
