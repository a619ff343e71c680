"""The rule of the gate: decides one access from a standing, the time and the age of the knowledge.

This module is the reference for gates in every language; `conformance/gate_vectors.json` in the
source tree has its test vectors. It imports no network library, no clock and no protobuf, so that
the service decides by the same code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from safeconduct.compat import StrEnum

NANOSECONDS: Final = 1_000_000_000
"""Nanoseconds in one second."""
CAPABILITIES: Final = frozenset({"access-mode"})
"""Features of a standing that this release knows. `access-mode`: grants name the form of access."""


class StandingState(StrEnum):
    """Whether a license is in force: enforcement.v1.StandingState without prefix."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"


class EndUse(StrEnum):
    """End uses that a license can grant: enforcement.v1.EndUse without prefix."""

    HEALTHCARE = "HEALTHCARE"
    RESEARCH_AND_EDUCATION = "RESEARCH_AND_EDUCATION"
    SOFTWARE_DEVELOPMENT = "SOFTWARE_DEVELOPMENT"
    CUSTOMER_SERVICE = "CUSTOMER_SERVICE"
    OFFICE_PRODUCTIVITY = "OFFICE_PRODUCTIVITY"
    FINANCIAL_SERVICES = "FINANCIAL_SERVICES"
    PUBLIC_ADMINISTRATION = "PUBLIC_ADMINISTRATION"
    CONTENT_CREATION = "CONTENT_CREATION"
    BIOMETRIC_IDENTIFICATION = "BIOMETRIC_IDENTIFICATION"
    COMMUNICATIONS_ANALYSIS = "COMMUNICATIONS_ANALYSIS"
    POLITICAL_CAMPAIGNING = "POLITICAL_CAMPAIGNING"
    MILITARY = "MILITARY"
    MILITARY_INTELLIGENCE = "MILITARY_INTELLIGENCE"
    AUTONOMOUS_WEAPONS = "AUTONOMOUS_WEAPONS"
    OTHER = "OTHER"


class AccessMode(StrEnum):
    """Forms of access to a model: enforcement.v1.AccessMode without prefix."""

    MODEL_WEIGHTS = "MODEL_WEIGHTS"
    HOSTED_ACCESS = "HOSTED_ACCESS"
    FINE_TUNING_SERVICE = "FINE_TUNING_SERVICE"
    TOOL = "TOOL"
    DEEMED_ACCESS = "DEEMED_ACCESS"


class MeasureKind(StrEnum):
    """Kinds of measures, ascending: enforcement.v1.MeasureKind without prefix."""

    WARNING = "WARNING"
    SUSPENSION = "SUSPENSION"
    REVOCATION = "REVOCATION"


class Clause(StrEnum):
    """Clauses of the code of conduct, articles 1 to 9: enforcement.v1.Clause without prefix."""

    MILITARY_SURVEILLANCE = "MILITARY_SURVEILLANCE"
    AUTONOMOUS_WEAPONS = "AUTONOMOUS_WEAPONS"
    HUMAN_RIGHTS_VIOLATING_CONTENT = "HUMAN_RIGHTS_VIOLATING_CONTENT"
    POLITICAL_MANIPULATION = "POLITICAL_MANIPULATION"
    RETRANSFER_WITHOUT_AUTHORIZATION = "RETRANSFER_WITHOUT_AUTHORIZATION"
    ACCESS_BY_RESTRICTED_PERSON = "ACCESS_BY_RESTRICTED_PERSON"
    REFUSED_END_USE_CHECK = "REFUSED_END_USE_CHECK"
    FALSE_STATEMENT = "FALSE_STATEMENT"
    OVER_USE = "OVER_USE"


class AccessVerdict(StrEnum):
    """ALLOWED, or the first rule that denies: enforcement.v1.AccessVerdict without prefix."""

    ALLOWED = "ALLOWED"
    UNKNOWN_LICENSE = "UNKNOWN_LICENSE"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"
    NOT_YET_VALID = "NOT_YET_VALID"
    EXPIRED = "EXPIRED"
    MODEL_NOT_GRANTED = "MODEL_NOT_GRANTED"
    DESTINATION_NOT_GRANTED = "DESTINATION_NOT_GRANTED"
    END_USE_NOT_GRANTED = "END_USE_NOT_GRANTED"
    LEASE_EXPIRED = "LEASE_EXPIRED"
    ACCESS_MODE_NOT_GRANTED = "ACCESS_MODE_NOT_GRANTED"
    GATE_TOO_OLD = "GATE_TOO_OLD"


@dataclass(frozen=True, slots=True)
class StandingCause:
    """Why a license is suspended or revoked: a measure for a clause, or a list match.

    `measure_kind` and `clause` are None if `is_list_match` is True.
    """

    measure_kind: MeasureKind | None
    clause: Clause | None
    is_list_match: bool

    def __str__(self) -> str:
        """Returns for example "REVOCATION:MILITARY_SURVEILLANCE", or "LIST_MATCH"."""
        return _LIST_MATCH if self.is_list_match else f"{self.measure_kind}:{self.clause}"

    @classmethod
    def parse(cls, text: str) -> StandingCause | None:
        """Returns the cause whose `str` is the text, or None for any other text.

        Standings of earlier releases carry the text only.
        """
        if text == _LIST_MATCH:
            return cls(None, None, is_list_match=True)
        kind, _, clause = text.partition(":")
        try:
            return cls(MeasureKind(kind), Clause(clause), is_list_match=False)
        except ValueError:
            return None


_LIST_MATCH: Final = "LIST_MATCH"


@dataclass(frozen=True, slots=True)
class Grant:
    """One model and the form of access to it that a license grants.

    `access_mode` is None in a standing of an earlier release, which did not keep it, and for a form
    that a later release added. Such a grant grants no access.
    """

    model_id: str
    access_mode: AccessMode | None

    def __str__(self) -> str:
        """Returns for example "example-frontier-1 (HOSTED_ACCESS)"."""
        return f"{self.model_id} ({self.access_mode or 'form of access unknown'})"


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that a gate needs to decide accesses under one license.

    `license_id` is a UUID, `license_number` the name for people. `version` rises with each change.
    `requires` names the capabilities without which a gate denies. The license is valid from
    `not_before` until just before `not_after`. `lease_seconds` is the greatest age of knowledge by
    which a gate may still decide. `cause` is None while the license is ACTIVE. `changed_at` is the
    time of the change that led to this version, if it is known.
    """

    license_id: str
    license_number: str
    partner_id: str
    version: int
    state: StandingState
    requires: frozenset[str]
    grants: frozenset[Grant]
    destinations: frozenset[str]
    end_uses: frozenset[EndUse]
    not_before: datetime
    not_after: datetime
    lease_seconds: int
    cause: StandingCause | None
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Access:
    """One access to decide.

    `access_mode` is a name of AccessMode, `destination` is ISO 3166-1 alpha-2, `end_use` a name of
    EndUse.
    """

    license_id: str
    model_id: str
    access_mode: str
    destination: str
    end_use: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision and its reason.

    `standing_version` is 0 for an unknown license. `explanation` is one sentence for people; its
    wording may change in any release.
    """

    allowed: bool
    reason: AccessVerdict
    standing_version: int
    explanation: str


@dataclass(frozen=True, slots=True)
class _Facts:
    standing: Standing
    access: Access
    wall_now: datetime
    knowledge_age_ns: int | None
    missing: frozenset[str]
    """Capabilities that the standing requires and the gate lacks."""


# The first rule that denies is the answer. REVOKED precedes the lease, because a revocation is
# final and knowledge of it does not age. All other rules need knowledge within the lease.
_DENIALS: Final[
    tuple[tuple[AccessVerdict, Callable[[_Facts], bool], Callable[[_Facts], str]], ...]
] = (
    (
        AccessVerdict.REVOKED,
        lambda f: f.standing.state is StandingState.REVOKED,
        lambda f: f"License {f.standing.license_number} is revoked{_in_brackets(f.standing)}.",
    ),
    (
        AccessVerdict.LEASE_EXPIRED,
        lambda f: not _is_within_lease(f.standing, f.knowledge_age_ns),
        lambda f: _lease_expired(f.standing, f.knowledge_age_ns),
    ),
    (
        # Before every rule that reads the grants: an unknown restriction may change their meaning.
        AccessVerdict.GATE_TOO_OLD,
        lambda f: bool(f.missing),
        lambda f: (
            f"License {f.standing.license_number} requires what this gate does not know:"
            f" {_listed(f.missing)}. Upgrade the gate."
        ),
    ),
    (
        AccessVerdict.SUSPENDED,
        # Anything but ACTIVE denies, also a state that a later release adds.
        lambda f: f.standing.state is not StandingState.ACTIVE,
        lambda f: f"License {f.standing.license_number} is suspended{_in_brackets(f.standing)}.",
    ),
    (
        AccessVerdict.NOT_YET_VALID,
        lambda f: f.wall_now < f.standing.not_before,
        lambda f: (
            f"License {f.standing.license_number} is valid from"
            f" {f.standing.not_before:%Y-%m-%dT%H:%M:%SZ}."
        ),
    ),
    (
        AccessVerdict.EXPIRED,
        lambda f: f.wall_now >= f.standing.not_after,
        lambda f: (
            f"License {f.standing.license_number} expired at"
            f" {f.standing.not_after:%Y-%m-%dT%H:%M:%SZ}."
        ),
    ),
    (
        AccessVerdict.MODEL_NOT_GRANTED,
        lambda f: all(grant.model_id != f.access.model_id for grant in f.standing.grants),
        lambda f: (
            f"Model {f.access.model_id} is not granted; granted: {_listed(f.standing.grants)}."
        ),
    ),
    (
        AccessVerdict.ACCESS_MODE_NOT_GRANTED,
        lambda f: (
            not any(
                grant.model_id == f.access.model_id
                and grant.access_mode is not None
                and grant.access_mode == f.access.access_mode
                for grant in f.standing.grants
            )
        ),
        lambda f: (
            f"{f.access.access_mode} of model {f.access.model_id} is not granted;"
            f" granted: {_listed(f.standing.grants)}."
        ),
    ),
    (
        AccessVerdict.DESTINATION_NOT_GRANTED,
        lambda f: f.access.destination not in f.standing.destinations,
        lambda f: (
            f"Destination {f.access.destination} is not granted;"
            f" granted: {_listed(f.standing.destinations)}."
        ),
    ),
    (
        AccessVerdict.END_USE_NOT_GRANTED,
        lambda f: f.access.end_use not in f.standing.end_uses,
        lambda f: (
            f"End use {f.access.end_use} is not granted; granted: {_listed(f.standing.end_uses)}."
        ),
    ),
)


def judge(
    standing: Standing | None,
    access: Access,
    wall_now: datetime,
    knowledge_age_ns: int | None,
    capabilities: frozenset[str] = CAPABILITIES,
) -> Verdict:
    """Returns whether the access is allowed under this standing.

    `standing` is None if the gate knows no such license. `wall_now` is an aware time.
    `knowledge_age_ns` is the time in nanoseconds since the gate last knew every committed standing,
    or None if it never did. An unknown license, an unknown or negative age, and an age above the
    lease deny. So does a standing that requires something which is not among `capabilities`.
    """
    if standing is None:
        return Verdict(
            allowed=False,
            reason=AccessVerdict.UNKNOWN_LICENSE,
            standing_version=0,
            explanation=f"No license {access.license_id} of this partner is known.",
        )
    missing = standing.requires - capabilities
    facts = _Facts(standing, access, wall_now, knowledge_age_ns, missing)
    for reason, denies, explain in _DENIALS:
        if denies(facts):
            return Verdict(
                allowed=False,
                reason=reason,
                standing_version=standing.version,
                explanation=explain(facts),
            )
    return Verdict(
        allowed=True,
        reason=AccessVerdict.ALLOWED,
        standing_version=standing.version,
        explanation=f"License {standing.license_number} is in force and grants this access.",
    )


def _is_within_lease(standing: Standing, age_ns: int | None) -> bool:
    # An age is compared as an integer: seconds as a float would round at the boundary.
    return age_ns is not None and 0 <= age_ns <= standing.lease_seconds * NANOSECONDS


def _lease_expired(standing: Standing, age_ns: int | None) -> str:
    if age_ns is None or age_ns < 0:
        return f"The age of what is known about license {standing.license_number} is unknown."
    seconds = age_ns / NANOSECONDS
    return (
        f"What is known about license {standing.license_number} is {seconds:.1f} s old;"
        f" the lease allows {standing.lease_seconds} s."
    )


def _in_brackets(standing: Standing) -> str:
    return f" ({standing.cause})" if standing.cause is not None else ""


def _listed(names: frozenset[str] | frozenset[EndUse] | frozenset[Grant]) -> str:
    return ", ".join(sorted(str(name) for name in names)) or "none"
