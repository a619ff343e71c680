"""The rule by which a gate allows or denies: a license's standing, an access, a moment, and the age of the knowledge.

Knows no network, no clock and no protobuf.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class StandingState(StrEnum):
    """Whether a license holds."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"


class AccessVerdict(StrEnum):
    """That a gate allows, or why it denies: the names of enforcement.v1.AccessVerdict without prefix."""

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


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything needed to decide about one license.

    `version` rises with each change. `lease_seconds` is how long a gate may trust what it knows.
    """

    license_id: str
    license_number: str
    partner_id: str
    version: int
    state: StandingState
    model_ids: frozenset[str]
    destinations: frozenset[str]
    end_uses: frozenset[str]
    not_before: datetime
    not_after: datetime
    lease_seconds: int
    reason: str
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Access:
    """One access that somebody asks for.

    `destination` is ISO 3166-1 alpha-2, `end_use` a name of applications.v1.EndUse without prefix.
    """

    license_id: str
    model_id: str
    destination: str
    end_use: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer with its reason. `standing_version` is 0 for an unknown license; `explanation` is a sentence."""

    allowed: bool
    reason: AccessVerdict
    standing_version: int
    explanation: str


@dataclass(frozen=True, slots=True)
class _Question:
    standing: Standing
    access: Access
    wall_now: datetime
    knowledge_age: float


# Asked in this order; the first that holds is the answer. REVOKED comes before the lease because it is final: knowledge
# of it does not age. Everything else that is older than the lease says nothing any more.
_DENIALS: Final[
    tuple[tuple[AccessVerdict, Callable[[_Question], bool], Callable[[_Question], str]], ...]
] = (
    (
        AccessVerdict.REVOKED,
        lambda q: q.standing.state is StandingState.REVOKED,
        lambda q: f"License {q.standing.license_number} is revoked{_because(q.standing)}.",
    ),
    (
        AccessVerdict.LEASE_EXPIRED,
        lambda q: not q.knowledge_age <= q.standing.lease_seconds,
        lambda q: (
            f"What is known is {q.knowledge_age:.1f} s old; the lease allows {q.standing.lease_seconds} s."
        ),
    ),
    (
        AccessVerdict.SUSPENDED,
        lambda q: q.standing.state is not StandingState.ACTIVE,
        lambda q: f"License {q.standing.license_number} is suspended{_because(q.standing)}.",
    ),
    (
        AccessVerdict.NOT_YET_VALID,
        lambda q: q.wall_now < q.standing.not_before,
        lambda q: (
            f"License {q.standing.license_number} holds from {q.standing.not_before:%Y-%m-%dT%H:%M:%SZ}."
        ),
    ),
    (
        AccessVerdict.EXPIRED,
        lambda q: q.wall_now >= q.standing.not_after,
        lambda q: (
            f"License {q.standing.license_number} ended at {q.standing.not_after:%Y-%m-%dT%H:%M:%SZ}."
        ),
    ),
    (
        AccessVerdict.MODEL_NOT_GRANTED,
        lambda q: q.access.model_id not in q.standing.model_ids,
        lambda q: (
            f"Model {q.access.model_id} is not granted; granted: {_listed(q.standing.model_ids)}."
        ),
    ),
    (
        AccessVerdict.DESTINATION_NOT_GRANTED,
        lambda q: q.access.destination not in q.standing.destinations,
        lambda q: (
            f"Destination {q.access.destination} is not granted; granted: {_listed(q.standing.destinations)}."
        ),
    ),
    (
        AccessVerdict.END_USE_NOT_GRANTED,
        lambda q: q.access.end_use not in q.standing.end_uses,
        lambda q: (
            f"End use {q.access.end_use} is not granted; granted: {_listed(q.standing.end_uses)}."
        ),
    ),
)


def judge(
    standing: Standing | None, access: Access, wall_now: datetime, knowledge_age: float
) -> Verdict:
    """Whether this access is allowed. `wall_now` is UTC; `knowledge_age` in seconds, infinite when nothing is known.

    Fails closed: an unknown license, and knowledge older than the license's lease, deny.
    """
    if standing is None:
        explanation = f"No license {access.license_id} is known here."
        return Verdict(
            allowed=False,
            reason=AccessVerdict.UNKNOWN_LICENSE,
            standing_version=0,
            explanation=explanation,
        )
    question = _Question(standing, access, wall_now, knowledge_age)
    for reason, holds, explain in _DENIALS:
        if holds(question):
            return Verdict(
                allowed=False,
                reason=reason,
                standing_version=standing.version,
                explanation=explain(question),
            )
    return Verdict(
        allowed=True,
        reason=AccessVerdict.ALLOWED,
        standing_version=standing.version,
        explanation=f"License {standing.license_number} holds and grants this access.",
    )


def _because(standing: Standing) -> str:
    return f" ({standing.reason})" if standing.reason else ""


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"
