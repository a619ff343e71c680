"""The certificate of a server: checks its files, and uses renewed ones without a restart."""

from __future__ import annotations

import ssl
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

import grpc
import structlog

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """PEM files: the certificate with its chain, its private key, the authorities of clients."""

    cert: Path
    key: Path
    ca: Path

    def check(self) -> None:
        """Raises ValueError unless they are a certificate, the key of it, and authorities."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.cert, self.key, password="")
            context.load_verify_locations(self.ca)
        except (OSError, ValueError):  # ssl.SSLError is an OSError
            raise ValueError(
                "the PEM files are not one certificate, its key and an authority"
            ) from None


def server_credentials(files: CertificateFiles) -> grpc.ServerCredentials:
    """Returns credentials for mutual TLS: a client needs a certificate of one of the authorities.

    Changed files are read at the next handshake. If they do not belong together, as while they are
    being replaced, the old ones stay in use and the files are read again at the handshake after.
    Open connections keep the certificate they began with.
    """
    in_use = _signature(files)

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        nonlocal in_use
        found = _signature(files)
        if found == in_use:
            return None
        try:
            files.check()
            configuration = _configuration(files)
        except (OSError, ValueError) as fault:
            log.warning("certificate_rejected", fault=type(fault).__name__)
            return None
        in_use = found
        log.info("certificate_renewed")
        return configuration

    return grpc.dynamic_ssl_server_credentials(
        _configuration(files),
        fetch,  # type: ignore[arg-type]  # the stubs leave out None, which means no change
        require_client_authentication=True,
    )


def _configuration(files: CertificateFiles) -> grpc.ServerCertificateConfiguration:
    pair = files.key.read_bytes(), files.cert.read_bytes()
    return grpc.ssl_server_certificate_configuration([pair], files.ca.read_bytes())


def _signature(files: CertificateFiles) -> Hashable:
    try:
        found = [path.stat() for path in (files.cert, files.key, files.ca)]
    except OSError:
        return None
    return tuple((each.st_mtime_ns, each.st_size, each.st_ino) for each in found)
