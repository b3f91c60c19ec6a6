"""The one place where NVML is called, through nvidia-ml-py.

NVML API reference: https://docs.nvidia.com/deploy/nvml-api/. What a card or a driver cannot tell is None here; what
means that a card or the whole driver does not answer any more is `CardUnreachable`; nothing else comes out.
"""

import importlib
import logging
from dataclasses import dataclass
from typing import Any, Protocol

log = logging.getLogger(__name__)

UNINITIALIZED = 1
NO_PERMISSION = 4
DRIVER_NOT_LOADED = 9
LIBRARY_NOT_FOUND = 12
FUNCTION_NOT_FOUND = 13
GPU_IS_LOST = 15
RESET_REQUIRED = 16
VERSION_MISMATCH = 18

DRIVER_GONE = frozenset({UNINITIALIZED, DRIVER_NOT_LOADED, LIBRARY_NOT_FOUND, VERSION_MISMATCH})
"""Answers that are about the driver rather than one card."""

_UNREACHABLE = DRIVER_GONE | {GPU_IS_LOST, RESET_REQUIRED}

_HINTS = {
    LIBRARY_NOT_FOUND: "the NVIDIA driver's library libnvidia-ml.so.1 was not found: install the driver (a container "
    "needs `--gpus all`), or set gpu.provider to simulated",
    DRIVER_NOT_LOADED: "the NVIDIA kernel driver is not loaded: load it (`sudo modprobe nvidia`), or set gpu.provider "
    "to simulated",
    VERSION_MISMATCH: "the NVIDIA library and the kernel driver have different versions, as after a driver update: "
    "reboot, or reload the kernel modules",
    NO_PERMISSION: "the NVIDIA driver may not be used by this account: check the permissions of /dev/nvidia*",
}


class CardUnreachable(Exception):
    """A card, or the whole driver, does not answer. `code` is NVML's (nvmlReturn_t), 0 where there is none."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Query:
    """A function of the binding with the arguments behind the handle."""

    function: str
    arguments: tuple[object, ...] = ()
    instead: "Query | None" = None
    """Asked where the driver (or the binding) does not have the function: the binding itself never falls back."""


class Asking(Protocol):
    """What readers of cards need of the gateway."""

    def ask(self, query: Query, *handle: object) -> Any:
        """The answer, or None where it cannot be told. Raises CardUnreachable."""
        ...


class Gateway:
    """NVML, opened and closed, asked one question at a time. For one thread."""

    def __init__(self) -> None:
        self._binding: Any = None
        self._missing: set[Query] = set()
        self.is_open = False

    def open(self) -> str | None:
        """Initialise NVML; None when it answers, or what is missing and what to do about it."""
        try:
            self._binding = importlib.import_module("pynvml")
        except ImportError:
            return "the Python package nvidia-ml-py is not installed: pip install nvidia-ml-py"
        try:
            self._binding.nvmlInit()
        except self._binding.NVMLError as error:
            if error.value == VERSION_MISMATCH:
                self._unload()
            return _HINTS.get(error.value, f"NVML cannot be initialised: {error} (code {error.value})")
        self.is_open = True
        self._missing.clear()
        return None

    def close(self) -> None:
        """Let go of the driver. Safe to call twice."""
        if not self.is_open:
            return
        self.is_open = False
        try:
            self._binding.nvmlShutdown()
        except self._binding.NVMLError as error:
            log.debug("nvmlShutdown: %s", error)

    def ask(self, query: Query, *handle: object) -> Any:
        """The answer to a question about a handle, or None where it cannot be told. Raises CardUnreachable."""
        if query in self._missing:
            return self.ask(query.instead, *handle) if query.instead else None
        try:
            return getattr(self._binding, query.function)(*handle, *query.arguments)
        except AttributeError:
            log.debug("nvidia-ml-py has no %s", query.function)
        except self._binding.NVMLError as error:
            if error.value in _UNREACHABLE:
                raise CardUnreachable(error.value, str(error)) from error
            if error.value != FUNCTION_NOT_FOUND:
                return None
        self._missing.add(query)
        return self.ask(query, *handle)

    def _unload(self) -> None:
        # After a driver update the new library stands on disk under the name of the one that is loaded: only where
        # that one goes first can the next attempt load the new one.
        import _ctypes

        library = self._binding.nvmlLib
        if library is None:
            return
        self._binding._nvmlGetFunctionPointer_cache.clear()
        self._binding.nvmlLib = None
        _ctypes.dlclose(library._handle)
