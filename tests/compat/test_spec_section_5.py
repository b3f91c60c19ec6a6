"""Sentences about foreign use of GPUs, at a real daemon."""

import os

from gavelq.testing.waiting import wait_until
from tests.compat.conftest import Person


def is_gpu(someone: Person, state: str, **fields: object) -> bool:
    """Whether GPU 0 looks like this."""
    seen = someone.asks("gpu", "info", "0")
    return bool(seen["state"] == state and all(seen[name] == value for name, value in fields.items()))


def test_invisible_foreign_memory_stays_foreign_when_a_task_beside_it_ends(someone: Person) -> None:
    someone.pretends(foreign={"0": {"mib": 4096}})
    wait_until(lambda: is_gpu(someone, "foreign"), 60, "the memory is seen")
    beside = someone.submits("-g", "0", "-m", "8", "sleep 60")
    assert is_gpu(someone, "foreign")
    someone.ends(beside)
    whole = someone.submits("-g", "0", "true")
    try:
        assert is_gpu(someone, "foreign", unattributed_mib=4096)
        assert someone.asks("task", "info", str(whole))["pending_reason"] == "gpu_unavailable"
        someone.pretends()
        assert someone.waits_for(whole)["state"] == "completed"
    finally:
        someone.pretends()
        someone.ends(whole)


def test_a_card_that_others_keep_busy_is_busy_also_when_a_task_just_ended_on_it(someone: Person) -> None:
    someone.pretends(foreign={"0": {"mib": 512, "pid": os.getpid()}}, utilization={"0": 60})
    wait_until(lambda: is_gpu(someone, "foreign", utilization_percent=60), 60, "the process is seen")
    assert someone.waits_for(someone.submits("-g", "0", "-m", "1", "true"))["state"] == "completed"
    picky = someone.submits("-g", "0", "-m", "1", "-u", "50", "true")
    try:
        assert someone.asks("task", "info", str(picky))["pending_reason"] == "gpu_busy"
    finally:
        someone.pretends()
        someone.ends(picky)
