"""Small real servers over mutual TLS for the tests of the published package."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc import aio
from safeconduct.channel import Credentials

from infra.local.certificate_authority import Identity, issue

Register = Callable[[aio.Server], None]


def identity(folder: Path, name: str, principal: str) -> Identity:
    return issue(folder, name, f"spiffe://safeconduct.example/{principal}")


def credentials(files: Identity) -> Credentials:
    return Credentials.from_files(files.ca, files.cert, files.key)


@asynccontextmanager
async def serving(files: Identity, *registrations: Register, port: int = 0) -> AsyncIterator[int]:
    """A server with mutual TLS on a loopback port of its own; gives the port."""
    server = aio.server(options=[("grpc.so_reuseport", 0)])
    for register in registrations:
        register(server)
    secure = grpc.ssl_server_credentials(
        [(files.key.read_bytes(), files.cert.read_bytes())],
        files.ca.read_bytes(),
        require_client_auth=True,
    )
    bound = server.add_secure_port(f"127.0.0.1:{port}", secure)
    await server.start()
    try:
        yield bound
    finally:
        await server.stop(0)


async def refuse(
    context: aio.ServicerContext, code: grpc.StatusCode, message: str, *details: Message
) -> None:
    """Ends the call as the services do: with a google.rpc.Status in the trailers."""
    packed = []
    for detail in details:
        box = any_pb2.Any()
        box.Pack(detail)
        packed.append(box)
    status = status_pb2.Status(code=code.value[0], message=message, details=packed)
    trailers = (("grpc-status-details-bin", status.SerializeToString()),)
    await context.abort(code, message, trailing_metadata=trailers)


def reason(name: str, **metadata: str) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=name, domain="safeconduct.example", metadata=metadata)


async def eventually(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Waits for a condition; fails when it does not come true in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - any condition, also one that nobody signals
            await asyncio.sleep(0.01)


def expire(certificate: Path, key: Path) -> None:
    """Replaces the certificate by one that expired, for the same key."""
    private = load_pem_private_key(key.read_bytes(), None)
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    builder = (
        x509.CertificateBuilder()
        .subject_name(found.subject)
        .issuer_name(found.issuer)
        .public_key(found.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2020, 1, 2, tzinfo=UTC))
    )
    signed = builder.sign(private, hashes.SHA256())  # type: ignore[arg-type]  # a key of any kind that signs
    certificate.write_bytes(signed.public_bytes(Encoding.PEM))
