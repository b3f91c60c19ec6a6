"""The configuration file's text: single entries changed, comments and order left alone, and written whole."""

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Callable
from typing import Any

from gavelq.config.load import SHORTHANDS
from gavelq.config.reading import is_json, read_mapping
from gavelq.core.errors import StoreUnavailable


def changed(text: str, path: str, change: Callable[[Any], None]) -> str:
    """The text after `change` edited its mapping; comments and order stay. Raises InvalidFile."""
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


def put(root: Any, name: str, plain: Any) -> None:
    """Write a setting into a mapping, where it stands already or below its section."""
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


def remove(root: Any, name: str) -> bool:
    """Take a setting out of a mapping; False where it is not there."""
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


def replace(path: str, text: str) -> None:
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
