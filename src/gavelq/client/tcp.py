"""A TCP (or TLS) connection for `wire.exchange`; loaded only where GAVELQ_URL asks for one."""

import socket

from gavelq.client.address import Address
from gavelq.client.wire import Unreachable


def connect(address: Address, timeout_s: float) -> socket.socket:
    """Connect to the address. Raises Unreachable."""
    try:
        connection = socket.create_connection((address.host, address.port), timeout=timeout_s)
    except OSError as error:
        raise Unreachable(f"{address}: {error.strerror or error}") from None
    if not address.is_tls:
        return connection
    import ssl

    try:
        return ssl.create_default_context().wrap_socket(connection, server_hostname=address.host)
    except OSError as error:
        connection.close()
        raise Unreachable(f"{address}: {error.strerror or error}") from None
