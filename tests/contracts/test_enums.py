"""Enums that two packages define have the same names and numbers: packages import no sibling."""

from __future__ import annotations

from typing import Any

import pytest
from safeconduct.applications.v1 import model_pb2 as applications
from safeconduct.enforcement.v1 import model_pb2 as enforcement


@pytest.mark.parametrize(
    ("copy", "original"),
    [
        (enforcement.AccessMode, applications.AccessMode),
        (enforcement.EndUse, applications.EndUse),
    ],
    ids=["AccessMode", "EndUse"],
)
def test_a_copied_enum_equals_its_original(copy: Any, original: Any) -> None:
    assert copy.items() == original.items()
