"""`--array`, `--param` and `--param-file`: what they add to a task request."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from gavelq.cli.files import read_bytes
from gavelq.core.errors import InvalidField, InvalidFile

MAX_CSV = 8 << 20
MAX_ROWS = 100_000


def sweep_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields `array`, `params` and `param_rows`, as far as the options give them. Raises InvalidField, InvalidFile.

    The daemon judges names and values, so that there is one judge of them.
    """
    found: dict[str, Any] = {}
    if values.get("array") is not None:
        found["array"] = values["array"]
    if values.get("param"):
        found["params"] = _params(values["param"])
    if values.get("param_file") is not None:
        found["param_rows"] = read_rows(values["param_file"])
    return found


def _params(written: Iterable[str]) -> dict[str, list[str]]:
    """`lr=.1,.01` and more of them; the values of a name that comes again are added to it."""
    found: dict[str, list[str]] = {}
    for pair in written:
        name, separator, values = pair.partition("=")
        listed = [value.strip() for value in values.split(",")]
        if not name or not separator or not all(listed):
            raise InvalidField(
                field="param", problem=f"{pair[:80]!r} is not NAME=VALUE,VALUE",
                hint="write for example --param lr=.1,.01; empty values and commas need --param-file",
            )  # fmt: skip
        found.setdefault(name.strip(), []).extend(listed)
    return found


def read_rows(path: str) -> list[dict[str, str]]:
    """The rows of a CSV file (RFC 4180), by the names in its first line. `-` is the standard input.

    Raises InvalidFile with the line, InvalidField where the file cannot be read.
    """
    try:
        content = read_bytes(path, MAX_CSV)
    except InvalidField as error:
        hint = error.hint.replace("--file", "--param-file")
        raise InvalidField(field="param_file", problem=error.details["problem"], hint=hint) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _invalid(path, line, "this is not UTF-8 text", "save the file as UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    names: list[str] | None = None
    rows: list[dict[str, str]] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells) and len(cells) < 2:
                continue  # an empty line
            if names is None:
                names = _header(path, reader.line_num, cells)
                continue
            if len(cells) != len(names):
                problem = f"the row has {len(cells)} values, and there are {len(names)} names: {', '.join(names)}"
                raise _invalid(path, reader.line_num, problem, "put values with commas in them in quotes")
            if len(rows) == MAX_ROWS:
                raise _invalid(path, reader.line_num, f"there are more than {MAX_ROWS} rows", "submit it in parts")
            rows.append(dict(zip(names, cells, strict=True)))
    except csv.Error as error:
        raise _invalid(path, reader.line_num, f"not CSV: {error}", "look at the quotes") from None
    if not rows:
        raise _invalid(path, max(reader.line_num, 1), "there is no row in it", "write a header line, then the rows")
    return rows


def _header(path: str, line: int, cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise _invalid(path, line, f"the name {name!r} stands in the header twice", "keep one of them")
        if not name.isidentifier():
            hint = "the first line holds the parameters' names, such as lr,bs"
            raise _invalid(path, line, f"{name!r} is not a parameter's name", hint)
    return names


def _invalid(path: str, line: int, problem: str, hint: str) -> InvalidFile:
    return InvalidFile(path=path, line=line, problem=problem, hint=hint)
