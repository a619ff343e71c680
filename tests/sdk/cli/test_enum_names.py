"""Names of enum values, as people write and read them."""

from __future__ import annotations

import pytest
from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.cli.enum_names import UnknownNameError, full_name, names, short


def test_a_wrong_name_gets_a_guess() -> None:
    with pytest.raises(UnknownNameError, match=r"Did you mean HOSTED_ACCESS\?"):
        full_name(model.AccessMode.DESCRIPTOR, "HOSTED_ACCES")


@pytest.mark.parametrize(
    "enum", model.DESCRIPTOR.enum_types_by_name.values(), ids=lambda enum: enum.name
)
def test_every_name_reads_back(enum: object) -> None:
    for name in names(enum):  # type: ignore[arg-type]  # the stub for enums knows no enum in general
        assert full_name(enum, name).endswith(name)  # type: ignore[arg-type]  # the stub for enums knows no enum in general


def test_a_value_of_a_newer_service_shows_as_its_number() -> None:
    assert short(model.LicenseState, 99) == "99"
