"""Finds verdicts that officers gave before, on the same party and entry in any application.

A verdict is remembered for a number of days (`HitRules.false_positive_days`). It is not remembered
if the verdict on any hit of the same pair was withdrawn later, or if an officer confirmed one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from chassis.store.journal import Journal
from services.screening.core.events import Event
from services.screening.core.evolve import ScreenedApplication
from services.screening.core.records import Subject

# `f` is a hit that officers cleared themselves, later than the time $1. A verdict that was applied
# to a hit is not remembered: the verdict that it came from is.
_REMEMBERED: Final = """
f.state = 'FALSE_POSITIVE' and f.is_judged and f.remembered_hit_id is null
and f.party_content <> '' and f.entry_content <> '' and coalesce(f.cleared_at, f.found_at) > $1
and not exists (
  select from hit w
   where w.party_content = f.party_content and w.entry_content = f.entry_content
     and (w.withdrawn_at is not null or w.state = 'CONFIRMED')
     and (w.state = 'CONFIRMED' or w.withdrawn_at >= coalesce(f.cleared_at, f.found_at)))
"""
_CLEARED_PAIRS: Final = f"""
select distinct on (party_content, entry_content) party_content, entry_content, hit_id from hit f
 where party_content = any($2::text[]) and {_REMEMBERED}
 order by party_content, entry_content, cleared_at desc nulls last, hit_id
"""  # noqa: S608 - a condition of this module
_CLEARED_ELSEWHERE: Final = f"""
select distinct on (h.hit_id) h.hit_id, h.application_id,
       f.hit_id as past_hit_id, f.application_id as past_application_id
  from hit h join hit f on f.party_content = h.party_content and f.entry_content = h.entry_content
 where h.state in ('OPEN', 'CLEARING_PROPOSED') and {_REMEMBERED} order by h.hit_id limit $2
"""  # noqa: S608 - a condition of this module
# Earlier releases did not record which verdict cleared a hit. Such a hit has no act of an officer.
_CLEARED_BY_WITHDRAWN: Final = """
select h.hit_id, h.application_id, w.hit_id as past_hit_id, w.application_id as past_application_id
  from hit w join hit h on h.remembered_hit_id = w.hit_id
 where w.withdrawn_at is not null and w.state <> 'FALSE_POSITIVE' and h.state = 'FALSE_POSITIVE'
union all
select h.hit_id, h.application_id, w.hit_id, w.application_id
  from hit w join hit h on h.party_content = w.party_content and h.entry_content = w.entry_content
 where w.withdrawn_at is not null and w.state <> 'FALSE_POSITIVE' and h.state = 'FALSE_POSITIVE'
   and not h.is_judged and h.remembered_hit_id is null
 limit $1
"""


@dataclass(frozen=True, slots=True)
class PastVerdict:
    """A hit, and the hit of another application whose verdict, or withdrawal, applies to it."""

    hit_id: UUID
    application_id: UUID
    past_hit_id: UUID
    past_application_id: UUID


async def cleared_pairs(
    journal: Journal[ScreenedApplication, Event], subjects: Sequence[Subject], since: datetime
) -> Mapping[tuple[str, str], UUID]:
    """Returns the hits that cleared pairs of these subjects after `since`.

    The keys are digests (party, entry). Raises RpcError.
    """
    rows = await journal.fetch(_CLEARED_PAIRS, since, [each.content for each in subjects])
    return {(row["party_content"], row["entry_content"]): row["hit_id"] for row in rows}


async def cleared_elsewhere(
    journal: Journal[ScreenedApplication, Event], since: datetime, limit: int
) -> list[PastVerdict]:
    """Returns undecided hits whose pair an officer cleared in another application after `since`.

    Raises RpcError.
    """
    return [PastVerdict(**row) for row in await journal.fetch(_CLEARED_ELSEWHERE, since, limit)]


async def cleared_by_withdrawn(
    journal: Journal[ScreenedApplication, Event], limit: int
) -> list[PastVerdict]:
    """Returns hits that are cleared because of a verdict that was withdrawn. Raises RpcError."""
    return [PastVerdict(**row) for row in await journal.fetch(_CLEARED_BY_WITHDRAWN, limit)]
