"""Runs the search among parties and a full screening of the same parties, for comparison."""

import random
from pathlib import Path

from services.screening.core.config import DEFAULT, ScreeningConfig
from services.screening.core.matching.screening import screen
from services.screening.core.model import Entry, PartyQuery
from services.screening.core.names.index import ListIndex
from services.screening.core.reverse_lookup.index import PartyIndex
from services.screening.core.reverse_lookup.search import Search, check_parties, queries_for

DATA = Path(__file__).parents[1] / "data"
Scores = dict[int, dict[str, float]]
"""Scores of hits, by the number of the party and the id of the entry."""


def index_of(*parties: PartyQuery) -> PartyIndex[int]:
    """Returns an index of these parties; the application of each is its position."""
    index: PartyIndex[int] = PartyIndex()
    for application, party in enumerate(parties):
        index.put(application, 1, [party])
    index.commit()
    return index


def find_matches(
    parties: PartyIndex[int], index: ListIndex, entries: tuple[Entry, ...], config: ScreeningConfig
) -> Search[int]:
    """Runs a whole search in this process and returns it."""
    search: Search[int] = Search(queries_for(index, entries))
    while pages := search.pages():
        checks = search.checks([parties.candidates(page) for page in pages])
        requests = [check.request for check in checks]
        search.record(checks, check_parties(index, entries, requests, config))
    return search


def found(parties: PartyIndex[int], index: ListIndex, changed: tuple[Entry, ...]) -> Scores:
    """Returns the scores of the hits that the search finds."""
    search = find_matches(parties, index, changed, DEFAULT)
    return {
        party.application: {hit.entry_id: hit.score for hit in search.hits_of(party)}
        for party in search.parties.values()
    }


def screened(parties: list[PartyQuery], index: ListIndex, changed: tuple[Entry, ...]) -> Scores:
    """Returns the scores of the hits among the changed entries in full screenings."""
    ids = {entry.entry_id for entry in changed}
    hits = {
        number: {
            hit.entry_id: hit.score
            for hit in screen(index, party, DEFAULT).hits
            if hit.entry_id in ids
        }
        for number, party in enumerate(parties)
    }
    return {number: each for number, each in hits.items() if each}


def missed(hits: Scores, expected: Scores) -> Scores:
    """Returns the hits of a full screening that the search does not find with the same score.

    The reverse is no loss: a full screening compares a name with a limited number of listed names,
    and a party with hits is screened in full before anything is recorded.
    """
    lost = {
        party: {
            entry: score
            for entry, score in scores.items()
            if hits.get(party, {}).get(entry) != score
        }
        for party, scores in expected.items()
    }
    return {party: each for party, each in lost.items() if each}


def altered(name: str, rng: random.Random) -> str:
    """Returns a name unchanged, with a letter less or more, reversed, or shortened to two words."""
    words = name.split()
    match rng.randrange(5):
        case 0:
            return name
        case 1:
            at = rng.randrange(len(name))
            return name[:at] + name[at + 1 :]
        case 2:
            at = rng.randrange(len(name))
            return name[:at] + rng.choice("aeiourstn") + name[at:]
        case 3:
            return " ".join(reversed(words))
        case _:
            return " ".join(words[:2])
