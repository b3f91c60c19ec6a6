"""Whether option values make sense, judged by the readers that the daemon has, where a line of a file can be named."""

from collections.abc import Mapping
from typing import Any

from gavelq.cli.hot.submit import PLAIN
from gavelq.cli.sweep import sweep_of
from gavelq.core.errors import InvalidField
from gavelq.formats.fields import READERS

_FIELDS = {**PLAIN, "name": "name", "max_util": "max_util", "log": "log_path", "array": "array"}


def require_readable(values: Mapping[str, Any]) -> None:
    """Raises InvalidField, which names the option, for the first value that no task could have."""
    for name, value in values.items():
        field = _FIELDS.get(name)
        if field is not None and not isinstance(value, bool):
            _read(field, value, name)
    if "tag" in values:
        _read("tags", values["tag"], "tag")
    if "gpus" in values:
        _read("gpu_ids", [part.strip() for part in values["gpus"].split(",")], "gpus")
    for pair in values.get("env") or ():
        name, separator, _ = pair.partition("=")
        if not name or not separator:
            raise InvalidField(field="env", problem=f"{pair!r} is not NAME=VALUE", hint="write for example -e SEED=1")
    found = sweep_of({"param": values.get("param")})
    if found:
        _read("params", found["params"], "param")


def _read(field: str, value: object, option: str) -> None:
    READERS[field][1](value, option.replace("_", "-"))
