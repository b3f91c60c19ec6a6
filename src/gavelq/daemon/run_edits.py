"""From an edited command file to what changes in its run. Pure: tasks and texts in, the layout of the lanes out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gavelq.core.command_files import Run
from gavelq.core.engine.runs import is_taken_out, is_untouched
from gavelq.core.errors import GavelqError, InvalidField
from gavelq.core.events import LaneEntry
from gavelq.core.ids import BlobKey, TaskId
from gavelq.core.task import LanePlace, Task, TaskRequest
from gavelq.daemon.command_runs import Terms, places, ranks, request_of, task_name
from gavelq.daemon.file_views import block_json
from gavelq.daemon.requests import Intake
from gavelq.daemon.run_difference import LaneDifference, Owned, Wanted, differences
from gavelq.daemon.views import Json
from gavelq.formats.command_file import Block, CommandFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The present text of a file against its run."""

    run: Run
    present: CommandFile
    tasks: Mapping[TaskId, Task]
    """All tasks of the run that are known, ended ones included."""
    lanes: Sequence[LaneDifference]

    @property
    def is_changed(self) -> bool:
        """Whether an apply would do anything."""
        return any(lane.is_changed for lane in self.lanes)

    def fixed(self) -> dict[str, list[tuple[int, bool]]]:
        """By lane the places of the tasks that stay as they are, and whether they have started."""
        found: defaultdict[str, list[tuple[int, bool]]] = defaultdict(list)
        for task in self.tasks.values():
            place = task.request.lane
            if place is not None and not is_untouched(task) and not is_taken_out(task):
                found[place.lane].append((place.at, task.n_attempts > 0))
        return found


@dataclass(slots=True)
class Layout:
    """What an apply asks of the engine."""

    lanes: dict[str, tuple[LaneEntry | TaskRequest, ...]] = field(default_factory=dict)
    owners: dict[int, TaskId | TaskRequest] = field(default_factory=dict)
    """By the index of the block."""
    added: dict[int, TaskRequest] = field(default_factory=dict)
    """By the index of the block, in the order in which they get their ids."""
    wrong: dict[int, GavelqError] = field(default_factory=dict)
    """Blocks that make no task."""
    in_place: set[TaskId] = field(default_factory=set)
    """The first ones of each lane, up to a new one or one with another place."""


def compare(run: Run, running: CommandFile, present: CommandFile, tasks: Mapping[TaskId, Task]) -> Difference:
    """What tells the `present` text from the one that is `running`."""
    # A text that nobody can read any more has no tasks: then all of them are removed, and what has started stays.
    owned = [_owned(block, task_id, tasks.get(task_id)) for block, task_id in zip(running.blocks, run.owners)]  # noqa: B905  # see above
    return Difference(run=run, present=present, tasks=tasks, lanes=differences(owned, _wanted(present.blocks)))


def _owned(block: Block, task_id: TaskId, task: Task | None) -> Owned:
    """A block and its task; one that is known no longer has run long ago."""
    return Owned(
        task_id=task_id,
        lane=block.queue_id,
        content=_content(block),
        is_untouched=task is not None and is_untouched(task),
        has_started=task is None or task.n_attempts > 0,
    )


def _wanted(blocks: Sequence[Block]) -> list[Wanted]:
    return [
        Wanted(index=index, lane=lane, at=at, content=_content(block))
        for index, (block, (lane, at)) in enumerate(zip(blocks, places(blocks), strict=True))
    ]


def _content(block: Block) -> tuple[tuple[str, ...], int, int]:
    return block.commands, block.gpu_count, block.memory


def lay_out(difference: Difference, terms: Terms, intake: Intake) -> Layout:
    """The lanes as the present text has them, with the requests of new tasks (by `terms`).

    Raises what is wrong with the run itself, such as its directory.
    """
    found, fixed = Layout(), difference.fixed()
    in_rank = ranks(difference.present.blocks, terms.mode, terms.seed)
    env, dropped_env = _environment(difference)
    for lane in difference.lanes:
        entries: list[LaneEntry | TaskRequest] = []
        for (wanted, kept), at in zip(lane.order, lane.places(fixed.get(lane.lane, ())), strict=True):
            rank = in_rank[wanted.index]
            if kept is not None:
                entries.append(_stays(difference, kept.task_id, lane.lane, at, rank))
                found.owners[wanted.index] = kept.task_id
                continue
            place = LanePlace(lane=lane.lane, at=at, rank=rank, is_strict=terms.is_strict)
            try:
                request = request_of(difference.present.blocks[wanted.index], place, terms, intake)
            except InvalidField as error:
                if not str(error.details.get("field", "")).startswith("command"):
                    raise
                found.wrong[wanted.index] = error
                continue
            request = replace(request, env=env, dropped_env=dropped_env)
            entries.append(request)
            found.owners[wanted.index] = found.added[wanted.index] = request
        found.lanes[lane.lane] = tuple(entries)
        found.in_place |= _in_place(difference, entries)
        found.owners |= {wanted.index: task.task_id for wanted, task in (*lane.fixed, *lane.changed)}
    return found


def _in_place(difference: Difference, entries: Iterable[LaneEntry | TaskRequest]) -> set[TaskId]:
    found = set()
    for entry in entries:
        old = difference.tasks[entry.task_id].request.lane if isinstance(entry, LaneEntry) else None
        if not isinstance(entry, LaneEntry) or old is None or old.at != entry.place.at:
            break
        found.add(entry.task_id)
    return found


def _environment(difference: Difference) -> tuple[BlobKey, tuple[str, ...]]:
    """What the start of the run captured: tasks whose environment was edited by hand are fewer."""
    found = Counter((task.request.env, task.request.dropped_env) for task in difference.tasks.values())
    return found.most_common(1)[0][0]


def _stays(difference: Difference, task_id: TaskId, lane: str, at: int, rank: int) -> LaneEntry:
    """A task that stays, at its new place; a name that says its place says the new one."""
    request = difference.tasks[task_id].request
    old = request.lane
    place = LanePlace(lane=lane, at=at, rank=rank, is_strict=old is not None and old.is_strict)
    is_own = old is None or request.name != task_name(difference.run.name, old)
    return LaneEntry(task_id=task_id, place=place, name=None if is_own else task_name(difference.run.name, place))


# --- as JSON -------------------------------------------------------------------------------------------------


def difference_json(difference: Difference, new_ids: Mapping[int, TaskId] | None = None) -> Json:
    """A difference; `new_ids` are those that an apply gave to new tasks, by the index of their block."""
    lanes = difference.lanes
    return {
        "is_changed": difference.is_changed,
        "n_kept": sum(len(lane.kept) for lane in lanes),
        "n_moved": sum(len(lane.moved) for lane in lanes),
        "n_added": sum(len(lane.added) for lane in lanes),
        "n_removed": sum(len(lane.removed) for lane in lanes),
        "n_started": sum(_n_started(lane) for lane in lanes),
        "queues": {lane.lane: _lane_json(difference, lane, new_ids or {}) for lane in lanes},
    }


def _n_started(lane: LaneDifference) -> int:
    return len(lane.fixed) + len(lane.changed) + len(lane.dropped)


def _lane_json(difference: Difference, lane: LaneDifference, new_ids: Mapping[int, TaskId]) -> Json:
    blocks = difference.present.blocks
    return {
        "n_kept": len(lane.kept),
        "n_started": _n_started(lane),
        "added": [{"task_id": new_ids.get(wanted.index), **block_json(blocks[wanted.index])} for wanted in lane.added],
        "removed": [{"task_id": task.task_id, "commands": list(task.content[0])} for task in lane.removed],
        "moved": [
            {"task_id": task.task_id, "line": blocks[wanted.index].first_line}
            for wanted, task in lane.kept
            if task.task_id in lane.moved
        ],
        "started": _started(difference, ((blocks[wanted.index].first_line, task) for wanted, task in lane.changed))
        + _started(difference, ((None, task) for task in lane.dropped)),
    }


def _started(difference: Difference, tasks: Iterable[tuple[int | None, Owned]]) -> list[Json]:
    """Tasks whose block was changed (with its line) or is gone (line null): they stay as they are."""
    found = ((line, owned, difference.tasks.get(owned.task_id)) for line, owned in tasks)
    return [
        {"task_id": owned.task_id, "state": task.state.value if task is not None else None, "line": line}
        for line, owned, task in found
    ]
