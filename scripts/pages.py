"""The pages of docs/ that are written from the code: lifecycle, events, command reference. Called by scripts/docs."""

import sys
from collections.abc import Callable
from pathlib import Path

import event_page

from gavelq.cli.reference import render
from gavelq.core.lifecycle import END_STATES, ENDED, HOLDING, TABLE, TaskState

HEAD = """# The life of a task

Drawn by `scripts/docs` from the tables in `src/gavelq/core/lifecycle.py`. One function, `advance`, changes a state, and
it refuses what is not drawn here.

"""

MEANING = {
    TaskState.HELD: "accepted, not eligible: in a hold queue, or put on hold",
    TaskState.PENDING: "eligible, waits for its place; `task why` tells for what",
    TaskState.STARTING: "its GPUs are chosen and the choice is on disk; its process is being made",
    TaskState.RUNNING: "its command runs",
    TaskState.STOPPING: "asked to end: TERM, the grace time, KILL, until nothing of it is left",
    TaskState.COMPLETED: "its command ended with exit code 0",
    TaskState.FAILED: "its command, or its start, failed",
    TaskState.CANCELLED: "ended by a person",
    TaskState.ABORTED: "ended by the system",
}


def lifecycle() -> str:
    """docs/lifecycle.md."""
    return HEAD + "\n".join([*_diagram(), "", *_states(), "", *_reasons()]) + "\n"


def _diagram() -> list[str]:
    lines = ["```mermaid", "stateDiagram-v2"]
    for source, targets in TABLE.items():
        name = source.value if source else "[*]"
        lines += [f"    {name} --> {target.value}" for target in TaskState if target in targets]
    lines += [f"    {state.value} --> [*]" for state in TaskState if state in ENDED]
    return [*lines, "```"]


def _states() -> list[str]:
    rows = ["| state | meaning | holds GPUs | may become |", "|---|---|---|---|"]
    for state in TaskState:
        after = ", ".join(target.value for target in TaskState if target in TABLE[state]) or "nothing, ever"
        holds = "yes" if state in HOLDING else "no"
        rows.append(f"| {state.value} | {MEANING[state]} | {holds} | {after} |")
    return rows


def _reasons() -> list[str]:
    rows = ["Every end has a reason that programs can read:", "", "| end reason | end state |", "|---|---|"]
    return rows + [f"| `{reason.value}` | {state.value} |" for reason, state in END_STATES.items()]


PAGES: dict[str, Callable[[], str]] = {
    "docs/lifecycle.md": lifecycle, "docs/events.md": event_page.render, "docs/cli.md": render,
}  # fmt: skip


def main(arguments: list[str]) -> int:
    """Write the stale pages; with `--check`, only name them and return 1."""
    stale = [name for name, made in PAGES.items() if not Path(name).exists() or Path(name).read_text() != made()]
    for name in stale:
        print(f"{name} is stale" if arguments else f"writing {name}")
        if not arguments:
            Path(name).write_text(PAGES[name]())
    return 1 if stale and arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
