"""Usage reports as tables and as CSV."""

from __future__ import annotations

import csv
import io
import sys
from typing import Any

from gavelq.cli.output.table import Column, print_table
from gavelq.cli.output.text import safe, say
from gavelq.cli.output.times import duration, local

Json = dict[str, Any]

_SUMS = (
    "gpu_hours", "idle_gpu_hours", "foreign_gpu_hours", "efficiency_percent", "n_started", "n_ended", "n_completed",
    "n_failed", "n_cancelled", "n_aborted", "wait_mean_s", "wait_p50_s", "wait_p95_s",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for a formula begins so (OWASP, CSV injection)."""


def print_usage(report: Json) -> None:
    """The rows under each other, the total last; then what should be known of them."""
    by, rows = report["by"], report["rows"]
    columns = [
        *(Column(name.upper(), is_soft=name != "day") for name in by),
        Column("GPU-HOURS", is_right=True), Column("IDLE", is_right=True),
        Column("FOREIGN", is_right=True, is_optional=True), Column("BUSY", is_right=True),
        Column("STARTED", is_right=True), Column("DONE", is_right=True), Column("FAILED", is_right=True),
        Column("CANCELLED", is_right=True, is_spare=True), Column("ABORTED", is_right=True, is_spare=True),
        Column("WAIT", is_right=True, is_spare=True), Column("P50", is_right=True), Column("P95", is_right=True),
    ]  # fmt: skip
    told = [[*(str(row[name]) for name in by), *_cells(row)] for row in rows]
    total = ["total", *[""] * (len(by) - 1)] if by else []
    print_table(columns, [*told, [*total, *_cells(report["total"])]])
    if sys.stdout.isatty():
        whose = f"tenant {report['tenant']}, " if report["tenant"] else ""
        say(safe(f"{whose}{local(report['from'])} to {local(report['to'])}"))
        if report["note"]:
            say(safe(report["note"]))


def _cells(row: Json) -> list[str]:
    return [
        f"{row['gpu_hours']:.2f}",
        _number(row["idle_gpu_hours"], 2, "?"),
        _number(row["foreign_gpu_hours"], 2, "-"),
        "-" if row["efficiency_percent"] is None else f"{row['efficiency_percent']:.0f}%",
        *(_number(row[name], 0, "-") for name in ("n_started", "n_completed", "n_failed", "n_cancelled", "n_aborted")),
        *(duration(row[name]) for name in ("wait_mean_s", "wait_p50_s", "wait_p95_s")),
    ]


def _number(value: float | None, digits: int, unknown: str) -> str:
    return unknown if value is None else f"{value:.{digits}f}"


def print_csv(report: Json) -> None:
    """The rows (where it is not split, the total alone) as RFC 4180 has it: CRLF, UTF-8; unknown is empty."""
    sys.stdout.flush()
    sys.stdout.buffer.write(csv_text(report).encode())
    sys.stdout.buffer.flush()


def csv_text(report: Json) -> str:
    """See `print_csv`."""
    names = [*report["by"], *_SUMS]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["from", "to", *names])
    for row in report["rows"] if report["by"] else [report["total"]]:
        writer.writerow([report["from"], report["to"], *(_cell(row[name]) for name in names)])
    return text.getvalue()


def _cell(value: object) -> object:
    """Numbers stay numbers; of texts, those that would be a formula get an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
