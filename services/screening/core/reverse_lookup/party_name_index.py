"""Names of parties, found by likeness, and by the translations and acronyms of a listed name. Knows no party.

What it brings is what may be meant: how much is near, and how much further above or below it a name is.
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

import numpy as np
import tantivy
from rapidfuzz import fuzz, process

from services.screening.core.model import PartyKind
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
from services.screening.core.reverse_lookup.query import Span, Wanted
from services.screening.core.reverse_lookup.translations import (
    Sought,
    Traits,
    traits,
    worth_of_acronym,
    worth_of_blend,
)

WRITER_MEMORY: Final = 32_000_000
SAME_WORDS: Final = "same_words"
MOST_SAME: Final = 1_000
"""Orders in which one set of words may be written."""
PASSES: Final = (FIELDS[:3], FIELDS[2:])
"""What is looked at together: words, letters and sounds; sounds alone."""

NEAR: Final = 88.0
"""From this likeness on (0..150: letters, and half of the shared words) a party may be a hit by its name alone.

Of 776 hits among altered names the least had 92; 6 of 100 names that the index brings have more.
"""
NEAR_BY_SOUND: Final = 135.0
"""The same for names of other scripts (0..250: the sound besides): of 220 hits the least had 138."""
ALIKE: Final = 83
"""Names whose letters agree to this share, of 100, are looked at, however many share more words or pieces."""
LEAST: Final = -15.0
"""Further below what is near, no fact makes a hit."""
SHORT, ACRONYMS, PIECES, TRANSLATED = "short", "acronyms", "pieces", "translated"
TRAITS: Final = (SHORT, ACRONYMS, PIECES, TRANSLATED)
"""What the kin of a name are found by, beside its words."""
LIFT: Final = 5.0
"""What a log-odds unit of facts is worth in likeness: with those that agree less is near, with others more must be."""
KIN: Final = 1.7
"""The log-odds of the second channel's score from which a name is near without any fact, if only just."""
WHOLE: Final = 60.0
"""A name whose every word means the same is this near: no fact beside it makes it another one's."""
MOST_SHORT: Final = 1_000
"""Names that are short for one listed name, or it for them, at most."""

Rows = tuple[list[tuple[int, float]], float | None]
"""Names and how far each is above what is near; the last one's where the next ones are near too, else None."""
Numbers = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


class PartyNameIndex:
    """Names, a row each distinct one, and the numbers of the parties that bear it."""

    def __init__(self, near: float) -> None:
        self._near = near
        builder = tantivy.SchemaBuilder()
        for field in FIELDS:
            builder.add_text_field(field, tokenizer_name="whitespace", index_option="freq")
        builder.add_text_field(SAME_WORDS, tokenizer_name="raw", index_option="basic")
        for trait in TRAITS:
            builder.add_text_field(trait, tokenizer_name="whitespace", index_option="basic")
        builder.add_unsigned_field("row", fast=True)
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema)
        self._writer = self._index.writer(WRITER_MEMORY, num_threads=1)
        self._searcher = self._index.searcher()
        self._is_settled = True
        self._row_of: dict[str, int] = {}
        # What of a row is compared: its key, its words in alphabetical order, and in spoken order where that is no key.
        self._ordered: list[str] = []
        self._spoken: dict[int, str] = {}
        self._keys: list[str] = []
        self._spellings = SpellingIndex(self._keys, self._ordered)
        self._meaning_of: dict[int, tuple[str, ...]] = {}
        self._sounds: dict[int, tuple[str, ...]] = {}
        # The bearers of a row as a chain: the newest one, and from each to the one before it. 0 ends it.
        self._newest, self._before, self._bearer = array("I"), array("I", [0]), array("I", [0])

    def put(self, name: NormalisedName, kind: PartyKind, number: int) -> None:
        """One more who bears the name."""
        key = name.key if kind is PartyKind.PERSON else f"{name.key}\n"
        known = traits(name)
        if known.translated:
            # Written otherwise, the same Latin words may mean something else.
            key = "\n".join((key, *known.translated))
        row = self._row_of.setdefault(key, len(self._keys))
        if row == len(self._keys):
            self._keys.append(name.key)
            self._add(name, known, kind, row)
        self._before.append(self._newest[row])
        self._newest[row] = len(self._bearer)
        self._bearer.append(number)

    def _add(self, name: NormalisedName, known: Traits, kind: PartyKind, row: int) -> None:
        core = core_words(name.words, is_person=kind is PartyKind.PERSON)
        spelling = spelling_of(name, core)
        self._ordered.append(spelling.sorted_words)
        if (spoken := " ".join(core)) != name.key:
            self._spoken[row] = spoken
        self._spellings.add(spelling, row)
        self._newest.append(0)
        if name.is_non_latin:
            sounds = (
                name_skeleton(core),
                name_skeleton([other_pronunciation(word) for word in core]),
            )
            self._sounds[row] = sounds if name.is_unvowelled else sounds[:1]
        document = tantivy.Document()
        for field, terms in queried_terms(name, kind).items():
            document.add_text(field, " ".join(terms))
        document.add_text(SAME_WORDS, name.sorted_key)
        if known.translated:
            self._meaning_of[row] = known.meaning
        for trait, terms in zip(
            TRAITS, ((known.short,), known.acronyms, known.pieces, known.translated), strict=True
        ):
            if any(terms):
                document.add_text(trait, " ".join(terms))
        document.add_unsigned("row", row)
        self._writer.add_document(document)
        self._is_settled = False

    def settle(self) -> None:
        """Finds what was put."""
        if not self._is_settled:
            self._spellings.commit()
            self._writer.commit()
            self._index.reload()
            self._searcher = self._index.searcher()
            self._is_settled = True

    def closest(self, wanted: Wanted, start: int, end: int) -> Rows:
        """The names from `start` to `end` in order of likeness, and how far each is above what is near."""
        rows = self._alike(wanted, 4 * end)
        if len(rows) <= start:
            return [], None
        above = self._likeness(wanted, rows) - self._near
        order = np.argsort(-above, kind="stable")[start:end]
        found = [(rows[at], float(above[at])) for at in order if above[at] >= LEAST]
        return found, found[-1][1] if len(found) == end - start and found[-1][1] >= 0 else None

    def kin(self, span: Span) -> Rows:
        """The names that may be another form of the wanted one, and how far each is above what is near.

        Those that are short for it or it for them come all at once; those of its meaning and those of which a part is
        short for a part, most of it first.
        """
        sought = span.wanted.kin
        if sought is None:
            return [], None
        found = self._short(sought) if span.start == 0 else {}
        is_full = False
        for query, is_kin in (
            (self._meaning(sought), self._may_mean),
            (self._part(sought), self._may_be_short),
        ):
            rows = (
                [row for row in self._rows(query, 4 * span.end) if is_kin(sought, row)]
                if query
                else []
            )
            found |= dict.fromkeys(rows[span.start : span.end], WHOLE)
            is_full |= len(rows) >= span.end
        return sorted(found.items(), key=lambda each: -each[1]), WHOLE if is_full else None

    def _may_mean(self, sought: Sought, row: int) -> bool:
        return sought.may_mean(self._meaning_of.get(row) or self._written(row))

    def _may_be_short(self, sought: Sought, row: int) -> bool:
        written = self._written(row)
        return sought.may_be_short(written, self._meaning_of.get(row, written))

    def _written(self, row: int) -> tuple[str, ...]:
        return tuple(self._keys[row].split())

    def _short(self, sought: Sought) -> dict[int, float]:
        """Names that are acronyms or blends of the wanted one, or of which it is an acronym."""
        found: dict[int, float] = {}
        if sought.whole:
            pattern = tantivy.Query.regex_query(self._schema, SHORT, sought.whole)
            found |= dict.fromkeys(self._rows(pattern, MOST_SHORT), LIFT * (worth_of_blend() - KIN))
        asked = [(SHORT, letters) for letters in sought.acronyms]
        if sought.short:
            asked.append((ACRONYMS, sought.short))
        for field, letters in asked:
            above = LIFT * (worth_of_acronym(letters) - KIN)
            for row in self._rows(self._term(field, letters), MOST_SHORT):
                found[row] = max(above, found.get(row, above))
        return found

    def _meaning(self, sought: Sought) -> tantivy.Query | None:
        """Names of which a word means what one of the wanted name does, but is written otherwise."""
        same = [self._term(TRANSLATED, word) for word in sought.words]
        same += [self._term("words", word) for word in sought.translated]
        return self._together([same], sought)

    def _part(self, sought: Sought) -> tantivy.Query | None:
        """Names that share a word and have a word that some of the others may be short for, or the other way round."""
        short = [self._term(PIECES, word) for word in sought.words if word.isalpha()]
        if sought.part:
            short.append(tantivy.Query.regex_query(self._schema, "words", sought.part))
        return self._together([short, self._shared(sought)], sought)

    def _shared(self, sought: Sought) -> list[tantivy.Query]:
        words = [self._term("words", word) for word in dict.fromkeys((*sought.words, *sought.key))]
        return words + [self._term("skeletons", sound) for sound in sought.sounds]

    def _together(
        self, each: Sequence[Sequence[tantivy.Query]], sought: Sought
    ) -> tantivy.Query | None:
        """Names that have something of each; first those that share most."""
        if not all(each):
            return None
        should, must = tantivy.Occur.Should, tantivy.Occur.Must
        needed = [
            (must, tantivy.Query.boolean_query([(should, one) for one in some])) for some in each
        ]
        return tantivy.Query.boolean_query(
            [*needed, *((should, one) for one in self._shared(sought))]
        )

    def _term(self, field: str, term: str) -> tantivy.Query:
        return tantivy.Query.term_query(
            self._schema, field, term, "freq" if field in FIELDS else "basic"
        )

    def bearers(self, row: int) -> Iterator[int]:
        """The numbers of the parties that bear the name."""
        at = self._newest[row]
        while at:
            yield self._bearer[at]
            at = self._before[at]

    def _alike(self, wanted: Wanted, limit: int) -> list[int]:
        same = tantivy.Query.term_query(self._schema, SAME_WORDS, wanted.same_words, "basic")
        near = Spelling(wanted.key, " ".join(sorted(wanted.words)))
        found = [
            self._rows(same, MOST_SAME),
            self._spellings.similar_to(near, ALIKE, max(limit, MAX_NAMES)),
        ]
        terms = dict(wanted.terms)
        for fields in PASSES:
            should = [
                (tantivy.Occur.Should, tantivy.Query.term_query(self._schema, field, term, "freq"))
                for field in fields
                for term in terms[field]
            ]
            if should:
                found.append(self._rows(tantivy.Query.boolean_query(should), limit))
        return list(dict.fromkeys(chain.from_iterable(found)))

    def _rows(self, query: tantivy.Query, limit: int) -> list[int]:
        addresses = [
            address for _, address in self._searcher.search(query, limit, count=False).hits
        ]
        return [
            int(row)
            for row in self._searcher.fast_field_values("row", addresses)
            if row is not None
        ]

    def _likeness(self, wanted: Wanted, rows: list[int]) -> Numbers:
        """Letters in alphabetical order, in spoken order or of all words; shared words; of other scripts the sound."""
        keys = [self._keys[row] for row in rows]
        spoken = [self._spoken.get(row, key) for row, key in zip(rows, keys, strict=True)]
        sorted_words = [self._ordered[row] for row in rows]
        asked = " ".join(sorted(wanted.words))
        by_word = process.cdist([asked], sorted_words, scorer=fuzz.ratio)[0]
        by_letter = process.cdist([" ".join(wanted.words)], spoken, scorer=fuzz.ratio)[0]
        # What is no legal form may be one misspelled.
        whole = process.cdist([wanted.key], keys, scorer=fuzz.ratio)[0]
        shared = process.cdist([asked], sorted_words, scorer=fuzz.token_set_ratio)[0]
        likeness: Numbers = np.maximum(np.maximum(by_word, by_letter), whole) + 0.5 * shared
        if not self._sounds:
            return likeness
        heard = [
            max(fuzz.ratio(wanted.sound, sound) for sound in self._sounds.get(row, ("",)))
            for row in rows
        ]
        return np.add(likeness, heard)
