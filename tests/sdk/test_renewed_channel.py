"""A client uses the identity that its files hold when a call begins."""

from __future__ import annotations

from pathlib import Path

import pytest
from safeconduct.client import Client, Credentials, Endpoints, SafeconductError

from infra.local.certificate_authority import Identity
from tests.sdk.fake_services import APPLICATION, FakeServices
from tests.sdk.servers import expire, serving


async def test_a_renewed_identity_is_used_by_a_client_that_is_open(
    server_files: Identity, partner_files: Identity, tmp_path: Path
) -> None:
    services = FakeServices()
    files = [tmp_path / name for name in ("ca", "cert", "key")]
    originals = (partner_files.ca, partner_files.cert, partner_files.key)
    for file, original in zip(files, originals, strict=True):
        file.write_bytes(original.read_bytes())
    expire(files[1], partner_files.key)

    async with (
        serving(server_files, services.register) as port,
        Client(
            Endpoints(applications=f"127.0.0.1:{port}"), Credentials.from_files(*files), deadline=1
        ) as client,
    ):
        with pytest.raises(SafeconductError):
            await client.applications.get(APPLICATION)
        files[1].write_bytes(partner_files.cert.read_bytes())

        found = await client.applications.get(APPLICATION)

    assert found.application_id == APPLICATION


async def test_files_that_are_missing_at_the_moment_change_nothing(
    server_files: Identity, partner_files: Identity, tmp_path: Path
) -> None:
    services = FakeServices()
    files = [tmp_path / name for name in ("ca", "cert", "key")]
    originals = (partner_files.ca, partner_files.cert, partner_files.key)
    for file, original in zip(files, originals, strict=True):
        file.write_bytes(original.read_bytes())

    async with (
        serving(server_files, services.register) as port,
        Client(Endpoints(applications=f"127.0.0.1:{port}"), Credentials.from_files(*files)) as one,
    ):
        files[2].unlink()

        found = await one.applications.get(APPLICATION)

    assert found.application_id == APPLICATION
