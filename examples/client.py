"""A load client: submits many small tasks over HTTP, many at a time, and tells how quickly they were taken.

    GAVELQ_TOKEN=... python examples/client.py --api http://127.0.0.1:8080 --tenant alice --tasks 1000

Without --api the daemon is found as the command line finds it. A task counts as submitted when the daemon said so; a
submission whose connection broke is sent again with its idempotency key, so that none is made twice or lost.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from gavelq import AsyncClient, DaemonUnreachable, GavelqError, TimedOut
from gavelq.client.http import new_key

AWAY_S = 60.0
"""So long a daemon that restarts is waited for."""


@dataclass
class Tally:
    """What happened so far."""

    ids: list[int] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, str] = field(default_factory=dict)
    """The first message of each kind of refusal."""
    n_repeated: int = 0
    submitting_s: float = 0.0


def main(words: list[str]) -> int:
    """Run the load; the exit code: 0 all was taken (and, with --wait, completed), 1 not."""
    options = _options(words)
    tally = Tally()
    if options.ids:
        try:
            open(options.ids, "a").close()  # before anything is submitted that could not be written down
        except OSError as error:
            print(f"client: --ids {options.ids}: {error.strerror}", file=sys.stderr)
            return 2
    try:
        asyncio.run(_load(options, tally))
    except KeyboardInterrupt:
        print("\ninterrupted; what was submitted goes on", file=sys.stderr)
    except GavelqError as error:
        print(f"client: {error.message}\nhint: {error.hint}", file=sys.stderr)
        return error.exit_code
    summary = _summary(tally)
    print(json.dumps(summary) if options.output == "json" else _text(summary))
    if options.ids:
        with open(options.ids, "w") as file:
            file.writelines(f"{task_id}\n" for task_id in tally.ids)
    return int(bool(tally.refused) or any(state != "completed" for state in tally.ends))


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--api", help="the daemon's address; its token is read from GAVELQ_TOKEN")
    parser.add_argument("--tenant", help="whose tasks they are (an admin's token may name any tenant)")
    parser.add_argument("--tasks", type=int, default=100, metavar="N", help="so many tasks (100)")
    parser.add_argument("--seconds", type=float, metavar="S", help="go on for so long instead, however many they are")
    parser.add_argument("--concurrency", type=int, default=16, metavar="C", help="so many requests at a time (16)")
    parser.add_argument("--command", default="true", help="what each task runs (true)")
    parser.add_argument("--gpus", type=int, default=1, metavar="G", help="GPUs for each task (1)")
    parser.add_argument("--memory-mb", type=int, metavar="M", help="GPU memory for each task, on each of its GPUs")
    parser.add_argument("--priority", type=int, default=0, metavar="P", help="0 to 100")
    parser.add_argument("--hold", action="store_true", help="submit only: the tasks are held, and never start")
    parser.add_argument("--wait", action="store_true", help="wait until all have ended, and count how")
    parser.add_argument("--ids", metavar="FILE", help="write the ids of all acknowledged tasks to a file")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    found = parser.parse_args(words)
    if found.tasks < 1 or found.concurrency < 1:
        parser.error("--tasks and --concurrency are at least 1")
    if found.seconds is not None and not found.seconds > 0:
        parser.error("--seconds is above 0")
    if found.hold and found.wait:
        parser.error("held tasks never end: leave out --hold or --wait")
    return found


async def _load(options: argparse.Namespace, tally: Tally) -> None:
    token = os.environ.get("GAVELQ_TOKEN")
    numbers = iter(range(options.tasks if options.seconds is None else sys.maxsize))
    until = None if options.seconds is None else time.monotonic() + options.seconds
    async with AsyncClient(url=options.api, token=token) as client:
        began = time.monotonic()
        telling = asyncio.ensure_future(_tell(options, tally))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(options.concurrency):
                    group.create_task(_submit_all(client, options, tally, numbers, until))
            tally.submitting_s = time.monotonic() - began
            if options.wait:
                await _wait_all(client, tally)
        except* GavelqError as errors:
            raise errors.exceptions[0] from None
        finally:
            telling.cancel()
            if sys.stderr.isatty():
                print(file=sys.stderr)


async def _submit_all(
    client: AsyncClient, options: argparse.Namespace, tally: Tally, numbers: Any, until: float | None
) -> None:
    """One of the clients: submit one task after another."""
    for number in numbers:
        if until is not None and time.monotonic() >= until:
            return
        request = _request(options, number)
        began = time.monotonic()
        try:
            task_id = await _submit(client, request, tally)
        except (DaemonUnreachable, TimedOut):
            raise
        except GavelqError as error:
            tally.refused[error.code] += 1
            tally.reasons.setdefault(error.code, error.message)
        else:
            tally.ids.append(task_id)
            tally.latencies.append(time.monotonic() - began)


def _request(options: argparse.Namespace, number: int) -> dict[str, Any]:
    request: dict[str, Any] = {
        "command": options.command,
        "name": f"load-{number}",
        "workdir": "/tmp",  # noqa: S108  # it exists everywhere, and nothing is written there
        "env": {"PATH": os.environ.get("PATH", os.defpath)},
        "gpu_request": options.gpus,
        "priority": options.priority,
        "hold": options.hold,
    }
    if options.tenant:
        request["tenant_id"] = options.tenant
    if options.memory_mb:
        request["memory_mb"] = options.memory_mb
    return request


async def _submit(client: AsyncClient, request: dict[str, Any], tally: Tally) -> int:
    """Submit a task and return its id. A daemon that is away, or busy, is asked again with the same key."""
    key, give_up_at = new_key(), time.monotonic() + AWAY_S
    while True:
        try:
            tasks = await client.submit_all([request], key=key)  # type: ignore[list-item]  # the names of the REST API
            return int(tasks[0]["id"])
        except GavelqError as error:
            is_away = error.http_status >= 500 or error.http_status in (408, 429)
            if not is_away or not tally.ids or time.monotonic() >= give_up_at:
                raise
        tally.n_repeated += 1
        await asyncio.sleep(0.2)


async def _wait_all(client: AsyncClient, tally: Tally) -> None:
    for task_id in tally.ids:
        tally.ends[(await client.wait(task_id))["state"]] += 1


async def _tell(options: argparse.Namespace, tally: Tally) -> None:
    """Progress on standard error: on one line of a terminal, else every five seconds."""
    is_terminal = sys.stderr.isatty()
    total = options.tasks if options.seconds is None else None
    while True:
        await asyncio.sleep(0.2 if is_terminal else 5.0)
        text = f"{len(tally.ids)}{f'/{total}' if total else ''} submitted, {sum(tally.refused.values())} refused"
        if tally.ends:
            text += f", {sum(tally.ends.values())} ended"
        print(f"\r\033[K{text}" if is_terminal else text, end="" if is_terminal else "\n", file=sys.stderr, flush=True)


def _summary(tally: Tally) -> dict[str, Any]:
    elapsed_s, ordered = tally.submitting_s, sorted(tally.latencies)

    def at(share: float) -> float | None:
        return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else None

    return {
        "n_submitted": len(tally.ids),
        "n_refused": sum(tally.refused.values()),
        "refused": dict(tally.refused),
        "reasons": tally.reasons,
        "n_repeated": tally.n_repeated,
        "elapsed_s": round(elapsed_s, 3),
        "per_second": round(len(tally.ids) / elapsed_s, 1) if elapsed_s else None,
        "latency_ms": {"p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": at(1.0)},
        "ended": dict(tally.ends),
    }


def _text(summary: dict[str, Any]) -> str:
    latency = summary["latency_ms"]
    lines = [
        f"submitted  {summary['n_submitted']} in {summary['elapsed_s']:.2f} s ({summary['per_second']} per second)",
    ]
    if summary["n_submitted"]:
        lines.append("latency    " + ", ".join(f"{name} {value} ms" for name, value in latency.items()))
    for title in ("refused", "ended"):
        counts = ", ".join(f"{number} {name}" for name, number in sorted(summary[title].items()))
        lines += [f"{title:9}  {counts}"] if counts else []
    lines += [f"           {code}: {text}" for code, text in summary["reasons"].items()]
    lines += [f"repeated   {summary['n_repeated']} requests"] if summary["n_repeated"] else []
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
