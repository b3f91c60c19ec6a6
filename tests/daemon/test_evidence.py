"""What is found out about an end before it is handed in: order, hanging logs, and the kernel's word."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gavelq.core.events import AttemptEnded, AttemptStarted, AttemptUnknown, Event
from gavelq.core.ids import TaskId
from gavelq.core.task import AttemptResult, ProcessIdentity
from gavelq.daemon.evidence import Evidence
from gavelq.daemon.oom_kills import FRESH_S, OomKills
from tests.support.builders import World


class Stage:
    """Evidence over a world whose tasks run and log into a directory; what was handed in, in order."""

    def __init__(
        self, where: Path, n_tasks: int = 1, *, own: str | None = None, look_s: float = 20, n_looks: int = 9
    ) -> None:
        self.posted: list[Event] = []
        self._bell = asyncio.Event()
        self.world = World(n_cards=n_tasks)
        self.ids = [self.world.submit(log_path=own) for _ in range(n_tasks)]
        self.world.run_all()
        self.logs = {task_id: Path(own) if own else where / f"{task_id}.log" for task_id in self.ids}
        for task_id, path in self.logs.items():
            task = self.world.task(task_id)
            assert task.attempt is not None
            self.world.state.tasks[task_id] = replace(task, attempt=replace(task.attempt, log_path=str(path)))
        kernel = OomKills(lambda: (), proc=str(where), cgroups=str(where), log=str(where / "none"))
        self.evidence = Evidence(state=self.world.state, post=self._post, kernel=kernel, look_s=look_s, n_looks=n_looks)

    def _post(self, event: Event) -> None:
        self.posted.append(event)
        self._bell.set()

    async def all_posted(self, n: int) -> None:
        """Until n events were handed in."""
        async with asyncio.timeout(20):
            while len(self.posted) < n:
                self._bell.clear()
                await self._bell.wait()


def ended(task_id: TaskId, exit_code: int | None = 1, *, cause: str = "exited", attempt: int = 1) -> AttemptEnded:
    """The runner's report of an end."""
    result = AttemptResult(exit_code=exit_code, signal=None, started_at=1.0, ended_at=2.0, cause=cause)
    return AttemptEnded(task_id=task_id, attempt=attempt, result=result)


def started(task_id: TaskId) -> AttemptStarted:
    """The runner's report of a start."""
    who = ProcessIdentity(pid=2, start_ticks=1, boot_id="b")
    return AttemptStarted(task_id=task_id, attempt=1, pid=3, supervisor=who, at=1.0)


def tail_of(event: Event) -> str:
    """The evidence of an end."""
    assert isinstance(event, AttemptEnded)
    return event.log_tail


def test_a_failed_attempt_comes_with_the_end_of_its_log(tmp_path: Path) -> None:
    async def play() -> None:
        stage = Stage(tmp_path)
        log = stage.logs[stage.ids[0]]
        log.write_bytes(b"x" * 200_000 + b"\nlast \xff words\n")
        stage.evidence.take(ended(stage.ids[0]))
        await stage.all_posted(1)
        tail = tail_of(stage.posted[0])
        assert tail.endswith("\nlast \ufffd words\n")
        assert len(tail) == 64 << 10

    asyncio.run(play())


def test_a_log_that_was_cut_a_moment_ago_is_read_across_its_parts(tmp_path: Path) -> None:
    (tmp_path / "1.log").write_text("of it\n")
    (tmp_path / "1.log.1").write_text("the end ")
    (tmp_path / "1.log.base").write_text("8")

    async def play() -> None:
        stage = Stage(tmp_path)
        stage.evidence.take(ended(stage.ids[0]))
        await stage.all_posted(1)
        assert tail_of(stage.posted[0]) == "the end of it\n"

    asyncio.run(play())


NEEDLESS: list[Callable[[TaskId], Event]] = [
    lambda task_id: ended(task_id, 0),
    lambda task_id: ended(task_id, None, cause="stopped"),
    lambda task_id: ended(task_id, None, cause="time_limit"),
    lambda task_id: ended(task_id, attempt=7),
    lambda _: ended(TaskId(99)),
    started,
    lambda task_id: AttemptUnknown(task_id=task_id, attempt=1),
]


@pytest.mark.parametrize("event", NEEDLESS)
def test_what_needs_no_explanation_passes_at_once(tmp_path: Path, event: Callable[[TaskId], Event]) -> None:
    async def play() -> None:
        stage = Stage(tmp_path)
        given = event(stage.ids[0])
        stage.evidence.take(given)
        assert stage.posted == [given]

    asyncio.run(play())


def test_reports_about_one_task_keep_their_order_and_others_pass(tmp_path: Path) -> None:
    async def play() -> None:
        stage = Stage(tmp_path, 2)
        slow, other = stage.ids
        stage.logs[slow].write_text("slow\n")
        reports: list[Event] = [ended(slow), started(slow), ended(slow), AttemptUnknown(task_id=slow, attempt=1)]
        for report in reports:
            stage.evidence.take(report)
        stage.evidence.take(started(other))
        assert stage.posted == [started(other)]
        await stage.all_posted(5)
        assert [type(event) for event in stage.posted[1:]] == [type(report) for report in reports]
        assert [tail_of(stage.posted[1]), tail_of(stage.posted[3])] == ["slow\n", "slow\n"]
        stage.evidence.take(started(slow))
        assert len(stage.posted) == 6

    asyncio.run(play())


def test_a_log_that_hangs_delays_its_own_end_alone(tmp_path: Path) -> None:
    async def play() -> None:
        stage = Stage(tmp_path, 2, look_s=0.5)
        hanging, other = stage.ids
        # A part of a log that is a pipe without a writer: opening it never returns, as on a server that is away.
        stage.logs[hanging].write_text("behind\n")
        os.mkfifo(f"{stage.logs[hanging]}.base")
        stage.logs[other].write_text("fine\n")
        stage.evidence.take(ended(hanging))
        stage.evidence.take(ended(other))
        await stage.all_posted(1)
        assert tail_of(stage.posted[0]) == "fine\n"
        await stage.all_posted(2)
        assert stage.posted[1] == ended(hanging)

    asyncio.run(play())


def test_no_number_of_hanging_logs_keeps_tasks_from_ending(tmp_path: Path) -> None:
    async def play() -> None:
        stage = Stage(tmp_path, 5, look_s=0.1, n_looks=2)
        for task_id in stage.ids:
            stage.logs[task_id].write_text("behind\n")
            os.mkfifo(f"{stage.logs[task_id]}.base")
            stage.evidence.take(ended(task_id))
        await stage.all_posted(5)
        assert {event.task_id for event in stage.posted if isinstance(event, AttemptEnded)} == set(stage.ids)
        assert {tail_of(event) for event in stage.posted} == {""}

    asyncio.run(play())


def test_in_a_log_of_the_user_s_own_only_what_is_new_counts(tmp_path: Path) -> None:
    async def play() -> None:
        own = tmp_path / "own.log"
        stage = Stage(tmp_path, 2, own=str(own))
        own.write_text("first\n")
        stage.evidence.take(ended(stage.ids[0]))
        await stage.all_posted(1)
        with own.open("a") as file:
            file.write("second\n")
        stage.evidence.take(ended(stage.ids[1]))
        await stage.all_posted(2)
        own.write_text("anew\n")
        stage.evidence.take(ended(stage.ids[0]))
        await stage.all_posted(3)
        assert [tail_of(event) for event in stage.posted] == ["first\n", "second\n", "anew\n"]

    asyncio.run(play())


# --- the kernel's word -----------------------------------------------------------------------------------


class Kernel:
    """Files as the kernel shows them, and a clock."""

    def __init__(self, where: Path, *, has_log: bool = False) -> None:
        self.now = 100.0
        self.log = where / "kmsg"
        self.events = where / "cgroup" / "a" / "memory.events"
        self.vmstat = where / "vmstat"
        self.events.parent.mkdir(parents=True)
        (where / "5").mkdir()
        (where / "5" / "cgroup").write_text("4:memory:/b\n0::/a\n")
        self.count(0, 7)
        if has_log:
            self.log.write_text("6,1,1,-;Out of memory: Killed process 1 (before) total-vm:1kB\n")
        self.kills = OomKills(
            lambda: (5, 6), proc=str(where), cgroups=str(where / "cgroup"), log=str(self.log),
            monotonic=lambda: self.now,
        )  # fmt: skip

    def count(self, in_cgroup: int, on_machine: int) -> None:
        """What the counters show."""
        self.events.write_text(f"low 0\nhigh 0\nmax 3\noom 3\noom_kill {in_cgroup}\noom_group_kill 0\n")
        self.vmstat.write_text(f"pgfault 12\noom_kill {on_machine}\n")

    def say(self, *records: str) -> None:
        """What the kernel logs."""
        with self.log.open("a") as file:
            file.write("".join(record + "\n" for record in records))


def test_a_kill_in_our_control_group_is_told_for_a_moment(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path)
    assert kernel.kills.told() == ""
    kernel.count(2, 7)
    assert kernel.kills.told() == "the kernel killed 2 process(es) of our control group for want of memory"
    kernel.now += FRESH_S
    assert kernel.kills.told() != ""
    kernel.now += 0.1
    assert kernel.kills.told() == ""


def test_the_machine_s_counter_counts_where_the_kernel_s_log_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "y").mkdir()
    blind, seeing = Kernel(tmp_path / "x"), Kernel(tmp_path / "y", has_log=True)
    for kernel in (blind, seeing):
        kernel.count(0, 8)
    assert "1 process(es) of this machine" in blind.kills.told()
    assert seeing.kills.told() == ""


def test_the_kernel_s_log_names_the_process(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path, has_log=True)
    assert kernel.kills.told() == "", "what was there before is old"
    kernel.say(
        "4,2,99,-;oom-kill:constraint=CONSTRAINT_MEMCG,task=python",
        " SUBSYSTEM=x",
        "3,3,99,-;Memory cgroup out of memory: Killed process 4711 (python) total-vm:9kB, anon-rss:8kB",
        "3,4,99,-;Out of memory: Killed process 4712 (train (1)) total-vm:9kB",
        "12,5,99,-;Killed process 4713 (forged by a program)",
    )
    kernel.count(1, 9)
    assert kernel.kills.told(4711) == "kernel: Killed process 4711 (python)"
    assert kernel.kills.told(1) == "kernel: Killed process 4712 (train (1))"
    kernel.kills.close()
    kernel.kills.close()


def test_an_old_kill_that_was_noticed_in_passing_explains_nothing_later(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path)
    kernel.count(1, 8)
    kernel.kills.notice()
    kernel.now += FRESH_S + 1
    assert kernel.kills.told() == ""


def test_a_kernel_that_tells_nothing_is_no_evidence(tmp_path: Path) -> None:
    kills = OomKills(lambda: (1,), proc=str(tmp_path), cgroups=str(tmp_path), log=str(tmp_path / "none"))
    assert kills.told(3) == ""


def test_the_real_kernel_can_be_asked() -> None:
    kills = OomKills()
    assert isinstance(kills.told(os.getpid()), str)
    kills.close()
