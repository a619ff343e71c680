"""Innocent firms that are made to be mistaken for listed ones.

Their names are family names alone or among generic words of many languages, words put together of
others, acronyms, and listed names with another number. Families and places are those of the
synthetic persons, who are on no list. Each firm is queried by name and kind, and again with a
country of many listed firms.
"""

# ruff: noqa: RUF001  names in their own letters

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from services.screening.core.config import DEFAULT
from services.screening.core.matching.screening import screen
from services.screening.core.model import Entry, PartyKind, PartyQuery
from services.screening.core.names.index import ListIndex
from tests.bench.screening.cases import SEED, Half, Person, half_of, people

TEMPLATES: Final = (
    "OOO Torgovaya Kompaniya {name}",
    "{name} Mashinostroitelnyi Zavod AO",
    "Nauchno-Issledovatelskii Institut {name}",
    "ООО Торговая компания {name}",
    "ООО Строительная компания {name}",
    "Sherkat-e Tejarat {name}",
    "{name} Sanat Company",
    "Bonyad {name}",
    "{name} Petroshimi Co",
    "شركة {name} للتجارة الدولية",
    "Sharikat {name} lil Tijara",
    "Muassasat {name} al-Khayriya",
    "{name} Sanayi ve Ticaret A.S.",
    "{name} Insaat Limited Sirketi",
    "Comercializadora {name} S.A.",
    "Inversiones {name} Ltda",
    "Constructora {name} S.A. de C.V.",
    "Transportes {name} Ltda",
    "{name} Maschinenbau GmbH",
    "Handelsgesellschaft {name} mbH",
    "Banque {name} SA",
    "Societe de Transport {name} SARL",
    "Industria Quimica {name} Ltda",
    "{name} Costruzioni S.p.A.",
    "{place} {name} Keji Youxian Gongsi",
    "{place} {name} Dianzi Gongsi",
    "{name} Electronics Technology Co., Ltd.",
    "{place} University of Science and Technology",
    "{place} Import Export LLC",
    "{place} Petroleum Company",
    "{place} Shipping Lines",
    "Bank of {place}",
    "{place} Steel Works",
    "{place} Institute of Physics",
    "{name} & Sons",
    "{name} Brothers Trading",
    "{name} Aviation Services FZE",
    "Global {name} Logistics",
)
GENERAL: Final = (
    (
        "Global",
        "General",
        "International",
        "National",
        "United",
        "Universal",
        "Modern",
        "Advanced",
        "First",
        "New",
    ),
    (
        "Trading",
        "Technology",
        "Engineering",
        "Investment",
        "Shipping",
        "Electronics",
        "Logistics",
        "Energy",
        "Marine",
    ),
    ("Company", "LLC", "Group", "Services", "Ltd", "Corporation", "Systems", "Solutions"),
)
FAMILY_ALONE: Final = "family name alone"
NEW_WORD: Final = "new word"
ONE_WORD_SORTS: Final = frozenset({FAMILY_ALONE, NEW_WORD})
ALONE: Final = ("", "", "GmbH", "Ltd", "LLC", "S.A.", "Inc", "Technologies Inc")
"""What may follow a name of one word."""
LONGER: Final = 4
"""Longer words are combined to new ones."""
COUNTRIES: Final = ("CN", "IR", "RU", "AE", "TR")
NUMBER: Final = re.compile(r"(?<![\d.,/-])\d{1,4}(?![\d.,/-])")


@dataclass(frozen=True, slots=True)
class Firm:
    """An innocent firm.

    of: the listed party whose name it has except for the number.
    """

    sort: str
    half: Half
    name: str
    country: str
    of: Entry | None = None


def innocent_firms(entries: Sequence[Entry], size: int) -> list[Firm]:
    """Returns up to `size` firms of each sort and half."""
    rng = random.Random(SEED)
    found: dict[tuple[str, Half], list[Firm]] = {}
    made = (
        _families(rng),
        _generals(rng),
        _acronyms(rng),
        _other_numbers(entries, rng),
        _family_alone(rng),
        _new_words(entries, rng),
    )
    for firm in chain.from_iterable(made):
        kept = found.setdefault((firm.sort, firm.half), [])
        if len(kept) < size:
            kept.append(firm)
    return [firm for kept in found.values() for firm in kept]


def _families(rng: random.Random) -> Iterator[Firm]:
    rows = _of_plain_family()
    rng.shuffle(rows)
    for number, row in enumerate(rows[:3000]):
        place = row["place_of_birth"].split(",")[0]
        name = TEMPLATES[number % len(TEMPLATES)].format(name=row["last_name"], place=place)
        yield Firm("family and general words", half_of(name), name, rng.choice(COUNTRIES))


def _of_plain_family() -> list[Person]:
    return [row for row in people() if row["last_name"].isascii() and len(row["last_name"]) > 2]


def _generals(rng: random.Random) -> Iterator[Firm]:
    for _ in range(600):
        name = " ".join(rng.choice(words) for words in GENERAL)
        yield Firm("general words only", half_of(name), name, rng.choice(COUNTRIES))


def _acronyms(rng: random.Random) -> Iterator[Firm]:
    for length in (3, 4, 5):
        for _ in range(1000):
            letters = "".join(rng.choice(string.ascii_uppercase) for _ in range(length))
            name = f"{letters} {rng.choice(('Ltd', 'LLC', 'GmbH', 'Trading', ''))}".strip()
            yield Firm(f"acronym of {length} letters", half_of(name), name, rng.choice(COUNTRIES))


def _other_numbers(entries: Iterable[Entry], rng: random.Random) -> Iterator[Firm]:
    for entry in entries:
        found = NUMBER.search(entry.name) if entry.kind is not PartyKind.PERSON else None
        if found and entry.name.count(found[0]) == 1:
            other = str(int(found[0]) + rng.randint(11, 89))
            name = f"{entry.name[: found.start()]}{other}{entry.name[found.end() :]}"
            country = entry.countries[0] if entry.countries else ""
            yield Firm("number changed", half_of(entry.entry_id), name, country, entry)


def _family_alone(rng: random.Random) -> Iterator[Firm]:
    names = sorted({row["last_name"] for row in _of_plain_family()})
    rng.shuffle(names)
    for family in names[:2000]:
        name = f"{family} {rng.choice(ALONE)}".strip()
        yield Firm(FAMILY_ALONE, half_of(family), name, rng.choice(COUNTRIES))


def _new_words(entries: Sequence[Entry], rng: random.Random) -> Iterator[Firm]:
    """Yields firms of one word that begins like one listed word and ends like another."""
    listed = {
        word
        for entry in entries
        if entry.kind is not PartyKind.PERSON
        for word in entry.name.split()
    }
    words = sorted(
        word for word in listed if word.isascii() and word.isalpha() and len(word) > LONGER
    )
    for _ in range(2000):
        first, last = rng.choice(words), rng.choice(words)
        word = f"{first[: rng.randint(2, 4)]}{last[-rng.randint(2, 4) :]}".title()
        yield Firm(
            NEW_WORD,
            half_of(word),
            f"{word} {rng.choice(ALONE)}".strip(),
            rng.choice(COUNTRIES),
        )


def alert_shares(index: ListIndex, size: int) -> Mapping[str, Mapping[str, float]]:
    """Returns the share of each sort and half that alerts, by name and kind, and with a country.

    A firm with another number alerts if the party with the original number is among the hits.
    """
    shares: dict[str, dict[str, list[bool]]] = {}
    for firm in innocent_firms(index.entries, size):
        query = PartyQuery((firm.name,), PartyKind.ORGANISATION)
        for suffix, variant in (
            ("", query),
            (", country given", replace(query, countries=(firm.country,))),
        ):
            hits = screen(index, variant, DEFAULT).hits
            alerted = (
                bool(hits)
                if firm.of is None
                else any(hit.entry_id == firm.of.entry_id for hit in hits)
            )
            shares.setdefault(firm.sort + suffix, {}).setdefault(firm.half.value, []).append(
                alerted
            )
    return {
        sort: {half: sum(each) / len(each) for half, each in halves.items()}
        for sort, halves in shares.items()
    }
