"""How well the order of `fair` does, by its ageing: `python -m bench.ageing [--draws N] [--rules DAYS^EXPONENT,...]`.

Every rule runs over the shared traces with limits that are drawn anew N times, as `gavelq simulate --seed 1` to `N`
does; docs/decisions/19-ageing.md has the figures. Each run is one line of JSON in the file that --to names, and is not
made again.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gavelq.sim.comparing import Comparison
from gavelq.sim.machine import parse_machine
from gavelq.sim.policies import BASE, named
from gavelq.sim.readers import read_trace

TRACES = Path(__file__).resolve().parents[2] / "shared" / "traces"
LOADS = (("ef-c10", 8), ("ef-c05", 16), ("ef-c05", 12))
_DAY_S = 86400.0
Key = tuple[str, int, str, int]
"""The trace, the number of GPUs, the rule and the draw."""


def run(trace: str, n_gpus: int, rule: str, draw: int) -> dict[str, Any]:
    """One run: the multiple of the bound, the longest wait in days, and the promises that were broken."""
    days, exponent = (float(word) for word in rule.split("^"))
    rules = replace(BASE, ageing_s=days * _DAY_S, ageing_exponent=exponent)
    path = str(TRACES / f"{trace}.csv.gz")
    comparison = Comparison(trace=read_trace(path), machine=parse_machine(str(n_gpus)), seed=draw)
    found = comparison.run(named("fair", base=rules), time.process_time).measures
    return {
        "key": (trace, n_gpus, rule, draw), "ratio": found.ratio_mean_jct,
        "longest_d": (found.max_wait_s or 0) / _DAY_S, "broken": found.promises_broken,
        "events_per_s": found.events_per_s,
    }  # fmt: skip


def runs(rules: Sequence[str], draws: int) -> Iterator[Key]:
    """All that have to be made, each draw under every rule before the next."""
    for trace, n_gpus in LOADS:
        for draw in range(1, draws + 1):
            for rule in rules:
                yield trace, n_gpus, rule, draw


def table(found: dict[Key, dict[str, Any]], rules: Sequence[str]) -> str:
    """One line for each machine and rule; `better`: in how many draws it beats the first rule."""
    lines = [
        "| trace, GPUs | ageing | draws | seed 1 | mean | from, to | better | longest wait, mean, worst | broken |"
    ]
    lines.append("|---" * 9 + "|")
    for trace, n_gpus in LOADS:
        for rule in rules:
            mine = {key[3]: one for key, one in found.items() if key[:3] == (trace, n_gpus, rule)}
            first = {key[3]: one for key, one in found.items() if key[:3] == (trace, n_gpus, rules[0])}
            if not mine:
                continue
            ratios, waits = [one["ratio"] for one in mine.values()], [one["longest_d"] for one in mine.values()]
            better = sum(draw in first and one["ratio"] < first[draw]["ratio"] for draw, one in mine.items())
            seed_1 = f"{mine[1]['ratio']:.3f}" if 1 in mine else "-"
            cells = [
                f"{trace}, {n_gpus}", rule, str(len(mine)), seed_1, f"{statistics.mean(ratios):.3f}",
                f"{min(ratios):.3f}, {max(ratios):.3f}", str(better),
                f"{statistics.mean(waits):.1f} d, {max(waits):.1f} d", str(sum(one["broken"] for one in mine.values())),
            ]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.ageing", description=__doc__)
    parser.add_argument("--draws", type=int, default=20, help="so many draws of the limits")
    parser.add_argument(
        "--rules", default="7^2,30^2", help="days and exponents of the ageing; the first is compared to"
    )
    parser.add_argument("--to", type=Path, default=Path("ageing.jsonl"), help="where each run is written")
    options = parser.parse_args()
    rules = options.rules.split(",")
    lines = options.to.read_text().splitlines() if options.to.exists() else []
    found: dict[Key, dict[str, Any]] = {}
    for line in lines:
        one = json.loads(line)
        trace, n_gpus, rule, draw = one["key"]
        found[trace, n_gpus, rule, draw] = one
    for key in runs(rules, options.draws):
        if key not in found:
            found[key] = run(*key)
            print(found[key], file=sys.stderr)
            with options.to.open("a") as file:
                file.write(json.dumps(found[key]) + "\n")
    print(table(found, rules))
    return 0


if __name__ == "__main__":
    sys.exit(main())
