"""Forecasts of the queue from a process of their own, so that the daemon's loop and its memory have no part in them."""

import os
import subprocess
import threading
from collections.abc import Iterable

from gavelq.adapters.apart import clean_environment, command_of
from gavelq.core.errors import GavelqError

_CODE = "from gavelq.sim.live.answering import main; main()"
_MAX_SAID = 2000


class CannotSimulate(GavelqError):
    """the simulation failed: {why}"""

    code = "simulation_failed"
    hint = "look fewer hours ahead, or ask again when fewer tasks wait; the daemon itself goes on"


class SimulatorProcess:
    """See `gavelq.ports.Simulator`."""

    def run(self, question: Iterable[bytes], timeout_s: float) -> bytes:
        """Start it, ask, and wait for its end."""
        try:
            process = subprocess.Popen(
                command_of(_CODE), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
                env=clean_environment(os.environ), start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise CannotSimulate(why=f"it cannot be started: {error}") from error
        is_late = threading.Event()
        timer = threading.Timer(timeout_s, _end, (process, is_late))
        timer.daemon = True
        timer.start()
        try:
            answer, said = _asked(process, question)
        finally:
            timer.cancel()
            process.kill()
            process.wait()
        if is_late.is_set():
            raise CannotSimulate(why=f"it took longer than {timeout_s:g} s")
        if process.returncode != 0:
            why = said.decode(errors="replace")[-_MAX_SAID:].strip().rpartition("\n")[2]
            raise CannotSimulate(why=why or f"it ended with {process.returncode}")
        return answer


def _asked(process: "subprocess.Popen[bytes]", question: Iterable[bytes]) -> tuple[bytes, bytes]:
    """Its answer, and what it said on standard error. It reads everything before it writes anything."""
    pipe = process.stdin
    if pipe is None:
        raise AssertionError("it was started with a pipe")
    try:
        for piece in question:
            pipe.write(piece)
        pipe.close()
    except BrokenPipeError:
        pass  # it has ended; what it said tells why
    process.stdin = None
    return process.communicate()


def _end(process: "subprocess.Popen[bytes]", is_late: threading.Event) -> None:
    is_late.set()
    process.kill()
