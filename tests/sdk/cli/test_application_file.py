"""Application files: what is read, and how every fault is named with its place."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import protovalidate
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safeconduct import conduct
from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.applications.v1.service_pb2 import SubmitApplicationRequest
from safeconduct.cli.application_file import read_application, read_complete
from safeconduct.cli.parsed_file import FileError

from tests.sdk.cli.running import SDK

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PARTY_FIELDS = ", ".join(field.name for field in model.Party.DESCRIPTOR.fields)
EXAMPLES = SDK / "examples"


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """The examples with a signatory's key beside them."""
    folder = tmp_path / "examples"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "keys" / "signatory.pem").unlink(missing_ok=True)
    conduct.save_key(conduct.generate_key(), folder / "keys" / "signatory.pem")
    return folder


def faults(tmp_path: Path, text: str, name: str = "application.yaml") -> list[str]:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    with pytest.raises(FileError) as refused:
        read_application(file, NOW)
    return [line.removeprefix(str(file)) for line in refused.value.described()]


def read(tmp_path: Path, text: str, name: str = "application.yaml") -> model.ApplicationDetails:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return read_application(file, NOW)


@pytest.mark.parametrize("name", sorted(file.stem for file in EXAMPLES.glob("*.yaml")))
def test_every_example_reads(examples: Path, name: str) -> None:
    details = read_application(examples / f"{name}.yaml", NOW)

    signatory = next(
        party for party in details.parties if model.PARTY_ROLE_SIGNATORY in party.roles
    )
    assert signatory.signing_authority.public_key == conduct.load_public_key(
        examples / "keys" / "signatory.pem"
    )
    assert details.end_user_statement.signed_at.ToDatetime(tzinfo=UTC) < NOW


def test_an_example_without_its_key_says_how_to_make_one(examples: Path) -> None:
    key = examples / "keys" / "signatory.pem"
    key.unlink()

    with pytest.raises(FileError) as refused:
        read_application(examples / "hospital-hosted-access.yaml", NOW)

    assert f"parties[2].signing_authority.key_file: {key} does not exist" in str(refused.value)
    assert f"safeconduct applications keygen --out {key}" in str(refused.value)


@pytest.mark.parametrize("name", ["/dev/zero", "pipe", "."])
def test_a_key_file_that_is_no_regular_file_is_refused_at_once(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (found,) = faults(tmp_path, f"parties: [{{signing_authority: {{key_file: {name}}}}}]")

    assert "not a regular file" in found


def test_an_application_file_that_is_a_pipe_or_a_device_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    for file in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(FileError, match="not a regular file"):
            read_application(file, NOW)


def test_a_file_that_grows_without_bound_by_aliases_is_refused_at_its_first_alias(
    tmp_path: Path,
) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]

    assert faults(tmp_path, "\n".join(levels)) == [
        ": not YAML: line 2: the alias *a0 is not allowed; write its content again"
    ]


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: 1}\nc: {<<: *a}", "a: &a x\nb: *a"])
def test_no_alias_is_followed(tmp_path: Path, text: str) -> None:
    (found,) = faults(tmp_path, text)

    assert "the alias *a is not allowed" in found


def test_enum_names_go_with_or_without_prefix_in_any_case(tmp_path: Path) -> None:
    details = read(tmp_path, "end_uses: [HEALTHCARE, END_USE_OTHER, customer-service]")

    assert list(details.end_uses) == [
        model.END_USE_HEALTHCARE,
        model.END_USE_OTHER,
        model.END_USE_CUSTOMER_SERVICE,
    ]


def test_norway_is_a_country_and_not_false(tmp_path: Path) -> None:
    assert list(read(tmp_path, "destinations: [NO, DE]").destinations) == ["NO", "DE"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("-30d", NOW - timedelta(days=30)),
        ("+12h", NOW + timedelta(hours=12)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T14:00:00+02:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
    ],
)
def test_moments_are_iso_8601_or_relative(tmp_path: Path, written: str, meant: datetime) -> None:
    details = read(tmp_path, f"end_user_statement: {{signed_at: {written}}}")

    assert details.end_user_statement.signed_at.ToDatetime(tzinfo=UTC) == meant


def test_a_json_file_says_the_same_as_yaml_with_either_spelling_of_names(tmp_path: Path) -> None:
    content = {
        "validityDays": 30,
        "declaration": {"is_true_and_complete": True, "declaredByPartyId": "applicant"},
    }
    details = read(tmp_path, json.dumps(content), "application.json")

    assert (details.validity_days, details.declaration.declared_by_party_id) == (30, "applicant")


@pytest.mark.parametrize(
    "encode", [bytes.hex, lambda raw: __import__("base64").b64encode(raw).decode()]
)
def test_bytes_are_hexadecimal_or_base64(tmp_path: Path, encode: object) -> None:
    raw = bytes(range(7, 39))
    details = read(tmp_path, (f"safeguard_statement: {{report_digest: {encode(raw)}}}"))  # type: ignore[operator]  # every case gives its own function

    assert details.safeguard_statement.report_digest == raw


def test_every_fault_is_told_at_once_with_line_and_path(tmp_path: Path) -> None:
    text = """
parties:
  - party_id: end-user
    kind: HOSPITAL
    colour: green
    signing_authority: {public_key: nowhere.pem, is_authorized: maybe}
  - 7
validity_days: a year
monthly_million_tokens: 1e3
end_user_statement:
  signed_at: yesterday
destinations: DE
declaration:
"""

    assert faults(tmp_path, text) == [
        (
            ":4: parties[0].kind: unknown party kind 'HOSPITAL'."
            " Choose from: PERSON, ORGANISATION, VESSEL."
        ),
        (
            ":5: parties[0].colour: unknown field 'colour'. Did you mean 'country'? "
            f"Allowed fields: {PARTY_FIELDS}."
        ),
        (
            f":6: parties[0].signing_authority.public_key: cannot read {tmp_path}/nowhere.pem: "
            "No such file or directory"
        ),
        ":6: parties[0].signing_authority.is_authorized: 'maybe' is not valid. Use true or false.",
        f":7: parties[1]: must be a mapping with these fields: {PARTY_FIELDS}",
        ":8: validity_days: 'a year' is not a whole number, for example 365",
        ":9: monthly_million_tokens: '1e3' is not a whole number, for example 365",
        (
            ":11: end_user_statement.signed_at: 'yesterday' is not a valid date. "
            "Use 2026-11-30, 2026-11-30T12:00:00Z or -30d."
        ),
        ":12: destinations: must be a list, for example [DE]",
        ":13: declaration: is empty; remove the field or give it a value",
    ]


def test_the_allowed_fields_are_listed_once(tmp_path: Path) -> None:
    found = faults(tmp_path, "parties: [{colour: green, shape: round}, {size: 3}]\nitem: []")

    assert [line.count("Allowed fields") for line in found] == [1, 0, 0, 1]


def test_a_missing_field_is_named_with_its_meaning_and_an_example(
    examples: Path, tmp_path: Path
) -> None:
    text = (examples / "hospital-hosted-access.yaml").read_text(encoding="utf-8")
    file = examples / "incomplete.yaml"
    file.write_text(text.replace("    country: DE\n", "", 1).replace("validity_days: 365\n", ""))

    with pytest.raises(FileError) as refused:
        read_complete(file, NOW)

    assert refused.value.described() == [
        (
            f"{file}:10: parties[1].country: is missing. Country of the seat or residence,"
            " for example KE. "
            "Example: country: DE"
        ),
        (
            f"{file}:3: validity_days: is missing. Requested term of the license, 1 to 1461 days. "
            "It begins with the signature. Example: validity_days: 365"
        ),
    ]


def test_a_missing_field_is_described_once_and_a_word_of_a_field_leads_to_it(
    tmp_path: Path,
) -> None:
    file = tmp_path / "application.yaml"
    file.write_text("parties: [{id: applicant}, {id: end-user}]")

    with pytest.raises(FileError) as refused:
        read_complete(file, NOW)

    found = [line.removeprefix(f"{file}:1: ") for line in refused.value.described()]
    assert (
        "parties[0].kind: is missing. Person, organisation or vessel. Example: kind: "
        in " ".join(found)
    )
    assert "parties[1].kind: is missing" in found
    assert "parties[1].id: unknown field 'id'. Did you mean 'party_id'?" in found
    assert [line for line in found if line.startswith("items")] == [
        (
            "items: is missing. The models that access is requested to, each with its form of "
            "access. Example: items: [{model_id: example-frontier-1, access_mode: HOSTED_ACCESS}]"
        )
    ]


def test_a_signatory_whose_power_is_not_stated_is_refused(examples: Path) -> None:
    text = (examples / "hospital-hosted-access.yaml").read_text(encoding="utf-8")
    file = examples / "incomplete.yaml"
    file.write_text(text.replace("      is_authorized: true\n", ""), encoding="utf-8")

    with pytest.raises(FileError) as refused:
        read_complete(file, NOW)

    assert refused.value.described() == [
        (
            f"{file}:23: parties[2].signing_authority.is_authorized: is missing. True if the "
            "end user declares that this person may bind it. Otherwise the person cannot sign. "
            "Example: is_authorized: true"
        )
    ]


def test_a_signatory_without_authority_or_key_is_refused_with_an_example(tmp_path: Path) -> None:
    file = tmp_path / "application.yaml"
    file.write_text(
        "parties:\n- roles: [SIGNATORY]\n"
        "- {roles: [SIGNATORY], signing_authority: {is_authorized: true}}"
    )

    with pytest.raises(FileError) as refused:
        read_complete(file, NOW)

    found = [line.partition(": ")[2] for line in refused.value.described()]
    assert (
        "parties[0].signing_authority: is missing: a party with role SIGNATORY needs it. Example: "
        "{key_file: keys/signatory.pem, is_authorized: true, binds_party_id: end-user}"
    ) in found
    assert (
        "parties[1].signing_authority.public_key: is missing. Example: key_file: keys/signatory.pem"
    ) in found


def test_both_spellings_of_an_organisation_are_read(tmp_path: Path) -> None:
    details = read(tmp_path, "parties: [{kind: ORGANIZATION}, {kind: ORGANISATION}]")

    assert {party.kind for party in details.parties} == {model.PARTY_KIND_ORGANISATION}


def test_a_moment_without_a_zone_is_refused(tmp_path: Path) -> None:
    found = faults(tmp_path, "end_user_statement: {signed_at: 2026-01-31T12:00:00}")

    assert found == [
        (
            ":1: end_user_statement.signed_at: '2026-01-31T12:00:00' has no time zone."
            " For UTC, use 2026-01-31T12:00:00Z."
        )
    ]


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("parties: [", "application.yaml", "not YAML: line 1"),
        ("{", "application.json", "not JSON: line 1"),
        ("", "application.yaml", "must be a mapping with these fields"),
        (
            "validity_days: 1\nvalidity_days: 2",
            "application.yaml",
            ":2: validity_days: occurs twice",
        ),
        (
            '{"validityDays": 1, "validityDays": 2}',
            "application.json",
            "'validityDays' occurs twice",
        ),
        ("validity_days: 99999999999", "application.yaml", "validity_days: is out of range"),
        ("[" * 3000, "application.yaml", "not YAML"),
        ("[" * 30 + "]" * 30, "application.yaml", "nested deeper than 20 levels"),
    ],
)
def test_what_cannot_be_read_is_told_in_words(
    tmp_path: Path, text: str, name: str, expected: str
) -> None:
    assert any(expected in line for line in faults(tmp_path, text, name))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"nowhere\.yaml: No such file or directory"):
        read_application(tmp_path / "nowhere.yaml", NOW)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "application.yaml"
    file.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(FileError, match="not UTF-8"):
        read_application(file, NOW)


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(text, encoding="utf-8", errors="replace", newline="")
    with suppress(FileError):
        read_application(file, NOW)


@pytest.mark.parametrize("name", sorted(file.stem for file in EXAMPLES.glob("*.yaml")))
def test_every_example_keeps_the_rules_of_the_contract(examples: Path, name: str) -> None:
    details = read_application(examples / f"{name}.yaml", NOW)

    protovalidate.validate(
        SubmitApplicationRequest(request_id=str(uuid.UUID(int=4)), details=details)
    )
