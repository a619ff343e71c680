"""Finds verdicts that officers gave before, on the same party and entry in any application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from chassis.store.journal import Journal
from services.screening.core.events import Event
from services.screening.core.evolve import ScreenedApplication
from services.screening.core.records import Subject

_CLEARED_PAIRS: Final = """
select distinct party_content, entry_content from hit
 where state = 'FALSE_POSITIVE' and entry_content <> '' and party_content = any($1::text[])
"""
# `is_judged`: only a verdict that an officer gave is applied elsewhere, not one that was applied.
_CLEARED_ELSEWHERE: Final = """
select distinct on (h.hit_id) h.hit_id, h.application_id,
       f.hit_id as past_hit_id, f.application_id as past_application_id
  from hit h join hit f on f.party_content = h.party_content and f.entry_content = h.entry_content
 where h.state in ('OPEN', 'CLEARING_PROPOSED') and f.state = 'FALSE_POSITIVE' and f.is_judged
   and h.party_content <> '' and h.entry_content <> '' order by h.hit_id limit $1
"""


@dataclass(frozen=True, slots=True)
class ClearedElsewhere:
    """An undecided hit, and the hit of another application that cleared the same pair."""

    hit_id: UUID
    application_id: UUID
    past_hit_id: UUID
    past_application_id: UUID


async def cleared_pairs(
    journal: Journal[ScreenedApplication, Event], subjects: Sequence[Subject]
) -> frozenset[tuple[str, str]]:
    """Returns the cleared pairs of these subjects, as digests (party, entry). Raises RpcError."""
    rows = await journal.fetch(_CLEARED_PAIRS, [each.content for each in subjects])
    return frozenset((row["party_content"], row["entry_content"]) for row in rows)


async def cleared_elsewhere(
    journal: Journal[ScreenedApplication, Event], limit: int
) -> list[ClearedElsewhere]:
    """Returns undecided hits whose pair an officer cleared in another application.

    Raises RpcError.
    """
    rows = await journal.fetch(_CLEARED_ELSEWHERE, limit)
    return [ClearedElsewhere(**row) for row in rows]
