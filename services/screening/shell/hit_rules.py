"""Reads the rules for verdicts on hits from their YAML file.

An invalid file keeps the service from starting.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from chassis.yaml_files import load_yaml
from services.screening.core.cases.hit_rules import HitRules
from services.screening.core.model import Strength


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    two_officers: frozenset[Strength]
    false_positive_days: Annotated[int, Field(ge=1, le=3650)]

    @field_validator("two_officers")
    @classmethod
    def _with_exact(cls, value: frozenset[Strength]) -> frozenset[Strength]:
        if Strength.EXACT not in value:
            raise ValueError("must name EXACT")
        return value


def read_hit_rules(path: Path) -> HitRules:
    """Returns the rules of the file. Raises ValueError if it is invalid."""
    found = _File.model_validate(load_yaml(path))
    return HitRules(found.two_officers, found.false_positive_days)
