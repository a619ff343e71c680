"""The published rule decides every test vector as the vectors say."""

from __future__ import annotations

import pytest
from safeconduct.gate import decode_standing
from safeconduct.standing import AccessVerdict, judge

from tests.sdk.gate_vectors import UNCLEAR_VECTORS, VECTORS, Vector, name_of


@pytest.mark.parametrize("vector", [*VECTORS, *UNCLEAR_VECTORS], ids=name_of)
def test_the_rule_decides_as_the_vector_says(vector: Vector) -> None:
    standing = decode_standing(vector.standing) if vector.standing is not None else None

    verdict = judge(standing, vector.access, vector.wall_clock, vector.knowledge_age_ns)

    assert (verdict.allowed, verdict.reason, verdict.standing_version) == (
        vector.allowed,
        vector.verdict,
        vector.standing_version,
    )


def test_the_vectors_show_every_verdict() -> None:
    assert {vector.verdict for vector in VECTORS} == set(AccessVerdict)


def test_every_vector_has_a_name_of_its_own() -> None:
    names = [vector.name for vector in (*VECTORS, *UNCLEAR_VECTORS)]

    assert len(names) == len(set(names))
