"""Everything about configurations: command files that the daemon keeps by mode and place."""

from gavelq.core.command_files import FileId, FileNotStored, StoredFile
from gavelq.core.errors import NotFound
from gavelq.core.ids import SubmissionId
from gavelq.daemon.caller import Caller
from gavelq.daemon.file_views import CountsKept, stored_json
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.views import Json
from gavelq.formats.command_file import Mode


class ModeNotFound(NotFound):
    """there is no mode {mode!r}"""

    code = "mode_not_found"
    hint = "the modes of command files are `single` and `multi`"


def mode_named(written: str) -> Mode:
    """A mode by its word. Raises ModeNotFound."""
    try:
        return Mode(written)
    except ValueError:
        raise ModeNotFound(mode=written[:40]) from None


class FileService:
    """The verbs of `gavelq file` that keep texts. Everybody sees the configurations of their own tenant."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._counts = CountsKept()

    def find(self, caller: Caller, mode: str, config_index: int) -> StoredFile:
        """A configuration by its place from 0. Raises ModeNotFound and FileNotStored."""
        mode = mode_named(mode)
        files = self._desk.state.files.values()
        wanted = (caller.tenant, mode, config_index)
        found = next((file for file in files if (file.tenant, file.mode, file.place) == wanted), None)
        if found is None:
            raise FileNotStored(wanted=config_index + 1, mode=mode.value)
        return found

    def list_files(self, caller: Caller, mode: str | None = None) -> list[Json]:
        """`GET /api/commands/{mode}/list`: single ones first, then by place; without their texts."""
        runs = self._live_runs()
        return [stored_json(file, runs.get(file.id), self._counts.of(file)) for file in self._of(caller, mode)]

    def _of(self, caller: Caller, mode: str | None) -> list[StoredFile]:
        wanted = tuple(Mode) if mode is None else (mode_named(mode),)
        found = [file for file in self._desk.state.files.values() if file.tenant == caller.tenant]
        found = [file for file in found if file.mode in wanted]
        return sorted(found, key=lambda file: (file.mode != Mode.SINGLE, file.place))

    def _live_runs(self) -> dict[FileId, SubmissionId]:
        state = self._desk.state
        return {
            run.file: number for number, run in state.runs.items() if run.file is not None and state.members.get(number)
        }
