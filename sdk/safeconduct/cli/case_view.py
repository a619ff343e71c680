"""Tables of cases: what an officer sees of an application."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from rich.console import RenderableType
from rich.text import Text

from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.applications.v1 import service_pb2 as service
from safeconduct.cli.application_view import end_users, models, state_name
from safeconduct.cli.enum_names import short
from safeconduct.cli.output import joined, time_text
from safeconduct.cli.tables import Column, Pairs, coloured, listed, pairs, rows, show
from safeconduct.screening.v1 import model_pb2 as screening_model


def show_list(cases: Sequence[service.CaseSummary]) -> None:
    """Prints one case a line."""
    columns = (
        Column("APPLICATION", whole=True),
        Column("STATE", whole=True),
        Column("AGE", whole=True, rank=1),
        Column("TIER", whole=True, rank=2),
        Column("END USER", rank=0, least=12),
        Column("TO", rank=3),
        Column("MODELS", rank=4),
        Column("RULES", rank=6, least=16),
        Column("RECOMMENDED", rank=5, least=12),
    )
    now = datetime.now(timezone.utc)
    lines = [
        (
            case.application.application_id,
            coloured(state_name(case.application.state)),
            age(case.application, now),
            str(case.tier or ""),
            joined(case.application.end_user_names),
            joined(case.application.destinations),
            joined(case.application.model_ids),
            joined(case.rule_ids),
            _recommended(case),
        )
        for case in cases
    ]
    show(rows(columns, lines))


def age(application: model.Application | service.ApplicationSummary, now: datetime) -> str:
    """Returns the time since submission in its largest unit (`3d`); empty if unknown."""
    if not application.HasField("submitted_at"):
        return ""
    seconds = now.timestamp() - application.submitted_at.seconds
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{max(int(seconds), 0)}s"


def show_explanation(answer: service.ExplainDecisionResponse) -> None:
    """Prints a case, what policy rests on, and the decision if there is one."""
    show_case(answer.case)
    _show_basis(answer)
    if not answer.HasField("decision"):
        show("", Text("Not decided yet.", style="dim"))
        return
    decision = answer.decision
    by = "policy alone" if decision.by_policy else "officers"
    lines: Pairs = [
        ("decision", coloured(short(model.Outcome, decision.outcome))),
        ("decided", f"{time_text(decision.decided_at)} by {by}"),
        ("conditions", listed(decision.conditions)),
        ("event hash", answer.decision_event_hash.hex()),
        ("trace", answer.trace_url or answer.trace_id),
    ]
    show("", pairs(lines))


def _show_basis(answer: service.ExplainDecisionResponse) -> None:
    """Prints the texts that the outcome of policy rests on, or that none were kept."""
    if answer.HasField("basis"):
        basis = answer.basis
        lines: Pairs = [
            ("policy text", basis.policy_digest.hex()),
            (
                "reference data",
                f"{basis.reference_data_digest.hex()} ({basis.reference_data_version})",
            ),
        ]
        show("", pairs(lines))
    elif answer.case.HasField("policy"):
        sentence = "Facts and texts were not kept: an earlier release evaluated the policy."
        show("", Text(sentence, style="dim"))


def show_case(case: service.Case) -> None:
    """Prints a case: its application, screening, policy, and the recommendation that is pending."""
    application, policy = case.application, case.policy
    lines: Pairs = [
        ("application", application.application_id),
        ("state", coloured(state_name(application.state))),
        ("end user", end_users(application.details)),
        ("models", models(application.details.items)),
        ("destinations", joined(application.details.destinations)),
        ("policy", f"{policy.policy_version}: {short(model.RuleEffect, policy.effect)}"),
        ("needs", f"tier {policy.tier}, {policy.countersignatures} countersignature(s)"),
        ("lists", case.screening.list_version),
        ("allowed commands", joined(application.allowed_commands)),
    ]
    findings = [_finding(one) for one in case.screening.findings]
    show(pairs(lines), rows(("PARTY", "SCREENING", "STRENGTH", "ENTRIES"), findings))
    if case.screening.ownership.findings:
        owners = [_owners(one) for one in case.screening.ownership.findings]
        show(rows(("OWNED", "OWNERS", "RULE", "MOST RESTRICTIVE", "EXPLANATION"), owners))
    fired = [_fired(one) for one in policy.fired]
    show(rows(("RULE", "EFFECT", "EXPLANATION", "FACTS"), fired))
    if case.recommendation.recommendation_id:
        show(_recommendation(case.recommendation))


def show_owners(found: screening_model.Screening) -> None:
    """Prints the ownership findings of a screening, each with its explanation."""
    if not found.HasField("ownership"):
        show(Text("The owners of the parties were not assessed.", style="dim"))
        return
    ownership = found.ownership
    show(pairs([("rules", ownership.rules_version), ("as of", ownership.assessed_on)]))
    if not ownership.findings:
        show(Text("No finding about the owners.", style="dim"))
    for finding, text in zip(ownership.findings, found.ownership_explanations, strict=True):
        result = coloured(short(screening_model.OwnershipResult, finding.result))
        show(Text.assemble("\n", result, f" {finding.party_id} {finding.rule_id}".rstrip()), text)


def _recommended(case: service.CaseSummary) -> str:
    if not case.recommended_by:
        return ""
    return f"{short(model.Outcome, case.recommended_outcome)} by {case.recommended_by}"


def _finding(finding: model.PartyFinding) -> tuple[RenderableType, ...]:
    entries = joined(entry[:12] for entry in finding.entry_ids)
    return (
        finding.party_id,
        coloured(short(model.ScreeningResult, finding.result)),
        coloured(short(model.MatchStrength, finding.strength)),
        finding.undetermined_reason or f"{joined(finding.list_codes)} {entries}".strip(),
    )


def _owners(finding: model.OwnershipFinding) -> tuple[RenderableType, ...]:
    owner = f"{finding.most_restrictive_owner_id} {joined(finding.list_codes)}".strip()
    result = coloured(short(model.OwnershipResult, finding.result))
    return finding.party_id, result, finding.rule_id or "none", owner, finding.explanation


def _fired(rule: model.FiredRule) -> tuple[RenderableType, ...]:
    facts = joined(f"{name}={value}" for name, value in sorted(rule.inputs.items()))
    explanation = rule.explanation_for_officers or rule.explanation
    text = "could not be evaluated, therefore refers" if rule.failed else explanation
    effect = coloured(short(model.RuleEffect, rule.effect))
    return rule.rule_id, effect, f"{text} ({rule.legal_basis})", facts


def _recommendation(recommendation: model.Recommendation) -> RenderableType:
    signed = [
        f"{one.officer_id} at {time_text(one.signed_at)}: {one.rationale}"
        for one in recommendation.countersignatures
    ]
    by = f"{recommendation.officer_id} at {time_text(recommendation.recommended_at)}"
    override = recommendation.open_hits_override
    overridden: Pairs = [
        ("in spite of open hits", override.reason),
        ("open hits", listed([*override.hit_ids, *(f"of {one}" for one in override.party_ids)])),
    ]
    return pairs(
        [
            ("recommended", coloured(short(model.Outcome, recommendation.outcome))),
            ("by", by),
            ("rationale", recommendation.rationale),
            ("conditions", listed(recommendation.conditions)),
            ("id", recommendation.recommendation_id),
            ("countersigned", listed(signed)),
            *(overridden if recommendation.HasField("open_hits_override") else ()),
        ]
    )
