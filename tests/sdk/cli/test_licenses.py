"""`safeconduct licenses`: reading, verifying and reinstating licenses."""

from __future__ import annotations

from safeconduct import conduct

from tests.sdk.cli.running import RATIONALE, Command
from tests.sdk.fake_services import (
    APPLICATION,
    LICENSE,
    RECOMMENDATION,
    FakeServices,
)
from tests.sdk.test_documents import document


async def test_a_reinstatement_takes_the_etag_from_the_license(
    command: Command, services: FakeServices
) -> None:
    services.standing.etags[LICENSE] = "v7"
    ran = await command("licenses", "propose-reinstatement", LICENSE, *RATIONALE)
    unknown = await command("licenses", "propose-reinstatement", APPLICATION, *RATIONALE)
    early = await command("licenses", "confirm-reinstatement", LICENSE, *RATIONALE)

    assert (ran.code, unknown.code, early.code) == (0, 5, 4)
    assert services.last("ProposeReinstatement").etag == "v7"
    assert "Another officer must confirm or reject it." in ran.out


async def test_an_answer_to_a_reinstatement_names_the_one_that_was_read(
    command: Command, services: FakeServices
) -> None:
    services.standing.etags[LICENSE] = "v7"
    services.standing.pending[LICENSE] = RECOMMENDATION
    yes = ("--yes", RECOMMENDATION, *RATIONALE)
    confirmed = await command("licenses", "confirm-reinstatement", LICENSE, *yes)
    rejected = await command("licenses", "reject-reinstatement", LICENSE, *yes)

    assert (confirmed.code, rejected.code) == (0, 0)
    for method in ("ConfirmReinstatement", "RejectReinstatement"):
        sent = services.last(method)
        assert (sent.reinstatement_id, sent.etag) == (RECOMMENDATION, "v7")


async def test_a_license_document_is_verified_with_the_published_keys(
    command: Command, services: FakeServices
) -> None:
    key = conduct.generate_key()
    services.keys, services.document = (
        {"one": conduct.public_bytes(key)},
        document(key, {"license_id": LICENSE}),
    )
    good = await command("licenses", "verify", LICENSE, "--json")
    services.document = document(conduct.generate_key(), {"license_id": LICENSE})
    forged = await command("licenses", "verify", LICENSE)

    assert (good.code, good.json["claims"]) == (0, {"license_id": LICENSE})
    assert forged.code == 2
    assert "does not verify" in forged.err


async def test_licenses_are_shown(command: Command) -> None:
    shown, listed = (
        await command("licenses", "get", LICENSE, "--json"),
        await command("licenses", "list"),
    )

    assert shown.json["state"] == "LICENSE_STATE_ACTIVE"
    assert LICENSE in listed.out
