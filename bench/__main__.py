"""`python -m bench [FIGURE...]`: measure, and print a table in Markdown. Without a figure: all of them."""

import argparse
import datetime
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

from bench import backlog, console, history, quick, serving, simulating, standing, usage
from bench.contenders import PEERS, Contender, Gavelq, NotHere
from bench.measuring import Row

Figure = Callable[[list[Contender]], list[Row]]

FIGURES: dict[str, tuple[Figure, int, bool]] = {
    "submit": (quick.submit, 4, True),
    "start": (quick.start, 4, True),
    "gap": (quick.gap, 1, True),
    "throughput": (quick.throughput, 4, True),
    "idle": (standing.idle, 4, True),
    "memory": (standing.memory, 4, True),
    "backlog": (backlog.backlog, 4, False),
    "cycle": (backlog.cycle, 0, False),
    "http": (serving.submissions, 4, False),
    "streams": (serving.streams, 4, False),
    "console": (console.console, console.N_GPUS, False),
    "usage": (usage.usage, 0, False),
    "history": (history.history, history.N_GPUS, False),
    "simulate": (simulating.simulate, 0, False),
}
"""What measures it, on how many GPUs, and whether the peers take part. 0 GPUs: no daemon is needed."""


def measure(name: str, peers: bool) -> list[Row]:
    """One figure with fresh servers, all ended again."""
    figure, n_gpus, has_peers = FIGURES[name]
    if not n_gpus:
        return figure([])
    with tempfile.TemporaryDirectory(prefix="gqb-", ignore_cleanup_errors=True) as directory:
        started: list[Contender] = []
        try:
            kinds: list[type[Contender]] = [Gavelq, *(PEERS if peers and has_peers else ())]
            for kind in kinds:
                home = Path(directory) / kind.name
                home.mkdir()
                contender = kind(home, n_gpus)
                try:
                    contender.start()
                    started.append(contender)
                except NotHere as reason:
                    print(f"{kind.name} is left out: {reason}", file=sys.stderr)
            return figure(started)
        finally:
            for contender in started:
                contender.stop()


def table(rows: list[Row]) -> str:
    """The rows in Markdown."""
    names = ["gavelq", *(kind.name for kind in PEERS)]
    names = [name for name in names if any(name in row.values for row in rows)]
    lines = [f"| figure | unit | target | {' | '.join(names)} |", "|---" * (3 + len(names)) + "|"]
    for row in rows:
        cells = [_cell(row, name) for name in names]
        target = row.target.removesuffix(f" {row.unit}") or "-"
        lines.append(f"| {row.what} | {row.unit} | {target} | {' | '.join(cells)} |")
    notes = [f"* {row.what}, {name}: {note}" for row in rows for name, note in row.notes.items()]
    return "\n".join([*lines, "", *notes])


def _cell(row: Row, name: str) -> str:
    value = row.values.get(name)
    if value is None:
        return ""
    shown = f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"
    return f"**{shown}** (missed)" if name == "gavelq" and row.is_met() is False else shown


def main() -> int:
    """The command line; 1 where a target was missed, or a figure could not be measured: the others are told then."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"any of {', '.join(FIGURES)}")
    parser.add_argument("--no-peers", action="store_true", help="measure gavelq alone")
    options = parser.parse_args()
    unknown = [name for name in options.figures if name not in FIGURES]
    if unknown:
        parser.error(f"{', '.join(unknown)}: the figures are {', '.join(FIGURES)}")
    rows: list[Row] = []
    missing: list[str] = []
    try:
        for name in options.figures or FIGURES:
            print(f"measuring {name} ...", file=sys.stderr)
            try:
                rows += measure(name, not options.no_peers)
            except NotHere as reason:
                missing.append(f"{name} is left out: {reason}")
            except Exception as error:  # noqa: BLE001  # an hour of other figures is not to be lost with this one
                traceback.print_exc()
                missing.append(f"{name} could not be measured: {error}")
    except KeyboardInterrupt:
        print(f"interrupted while measuring {name}; this is what was measured before", file=sys.stderr)
    load = os.getloadavg()[0]
    where = f"{os.cpu_count()} cores, Python {platform.python_version()}, load at the end {load:.1f}"
    print(f"{datetime.date.today()}, {where}\n")
    print(table(rows))
    for one in missing:
        print(f"* {one}")
    return 1 if missing or any(row.is_met() is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
