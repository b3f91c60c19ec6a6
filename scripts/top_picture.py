"""Draws docs/top.svg: `gavelq top` as it looks on a terminal of 100 columns, with a few tasks on simulated GPUs.

`scripts/top_picture.py OUT.svg`. The daemon and its tasks live in a temporary directory, and are ended afterwards.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from gavelq.cli.screen.app import Top
from gavelq.client.address import Address
from gavelq.client.async_link import AsyncLink
from gavelq.client.sdk import Client
from gavelq.client.shapes import TaskFields

SIZE = (100, 26)
USE = f"{sys.executable} -m gavelq.testing.simtask --hold 600"
FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Textual's pictures load fonts from elsewhere; ours load nothing."""


async def draw(socket: str) -> str:
    """The picture, once everything has been seen."""
    client = Client(socket=socket)
    app = Top(AsyncLink(Address(socket=socket)), user=dict(client.user()))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(8)  # utilisation and memory settle
        await pilot.press("w")
        await pilot.pause(2)
        return FONTS.sub("", app.export_screenshot(title="gavelq top"))


def submit(socket: str) -> None:
    """What is to be seen: two that run, one that is too wide, one behind it, one that is held."""
    client = Client(socket=socket)
    every: TaskFields = {"workdir": tempfile.gettempdir(), "env": dict(os.environ), "time_limit": "2h"}
    wanted: list[tuple[str, TaskFields]] = [
        (f"{USE} --vram 19G --util 96", {"name": "pretrain", "gpu_count": 2}),
        (f"{USE} --vram 7G --util 41", {"name": "finetune-bert", "memory": "8G", "priority": 20}),
        (f"{USE} --vram 20G", {"name": "wide", "gpu_count": 4, "priority": 10}),
        (f"{USE} --vram 12G", {"name": "eval", "gpu_count": 2}),
        ("true", {"name": "report", "hold": True}),
    ]
    for command, fields in wanted:
        client.submit(command, **(every | fields))


def main() -> int:
    """Start a daemon, fill it, draw, stop it."""
    with tempfile.TemporaryDirectory(prefix="gqtop-", dir="/tmp") as home:  # a socket's path must be short
        settings = {"HOME": home, "GPU_PROVIDER": "simulated", "GPU_SIMULATED_COUNT": "4"}
        env = {**os.environ, **{f"GAVELQ_{name}": value for name, value in settings.items()}}
        gavelq = [sys.executable, "-m", "gavelq"]
        subprocess.run([*gavelq, "daemon", "init"], env=env, check=True)
        try:
            socket = f"{home}/run/gavelq.sock"
            submit(socket)
            Path(sys.argv[1]).write_text(asyncio.run(draw(socket)), encoding="utf-8")
        finally:
            subprocess.run([*gavelq, "daemon", "stop", "--kill-tasks"], env=env, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
