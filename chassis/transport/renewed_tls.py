"""TLS of the connections to Kafka and PostgreSQL, with files that are renewed while we run.

A client hands one context to its library and keeps it. Every new connection asks the context for
its TLS session, and there changed files are read again.
"""

from __future__ import annotations

import ssl
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import structlog

_LOG = structlog.get_logger("transport")
NO_FILES: Final = "the PEM files are not an authority, and a certificate with its key if named"


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files of a client: the server's authority, and its own certificate and key, if any."""

    ca: Path
    cert: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Returns a context that demands a certificate for the server's host name.

        Raises ValueError unless the files belong together.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_verify_locations(self.ca)
            if self.cert is not None:
                # An empty password: a key that needs one must not ask at the terminal.
                context.load_cert_chain(self.cert, self.key, password="")
        except (OSError, ValueError):  # ssl.SSLError is an OSError
            raise ValueError(NO_FILES) from None
        return context

    def signature(self) -> Hashable:
        """Returns a value that changes with the files; None while one is missing."""
        paths = [path for path in (self.ca, self.cert, self.key) if path is not None]
        try:
            found = [path.stat() for path in paths]
        except OSError:
            return None
        return tuple((each.st_mtime_ns, each.st_size, each.st_ino) for each in found)


class RenewedContext(ssl.SSLContext):
    """A context whose new connections use the files as they are now.

    If the files do not belong together, as while they are being replaced, the former ones stay in
    use, and the next connection reads the files again. Open connections are not touched.
    """

    def __new__(cls, _files: TlsFiles) -> Self:
        """Returns a context of a client. It is a shell: `wrap_bio` uses the context inside."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._read = files.signature()
        self._current = files.context()

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Returns the TLS session of one new connection. asyncio and uvloop call this."""
        self._renew()
        return self._current.wrap_bio(incoming, outgoing, server_side, server_hostname, session)

    def _renew(self) -> None:
        found = self._files.signature()
        if found is None or found == self._read:
            return
        try:
            self._current = self._files.context()
        except ValueError as fault:
            _LOG.warning("certificate_rejected", fault=type(fault).__name__)
            return
        self._read = found
        _LOG.info("certificate_renewed")
