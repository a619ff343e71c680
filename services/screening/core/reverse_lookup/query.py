"""What is looked for among parties when a list changes: the names and numbers of the entries that changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from services.screening.core.model import Entry
from services.screening.core.names.identifiers import identifier_key
from services.screening.core.names.index import IndexedName
from services.screening.core.names.search_terms import listed_terms
from services.screening.core.names.translation_match import OrganisationName
from services.screening.core.reverse_lookup.translations import Sought


class Place(Enum):
    """Where in the index is looked: numbers of parties, names in Latin letters, names in other scripts, kin of names.

    Names of other scripts are found by sound: among the others, whom letters bring, they would be crowded out.
    """

    NUMBERS = "numbers"
    LATIN = "latin"
    FOREIGN = "foreign"
    KIN = "kin"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What parties are looked for by: a listed name, or the number of a listed party; the other is empty.

    row: the place of the name among the names that changed. entries: who bears it. kin: what its translations and
    acronyms are found by, where it is an organisation's.
    """

    identifier: str = ""
    row: int = -1
    entries: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()
    key: str = ""
    same_words: str = ""
    sound: str = ""
    terms: tuple[tuple[str, tuple[str, ...]], ...] = ()
    kin: Sought | None = None

    @property
    def rows(self) -> tuple[int, ...]:
        """Names that are to be compared: none when a number alone decides."""
        return () if self.identifier else (self.row,)

    @property
    def places(self) -> tuple[Place, ...]:
        """Where to look for it."""
        if self.identifier:
            return (Place.NUMBERS,)
        return (
            (Place.LATIN, Place.FOREIGN)
            if self.kin is None
            else (Place.LATIN, Place.FOREIGN, Place.KIN)
        )


@dataclass(frozen=True, slots=True)
class Span:
    """What is looked up next: the names from `start` to `end` in order of likeness, of one place in the index."""

    wanted: Wanted
    place: Place
    start: int
    end: int


def wanted_of(
    rows: Iterable[IndexedName], entries: Sequence[Entry], members: Iterable[OrganisationName]
) -> tuple[Wanted, ...]:
    """All that finds the parties who may be one of these entries.

    rows: the entries' names; members: those that the second channel knows.
    """
    kin = {member.row: Sought.of(member) for member in members}
    names = (
        Wanted(
            row=position,
            entries=frozenset(entries[name.entry].entry_id for name in row.names),
            words=row.words,
            key=row.key,
            same_words=" ".join(sorted(row.key.split())),
            sound=row.skeleton,
            terms=tuple(
                (field, tuple(sorted(set(terms))))
                for field, terms in listed_terms(row.key, row.words).items()
            ),
            kin=kin.get(position),
        )
        for position, row in enumerate(rows)
    )
    values = (value for entry in entries for _, value in entry.identifiers)
    keys = dict.fromkeys(key for value in values if (key := identifier_key(value)))
    return (*names, *(Wanted(identifier=key) for key in keys))
