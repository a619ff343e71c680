"""The cases of the benchmark: names of listed parties that the index does not hold, and innocents.

Each case belongs to one half, tuning or check, by its listed party (or innocent) and a seed. All
names of a party are in one half. Nothing may be tuned on the check half.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from rapidfuzz import fuzz

from services.screening.core.lists import csl, un
from services.screening.core.model import Entry, PartyKind
from tests.bench.screening.misspell import by_ear, one_slip, slips

CHECKOUT: Final = Path(__file__).parents[3]
SHIPPED: Final = CHECKOUT / "services" / "screening" / "lists" / "us_csl_2025-02.csv.gz"
DATA: Final = Path(__file__).parent / "data"
CORE_DATA: Final = CHECKOUT / "tests" / "screening" / "core" / "data"
SEED: Final = "2026"
RESEMBLING: Final = 65
"""An alias is a case if its sorted words agree this much with another name of its party.

Otherwise nobody could find it.
"""


class Half(StrEnum):
    """The half of the labels that a case belongs to."""

    TUNING = "tuning"
    CHECK = "check"


class Family(StrEnum):
    """How a name was altered, or that no listed party bears it."""

    ALIAS = "alias held out"
    FIRM_ALIAS = "alias of a firm held out"
    ALTERED = "altered UN name"
    ONE_SLIP = "one typing error"
    SLIPS = "a typing error in every word"
    BY_EAR = "spelled by ear"
    SCRIPT = "original script"
    FIRM_SCRIPT = "original script, firm"
    INNOCENT = "innocent person"
    INNOCENT_FIRM = "innocent firm"


INNOCENTS: Final = frozenset({Family.INNOCENT, Family.INNOCENT_FIRM})
ALIASES: Final = frozenset({Family.ALIAS, Family.FIRM_ALIAS})


@dataclass(frozen=True, slots=True)
class Case:
    """A queried name.

    target: the entry it belongs to, None for an innocent.
    """

    family: Family
    half: Half
    name: str
    kind: PartyKind
    target: Entry | None = None
    birth_date: str | None = None
    countries: tuple[str, ...] = ()


def half_of(party: str) -> Half:
    """Returns the half of a party, by its id."""
    digest = hashlib.sha256(f"{SEED}/{party}".encode()).digest()
    return Half.TUNING if digest[0] % 2 else Half.CHECK


def drawn(un_file: Path | None, size: int, turn: int = 0) -> tuple[list[Entry], list[Case]]:
    """Returns the entries to index and up to `size` cases of each family and half.

    turn: which alias of a party is held out. The families of aliases have other names in every
    turn.
    """
    rng = random.Random(SEED)
    published = list(csl.read_entries(SHIPPED.read_bytes()))
    rng.shuffle(published)
    held: dict[str, str] = {}
    cases = list(_aliases(published, held, size, turn))
    entries = [_without_alias(entry, held.get(entry.entry_id)) for entry in published]
    persons = [entry for entry in entries if entry.kind is PartyKind.PERSON]
    firms = [entry for entry in entries if entry.kind is PartyKind.ORGANISATION]
    for family, spoil in (
        (Family.ONE_SLIP, one_slip),
        (Family.SLIPS, slips),
        (Family.BY_EAR, by_ear),
    ):
        source = persons[: size * 2] + firms[: size // 2]
        rng.shuffle(source)
        cases += _limited((_case(family, entry, spoil(entry.name, rng)) for entry in source), size)
    treated, altered = _altered()
    cases += _limited(altered, size)
    foreign, scripts = _original_scripts(un_file)
    cases += _limited((case for case in scripts if case.family is Family.SCRIPT), size)
    cases += _limited((case for case in scripts if case.family is Family.FIRM_SCRIPT), size)
    innocents = people()
    rng.shuffle(innocents)
    cases += _limited(_innocent_persons(innocents), size * 5)
    cases += _limited(_innocent_firms(innocents, rng), size * 2)
    return [*entries, *treated, *foreign], cases


def _limited(cases: Iterable[Case], size: int) -> list[Case]:
    found: dict[Half, list[Case]] = {Half.TUNING: [], Half.CHECK: []}
    for case in cases:
        if len(found[case.half]) < size:
            found[case.half].append(case)
        if all(len(half) >= size for half in found.values()):
            break
    return [*found[Half.TUNING], *found[Half.CHECK]]


def _case(family: Family, entry: Entry, name: str) -> Case:
    birth = next((text for text in entry.birth_dates if text[:4].isdigit()), None)
    return Case(family, half_of(entry.entry_id), name, entry.kind, entry, birth, entry.countries)


def _sorted_words(text: str) -> str:
    return " ".join(
        sorted("".join(char if char.isalnum() else " " for char in text.casefold()).split())
    )


def _aliases(
    entries: Sequence[Entry], held: dict[str, str], size: int, turn: int
) -> Iterator[Case]:
    """Yields one alias each of some parties and adds it to `held`.

    The index does not hold the alias under any spelling with the same letters.
    """
    for family, kinds in (
        (Family.ALIAS, {PartyKind.PERSON}),
        (Family.FIRM_ALIAS, {PartyKind.ORGANISATION, PartyKind.UNKNOWN}),
    ):
        missing = {Half.TUNING: size, Half.CHECK: size}
        for entry in entries:
            half = half_of(entry.entry_id)
            if entry.kind not in kinds or len(entry.aliases) <= turn or not missing[half]:
                continue
            alias = entry.aliases[(len(entry.aliases) // 2 + turn) % len(entry.aliases)]
            others = [
                _sorted_words(name)
                for name in entry.names
                if _sorted_words(name) != _sorted_words(alias)
            ]
            if (
                others
                and max(fuzz.ratio(_sorted_words(alias), other) for other in others) >= RESEMBLING
            ):
                missing[half] -= 1
                held[entry.entry_id] = alias
                yield _case(family, _without_alias(entry, alias), alias)


def _without_alias(entry: Entry, alias: str | None) -> Entry:
    if alias is None:
        return entry
    first, *others = [name for name in entry.names if _sorted_words(name) != _sorted_words(alias)]
    return replace(entry, name=first, aliases=tuple(others))


def _altered() -> tuple[list[Entry], list[Case]]:
    """Returns UN persons, and cases with the order and spelling of their names altered."""
    with (
        (CORE_DATA / "un_names_untreated.csv").open(encoding="utf-8") as listed,
        (CORE_DATA / "un_names_treated.csv").open(encoding="utf-8") as asked,
    ):
        rows = list(zip(csv.DictReader(listed), csv.DictReader(asked), strict=True))
    entries, cases = [], []
    for number, (row, other) in enumerate(rows):
        entry = Entry(f"UNP-{number}", "UNP", row["full_name"], str(number), kind=PartyKind.PERSON)
        entries.append(entry)
        if _sorted_words(row["full_name"]) != _sorted_words(other["full_name"]):
            cases.append(_case(Family.ALTERED, entry, other["full_name"]))
    return entries, cases


def _original_scripts(un_file: Path | None) -> tuple[list[Entry], list[Case]]:
    """Returns UN parties by their Latin names, and cases with their original-script names."""
    if un_file is None:
        return [], []
    entries, cases = [], []
    for published in un.read_entries(un_file.read_bytes()):
        foreign = [
            name
            for name in published.names
            if any(char.isalpha() and ord(char) > 0x36F for char in name)
        ]
        entry = replace(
            published, aliases=tuple(name for name in published.aliases if name not in foreign)
        )
        entries.append(entry)
        family = Family.SCRIPT if entry.kind is PartyKind.PERSON else Family.FIRM_SCRIPT
        cases += [_case(family, entry, name) for name in foreign[:1]]
    return entries, cases


Person = dict[str, str]


def people() -> list[Person]:
    """Returns the synthetic persons, each with the fields of the file."""
    with gzip.open(DATA / "innocent_persons.csv.gz", "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _innocent_persons(people: Sequence[Person]) -> Iterator[Case]:
    for row in people:
        yield Case(Family.INNOCENT, half_of(row["full_name"]), row["full_name"], PartyKind.PERSON)


TRADES: Final = (
    "Trading", "Logistics", "Electronics", "Shipping", "Consulting", "Engineering", "Holding",
    "International", "Import Export", "Technologies", "Pharma", "Steel Works", "Solutions",
    "Industries", "Software", "Energy", "Transport", "Construction", "Medical Supplies",
    "Aviation Services", "Foods", "Textiles", "Semiconductor", "Research Institute", "Bank",
    "Investment Group", "Machinery", "Materials", "Telecom", "Security",
)  # fmt: skip
FORMS: Final = (
    "Ltd",
    "GmbH",
    "LLC",
    "Inc",
    "S.A.",
    "Co., Ltd.",
    "B.V.",
    "AG",
    "Pte Ltd",
    "SARL",
    "AB",
    "S.p.A.",
    "",
)


def _innocent_firms(people: Sequence[Person], rng: random.Random) -> Iterator[Case]:
    """Yields firms named after families and places on no list, with words that firms share."""
    for row in reversed(people):
        if not row["last_name"].isascii():
            continue
        place = row["place_of_birth"].split(",")[0] if rng.random() < 0.3 else ""
        trades = rng.sample(TRADES, 1 if rng.random() < 0.6 else 2)
        name = " ".join(filter(None, (place, row["last_name"], *trades, rng.choice(FORMS))))
        yield Case(Family.INNOCENT_FIRM, half_of(row["full_name"]), name, PartyKind.ORGANISATION)
