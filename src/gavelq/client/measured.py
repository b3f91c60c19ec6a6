"""The shapes of measures over time, as types. None means unknown; units are in the names."""

from typing import TypedDict


class Use(TypedDict):
    """The most, and the mean, of one measure."""

    peak: float
    mean: float


class Measured(TypedDict):
    """What a task used over its whole life, as it was sampled; `cpu_percent` is of one core."""

    gpu_memory_mib: Use | None
    gpu_utilization_percent: Use | None
    cpu_percent: Use | None
    rss_mib: Use | None
    n_processes: Use | None


class Points(TypedDict):
    """One measure over time, step by step. `count`: so many looks stand behind a point."""

    mean: list[float | None]
    min: list[float | None]
    max: list[float | None]
    count: list[int]


class GpuSeries(TypedDict):
    """What is measured of a GPU."""

    utilization_percent: Points
    memory_utilization_percent: Points
    memory_used_mib: Points
    foreign_memory_mib: Points
    power_w: Points
    temperature_c: Points
    n_tasks: Points


class TaskSeries(TypedDict):
    """What is measured of a task."""

    gpu_memory_mib: Points
    gpu_utilization_percent: Points
    cpu_percent: Points
    rss_mib: Points
    n_processes: Points
