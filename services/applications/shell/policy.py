"""Evaluates the policy rules on the facts of an application, with CEL.

A rule that fails during an evaluation refers the application to officers. No failure can approve an
application.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec
from cel_expr_python import cel
from google.protobuf.descriptor import FieldDescriptor
from safeconduct.applications.v1 import policy_pb2

from chassis.proto_mapping import Converter
from services.applications.core.model import (
    FiredRule,
    PolicyOutcome,
    RuleEffect,
)
from services.applications.core.policy_facts import PolicyFacts
from services.applications.shell.data_files import SourceText

NOT_IN_EFFECT: Final = "policy.not-in-effect"
"""The rule id under which a policy that is not in effect yet refers every application."""

_DESCRIPTOR: Final = policy_pb2.PolicyFacts.DESCRIPTOR


class Period(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"first": "from"}):
    """A period in which a rule is in effect. `until` is the first day after it; None for no end."""

    first: date
    until: date | None = None

    def contains(self, day: date) -> bool:
        """Returns True if the day is in the period."""
        return self.first <= day and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled rule. `inputs` are the names of the facts that it reads."""

    rule_id: str
    effect: RuleEffect
    expression: str
    legal_basis: str
    explanation: str
    explanation_for_officers: str
    condition: str
    countersignatures: int
    tier: int
    lease_seconds: int
    periods: tuple[Period, ...]
    inputs: tuple[str, ...]
    program: cel.Expression

    def is_in_effect(self, day: date) -> bool:
        """Returns True if the day (UTC) is in one of its periods, or if it has no periods."""
        return not self.periods or any(period.contains(day) for period in self.periods)

    def value(self, facts: policy_pb2.PolicyFacts) -> bool | None:
        """Returns the value of the rule for the facts, or None if it could not be evaluated."""
        try:
            result = self.program.eval(data={"facts": facts})
        except Exception:  # noqa: BLE001 - the runtime raises no class of its own; a rule that fails for any reason refers
            return None
        return bool(result.value()) if result.type() == cel.Type.BOOL else None

    def fired(self, facts: policy_pb2.PolicyFacts, *, failed: bool) -> FiredRule:
        """Returns the record of the rule with the facts that it read."""
        return FiredRule(
            rule_id=self.rule_id,
            effect=self.effect,
            inputs={name: _fact_as_text(facts, name) for name in self.inputs},
            legal_basis=self.legal_basis,
            explanation=self.explanation,
            explanation_for_officers=self.explanation_for_officers,
            condition=self.condition,
            failed=failed,
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """A loaded policy file. `text` holds its bytes."""

    version: str
    text: SourceText
    effective_from: date
    lease_seconds_by_tier: dict[int, int]
    rules: tuple[Rule, ...]

    def evaluate(self, facts: policy_pb2.PolicyFacts, now: datetime) -> PolicyOutcome:
        """Returns the outcome of the rules in effect at `now`. Never raises because of a fact."""
        day = now.astimezone(UTC).date()
        if day < self.effective_from:
            return self._outcome([(None, _not_in_effect(self.version))], now)
        fired: list[tuple[Rule | None, FiredRule]] = []
        for rule in self.rules:
            if rule.is_in_effect(day):
                value = rule.value(facts)
                if value is not False:
                    fired.append((rule, rule.fired(facts, failed=value is None)))
        return self._outcome(fired, now)

    def _outcome(self, fired: list[tuple[Rule | None, FiredRule]], now: datetime) -> PolicyOutcome:
        rules = [rule for rule, _ in fired if rule is not None]
        records = tuple(record for _, record in fired)
        tier = max((rule.tier for rule in rules), default=1)
        return PolicyOutcome(
            policy_version=self.version,
            policy_digest=self.text.digest.hex(),
            fired=records,
            effect=overall_effect(records),
            countersignatures=max((rule.countersignatures for rule in rules), default=1),
            tier=tier,
            lease_seconds=min(
                [self.lease_seconds_by_tier[tier], *(rule.lease_seconds for rule in rules)]
            ),
            evaluated_at=now,
        )


def overall_effect(fired: tuple[FiredRule, ...]) -> RuleEffect:
    """Returns DENY if a rule denies, else REFER if one refers or failed, else APPROVE if one does.

    If no rule has any of these effects, the result is REFER.
    """
    effects = {rule.effect for rule in fired if not rule.failed}
    if RuleEffect.DENY in effects:
        return RuleEffect.DENY
    if RuleEffect.REFER in effects or any(rule.failed for rule in fired):
        return RuleEffect.REFER
    return RuleEffect.APPROVE if RuleEffect.APPROVE in effects else RuleEffect.REFER


def facts_message(facts: PolicyFacts) -> policy_pb2.PolicyFacts:
    """Returns the facts as the message that rules read."""
    return _CONVERTER.to_proto(facts)


_CONVERTER: Final = Converter(PolicyFacts, policy_pb2.PolicyFacts)


def _not_in_effect(version: str) -> FiredRule:
    return FiredRule(
        rule_id=NOT_IN_EFFECT,
        effect=RuleEffect.REFER,
        inputs={"policy_version": version},
        legal_basis="Licensing principles; officers decide while no policy is in effect",
        explanation="No policy is in effect on this day, so an officer decides.",
        failed=True,
    )


def _fact_as_text(facts: policy_pb2.PolicyFacts, name: str) -> str:
    """Returns a fact as text: enum names without prefix, lists with commas, numbers short."""
    field = _DESCRIPTOR.fields_by_name[name]
    value = getattr(facts, name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return "; ".join(f"{key}: {value[key]}" for key in sorted(value))
    if field.is_repeated:
        return ", ".join(_one(field, each) for each in value)
    return _one(field, value)


def _one(field: FieldDescriptor, value: Any) -> str:
    if field.enum_type is not None:
        prefix = field.enum_type.values_by_number[0].name.removesuffix("UNSPECIFIED")
        known = field.enum_type.values_by_number.get(value)
        return str(value) if known is None else known.name.removeprefix(prefix)
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
