"""The template and the JSON Schema that an applicant starts with."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path

import protovalidate
import pytest
from safeconduct import conduct
from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.applications.v1.service_pb2 import SubmitApplicationRequest
from safeconduct.cli.application_file import read_complete
from safeconduct.cli.application_schema import ACCESS_MODES, load_schema, template_text

from tests.sdk.cli.running import run

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
FILLED = {
    "APPLICANT_NAME": "Example Model Access Inc.",
    "APPLICANT_COUNTRY": "US",
    "END_USER_NAME": "Example Teaching Hospital",
    "END_USER_COUNTRY": "DE",
    "END_USER_ADDRESS": "Example Street 1, 10115 Berlin",
    "END_USER_SECTOR": "HEALTHCARE",
    "SIGNATORY_NAME": "Authorised Signatory",
    "SIGNATORY_COUNTRY": "DE",
    "MODEL_ID": "example-frontier-1",
    "[DESTINATION_COUNTRY]": "[DE]",
    "[END_USE]": "[HEALTHCARE]",
    "SIGNED_AT": "-14d",
    "WHAT_THE_END_USER_WILL_DO": "The model drafts discharge letters for our clinicians.",
    "EVALUATIONS_AND_SAFEGUARDS": "Hosted access with refusal training and misuse monitoring.",
}


@pytest.mark.parametrize(("access", "mode"), ACCESS_MODES.items())
def test_the_template_with_values_filled_in_is_valid(
    access: str, mode: str, tmp_path: Path
) -> None:
    text = template_text(access)
    for placeholder, value in FILLED.items():
        assert placeholder in text
        text = text.replace(placeholder, value, 1)
    file = tmp_path / "application.yaml"
    file.write_text(text, encoding="utf-8")
    conduct.save_key(conduct.generate_key(), tmp_path / "keys" / "signatory.pem")

    details, _ = read_complete(file, NOW)

    protovalidate.validate(
        SubmitApplicationRequest(request_id=str(uuid.UUID(int=4)), details=details)
    )
    assert model.AccessMode.Name(details.items[0].access_mode) == f"ACCESS_MODE_{mode}"


async def test_the_template_goes_into_a_new_file_only(tmp_path: Path) -> None:
    file = tmp_path / "application.yaml"

    made = await run({}, "applications", "template", "--access", "weights", "--out", str(file))
    again = await run({}, "applications", "template", "--out", str(file))

    assert (made.code, again.code) == (0, 2)
    assert "access_mode: MODEL_WEIGHTS" in file.read_text(encoding="utf-8")
    assert f"cannot write {file}: File exists" in again.err


async def test_the_schema_is_printed() -> None:
    printed = await run({}, "applications", "schema")

    assert json.loads(printed.out)["$defs"] == load_schema()


def test_the_schema_has_every_field_of_the_contract_with_its_meaning() -> None:
    schema = load_schema()

    for name, definition in schema.items():
        fields = {field.name for field in getattr(model, name).DESCRIPTOR.fields}
        assert definition["properties"].keys() - {"key_file"} == fields
        assert all(each["description"] for each in definition["properties"].values())
