"""The present knowledge of a party: its latest screening, with the verdicts on its hits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.screening.core.evolve import ScreenedApplication
from services.screening.core.lifecycle import STANDING
from services.screening.core.model import Strength
from services.screening.core.ownership.assessment import Owner, OwnershipAssessment, assess
from services.screening.core.ownership.rules import Listing, Ruling
from services.screening.core.records import HitState, RecordedHit, ScreeningResult, Subject

_STRENGTHS: Final = (Strength.WEAK, Strength.STRONG, Strength.EXACT)
"""Weakest first."""


@dataclass(frozen=True, slots=True)
class PartyStanding:
    """The present knowledge of one party.

    strength: of its strongest hit that is open or confirmed, None without one. entry_ids,
    list_codes and hit_ids: of those hits. undetermined_reason: empty unless the result is
    UNDETERMINED.
    """

    result: ScreeningResult
    strength: Strength | None
    entry_ids: tuple[str, ...]
    list_codes: tuple[str, ...]
    undetermined_reason: str
    hit_ids: tuple[UUID, ...] = ()


def standing_of(application: ScreenedApplication, party_id: str) -> PartyStanding:
    """Returns what is known of the party.

    A confirmed hit outranks an open one, and an open one outranks the result of the latest
    screening. The party is FALSE_POSITIVE only if all its hits are.
    """
    standing = [
        hit for hit in application.hits if hit.party_id == party_id and hit.state in STANDING
    ]
    if standing:
        confirmed = any(hit.state is HitState.CONFIRMED for hit in standing)
        return PartyStanding(
            ScreeningResult.CONFIRMED_MATCH if confirmed else ScreeningResult.POSSIBLE_MATCH,
            max((hit.hit.strength for hit in standing), key=_STRENGTHS.index),
            tuple(dict.fromkeys(hit.hit.entry_id for hit in standing)),
            tuple(dict.fromkeys(hit.hit.list_code for hit in standing)),
            "",
            tuple(hit.hit_id for hit in standing),
        )
    party = next((each for each in application.latest.parties if each.party_id == party_id), None)
    if party is None:
        return PartyStanding(ScreeningResult.UNDETERMINED, None, (), (), "NOT_SCREENED")
    result, reason = (
        party.result_without_hits if party.hits else (party.result, party.undetermined_reason)
    )
    return PartyStanding(result, None, (), (), reason)


def ownership_of(application: ScreenedApplication, ruling: Ruling) -> OwnershipAssessment | None:
    """Returns who owns the parties, by the hits as officers have judged them.

    None if the latest screening did not assess ownership, because the shares are not known.
    """
    if application.latest.ownership is None:
        return None
    return assess([_owner(application, subject) for subject in application.latest.subjects], ruling)


def _owner(application: ScreenedApplication, subject: Subject) -> Owner:
    party = next(
        (each for each in application.latest.parties if each.party_id == subject.party_id), None
    )
    standing = [
        (hit.hit, hit.state is HitState.CONFIRMED)
        for hit in application.hits
        if hit.party_id == subject.party_id and hit.state in STANDING
    ]
    return owner_of(subject, standing, is_undetermined=party is None or party.is_unjudged)


def owner_of(
    subject: Subject, hits: Iterable[tuple[RecordedHit, bool]], *, is_undetermined: bool
) -> Owner:
    """Returns the subject as an owner.

    hits: those not cleared, each with whether it is confirmed.
    """
    return Owner(
        party_id=subject.party_id,
        owns=subject.owns,
        listings=tuple(
            Listing(hit.list_code, hit.programs, is_confirmed or hit.strength is Strength.EXACT)
            for hit, is_confirmed in hits
        ),
        is_undetermined=is_undetermined,
        is_owner=subject.is_beneficial_owner,
    )
