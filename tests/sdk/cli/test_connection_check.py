"""A connection that fails: which file, which address, and what to check."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from safeconduct.cli.connection_check import find_causes

from infra.local.certificate_authority import Identity
from tests.sdk.cli.running import Command
from tests.sdk.fake_services import APPLICATION, FakeServices
from tests.sdk.servers import identity, serving


def now() -> datetime:
    return datetime.now(UTC)


def environ(files: Identity, address: str = "127.0.0.1:1") -> dict[str, str]:
    return {
        "SAFECONDUCT_CA": str(files.ca),
        "SAFECONDUCT_CERT": str(files.cert),
        "SAFECONDUCT_KEY": str(files.key),
        "SAFECONDUCT_APPLICATIONS": address,
    }


def test_a_closed_port_is_named_with_its_service(partner_files: Identity) -> None:
    assert find_causes(environ(partner_files), now()) == [
        (
            "Nothing listens at 127.0.0.1:1 (applications). Check the address, and"
            " that the service runs."
        )
    ]


def test_a_key_of_another_certificate_is_named(
    partner_files: Identity, server_files: Identity
) -> None:
    mixed = {**environ(partner_files), "SAFECONDUCT_KEY": str(server_files.key)}

    assert find_causes(mixed, now()) == [
        f"The key {server_files.key} does not belong to the certificate {partner_files.cert}."
    ]


def test_a_file_without_its_content_is_named_with_its_variable(
    partner_files: Identity, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()

    assert find_causes({**environ(partner_files), "SAFECONDUCT_CERT": str(empty)}, now()) == [
        f"{empty} holds no certificate in PEM: check SAFECONDUCT_CERT."
    ]


def test_an_expired_certificate_is_named_with_its_end(partner_files: Identity) -> None:
    (found,) = find_causes(environ(partner_files), now() + timedelta(days=36_500))

    assert found.startswith(f"Your certificate {partner_files.cert} expired at ")


async def test_the_certificate_of_a_service_of_another_authority_is_refused_by_name(
    server_files: Identity, tmp_path: Path
) -> None:
    other = identity(tmp_path, "partner", "partner/example-1")

    async with serving(server_files, FakeServices().register) as port:
        address = f"127.0.0.1:{port}"
        (found,) = await asyncio.to_thread(find_causes, environ(other, address), now())

    assert found.startswith(f"The certificate of {address} (applications) is refused: ")
    assert f"Check that {other.ca} is the authority of the services" in found


async def test_a_service_that_refuses_our_certificate_is_named(
    server_files: Identity, tmp_path: Path
) -> None:
    other = identity(tmp_path, "partner", "partner/example-1")
    mixed = {**environ(other), "SAFECONDUCT_CA": str(server_files.ca)}

    async with serving(server_files, FakeServices().register) as port:
        address = f"127.0.0.1:{port}"
        mixed["SAFECONDUCT_APPLICATIONS"] = address
        (found,) = await asyncio.to_thread(find_causes, mixed, now())

    assert found.startswith(f"{address} (applications) refuses your certificate {other.cert}: ")


async def test_nothing_is_wrong_with_a_connection_that_works(
    server_files: Identity, partner_files: Identity
) -> None:
    async with serving(server_files, FakeServices().register) as port:
        settings = environ(partner_files, f"127.0.0.1:{port}")

        assert await asyncio.to_thread(find_causes, settings, now()) == []


async def test_the_command_prints_the_cause_with_the_error(command: Command) -> None:
    ran = await command("applications", "get", APPLICATION, "--applications", "127.0.0.1:1")

    assert ran.code == 6
    assert ran.err.splitlines()[-1] == (
        "Nothing listens at 127.0.0.1:1 (applications). Check the address, and"
        " that the service runs."
    )
