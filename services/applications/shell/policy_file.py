"""Loads a policy file: reads the YAML, checks every rule and compiles it for the type of the facts.

A rule that names an unknown fact, or is not a truth value, keeps the service from starting.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cel_expr_python import cel
from google.protobuf import descriptor_pool
from safeconduct.applications.v1 import policy_pb2

from services.applications.core.model import RuleEffect
from services.applications.shell.data_files import (
    DataFileError,
    SourceText,
    TextKind,
    convert,
    read_mapping,
)
from services.applications.shell.policy import Period, Policy, Rule

_DESCRIPTOR: Final = policy_pb2.PolicyFacts.DESCRIPTOR
_FACT: Final = re.compile(r"\bfacts\.([a-z_0-9]+)")
_LITERAL: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_Text = Annotated[str, msgspec.Meta(min_length=1)]
_Tier = Annotated[int, msgspec.Meta(ge=1, le=3)]
_Lease = Annotated[int, msgspec.Meta(ge=5, le=60)]


class _RuleEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Annotated[str, msgspec.Meta(pattern="^[a-z0-9]+([.-][a-z0-9]+)*$")]
    effect: RuleEffect
    when: _Text
    legal_basis: _Text
    explanation: _Text
    explanation_for_officers: str = ""
    condition: str = ""
    countersignatures: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1
    tier: _Tier = 1
    lease_seconds: _Lease = 60
    effective: tuple[Period, ...] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: _Text
    effective_from: date
    lease_seconds_by_tier: dict[_Tier, _Lease]
    rules: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1)]


def load_policy(path: Path) -> Policy:
    """Returns the compiled policy file. Raises DataFileError with all faults and their rules."""
    source, data = read_mapping(path)
    faults: list[str] = []
    file = convert(data, _File, "policy", faults)
    if file is None:
        raise DataFileError(path, faults)
    environment = _environment()
    rules: dict[str, Rule] = {}
    for index, raw in enumerate(file.rules):
        place = f"rules[{index}] ({raw.get('id', 'no id')})"
        entry = convert(raw, _RuleEntry, place, faults)
        if entry is None:
            continue
        if entry.id in rules:
            faults.append(f"{place}: the id is used by an earlier rule")
        faults += [f"{place}: {fault}" for fault in _contradictions(entry)]
        rule = _compile(entry, environment, place, faults)
        if rule is not None:
            rules[entry.id] = rule
    leases = file.lease_seconds_by_tier
    if set(leases) != {1, 2, 3} or not leases[1] >= leases[2] >= leases[3]:
        faults.append(
            "lease_seconds_by_tier: must have tiers 1, 2, 3, and no longer lease for a higher tier"
        )
    if faults:
        raise DataFileError(path, faults)
    text = SourceText(TextKind.POLICY, file.version, path.name, source)
    return Policy(file.version, text, file.effective_from, leases, tuple(rules.values()))


def _environment() -> cel.Env:
    return cel.NewEnv(
        descriptor_pool.Default(),
        variables={"facts": cel.Type(_DESCRIPTOR.full_name)},
        container=_DESCRIPTOR.file.package,
    )


def _contradictions(entry: _RuleEntry) -> list[str]:
    found: list[str] = []
    if (entry.effect is RuleEffect.CONDITION) != bool(entry.condition):
        found.append("condition: a CONDITION rule needs one, and no other rule may have one")
    if entry.effect is RuleEffect.COUNTERSIGN and entry.countersignatures < 2:
        found.append("countersignatures: a COUNTERSIGN rule needs two or more")
    if any(period.until is not None and period.until <= period.first for period in entry.effective):
        found.append("effective: a period must not end before it begins")
    return found


def _compile(entry: _RuleEntry, environment: cel.Env, place: str, faults: list[str]) -> Rule | None:
    try:
        program = environment.compile(entry.when)
    except Exception as fault:  # noqa: BLE001 - the runtime raises a bare RuntimeError; its text names the column
        faults.append(f"{place}: when: {_first_line(fault)}")
        return None
    if program.return_type() != cel.Type.BOOL:
        faults.append(
            f"{place}: when: is a {program.return_type().name()}; it must be a truth value"
        )
        return None
    inputs = tuple(dict.fromkeys(_FACT.findall(_LITERAL.sub("", entry.when))))
    if not inputs:
        faults.append(f"{place}: when: reads no fact; write facts.NAME")
        return None
    return Rule(
        rule_id=entry.id,
        effect=entry.effect,
        expression=entry.when,
        legal_basis=entry.legal_basis,
        explanation=entry.explanation,
        explanation_for_officers=entry.explanation_for_officers,
        condition=entry.condition,
        countersignatures=entry.countersignatures,
        tier=entry.tier,
        lease_seconds=entry.lease_seconds,
        periods=entry.effective,
        inputs=inputs,
        program=program,
    )


def _first_line(fault: Exception) -> str:
    return str(fault).partition("\n")[0].removeprefix("INVALID_ARGUMENT: ERROR: ")
