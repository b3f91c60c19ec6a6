"""Changing single settings in the file, with its comments and its order left alone."""

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Callable
from typing import Any

from gavelq.config.load import SHORTHANDS, check
from gavelq.config.mistakes import Mistake, as_error, suggest
from gavelq.config.reading import is_json, read_mapping, read_text
from gavelq.config.settings import BY_NAME
from gavelq.core.errors import InvalidField, StoreUnavailable


def set_value(path: str, name: str, raw: object) -> Any:
    """Write one setting into the file (made where it is missing) and return its value as YAML holds it.

    Raises InvalidField (unknown name, wrong value), InvalidFile (the file cannot be parsed, or the value makes
    another setting wrong) and StoreUnavailable (it cannot be written). Nothing is changed then.
    """
    setting = _known(name)
    plain = setting.kind.plain(setting.kind.parse(raw, field=name))
    _edit(path, lambda root: _put(root, name, plain))
    return plain


def unset_value(path: str, name: str) -> bool:
    """Take one setting out of the file, so its default applies; False where it was not there. Raises like set_value."""
    _known(name)
    found = False

    def remove(root: Any) -> None:
        nonlocal found
        found = _remove(root, name)

    if read_text(path) is not None:
        _edit(path, remove)
    return found


def _known(name: str) -> Any:
    if name not in BY_NAME:
        hint = "`gavelq config edit` opens the file" if name.startswith("gpus") else suggest(name, BY_NAME)
        raise InvalidField(
            field=name, problem="there is no such setting", hint=hint or "`gavelq config show` lists them"
        )
    return BY_NAME[name]


def _edit(path: str, change: Callable[[Any], None]) -> None:
    before = read_text(path)
    known = set(_complaints(path, before))
    after = _changed(before or "", path, change)
    new = [mistake for mistake in _complaints(path, after) if mistake not in known]
    if new:
        raise as_error(_complaints(path, after)[mistake] for mistake in new)
    if after != before:
        _replace(path, after)


def _complaints(path: str, text: str | None) -> dict[tuple[str, str], Mistake]:
    """Mistakes by what they say: an edit must not add any, and need not mend old ones (lines move)."""
    return {(mistake.field, mistake.problem): mistake for mistake in check(path, text, {})[1]}


def _changed(text: str, path: str, change: Callable[[Any], None]) -> str:
    if is_json(text):
        root = json.loads(text)
        change(root)
        return json.dumps(root, indent=2, ensure_ascii=False) + "\n"
    read_mapping(text, path)  # tells what is wrong better than the round-trip parser
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    root = yaml.load(text)
    # A file of comments alone has no root that they could hang on.
    head = text if root is None else ""
    root = CommentedMap() if root is None else root
    change(root)
    written = io.StringIO()
    if root:
        yaml.dump(root, written)
    separator = "\n" if head and not head.endswith("\n") else ""
    return head + separator + written.getvalue()


def _put(root: Any, name: str, plain: Any) -> None:
    section, _, key = name.rpartition(".")
    if not section or name in root:
        root[name] = plain
        return
    inner = root.get(section)
    if not isinstance(inner, dict):
        if SHORTHANDS.get(section) == name and inner is not None:
            root[section] = plain
            return
        short = SHORTHANDS.get(section, "").rpartition(".")[2]
        root[section] = {short: inner} if inner is not None and short else {}
    root[section][key] = plain


def _remove(root: Any, name: str) -> bool:
    section, _, key = name.rpartition(".")
    inner = root.get(section)
    if name in root:
        del root[name]
    elif isinstance(inner, dict) and key in inner:
        del inner[key]
        if not inner:
            del root[section]
    elif SHORTHANDS.get(section) == name and section in root:
        del root[section]
    else:
        return False
    return True


def _replace(path: str, text: str) -> None:
    """Write beside it, fsync, rename. A link stays a link; an existing file keeps its mode; a new one is 0600."""
    target = os.path.realpath(path)
    directory = os.path.dirname(target)
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        fd, temporary = tempfile.mkstemp(prefix=".gavelq-config-", dir=directory)
        try:
            with open(fd, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                with contextlib.suppress(FileNotFoundError):
                    os.fchmod(file.fileno(), os.stat(target).st_mode & 0o777)
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise StoreUnavailable(
            f"{path} cannot be written: {error.strerror}; nothing was changed", hint="check its directory's permissions"
        ) from error
