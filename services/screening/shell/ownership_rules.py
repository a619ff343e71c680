"""Reads the ownership rules from their YAML file.

An invalid file keeps the service from starting.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from chassis.yaml_files import load_yaml
from services.screening.core.ownership.rules import (
    Coverage,
    Indirect,
    OwnershipRule,
    OwnershipRules,
    Suspension,
)

_Text = Annotated[str, Field(min_length=1)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Coverage(_Entry):
    list: _Text
    programs: tuple[_Text, ...] = ()


class _Suspension(_Entry):
    since: date
    until: date

    @model_validator(mode="after")
    def _in_order(self) -> _Suspension:
        if self.until <= self.since:
            raise ValueError("until: must be later than since")
        return self


class _Rule(_Entry):
    id: Annotated[str, Field(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
    authority: Annotated[str, Field(min_length=1, max_length=100)]
    covers: Annotated[tuple[_Coverage, ...], Field(min_length=1)]
    threshold_percent: Annotated[Decimal, Field(gt=0, le=100)]
    inclusive: bool
    aggregated: bool
    indirect: Indirect
    effective_from: date
    suspended: tuple[_Suspension, ...] = ()
    source: _Text
    to_confirm: str = ""


class _File(_Entry):
    version: _Text
    restrictiveness: tuple[_Text, ...]
    rules: Annotated[tuple[_Rule, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_once(self) -> _File:
        ids = [rule.id for rule in self.rules]
        if len(set(ids)) < len(ids):
            raise ValueError("rules: two rules have the same id")
        return self


def read_ownership_rules(path: Path) -> OwnershipRules:
    """Returns the rules of the file. Raises ValueError, which names every invalid field."""
    file = _File.model_validate(load_yaml(path))
    return OwnershipRules(file.version, tuple(map(_rule, file.rules)), file.restrictiveness)


def _rule(rule: _Rule) -> OwnershipRule:
    return OwnershipRule(
        rule_id=rule.id,
        authority=rule.authority,
        covers=tuple(Coverage(each.list, frozenset(each.programs)) for each in rule.covers),
        threshold_percent=rule.threshold_percent,
        is_inclusive=rule.inclusive,
        is_aggregated=rule.aggregated,
        indirect=rule.indirect,
        effective_from=rule.effective_from,
        suspensions=tuple(Suspension(each.since, each.until) for each in rule.suspended),
        source=rule.source,
        to_confirm=rule.to_confirm,
    )
