"""Turns answers of the matcher into ScreeningCompleted: bounded in size, with past verdicts.

Knows the matcher's answers and the rules of ownership, nothing of how names are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from services.screening.core import model
from services.screening.core.cases.standing import owner_of
from services.screening.core.events import ScreeningCompleted
from services.screening.core.identity import hit_id_of
from services.screening.core.ownership.assessment import Owner, assess
from services.screening.core.ownership.rules import OwnershipRules
from services.screening.core.records import (
    HITS_OMITTED,
    Evidence,
    HitState,
    PartyScreening,
    RecordedHit,
    ScreeningResult,
    Subject,
)

MOST_HITS: Final = 20
"""Hits that are kept of one party, best first."""
MOST_BYTES: Final = 500_000
"""Bytes that are kept of one application's hits.

A record has 2 MiB at most. The declared parties take 1 MiB of it at most, as they came in one
request, and ownership findings take less than 500,000 bytes (`assessment.MOST_PATH_BYTES`).
"""
_HIT_BYTES: Final = 340
"""Encoded bytes of a hit besides its texts: ids, digest, numbers, tags and lengths."""
_FACT_BYTES: Final = 8
_MOST_NAME: Final = 1000
"""Characters that are kept of a name if the party's share has no room for more."""


def complete_screening(
    screening_id: UUID,
    application_id: UUID,
    partner_id: str,
    subjects: Sequence[Subject],
    answers: Sequence[model.Screening],
    cleared_pairs: Mapping[tuple[str, str], UUID],
    at: datetime,
    rules: OwnershipRules,
) -> ScreeningCompleted:
    """Returns the event that all subjects were screened at `at`.

    answers: one for each subject, in order, all by one index version. cleared_pairs: the
    hits that officers cleared before, by the digests (party, entry) of their pair. Ownership is
    assessed by the rules in effect on the day of `at`.
    """
    kept = limit_hits(
        [
            record_party(each.party_id, answer)
            for each, answer in zip(subjects, answers, strict=True)
        ]
    )
    parties = tuple(
        _with_past_verdicts(application_id, each, party, cleared_pairs)
        for each, party in zip(subjects, kept, strict=True)
    )
    owners = [_owner(each, party) for each, party in zip(subjects, parties, strict=True)]
    return ScreeningCompleted(
        screening_id=screening_id,
        application_id=application_id,
        partner_id=partner_id,
        parties=parties,
        list_version=answers[0].list_version_id,
        config_version=answers[0].config_version,
        screened_at=at,
        subjects=tuple(subjects),
        ownership=assess(owners, rules.on(at.date())),
    )


def record_party(party_id: str, screening: model.Screening) -> PartyScreening:
    """Returns the matcher's answer for one party as it is recorded.

    The first reason for which a name could not be judged explains UNDETERMINED. All others become
    flags, since a possible match of one name does not clear another name that was not judged.
    """
    is_undetermined = screening.result is model.Result.UNDETERMINED
    explaining = screening.reasons[:1] if is_undetermined else ()
    return PartyScreening(
        party_id=party_id,
        result=ScreeningResult(screening.result),
        undetermined_reason="".join(explaining),
        hits=tuple(map(_recorded_hit, screening.hits)),
        flags=(*screening.flags, *screening.reasons[len(explaining) :]),
    )


def limit_hits(
    parties: Sequence[PartyScreening], most_bytes: int = MOST_BYTES
) -> tuple[PartyScreening, ...]:
    """Returns the parties with as many of their hits as fit, best first.

    Each party gets an equal share of `most_bytes`. A party that has hits keeps at least one, if
    need be without the facts for and against it. A party whose hits were left out gets the flag
    HITS_OMITTED.
    """
    share = most_bytes // max(len(parties), 1)
    return tuple(_limit(party, share) for party in parties)


def _limit(party: PartyScreening, share: int) -> PartyScreening:
    kept: list[RecordedHit] = []
    for hit in party.hits[:MOST_HITS]:
        share -= _size(hit)
        if share < 0:
            if not kept:
                kept.append(_shortened(hit))
            break
        kept.append(hit)
    if tuple(kept) == party.hits:
        return party
    if len(kept) == len(party.hits):
        return replace(party, hits=tuple(kept))
    return replace(party, hits=tuple(kept), flags=(*party.flags, HITS_OMITTED))


def _shortened(hit: RecordedHit) -> RecordedHit:
    return replace(
        hit,
        matched_name=hit.matched_name[:_MOST_NAME],
        queried_name=hit.queried_name[:_MOST_NAME],
        evidence=(),
        programs=(),
    )


def _size(hit: RecordedHit) -> int:
    """Returns at least the bytes of the hit in an event."""
    texts = (
        hit.entry_id,
        hit.list_code,
        hit.matched_name,
        hit.queried_name,
        *hit.programs,
        *(text for each in hit.evidence for text in (each.kind, each.detail)),
    )
    facts = _FACT_BYTES * (len(hit.programs) + len(hit.evidence))
    return _HIT_BYTES + facts + sum(len(text.encode()) for text in texts)


def _recorded_hit(hit: model.Hit) -> RecordedHit:
    return RecordedHit(
        entry_id=hit.entry_id,
        list_code=hit.list_code,
        matched_name=hit.matched_name,
        queried_name=hit.queried_name,
        score=hit.score,
        strength=hit.strength,
        evidence=tuple(Evidence(each.kind, each.effect, each.detail) for each in hit.explanation),
        programs=hit.programs,
        entry_content=hit.entry_hash,
    )


def _with_past_verdicts(
    application_id: UUID,
    subject: Subject,
    party: PartyScreening,
    cleared_pairs: Mapping[tuple[str, str], UUID],
) -> PartyScreening:
    """Returns the party with ids for all hits; hits of cleared pairs are FALSE_POSITIVE at once."""
    content = subject.content
    hits = tuple(
        replace(
            hit,
            hit_id=hit_id_of(
                application_id, subject.party_id, hit.entry_id, content, hit.entry_content
            ),
            state=HitState.FALSE_POSITIVE
            if (content, hit.entry_content) in cleared_pairs
            else HitState.OPEN,
            remembered_hit_id=cleared_pairs.get((content, hit.entry_content)),
        )
        for hit in party.hits
    )
    if not hits or any(hit.state is HitState.OPEN for hit in hits):
        return replace(party, hits=hits)
    result, reason = party.result_without_hits
    return replace(party, hits=hits, result=result, undetermined_reason=reason)


def _owner(subject: Subject, party: PartyScreening) -> Owner:
    standing = [(hit, False) for hit in party.hits if hit.state is not HitState.FALSE_POSITIVE]
    return owner_of(subject, standing, is_undetermined=party.is_unjudged)
