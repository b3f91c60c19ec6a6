"""Command files in the random lives: what they are like, and how they are edited while they run."""

from dataclasses import replace
from random import Random
from typing import Any

from gavelq.core import events as ev
from gavelq.core.command_files import Run
from gavelq.core.ids import BlobKey
from gavelq.core.lifecycle import TaskState
from gavelq.core.task import LanePlace, TaskRequest
from tests.properties import lives
from tests.properties.lanes import lane_of, place_of
from tests.properties.machine import Machine
from tests.support.builders import request

WAITING = (TaskState.PENDING, TaskState.HELD)
RUN = Run(mode="single", name="f", content="", tenant="me", by="me", seed=1, work_dir="/")


def hand_in(machine: Machine, chance: Random) -> None:
    """A command file of some lanes."""
    strict = chance.random() < 0.5
    wishes = lives.wishes(chance)
    requests = []
    places = dict.fromkeys("123"[: chance.choice([1, 2, 3])], 0)
    for _ in range(chance.randrange(2, 8)):
        name = chance.choice(list(places))
        requests.append(_placed(wishes | {"gpus": lives.gpus(chance)}, name, places[name], chance, strict))
        places[name] += 1
    machine.send(ev.TasksSubmitted(by="me", requests=tuple(requests), blobs={BlobKey("e"): b"{}"}, run=RUN))


def edit(machine: Machine, n: int, chance: Random) -> None:
    """Somebody edits a file and brings that into its run: tasks that have not started come, go and change places."""
    runs = [number for number in machine.state.runs if number in machine.state.members]
    if not runs:
        return
    submission = runs[n % len(runs)]
    mine = [task for task in machine.state.tasks.values() if task.submission_id == submission]
    waiting = [task for task in mine if task.state in WAITING and not task.n_attempts]
    lanes: dict[str, tuple[ev.LaneEntry | TaskRequest, ...]] = {}
    for name in "123":
        kept = [task for task in waiting if lane_of(task) == name and chance.random() < 0.7]
        chance.shuffle(kept)
        first = 1 + max((place_of(task) for task in mine if lane_of(task) == name and task not in waiting), default=-1)
        entries: list[ev.LaneEntry | TaskRequest] = []
        for offset, task in enumerate(kept):
            place = LanePlace(lane=name, at=first + offset, rank=chance.randrange(9))
            entries.append(ev.LaneEntry(task_id=task.id, place=place))
        if chance.random() < 0.5:
            entries.append(_placed(lives.wishes(chance), name, first + len(kept), chance, False))
        lanes[name] = tuple(entries)
    based_on = frozenset(task.id for task in waiting)
    blobs = {BlobKey("e"): b"{}"}
    machine.send(ev.RunEdited(by="me", submission=submission, content="", lanes=lanes, based_on=based_on, blobs=blobs))


def _placed(wishes: dict[str, Any], name: str, at: int, chance: Random, strict: bool) -> TaskRequest:
    asked = request(allow_infeasible=True, **wishes)
    return replace(asked, lane=LanePlace(lane=name, at=at, rank=chance.randrange(9), is_strict=strict))
