"""The second half of scripts/quickstart: start the daemon, submit the examples, watch them, show what to type next.

Only the command line is used, as a person would; every command is shown before it runs.
"""

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from gavelq.console import DIRECTORY

EXAMPLES = Path("examples")
PATIENCE_S = 120.0
ENDED = ("completed", "failed", "cancelled", "aborted")

Json = dict[str, Any]


def gavelq(*words: str, shown: bool = False) -> str:
    """Run a command; its standard output. Exits with the command's own code and message where it fails."""
    if shown:
        print("$ gavelq " + shlex.join(words))
    done = subprocess.run(["gavelq", *words], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        print(f"quickstart: `gavelq {shlex.join(words)}` ended with exit code {done.returncode}", file=sys.stderr)
        sys.exit(done.returncode)
    if shown:
        print(done.stdout, end="")
    return done.stdout


def asked(*words: str) -> Any:
    """The JSON answer of a command."""
    at = words.index("--") if "--" in words else len(words)
    return json.loads(gavelq(*words[:at], "-o", "json", *words[at:]))


def has_gpu() -> bool:
    """Whether the NVIDIA driver shows a GPU."""
    import pynvml

    try:
        pynvml.nvmlInit()
        found: int = pynvml.nvmlDeviceGetCount()
    except pynvml.NVMLError:
        return False
    return found > 0


def start() -> tuple[int, bool]:
    """Start the daemon, or find it running. How many GPUs it has, and whether they are simulated."""
    config = Path(asked("config", "path")["path"])
    if not config.exists():
        gavelq("config", "set", "gpu.provider", "nvml" if has_gpu() else "simulated")
    gavelq("daemon", "init", shown=True)
    is_simulated = asked("daemon", "status")["gpu_provider"] == "simulated"
    cards = asked("gpu", "list")
    if is_simulated:
        print(f"no NVIDIA GPU is used here: gavelq simulates {len(cards)}. Tasks are real processes all the same.")
    else:
        print(f"{len(cards)} NVIDIA GPU(s) found: the tasks below run on them.")
    return len(cards), is_simulated


def submit(n_cards: int, is_simulated: bool) -> list[int]:
    """Submit the examples; their ids."""
    data = Path(os.environ["GAVELQ_HOME"]) / "numbers.txt"
    data.unlink(missing_ok=True)  # it is made by hand in the tour
    python = "python3" if not is_simulated else "python"
    memory = (
        ["-n", "memory", "-m", "8", "--", "python", "-m", "gavelq.testing.simtask", "--vram", "8G", "--ramp", "1"]
        if is_simulated
        else ["-n", "memory", "-m", "1", "--", python, "examples/hold_memory.py", "3", "512"]
    )
    wide = str(min(2, n_cards))
    if wide != "2":
        print("(this machine has one GPU: the two-GPU example gets one, and says so)")
    requests = [
        ["-n", "hello", "--", "bash", "examples/hello.sh"],
        ["-n", "train", "--", python, "examples/train.py", "6", "0.5"],
        ["-n", "two-gpus", "-c", wide, "--", python, "examples/two_gpus.py"],
        ["-n", "needs-data", "--", python, "examples/needs_data.py", str(data)],
        ["-n", "show-env", "--", "bash", "examples/show_env.sh"],
        memory,
    ]
    ids = []
    for request in requests:
        print("$ gavelq submit " + shlex.join(request))
        ids.append(int(asked("submit", *request)["id"]))
    return ids


def has_console() -> bool:
    """Whether the web console was built."""
    return Path(DIRECTORY, "index.html").is_file()


def line_of(task: Json) -> str:
    """A task in one line."""
    gpus = ",".join(str(index) for index in task["gpus"]) or "-"
    told = task["pending_reason"] or task["end_reason"] or ""
    code = f", exit code {task['exit_code']}" if task["exit_code"] else ""
    return f"  task {task['id']:<3} {task['name']:<11} {task['state']:<10} GPU {gpus:<5} {told}{code}".rstrip()


def watch(ids: list[int]) -> list[Json]:
    """Show the tasks until all have ended: redrawn in place on a terminal, one line per change elsewhere."""
    is_live = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    before: dict[int, str] = {}
    deadline = time.monotonic() + PATIENCE_S
    while True:
        known = {task["id"]: task for task in asked("task", "list", "--all", "--limit", "1000")}
        tasks = [known[task_id] for task_id in ids if task_id in known]
        lines = {task["id"]: line_of(task) for task in tasks}
        if is_live:
            up = f"\033[{len(before)}A" if before else ""
            print(up + "".join(f"\033[2K{line}\n" for line in lines.values()), end="", flush=True)
        else:
            for task_id, line in lines.items():
                if before.get(task_id) != line:
                    print(line, flush=True)
        before = lines
        if all(task["state"] in ENDED for task in tasks):
            return tasks
        if time.monotonic() > deadline:
            print(f"still waiting after {PATIENCE_S:g} s: `gavelq task why ID` tells for what")
            return tasks
        time.sleep(0.2)


def results(tasks: list[Json]) -> None:
    """The last lines that every task printed."""
    for task in tasks:
        if task["state"] in ENDED:
            lines = gavelq("logs", str(task["id"]), "-t", "12" if task["name"] == "show-env" else "4").splitlines()
            print(f"\ntask {task['id']} ({task['name']}) {task['state']}" + (":" if lines else ", without a word"))
            for line in lines:
                print(f"  {line}")


def next_steps(tasks: list[Json], exports: str) -> None:
    """What to type now."""
    failed = next((task["id"] for task in tasks if task["name"] == "needs-data"), tasks[0]["id"])
    steps = [
        (f"export {exports}", ""),
        ("gavelq status", ""),
        ('gavelq submit "echo hello from GPU \\$GAVELQ_GPUS; sleep 5"', ""),
        (f"gavelq task info {failed}", "why did it fail?"),
        ('seq 100 > "$GAVELQ_HOME/numbers.txt"', "give it what it wants,"),
        (f"gavelq task rerun {failed}", "and try again"),
        *([("gavelq ui", "all of it in a browser")] if has_console() else []),
        ("gavelq daemon stop", "the end; running tasks would go on"),
    ]
    print("\nThe daemon runs on. To go on in this shell:\n")
    for command, why in steps:
        print(f"  {command:<38} # {why}" if why else f"  {command}")
    if not has_console():
        print("\nThe web console is not built: scripts/ui builds it (60 MB of Node.js), then `gavelq ui` opens it.")
    print("\nThe tour in README.md tells more.")


def main(exports: str) -> None:
    """Everything, in order."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a text file, whatever it leads to
    n_cards, is_simulated = start()
    print()
    ids = submit(n_cards, is_simulated)
    print()
    tasks = watch(ids)
    results(tasks)
    next_steps(tasks, exports)


if __name__ == "__main__":
    main(sys.argv[1])
