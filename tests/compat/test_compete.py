"""What people of the compete design could do, by command lines and settings; their files and console come later."""

import os
from collections.abc import Iterator

import pytest

from gavelq.testing.waiting import wait_until
from tests.compat.conftest import Person


@pytest.fixture
def rules(someone: Person) -> Iterator[Person]:
    """Somebody who changes settings; afterwards they are as before."""
    yield someone
    for name in ("rules.gpu_left", "rules.min_gpu", "rules.max_gpu", "scheduling.policy", "selection"):
        someone.does("config", "unset", name)
    someone.pretends()


@pytest.mark.parametrize(
    ("left", "least", "most", "used"),
    [("1", "3", "3", 3), ("2", "3", "3", 3), ("1", "2", "2", 2), ("3", "0", "none", 1)],
)
def test_some_cards_are_left_to_others(rules: Person, left: str, least: str, most: str, used: int) -> None:
    for name, value in (("gpu_left", left), ("min_gpu", least), ("max_gpu", most)):
        rules.does("config", "set", f"rules.{name}", value)
    tasks = [rules.submits("sleep 60") for _ in range(4)]
    for task_id in tasks[:used]:
        rules.waits_for(task_id, "running")
    for task_id in tasks[used:]:
        assert rules.asks("task", "info", str(task_id))["pending_reason"] == "gpu_budget"
    rules.ends(*reversed(tasks))


def test_the_budget_follows_its_rules_while_tasks_run(rules: Person) -> None:
    tasks = [rules.submits("sleep 60") for _ in range(3)]
    for task_id in tasks:
        rules.waits_for(task_id, "running")
    rules.does("config", "set", "rules.gpu_left", "2")
    late = rules.submits("sleep 60")
    rules.sees("it waits", "task", "info", str(late), key="pending_reason", value="gpu_budget")
    assert [rules.asks("task", "info", str(task_id))["state"] for task_id in tasks] == ["running"] * 3
    rules.does("config", "set", "rules.gpu_left", "0")
    rules.waits_for(late, "running")
    rules.ends(*tasks, late)


@pytest.mark.parametrize(("policy", "order"), [("largest_first", [4, 3, 2]), ("smallest_first", [2, 3, 4])])
def test_more_gpus_go_first_or_fewer(rules: Person, policy: str, order: list[int]) -> None:
    rules.does("config", "set", "scheduling.policy", policy)
    rules.does("queue", "pause", "running")
    # Any two of them want more cards than there are, so that they run one after another.
    tasks = {n: rules.submits("-c", str(n), "sleep 0.1") for n in (3, 2, 4)}
    rules.does("queue", "resume", "running")
    ended = {n: rules.waits_for(task_id) for n, task_id in tasks.items()}
    assert sorted(ended, key=lambda n: ended[n]["started_at"]) == order


def test_after_so_many_failures_comes_a_pause_again_and_again(rules: Person) -> None:
    task_id = rules.submits("--retries", "unlimited", "--retry-burst", "3", "--backoff", "600", "exit 1")
    rules.sees("the pause", "task", "info", str(task_id), key="pending_reason", value="backoff")
    found = rules.asks("task", "info", str(task_id))
    assert (found["attempt"], found["n_failures"], [one["exit_code"] for one in found["attempts"]]) == (3, 3, [1, 1, 1])
    assert found["retry_at"] is not None
    rules.ends(task_id)


def test_a_burst_of_looks_chooses_the_calmest_card(rules: Person) -> None:
    rules.does("config", "set", "selection", "sampled")
    rules.pretends(foreign={"0": {"mib": 10240, "pid": os.getpid()}}, utilization={"0": 60})
    wait_until(lambda: rules.asks("gpu", "info", "0")["utilization_percent"] == 60, 60, "it is busy")
    task_id = rules.submits("-m", "4", "-g", "0,1", "-c", "1", "sleep 0.1")
    waiting = rules.asks("task", "info", str(task_id))
    assert waiting["pending_reason"] in ("gpu_sampling", None)
    assert rules.waits_for(task_id)["gpus"] == [1], "best_fit would take the one with less room"
