"""What is expected of the tasks that wait."""

from typing import Literal, TypedDict

from gavelq.client.shapes.config import SettingChange


class Fate(TypedDict):
    """What is expected of a task under some rules. No start within the time looked ahead: nulls, and `why`."""

    start_at: str | None
    end_at: str | None
    wait_s: float | None
    gpus: list[int | str]
    why: str | None


class SimulatedTask(TypedDict):
    """A task that waits, under the rules in force and under the others (null: none were given)."""

    task_id: int
    name: str
    tenant: str
    queue: str
    gpu_count: int
    submitted_at: str
    run_time_s: float | None
    run_time_basis: Literal["learned", "limit", "assumed", "unknown"]
    now: Fate
    then: Fate | None


class SimulatedSide(TypedDict):
    """How many tasks start; and the waits, from submission to start, of those that start under all rules told of."""

    n_starting: int
    mean_wait_s: float | None
    max_wait_s: float | None


class RunTimes(TypedDict):
    """How many run times were taken from where."""

    learned: int
    limit: int
    assumed: int
    unknown: int


class SimulationSummary(TypedDict):
    """All rows together. `is_whole` false: there was too much to come, and the end is left out."""

    n_waiting: int
    n_held: int
    now: SimulatedSide
    then: SimulatedSide | None
    n_earlier: int
    n_later: int
    n_same: int
    run_times: RunTimes
    is_whole: bool


class Simulation(TypedDict):
    """The queue looked ahead, also under other rules. Tasks by their expected start."""

    at: str
    until: str
    assumed_s: float | None
    changed: list[SettingChange]
    summary: SimulationSummary
    tasks: list[SimulatedTask]
