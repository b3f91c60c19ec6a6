"""Broken cards: what counts as a fault, what becomes of the card and of its tasks, and how it comes back."""

from dataclasses import replace

import pytest

from gavelq.core.effects import StopAttempt
from gavelq.core.events import GpuDrained, GpuUnignored, TaskKilled
from gavelq.core.faults import FAULTS, GONE, SILENT, describe_xid, fault_of
from gavelq.core.gpu import Card, CardSample
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.core.lifecycle import EndReason, TaskState
from gavelq.core.retrying import RetryRules
from gavelq.core.step import Record
from gavelq.core.task import Ending
from gavelq.core.units import MiB
from tests.support.builders import World, card, uuid

PROGRAMS_OWN = (13, 31, 43, 45, 68, 69)
HARDWARE = (48, 61, 62, 64, 74, 79, 92, 94, 95, 119, 120, 140)
BUS = "Xid 79: GPU has fallen off the bus"


def broken(number: int, *xids: int) -> CardSample:
    """A look at a card that tells of these Xid errors."""
    return replace(card(number), xids=xids)


def ecc(number: int, count: int | None) -> CardSample:
    """A look at a card with this many uncorrected errors since the driver was loaded."""
    return replace(card(number), ecc_errors=count)


def busy(**given: object) -> tuple[World, TaskId]:
    """Two cards, and a task that runs on card 0."""
    world = World(n_cards=2)
    task_id = world.submit(allowed=(uuid(0),), **given)
    world.run_all()
    return world, task_id


def kept(world: World, number: int) -> Card:
    return world.state.cards[uuid(number)]


def told(world: World, kind: str) -> list[Record]:
    return [record for record in world.records if record.kind == kind]


def ending(world: World, task_id: TaskId) -> Ending:
    found = world.gone[task_id].ending
    assert found is not None
    return found


# --- what is a fault --------------------------------------------------------------------------------------


@pytest.mark.parametrize("xid", HARDWARE)
def test_broken_hardware_is_a_fault(xid: int) -> None:
    assert fault_of(broken(0, 31, xid), None) == f"Xid {xid}: {FAULTS[xid]}"


@pytest.mark.parametrize("xid", [*PROGRAMS_OWN, 63, 12345])
def test_what_programs_do_wrong_and_what_nobody_knows_is_no_fault(xid: int) -> None:
    assert fault_of(broken(0, xid), None) == ""
    assert describe_xid(xid).startswith(f"Xid {xid}")


@pytest.mark.parametrize(
    ("before", "now", "fault"),
    [
        (0, 3, "3 new uncorrected ECC errors"),
        (4, 5, "1 new uncorrected ECC error"),
        (4, 4, ""),
        (4, 0, ""),  # the driver was loaded again
        (None, 7, ""),
        (7, None, ""),
    ],
)
def test_only_a_rise_of_the_ecc_counter_is_a_fault(before: int | None, now: int | None, fault: str) -> None:
    assert fault_of(ecc(0, now), ecc(0, before)) == fault


def test_errors_that_were_counted_before_the_first_look_are_no_fault() -> None:
    world = World(n_cards=0)
    world.look(ecc(0, 7))
    assert kept(world, 0).fault == ""


# --- the card ---------------------------------------------------------------------------------------------


def test_a_fault_drains_the_card_and_is_written_down_once() -> None:
    world = World(n_cards=2)
    world.look(broken(0, 79), card(1))
    assert (kept(world, 0).fault, kept(world, 0).fault_at, kept(world, 0).draining) == (BUS, 1000.0, True)
    assert kept(world, 1).fault == ""
    world.now += 1
    world.look(broken(0, 119), card(1))
    assert (kept(world, 0).fault, kept(world, 0).fault_at) == (BUS, 1000.0)
    assert [(r.subject, r.details["fault"]) for r in told(world, "gpu_fault")] == [(uuid(0), BUS)]
    assert [r.details["xid"] for r in told(world, "gpu_xid")] == [119]


def test_nothing_starts_on_a_broken_card_until_a_person_says_so() -> None:
    world = World(n_cards=1)
    world.look(broken(0, 79))
    task_id = world.submit()
    world.look(card(0))
    assert world.cycle() == []
    world.send(GpuUnignored(by="me", gpu=uuid(0)))
    assert (kept(world, 0).fault, kept(world, 0).fault_at, kept(world, 0).draining) == ("", None, False)
    assert told(world, "gpu_unignored")[0].details["fault"] == BUS
    assert world.cycle() == [task_id]


def test_a_new_fault_after_that_counts_again() -> None:
    world = World(n_cards=1)
    world.look(broken(0, 79))
    world.send(GpuUnignored(by="me", gpu=uuid(0)))
    world.look(broken(0, 79))
    assert kept(world, 0).draining
    assert len(told(world, "gpu_fault")) == 2


def test_a_harmless_xid_is_told_and_changes_nothing() -> None:
    world = World(n_cards=1)
    before = kept(world, 0)
    world.look(broken(0, 31, 31))
    assert kept(world, 0) == before
    (record,) = told(world, "gpu_xid")
    assert (record.subject, record.details["xid"], record.task_id) == (uuid(0), 31, None)
    assert "page fault" in record.details["says"]


def test_a_storm_of_xids_is_told_once() -> None:
    world = World(n_cards=1)
    for _ in range(5):
        world.look(broken(0, 31))
    world.look(card(0))
    world.look(broken(0, 31))
    assert len(told(world, "gpu_xid")) == 2


# --- lost cards -------------------------------------------------------------------------------------------


def test_a_card_that_two_looks_miss_is_broken() -> None:
    world, task_id = busy()
    world.look(card(1), lost=(uuid(0),))
    assert (kept(world, 0).lost, kept(world, 0).fault, world.task(task_id).state) == (True, "", TaskState.RUNNING)
    world.look(card(1), lost=(uuid(0),))
    assert (kept(world, 0).fault, kept(world, 0).draining) == (SILENT, True)
    assert world.task(task_id).state is TaskState.STOPPING
    world.look(card(0), card(1))
    assert (kept(world, 0).lost, kept(world, 0).fault, kept(world, 0).draining) == (False, SILENT, True)
    assert [len(told(world, kind)) for kind in ("gpu_lost", "gpu_fault", "gpu_back")] == [1, 1, 1]


def test_a_card_that_vanishes_while_others_answer_is_broken() -> None:
    world = World(n_cards=2)
    world.look(card(1))
    world.look(card(1))
    assert (kept(world, 0).lost, kept(world, 0).fault) == (True, GONE)


def test_the_only_card_can_be_broken() -> None:
    world = World(n_cards=1)
    world.look(lost=(uuid(0),))
    world.look(lost=(uuid(0),))
    assert kept(world, 0).fault == SILENT


def test_a_card_that_was_lost_when_the_daemon_went_is_broken_at_the_first_look_of_the_next_one() -> None:
    world = World(n_cards=2)
    world.look(card(1))
    again = World(n_cards=0, state=world.state)
    again.look(card(1))
    assert kept(again, 0).fault == GONE


def test_a_card_that_does_not_answer_keeps_its_last_words() -> None:
    world = World(n_cards=2)
    total = card(0).memory_total
    silent = replace(broken(0, 79), memory_used=None, memory_total=MiB(0))
    world.look(silent, card(1), lost=(uuid(0),))
    assert (kept(world, 0).lost, kept(world, 0).fault, kept(world, 0).memory_total) == (True, BUS, total)
    world.look(card(1), lost=(uuid(0),))
    world.look(card(1), lost=(uuid(0),))
    assert kept(world, 0).fault == BUS
    assert len(told(world, "gpu_fault")) == len(told(world, "gpu_lost")) == 1


def test_a_driver_that_does_not_answer_as_a_whole_breaks_no_card() -> None:
    world, task_id = busy()
    for _ in range(3):
        world.look(problem="the driver stopped answering")
        world.look()  # and one that has come back without any card so far
    assert [kept(world, number).fault for number in (0, 1)] == ["", ""]
    assert world.task(task_id).state is TaskState.RUNNING


# --- MIG devices ------------------------------------------------------------------------------------------


def mig(position: int, *xids: int) -> CardSample:
    device = GpuUuid(f"MIG-{position}")
    return replace(card(0), uuid=device, index=f"0:{position}", parent=uuid(0), xids=xids)


def parent(*xids: int) -> CardSample:
    return replace(broken(0, *xids), is_mig_parent=True)


def test_a_fault_of_a_gpu_in_mig_mode_is_one_of_its_devices() -> None:
    world = World(n_cards=0)
    world.look(parent(79), mig(0), mig(1))
    assert {card.uuid: card.fault for card in world.state.cards.values()} == {
        uuid(0): "",
        "MIG-0": BUS,
        "MIG-1": BUS,
    }


def test_a_fault_of_one_device_leaves_the_others_alone() -> None:
    world = World(n_cards=0)
    world.look(parent(), mig(0, 94), mig(1))
    assert [world.state.cards[GpuUuid(f"MIG-{n}")].draining for n in (0, 1)] == [True, False]


def test_a_device_that_a_person_takes_away_is_no_fault() -> None:
    world = World(n_cards=0)
    world.look(parent(), mig(0), mig(1))
    task_id = world.submit(allowed=(GpuUuid("MIG-0"),))
    world.run_all()
    for _ in range(3):
        world.look(parent())
    assert GpuUuid("MIG-1") not in world.state.cards
    assert (world.state.cards[GpuUuid("MIG-0")].lost, world.state.cards[GpuUuid("MIG-0")].fault) == (True, "")
    assert world.task(task_id).state is TaskState.RUNNING


def test_a_device_that_goes_with_its_gpu_is_broken() -> None:
    world = World(n_cards=0)
    world.look(parent(), mig(0), card(1))
    task_id = world.submit(allowed=(GpuUuid("MIG-0"),))
    world.run_all()
    for _ in range(2):
        world.look(card(1))
    assert world.state.cards[GpuUuid("MIG-0")].fault == GONE
    assert world.task(task_id).state is TaskState.STOPPING


# --- tasks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exit_code", [0, 1])
def test_a_task_on_a_broken_card_is_stopped_and_ends_as_gpu_lost_whatever_it_says(exit_code: int) -> None:
    world, task_id = busy()
    bystander = world.submit(allowed=(uuid(1),))
    world.run_all()
    world.look(broken(0, 79), card(1))
    assert world.task(task_id).state is TaskState.STOPPING
    assert [effect.task_id for effect in world.effects if isinstance(effect, StopAttempt)] == [task_id]
    assert world.task(bystander).state is TaskState.RUNNING
    world.ended(task_id, exit_code=exit_code, cause="stopped")
    assert world.gone[task_id].state is TaskState.ABORTED
    assert ending(world, task_id).reason is EndReason.GPU_LOST
    assert f"GPU 0: {BUS}" in ending(world, task_id).detail


def test_errors_in_the_memory_stop_the_task_too() -> None:
    world, task_id = busy()
    world.look(ecc(0, 0), card(1))
    world.look(ecc(0, 2), card(1))
    assert world.task(task_id).state is TaskState.STOPPING


def test_a_task_on_two_broken_cards_is_stopped_once() -> None:
    world = World(n_cards=2)
    world.submit(count=2)
    world.run_all()
    world.look(broken(0, 79), broken(1, 79))
    assert len([effect for effect in world.effects if isinstance(effect, StopAttempt)]) == 1
    assert len(told(world, "stopping")) == 1


def test_a_task_that_has_not_begun_yet_is_stopped_too() -> None:
    world = World(n_cards=1)
    task_id = world.submit()
    world.cycle()
    world.look(broken(0, 79))
    assert world.task(task_id).state is TaskState.STOPPING


def test_whom_somebody_stops_already_goes_on_doing_so() -> None:
    world, task_id = busy()
    world.send(TaskKilled(by="me", task_id=task_id, signal=15, is_ending=True))
    world.look(broken(0, 79), card(1))
    world.ended(task_id, exit_code=None, signal=15, cause="stopped")
    assert ending(world, task_id).reason is EndReason.CANCELLED_BY_USER
    world, task_id = busy()
    world.send(GpuDrained(by="me", gpu=uuid(0), stop_now=True, requeue=True))
    world.look(broken(0, 79), card(1))
    world.ended(task_id, exit_code=None, signal=15, cause="stopped")
    assert world.task(task_id).state is TaskState.PENDING


def test_a_retry_after_gpu_lost_runs_on_another_card() -> None:
    world = World(n_cards=2)
    task_id = world.submit(retry=RetryRules(retries=1))
    world.run_all()
    assert world.gpus(task_id) == ["0"]
    world.look(broken(0, 79), card(1))
    world.ended(task_id, exit_code=None, signal=15, cause="stopped")
    world.now += 3600
    world.look(card(0), card(1))
    assert world.run_all() == [task_id]
    assert world.gpus(task_id) == ["1"]
    world.look(card(0), broken(1, 79))
    world.ended(task_id, exit_code=None, signal=15, cause="stopped")
    assert ending(world, task_id).reason is EndReason.GPU_LOST


def test_a_task_that_is_not_to_be_retried_after_gpu_lost_ends() -> None:
    world, task_id = busy(retry=RetryRules(retries=5, on=(EndReason.EXIT_NONZERO,)))
    world.look(broken(0, 79), card(1))
    world.ended(task_id, exit_code=1, cause="stopped")
    assert ending(world, task_id).reason is EndReason.GPU_LOST


def test_a_task_that_people_kill_is_not_retried() -> None:
    world, task_id = busy(retry=RetryRules(retries=5))
    world.send(TaskKilled(by="me", task_id=task_id, signal=15, is_ending=True))
    world.ended(task_id, exit_code=None, signal=15, cause="stopped")
    assert ending(world, task_id).reason is EndReason.CANCELLED_BY_USER


def test_an_error_stands_in_the_history_of_the_task_that_met_it_even_when_it_has_just_ended() -> None:
    world, task_id = busy()
    world.look(broken(0, 31), card(1))
    world.ended(task_id, exit_code=1)
    world.now += 1
    world.look(broken(0, 13), card(1))
    world.now += 3600
    world.look(broken(0, 43), card(1))
    assert [(r.task_id, r.details["xid"]) for r in told(world, "gpu_xid")] == [(task_id, 31), (task_id, 13), (None, 43)]
