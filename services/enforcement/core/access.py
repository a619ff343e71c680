"""Judges one access by what is known of a license, with a sentence that says why. Knows no copy, stream or clock."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from services.enforcement.core.model import Standing, StandingState

_NANOSECONDS: Final = 1_000_000_000


class Verdict(StrEnum):
    """Allowed, or the first reason why not."""

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
class Access:
    """One access that somebody asks for."""

    model_id: str
    destination: str
    end_use: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict, and a sentence that says why."""

    verdict: Verdict
    sentence: str


def judge(
    standing: Standing | None, access: Access, now: datetime, knowledge_age_ns: int | None
) -> Judgement:
    """Whether the access is allowed by what was known `knowledge_age_ns` ago. The first rule that denies is the reason.

    A revocation is final, so it denies however old the knowledge is; anything else needs knowledge within the lease.
    An age of None means that nothing can be said.
    """
    if standing is None:
        return Judgement(Verdict.UNKNOWN_LICENSE, "no license of this id is known for this partner")
    number = standing.license_number
    if standing.state is StandingState.REVOKED:
        return Judgement(Verdict.REVOKED, f"license {number} is revoked ({standing.reason})")
    if knowledge_age_ns is None:
        return Judgement(Verdict.LEASE_EXPIRED, f"nothing can be said about license {number} now")
    if knowledge_age_ns > standing.lease_seconds * _NANOSECONDS:
        age = knowledge_age_ns / _NANOSECONDS
        sentence = f"what is known of license {number} is {age:.1f} s old, its lease is {standing.lease_seconds} s"
        return Judgement(Verdict.LEASE_EXPIRED, sentence)
    if standing.state is StandingState.SUSPENDED:
        return Judgement(Verdict.SUSPENDED, f"license {number} is suspended ({standing.reason})")
    return _within_grant(standing, access, now)


def _within_grant(standing: Standing, access: Access, now: datetime) -> Judgement:
    number = standing.license_number
    if now < standing.not_before:
        return Judgement(
            Verdict.NOT_YET_VALID,
            f"license {number} holds from {standing.not_before:%Y-%m-%dT%H:%M:%SZ}",
        )
    if now >= standing.not_after:
        return Judgement(
            Verdict.EXPIRED, f"license {number} held until {standing.not_after:%Y-%m-%dT%H:%M:%SZ}"
        )
    if access.model_id not in standing.model_ids:
        return Judgement(
            Verdict.MODEL_NOT_GRANTED, f"license {number} does not grant model {access.model_id}"
        )
    if access.destination not in standing.destinations:
        sentence = f"license {number} does not grant destination {access.destination}"
        return Judgement(Verdict.DESTINATION_NOT_GRANTED, sentence)
    if access.end_use not in standing.end_uses:
        return Judgement(
            Verdict.END_USE_NOT_GRANTED, f"license {number} does not grant end use {access.end_use}"
        )
    return Judgement(Verdict.ALLOWED, f"license {number} grants it")
