"""`GET /metrics`: the Prometheus text format, version 0.0.4, in base units (bytes, seconds, ratios).

Format: https://prometheus.io/docs/instrumenting/exposition_formats/. Written by hand: three kinds of lines need no
library, and the figures are read where they are instead of being kept twice.
"""

from collections.abc import Callable, Iterable, Mapping

from gavelq.core.gpu import GpuState, index_key
from gavelq.core.lifecycle import TaskState
from gavelq.daemon.counts import Counts, Histogram
from gavelq.daemon.service.desk import Desk
from gavelq.scheduling.gpu_view import GpuView
from gavelq.version import __version__

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_MIB = 1 << 20
Labels = Mapping[str, object]
Sample = tuple[str, Labels, float]
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


class Page:
    """Metric families, one after another."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, name: str, kind: str, help_text: str, samples: Iterable[Sample]) -> None:
        """One family; `samples` are (suffix of the name, labels, value)."""
        self._lines += [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}"]
        for suffix, labels, value in samples:
            shown = ",".join(f'{label}="{str(text).translate(_ESCAPES)}"' for label, text in labels.items())
            self._lines.append(f"{name}{suffix}{{{shown}}} {value:.15g}" if shown else f"{name}{suffix} {value:.15g}")

    def text(self) -> str:
        """All of it."""
        return "\n".join((*self._lines, ""))


class Exposition:
    """What Prometheus is told."""

    def __init__(self, desk: Desk, counts: Counts, *, started_at: float, n_listeners: Callable[[], int]) -> None:
        self._desk = desk
        self._counts = counts
        self._started_at = started_at
        self._n_listeners = n_listeners

    def text(self) -> str:
        """The page, as things are now."""
        page = Page()
        self._add_daemon(page)
        self._add_tasks(page)
        self._add_queues(page)
        self._add_gpus(page)
        return page.text()

    def _add_daemon(self, page: Page) -> None:
        desk, counts = self._desk, self._counts
        sample = desk.state.books.sample
        labels = {"version": __version__}
        page.add("gavelq_build_info", "gauge", "1, with the version that runs.", [("", labels, 1)])
        told = "When the daemon started, since the epoch."
        page.add("gavelq_start_time_seconds", "gauge", told, _one(self._started_at))
        page.add("gavelq_read_only", "gauge", "1 while the state cannot be written.", _one(desk.loop.is_read_only))
        page.add("gavelq_commits_total", "counter", "Transactions since the daemon started.", _one(counts.n_commits))
        page.add("gavelq_events_total", "counter", "Rows of the event history since then.", _one(counts.n_records))
        page.add("gavelq_event_streams", "gauge", "Clients that listen to events.", _one(self._n_listeners()))
        age = max(0.0, desk.clock.now() - sample.taken_at)
        page.add("gavelq_gpu_sample_age_seconds", "gauge", "Time since the GPUs were looked at.", _one(age))
        _add_histogram(page, "gavelq_cycle_duration_seconds", "How long scheduling cycles took.", [({}, counts.cycles)])

    def _add_tasks(self, page: Page) -> None:
        state, counts = self._desk.state, self._counts
        live = [one for one in TaskState if not one.is_ended]
        page.add(
            "gavelq_tasks", "gauge", "Tasks that have not ended.",
            [
                ("", {"state": one.value, "queue": queue}, state.n_by_queue.get((queue, one), 0))
                for queue in sorted(state.queues) for one in live
            ],
        )  # fmt: skip
        page.add(
            "gavelq_tasks_submitted_total", "counter", "Tasks accepted since the daemon started.",
            [("", {"queue": queue}, n) for queue, n in sorted(counts.submitted.items())],
        )  # fmt: skip
        page.add(
            "gavelq_tasks_ended_total", "counter", "Tasks that ended since the daemon started.",
            [
                ("", {"state": ended, "reason": reason, "queue": queue}, n)
                for (queue, ended, reason), n in sorted(counts.ended.items())
            ],
        )  # fmt: skip
        _add_histogram(
            page, "gavelq_task_wait_seconds", "From a task's submission to its first placement.",
            [({"queue": queue}, one) for queue, one in sorted(counts.waits.items())],
        )  # fmt: skip

    def _add_queues(self, page: Page) -> None:
        queues = sorted(self._desk.state.queues.values(), key=lambda queue: queue.name)
        paused = [("", {"queue": queue.name}, float(queue.paused)) for queue in queues]
        page.add("gavelq_queue_paused", "gauge", "1 where a queue starts nothing.", paused)

    def _add_gpus(self, page: Page) -> None:
        views, cards = self._desk.gpu_views(), self._desk.state.cards.values()
        shown = [card for card in sorted(cards, key=lambda card: index_key(card.index)) if card.uuid in views]

        def each(name: str, help_text: str, value: Callable[[GpuView], float | None]) -> None:
            found = ((card, value(views[card.uuid])) for card in shown)
            samples = [
                ("", {"gpu": card.index, "uuid": card.uuid, "name": card.name}, amount)
                for card, amount in found if amount is not None
            ]  # fmt: skip
            page.add(name, "gauge", help_text, samples)

        def seen(view: GpuView, name: str) -> float | None:
            return None if view.sample is None else getattr(view.sample, name)

        sizes = {card.uuid: float(card.memory_total * _MIB) for card in shown}
        page.add(
            "gavelq_gpu_memory_total_bytes", "gauge", "A GPU's memory.",
            [("", {"gpu": card.index, "uuid": card.uuid, "name": card.name}, sizes[card.uuid]) for card in shown],
        )  # fmt: skip
        each("gavelq_gpu_memory_used_bytes", "Memory in use, by whomever.", lambda view: _bytes(view.used))
        each("gavelq_gpu_utilization_ratio", "Utilisation, 0 to 1.", lambda view: _ratio(view.utilization))
        each("gavelq_gpu_temperature_celsius", "Temperature.", lambda view: seen(view, "temperature_c"))
        each("gavelq_gpu_power_watts", "Power drawn.", lambda view: seen(view, "power_w"))
        each("gavelq_gpu_power_limit_watts", "Power limit.", lambda view: seen(view, "power_limit_w"))
        each("gavelq_gpu_tasks", "Tasks of gavelq on it.", lambda view: float(len(view.holders)))
        each("gavelq_gpu_foreign", "1 where others use it.", lambda view: float(view.is_foreign))
        page.add(
            "gavelq_gpu_state", "gauge", "1 for the state that a GPU is in, 0 for the others.",
            [
                (
                    "", {"gpu": card.index, "uuid": card.uuid, "name": card.name, "state": one.value},
                    float(views[card.uuid].state(card, len(views[card.uuid].holders)) is one),
                )
                for card in shown for one in GpuState
            ],
        )  # fmt: skip


def _one(value: float) -> list[Sample]:
    return [("", {}, float(value))]


def _bytes(mib: int | None) -> float | None:
    return None if mib is None else float(mib * _MIB)


def _ratio(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


def _add_histogram(page: Page, name: str, help_text: str, of: Iterable[tuple[Labels, Histogram]]) -> None:
    samples: list[Sample] = []
    for labels, histogram in of:
        cumulative = histogram.cumulative()
        samples += [("_bucket", {**labels, "le": bound}, n) for bound, n in cumulative]
        samples += [("_sum", labels, histogram.total), ("_count", labels, cumulative[-1][1])]
    page.add(name, "histogram", help_text, samples)
