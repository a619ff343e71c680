"""`safeconduct applications`, each command in a process of its own, against real servers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safeconduct import conduct
from safeconduct.applications.v1 import model_pb2 as model

from tests.sdk.cli.running import Command
from tests.sdk.fake_services import (
    APPLICATION,
    LICENSE,
    FakeServices,
)


async def test_an_application_is_submitted_from_a_file(
    command: Command, services: FakeServices, hospital: Path
) -> None:
    ran = await command("applications", "submit", str(hospital), "--json")

    assert (ran.code, ran.err) == (0, "")
    assert ran.json["applicationId"] == APPLICATION
    assert ran.json["state"] == "APPLICATION_STATE_SCREENING"
    assert ran.json["details"]["parties"][1]["name"] == "Example Teaching Hospital"
    assert not services.last("SubmitApplication").validate_only


async def test_for_people_there_is_a_table_without_control_codes_in_a_pipe(
    command: Command, hospital: Path
) -> None:
    ran = await command("applications", "submit", str(hospital))

    assert ran.code == 0
    assert "SCREENING" in ran.out
    assert "example-frontier-1 (HOSTED_ACCESS)" in ran.out
    assert "\x1b" not in ran.out


async def test_a_watch_prints_json_lines_and_ends_at_a_state(command: Command) -> None:
    ran = await command(
        "applications", "watch", APPLICATION, "--until", "AWAITING_SIGNATURE", "--json"
    )

    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == 0
    assert [(line["version"], line["resumeToken"]) for line in lines] == [(1, "t1"), (2, "t2")]
    assert lines[1]["state"] == "APPLICATION_STATE_AWAITING_SIGNATURE"


async def test_an_unknown_state_is_refused_with_the_names_there_are(command: Command) -> None:
    ran = await command("applications", "list", "--state", "AWAITING_SIGNATUR")

    assert ran.code == 2
    assert "Did you mean AWAITING_SIGNATURE?" in ran.err


async def test_the_code_is_signed_with_the_signatorys_key(
    command: Command, services: FakeServices, tmp_path: Path
) -> None:
    made = await command("applications", "keygen", "--out", str(tmp_path / "key.pem"), "--json")
    services.application.acceptance_text = b"I accept version 3"
    services.application.code_of_conduct.version = "3"
    services.application.etag = "v4"
    services.application.details.parties.add(
        party_id="signatory", roles=[model.PARTY_ROLE_SIGNATORY]
    )

    ran = await command(
        "applications", "accept", APPLICATION, "--signing-key", str(tmp_path / "key.pem"), "--json"
    )

    sent = services.last("AcceptConductCode")
    assert ran.json["license"]["licenseId"] == LICENSE
    assert (sent.code_version, sent.signatory_party_id, sent.etag) == ("3", "signatory", "v4")
    assert conduct.verify(
        b"I accept version 3", sent.signature, bytes.fromhex(made.json["publicKey"])
    )


@pytest.mark.parametrize(
    ("signatory", "text"), [("first", b"I accept, first"), ("second", b"I accept, second")]
)
async def test_each_of_two_signatories_signs_its_own_text(
    command: Command, services: FakeServices, tmp_path: Path, signatory: str, text: bytes
) -> None:
    key = conduct.generate_key()
    conduct.save_key(key, tmp_path / "key.pem")
    services.application.acceptance_text = b"I accept, first"
    for name in ("first", "second"):
        services.application.signatory_texts.add(
            party_id=name, acceptance_text=f"I accept, {name}".encode()
        )
    accept = ("applications", "accept", APPLICATION, "--signing-key", str(tmp_path / "key.pem"))

    unnamed = await command(*accept)
    unknown = await command(*accept, "--signatory", "third")
    ran = await command(*accept, "--signatory", signatory, "--json")

    assert [each.code for each in (unnamed, unknown, ran)] == [2, 2, 0]
    assert "name one of first, second" in unknown.err
    sent = services.last("AcceptConductCode")
    assert sent.signatory_party_id == signatory
    assert conduct.verify(text, sent.signature, conduct.public_bytes(key))


async def test_the_code_is_shown_with_the_text_of_each_signatory(
    command: Command, services: FakeServices
) -> None:
    services.application.acceptance_text = b"I accept, first"
    services.application.code_of_conduct.text = "# The code"
    for name in ("first", "second"):
        services.application.signatory_texts.add(
            party_id=name, acceptance_text=f"I accept, {name}".encode()
        )

    ran = await command("applications", "code", APPLICATION)

    assert all(each in ran.out for each in ("# The code", "I accept, first", "I accept, second"))


async def test_nothing_is_signed_when_there_is_nothing_to_sign(
    command: Command, tmp_path: Path
) -> None:
    conduct.save_key(conduct.generate_key(), tmp_path / "key.pem")

    ran = await command(
        "applications", "accept", APPLICATION, "--signing-key", str(tmp_path / "key.pem")
    )

    assert ran.code == 4
    assert "there is nothing to sign" in ran.err


async def test_a_missing_key_says_how_to_make_one(command: Command, tmp_path: Path) -> None:
    ran = await command(
        "applications", "accept", APPLICATION, "--signing-key", str(tmp_path / "nowhere.pem")
    )

    assert ran.code == 2
    assert "safeconduct applications keygen --out FILE" in ran.err


async def test_a_file_that_is_only_checked_shows_no_id(
    command: Command, services: FakeServices, hospital: Path
) -> None:
    ran = await command("applications", "submit", str(hospital), "--validate-only")
    as_json = await command("applications", "submit", str(hospital), "--validate-only", "--json")

    assert (ran.code, ran.out) == (0, "valid; nothing was submitted\n")
    assert services.last("SubmitApplication").validate_only
    assert as_json.json["valid"] is True
    assert as_json.json["details"]["parties"][1]["name"] == "Example Teaching Hospital"
    assert "applicationId" not in as_json.json


async def test_what_a_partner_can_do_is_told_in_words_and_without_officers_commands(
    command: Command, services: FakeServices
) -> None:
    services.application.allowed_commands.extend(["WithdrawApplication", "RecommendDecision"])

    ran = await command("applications", "get", APPLICATION)

    assert ran.out.splitlines()[-1] == "You can: withdraw"


async def test_reasons_for_the_applicant_are_shown(
    command: Command, services: FakeServices
) -> None:
    services.application.reasons.append("The end user statement is older than 180 days.")

    ran = await command("applications", "get", APPLICATION)

    assert "The end user statement is older than 180 days." in ran.out
