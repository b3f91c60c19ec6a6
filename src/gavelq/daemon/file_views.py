"""Configurations of command files as JSON objects (`client/shapes`)."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass

from gavelq.core.command_files import FileId, StoredFile
from gavelq.core.ids import SubmissionId
from gavelq.core.state import State
from gavelq.daemon.run_views import gib
from gavelq.daemon.views import Json, stamp
from gavelq.formats.command_file import Block, CommandFile, Mode, read_command_file

NO_FILE_ETAG = f'"{FileId(0)}-0"'
"""Of a configuration that there is not yet: who sends it means to make it."""


def etag_of(file: StoredFile) -> str:
    """What tells versions of a configuration apart, as HTTP quotes it (RFC 9110 section 8.8.3)."""
    return f'"{file.id}-{file.version}"'


def is_about(file: StoredFile, tags: Collection[str]) -> bool:
    """Whether one of these tags is of some version of this configuration."""
    return any(tag.startswith(f'"{file.id}-') for tag in tags)


def read_content(content: str, mode: str) -> CommandFile:
    """A text that is kept, read anew."""
    return read_command_file(content.encode(), Mode(mode))


def text_json(content: str, mode: str) -> Json:
    """What stands in a text: its tasks by queue id in file order, and its mistakes."""
    found = read_content(content, mode)
    queues: dict[str, list[Json]] = {}
    for block in found.blocks:
        lane = queues.setdefault(block.queue_id, [])
        lane.append({"process_index": len(lane), **block_json(block)})
    return {
        "n_tasks": len(found.blocks),
        "n_queues": len(queues),
        "n_mistakes": len(found.mistakes),
        "queues": queues,
        "mistakes": [asdict(mistake) for mistake in found.mistakes],
    }


def block_json(block: Block) -> Json:
    """A task as it stands in a text."""
    return {
        "line": block.first_line,
        "commands": list(block.commands),
        "gpu_count": block.gpu_count,
        "memory_gb": gib(block.memory),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What else there is of configurations."""

    runs: Mapping[FileId, SubmissionId]
    """Their runs that have not ended."""
    n_bindings: Mapping[FileId, int]


def around(state: State) -> Around:
    """What committed state knows of all configurations."""
    live = ((run.file, number) for number, run in state.runs.items() if state.members.get(number))
    return Around(
        runs={file: number for file, number in live if file is not None},
        n_bindings=Counter(key.file for key in state.bindings),
    )


def stored_json(file: StoredFile, counts: Json, others: Around) -> Json:
    """A configuration without its text. `counts`: of what stands in it."""
    run = others.runs.get(file.id)
    return {
        "id": file.id,
        "mode": file.mode,
        "config_index": file.place,
        "index": file.place + 1,
        "name": file.name,
        "tenant": file.tenant,
        **counts,
        "is_running": run is not None,
        "run_id": run,
        "is_changed": file.content != file.saved,
        "workdir": file.workdir,
        "has_env": file.env is not None,
        "n_bindings": others.n_bindings.get(file.id, 0),
        "etag": etag_of(file),
        "modified_at": stamp(file.modified_at),
        "modified_by": file.modified_by,
    }


def empty_json(mode: str, tenant: str) -> Json:
    """What stands in the place of the first configuration until there is one."""
    return {
        "id": None,
        "mode": mode,
        "config_index": 0,
        "index": 1,
        "name": "",
        "tenant": tenant,
        **text_json("", mode),
        "is_running": False,
        "run_id": None,
        "is_changed": False,
        "workdir": None,
        "has_env": False,
        "n_bindings": 0,
        "etag": NO_FILE_ETAG,
        "modified_at": None,
        "modified_by": None,
        "content": "",
    }


class CountsKept:
    """Counts of texts by configuration, so that a list need not read them all again."""

    def __init__(self) -> None:
        self._kept: dict[FileId, tuple[int, Json]] = {}

    def of(self, file: StoredFile) -> Json | None:
        """How many tasks, queue ids and mistakes it has; None where nobody has read this version."""
        version, counts = self._kept.get(file.id, (0, None))
        return counts if version == file.version else None

    def take(self, file: StoredFile, found: Json) -> Json:
        """Keep what `text_json` found in it."""
        counts = {name: found[name] for name in ("n_tasks", "n_queues", "n_mistakes")}
        self._kept[file.id] = (file.version, counts)
        return counts

    def forget(self, file: FileId) -> None:
        """It is gone."""
        self._kept.pop(file, None)
