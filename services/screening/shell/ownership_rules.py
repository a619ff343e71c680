"""Reads the rules of ownership from their file. A fault in it names its place and keeps the service from starting."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

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
            raise ValueError("a suspension ends before it begins")
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
            raise ValueError("a rule's id is given twice")
        return self


def ownership_rules(path: Path) -> OwnershipRules:
    """The rules of the file. Raises ValueError, with every fault and its place, and OSError."""
    said = _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    return OwnershipRules(said.version, tuple(map(_rule, said.rules)), said.restrictiveness)


def _rule(said: _Rule) -> OwnershipRule:
    return OwnershipRule(
        rule_id=said.id,
        authority=said.authority,
        covers=tuple(Coverage(each.list, frozenset(each.programs)) for each in said.covers),
        threshold_percent=said.threshold_percent,
        is_inclusive=said.inclusive,
        is_aggregated=said.aggregated,
        indirect=said.indirect,
        effective_from=said.effective_from,
        suspensions=tuple(Suspension(each.since, each.until) for each in said.suspended),
        source=said.source,
        to_confirm=said.to_confirm,
    )
