"""NVIDIA MPS, one private control daemon per GPU (nvidia-cuda-mps-control(1)), which no privilege is needed for.

The daemons are detached and outlive us; what is running is known by the directories that were made for them, each with
the GPU's UUID in a file, so that the next gavelq finds and quits what is left over.
"""

import asyncio
import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping

from gavelq.core.errors import GavelqError
from gavelq.core.ids import GpuUuid
from gavelq.paths import MAX_SOCKET_PATH

CONTROL = "nvidia-cuda-mps-control"
_UUID = "uuid"
_TIMEOUT_S = 15.0


def problem() -> str:
    """Why there can be no MPS here, and what helps; empty where there can."""
    if shutil.which(CONTROL) is None:
        return f"{CONTROL} is not in the daemon's PATH: it comes with the NVIDIA driver (Linux, not in all containers)"
    return ""


class PrivateMps:
    """Port Mps."""

    def __init__(self, directory: str, unavailable: type[GavelqError]) -> None:
        """`directory` gets one of its own for each GPU (0700). `unavailable` is raised, with `problem`."""
        self._directory = directory
        self._unavailable = unavailable

    def running(self) -> set[GpuUuid]:
        """The GPUs that a daemon was started for and not quit yet."""
        try:
            names = os.listdir(self._directory)
        except OSError:
            return set()
        return {uuid for name in names if (uuid := _read(os.path.join(self._directory, name, _UUID)))}

    async def start(self, gpu: GpuUuid) -> Mapping[str, str]:
        """See the port."""
        return await asyncio.to_thread(self._start, gpu)

    async def quit(self, gpu: GpuUuid) -> None:
        """See the port."""
        await asyncio.to_thread(self._quit, gpu)

    def _places(self, gpu: GpuUuid) -> dict[str, str]:
        # Short: there are unix sockets in it, whose paths may have 107 bytes.
        own = os.path.join(self._directory, hashlib.sha256(gpu.encode()).hexdigest()[:8])
        return {
            "CUDA_MPS_PIPE_DIRECTORY": os.path.join(own, "pipe"),
            "CUDA_MPS_LOG_DIRECTORY": os.path.join(own, "log"),
        }

    def _start(self, gpu: GpuUuid) -> Mapping[str, str]:
        places = self._places(gpu)
        pipe = places["CUDA_MPS_PIPE_DIRECTORY"]
        if len(os.fsencode(pipe)) > MAX_SOCKET_PATH - 20:
            raise self._unavailable(problem=f"{pipe} is too long a path for the sockets of MPS: shorten GAVELQ_HOME")
        try:
            for directory in (self._directory, os.path.dirname(pipe), *places.values()):
                os.makedirs(directory, mode=0o700, exist_ok=True)
            with open(os.path.join(os.path.dirname(pipe), _UUID), "w", encoding="ascii") as file:
                file.write(gpu)
        except OSError as error:
            raise self._unavailable(problem=f"{pipe} cannot be made: {error}") from error
        code, said = self._control(gpu, places, "-d")
        # One that a gavelq before us has left is as good.
        if code and self._control(gpu, places, says="get_server_list\n")[0]:
            raise self._unavailable(problem=f"{CONTROL} -d failed: {said or f'exit code {code}'}")
        return places

    def _quit(self, gpu: GpuUuid) -> None:
        places = self._places(gpu)
        code, said = self._control(gpu, places, says="quit\n")
        # A daemon that is gone cannot be asked to go: only one that still answers is a problem.
        if code and not self._control(gpu, places, says="get_server_list\n")[0]:
            raise self._unavailable(problem=f"{CONTROL} does not quit: {said or f'exit code {code}'}")
        shutil.rmtree(os.path.dirname(places["CUDA_MPS_PIPE_DIRECTORY"]), ignore_errors=True)

    def _control(self, gpu: GpuUuid, places: Mapping[str, str], *words: str, says: str = "") -> tuple[int, str]:
        """Run the control program; its exit code, and the last line that it said."""
        try:
            done = subprocess.run(
                [CONTROL, *words],
                input=says,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, **places, "CUDA_VISIBLE_DEVICES": gpu},
                cwd="/",
                timeout=_TIMEOUT_S,
                check=False,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return 1, str(error)
        return done.returncode, (done.stdout.strip().splitlines() or [""])[-1][:200]


def _read(path: str) -> GpuUuid | None:
    try:
        with open(path, encoding="ascii") as file:
            return GpuUuid(file.read(200).strip()) or None
    except (OSError, ValueError):
        return None
