"""All three services in one server, and the command that calls it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from safeconduct import conduct

from infra.local.certificate_authority import Identity
from tests.sdk.cli.running import SDK, Command, Ran, run
from tests.sdk.fake_services import FakeServices
from tests.sdk.servers import serving


@pytest.fixture
async def services() -> FakeServices:
    return FakeServices()


@pytest.fixture
async def command(
    services: FakeServices, server_files: Identity, partner_files: Identity
) -> AsyncIterator[Command]:
    async with serving(server_files, services.register) as port:
        address = f"127.0.0.1:{port}"
        environ = {
            "SAFECONDUCT_APPLICATIONS": address,
            "SAFECONDUCT_SCREENING": address,
            "SAFECONDUCT_ENFORCEMENT": address,
            "SAFECONDUCT_CA": str(partner_files.ca),
            "SAFECONDUCT_CERT": str(partner_files.cert),
            "SAFECONDUCT_KEY": str(partner_files.key),
        }

        async def ask(*arguments: str, **more: str) -> Ran:
            return await run({**environ, **more}, *arguments)

        yield ask


@pytest.fixture
def hospital(tmp_path: Path) -> Path:
    file = tmp_path / "hospital.yaml"
    file.write_text(
        (SDK / "examples" / "hospital-hosted-access.yaml").read_text(encoding="utf-8"),
        encoding="utf-8",
    )
    conduct.save_key(conduct.generate_key(), tmp_path / "keys" / "signatory.pem")
    return file
