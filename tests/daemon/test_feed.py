"""Streams of events over a fake store: no gap, no repetition, committed rows only."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from gavelq.core.ids import TaskId
from gavelq.core.step import Changes, Record
from gavelq.core.tenants import Role
from gavelq.daemon import feed as feeds
from gavelq.daemon.caller import Caller
from gavelq.daemon.feed import Feed, Gap, News, Tick
from gavelq.daemon.told import Wanted, kind_of, tell
from gavelq.ports import Numbered
from gavelq.testing.fake_store import FakeStore

T = TypeVar("T")
ADMIN = Caller(name="root", tenant="root", role=Role.ADMIN)
ADA = Caller(name="ada", tenant="ada")


class Scene:
    """A feed whose pump runs, a store that commits through it, and listeners that collect ids."""

    def __init__(self) -> None:
        self.store = FakeStore()
        self.feed = Feed(self.store)

    async def commit(self, *kinds: str) -> None:
        """One commit with these records."""
        changes = Changes(records=[Record(at=1.0, kind=kind) for kind in kinds])
        await self.store.commit(changes)
        self.feed.notice(changes)

    async def collect(self, n: int, after: int | None = None) -> list[int | Gap]:
        """The ids of the next `n` events or gaps."""
        found: list[int | Gap] = []
        async for one in self.feed.listen(after):
            assert not isinstance(one, Tick), "nobody asked for the time"
            found += [one] if isinstance(one, Gap) else [told.id for told in one.events]
            if len(found) >= n:
                break
        return found


def play(scene: Callable[[Scene], Awaitable[T]]) -> T:
    async def run() -> T:
        stage = Scene()
        pump = asyncio.create_task(stage.feed.run())
        try:
            return await asyncio.wait_for(scene(stage), 20)
        finally:
            pump.cancel()

    return asyncio.run(run())


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110  # what is waited for is a count, which rings no bell
        await asyncio.sleep(0.001)


def test_a_listener_hears_what_is_committed_after_it_came() -> None:
    async def scene(stage: Scene) -> list[int | Gap]:
        await stage.commit("a", "b")
        heard = asyncio.create_task(stage.collect(3))
        await until(lambda: stage.feed.n_listeners == 1)
        await asyncio.sleep(0)
        await stage.commit("c")
        await stage.commit("d", "e")
        return await heard

    assert play(scene) == [3, 4, 5]


def test_a_listener_that_comes_back_reads_on_without_a_gap_or_a_repetition() -> None:
    async def scene(stage: Scene) -> list[int | Gap]:
        for _ in range(3):
            await stage.commit("a", "b")
        first = await stage.collect(2, after=0)
        await stage.commit("c")
        place = first[-1]
        assert isinstance(place, int)
        rest = asyncio.create_task(stage.collect(8 - len(first), after=place))
        await until(lambda: stage.feed.n_listeners == 1)
        await stage.commit("d")
        return first + await rest

    assert play(scene) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_listeners_at_many_places_hear_all_in_order_while_commits_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    # Small pages and a small ring, so that listeners change between the ring and the store all the time.
    monkeypatch.setattr(feeds, "PAGE", 3)
    monkeypatch.setattr(feeds, "RING", 5)
    monkeypatch.setattr(feeds, "PAUSE_S", 0.001)

    async def scene(stage: Scene) -> list[list[int | Gap]]:
        await stage.commit(*"abcdefghij")
        heard = [asyncio.create_task(stage.collect(100 - place, after=place)) for place in range(0, 10, 3)]
        for n in range(45):
            await stage.commit("x", "y")
            if n % 7 == 0:
                await asyncio.sleep(0.002)
        return [await one for one in heard]

    for place, ids in zip(range(0, 10, 3), play(scene), strict=True):
        assert ids == list(range(place + 1, 101))


def test_a_place_whose_events_are_pruned_or_never_were_is_told_as_a_gap() -> None:
    async def scene(stage: Scene) -> tuple[list[int | Gap], list[int | Gap]]:
        await stage.commit(*"abcde")
        await stage.store.prune(ended_before=0, records_before=9.0, keys_before=0)
        await stage.commit("f")
        return await stage.collect(3, after=2), await stage.collect(1, after=50)

    old, unknown = play(scene)
    assert old == [Gap(after=2, position=4), 5, 6]
    assert unknown == [Gap(after=50, position=6)]


def test_nothing_is_read_while_nobody_listens() -> None:
    async def scene(stage: Scene) -> None:
        await stage.collect(0)
        stage.store.reads_fail = RuntimeError("read")  # type: ignore[assignment]  # any error shows a read
        for _ in range(20):
            await stage.commit("a")
            await asyncio.sleep(0.001)

    play(scene)


def test_streams_end_when_the_daemon_does() -> None:
    async def scene(stage: Scene) -> int:
        async def count() -> int:
            return len([one async for one in stage.feed.listen()])

        heard = asyncio.create_task(count())
        await until(lambda: stage.feed.n_listeners == 1)
        stage.feed.let_go()
        return await heard

    assert play(scene) >= 0


def test_a_tenant_hears_of_its_own_tasks_and_files_and_of_gpus_and_queues_alone() -> None:
    def heard(record: Record, tenant: str | None = None, by: Caller = ADA) -> str | None:
        return tell(Numbered(id=1, record=record, tenant=tenant)).text_for(by)

    ended = Record(at=1.0, kind="ended", by="ada", task_id=TaskId(7))
    assert heard(ended, "ada") is not None
    assert heard(ended, "bob") is None
    assert heard(ended, None) is None  # of a task that was removed nobody knows whose it was
    assert heard(ended, "bob", ADMIN) is not None
    assert heard(replace(ended, kind="removed", details={"tenant": "ada"})) is not None
    assert heard(Record(at=1.0, kind="file_edited", subject="single:3", details={"tenant": "ada"})) is not None
    assert heard(Record(at=1.0, kind="file_edited", subject="single:3", details={"tenant": "bob"})) is None
    assert heard(Record(at=1.0, kind="tenant_changed", subject="tenant:ada")) is not None
    assert heard(Record(at=1.0, kind="token_created", subject="tenant:bob")) is None
    assert heard(Record(at=1.0, kind="config_changed", by="root")) is None
    of_gpu = heard(Record(at=1.0, kind="gpu_fault", by="carol", task_id=TaskId(9), subject="GPU-1"), "bob")
    assert of_gpu is not None
    assert '"task_id":null' in of_gpu
    assert "bob" not in of_gpu
    assert "carol" not in of_gpu


def test_every_record_has_its_noun_and_one_that_nobody_knows_is_not_told_to_everybody() -> None:
    kinds = {
        "submitted": "task", "dependency_met": "task", "lane_advanced": "task", "gpu_seen": "gpu", "log_bound": "file",
        "queue_merged": "queue", "run_edited": "run", "run_started": "run", "tenant_created": "tenant",
        "token_revoked": "token", "config_changed": "config", "login_refused": "daemon", "gpu_painted": "task",
    }  # fmt: skip
    assert {kind: kind_of(Record(at=0.0, kind=kind)) for kind in kinds} == kinds


def test_a_listener_may_ask_for_kinds_events_and_tasks() -> None:
    ended = tell(Numbered(id=1, record=Record(at=1.0, kind="ended", task_id=TaskId(7)), tenant="ada"))
    assert Wanted().covers(ended)
    assert Wanted(names={"task"}).covers(ended)
    assert Wanted(names={"ended", "gpu"}).covers(ended)
    assert not Wanted(names={"gpu"}).covers(ended)
    assert Wanted(tasks={7}).covers(ended)
    assert not Wanted(tasks={8}).covers(ended)
    assert isinstance(News(events=(ended,), position=1), News)
