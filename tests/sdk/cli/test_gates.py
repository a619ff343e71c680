"""`safeconduct gates`: one access decided as a gate does."""

from __future__ import annotations

from tests.sdk.cli.running import Command
from tests.sdk.fake_services import (
    APPLICATION,
    LICENSE,
    FakeServices,
)
from tests.sdk.test_gate import standing


async def test_the_gate_exits_7_when_it_denies(command: Command, services: FakeServices) -> None:
    services.standing.publish(standing(LICENSE, state="REVOKED"))
    asked = (
        "--model", "example-frontier-1", "--access", "hosted-access", "--destination", "de",
        "--end-use", "HEALTHCARE",
    )  # fmt: skip

    revoked = await command("gates", "check", LICENSE, *asked, "--json")
    unknown = await command("gates", "check", APPLICATION, *asked)

    assert (revoked.code, revoked.json["verdict"]) == (7, "ACCESS_VERDICT_REVOKED")
    assert unknown.code == 7
    assert unknown.out.startswith("UNKNOWN_LICENSE")


async def test_the_gate_exits_0_when_it_allows(command: Command, services: FakeServices) -> None:
    found = standing(LICENSE)
    found.not_after.FromJsonString("2199-01-01T00:00:00Z")
    services.standing.publish(found)

    ran = await command(
        "gates",
        "check",
        LICENSE,
        "--model",
        "example-frontier-1",
        "--access",
        "HOSTED_ACCESS",
        "--destination",
        "DE",
        "--end-use",
        "HEALTHCARE",
    )

    assert (ran.code, ran.out.split()[0]) == (0, "ALLOWED")


async def test_the_gate_denies_weights_under_a_license_for_hosted_access(
    command: Command, services: FakeServices
) -> None:
    found = standing(LICENSE)
    found.not_after.FromJsonString("2199-01-01T00:00:00Z")
    services.standing.publish(found)

    ran = await command(
        "gates", "check", LICENSE, "--model", "example-frontier-1", "--access", "MODEL_WEIGHTS",
        "--destination", "DE", "--end-use", "HEALTHCARE",
    )  # fmt: skip

    assert (ran.code, ran.out.split()[0]) == (7, "ACCESS_MODE_NOT_GRANTED")


async def test_without_enforcement_the_gate_exits_6(command: Command) -> None:
    ran = await command(
        "gates", "check", LICENSE, "--model", "m", "--access", "HOSTED_ACCESS", "--destination",
        "DE", "--end-use", "HEALTHCARE", "--enforcement", "127.0.0.1:1", "--timeout", "0.5",
    )  # fmt: skip

    assert ran.code == 6
