"""New connections use the files as they are now; wrong or foreign files are refused."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvloop
from cryptography import x509

from chassis.transport.renewed_tls import RenewedContext, TlsFiles
from infra.local import certificate_authority as ca

HOST = "127.0.0.1"
_SOON = dt.timedelta(seconds=2)


def client_files(folder: Path, lifetime: dt.timedelta = dt.timedelta(days=30)) -> TlsFiles:
    uri = "spiffe://safeconduct.example/service/samples"
    issued = ca.issue(folder, "client", uri, lifetime=lifetime)
    return TlsFiles(issued.ca, issued.cert, issued.key)


class Server:
    """Accepts clients of its authority only, and tells the serial number of each certificate."""

    def __init__(self, folder: Path) -> None:
        issued = ca.issue(folder, "server", "spiffe://safeconduct.example/broker/1")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(issued.cert, issued.key)
        self.context.load_verify_locations(issued.ca)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.port = 0

    async def serve(self) -> asyncio.Server:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            writer.write(b"%d\n" % x509.load_der_x509_certificate(der).serial_number)
            writer.close()

        server = await asyncio.start_server(answer, HOST, 0, ssl=self.context)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def serial(self, context: ssl.SSLContext, host: str = HOST) -> int:
        """Returns the serial number of the certificate that a new connection shows."""
        reader, writer = await asyncio.open_connection(
            HOST, self.port, ssl=context, server_hostname=host
        )
        try:
            return int(await reader.readline() or 0)
        finally:
            writer.close()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(tmp_path)
    running = await made.serve()
    yield made
    running.close()


def serial_of(files: TlsFiles) -> int:
    assert files.cert is not None
    return x509.load_pem_x509_certificate(files.cert.read_bytes()).serial_number


async def test_a_new_connection_shows_the_renewed_certificate(
    server: Server, tmp_path: Path
) -> None:
    first = client_files(tmp_path, _SOON)
    context = RenewedContext(first)
    before = serial_of(first)
    assert await server.serial(context) == before

    renewed = client_files(tmp_path)

    assert serial_of(renewed) != before
    assert await server.serial(context) == serial_of(renewed)


def test_uvloop_reads_renewed_files_as_well(tmp_path: Path) -> None:
    async def run() -> tuple[int, int]:
        made = Server(tmp_path)
        running = await made.serve()
        context = RenewedContext(client_files(tmp_path, _SOON))
        before = await made.serial(context)
        client_files(tmp_path)
        after = await made.serial(context)
        running.close()
        return before, after

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        before, after = runner.run(run())
    assert before != after
    assert after == serial_of(client_files(tmp_path))


async def test_a_certificate_whose_key_is_not_there_yet_leaves_the_former_in_use(
    server: Server, tmp_path: Path
) -> None:
    files = client_files(tmp_path)
    context = RenewedContext(files)
    before = serial_of(files)
    assert files.cert is not None
    other = client_files(tmp_path / "other")
    assert other.cert is not None
    files.cert.write_bytes(other.cert.read_bytes())

    assert await server.serial(context) == before


async def test_a_server_of_another_authority_is_refused(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await server.serial(RenewedContext(client_files(tmp_path / "other")))


async def test_a_server_with_another_host_name_is_refused(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await server.serial(RenewedContext(client_files(tmp_path)), "broker.example")


def test_a_key_of_another_certificate_is_refused_at_once(tmp_path: Path) -> None:
    files, other = client_files(tmp_path), client_files(tmp_path / "other")

    with pytest.raises(ValueError, match="not an authority"):
        RenewedContext(TlsFiles(files.ca, files.cert, other.key))
