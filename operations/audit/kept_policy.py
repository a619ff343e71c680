"""Evaluates a kept policy text on kept facts, to compare the result with the one that was stored.

It is built from the specification of the policy file, and is not shared code with the service that
decides: an auditor's copy that changed together with the service would prove nothing. A test
compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final

from cel_expr_python import cel
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.timestamp_pb2 import Timestamp
from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.applications.v1 import policy_pb2 as policy

from chassis.yaml_files import parse_yaml

BARS_RULE: Final = "core.never-automatic"
NOT_IN_EFFECT: Final = "policy.not-in-effect"
_BARS_LAW: Final = "Licensing principles; such cases are never approved automatically"
_BARS_SENTENCE: Final = "An officer has to review this application before it can be approved."
_FACT: Final = re.compile(r"\bfacts\.([a-z_0-9]+)")
_LITERAL: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_LONGEST_LEASE: Final = 60
_Entry = Mapping[str, Any]


class PolicyTextError(ValueError):
    """A kept text that is no policy file of a form that this release reads."""


def evaluate(text: bytes, facts: policy.PolicyFacts, at: Timestamp) -> model.PolicyOutcome:
    """Returns the outcome of the policy text for the facts at that time, without its digest.

    Raises PolicyTextError.
    """
    file = _parsed(text)
    day = at.ToDatetime(tzinfo=UTC).date()
    outcome = model.PolicyOutcome(policy_version=file["version"], evaluated_at=at)
    entries: list[_Entry] = []
    if day < _date(file["effective_from"]):
        outcome.fired.append(_not_in_effect(file["version"]))
    else:
        for entry in file["rules"]:
            value = _value(entry, facts) if _is_in_effect(entry, day) else False
            if value is not False:
                entries.append(entry)
                outcome.fired.append(_fired(entry, facts, failed=value is None))
    outcome.effect = _overall_effect(outcome.fired)
    outcome.tier = max((entry.get("tier", 1) for entry in entries), default=1)
    outcome.countersignatures = max(
        (entry.get("countersignatures", 1) for entry in entries), default=1
    )
    leases = [entry.get("lease_seconds", _LONGEST_LEASE) for entry in entries]
    outcome.lease_seconds = min(file["lease_seconds_by_tier"][outcome.tier], *leases, 60)
    return outcome


def bars(facts: policy.PolicyFacts, fired: Sequence[model.FiredRule]) -> tuple[str, ...]:
    """Returns the names of the bars to an approval by policy alone, in the order of the service."""
    against = {model.RULE_EFFECT_DENY, model.RULE_EFFECT_REFER}
    found = {
        "OPEN_HIT": facts.has_possible_match,
        "UNDETERMINED_SCREENING": facts.has_undetermined_screening,
        "RED_FLAG": bool(facts.red_flags),
        "UNKNOWN_OWNERSHIP": facts.has_unknown_ownership,
        "LISTED_OWNER": bool(facts.ownership_rules_met or facts.ownership_red_flags),
        "MODEL_WEIGHTS": model.ACCESS_MODE_MODEL_WEIGHTS in facts.access_modes,
        "MILITARY": facts.is_military or facts.is_military_intelligence,
        "RULE_AGAINST": any(each.failed or each.effect in against for each in fired),
    }
    return tuple(name for name, applies in found.items() if applies)


def barred(outcome: model.PolicyOutcome, names: Sequence[str]) -> model.PolicyOutcome:
    """Returns the outcome as it is stored when these bars refer an application to officers."""
    rule = model.FiredRule(
        rule_id=BARS_RULE,
        effect=model.RULE_EFFECT_REFER,
        inputs=dict.fromkeys(names, "true"),
        legal_basis=_BARS_LAW,
        explanation=_BARS_SENTENCE,
    )
    found = model.PolicyOutcome()
    found.CopyFrom(outcome)
    found.effect = model.RULE_EFFECT_REFER
    found.fired.append(rule)
    return found


@lru_cache(maxsize=8)
def _parsed(text: bytes) -> _Entry:
    try:
        file: Any = parse_yaml(text, "policy")
        if not isinstance(file["version"], str) or not isinstance(file["rules"], list):
            raise PolicyTextError("the text is no policy file")
        for name in ("effective_from", "lease_seconds_by_tier"):
            file[name]
    except (ValueError, KeyError, TypeError) as fault:
        raise PolicyTextError("the text is no policy file that this release reads") from fault
    found: _Entry = file
    return found


@lru_cache(maxsize=1)
def _environment() -> cel.Env:
    descriptor = policy.PolicyFacts.DESCRIPTOR
    return cel.NewEnv(
        descriptor_pool.Default(),
        variables={"facts": cel.Type(descriptor.full_name)},
        container=descriptor.file.package,
    )


@lru_cache(maxsize=1024)
def _program(expression: str) -> cel.Expression:
    try:
        return _environment().compile(expression)
    except Exception as fault:  # the runtime raises a bare RuntimeError
        raise PolicyTextError("a rule of the text cannot be compiled by this release") from fault


def _value(entry: _Entry, facts: policy.PolicyFacts) -> bool | None:
    """Returns the value of a rule, or None if it cannot be evaluated."""
    program = _program(entry["when"])
    try:
        result = program.eval(data={"facts": facts})
    except Exception:  # noqa: BLE001 - a rule that fails for any reason counts as failed
        return None
    return bool(result.value()) if result.type() == cel.Type.BOOL else None


def _is_in_effect(entry: _Entry, day: date) -> bool:
    periods = entry.get("effective", ())
    return not periods or any(
        _date(each["from"]) <= day and (each.get("until") is None or day < _date(each["until"]))
        for each in periods
    )


def _date(value: Any) -> date:
    """Returns the day that YAML has read as a date, a time or a text."""
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _overall_effect(fired: Sequence[model.FiredRule]) -> model.RuleEffect.ValueType:
    effects = {each.effect for each in fired if not each.failed}
    if model.RULE_EFFECT_DENY in effects:
        return model.RULE_EFFECT_DENY
    if model.RULE_EFFECT_REFER in effects or any(each.failed for each in fired):
        return model.RULE_EFFECT_REFER
    approves = model.RULE_EFFECT_APPROVE in effects
    return model.RULE_EFFECT_APPROVE if approves else model.RULE_EFFECT_REFER


def _fired(entry: _Entry, facts: policy.PolicyFacts, *, failed: bool) -> model.FiredRule:
    read = dict.fromkeys(_FACT.findall(_LITERAL.sub("", entry["when"])))
    return model.FiredRule(
        rule_id=entry["id"],
        effect=model.RuleEffect.Value(f"RULE_EFFECT_{entry['effect']}"),
        inputs={name: fact_as_text(facts, name) for name in read},
        legal_basis=entry["legal_basis"],
        explanation=entry["explanation"],
        explanation_for_officers=entry.get("explanation_for_officers", ""),
        condition=entry.get("condition", ""),
        failed=failed,
    )


def _not_in_effect(version: str) -> model.FiredRule:
    return model.FiredRule(
        rule_id=NOT_IN_EFFECT,
        effect=model.RULE_EFFECT_REFER,
        inputs={"policy_version": version},
        legal_basis="Licensing principles; officers decide while no policy is in effect",
        explanation="No policy is in effect on this day, so an officer decides.",
        failed=True,
    )


def fact_as_text(facts: policy.PolicyFacts, name: str) -> str:
    """Returns a fact as a fired rule shows it: enum names without prefix, lists with commas."""
    field = facts.DESCRIPTOR.fields_by_name[name]
    value = getattr(facts, name)
    if field.message_type is not None:
        return "; ".join(f"{key}: {value[key]}" for key in sorted(value))
    return ", ".join(_words(field, value)) if field.is_repeated else next(_words(field, [value]))


def _words(field: FieldDescriptor, values: Sequence[Any]) -> Iterator[str]:
    for value in values:
        if field.enum_type is not None:
            prefix = field.enum_type.values_by_number[0].name.removesuffix("UNSPECIFIED")
            known = field.enum_type.values_by_number.get(value)
            yield str(value) if known is None else known.name.removeprefix(prefix)
        elif isinstance(value, bool):
            yield "true" if value else "false"
        else:
            yield f"{value:g}" if isinstance(value, float) else str(value)
