"""The cost of finding the parties that a change of the lists touches, and the recall."""

from __future__ import annotations

import random
import time
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from services.screening.core.config import DEFAULT
from services.screening.core.matching.screening import screen
from services.screening.core.model import Entry, PartyKind, PartyQuery
from services.screening.core.names.acronyms import acronyms
from services.screening.core.names.index import ListIndex
from services.screening.core.names.normalisation import normalise
from services.screening.core.reverse_lookup.index import PartyIndex
from services.screening.core.reverse_lookup.search import (
    Search,
    check_parties,
    queries_for,
)
from tests.bench.screening.cases import SEED, Person, people
from tests.bench.screening.misspell import by_ear, one_slip, slips
from tests.bench.screening.retrieval import resident_mb
from tests.screening.core.reverse_lookup.searches import find_matches

ENTRIES: Final = 65
"""Entries that a new version of a list changes: nine of ten versions change fewer."""
PARTIES_CONCERNED: Final = 13
"""Changed entries that some monitored parties are."""


def list_change_figures(entries: Sequence[Entry], parties: int) -> dict[str, Any]:
    """Returns the figures of a change of ENTRIES entries, searched among this many parties."""
    rng = random.Random(SEED)
    changed = tuple(rng.sample(list(entries), ENTRIES))
    list_index = ListIndex.build(entries, "listed")
    party_index: PartyIndex[int] = PartyIndex()
    before, began = resident_mb(), time.process_time()
    for number, party in enumerate(islice(_innocents(rng), parties)):
        party_index.put(number, 1, [party])
    party_index.commit()
    put_s, memory_mb = time.process_time() - began, resident_mb() - before
    few = list(_altered_parties(changed[:PARTIES_CONCERNED], rng))[:: len(ALTERATIONS)]
    _put(party_index, few, parties)
    # Once unmeasured, because a service is warm.
    find_matches(party_index, list_index, changed, DEFAULT)
    cpu, wall = time.process_time(), time.perf_counter()
    search: Search[int] = Search(queries_for(list_index, changed))
    judged, looked_up_s = 0, 0.0
    while pages := search.pages():
        at = time.process_time()
        found = [party_index.candidates(page) for page in pages]
        looked_up_s += time.process_time() - at
        checks = search.checks(found)
        judged += len(checks)
        requests = [check.request for check in checks]
        search.record(checks, check_parties(list_index, changed, requests, DEFAULT))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "parties": len(party_index),
        "entries": ENTRIES,
        "names": len(list_index.restricted_to(changed).rows),
        "cpu_s": cpu,
        "cpu_lookup_s": looked_up_s,
        "wall_s": wall,
        "parties_judged": judged,
        "parties_hit": len(search.parties),
        "put_cpu_s": put_s,
        "memory_mb": memory_mb,
        **_recall(party_index, list_index, changed, rng),
    }


def _innocents(rng: random.Random) -> Iterator[PartyQuery]:
    """Yields persons on no list, with names recombined from persons who write in one script.

    No name repeats.
    """
    known: dict[str, list[Person]] = defaultdict(list)
    for person in people():
        known[_script(person["full_name"])].append(person)
    scripts = [script for script, persons in known.items() for _ in persons]
    seen: set[str] = set()
    while True:
        persons = known[rng.choice(scripts)]
        first, last = rng.choice(persons), rng.choice(persons)
        name = " ".join(
            filter(None, (first["first_name"], first["middle_name"], last["last_name"]))
        )
        if name in seen:
            continue
        seen.add(name)
        year, month, day = (
            rng.randrange(1935, 2006),
            rng.randrange(1, 13),
            rng.randrange(1, 29),
        )
        country = rng.choice(("AT", "IR", "RU", "CN", "US"))
        yield PartyQuery((name,), PartyKind.PERSON, f"{year}-{month:02}-{day:02}", (country,))


def _script(name: str) -> str:
    return next((unicodedata.name(char, "?").split()[0] for char in name if char.isalpha()), "")


def _acronym(name: str, _: random.Random) -> str:
    """Returns the longest acronym of a name, or the name if it has none."""
    return max(
        acronyms(normalise(name).words), key=lambda letters: (len(letters), letters), default=name
    ).upper()


ALTERATIONS: Final = (lambda name, _: name, one_slip, slips, by_ear, _acronym)


def _altered_parties(entries: Sequence[Entry], rng: random.Random) -> Iterator[PartyQuery]:
    """Yields listed parties under altered names, every other one with its published facts."""
    for number, entry in enumerate(entries):
        birth = next((date for date in entry.birth_dates if date[:4].isdigit()), None)
        for alter in ALTERATIONS:
            name = alter(rng.choice(entry.names), rng)
            facts = (birth, entry.countries) if number % 2 else (None, ())
            yield PartyQuery((name,), entry.kind, *facts)


def _put(party_index: PartyIndex[int], parties: Sequence[PartyQuery], first: int) -> None:
    for number, party in enumerate(parties, first):
        party_index.put(number, 1, [party])
    party_index.commit()


def _recall(
    party_index: PartyIndex[int],
    list_index: ListIndex,
    changed: tuple[Entry, ...],
    rng: random.Random,
) -> dict[str, Any]:
    """Returns the share of hits of single screenings that the search finds with the same score."""
    first = len(party_index) + party_index.removed
    parties = list(_altered_parties(changed, rng))
    _put(party_index, parties, first)
    search = find_matches(party_index, list_index, changed, DEFAULT)
    found = {
        party.application: {hit.entry_id: hit.score for hit in search.hits_of(party)}
        for party in search.parties.values()
    }
    small = list_index.restricted_to(changed)
    expected = same = 0
    screened = [(first + number, party) for number, party in enumerate(parties)]
    screened += [
        (indexed.application, indexed.query)
        for indexed in islice(party_index, 0, first, max(first // 1_000, 1))
    ]
    for application, party in screened:
        scores = {hit.entry_id: hit.score for hit in screen(small, party, DEFAULT).hits}
        expected += len(scores)
        same += sum(
            found.get(application, {}).get(entry) == score for entry, score in scores.items()
        )
    return {
        "hits_expected": expected,
        "hits_found_with_their_score": same,
        "recall": same / expected if expected else 1.0,
    }
