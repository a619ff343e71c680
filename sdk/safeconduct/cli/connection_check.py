"""Finds out why no service answered: the certificate files first, then each address.

gRPC reports a bad key as "Failed to create security handshaker" and a closed port as "connections
to all backends failing". Neither names a file or an address.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from safeconduct.bounded_file import KEY_BYTES, read_bounded

SECONDS: Final = 2.0
"""Longest wait for one address."""
SERVICES: Final = ("applications", "screening", "enforcement")


def find_causes(environ: Mapping[str, str], now: datetime) -> list[str]:
    """One sentence for each cause: which file or address, and what to check.

    Empty if none is found.
    """
    files = {name: Path(environ.get(f"SAFECONDUCT_{name}", "")) for name in ("CA", "CERT", "KEY")}
    found = list(_files(files, now))
    if found:
        return found
    context = ssl.create_default_context(cafile=str(files["CA"]))
    context.load_cert_chain(files["CERT"], files["KEY"])
    context.set_alpn_protocols(["h2"])
    addresses: dict[str, list[str]] = {}
    for service in SERVICES:
        for address in filter(None, environ.get(f"SAFECONDUCT_{service.upper()}", "").split(",")):
            addresses.setdefault(address, []).append(service)
    for address, services in addresses.items():
        found += _address(address, ", ".join(services), context, files)
    return found


def _files(files: Mapping[str, Path], now: datetime) -> Iterator[str]:
    """Faults of the three PEM files, each alone and certificate and key together."""
    try:
        contents = {name: read_bounded(path, KEY_BYTES) for name, path in files.items()}
    except OSError as error:
        yield f"Cannot read {error.filename}: {error.strerror}."
        return
    faulty = False
    for name, what in (("CA", "CERTIFICATE"), ("CERT", "CERTIFICATE"), ("KEY", "PRIVATE KEY")):
        if f"{what}-----".encode() not in contents[name]:
            faulty = True
            yield f"{files[name]} holds no {what.lower()} in PEM: check SAFECONDUCT_{name}."
    if faulty:
        return
    try:
        ssl.create_default_context().load_cert_chain(files["CERT"], files["KEY"])
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            yield f"The key {files['KEY']} does not belong to the certificate {files['CERT']}."
        else:
            yield (
                f"The certificate {files['CERT']} and the key {files['KEY']} cannot be used: "
                f"{error.reason or error}."
            )
        return
    yield from _validity(files["CERT"], contents["CERT"], now)


def _validity(file: Path, content: bytes, now: datetime) -> Iterator[str]:
    from cryptography.x509 import load_pem_x509_certificate

    certificate = load_pem_x509_certificate(content)
    if now > certificate.not_valid_after_utc:
        ended = certificate.not_valid_after_utc
        yield f"Your certificate {file} expired at {ended:%Y-%m-%dT%H:%M:%SZ}. Use a new one."
    if now < certificate.not_valid_before_utc:
        begins = certificate.not_valid_before_utc
        yield (
            f"Your certificate {file} is valid from {begins:%Y-%m-%dT%H:%M:%SZ}. "
            "Check the clock of this machine."
        )


def _address(
    address: str, services: str, context: ssl.SSLContext, files: Mapping[str, Path]
) -> Iterator[str]:
    """The fault of one address, if it has one that a connection shows."""
    host, _, port = address.rpartition(":")
    if not port.isdigit() or "/" in host:
        return  # a gRPC target of another form
    host = host.strip("[]")
    place = f"{address} ({services})"
    try:
        with (
            socket.create_connection((host, int(port)), SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            # With TLS 1.3 a refusal of our certificate arrives after the handshake: as an alert, or
            # as the end of the connection. A gRPC server that accepts us sends its settings first.
            if not secure.recv(1):
                yield _refusal(place, files, "it closed the connection")
    except ssl.SSLCertVerificationError as error:
        yield (
            f"The certificate of {place} is refused: {error.verify_message}."
            f" Check that {files['CA']} "
            "is the authority of the services, and that the address is a name in the certificate."
        )
    except ssl.SSLError as error:
        yield _refusal(place, files, error.reason or str(error))
    except ConnectionResetError:
        yield _refusal(place, files, "it closed the connection")
    except socket.gaierror:
        yield f"The host name of {place} cannot be resolved. Check the address."
    except ConnectionRefusedError:
        yield f"Nothing listens at {place}. Check the address, and that the service runs."
    except TimeoutError:
        yield f"{place} did not answer within {SECONDS:g} s. Check the address and the firewall."
    except OSError as error:
        yield f"Cannot connect to {place}: {error.strerror or error}."


def _refusal(place: str, files: Mapping[str, Path], reason: str) -> str:
    return (
        f"{place} refuses your certificate {files['CERT']}: {reason}. "
        "Check that the services trust its authority."
    )


def current_causes() -> list[str]:
    """The causes for the connection of this command."""
    from safeconduct.cli.connection import environment

    return find_causes(environment(), datetime.now(timezone.utc))
