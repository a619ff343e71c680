from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safeconduct.applications.v1 import policy_pb2

from services.applications.core.application_details import (
    AccessMode,
    ApplicationDetails,
    EndUse,
    EndUserStatement,
    Item,
    Ownership,
    PartyRole,
    RedFlag,
    Sector,
)
from services.applications.core.model import (
    ApplicationState,
    PolicyOutcome,
    RuleEffect,
)
from services.applications.core.policy_facts import PolicyFacts, facts
from services.applications.core.screening_summary import (
    MatchStrength,
    OwnershipCause,
    OwnershipFinding,
    OwnershipResult,
    PartyFinding,
    ScreeningResult,
)
from services.applications.shell import codec
from services.applications.shell.data_files import DataFileError
from services.applications.shell.policy import NOT_IN_EFFECT, Policy, facts_message
from services.applications.shell.policy_file import load_policy
from tests.applications import builders as b

EXACT = {"result": ScreeningResult.POSSIBLE_MATCH, "strength": MatchStrength.EXACT}


def evaluate(
    of: ApplicationDetails, *findings: PartyFinding | OwnershipFinding, at: datetime = b.NOW
) -> PolicyOutcome:
    owners = b.ownership(*(each for each in findings if isinstance(each, OwnershipFinding)))
    parties = (each for each in findings if isinstance(each, PartyFinding))
    seen = facts(of, b.screening(of, *parties, ownership=owners), b.REFERENCE_DATA, at)
    return b.POLICY.evaluate(facts_message(seen), at)


def fired(outcome: PolicyOutcome) -> set[str]:
    return {rule.rule_id for rule in outcome.fired}


def hit(party_id: str, *lists: str, **changes: Any) -> PartyFinding:
    return PartyFinding(party_id, **{**EXACT, **changes}, entry_ids=("entry-1",), list_codes=lists)


def owned(*shares: float | None) -> ApplicationDetails:
    return b.with_parties(
        *(
            b.party(
                f"owner-{number}", PartyRole.BENEFICIAL_OWNER, owns=(Ownership("end-user", share),)
            )
            for number, share in enumerate(shares)
        )
    )


def owners(
    rule_id: str, result: OwnershipResult, cause: OwnershipCause = OwnershipCause.OWNED_BY_LISTED
) -> OwnershipFinding:
    """Returns the finding of screening about owners under a rule."""
    explanation = f"Listed parties own a part of end-user ({rule_id})."
    return OwnershipFinding(
        "end-user", result, cause, rule_id, list_codes=("EL",), explanation=explanation
    )


BLOCKED, FLAG = OwnershipResult.BLOCKED, OwnershipResult.RED_FLAG


def access(mode: AccessMode, model: str = "example-frontier-1") -> ApplicationDetails:
    return b.details(items=(Item(model, mode),))


def uses(*named: EndUse) -> ApplicationDetails:
    return b.details(end_uses=named)


def sector(of: Sector) -> ApplicationDetails:
    return b.details(parties=(b.APPLICANT, replace(b.END_USER, sector=of), b.SIGNATORY))


def statement(days: int) -> ApplicationDetails:
    return b.details(
        end_user_statement=EndUserStatement(
            "end-user", b.NOW - timedelta(days=days), "As stated before."
        )
    )


CASES: dict[str, tuple[ApplicationDetails, list[PartyFinding | OwnershipFinding]]] = {
    "destination.embargoed": (b.details(destinations=("DE", "KP")), []),
    "party.listed": (b.details(), [hit("end-user", "EL")]),
    "ownership.blocked": (owned(60.0), [owners("us-ofac-50-percent", BLOCKED)]),
    "ownership.affiliates": (owned(60.0), [owners("us-bis-affiliates", BLOCKED)]),
    "ownership.red-flag": (
        owned(10.0),
        [owners("us-bis-affiliates", FLAG, OwnershipCause.MINORITY_STAKE)],
    ),
    "use.forbidden": (uses(EndUse.AUTONOMOUS_WEAPONS), []),
    "use.military-surveillance": (uses(EndUse.MILITARY, EndUse.COMMUNICATIONS_ANALYSIS), []),
    "use.military-intelligence": (sector(Sector.INTELLIGENCE), []),
    "party.possible-match": (b.details(), [hit("signatory", "SDN", strength=MatchStrength.WEAK)]),
    "screening.undetermined": (
        b.details(),
        [PartyFinding("end-user", ScreeningResult.UNDETERMINED)],
    ),
    "ownership.unknown": (owned(None), []),
    "use.military": (sector(Sector.MILITARY), []),
    "use.surveillance-capable": (uses(EndUse.BIOMETRIC_IDENTIFICATION), []),
    "use.political": (uses(EndUse.POLITICAL_CAMPAIGNING), []),
    "access.model-weights": (access(AccessMode.MODEL_WEIGHTS, "example-compact-1"), []),
    "access.fine-tuning": (access(AccessMode.FINE_TUNING_SERVICE), []),
    "access.deemed": (access(AccessMode.DEEMED_ACCESS), []),
    "destination.not-allied": (b.details(destinations=("BR",)), []),
    "statement.missing": (b.details(end_user_statement=None), []),
    "statement.stale": (statement(181), []),
    "safeguards.missing": (b.details(safeguard_statement=None), []),
    "red-flags": (b.details(red_flags=(RedFlag.UNUSUAL_PAYMENT,)), []),
    "weights.frontier": (access(AccessMode.MODEL_WEIGHTS), []),
    "military.two-countersignatures": (uses(EndUse.MILITARY), []),
    "hosted.usage-cap": (b.details(), []),
    "hosted.conduct-report": (b.details(), []),
    "weights.custody": (access(AccessMode.MODEL_WEIGHTS), []),
    "fine-tuning.same-terms": (access(AccessMode.FINE_TUNING_SERVICE), []),
    "low-risk.hosted-access": (b.details(), []),
}
EFFECTS = {rule.rule_id: rule.effect for rule in b.POLICY.rules}


def test_every_shipped_rule_has_a_case() -> None:
    assert set(CASES) == set(EFFECTS)


@pytest.mark.parametrize("rule_id", CASES)
def test_a_shipped_rule_fires_for_its_case_and_has_its_effect(rule_id: str) -> None:
    details, findings = CASES[rule_id]

    outcome = evaluate(details, *findings)

    assert rule_id in fired(outcome)
    assert not any(rule.failed for rule in outcome.fired)
    if EFFECTS[rule_id] in {RuleEffect.DENY, RuleEffect.APPROVE}:
        assert outcome.effect is EFFECTS[rule_id]
    if EFFECTS[rule_id] is RuleEffect.REFER:
        assert outcome.effect in {RuleEffect.REFER, RuleEffect.DENY}


def test_a_hospital_in_an_allied_country_is_approved_with_cap_and_report() -> None:
    outcome = evaluate(b.details())

    assert fired(outcome) == {"low-risk.hosted-access", "hosted.usage-cap", "hosted.conduct-report"}
    assert (outcome.effect, outcome.countersignatures, outcome.tier, outcome.lease_seconds) == (
        RuleEffect.APPROVE,
        1,
        1,
        60,
    )


@pytest.mark.parametrize(
    "details",
    [
        b.details(monthly_million_tokens=10_001),
        b.details(validity_days=367),
        uses(EndUse.OTHER),
        sector(Sector.CIVIL_GOVERNMENT),
        b.details(parties=(b.APPLICANT, replace(b.END_USER, sector=None), b.SIGNATORY)),
        access(AccessMode.TOOL),
    ],
)
def test_an_application_outside_the_low_risk_path_is_referred(details: ApplicationDetails) -> None:
    assert evaluate(details).effect is RuleEffect.REFER


def test_an_end_user_without_a_sector_is_not_covered_by_another_who_states_one() -> None:
    silent = b.party("second", PartyRole.END_USER, sector=None)

    assert evaluate(b.with_parties(silent)).effect is RuleEffect.REFER


def test_frontier_weights_need_two_countersignatures_and_the_highest_clearance() -> None:
    outcome = evaluate(access(AccessMode.MODEL_WEIGHTS))

    assert (outcome.effect, outcome.countersignatures, outcome.tier, outcome.lease_seconds) == (
        RuleEffect.REFER,
        2,
        3,
        5,
    )


def test_smaller_weights_need_one_countersignature() -> None:
    assert evaluate(access(AccessMode.MODEL_WEIGHTS, "example-compact-1")).countersignatures == 1


def test_a_statement_of_180_days_is_not_stale() -> None:
    assert evaluate(statement(180)).effect is RuleEffect.APPROVE


def test_a_false_positive_is_clear() -> None:
    assert (
        evaluate(b.details(), PartyFinding("end-user", ScreeningResult.FALSE_POSITIVE)).effect
        is RuleEffect.APPROVE
    )


def test_a_listed_owner_of_a_small_share_refers_and_does_not_deny() -> None:
    outcome = evaluate(owned(10.0), hit("owner-0", "SDN"))

    assert outcome.effect is RuleEffect.REFER


def test_a_rule_of_ownership_that_is_suspended_refers_and_does_not_deny() -> None:
    outcome = evaluate(
        owned(60.0), owners("us-bis-affiliates", FLAG, OwnershipCause.RULE_SUSPENDED)
    )

    assert outcome.effect is RuleEffect.REFER


def test_a_rule_of_ownership_that_policy_does_not_know_refers() -> None:
    outcome = evaluate(owned(60.0), owners("another-rule", BLOCKED))

    assert (outcome.effect, "ownership.red-flag" in fired(outcome)) == (RuleEffect.REFER, True)


def test_a_denial_for_its_owners_records_the_ownership_rule_and_its_findings() -> None:
    outcome = evaluate(owned(60.0), owners("us-ofac-50-percent", BLOCKED))
    (rule,) = (rule for rule in outcome.fired if rule.rule_id == "ownership.blocked")

    assert rule.inputs == {
        "ownership_rules_met": (
            "us-ofac-50-percent: Listed parties own a part of end-user (us-ofac-50-percent)."
        )
    }


def test_a_fired_rule_shows_the_facts_it_read() -> None:
    outcome = evaluate(access(AccessMode.MODEL_WEIGHTS))
    (rule,) = (rule for rule in outcome.fired if rule.rule_id == "weights.frontier")

    assert rule.inputs == {"has_model_weights": "true", "training_compute_log10_flop": "26.301"}


def test_the_digest_is_that_of_the_file() -> None:
    assert (
        b.POLICY.text.digest.hex()
        == hashlib.sha256((b.FOLDER / "policy.yaml").read_bytes()).hexdigest()
    )


def test_before_its_first_day_a_policy_refers_everything() -> None:
    outcome = evaluate(b.details(), at=datetime(2025, 12, 31, tzinfo=UTC))

    assert (outcome.effect, fired(outcome)) == (RuleEffect.REFER, {NOT_IN_EFFECT})


GOOD_RULE = {
    "id": "a.rule",
    "effect": "APPROVE",
    "when": "facts.only_allied_countries",
    "legal_basis": "a law",
    "explanation": "because",
}
HEAD = """version: '1'
effective_from: 2026-01-01
lease_seconds_by_tier: {1: 60, 2: 20, 3: 5}
rules:
"""


def written(folder: Path, *rules: dict[str, Any], head: str = HEAD) -> Path:
    path = folder / "policy.yaml"
    lines = (
        f"  - {{{', '.join(f'{key}: {value!r}' for key, value in rule.items())}}}\n"
        for rule in rules
    )
    path.write_text(head + "".join(lines))
    return path


def a_policy(folder: Path, *changes: dict[str, Any]) -> Policy:
    return load_policy(written(folder, *({**GOOD_RULE, **change} for change in changes)))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"when": "facts.has_nothing"}, "undefined field 'has_nothing'"),
        ({"when": "facts.has_exact_match =="}, "Syntax error"),
        ({"when": "facts.has_exact_match == 1"}, "no matching overload"),
        ({"when": "facts.validity_days"}, "is a INT; it must be a truth value"),
        ({"when": "true"}, "reads no fact"),
        ({"weight": 1}, "unknown field `weight`"),
        ({"effect": "BLESS"}, "Invalid enum value 'BLESS'"),
        ({"tier": 4}, "`$.tier`"),
        ({"lease_seconds": 61}, "`$.lease_seconds`"),
        ({"condition": "be good"}, "a CONDITION rule needs one, and no other rule may have one"),
        ({"effect": "CONDITION"}, "a CONDITION rule needs one, and no other rule may have one"),
        ({"effect": "COUNTERSIGN"}, "needs two or more"),
        ({"explanation": ""}, "`$.explanation`"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_by_name(
    tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(DataFileError) as caught:
        a_policy(tmp_path, change)

    (fault,) = caught.value.faults
    assert fault.startswith("rules[0] (a.rule): ")
    assert sentence in fault


def test_all_faults_of_a_policy_are_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataFileError) as caught:
        a_policy(
            tmp_path, {}, {}, {"id": "other", "when": "facts.nope"}, {"id": "third", "tier": 0}
        )

    assert [fault.partition(":")[0] for fault in caught.value.faults] == [
        "rules[1] (a.rule)",
        "rules[2] (other)",
        "rules[3] (third)",
    ]


def test_a_key_given_twice_is_refused_with_its_place(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD_RULE, head=f"version: '2'\n{HEAD}")

    with pytest.raises(DataFileError, match=r'line 2, column 1: .*duplicate key "version"'):
        load_policy(path)


def test_a_higher_tier_has_no_longer_lease(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD_RULE, head=HEAD.replace("3: 5", "3: 40"))

    with pytest.raises(DataFileError, match="lease_seconds_by_tier"):
        load_policy(path)


def test_a_period_that_ends_before_it_begins_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD_RULE)
    path.write_text(
        path.read_text().replace("}\n", ", effective: [{from: 2026-02-01, until: 2026-01-01}]}\n")
    )
    path.write_text(
        path.read_text().replace(
            "3: 5, effective: [{from: 2026-02-01, until: 2026-01-01}]}", "3: 5}"
        )
    )

    with pytest.raises(DataFileError, match="a period must not end before it begins"):
        load_policy(path)


PERIODS = "[{from: 2025-09-29, until: 2025-11-10}, {from: 2026-11-10}]"


def in_periods(folder: Path) -> Policy:
    path = written(folder, GOOD_RULE, head=HEAD.replace("2026-01-01", "2025-01-01"))
    path.write_text(path.read_text().replace("'because'}", f"'because', effective: {PERIODS}}}"))
    return load_policy(path)


@pytest.mark.parametrize(
    ("time", "is_in_effect"),
    [
        ("2025-09-28T23:59:59+00:00", False),
        ("2025-09-29T00:00:00+00:00", True),
        ("2025-11-09T23:59:59+00:00", True),
        ("2025-11-10T00:00:00+00:00", False),
        ("2026-11-09T23:59:59+00:00", False),
        ("2026-11-10T00:00:00+00:00", True),
        ("2026-11-10T01:00:00+02:00", False),
    ],
)
def test_a_rule_is_in_effect_in_its_periods_by_the_days_of_utc(
    tmp_path: Path, time: str, is_in_effect: bool
) -> None:
    outcome = in_periods(tmp_path).evaluate(
        policy_pb2.PolicyFacts(only_allied_countries=True), datetime.fromisoformat(time)
    )

    assert (fired(outcome) == {"a.rule"}) is is_in_effect


@pytest.mark.parametrize("effect", ["DENY", "REFER", "APPROVE"])
def test_a_rule_that_fails_refers(tmp_path: Path, effect: str) -> None:
    failing = {"id": "b.rule", "effect": effect, "when": "10 / facts.statement_age_days > 1"}
    policy = a_policy(tmp_path, {}, failing)

    outcome = policy.evaluate(
        policy_pb2.PolicyFacts(only_allied_countries=True, statement_age_days=0), b.NOW
    )

    assert outcome.effect is RuleEffect.REFER
    assert [(rule.rule_id, rule.failed) for rule in outcome.fired] == [
        ("a.rule", False),
        ("b.rule", True),
    ]


def test_a_policy_in_which_nothing_approves_refers(tmp_path: Path) -> None:
    assert (
        a_policy(tmp_path, {}).evaluate(policy_pb2.PolicyFacts(), b.NOW).effect is RuleEffect.REFER
    )


def test_the_shortest_lease_and_most_signatures_win(tmp_path: Path) -> None:
    policy = a_policy(
        tmp_path,
        {"lease_seconds": 30},
        {"id": "b.rule", "effect": "COUNTERSIGN", "countersignatures": 3},
        {"id": "c.rule", "effect": "REFER", "tier": 2, "lease_seconds": 25},
    )

    outcome = policy.evaluate(policy_pb2.PolicyFacts(only_allied_countries=True), b.NOW)

    assert (outcome.countersignatures, outcome.tier, outcome.lease_seconds) == (3, 2, 20)


def some(kind: type) -> Any:
    return st.lists(st.sampled_from(list(kind)), unique=True, max_size=4).map(tuple)


ANY_FACTS = st.builds(
    PolicyFacts,
    countries=st.just(("DE",)),
    end_uses=some(EndUse),
    access_modes=some(AccessMode),
    end_user_sectors=some(Sector),
    red_flags=some(RedFlag),
    matched_lists=st.lists(st.sampled_from(["EL", "SDN", "MEU", "UVL"]), unique=True).map(tuple),
    listed_ownership_percent=st.floats(0, 100),
    blocked_ownership_percent=st.floats(0, 100),
    ownership_rules_met=st.dictionaries(
        st.sampled_from(["us-ofac-50-percent", "us-bis-affiliates", "another-rule"]),
        st.just("said"),
        max_size=2,
    ),
    ownership_red_flags=st.lists(st.just("said"), max_size=2).map(tuple),
    training_compute_log10_flop=st.floats(20, 30),
    statement_age_days=st.integers(-1, 400),
    monthly_million_tokens=st.integers(1, 20_000),
    validity_days=st.integers(1, 1461),
)


@given(ANY_FACTS)
def test_the_shipped_policy_never_approves_what_may_not_be(seen: PolicyFacts) -> None:
    outcome = b.POLICY.evaluate(facts_message(seen), b.NOW)
    forbidden = (
        seen.has_possible_match
        or seen.has_exact_match
        or seen.has_undetermined_screening
        or seen.has_unknown_ownership
        or seen.red_flags
        or seen.ownership_rules_met
        or seen.ownership_red_flags
        or seen.is_military
        or seen.is_military_intelligence
        or seen.names_forbidden_use
        or seen.has_embargoed_country
        or AccessMode.MODEL_WEIGHTS in seen.access_modes
    )

    assert not any(rule.failed for rule in outcome.fired)
    assert not (forbidden and outcome.effect is RuleEffect.APPROVE)


LOW_RISK = facts(b.details(), b.screening(b.details()), b.REFERENCE_DATA, b.NOW)
TURNED = {
    "has_possible_match": True,
    "has_undetermined_screening": True,
    "has_unknown_ownership": True,
    "is_military": True,
    "is_military_intelligence": True,
    "is_surveillance_capable": True,
    "names_forbidden_use": True,
    "has_embargoed_country": True,
    "has_exact_match": True,
    "only_allied_countries": False,
    "has_safeguard_statement": False,
    "statement_age_days": -1,
    "red_flags": (RedFlag.UNUSUAL_ROUTE,),
    "access_modes": (AccessMode.HOSTED_ACCESS, AccessMode.MODEL_WEIGHTS),
    "end_user_sectors": (),
    "end_uses": (EndUse.HEALTHCARE, EndUse.OTHER),
    "ownership_rules_met": {"us-ofac-50-percent": "Listed parties own 60 % of end-user."},
    "ownership_red_flags": ("Listed parties own 10 % of end-user.",),
}


@pytest.mark.parametrize("name", TURNED)
def test_one_fact_against_it_is_enough_to_prevent_automatic_approval(name: str) -> None:
    assert b.POLICY.evaluate(facts_message(LOW_RISK), b.NOW).effect is RuleEffect.APPROVE

    turned = replace(LOW_RISK, **{name: TURNED[name]})

    assert b.POLICY.evaluate(facts_message(turned), b.NOW).effect is not RuleEffect.APPROVE


LIST_FACTS = {
    "has_exact_match",
    "has_possible_match",
    "has_undetermined_screening",
    "matched_lists",
    "listed_ownership_percent",
    "blocked_ownership_percent",
    "ownership_rules_met",
    "ownership_red_flags",
}
ON_LISTS = [
    rule
    for rule in b.POLICY.rules
    if rule.effect is RuleEffect.REFER and LIST_FACTS & set(rule.inputs)
]


def test_the_shipped_rules_that_refer_on_lists_give_applicants_one_neutral_explanation() -> None:
    assert {rule.rule_id for rule in ON_LISTS} == {
        "party.possible-match",
        "screening.undetermined",
        "ownership.red-flag",
    }
    assert len({rule.explanation for rule in ON_LISTS}) == 1
    assert all(rule.explanation_for_officers for rule in ON_LISTS)


@pytest.mark.parametrize(
    "finding",
    [
        hit("end-user", "SDN", strength=MatchStrength.STRONG),
        hit("end-user", "SDN"),
        PartyFinding("end-user", ScreeningResult.UNDETERMINED),
        owners("us-bis-affiliates", FLAG, OwnershipCause.MINORITY_STAKE),
    ],
    ids=["possible match", "exact match", "undetermined", "listed owner"],
)
def test_a_reviewed_applicant_cannot_tell_what_was_found_on_the_lists(
    finding: PartyFinding | OwnershipFinding,
) -> None:
    reviewed = replace(
        b.application_in(ApplicationState.UNDER_REVIEW), policy=evaluate(b.details(), finding)
    )
    view = codec.application(reviewed, {})

    assert list(view.reasons) == [ON_LISTS[0].explanation]


def test_an_officer_reads_the_explanation_for_officers() -> None:
    outcome = evaluate(b.details(), hit("end-user", "SDN", strength=MatchStrength.STRONG))
    reviewed = replace(
        b.application_in(ApplicationState.UNDER_REVIEW),
        policy=outcome,
        screening=b.screening(b.details()),
    )

    case = codec.case(reviewed, b.REFERENCE_FILE.code_of_conduct)

    (rule,) = (each for each in case.policy.fired if each.rule_id == "party.possible-match")
    assert "restricted-party list" in rule.explanation_for_officers
