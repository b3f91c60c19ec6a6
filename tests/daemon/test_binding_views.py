"""Which task of a run a bound log file belongs to, after whatever happened to the run."""

from gavelq.core import events as ev
from gavelq.core.command_files import FileId, Run
from gavelq.core.events import LaneEntry, RunEdited
from gavelq.core.ids import BlobKey, SubmissionId, TaskId
from gavelq.core.task import LanePlace, TaskRequest
from gavelq.daemon.binding_views import by_place, last_runs
from tests.support.builders import World, request

RUN = Run(mode="single", file=FileId(1), name="f", content="", tenant="me", by="me", seed=1, work_dir="/")
BLOBS = {BlobKey("e"): b"{}"}


def place(at: int) -> LanePlace:
    return LanePlace(lane="a", at=at, rank=at)


def lane(at: int) -> TaskRequest:
    return request(lane=place(at))


def now(world: World) -> dict[int, int]:
    """The task's id at each place of the lane."""
    found = by_place([*world.gone.values(), *world.state.tasks.values()])
    return {at: task.id for (_, at), task in found.items()}


def edit(world: World, waiting: set[int], *entries: LaneEntry | TaskRequest) -> None:
    based_on = frozenset(TaskId(number) for number in waiting)
    world.send(
        RunEdited(by="me", submission=SubmissionId(1), content="", lanes={"a": entries}, based_on=based_on, blobs=BLOBS)
    )


def test_a_place_belongs_to_the_task_that_has_it_not_to_one_that_was_taken_out() -> None:
    world = World()
    world.send(ev.TasksSubmitted(by="me", requests=(lane(0), lane(1), lane(2)), blobs=BLOBS, run=RUN))
    world.run_all()
    assert now(world) == {0: 1, 1: 2, 2: 3}
    edit(world, {2, 3}, LaneEntry(task_id=TaskId(3), place=place(1)))  # the second one goes
    assert now(world) == {0: 1, 1: 3}
    edit(world, {3}, lane(1), LaneEntry(task_id=TaskId(3), place=place(2)))  # another one comes before the last
    assert now(world) == {0: 1, 1: 4, 2: 3}
    edit(world, {3, 4}, LaneEntry(task_id=TaskId(3), place=place(1)))  # and goes: it is newer than who has its place
    assert now(world) == {0: 1, 1: 3}
    world.ended(TaskId(1))
    world.run_all()
    world.ended(TaskId(3))
    assert now(world) == {0: 1, 1: 3}


def test_the_last_run_of_each_configuration_counts() -> None:
    other = Run(mode="multi", file=FileId(2), name="g", content="", tenant="me", by="me", seed=1, work_dir="/")
    once = Run(mode="multi", name="h", content="", tenant="me", by="me", seed=1, work_dir="/")
    runs = dict(zip(map(SubmissionId, (4, 2, 3, 9)), (RUN, RUN, other, once), strict=True))
    assert last_runs(runs) == {FileId(1): 4, FileId(2): 3}
