"""Finds what officers judged before: pairs of a party and an entry that are not the same, whoever asked."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.store.journal import Journal
from services.screening.core.events import Event
from services.screening.core.evolve import ScreenedApplication
from services.screening.core.records import Subject


async def found_false(
    journal: Journal[ScreenedApplication, Event], subjects: Sequence[Subject]
) -> frozenset[tuple[str, str]]:
    """Digests (party, entry) of the pairs with one of these parties that were found false. Raises Refused."""
    rows = await journal.fetch(
        "select distinct party_content, entry_content from hit"
        " where state = 'FALSE_POSITIVE' and entry_content <> '' and party_content = any($1::text[])",
        [each.content for each in subjects],
    )
    return frozenset((row["party_content"], row["entry_content"]) for row in rows)
