"""gavelq: a rootless GPU task scheduler for one contested workstation or lab server.

The package is lazy (PEP 562): importing it costs nothing, because the command line pays for every import.
"""

TYPE_CHECKING = False  # not from typing: that would load a dozen modules at every start
if TYPE_CHECKING:
    from gavelq.client.aio import AsyncClient
    from gavelq.client.executor import Executor
    from gavelq.client.sdk import Client
    from gavelq.core.errors import (
        DaemonUnreachable,
        GavelqError,
        NotAllowed,
        NotFound,
        Refused,
        TimedOut,
        UsageError,
        WrongState,
    )
    from gavelq.version import __version__

__all__ = [
    "AsyncClient",
    "Client",
    "DaemonUnreachable",
    "Executor",
    "GavelqError",
    "NotAllowed",
    "NotFound",
    "Refused",
    "TimedOut",
    "UsageError",
    "WrongState",
    "__version__",
]

_HOMES = {
    "AsyncClient": "gavelq.client.aio",
    "Client": "gavelq.client.sdk",
    "Executor": "gavelq.client.executor",
    "__version__": "gavelq.version",
}
"""Which module has a name that the package hands out; the others are errors."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'gavelq' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES.get(name, "gavelq.core.errors")), name)
