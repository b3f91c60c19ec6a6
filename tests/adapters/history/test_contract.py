"""What every history promises: one suite for the real one and for the fake."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gavelq.adapters.history.sqlite_history import SqliteHistory
from gavelq.core.ids import TaskId
from gavelq.core.measures import MEASURES, Keeping, Kind, Look, Span, Stat, Subject
from gavelq.ports import History
from gavelq.testing.fake_history import FakeHistory

T = TypeVar("T")
NOW = 1_800_000_000
GPU = "GPU-a"


class Case:
    """A history that can be restarted, driven without an event loop of the test's own."""

    def __init__(self, reopen: Callable[[History | None, Keeping], History], keeping: Keeping | None = None) -> None:
        self._reopen = reopen
        self._loop = asyncio.new_event_loop()
        self.history = reopen(None, keeping or Keeping())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    def restart(self) -> None:
        keeping = self.history.keeping
        self.run(self.history.close())
        self.history = self._reopen(self.history, keeping)

    def close(self) -> None:
        self.run(self.history.close())
        self._loop.close()

    def read(
        self, start: int, end: int, *, step: int = 1, level: int = 1, about: Subject = GPU
    ) -> dict[str, list[Any]]:
        kind = Kind.GPU if isinstance(about, str) else Kind.TASK
        span = Span(start=start, step_s=step, n=(end - start) // step, width_s=level)
        found = self.run(self.history.read(kind, [about], span))
        return {name: list(points) for name, points in found.get(about, {}).items()}

    def means(self, name: str, start: int, end: int, **more: Any) -> list[float | None]:
        points = self.read(start, end, **more).get(name, [])
        return [None if point is None else point.mean for point in points]


def reopened(path: Path, keeping: Keeping, is_real: bool) -> Callable[[History | None, Keeping], History]:
    def reopen(old: History | None, keeping: Keeping) -> History:
        if is_real:
            return SqliteHistory(str(path / "history.db"), keeping)
        return FakeHistory(keeping, old.looks if isinstance(old, FakeHistory) else None)

    return reopen


@pytest.fixture(params=["sqlite", "fake"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    found = Case(reopened(tmp_path, Keeping(), request.param == "sqlite"))
    yield found
    found.close()


def look(at: float, about: Subject = GPU, **values: float | None) -> Look:
    return Look(kind=Kind.GPU if isinstance(about, str) else Kind.TASK, subject=about, at=at, values=values)


def test_what_was_added_is_read_at_once(case: Case) -> None:
    case.history.add([look(NOW, utilization_percent=40, power_w=123.4), look(NOW + 2, utilization_percent=60)])
    assert case.means("utilization_percent", NOW, NOW + 3) == [40, None, 60]
    assert case.means("power_w", NOW, NOW + 3) == [123.4, None, None]


def test_unknown_is_left_out_and_zero_is_not(case: Case) -> None:
    case.history.add([look(NOW, utilization_percent=None, memory_used_mib=0)])
    assert case.means("memory_used_mib", NOW, NOW + 1) == [0]
    assert "utilization_percent" not in case.read(NOW, NOW + 1)
    assert "power_w" not in case.read(NOW, NOW + 1)


def test_two_looks_in_one_second_both_count(case: Case) -> None:
    case.history.add([look(NOW + 0.1, utilization_percent=10), look(NOW + 0.9, utilization_percent=30)])
    case.history.add([look(NOW + 0.5, utilization_percent=50)])
    assert case.read(NOW, NOW + 1)["utilization_percent"] == [Stat(n=3, total=90, low=10, high=50)]


def test_gpus_and_tasks_are_told_apart(case: Case) -> None:
    case.history.add([look(NOW, "GPU-b", utilization_percent=1), look(NOW, 7, rss_mib=100), look(NOW, 8, rss_mib=200)])
    assert case.read(NOW, NOW + 1) == {}
    assert case.means("rss_mib", NOW, NOW + 1, about=8) == [200]
    assert case.means("utilization_percent", NOW, NOW + 1, about="GPU-b") == [1]


def test_a_restart_loses_nothing(case: Case) -> None:
    case.history.add([look(NOW + 1, utilization_percent=10), look(NOW, 7, cpu_percent=250)])
    case.restart()
    case.history.add([look(NOW + 2, utilization_percent=30), look(NOW + 2, 7, cpu_percent=50)])
    assert case.read(NOW, NOW + 60, step=60, level=60)["utilization_percent"] == [Stat(n=2, total=40, low=10, high=30)]
    assert case.run(case.history.total(TaskId(7)))["cpu_percent"] == Stat(n=2, total=300, low=50, high=250)


def test_each_level_forgets_at_its_own_time(case: Case) -> None:
    case.history.add([look(NOW, utilization_percent=10)])
    hour, day, month = NOW + 2 * 3600, NOW + 2 * 86400, NOW + 31 * 86400
    case.history.add([look(hour, utilization_percent=20)])
    case.restart()  # pruning happens now and then, and certainly at the first writing after a start
    case.history.add([look(hour, utilization_percent=20)])
    assert case.read(NOW, NOW + 60) == {}
    assert case.means("utilization_percent", NOW, NOW + 60, step=10, level=10)[0] == 10
    case.history.add([look(day, utilization_percent=20)])
    assert case.read(NOW, NOW + 60, step=10, level=10) == {}
    assert case.means("utilization_percent", NOW, NOW + 60, step=60, level=60) == [10]
    case.history.add([look(month, utilization_percent=20)])
    assert case.read(NOW, NOW + 60, step=60, level=60) == {}


def test_a_tasks_total_outlives_its_series(case: Case) -> None:
    case.history.add([look(NOW, 7, rss_mib=100, gpu_memory_mib=None), look(NOW + 1, 7, rss_mib=300)])
    case.history.add([look(NOW + 31 * 86400, 8, rss_mib=1)])
    assert case.read(NOW, NOW + 60, step=60, level=60, about=7) == {}
    assert case.run(case.history.total(TaskId(7))) == {"rss_mib": Stat(n=2, total=400, low=100, high=300)}
    assert case.run(case.history.total(TaskId(9))) == {}


def test_a_clock_that_was_set_back_adds_to_what_is_there(case: Case) -> None:
    case.history.add([look(NOW + 7200, utilization_percent=10)])
    case.history.add([look(NOW + 10, utilization_percent=30), look(NOW + 7200, utilization_percent=50)])
    case.history.add([look(NOW + 20, utilization_percent=70)])
    assert case.means("utilization_percent", NOW, NOW + 60, step=60, level=60) == [50]
    assert case.means("utilization_percent", NOW + 7200, NOW + 7260, step=60, level=60) == [30]


def test_a_closed_history_takes_and_tells_nothing(case: Case) -> None:
    case.history.add([look(NOW, utilization_percent=10)])
    case.run(case.history.close())
    case.history.add([look(NOW + 1, utilization_percent=10)])
    assert case.read(NOW, NOW + 2) == {}
    assert case.run(case.history.total(TaskId(1))) == {}


_values = st.dictionaries(
    st.sampled_from(MEASURES[Kind.GPU]), st.none() | st.integers(0, 819_200).map(lambda tenths: tenths / 10), max_size=3
)
_batches = st.lists(
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from(["GPU-a", "GPU-b"]), _values), max_size=6), max_size=5
)


@settings(max_examples=60, deadline=None)
@given(batches=_batches, restarts=st.sets(st.integers(0, 4)), step=st.sampled_from([60, 120, 180]))
def test_every_level_agrees_with_the_single_looks(
    batches: Sequence[Sequence[tuple[int, str, dict[str, float | None]]]], restarts: set[int], step: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    real = Case(reopened(tmp_path_factory.mktemp("h"), Keeping(), is_real=True))
    seen: dict[tuple[str, str, int], list[float]] = {}
    try:
        for number, batch in enumerate(batches):
            real.history.add([look(NOW + at, gpu, **values) for at, gpu, values in batch])
            for at, gpu, values in batch:
                for name, value in values.items():
                    if value is not None:
                        seen.setdefault((gpu, name, NOW + at), []).append(value)
            if number in restarts:
                real.restart()
        for level, width in ((1, 1), (10, 10), (60, 60), (1, step), (10, step), (60, step), (600, 600)):
            start = NOW // width * width
            for gpu in ("GPU-a", "GPU-b"):
                found = real.read(start, start + max(1, 480 // width) * width, step=width, level=level, about=gpu)
                for name in MEASURES[Kind.GPU]:
                    for place, point in enumerate(found.get(name, [None] * max(1, 480 // width))):
                        begin = start + place * width
                        here = [(at, vs) for (g, m, at), vs in seen.items() if (g, m) == (gpu, name)]
                        known = [v for at, vs in here if begin <= at < begin + width for v in vs]
                        if not known:
                            assert point is None
                            continue
                        assert (point.n, point.low, point.high) == (len(known), min(known), max(known))
                        assert point.mean == pytest.approx(sum(known) / len(known), abs=1e-6)
    finally:
        real.close()


def test_minutes_of_idle_and_of_foreign_cards_are_told(case: Case) -> None:
    minute = NOW // 60 * 60
    case.history.add(
        [
            *(look(minute + second, utilization_percent=4, n_tasks=1, foreign_memory_mib=0) for second in (0, 59)),
            look(minute + 60, utilization_percent=0, n_tasks=1),
            look(minute + 90, utilization_percent=10, n_tasks=1),  # a mean of 5
            look(minute + 120, utilization_percent=90, n_tasks=0, foreign_memory_mib=700),
            look(minute + 180, utilization_percent=0, n_tasks=0, foreign_memory_mib=0),
            look(minute + 240, utilization_percent=0, n_tasks=0, foreign_memory_mib=700),
            look(minute + 241, utilization_percent=90, n_tasks=1, foreign_memory_mib=700),
            look(minute + 300, "GPU-b", utilization_percent=None, n_tasks=1),
        ]
    )
    found = case.run(case.history.minutes(minute, minute + 400, 5))
    assert {uuid: list(minutes) for uuid, minutes in found.idle.items()} == {GPU: [minute]}
    assert {uuid: list(minutes) for uuid, minutes in found.foreign.items()} == {GPU: [minute + 120]}
    assert found.since == minute
    assert case.run(case.history.minutes(minute + 60, minute + 120, 5)).idle == {}
    assert case.run(case.history.minutes(minute + 59, minute + 120, 5)).idle != {}
