"""A partner's first application with the command: each fault leads to its remedy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from safeconduct import conduct

from infra.local.stack import Stack
from infra.scenario.examples import EXAMPLES
from tests.operations.conftest import safeconduct

HOSPITAL = (EXAMPLES / "hospital-hosted-access.yaml").read_text(encoding="utf-8")
KEY_LINE = re.search(r" +key_file: .*\n", HOSPITAL)
AUTHORITY = re.search(r" +signing_authority:\n(?: {6}.*\n)+", HOSPITAL)
SIGNATORY = re.search(r"  - party_id: signatory\n(?: {4}.*\n)+", HOSPITAL)
SAFEGUARDS = re.search(r"safeguard_statement:\n(?: .*\n)+", HOSPITAL)
assert KEY_LINE
assert AUTHORITY
assert SIGNATORY
assert SAFEGUARDS


def line_of(text: str) -> int:
    return HOSPITAL[: HOSPITAL.index(text)].count("\n") + 1


FAULTS = {
    "a country by its name": (
        HOSPITAL.replace("country: DE", "country: Kenya", 1),
        [
            (
                f"application.yaml:{line_of('country: DE')}: parties[1].country: "
                "countries are ISO 3166-1 alpha-2 codes; Kenya is KE"
            )
        ],
    ),
    "no signatory": (
        HOSPITAL.replace(SIGNATORY[0], ""),
        [
            "parties: add a party with role SIGNATORY and signing_authority",
            "for example {party_id:",
        ],
    ),
    "a signatory without authority": (
        HOSPITAL.replace(AUTHORITY[0], ""),
        ["signing_authority: is missing", "key_file:", "is_authorized:", "binds_party_id:"],
    ),
    "a signatory without key": (
        HOSPITAL.replace(KEY_LINE[0], ""),
        ["signing_authority.public_key: is missing. Example: key_file: keys/signatory.pem"],
    ),
    "a key file that is not there": (
        HOSPITAL.replace("keys/signatory.pem", "keys/other.pem"),
        ["keys/other.pem does not exist; make it with: safeconduct applications keygen --out "],
    ),
    "a signature that binds nobody": (
        HOSPITAL.replace("binds_party_id: end-user", "binds_party_id: ''"),
        [
            f"application.yaml:{line_of('binds_party_id')}: ",
            "must be the party id of the end user whom the signature binds",
        ],
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An applicant's folder with the signatory's key."""
    conduct.save_key(conduct.generate_key(), tmp_path / "keys" / "signatory.pem")
    return tmp_path


def written(folder: Path, text: str) -> str:
    file = folder / "application.yaml"
    file.write_text(text, encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_of_a_first_application_names_its_remedy(
    stack: Stack, folder: Path, fault: str
) -> None:
    text, remedies = FAULTS[fault]
    partner = stack.client_env("partner/example-1")

    ran = await safeconduct(partner, "applications", "submit", written(folder, text))

    assert ran.code == 2
    assert [remedy for remedy in remedies if remedy not in ran.err] == []


async def test_the_other_spelling_is_valid_and_a_checked_file_is_not_submitted(
    stack: Stack, folder: Path
) -> None:
    partner = stack.client_env("partner/example-1")
    file = written(folder, HOSPITAL.replace("ORGANISATION", "ORGANIZATION"))

    ran = await safeconduct(partner, "applications", "submit", file, "--validate-only")

    assert (ran.code, ran.out) == (0, "valid; nothing was submitted\n")


async def test_a_partner_reads_why_officers_review_and_what_only_a_partner_can_do(
    stack: Stack, folder: Path
) -> None:
    partner = stack.client_env("partner/example-1")
    old = HOSPITAL.replace("signed_at: -30d", "signed_at: -300d").replace(SAFEGUARDS[0], "")
    submitted = await safeconduct(partner, "applications", "submit", written(folder, old), "-q")
    application = submitted.out.strip()

    await safeconduct(partner, "applications", "watch", application, "--until", "UNDER_REVIEW")
    shown = await safeconduct(partner, "applications", "get", application)
    as_json = await safeconduct(partner, "applications", "get", application, "--json")

    assert as_json.json["reasons"] == [
        "The end user's statement is older than 180 days (end_user_statement.signed_at).",
        (
            "The application does not state the evaluations and the safeguards against misuse "
            "(safeguard_statement)."
        ),
    ]
    assert "older than 180 days" in shown.out
    assert as_json.json["allowedCommands"] == ["WithdrawApplication"]
    assert shown.out.splitlines()[-1] == "You can: withdraw"
