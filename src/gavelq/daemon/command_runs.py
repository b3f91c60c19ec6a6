"""From the blocks of a command file to the tasks of its run: lanes, places, ranks, the rules, and mistakes by line."""

import os
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TypeVar

from gavelq.config.model import Rules
from gavelq.core.errors import GavelqError, InvalidField, InvalidFile
from gavelq.core.queue import Queue
from gavelq.core.retrying import Backoff
from gavelq.core.task import LanePlace, TaskRequest
from gavelq.daemon.requests import Intake
from gavelq.formats.command_file import Block, CommandFile, Mistake, Mode, Role
from gavelq.formats.fields import MAX_LINE_BYTES, text
from gavelq.formats.fields import command as read_command
from gavelq.formats.start_options import NO_LIMIT_S, StartOptions
from gavelq.formats.task_object import ParsedTask

WORK_DIR = "{work_dir}"
MAX_NAME = 200
_SHOWN = 50
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for all tasks of a run: the rules of now, and what its start said."""

    name: str
    """Of the file."""
    mode: Mode
    seed: int
    work_dir: str
    env: Mapping[str, str] | None = field(default=None, repr=False)
    env_dropped: tuple[str, ...] = ()
    queue: str | None = None
    priority: int | None = None
    time_limit_s: float | None = None
    retries: int
    backoff: Backoff
    burst: int
    share: bool
    selection: str | None
    is_strict: bool
    hold: bool = False


def terms_of(
    rules: Rules, options: StartOptions, *, name: str, mode: Mode, seed: int, queue: Queue | None,
    captured_dir: str | None = None, captured_env: Mapping[str, str] | None = None,
) -> Terms:  # fmt: skip
    """The terms of a start. `queue` is the one that it goes to, whose cap bounds the time limit of the rules.

    `seed` is a fresh one, for where neither the start nor the rules name one; what was captured with the configuration
    is for where the start says nothing.
    """
    pause = Backoff(first_s=rules.backoff_duration, factor=1.0, cap_s=rules.backoff_duration)
    return Terms(
        name=name,
        mode=mode,
        seed=_first(options.seed, rules.seed, seed),
        work_dir=_work_dir(rules, options, captured_dir),
        env=captured_env if options.env is None else options.env,
        env_dropped=options.env_dropped or (),
        queue=options.queue,
        priority=options.priority,
        time_limit_s=_time_limit(rules, options, queue),
        retries=_first(options.retries, rules.max_retries),
        backoff=pause,
        burst=rules.max_retry_before_backoff,
        share=rules.maximize_resource_utilization,
        selection=None if rules.memory_save_mode is None else "sampled",
        is_strict=_first(options.on_failure, rules.on_failure) == "stop",
        hold=options.hold or False,
    )


def _first(*wishes: T | None) -> T:
    return next(wish for wish in wishes if wish is not None)


def _work_dir(rules: Rules, options: StartOptions, captured: str | None) -> str:
    found = options.workdir or rules.work_dir or captured or options.cwd
    return os.path.normpath(found or os.path.expanduser("~"))


def _time_limit(rules: Rules, options: StartOptions, queue: Queue | None) -> float | None:
    """Seconds; None leaves it to the queue. Only a limit that the start names may be refused for the queue's cap."""
    if options.time_limit_s is not None:
        return None if options.time_limit_s == NO_LIMIT_S else options.time_limit_s
    cap = queue.max_time_limit_s if queue is not None else None
    return rules.time_limit if rules.time_limit is None or cap is None else min(rules.time_limit, cap)


# --- tasks ---------------------------------------------------------------------------------------------------


def places(blocks: Iterable[Block]) -> list[tuple[str, int]]:
    """For each block its lane, and its place among the blocks of that lane."""
    n_before: dict[str, int] = {}
    found = []
    for block in blocks:
        at = n_before.get(block.queue_id, 0)
        found.append((block.queue_id, at))
        n_before[block.queue_id] = at + 1
    return found


def ranks(blocks: Sequence[Block], mode: Mode, seed: int) -> list[int]:
    """For each block its rank among those whose turn it is: by chance, or by the GPUs it asks for (SPEC section 6)."""
    order = list(range(len(blocks)))
    if mode is Mode.SINGLE:
        random.Random(seed).shuffle(order)  # noqa: S311  # a repeatable order, no secret
    else:
        order.sort(key=lambda index: (-blocks[index].gpu_count, lane_key(blocks[index].queue_id), index))
    found = [0] * len(blocks)
    for rank, index in enumerate(order):
        found[index] = rank
    return found


def lane_key(lane: str) -> tuple[int, int, str]:
    """Sorts queue ids: numbers by their value, then words."""
    is_number = lane.isascii() and lane.isdigit()
    return (0, int(lane), lane) if is_number else (1, 0, lane)


def request_of(block: Block, place: LanePlace, terms: Terms, intake: Intake) -> TaskRequest:
    """The task of a block. Raises InvalidField, whose details name the field (`command[0]`, `workdir`, ...)."""
    lines = tuple(line.replace(WORK_DIR, terms.work_dir) for line in block.commands)
    for index, line in enumerate(lines):
        text(line, f"command[{index}]", most_bytes=MAX_LINE_BYTES)
    parsed = ParsedTask(
        command=read_command(lines, "command"),
        name=task_name(terms.name, place),
        workdir=terms.work_dir,
        env=terms.env,
        env_dropped=terms.env_dropped,
        queue=terms.queue,
        priority=terms.priority,
        gpu_count=block.gpu_count,
        memory_mib=block.memory,
        time_limit_s=terms.time_limit_s,
        hold=terms.hold,
        share=terms.share,
        retries=terms.retries,
        backoff=terms.backoff,
        retry_burst=terms.burst,
    )
    request = intake.request(parsed, None)
    return replace(request, gpus=replace(request.gpus, selection=terms.selection), lane=place)


def task_name(file: str, place: LanePlace) -> str:
    """`FILE:QUEUE_ID:INDEX`, with an index as people count."""
    behind = f":{place.lane}:{place.at + 1}"
    shown = "".join(c if c.isprintable() else " " for c in file).strip() or "commands"
    return shown[: MAX_NAME - len(behind)] + behind


def requests_of(
    blocks: Sequence[Block], terms: Terms, intake: Intake
) -> tuple[dict[int, TaskRequest], dict[int, GavelqError]]:
    """The tasks of all blocks, and the errors of those that make none, both by the index of the block.

    What is wrong with the start itself (its directory, its queue) is raised at once: it is no mistake of the file.
    """
    requests: dict[int, TaskRequest] = {}
    wrong: dict[int, GavelqError] = {}
    in_rank = ranks(blocks, terms.mode, terms.seed)
    for index, (block, (lane, at)) in enumerate(zip(blocks, places(blocks), strict=True)):
        place = LanePlace(lane=lane, at=at, rank=in_rank[index], is_strict=terms.is_strict)
        try:
            requests[index] = request_of(block, place, terms, intake)
        except InvalidField as error:
            if not str(error.details.get("field", "")).startswith("command"):
                raise
            wrong[index] = error
    return requests, wrong


# --- mistakes ------------------------------------------------------------------------------------------------


def mistakes_of(found: CommandFile, wrong: Mapping[int, GavelqError]) -> list[Mistake]:
    """What is wrong with a file: its own mistakes, and errors by index of the block, at the line they are about."""
    return [*found.mistakes, *(_mistake(found, index, error) for index, error in sorted(wrong.items()))]


def _mistake(found: CommandFile, index: int, error: GavelqError) -> Mistake:
    block = found.blocks[index]
    # Blocks that could not be read count as well: people count what they see.
    number = index + 1 + len({one.block for one in found.mistakes if one.line < block.first_line})
    about = str(error.details.get("field", ""))
    return Mistake(
        line=_line_of(block, about),
        problem=str(error.details.get("problem") or error.message),
        hint="ask for less, or start it on a machine that has more" if about in _NUMBERS else error.hint,
        block=f"block {number} (queue {block.queue_id!r}, from line {block.first_line})",
    )


_NUMBERS = {"memory": Role.MEMORY, "gpu_count": Role.GPUS}


def _line_of(block: Block, about: str) -> int:
    """The line of the file that a field of the task came from; the block's first one where there is none."""
    command = about.removeprefix("command[").removesuffix("]")
    nth, role = (int(command), Role.COMMAND) if command.isdigit() else (0, _NUMBERS.get(about, Role.QUEUE))
    # Comments before its first line may be apart from it by blank lines, so lines are counted from there.
    behind = [line.role for line in block.lines]
    behind = behind[next(i for i, one in enumerate(behind) if one is not Role.COMMENT) :]
    found = [offset for offset, one in enumerate(behind) if one is role]
    return block.first_line + (found[nth] if nth < len(found) else 0)


def file_error(name: str, mode: Mode, mistakes: Sequence[Mistake]) -> InvalidFile:
    """All mistakes of a file in one error, each with its line and block."""
    mistakes = sorted(mistakes, key=lambda one: one.line)
    told = [f"{name}:{one.line}: {one.block}: {one.problem} ({one.hint})" for one in mistakes[:_SHOWN]]
    if len(mistakes) > _SHOWN:
        told.append(f"... and {len(mistakes) - _SHOWN} more")
    head = [] if len(told) == 1 else [f"{len(mistakes)} mistakes:"]
    return InvalidFile(
        "\n".join([*head, *told]), hint="nothing was started or changed; correct these, then try again", path=name,
        line=mistakes[0].line, problem=mistakes[0].problem, mode=mode.value, mistakes=[asdict(one) for one in mistakes],
    )  # fmt: skip
