from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from services.applications.core.application_details import EndUse
from services.applications.shell.data_files import DataFileError
from services.applications.shell.reference_data import load_reference_file
from tests.applications import builders as b


def changed(folder: Path, old: str, new: str) -> Path:
    for source in b.FOLDER.iterdir():
        shutil.copy(source, folder)
    path = folder / "reference.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


def test_the_shipped_reference_data_are_complete() -> None:
    assert len(b.REFERENCE_DATA.countries) == 249
    assert len(b.REFERENCE_DATA.allied_countries) == 37
    assert b.REFERENCE_DATA.embargoed_countries == {"CU", "IR", "KP", "SY"}
    assert b.REFERENCE_DATA.models["example-frontier-1"].training_compute_flop == 2e26
    assert EndUse.AUTONOMOUS_WEAPONS in b.REFERENCE_DATA.forbidden_uses


def test_the_code_of_conduct_is_bound_by_its_digest() -> None:
    source = (b.FOLDER / "code-of-conduct-1.md").read_bytes()

    code, terms = b.REFERENCE_FILE.code_of_conduct, b.REFERENCE_FILE.signing_terms
    assert code.digest == terms.code_digest == hashlib.sha256(source).digest()
    assert code.version == terms.code_version == "1.0"
    assert code.text.encode() == source


@pytest.mark.parametrize(
    "clause",
    [
        "MILITARY_SURVEILLANCE",
        "AUTONOMOUS_WEAPONS",
        "HUMAN_RIGHTS_VIOLATING_CONTENT",
        "POLITICAL_MANIPULATION",
        "RETRANSFER_WITHOUT_AUTHORIZATION",
        "ACCESS_BY_RESTRICTED_PERSON",
        "REFUSED_END_USE_CHECK",
        "FALSE_STATEMENT",
        "OVER_USE",
    ],
)
def test_the_code_of_conduct_has_every_clause(clause: str) -> None:
    assert f"Clause: {clause}.\n" in b.REFERENCE_FILE.code_of_conduct.text


def test_a_country_code_without_quotation_marks_is_text(tmp_path: Path) -> None:
    unquoted = load_reference_file(changed(tmp_path, '"NL", "NO",', '"NL", NO,'))

    assert "NO" in unquoted.reference_data.allied_countries


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"NL", "NO",', '"NL", false,', "Expected `str`, got `bool`"),
        (
            'home_countries: ["US"]',
            'home_countries: ["US"]\nfriends: []',
            "unknown field `friends`",
        ),
        (
            'embargoed_countries: ["CU"',
            'embargoed_countries: ["DE"',
            "DE is an allied or home country too",
        ),
        ('home_countries: ["US"]', 'home_countries: ["ZZ"]', "ZZ is not in countries"),
        ("id: example-frontier-2", "id: example-frontier-1", "example-frontier-1 is listed twice"),
        ("code-of-conduct-1.md", "code-of-conduct-9.md", "there is no code-of-conduct-9.md"),
        ('version: "1.0"', 'version: "2.0"', "must have the line `Version 2.0`"),
        ("forbidden: [AUTONOMOUS_WEAPONS]", "forbidden: [FUN]", "Invalid enum value 'FUN'"),
    ],
)
def test_reference_data_that_contradict_each_other_are_refused(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    with pytest.raises(DataFileError, match=sentence):
        load_reference_file(changed(tmp_path, old, new))
