"""What it costs to look a change of the lists up among so many monitored parties, and whether all are found."""

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
    find_matches,
    queries_for,
)
from tests.bench.screening.cases import SEED, Person, people
from tests.bench.screening.misspell import by_ear, one_slip, slips
from tests.bench.screening.retrieval import resident_mb

ENTRIES: Final = 65
"""Entries that a new version of a list changes, nine times in ten at most."""
CONCERNED: Final = 13
"""Of these, entries that somebody among the monitored parties is."""


def delta(entries: Sequence[Entry], parties: int) -> dict[str, Any]:
    """Figures of a change of ENTRIES entries against so many parties, a few of whom it concerns."""
    chance = random.Random(SEED)
    changed = tuple(chance.sample(list(entries), ENTRIES))
    generation = ListIndex.build(entries, "listed")
    index: PartyIndex[int] = PartyIndex()
    before, began = resident_mb(), time.process_time()
    for number, party in enumerate(islice(_strangers(chance), parties)):
        index.put(number, 1, [party])
    index.commit()
    put_s, memory_mb = time.process_time() - began, resident_mb() - before
    few = list(_concerned(changed[:CONCERNED], chance))[:: len(_SPOILED)]
    _put(index, few, parties)
    find_matches(index, generation, changed, DEFAULT)  # once unmeasured: a service is warm
    cpu, wall = time.process_time(), time.perf_counter()
    search: Search[int] = Search(queries_for(generation, changed))
    judged, looked_up_s = 0, 0.0
    while pages := search.pages():
        at = time.process_time()
        found = [index.candidates(page) for page in pages]
        looked_up_s += time.process_time() - at
        checks = search.checks(found)
        judged += len(checks)
        said = [check.request for check in checks]
        search.record(checks, check_parties(generation, changed, said, DEFAULT))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "parties": len(index),
        "entries": ENTRIES,
        "names": len(generation.restricted_to(changed).rows),
        "cpu_s": cpu,
        "cpu_lookup_s": looked_up_s,
        "wall_s": wall,
        "parties_judged": judged,
        "parties_hit": len(search.parties),
        "put_cpu_s": put_s,
        "memory_mb": memory_mb,
        **_recall(index, generation, changed, chance),
    }


def _strangers(chance: random.Random) -> Iterator[PartyQuery]:
    """Persons on no list, of names of persons who write alike put together anew, a name once."""
    known: dict[str, list[Person]] = defaultdict(list)
    for person in people():
        known[_script(person["full_name"])].append(person)
    scripts = [script for script, persons in known.items() for _ in persons]
    seen: set[str] = set()
    while True:
        persons = known[chance.choice(scripts)]
        first, last = chance.choice(persons), chance.choice(persons)
        name = " ".join(
            filter(None, (first["first_name"], first["middle_name"], last["last_name"]))
        )
        if name in seen:
            continue
        seen.add(name)
        year, month, day = (
            chance.randrange(1935, 2006),
            chance.randrange(1, 13),
            chance.randrange(1, 29),
        )
        country = chance.choice(("AT", "IR", "RU", "CN", "US"))
        yield PartyQuery((name,), PartyKind.PERSON, f"{year}-{month:02}-{day:02}", (country,))


def _script(name: str) -> str:
    return next((unicodedata.name(char, "?").split()[0] for char in name if char.isalpha()), "")


def _acronym(name: str, _: random.Random) -> str:
    """The letters that its words begin with, where it has enough of them."""
    return max(
        acronyms(normalise(name).words), key=lambda letters: (len(letters), letters), default=name
    ).upper()


_SPOILED: Final = (lambda name, _: name, one_slip, slips, by_ear, _acronym)


def _concerned(entries: Sequence[Entry], chance: random.Random) -> Iterator[PartyQuery]:
    """Listed parties under altered names, every other one with what else is published of them."""
    for number, entry in enumerate(entries):
        birth = next((date for date in entry.birth_dates if date[:4].isdigit()), None)
        for spoil in _SPOILED:
            name = spoil(chance.choice(entry.names), chance)
            facts = (birth, entry.countries) if number % 2 else (None, ())
            yield PartyQuery((name,), entry.kind, *facts)


def _put(index: PartyIndex[int], parties: Sequence[PartyQuery], first: int) -> None:
    for number, party in enumerate(parties, first):
        index.put(number, 1, [party])
    index.commit()


def _recall(
    index: PartyIndex[int], generation: ListIndex, changed: tuple[Entry, ...], chance: random.Random
) -> dict[str, Any]:
    """How much of what screening one by one says of what changed the search says too, score and all."""
    first = len(index) + index.removed
    parties = list(_concerned(changed, chance))
    _put(index, parties, first)
    search = find_matches(index, generation, changed, DEFAULT)
    hits = {
        held.application: {hit.entry_id: hit.score for hit in search.hits_of(held)}
        for held in search.parties.values()
    }
    small = generation.restricted_to(changed)
    wanted = same = 0
    parties_asked = [(first + number, party) for number, party in enumerate(parties)]
    parties_asked += [
        (held.application, held.query) for held in islice(index, 0, first, max(first // 1_000, 1))
    ]
    for application, party in parties_asked:
        said = {hit.entry_id: hit.score for hit in screen(small, party, DEFAULT).hits}
        wanted += len(said)
        same += sum(hits.get(application, {}).get(entry) == score for entry, score in said.items())
    return {
        "hits_wanted": wanted,
        "hits_found_with_their_score": same,
        "recall": same / wanted if wanted else 1.0,
    }
