"""Finds names of parties by similarity to a listed name, and by its translations and acronyms.

It returns candidates, each with a margin: how far its similarity is above the minimum from which a
party may be a hit.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

import numpy as np
import tantivy
from rapidfuzz import fuzz, process

from services.screening.core.model import PartyKind
from services.screening.core.names.full_text import FullTextIndex, all_of, any_of
from services.screening.core.names.normalisation import (
    NormalisedName,
    core_words,
    other_pronunciation,
)
from services.screening.core.names.search_terms import FIELDS, name_skeleton, queried_terms
from services.screening.core.names.spelling_index import (
    MAX_NAMES,
    Spelling,
    SpellingIndex,
    spelling_of,
)
from services.screening.core.reverse_lookup.query import QueryPage, ReverseQuery
from services.screening.core.reverse_lookup.translations import (
    TranslationQuery,
    TranslationTerms,
    max_acronym_log_odds,
    max_blend_log_odds,
    translation_terms,
)

WRITER_MEMORY: Final = 32_000_000
"""Bytes that the full-text index uses for names that are not committed."""
PASSES: Final = (FIELDS[:3], FIELDS[2:])
"""Fields that are searched together: words, trigrams and skeletons; then sound alone."""
SORTED_KEY: Final = "sorted_key"
POSSIBLE_ACRONYM: Final = "possible_acronym"
ACRONYMS: Final = "acronyms"
PART_ACRONYMS: Final = "part_acronyms"
TRANSLATED_WORDS: Final = "translated_words"
TRANSLATION_FIELDS: Final = (POSSIBLE_ACRONYM, ACRONYMS, PART_ACRONYMS, TRANSLATED_WORDS)

MIN_SIMILARITY: Final = 88.0
"""Similarity (0..150: letters plus half of the shared words) from which a name alone may make a
hit.

Of 776 hits among altered names the least similar had 92. Of 100 names that the index returns 6 have
more.
"""
MIN_NON_LATIN_SIMILARITY: Final = 135.0
"""The same for names in other scripts (0..250: with sound). Of 220 hits the least similar had 138.
"""
MIN_LETTERS: Final = 83
"""Names whose letters agree this much (0..100) are candidates, even if many names share more words
or trigrams.
"""
MIN_MARGIN: Final = -15.0
"""With a lower margin no fact makes a hit."""
SIMILARITY_PER_LOG_ODDS: Final = 5.0
"""Similarity that one unit of log-odds replaces: agreeing facts allow less similar names, differing
facts require more similar ones.
"""
MIN_TRANSLATION_LOG_ODDS: Final = 1.7
"""Log-odds of a translation score just below the threshold, from which a name may be a hit without
any fact.
"""
FULL_MARGIN: Final = 60.0
"""Margin of a name whose every word means the same: no fact excludes it."""
MAX_SAME_WORDS: Final = 1_000
"""Names with the same words in different orders."""
MAX_ACRONYM_NAMES: Final = 1_000
"""Names that abbreviate a listed name, or that it abbreviates."""

RowMargins = tuple[list[tuple[int, float]], float | None]
"""Rows with their margins, and the last margin if the next page may have candidates too, else None.
"""
Similarities = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


class PartyNameIndex:
    """Names of parties.

    A row is one distinct name; each row has the numbers of the parties that bear it.

    min_similarity: the similarity with margin 0.
    """

    def __init__(self, min_similarity: float) -> None:
        self._min_similarity = min_similarity
        self._full_text = FullTextIndex(WRITER_MEMORY, TRANSLATION_FIELDS, (SORTED_KEY,))
        self._is_committed = True
        self._row_of: dict[str, int] = {}
        # Texts by row that are compared: all words, core words sorted, and core words in order if
        # they differ.
        self._keys: list[str] = []
        self._sorted_words: list[str] = []
        self._core: dict[int, str] = {}
        self._spellings = SpellingIndex(self._keys, self._sorted_words)
        self._meanings: dict[int, tuple[str, ...]] = {}
        self._skeletons: dict[int, tuple[str, ...]] = {}
        # The parties of each row are a linked list in flat arrays, which take less memory than
        # Python lists: the position of the newest entry by row, then for each entry the one before
        # it (0 is the end) and the party.
        self._newest, self._before, self._party = array("I"), array("I", [0]), array("I", [0])

    def add(self, name: NormalisedName, kind: PartyKind, number: int) -> None:
        """Adds a name of a party. It is found after the next commit."""
        # Names of persons and of others have different core words, so they are different rows.
        key = name.key if kind is PartyKind.PERSON else f"{name.key}\n"
        terms = translation_terms(name)
        if terms.translated_words:
            # Names in different scripts can normalise to the same words and have different
            # meanings.
            key = "\n".join((key, *terms.translated_words))
        row = self._row_of.setdefault(key, len(self._keys))
        if row == len(self._keys):
            self._keys.append(name.key)
            self._add_row(name, terms, kind, row)
        self._before.append(self._newest[row])
        self._newest[row] = len(self._party)
        self._party.append(number)

    def _add_row(
        self, name: NormalisedName, terms: TranslationTerms, kind: PartyKind, row: int
    ) -> None:
        core = core_words(name.words, is_person=kind is PartyKind.PERSON)
        spelling = spelling_of(name, core)
        self._sorted_words.append(spelling.sorted_words)
        if (in_order := " ".join(core)) != name.key:
            self._core[row] = in_order
        self._spellings.add(spelling, row)
        self._newest.append(0)
        if name.is_non_latin:
            other = name_skeleton([other_pronunciation(word) for word in core])
            own = name_skeleton(core)
            self._skeletons[row] = (own, other) if name.is_unvowelled else (own,)
        if terms.translated_words:
            self._meanings[row] = terms.meaning
        self._full_text.add(row, _texts(name, terms, kind))
        self._is_committed = False

    def commit(self) -> None:
        """Makes all added names findable."""
        if not self._is_committed:
            self._spellings.commit()
            self._full_text.commit()
            self._is_committed = True

    def parties_with(self, row: int) -> Iterator[int]:
        """Yields the numbers of the parties that bear the name."""
        at = self._newest[row]
        while at:
            yield self._party[at]
            at = self._before[at]

    def most_similar(self, query: ReverseQuery, start: int, end: int) -> RowMargins:
        """Returns the names from rank `start` to before rank `end` in order of similarity."""
        rows = self._candidates(query, 4 * end)
        if len(rows) <= start:
            return [], None
        margins = self._similarities(query, rows) - self._min_similarity
        order = np.argsort(-margins, kind="stable")[start:end]
        found = [(rows[at], float(margins[at])) for at in order if margins[at] >= MIN_MARGIN]
        is_full = len(found) == end - start and found[-1][1] >= 0
        return found, found[-1][1] if is_full else None

    def _candidates(self, query: ReverseQuery, limit: int) -> list[int]:
        same_words = self._full_text.term(SORTED_KEY, query.sorted_key)
        spelling = Spelling(query.key, " ".join(sorted(query.words)))
        terms = dict(query.terms)
        found = [
            self._full_text.search(same_words, MAX_SAME_WORDS),
            self._spellings.similar_to(spelling, MIN_LETTERS, max(limit, MAX_NAMES)),
            *(self._full_text.search_terms(terms, fields, limit) for fields in PASSES),
        ]
        return list(dict.fromkeys(chain.from_iterable(found)))

    def _similarities(self, query: ReverseQuery, rows: list[int]) -> Similarities:
        """Returns the similarity of each row.

        It is the best of three comparisons of letters (core words sorted, core words in order, all
        words), plus half of the shared words, plus, in other scripts, the sound.
        """
        keys = [self._keys[row] for row in rows]
        in_order = [self._core.get(row, key) for row, key in zip(rows, keys, strict=True)]
        sorted_words = [self._sorted_words[row] for row in rows]
        queried = " ".join(sorted(query.words))
        by_sorted = process.cdist([queried], sorted_words, scorer=fuzz.ratio)[0]
        by_order = process.cdist([" ".join(query.words)], in_order, scorer=fuzz.ratio)[0]
        # All words, because a misspelled legal form is taken for a core word.
        by_key = process.cdist([query.key], keys, scorer=fuzz.ratio)[0]
        shared = process.cdist([queried], sorted_words, scorer=fuzz.token_set_ratio)[0]
        best = np.maximum(np.maximum(by_sorted, by_order), by_key)
        similarities: Similarities = best + 0.5 * shared
        if not self._skeletons:
            return similarities
        by_sound = [
            max(fuzz.ratio(query.skeleton, own) for own in self._skeletons.get(row, ("",)))
            for row in rows
        ]
        return np.add(similarities, by_sound)

    def translations(self, page: QueryPage) -> RowMargins:
        """Returns the names that may translate or abbreviate the listed name, in either direction.

        Abbreviations of the whole name are all on the first page. Names of the same meaning, and
        names of which a part is abbreviated, are in order of the words they share.
        """
        query = page.query.translation
        if query is None:
            return [], None
        found = self._abbreviations(query) if page.start == 0 else {}
        is_full = False
        for search, may_match in (
            (self._same_meaning(query), self._may_translate),
            (self._part_abbreviated(query), self._may_abbreviate_part),
        ):
            candidates = self._full_text.search(search, 4 * page.end) if search else []
            rows = [row for row in candidates if may_match(query, row)]
            found |= dict.fromkeys(rows[page.start : page.end], FULL_MARGIN)
            is_full |= len(rows) >= page.end
        in_order = sorted(found.items(), key=lambda each: -each[1])
        return in_order, FULL_MARGIN if is_full else None

    def _may_translate(self, query: TranslationQuery, row: int) -> bool:
        return query.may_translate(self._meanings.get(row) or self._words(row))

    def _may_abbreviate_part(self, query: TranslationQuery, row: int) -> bool:
        words = self._words(row)
        return query.may_abbreviate_part(words, self._meanings.get(row, words))

    def _words(self, row: int) -> tuple[str, ...]:
        return tuple(self._keys[row].split())

    def _abbreviations(self, query: TranslationQuery) -> dict[int, float]:
        """Returns the names that abbreviate the listed name, or the reverse, with margins."""
        found: dict[int, float] = {}
        if query.whole_pattern:
            pattern = self._full_text.pattern(POSSIBLE_ACRONYM, query.whole_pattern)
            rows = self._full_text.search(pattern, MAX_ACRONYM_NAMES)
            found |= dict.fromkeys(rows, _translation_margin(max_blend_log_odds()))
        searched = [(POSSIBLE_ACRONYM, letters) for letters in query.acronyms]
        if query.possible_acronym:
            searched.append((ACRONYMS, query.possible_acronym))
        for field, letters in searched:
            margin = _translation_margin(max_acronym_log_odds(letters))
            term = self._full_text.term(field, letters)
            for row in self._full_text.search(term, MAX_ACRONYM_NAMES):
                found[row] = max(margin, found.get(row, margin))
        return found

    def _same_meaning(self, query: TranslationQuery) -> tantivy.Query | None:
        """Returns a search for names with a word of the same meaning and different spelling."""
        term = self._full_text.term
        same = [term(TRANSLATED_WORDS, word) for word in query.words]
        same += [term("words", word) for word in query.translated_words]
        return self._search_for([same], query)

    def _part_abbreviated(self, query: TranslationQuery) -> tantivy.Query | None:
        """Returns a search for names that share a word and abbreviate others, or the reverse."""
        short = [
            self._full_text.term(PART_ACRONYMS, word) for word in query.words if word.isalpha()
        ]
        if query.part_pattern:
            short.append(self._full_text.pattern("words", query.part_pattern))
        return self._search_for([short, self._shared_words(query)], query)

    def _shared_words(self, query: TranslationQuery) -> list[tantivy.Query]:
        words = dict.fromkeys((*query.words, *query.key))
        return [
            *(self._full_text.term("words", word) for word in words),
            *(self._full_text.term("skeletons", skeleton) for skeleton in query.skeletons),
        ]

    def _search_for(
        self, groups: Sequence[Sequence[tantivy.Query]], query: TranslationQuery
    ) -> tantivy.Query | None:
        """Returns a search for names that match something of each group.

        Names that share more words come first.
        """
        if not all(groups):
            return None
        return all_of([any_of(group) for group in groups], self._shared_words(query))


def _texts(name: NormalisedName, terms: TranslationTerms, kind: PartyKind) -> Mapping[str, str]:
    """Returns the text of each field of the full-text index."""
    own = (
        (terms.possible_acronym,),
        terms.acronyms,
        terms.part_acronyms,
        terms.translated_words,
    )
    translations = zip(TRANSLATION_FIELDS, own, strict=True)
    return {
        **{field: " ".join(texts) for field, texts in queried_terms(name, kind).items()},
        SORTED_KEY: name.sorted_key,
        **{field: " ".join(texts) for field, texts in translations if any(texts)},
    }


def _translation_margin(log_odds: float) -> float:
    return SIMILARITY_PER_LOG_ODDS * (log_odds - MIN_TRANSLATION_LOG_ODDS)
