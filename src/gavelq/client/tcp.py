"""A TCP (or TLS) connection for `wire.exchange`; loaded only where GAVELQ_URL asks for one."""

import os
import socket

from gavelq.client.address import Address
from gavelq.client.wire import Unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping


def connect(address: Address, timeout_s: float) -> socket.socket:
    """Connect to the address. Raises Unreachable."""
    try:
        connection = socket.create_connection((address.host, address.port), timeout=timeout_s)
    except OSError as error:
        raise Unreachable(f"{address}: {error.strerror or error}") from None
    if not address.is_tls:
        return connection
    try:
        return tls_context(os.environ).wrap_socket(connection, server_hostname=address.host)
    except OSError as error:
        connection.close()
        raise Unreachable(f"{address}: {error.strerror or error}") from None
    except BaseException:
        connection.close()
        raise


def tls_context(env: "Mapping[str, str]") -> "ssl.SSLContext":
    """Whom to believe: the certificates of the file GAVELQ_CA (PEM), else those of the system. Raises InvalidField."""
    import ssl

    authority = env.get("GAVELQ_CA") or None
    try:
        return ssl.create_default_context(cafile=authority)
    except OSError as error:  # an SSLError is one
        from gavelq.core.errors import InvalidField

        problem = f"{authority} cannot be used: {error.strerror or error}"
        raise InvalidField(field="GAVELQ_CA", problem=problem, hint="name a file with certificates in PEM") from None
