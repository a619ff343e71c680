"""Builders for the tests of applications: a low-risk application and its later states."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.applications.core.acceptance import acceptance_text
from services.applications.core.application_details import (
    AccessMode,
    ApplicationDetails,
    Declaration,
    EndUse,
    EndUserStatement,
    Item,
    Party,
    PartyKind,
    PartyRole,
    SafeguardStatement,
    Sector,
    SigningAuthority,
)
from services.applications.core.commands import (
    AcceptCode,
    Command,
    ConcludeScreening,
    Countersign,
    Due,
    FollowStanding,
    Officer,
    Recommend,
    RejectRecommendation,
    ReviseScreening,
    RevisionCause,
    SigningTerms,
    Submit,
    Withdraw,
)
from services.applications.core.decide import decide
from services.applications.core.errors import Refusal
from services.applications.core.evolve import evolve
from services.applications.core.model import (
    Application,
    ApplicationState,
    FiredRule,
    LicenseState,
    Outcome,
    PolicyOutcome,
    RuleEffect,
)
from services.applications.core.policy_facts import PolicyBasis, facts
from services.applications.core.screening_summary import (
    MatchStrength,
    OwnershipAssessment,
    OwnershipFinding,
    PartyFinding,
    ScreeningResult,
    ScreeningSummary,
)
from services.applications.shell.license_documents import verify_signature
from services.applications.shell.policy_file import load_policy
from services.applications.shell.reference_data import load_reference_file

FOLDER = Path(__file__).resolve().parents[2] / "services" / "applications" / "policy"
POLICY = load_policy(FOLDER / "policy.yaml")
REFERENCE_FILE = load_reference_file(FOLDER / "reference.yaml")
REFERENCE_DATA = REFERENCE_FILE.reference_data

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
APPLICATION_ID = UUID(int=1)
DECISION_ID = UUID(int=2)
RECOMMENDATION_ID = UUID(int=3)
LICENSE_ID = UUID(int=0x3F9A2C71)
SCREENING_ID = UUID(int=5)
PARTNER = "example-1"
TERMS = SigningTerms("1.0", b"\x01" * 32, 30)
ONE, TWO, THREE = (Officer(f"licensing-{number}", 3) for number in (1, 2, 3))


def party(party_id: str, *roles: PartyRole, **changes: object) -> Party:
    plain = Party(
        party_id=party_id,
        roles=roles,
        kind=PartyKind.ORGANISATION,
        name=f"Party {party_id}",
        aliases=(),
        country="DE",
        address="",
        birth_date="",
        identifiers=(),
        sector=Sector.COMMERCIAL,
        owns=(),
        signing_authority=None,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # replace refuses what is no field


APPLICANT = party("applicant", PartyRole.APPLICANT, country="US")
END_USER = party("end-user", PartyRole.END_USER, sector=Sector.HEALTHCARE)
SIGNATORY = party(
    "signatory",
    PartyRole.SIGNATORY,
    kind=PartyKind.PERSON,
    sector=None,
    signing_authority=SigningAuthority(KEY.public_key().public_bytes_raw(), True, "end-user"),
)


def details(**changes: object) -> ApplicationDetails:
    plain = ApplicationDetails(
        parties=(APPLICANT, END_USER, SIGNATORY),
        items=(Item("example-frontier-1", AccessMode.HOSTED_ACCESS),),
        destinations=("DE",),
        end_uses=(EndUse.HEALTHCARE,),
        end_user_statement=EndUserStatement(
            "end-user", NOW - timedelta(days=10), "We summarise letters of discharge."
        ),
        safeguard_statement=SafeguardStatement("Evaluated for misuse; refusals are monitored."),
        red_flags=(),
        validity_days=365,
        monthly_million_tokens=500,
        declaration=Declaration(True, "applicant"),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # replace refuses what is no field


def with_parties(*parties: Party) -> ApplicationDetails:
    return details(parties=(APPLICANT, END_USER, SIGNATORY, *parties))


def screening(
    of: ApplicationDetails, *findings: PartyFinding, **changes: object
) -> ScreeningSummary:
    """Everybody clear, but for the findings given."""
    given = {finding.party_id: finding for finding in findings}
    all_of_them = tuple(
        given.get(each.party_id, PartyFinding(each.party_id, ScreeningResult.CLEAR))
        for each in of.parties
    )
    plain = ScreeningSummary(SCREENING_ID, all_of_them, "us-csl-2025-02", "1", NOW, ownership())
    return replace(plain, **changes)  # type: ignore[arg-type]  # replace refuses what is no field


def ownership(*found: OwnershipFinding) -> OwnershipAssessment:
    return OwnershipAssessment("1", "2026-11-24", found)


def outcome(
    effect: RuleEffect, *fired: FiredRule, countersignatures: int = 1, tier: int = 1
) -> PolicyOutcome:
    return PolicyOutcome("test", "00", fired, effect, countersignatures, tier, 60, NOW)


def rule(effect: RuleEffect, **changes: object) -> FiredRule:
    plain = FiredRule(f"rule.{effect.lower()}", effect, {}, "a law", f"Because of {effect}.")
    return replace(plain, **changes)  # type: ignore[arg-type]  # replace refuses what is no field


def basis(of: ApplicationDetails | None = None) -> PolicyBasis:
    """The facts of an application that nothing speaks against, under the published texts."""
    described = of or details()
    found = facts(described, screening(described), REFERENCE_DATA, NOW)
    return PolicyBasis(found, POLICY.text.digest, REFERENCE_DATA.digest, REFERENCE_DATA.version)


def conclude(
    effect: RuleEffect, of: ApplicationDetails | None = None, **more: int
) -> ConcludeScreening:
    fired = (rule(effect), rule(RuleEffect.CONDITION, condition="Report every 90 days."))
    return ConcludeScreening(
        screening(of or details()), outcome(effect, *fired, **more), basis(of), DECISION_ID, TERMS
    )


LISTED = PartyFinding(
    "end-user", ScreeningResult.POSSIBLE_MATCH, MatchStrength.STRONG, ("EL-1",), ("EL",)
)
CONFIRMED = replace(LISTED, result=ScreeningResult.CONFIRMED_MATCH)
CLEARED = PartyFinding("end-user", ScreeningResult.FALSE_POSITIVE)
REVISED_ID = UUID(int=6)


def revise(cause: RevisionCause, effect: RuleEffect = RuleEffect.REFER) -> ReviseScreening:
    finding = {
        RevisionCause.LISTED: LISTED,
        RevisionCause.CONFIRMED: CONFIRMED,
        RevisionCause.CLEARED: CLEARED,
    }[cause]
    return ReviseScreening(
        cause,
        screening(details(), finding, screening_id=REVISED_ID),
        outcome(effect, rule(effect)),
        basis(),
    )


def recommend(officer: Officer = ONE, what: Outcome = Outcome.APPROVE) -> Recommend:
    return Recommend(RECOMMENDATION_ID, officer, what, "the case is sound", ("Only on weekdays.",))


def countersign(officer: Officer = TWO) -> Countersign:
    return Countersign(RECOMMENDATION_ID, officer, "read and agreed", DECISION_ID, TERMS)


def reject(officer: Officer = TWO) -> RejectRecommendation:
    return RejectRecommendation(RECOMMENDATION_ID, officer, "read and not agreed")


def accept(application: Application, key: Ed25519PrivateKey = KEY, **changes: object) -> AcceptCode:
    signature = key.sign(acceptance_text(application, "signatory"))
    plain = AcceptCode(LICENSE_ID, "1.0", "signatory", signature, verify_signature)
    return replace(plain, **changes)  # type: ignore[arg-type]  # replace refuses what is no field


def follow(state: LicenseState, version: int) -> FollowStanding:
    return FollowStanding(LICENSE_ID, state, version)


def after(application: Application | None, *commands: Command, at: datetime = NOW) -> Application:
    """The application after the commands, all of which must be accepted."""
    for command in commands:
        decided = decide(application, command, at)
        assert not isinstance(decided, Refusal), decided
        for event in decided:
            application = evolve(application, event)
    assert application is not None
    return application


def submitted(of: ApplicationDetails | None = None) -> Application:
    return after(None, Submit(APPLICATION_ID, PARTNER, of or details(), REFERENCE_DATA))


def awaiting_signature(of: ApplicationDetails | None = None) -> Application:
    return after(submitted(of), conclude(RuleEffect.APPROVE, of))


def approved() -> Application:
    waiting = awaiting_signature()
    return after(waiting, accept(waiting))


def application_in(state: ApplicationState) -> Application:
    """An application that has come to the state by commands alone."""
    review = after(submitted(), conclude(RuleEffect.REFER))
    late = NOW + timedelta(days=31)
    return {
        ApplicationState.SCREENING: submitted,
        ApplicationState.UNDER_REVIEW: lambda: review,
        ApplicationState.INTENT_TO_DENY: lambda: after(submitted(), conclude(RuleEffect.DENY)),
        ApplicationState.PENDING_COUNTERSIGN: lambda: after(review, recommend()),
        ApplicationState.AWAITING_SIGNATURE: awaiting_signature,
        ApplicationState.APPROVED: approved,
        ApplicationState.DENIED: lambda: after(review, recommend(what=Outcome.DENY), countersign()),
        ApplicationState.WITHDRAWN: lambda: after(review, Withdraw("")),
        ApplicationState.LAPSED: lambda: after(awaiting_signature(), Due(), at=late),
    }[state]()


def licensed(state: LicenseState) -> Application:
    """An approved application whose license record has come to the state by commands alone."""
    application = approved()
    if state is LicenseState.EXPIRED:
        return after(application, Due(), at=NOW + timedelta(days=365))
    return application if state is LicenseState.ACTIVE else after(application, follow(state, 5))
