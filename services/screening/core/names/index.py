"""The immutable index of one set of active list versions.

It is built once and then read by any number of threads.
"""

import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from services.screening.core.model import Entry, PartyKind
from services.screening.core.names.certain_matches import ExactIndex
from services.screening.core.names.full_text import FullTextIndex
from services.screening.core.names.normalisation import NormalisedName, core_words, normalise
from services.screening.core.names.published_names import ListedName, listed_names
from services.screening.core.names.search_terms import (
    listed_terms,
    name_skeleton,
    queried_terms,
)
from services.screening.core.names.spelling_index import Spelling, SpellingIndex, spelling_of
from services.screening.core.names.stop_words import GENERIC, LEGAL_FORMS
from services.screening.core.names.translation_index import OrganisationName, TranslationIndex
from services.screening.core.names.word_weights import WordWeights

WRITER_MEMORY: Final = 256_000_000
"""Bytes that the full-text index may use while it is built."""
MAY_BE_ORGANISATION: Final = frozenset({PartyKind.ORGANISATION, PartyKind.UNKNOWN})
PASSES: Final = (("words", "skeletons"), ("trigrams", "skeleton_trigrams"))
"""Fields that are searched together. Two passes, because in one of them names with many common
terms would crowd out the others.
"""


@dataclass(frozen=True, slots=True)
class IndexedName:
    """A distinct normalised name and the published names that normalise to it.

    key: all words, one space apart. words: the core words. sorted_words: the core words in
    alphabetical order. joined: the key without spaces. skeleton: the phonetic skeleton of the core
    words. is_person: all parties that bear the name are persons.
    """

    key: str
    words: tuple[str, ...]
    sorted_words: str
    joined: str
    skeleton: str
    names: tuple[ListedName, ...]
    is_person: bool


@dataclass(frozen=True, slots=True, eq=False)
class ListIndex:
    """Everything needed to screen against one set of list versions.

    A row is the position of a name in `rows`. Two indexes are never equal: comparing them would
    cost too much.
    """

    list_version_id: str
    entries: tuple[Entry, ...]
    exact: ExactIndex
    rows: tuple[IndexedName, ...]
    word_weights: WordWeights
    names_by_id: Mapping[str, str]
    """The primary name of each entry, by entry id."""
    translations: TranslationIndex
    spellings: SpellingIndex
    skeletons: tuple[str, ...]
    """The phonetic skeleton of every row."""
    _full_text: FullTextIndex

    @classmethod
    def build(cls, entries: Sequence[Entry], list_version_id: str) -> "ListIndex":
        """Returns the index of these entries.

        Takes seconds of CPU and holds the interpreter lock.
        """
        with _without_garbage_collection():
            names = [(name, normalise(name.text)) for name in listed_names(entries)]
            names = [(name, normalised) for name, normalised in names if normalised.key]
            rows = tuple(_indexed_names(entries, names))
            return cls(
                list_version_id,
                tuple(entries),
                ExactIndex.build(entries, names),
                rows,
                WordWeights(
                    (row.words for row in rows),
                    {word for row in rows if row.is_person for word in row.words},
                ),
                {entry.entry_id: entry.name for entry in entries},
                TranslationIndex.build(tuple(_organisation_names(entries, rows))),
                SpellingIndex.of(Spelling(row.key, row.sorted_words) for row in rows),
                tuple(row.skeleton for row in rows),
                _full_text_index(rows),
            )

    def restricted_to(self, entries: Sequence[Entry]) -> "ListIndex":
        """Returns an index of these entries only. A name scores in it as in this index."""
        small = ListIndex.build(entries, self.list_version_id)
        return replace(
            small,
            word_weights=self.word_weights,
            translations=small.translations.with_statistics_of(self.translations),
        )

    def candidates(self, name: NormalisedName, kind: PartyKind, limit: int) -> tuple[int, ...]:
        """Returns the rows that may resemble a name.

        These are all rows with similar letters, `limit` rows by words and their skeletons, and
        `limit` rows by trigrams of the letters and of the skeletons.
        """
        core = core_words(name.words, is_person=kind is PartyKind.PERSON)
        similar = self.spellings.similar_to(spelling_of(name, core))
        terms = {field: sorted(set(own)) for field, own in queried_terms(name, kind).items()}
        found = (
            row for fields in PASSES for row in self._full_text.search_terms(terms, fields, limit)
        )
        return tuple(dict.fromkeys((*similar, *found)))


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Builds millions of objects that stay, without the cyclic garbage collector.

    Collecting during the build would take more than half of its time. Afterwards the objects are
    frozen, because the first query that triggers a full collection would take seconds. An index has
    no cycles, so reference counting frees it when it is dropped.
    """
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was_enabled:
            gc.enable()


def listed_kind(entry: Entry, words: tuple[str, ...]) -> PartyKind:
    """Returns the published kind. If it is unknown and a word says so, the kind is organisation."""
    if entry.kind is PartyKind.UNKNOWN and any(
        word in LEGAL_FORMS or word in GENERIC for word in words if len(word) > 2
    ):
        return PartyKind.ORGANISATION
    return entry.kind


def _indexed_names(
    entries: Sequence[Entry], names: Iterable[tuple[ListedName, NormalisedName]]
) -> Iterable[IndexedName]:
    by_key: dict[str, list[tuple[ListedName, NormalisedName]]] = defaultdict(list)
    for name, normalised in names:
        by_key[normalised.key].append((name, normalised))
    for key, same in by_key.items():
        words = same[0][1].words
        is_person = all(
            listed_kind(entries[name.entry], words) is PartyKind.PERSON for name, _ in same
        )
        core = core_words(words, is_person=is_person)
        yield IndexedName(
            key,
            core,
            " ".join(sorted(core)),
            "".join(words),
            name_skeleton(core),
            tuple(dict.fromkeys(name for name, _ in same)),
            is_person,
        )


def _organisation_names(
    entries: Sequence[Entry], rows: Sequence[IndexedName]
) -> Iterable[OrganisationName]:
    for position, row in enumerate(rows):
        if any(entries[name.entry].kind in MAY_BE_ORGANISATION for name in row.names):
            words = tuple(row.key.split())
            yield OrganisationName(position, row.names[0].entry, words, row.words)


def _full_text_index(rows: Sequence[IndexedName]) -> FullTextIndex:
    index = FullTextIndex(WRITER_MEMORY)
    for position, row in enumerate(rows):
        terms = listed_terms(row.key, row.words)
        index.add(position, {field: " ".join(own) for field, own in terms.items()})
    index.commit()
    index.close()
    return index
