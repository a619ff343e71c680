"""Every part of every contract has a comment that ends as a sentence."""

from __future__ import annotations

import pytest

from tests.contracts.descriptors import files, parts


def test_every_part_of_every_contract_has_a_sentence() -> None:
    wrong = [part.name for part in parts() if not part.comment.endswith(".")]

    assert not wrong


@pytest.mark.parametrize(
    "name",
    [
        "applications.v1.ApplicationService.SubmitApplication",
        "enforcement.v1.WatchStandingResponse.StandingChanges.resume_token",
        "options.v1.Role.ROLE_GATE",
        "options.v1.personal",
    ],
)
def test_the_sentences_of_every_kind_of_part_are_looked_at(name: str) -> None:
    assert f"safeconduct.{name}" in {part.name for part in parts()}


def test_every_enum_begins_with_unspecified() -> None:
    enums = [enum for file in files() for enum in file.enum_type]

    assert all(
        enum.value[0].name.endswith("_UNSPECIFIED") and enum.value[0].number == 0 for enum in enums
    )
