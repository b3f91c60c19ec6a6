"""Changing single settings in the file, with its comments and its order left alone."""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gavelq.config.history import ABSENT, Change, History, SettingChange
from gavelq.config.load import SHORTHANDS, check
from gavelq.config.mistakes import Mistake, as_error, suggest
from gavelq.config.model import Config
from gavelq.config.reading import MAX_BYTES, mistake_in, read_mapping, read_text
from gavelq.config.rewriting import changed, put, remove, replace
from gavelq.config.settings import BY_NAME, SECTIONS
from gavelq.config.undoing import to_undo
from gavelq.core.command_files import ChangedMeanwhile
from gavelq.core.errors import GavelqError, InvalidField, InvalidFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who changes the configuration, and in which history that is noted."""

    history: History
    by: str
    """A unix user, or a caller's name."""
    how: str
    """`set`, `unset`, `edit`, `undo`, `import` or `api`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a change is subject to beside being right itself."""

    versions: Collection[str] | None = None
    """It was made for one of these versions of the file (`version_of`); None: for any."""
    env: Mapping[str, str] | None = None
    """The whole configuration must be without mistakes then, read with this environment. None: no new mistakes."""


ANY = Terms()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a change would bring about."""

    config: Config
    """The configuration that would hold."""
    changes: tuple[SettingChange, ...]
    before: str
    """The file's text as it is; empty where there is none."""
    after: str
    """The text that it would have."""


def set_value(path: str, name: str, raw: object, author: Author | None = None) -> Any:
    """Write one setting into the file (made where it is missing) and return its value as YAML holds it.

    Raises InvalidField (unknown name, wrong value), InvalidFile (the file cannot be parsed, or the value makes
    another setting wrong) and StoreUnavailable (it cannot be written). Nothing is changed then.
    """
    setting = _known(name)
    plain = setting.kind.plain(setting.kind.parse(raw, field=name))
    change_file(path, lambda root: put(root, name, plain), author)
    return plain


def unset_value(path: str, name: str, author: Author | None = None) -> bool:
    """Take one setting out of the file, so its default applies; False where it was not there. Raises like set_value."""
    _known(name)
    found = False

    def take_out(root: Any) -> None:
        nonlocal found
        found = remove(root, name)

    if read_text(path) is not None:
        change_file(path, take_out, author)
    return found


def put_values(
    path: str, values: Mapping[str, object], author: Author | None = None, *, unset: Iterable[str] = (),
    terms: Terms = ANY,
) -> Change | None:  # fmt: skip
    """Write several settings and take others out, all or nothing; what that changed, None: nothing.

    Raises like set_value, with all mistakes at once: `details["mistakes"]` holds field, problem and hint of each.
    """
    return change_file(path, _change_to(values, list(unset)), author, terms=terms)


def try_values(path: str, values: Mapping[str, object], *, unset: Iterable[str] = (), env: Mapping[str, str]) -> Tried:
    """What `put_values` would bring about; nothing is written. Raises as put_values does with this environment."""
    before = read_text(path)
    after = changed(before or "", path, _change_to(values, list(unset)))
    _require_sound(path, before, after, Terms(env=env))
    return Tried(
        config=check(path, after, env)[0], changes=_differences(before, after, path) or (), before=before or "",
        after=after,
    )  # fmt: skip


def _change_to(values: Mapping[str, object], removed: Sequence[str]) -> Callable[[Any], None]:
    """What writes these settings into a file's mapping, and takes others out. Raises InvalidField with all mistakes."""
    plain: dict[str, Any] = {}
    wrong: list[InvalidField] = []
    for name in dict.fromkeys([*values, *removed]):
        try:
            kind = _known(name).kind
            if name in values:
                plain[name] = kind.plain(kind.parse(values[name], field=name))
            if name in values and name in removed:
                raise InvalidField(field=name, problem="it is to be set and unset at once", hint="do one of them")
        except InvalidField as error:
            wrong.append(error)
    if wrong:
        raise _together(wrong)

    def change(root: Any) -> None:
        for name, value in plain.items():
            put(root, name, value)
        for name in removed:
            remove(root, name)

    return change


def undo(path: str, number: int | None, author: Author, *, terms: Terms = ANY) -> Change:
    """Put back what a change replaced (None: the last one that stands), which is a change itself.

    Raises NotFound and WrongState (see undoing.to_undo), and like set_value.
    """
    with author.history.locked():
        wanted = to_undo(author.history.changes(path)[0], number)

        def change(root: Any) -> None:
            for one in wanted.settings:
                if one.old is ABSENT:
                    remove(root, one.name)
                else:
                    put(root, one.name, one.old)

        before = read_text(path)
        made = _write(path, before, changed(before or "", path, change), author, terms, wanted.number)
        # Where somebody put the old values back by hand there is nothing to write; the undoing is noted all the same.
        return made or author.history.note(path, wanted.swapped(), by=author.by, how=author.how, undoes=wanted.number)


def change_file(
    path: str, change: Callable[[Any], None], author: Author | None = None, *, terms: Terms = ANY
) -> Change | None:
    """Let `change` edit the file's mapping, comments kept; what that changed, None: nothing. Raises like set_value.

    Without an author nothing is noted, and nobody else is kept from writing meanwhile.
    """
    with author.history.locked() if author is not None else contextlib.nullcontext():
        before = read_text(path)
        return _write(path, before, changed(before or "", path, change), author, terms)


def replace_text(path: str, text: str, author: Author, *, terms: Terms) -> Change | None:
    """Replace the whole text of the file. Raises like set_value."""
    with author.history.locked():
        return _write(path, read_text(path), text, author, terms)


def version_of(text: str | None) -> str:
    """A word that stands for this very text of a file (None: there is no file); another text has another word."""
    return "none" if text is None else hashlib.sha256(text.encode()).hexdigest()[:32]


def _write(
    path: str, before: str | None, after: str, author: Author | None, terms: Terms, undoes: int | None = None
) -> Change | None:
    if terms.versions is not None and version_of(before) not in terms.versions:
        raise ChangedMeanwhile(what=path, version=version_of(before))
    _require_sound(path, before, after, terms)
    if after == before or (before is None and not after):
        return None
    settings = _differences(before, after, path)
    replace(path, after)
    if author is None or settings == ():
        return None
    try:
        return author.history.note(path, settings or (), by=author.by, how=author.how, undoes=undoes)
    except GavelqError:
        _put_back(path, before)
        raise


def _put_back(path: str, before: str | None) -> None:
    """Nothing is changed without being noted."""
    if before is not None:
        replace(path, before)
    else:
        os.unlink(os.path.realpath(path))


def _differences(before: str | None, after: str, path: str) -> tuple[SettingChange, ...] | None:
    """What differs between two texts, as written; None where that cannot be told."""
    try:
        old = written_values(before or "", path)
    except InvalidFile:
        return None
    new = written_values(after, path)
    return tuple(
        SettingChange(name=name, old=old.get(name, ABSENT), new=new.get(name, ABSENT))
        for name in dict.fromkeys([*old, *new])
        if name not in old or name not in new or not _is_same(old[name], new[name])
    )


def _is_same(one: Any, other: Any) -> bool:
    return json.dumps(one) == json.dumps(other)  # 1 is not true here


def written_values(text: str, path: str) -> dict[str, Any]:
    """What stands in the file, by setting (and `gpus` as a whole), as written. Raises InvalidFile."""
    found: dict[str, Any] = {}
    for key, located in read_mapping(text, path).items():
        value = located.plain()
        if key in SHORTHANDS and not isinstance(value, dict):
            found[SHORTHANDS[key]] = value
        elif key in SECTIONS and isinstance(value, dict):
            found.update((f"{key}.{inner}", part) for inner, part in value.items())
        elif value is not None or key not in SECTIONS:
            found[key] = value
    return found


def _known(name: str) -> Any:
    if name not in BY_NAME:
        hint = "`gavelq config edit` opens the file" if name.startswith("gpus") else suggest(name, BY_NAME)
        raise InvalidField(
            field=name, problem="there is no such setting", hint=hint or "`gavelq config show` lists them"
        )
    return BY_NAME[name]


def _together(wrong: Sequence[InvalidField]) -> InvalidField:
    """One error that tells all mistakes; a single one stays what it is."""
    first = wrong[0]
    mistakes = [{"field": e.details["field"], "problem": e.details["problem"], "hint": e.hint} for e in wrong]
    text = first.message
    if len(wrong) > 1:
        text = f"{len(wrong)} settings are wrong:\n" + "\n".join(f"  {e.message} ({e.hint})" for e in wrong)
    return InvalidField(
        text, hint=first.hint, field=first.details["field"], problem=first.details["problem"], mistakes=mistakes
    )


def _require_sound(path: str, before: str | None, after: str, terms: Terms) -> None:
    """Raises InvalidFile for mistakes in what is to be written, and where it could not be read again."""
    try:
        if len(after.encode()) > MAX_BYTES:
            raise mistake_in(path, 0, f"it would have more than {MAX_BYTES} bytes")
    except UnicodeEncodeError:
        raise mistake_in(path, 0, "it would hold bytes that are no text", "write it in UTF-8") from None
    if terms.env is not None:
        mistakes = check(path, after, terms.env)[1]
        if mistakes:
            raise as_error(mistakes)
        return
    known = set(_complaints(path, before))
    found = _complaints(path, after)
    if any(mistake not in known for mistake in found):
        raise as_error(mistake for key, mistake in found.items() if key not in known)


def _complaints(path: str, text: str | None) -> dict[tuple[str, str], Mistake]:
    """Mistakes by what they say: an edit must not add any, and need not mend old ones (lines move)."""
    return {(mistake.field, mistake.problem): mistake for mistake in check(path, text, {})[1]}
