"""Measures over time: over fakes what is noted of a sample, and at a real daemon what is told and kept."""

import asyncio
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gavelq.client.sdk import Client
from gavelq.config import load
from gavelq.core.errors import TaskNotFound
from gavelq.core.measures import Kind, Look, TreeUse
from gavelq.core.step import Changes
from gavelq.core.task import Lease, ProcessIdentity
from gavelq.daemon.caller import Caller
from gavelq.daemon.history import Recorder
from gavelq.daemon.loop import Loop
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.gpus import GpuService
from gavelq.daemon.service.monitor import Asked, MonitorService
from gavelq.daemon.waiters import Waiters
from gavelq.testing.fake_clock import FakeClock
from gavelq.testing.fake_history import FakeHistory
from gavelq.testing.fake_store import FakeStore
from gavelq.testing.waiting import wait_until
from tests.support.builders import World, card, process, uuid
from tests.support.daemon import Box, Failure, box

SIMTASK = f"{sys.executable} -m gavelq.testing.simtask"


class FakeTrees:
    """Port ProcessTrees with canned answers, which tells when it was asked."""

    def __init__(self) -> None:
        self.uses: dict[int, TreeUse] = {}
        self.n_looks = 0

    def look(self, roots: Iterable[ProcessIdentity]) -> Mapping[ProcessIdentity, TreeUse]:
        self.n_looks += 1
        return {root: self.uses[root.pid] for root in roots if root.pid in self.uses}


class Scene:
    """A world without I/O, whose samples are recorded."""

    def __init__(self) -> None:
        self.world = World(n_cards=2)
        self.history, self.trees = FakeHistory(), FakeTrees()
        self.recorder = Recorder(
            state=self.world.state, history=self.history, trees=self.trees, clock=FakeClock(self.world.now),
            interval_s=lambda: 0.0,
        )  # fmt: skip

    def look(self, *cards: Any) -> list[Look]:
        before = len(self.history.looks)
        self.world.now += 1
        self.world.look(*cards)
        self.recorder.notice(Changes())
        return self.history.looks[before:]


def of(looks: Iterable[Look], kind: Kind) -> dict[Any, Mapping[str, float | None]]:
    return {look.subject: look.values for look in looks if look.kind is kind}


def test_a_sample_is_noted_once_whatever_is_committed_besides() -> None:
    scene = Scene()
    assert len(scene.look(card(0), card(1))) == 2
    scene.recorder.notice(Changes())
    assert len(scene.history.looks) == 2


def test_foreign_memory_is_that_of_others_and_of_nobody() -> None:
    scene = Scene()
    looks = of(scene.look(card(0, process(5, 700), used=700), card(1, used=5000)), Kind.GPU)
    assert looks[uuid(0)]["foreign_memory_mib"] == 700
    assert looks[uuid(1)]["foreign_memory_mib"] == 5000
    looks = of(scene.look(card(0, process(5, None), used=700), card(1)), Kind.GPU)
    assert looks[uuid(0)]["foreign_memory_mib"] is None
    assert looks[uuid(1)]["foreign_memory_mib"] == 0


def test_a_card_that_is_not_seen_is_not_noted_and_unknown_values_stay_unknown() -> None:
    scene = Scene()
    looks = of(scene.look(card(0, util=None)), Kind.GPU)
    assert list(looks) == [uuid(0)]
    assert looks[uuid(0)]["utilization_percent"] is None
    assert looks[uuid(0)]["power_w"] is None
    assert looks[uuid(0)]["n_tasks"] == 0


def test_a_task_has_the_memory_of_its_fullest_card_and_its_share_of_their_utilisation() -> None:
    scene = Scene()
    world = scene.world
    first = world.submit(count=2, memory=4096, share=True)
    second = world.submit(count=1, memory=4096, share=True, allowed=(uuid(1),))
    assert sorted(world.run_all()) == [first, second]
    looks = scene.look(
        card(0, process(5, 1000, task_id=first), util=30),
        card(1, process(6, 3000, task_id=first), process(7, 500, task_id=second), util=80),
    )
    tasks, gpus = of(looks, Kind.TASK), of(looks, Kind.GPU)
    assert tasks[first] == {"gpu_memory_mib": 3000, "gpu_utilization_percent": (30 + 80 / 2) / 2}
    assert tasks[second] == {"gpu_memory_mib": 500, "gpu_utilization_percent": 40}
    assert [gpus[uuid(number)]["n_tasks"] for number in (0, 1)] == [1, 2]
    assert gpus[uuid(1)]["foreign_memory_mib"] == 0


def test_a_task_that_has_ended_is_noted_no_more() -> None:
    scene = Scene()
    task = scene.world.submit()
    scene.world.run_all()
    assert list(of(scene.look(card(0, util=None), card(1)), Kind.TASK)) == [task]
    scene.world.ended(task)
    assert of(scene.look(card(0), card(1)), Kind.TASK) == {}


def look_at_trees(scene: Scene, task_id: int, **use: Any) -> dict[str, float | None]:
    scene.trees.uses[2000 + task_id] = TreeUse(**use)
    before = len(scene.history.looks)
    asyncio.run(scene.recorder.look())
    return dict(of(scene.history.looks[before:], Kind.TASK).get(task_id, {}))


def test_processor_time_counts_from_the_last_look_and_is_unknown_at_the_first_one() -> None:
    scene = Scene()
    task = scene.world.submit()
    scene.world.now -= 1000  # it has been running for long when it is first looked at
    scene.world.run_all()
    assert look_at_trees(scene, task, n_processes=3, rss_mib=100.0, cpu_s=500.0) == {
        "cpu_percent": None, "rss_mib": 100.0, "n_processes": 3,
    }  # fmt: skip
    again = look_at_trees(scene, task, n_processes=3, rss_mib=100.0, cpu_s=501.0)
    assert (again["cpu_percent"] or 0) > 0
    assert look_at_trees(scene, task, n_processes=3, rss_mib=100.0, cpu_s=400.0)["cpu_percent"] == 0


def test_nobody_looks_at_processes_while_no_task_runs_and_leases_are_left_out() -> None:
    scene = Scene()
    asyncio.run(scene.recorder.look())
    assert scene.trees.n_looks == 0
    task = scene.world.submit(command=Lease())
    scene.world.run_all()
    assert look_at_trees(scene, task, n_processes=1, rss_mib=1.0, cpu_s=1.0) == {}
    assert scene.trees.n_looks == 0


def test_a_tree_without_processes_says_nothing() -> None:
    scene = Scene()
    task = scene.world.submit()
    scene.world.run_all()
    assert look_at_trees(scene, task, n_processes=0, rss_mib=0.0, cpu_s=0.0) == {}


# --- a real daemon -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared() -> Iterator[Box]:
    with box(n_gpus=2, env={"GAVELQ_HISTORY_PROCESSES_S": "1"}) as found:
        yield found


def metrics(instance: Box, query: str = "") -> Any:
    return instance.get("/api/monitor/metrics" + query)


def known(points: Mapping[str, list[float | None]]) -> list[float]:
    return [value for value in points["mean"] if value is not None]


def used_by(instance: Box, task_id: int) -> Any:
    return instance.task(task_id)["measured"] or {}


def test_gpus_are_told_with_their_last_hour_by_minutes(shared: Box) -> None:
    wait_until(lambda: known(metrics(shared)["gpus"][0]["series"]["power_w"]), what="a sample is told")
    found = metrics(shared)
    assert (found["step_s"], found["note"], found["problem"], found["tasks"]) == (60, None, None, [])
    assert found["n_points"] in (60, 61)
    now = {gpu["uuid"]: gpu for gpu in shared.get("/api/gpus")}
    for gpu in found["gpus"]:
        assert set(gpu) == set(now[gpu["uuid"]]) | {"series"}
        assert all(len(points[kind]) == found["n_points"] for points in gpu["series"].values() for kind in points)
        assert known(gpu["series"]["temperature_c"])
    assert found["gpus"][0]["series"]["utilization_percent"]["mean"][0] is None  # before the daemon began


def test_a_task_is_told_from_its_start_to_its_end_with_peak_and_mean(shared: Box) -> None:
    task = shared.submit(f"{SIMTASK} --vram 3G --util 70 --hold 600", memory="4G", gpu_ids=["1"])
    wait_until(lambda: (used_by(shared, task).get("n_processes") or {}).get("peak"), what="its processes are seen")
    wait_until(lambda: used_by(shared, task)["gpu_memory_mib"], what="its memory is seen")
    found = metrics(shared, f"?task={task}")
    assert found["gpus"] == []
    (told,) = found["tasks"]
    assert (told["id"], told["state"]) == (task, "running")
    assert set(known(told["series"]["gpu_memory_mib"])) == {3072}
    assert max(filter(None, told["series"]["gpu_utilization_percent"]["max"])) == 70
    assert max(known(told["series"]["rss_mib"])) > 1
    shared.post(f"/api/tasks/{task}/kill")
    measured = shared.wait(task)["measured"]
    assert measured["gpu_memory_mib"] == {"peak": 3072, "mean": 3072}
    assert measured["n_processes"]["peak"] >= 1
    after = metrics(shared, f"?task={task}")
    assert after["to"] < after["at"] or after["n_points"] < 60
    assert known(after["tasks"][0]["series"]["gpu_memory_mib"])


def test_a_task_that_burns_processor_time_shows_it(shared: Box) -> None:
    task = shared.submit("while :; do :; done", gpu_count=0)
    wait_until(lambda: (used_by(shared, task).get("cpu_percent") or {}).get("peak", 0) > 5, 60, "it is seen at work")
    shared.post(f"/api/tasks/{task}/kill")
    assert shared.wait(task)["measured"]["gpu_memory_mib"] is None


def test_a_task_that_never_began_has_no_measures(shared: Box) -> None:
    task = shared.submit("true", hold=True)
    assert shared.task(task)["measured"] is None
    assert metrics(shared, f"?task={task}")["tasks"][0]["measured"] is None


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("from=yesterday", 400, "from"),
        ("to=-", 400, "to"),
        ("from=-1h&to=-2h", 400, "from"),
        ("from=2100-01-01", 400, "from"),
        ("from=1999-01-01", 400, "from"),
        ("from=nan", 400, "from"),
        ("from=1e400", 400, "from"),
        ("step=0", 400, "step"),
        ("step=1.5", 400, "step"),
        ("step=99999999999", 400, "step"),
        ("gpu=" + "&gpu=".join("0" * 65), 400, "gpu"),
        ("task=" + "&task=".join("1" * 65), 400, "task"),
        ("gpu=17", 404, None),
        ("task=99999", 404, None),
        ("task=-1", 404, None),
    ],
)
def test_bad_questions_are_refused_by_field(shared: Box, query: str, status: int, field: str | None) -> None:
    with pytest.raises(Failure) as refused:
        metrics(shared, "?" + query)
    assert refused.value.status == status
    if field is not None:
        assert refused.value.body["details"]["field"] == field
        assert refused.value.body["hint"]


@pytest.mark.parametrize("start", ["-1h", "-90m", "2026-11-01", "2026-11-01T00:00:00%2B02:00", "1795000000"])
def test_times_are_read_in_every_form(shared: Box, start: str) -> None:
    found = metrics(shared, f"?gpu=0&from={start}")
    assert found["n_points"] <= 2000
    assert len(found["gpus"]) == 1


def test_a_step_that_is_too_fine_is_raised_and_the_answer_says_so(shared: Box) -> None:
    found = metrics(shared, "?gpu=0&from=-20d&to=-19d&step=1")
    assert found["step_s"] == 60
    assert "instead of 1 s" in found["note"]


def test_the_sdk_asks_for_the_same(shared: Box) -> None:
    client = Client(socket=shared.socket)
    found = client.metrics(gpus=[0], since="-10m", step_s=60)
    assert (found["step_s"], [gpu["index"] for gpu in found["gpus"]]) == (60, [0])
    assert any(found["gpus"][0]["series"]["power_w"]["mean"])


def desk_of(scene: Scene) -> Desk:
    world, clock, store = scene.world, FakeClock(scene.world.now), FakeStore()
    loop = Loop(
        state=world.state, store=store, clock=clock, rules=world.rules, policy=world.policy, carry_out=lambda _: None
    )
    return Desk(
        history=scene.history, loop=loop, store=store, clock=clock, waiters=Waiters(), identify=lambda _: None,
        config=lambda: load("/nowhere", {}),
    )  # fmt: skip


def test_a_task_looks_at_its_own_tenant_only() -> None:
    """Over the service itself: the daemon's callers of other tenants come with tokens."""
    stranger = Caller(name="task 7", tenant="somebody-else")
    scene = Scene()
    task = scene.world.submit()
    desk = desk_of(scene)
    service = MonitorService(desk, GpuService(desk))
    with pytest.raises(TaskNotFound):
        asyncio.run(service.metrics(stranger, Asked(tasks=(task,))))
    owner = Caller(name="task 8", tenant="me")
    assert asyncio.run(service.metrics(owner, Asked(tasks=(task,))))["tasks"][0]["id"] == task


def test_a_kill_loses_seconds_and_a_damaged_file_nothing_else(tmp_path: Path) -> None:
    with box(n_gpus=1) as instance:
        path = instance.home / "state" / "history.db"
        task = instance.submit(f"{SIMTASK} --vram 2G --hold 600", memory="4G")
        wait_until(lambda: used_by(instance, task).get("gpu_memory_mib"), what="it is seen")
        instance.kill()  # what was told is written
        instance.start()
        assert used_by(instance, task)["gpu_memory_mib"]["peak"] == 2048
        instance.kill()
        path.write_bytes(os.urandom(8192))
        for companion in ("-wal", "-shm"):
            path.with_name(path.name + companion).unlink(missing_ok=True)
        instance.start()
        wait_until(lambda: known(metrics(instance, "?from=-1m")["gpus"][0]["series"]["power_w"]), what="it goes on")
        assert instance.state(task) == "running"
        assert path.with_name("history.db.damaged").exists()
        assert "moved to" in (instance.home / "state" / "daemon.log").read_text()


def test_it_can_be_switched_off() -> None:
    with box(n_gpus=1, env={"GAVELQ_HISTORY_ENABLED": "false"}) as instance:
        found = metrics(instance)
        assert "history.enabled" in found["problem"]
        assert known(found["gpus"][0]["series"]["power_w"]) == []
        assert not (instance.home / "state" / "history.db").exists()
        task = instance.submit("true", gpu_count=0)
        assert instance.wait(task)["measured"] is None
