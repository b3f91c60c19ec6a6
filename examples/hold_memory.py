"""Take real GPU memory for a while, through the CUDA driver library alone: `hold_memory.py [SECONDS] [MIB]`.

For trying gavelq on a real card without installing a framework: 30 seconds and 1024 MiB unless told otherwise, on each
GPU that the task sees. TERM and Ctrl-C end it cleanly. Exit codes: 0 done, 1 the driver refused (for example out of
memory), 2 wrong usage, 3 no NVIDIA driver or no GPU here.

CUDA driver API: https://docs.nvidia.com/cuda/cuda-driver-api/
"""

import contextlib
import ctypes
import os
import signal
import sys
import time

MIB = 1 << 20
OUT_OF_MEMORY, NO_DEVICE, SYSTEM_NOT_READY, NOT_PERMITTED = 2, 100, 802, 800


class Refused(Exception):
    """The driver answered an error."""

    def __init__(self, code: int, what: str) -> None:
        super().__init__(f"{what}: CUDA error {code}")
        self.code = code


class Driver:
    """The few functions of libcuda.so.1 that are needed."""

    def __init__(self) -> None:
        """Raises OSError where the library is missing, Refused where there is no GPU."""
        self._cuda = ctypes.CDLL("libcuda.so.1")
        self._do("cuInit", ctypes.c_uint(0))

    def count(self) -> int:
        """How many GPUs this process sees."""
        found = ctypes.c_int()
        self._do("cuDeviceGetCount", ctypes.byref(found))
        return found.value

    def name(self, ordinal: int) -> str:
        """What the GPU is called."""
        text = ctypes.create_string_buffer(128)
        self._do("cuDeviceGetName", text, ctypes.c_int(len(text)), self._device(ordinal))
        return text.value.decode(errors="replace")

    def take(self, ordinal: int, mib: int) -> None:
        """Allocate and touch memory on one GPU; the end of the process gives it back. Raises Refused."""
        context = ctypes.c_void_p()
        self._do("cuDevicePrimaryCtxRetain", ctypes.byref(context), self._device(ordinal))
        self._do("cuCtxSetCurrent", context)
        if mib > 0:
            address = ctypes.c_uint64()
            self._do("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(mib * MIB))
            self._do("cuMemsetD8_v2", address, ctypes.c_ubyte(1), ctypes.c_size_t(mib * MIB))
            self._do("cuCtxSynchronize")

    def _device(self, ordinal: int) -> ctypes.c_int:
        found = ctypes.c_int()
        self._do("cuDeviceGet", ctypes.byref(found), ctypes.c_int(ordinal))
        return found

    def _do(self, function: str, *arguments: object) -> None:
        code = getattr(self._cuda, function)(*arguments)
        if code != 0:
            raise Refused(code, function)


def is_asked_to_stop(seconds: float) -> bool:
    """Wait; True as soon as TERM or Ctrl-C arrives (both are blocked, and taken here)."""
    try:
        return signal.sigtimedwait({signal.SIGTERM, signal.SIGINT}, seconds) is not None
    except InterruptedError:
        return False


def hold(seconds: float, mib: int) -> int:
    """Take the memory on every visible GPU, say so, and wait. Answers the exit code."""
    try:
        driver = Driver()
        n_gpus = driver.count()
        for ordinal in range(n_gpus):
            driver.take(ordinal, mib)
            print(f"holding {mib} MiB on GPU {ordinal} ({driver.name(ordinal)}) as process {os.getpid()}", flush=True)
    except OSError as error:
        print(f"There is no NVIDIA driver on this machine ({error}): nothing to hold.", file=sys.stderr)
        return 3
    except Refused as error:
        if error.code in (NO_DEVICE, SYSTEM_NOT_READY, NOT_PERMITTED):
            print(f"There is no usable GPU here ({error}): nothing to hold.", file=sys.stderr)
            return 3
        said = "CUDA out of memory" if error.code == OUT_OF_MEMORY else "the CUDA driver refused"
        print(f"{said}: could not take {mib} MiB ({error}).", file=sys.stderr)
        return 1
    if n_gpus == 0:
        print("This process sees no GPU (CUDA_VISIBLE_DEVICES is empty?): nothing to hold.", file=sys.stderr)
        return 3
    began = time.monotonic()
    stopped = is_asked_to_stop(seconds)
    print(f"{'asked to stop' if stopped else 'done'} after {time.monotonic() - began:.1f} s", flush=True)
    return 0


def main(arguments: list[str]) -> int:
    """The command line: seconds, then MiB."""
    try:
        seconds, mib = float(arguments[0]) if arguments else 30.0, int(arguments[1]) if len(arguments) > 1 else 1024
        if len(arguments) > 2 or not 0 <= seconds <= 31_536_000 or not 0 <= mib <= 1 << 30:
            raise ValueError("out of range")
    except ValueError as error:
        print(f"usage: hold_memory.py [SECONDS] [MIB] ({error})", file=sys.stderr)
        return 2
    # Blocked before CUDA starts its threads, so that all of them leave the signals to the waiting below.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    with contextlib.suppress(BrokenPipeError):
        return hold(seconds, mib)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
