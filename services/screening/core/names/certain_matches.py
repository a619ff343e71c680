"""Finds matches that need no judgement: equal identifiers and equal whole names.

Uses no fuzzy comparison.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from services.screening.core.model import Entry, Identifier
from services.screening.core.names.identifiers import (
    UNTYPED,
    identifier_family,
    identifier_key,
    is_globally_unique,
    without_country_prefix,
)
from services.screening.core.names.normalisation import NormalisedName, normalise
from services.screening.core.names.published_names import ListedName, given_name_first

T = TypeVar("T")

MIN_LETTERS: Final = 6
"""Shorter names are not recognised without their spaces."""


@dataclass(frozen=True, slots=True)
class ExactIndex:
    """Dictionaries from identifiers and whole normalised names to entries.

    It never changes after it is built.
    """

    identifiers: Mapping[str, tuple[tuple[int, Identifier], ...]]
    keys: Mapping[str, tuple[ListedName, ...]]
    sorted_keys: Mapping[str, tuple[ListedName, ...]]
    letters: Mapping[str, tuple[ListedName, ...]]

    @classmethod
    def build(
        cls, entries: Sequence[Entry], names: Iterable[tuple[ListedName, NormalisedName]]
    ) -> "ExactIndex":
        """Returns the dictionaries of these entries and their normalised names."""
        identifiers: dict[str, list[tuple[int, Identifier]]] = defaultdict(list)
        for position, entry in enumerate(entries):
            for identifier in entry.identifiers:
                if key := identifier_key(identifier[1]):
                    identifiers[key].append((position, identifier))
        keys: dict[str, list[ListedName]] = defaultdict(list)
        sorted_keys: dict[str, list[ListedName]] = defaultdict(list)
        letters: dict[str, list[ListedName]] = defaultdict(list)
        for name, normalised in names:
            keys[normalised.key].append(name)
            sorted_keys[normalised.sorted_key].append(name)
            for joined in _joined_forms(name, normalised):
                if len(joined) >= MIN_LETTERS:
                    letters[joined].append(name)
        return cls(_frozen(identifiers), _frozen(keys), _frozen(sorted_keys), _frozen(letters))

    def with_identifier(self, identifier: Identifier) -> tuple[tuple[int, Identifier], ...]:
        """Returns the entries with this identifier value: position and listed identifier.

        A long value matches whatever its type, a short one only within the same family of types.
        The queried value may have a country prefix that the listed one does not have.
        """
        key = identifier_key(identifier[1])
        if not key:
            return ()
        found = self.identifiers.get(key) or self.identifiers.get(without_country_prefix(key), ())
        if is_globally_unique(key):
            return found
        is_typed = identifier[0].casefold().strip() not in UNTYPED
        family = identifier_family(identifier[0])
        return tuple(one for one in found if is_typed and identifier_family(one[1][0]) == family)

    def with_name(self, name: NormalisedName) -> tuple[ListedName, ...]:
        """Returns the listed names that equal this name, word by word."""
        return self.keys.get(name.key, ())

    def with_words(self, name: NormalisedName) -> tuple[ListedName, ...]:
        """Returns the listed names with exactly these words in any order."""
        return self.sorted_keys.get(name.sorted_key, ())

    def with_letters(self, name: NormalisedName) -> tuple[ListedName, ...]:
        """Returns the listed names with these letters in this order, whatever the word breaks."""
        return self.letters.get(name.joined, ())


def _joined_forms(name: ListedName, normalised: NormalisedName) -> set[str]:
    """Returns a name without spaces, as published and with the given name first."""
    spoken = given_name_first(name.text)
    return {
        normalised.joined,
        normalised.joined if spoken == name.text else normalise(spoken).joined,
    }


def _frozen(lists: Mapping[str, list[T]]) -> Mapping[str, tuple[T, ...]]:
    return {key: tuple(values) for key, values in lists.items()}
