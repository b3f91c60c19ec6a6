"""A person's program is checked by mypy --strict against the SDK's own types; nothing is Any that need not be."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio
from gavelq import AsyncClient, Client, Executor


def blocking() -> None:
    client = Client()
    task = client.submit("python train.py", gpu_count=2, memory="20G", priority=5)
    state: str = client.wait(task["id"], timeout_s=60)["state"]
    uuids: list[str] = [gpu["uuid"] for gpu in client.gpus()]
    text: bytes = b"".join(client.follow(task["id"]))
    for event in client.events(kinds=["ended"]):
        name: str = event.event
    with client.lease(gpus=1) as lease:
        indices: list[int | str] = lease.gpus


async def waiting() -> None:
    async with AsyncClient(url="http://127.0.0.1:8080", token="t") as client:
        task = await client.submit("python train.py", gpu_count=2)
        ended = await asyncio.create_task(client.wait(task["id"]))
        code: int | None = ended["exit_code"]
        queue = await client.set_queue("night", max_running=1)
        n_pending: int = queue["n_pending"]
        async for piece in client.follow(task["id"]):
            size: int = len(piece)


def square(number: int) -> float:
    return number**2 / 1


def calls() -> None:
    with Executor(gpus=1, memory="8G", time_limit="1h") as executor:
        future = executor.submit(square, 3)
        result: float = future.result()
        identity: int = future.task_id
        total: float = sum(executor.map(square, range(10), chunksize=5))
"""
WRONG = """
from gavelq import AsyncClient, Client, Executor


def square(number: int) -> float:
    return number**2 / 1


Client().submit("true", gpu_cuont=2)
Client().gpus()[0]["uid"]
Executor(gpus=1, memroy="8G")
Executor(gpus=1).submit(square, "three")
result: str = Executor(gpus=1).submit(square, 3).result()


async def wrong(client: AsyncClient) -> None:
    await client.submit("true", gpu_cuont=2)
    await client.task("three")
    name: str = await client.gpus()
"""


def check(directory: Path, **programs: str) -> dict[str, list[int]]:
    """By program, the lines in which mypy sees an error. One run for all: most of it goes into reading the SDK."""
    for name, program in programs.items():
        (directory / f"{name}.py").write_text(program)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={directory}"]
    env = {"MYPYPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"}
    command += [f"{name}.py" for name in programs]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, env=env, cwd=directory)
    errors = [line.split(":") for line in done.stdout.splitlines() if ": error:" in line]
    return {name: sorted(int(line) for file, line, *_ in errors if file == f"{name}.py") for name in programs}


def test_a_right_program_passes_and_a_wrong_one_does_not(tmp_path: Path) -> None:
    assert check(tmp_path, right=PROGRAM, wrong=WRONG) == {"right": [], "wrong": [9, 10, 11, 12, 13, 17, 18, 19]}
