"""The certificate of the TCP address, which can be replaced while the daemon runs."""

import ssl

from gavelq.core.errors import UsageError
from gavelq.daemon import journal


class Tls:
    """A TLS context whose certificate comes from files."""

    def __init__(self, cert: str, key: str | None) -> None:
        """Raises UsageError where they cannot be used."""
        self._cert = cert
        self._key = key
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["http/1.1"])
        self._load()

    def _load(self) -> None:
        try:
            # Without a callback OpenSSL would ask for the password of an encrypted key on the terminal.
            self.context.load_cert_chain(self._cert, self._key, password=lambda: "")
        except OSError as error:
            key = f" with the key {self._key}" if self._key else ""
            raise UsageError(
                f"the certificate {self._cert}{key} cannot be used: {error.strerror or error}",
                hint="http.tls_cert and http.tls_key name files in PEM; the key must fit, and have no password",
            ) from error

    def reload(self) -> None:
        """Read the files again; connections from now on get the new certificate. A bad one changes nothing."""
        try:
            Tls(self._cert, self._key)  # a context that was given half of a pair would be of no use to anybody
            self._load()
        except UsageError as error:
            journal.fail("the new certificate cannot be used; the old one stays", error)
        else:
            journal.note("the certificate was read again", path=self._cert)


def open_tls(cert: str | None, key: str | None) -> Tls | None:
    """TLS where a certificate is configured. Raises UsageError."""
    if cert is None:
        if key is not None:
            raise UsageError("http.tls_key is set, and http.tls_cert is not", hint="name the certificate, too")
        return None
    return Tls(cert, key)
