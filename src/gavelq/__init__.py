"""gavelq: a rootless GPU task scheduler for one contested workstation or lab server.

The package is lazy (PEP 562): importing it costs nothing, because the command line pays for every import.
"""

TYPE_CHECKING = False  # not from typing: that would load a dozen modules at every start
if TYPE_CHECKING:
    from gavelq.client.sdk import Client
    from gavelq.version import __version__

__all__ = ["Client", "__version__"]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from gavelq.version import __version__

        return __version__
    if name == "Client":
        from gavelq.client.sdk import Client

        return Client
    raise AttributeError(f"module 'gavelq' has no attribute {name!r}")
