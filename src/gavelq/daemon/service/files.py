"""Everything about configurations: command files that the daemon keeps by mode and place."""

import asyncio
import itertools
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from gavelq.core import events as ev
from gavelq.core.command_files import ChangedMeanwhile, FileId, FileNotStored, StoredFile
from gavelq.core.engine.files import FileEvent
from gavelq.core.errors import InvalidField, LimitReached, NotFound
from gavelq.daemon.caller import Caller
from gavelq.daemon.file_fields import MAX_NAME, FileFields, read_fields, read_text
from gavelq.daemon.file_views import (
    NO_FILE_ETAG,
    Around,
    CountsKept,
    around,
    empty_json,
    etag_of,
    is_about,
    stored_json,
    text_json,
)
from gavelq.daemon.service import once
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.views import Json
from gavelq.formats.command_file import Mode

MAX_LISTED = 64 << 20
"""Characters of texts in one answer."""
_AT_ONCE = 1 << 16
"""Characters of a text that is read between two events; a longer one is read beside the loop."""
_COPY = re.compile(r" \(copy(?: \d+)?\)$")


class ModeNotFound(NotFound):
    """there is no mode {mode!r}"""

    code = "mode_not_found"
    hint = "the modes of command files are `single` and `multi`"


def _copy_name(name: str, others: Iterable[StoredFile]) -> str:
    """`NAME (copy)`, or `NAME (copy 2)` and so on where there is one already; the copy of a copy is one of the same."""
    taken, base = {other.name for other in others}, _COPY.sub("", name)
    copies = (f" (copy{'' if n == 1 else f' {n}'})" for n in itertools.count(1))
    return next(made for end in copies if (made := base[: MAX_NAME - len(end)] + end) not in taken)


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
        self._placing = asyncio.Lock()
        """Held while places are given or move."""

    # --- look --------------------------------------------------------------------------------------------

    def find(self, caller: Caller, mode: str, config_index: int) -> StoredFile:
        """A configuration by its place from 0. Raises ModeNotFound and FileNotStored."""
        mode = mode_named(mode)
        files = self._desk.state.files.values()
        wanted = (caller.tenant, mode, config_index)
        found = next((file for file in files if (file.tenant, file.mode, file.place) == wanted), None)
        if found is None:
            raise FileNotStored(wanted=config_index + 1, mode=mode.value)
        return found

    async def list_files(self, caller: Caller, mode: str | None = None) -> list[Json]:
        """`GET /api/commands/{mode}/list`: single ones first, then by place; without their texts."""
        others = around(self._desk.state)
        return [await self._short(file, others) for file in self._of(caller, mode)]

    async def all_files(self, caller: Caller, mode: str) -> list[Json]:
        """`GET /api/commands/{mode}/all`: with their texts. Raises LimitReached where these are too long together."""
        files = self._of(caller, mode)
        n_characters = sum(len(file.content) for file in files)
        if n_characters > MAX_LISTED:
            raise LimitReached(
                limit="the length of an answer", problem=f"the texts have {n_characters} characters together",
                hint=f"list them with GET /api/commands/{mode}/list, and get each with ?config_index=",
            )  # fmt: skip
        others = around(self._desk.state)
        return [await self._full(file, others) for file in files]

    async def show(self, caller: Caller, mode: str, config_index: int) -> Json:
        """`GET /api/commands/{mode}`: text, tasks by queue id, mistakes. An empty text where there is no first one."""
        if config_index == 0 and not self._of(caller, mode):
            return empty_json(mode_named(mode).value, caller.tenant)
        return await self._full(self.find(caller, mode, config_index))

    async def check(self, mode: str, content: object) -> Json:
        """`POST /api/commands/{mode}/check`: what stands in a text that nobody keeps, and what is wrong with it."""
        return {"mode": mode_named(mode).value, **await _read(read_text(content), mode)}

    # --- change ------------------------------------------------------------------------------------------

    async def create(self, caller: Caller, mode: str, body: Mapping[str, Any], key: str | None = None) -> Json:
        """`POST /api/commands/{mode}/new`: one more, behind the others. `key` makes a repeated call harmless."""
        fields = _with_directory(read_fields(body))
        async with self._placing:
            file = await self._create(caller, mode_named(mode), fields, key, [mode, body])
        return await self._full(file)

    async def put(
        self, caller: Caller, mode: str, config_index: int, body: Mapping[str, Any], match: str | None
    ) -> tuple[Json, bool]:
        """`PUT /api/commands/{mode}`: another text or name; makes the one behind the last. True: it was made.

        `match` is the If-Match of the request. Raises ChangedMeanwhile where that names another version.
        """
        fields = _with_directory(read_fields(body))
        async with self._placing:
            known = mode_named(mode)
            if config_index == len(self._of(caller, mode)):
                if match is not None and NO_FILE_ETAG not in _tags(match):
                    raise ChangedMeanwhile(
                        f"there is no configuration {config_index + 1} of mode {mode} any more",
                        what=f"configuration {config_index + 1}", version=0, etag=NO_FILE_ETAG,
                    )  # fmt: skip
                return await self._full(await self._create(caller, known, fields)), True
        file = self.find(caller, mode, config_index)
        if fields.is_empty:
            raise InvalidField(field="body", problem="it changes nothing", hint="send content or name, or both")
        event = ev.FileEdited(
            by=caller.name, file=file.id, based_on=_based_on(file, match), content=fields.content,
            name=fields.name or "", workdir=fields.workdir, env=fields.env,
        )  # fmt: skip
        return await self._full(await self._ask(file, event)), False

    async def reset(self, caller: Caller, mode: str, config_index: int, match: str | None) -> Json:
        """`POST /api/commands/{mode}/reset`: again the text that ran last, or the first one."""
        file = self.find(caller, mode, config_index)
        based_on = _based_on(file, match)
        if file.content != file.saved:
            file = await self._ask(file, ev.FileReset(by=caller.name, file=file.id, based_on=based_on))
        return await self._full(file)

    async def duplicate(
        self, caller: Caller, mode: str, config_index: int, name: object, key: str | None = None
    ) -> Json:
        """`POST /api/commands/{mode}/duplicate`: one more, with the same text, directory and environment."""
        file = self.find(caller, mode, config_index)
        given = read_fields({"name": name}).name
        async with self._placing:
            named = given or _copy_name(file.name, self._of(caller, mode))
            fields = FileFields(content=file.content, name=named, workdir=file.workdir, env=file.env)
            said = [mode, config_index, name]
            return await self._full(await self._create(caller, Mode(file.mode), fields, key, said))

    async def delete(self, caller: Caller, mode: str, config_index: int, match: str | None) -> Json:
        """`DELETE /api/commands/{mode}/{index}`: it goes with its bindings, and those behind it move up."""
        async with self._placing:
            file = self.find(caller, mode, config_index)
            n_later = len(self._of(caller, mode)) - 1 - config_index
            shown = await self._short(file)
            await self._ask(file, ev.FileDeleted(by=caller.name, file=file.id, based_on=_based_on(file, match)))
        self._counts.forget(file.id)
        return {**shown, "n_moved": n_later}

    async def _create(
        self, caller: Caller, mode: Mode, fields: FileFields, key: str | None = None, said: object = None
    ) -> StoredFile:
        event = ev.FileCreated(
            by=caller.name, tenant=caller.tenant, mode=mode.value, name=fields.name or "",
            content=fields.content or "", workdir=fields.workdir, env=fields.env,
        )  # fmt: skip
        reply = await once.make(self._desk, caller, event, key, said)
        before = once.made_by(reply)
        made: StoredFile | None = reply if before is None else self._desk.state.files.get(FileId(int(before)))
        if made is None:
            raise FileNotStored(wanted="of this idempotency key (it was deleted since)", mode=mode.value)
        return made

    async def _ask(self, file: StoredFile, event: FileEvent) -> StoredFile:
        try:
            changed: StoredFile = await self._desk.loop.ask(event)
        except FileNotStored:  # deleted a moment ago: the engine knows it by a number that nobody else does
            raise FileNotStored(wanted=file.place + 1, mode=file.mode) from None
        except ChangedMeanwhile:
            raise _changed(self._desk.state.files.get(file.id, file)) from None
        return changed

    # --- show --------------------------------------------------------------------------------------------

    def _of(self, caller: Caller, mode: str | None) -> list[StoredFile]:
        wanted = tuple(Mode) if mode is None else (mode_named(mode),)
        found = [file for file in self._desk.state.files.values() if file.tenant == caller.tenant]
        found = [file for file in found if file.mode in wanted]
        return sorted(found, key=lambda file: (file.mode != Mode.SINGLE, file.place))

    async def _short(self, file: StoredFile, others: Around | None = None) -> Json:
        counts = self._counts.of(file)
        if counts is None:
            counts = self._counts.take(file, await _read(file.content, file.mode))
        return stored_json(file, counts, others or around(self._desk.state))

    async def _full(self, file: StoredFile, others: Around | None = None) -> Json:
        found = await _read(file.content, file.mode)
        counts = self._counts.take(file, found)
        shown = stored_json(file, counts, others or around(self._desk.state))
        return {**shown, "content": file.content, "queues": found["queues"], "mistakes": found["mistakes"]}


async def _read(content: str, mode: str) -> Json:
    if len(content) <= _AT_ONCE:
        await asyncio.sleep(0)  # a list reads many of them
        return text_json(content, mode)
    return await asyncio.to_thread(text_json, content, mode)


def _with_directory(fields: FileFields) -> FileFields:
    """Raises InvalidField where the directory is not there."""
    if fields.workdir is not None and not os.path.isdir(fields.workdir):
        hint = "make it, or name another one with -w DIR"
        raise InvalidField(field="workdir", problem=f"there is no directory {fields.workdir}", hint=hint)
    return fields


def _tags(match: str) -> set[str]:
    """The entity tags of an If-Match (RFC 9110 section 13.1.1); a bare word is taken for one without its quotes."""
    words = (word.strip() for word in match.split(","))
    return {word if word.startswith(('"', "W/", "*")) else f'"{word}"' for word in words}


def require_version(file: StoredFile, match: str | None) -> None:
    """Raises ChangedMeanwhile where an If-Match names another version."""
    _based_on(file, match)


def _based_on(file: StoredFile, match: str | None) -> int | None:
    """The version that a change was made to; None: whichever there is. Raises ChangedMeanwhile."""
    if match is None or "*" in _tags(match):
        return None
    if etag_of(file) not in _tags(match):
        raise _changed(file) if is_about(file, _tags(match)) else _moved(file)
    return file.version


def _moved(file: StoredFile) -> ChangedMeanwhile:
    what = f"configuration {file.place + 1} of mode {file.mode}"
    message = f"{what} is another one now ({file.name}): those behind a deleted one moved up"
    return ChangedMeanwhile(message, what=what, version=file.version, etag=etag_of(file), by=file.modified_by)


def _changed(file: StoredFile) -> ChangedMeanwhile:
    what = f"configuration {file.place + 1} of mode {file.mode} ({file.name})"
    message = f"{what} was changed meanwhile by {file.modified_by} (it is at version {file.version} now)"
    return ChangedMeanwhile(message, what=what, version=file.version, etag=etag_of(file), by=file.modified_by)
