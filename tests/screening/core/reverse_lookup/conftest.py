"""A list, changed entries of it, and innocent persons, shared by the tests of the search."""

import random

import pytest

from services.screening.core.model import Entry, PartyKind, PartyQuery
from services.screening.core.names.index import ListIndex
from tests.screening.core.reverse_lookup.searches import DATA

CHANGED = 25


@pytest.fixture(scope="session")
def listed(entries: tuple[Entry, ...]) -> ListIndex:
    return ListIndex.build(entries[:1_200], "listed")


@pytest.fixture(scope="session")
def changed(listed: ListIndex) -> tuple[Entry, ...]:
    persons = [entry for entry in listed.entries if entry.kind is PartyKind.PERSON]
    others = [
        entry for entry in listed.entries if entry.identifiers or entry.kind is not PartyKind.PERSON
    ]
    return tuple(dict.fromkeys((*persons[:5], *random.Random(7).sample(others, CHANGED))))


@pytest.fixture(scope="session")
def innocents() -> list[PartyQuery]:
    with (DATA / "innocent_persons.txt").open(encoding="utf-8") as file:
        names = [line.strip() for line in file if line.strip()]
    return [
        PartyQuery((name,), PartyKind.PERSON, birth_date="1966-02-13", countries=("CH",))
        for name in names[:1_500]
    ]
