"""An immutable generation of the index: one list version, built once, then only read, from any number of threads."""

import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import tantivy

from services.screening.core.model import Entry, PartyKind
from services.screening.core.names.certain_matches import ExactIndex, ListedName, listed_names
from services.screening.core.names.normalisation import (
    Folded,
    fold,
    heard_otherwise,
    name_words,
    skeleton,
    trigrams,
)
from services.screening.core.names.spelling import Spelled, Spellings, spelled
from services.screening.core.names.token_alignment import Weights
from services.screening.core.names.translation_match import Channel, Member
from services.screening.core.names.words import GENERIC, LEGAL_FORMS

WRITER_MEMORY: Final = 256_000_000
ORGANISED: Final = frozenset({PartyKind.ORGANISATION, PartyKind.UNKNOWN})
FIELDS: Final = ("words", "letters", "sounds", "whole_sound")
PASSES: Final = (("words", "sounds"), ("letters", "whole_sound"))
"""What is looked at together: words, and pieces of whole names. Each brings what the other may crowd out."""


@dataclass(frozen=True, slots=True)
class Row:
    """One distinct normalised name and everyone who bears it. words: without legal forms, unless nothing else is there.

    ordered: those words in alphabetical order; joined: the key without spaces; sound: the consonants of the ordered
    words; is_person: all who bear it are persons.
    """

    key: str
    words: tuple[str, ...]
    ordered: str
    joined: str
    sound: str
    names: tuple[ListedName, ...]
    is_person: bool


@dataclass(frozen=True, slots=True, eq=False)
class ListIndex:
    """Everything needed to screen against one list version. Equal to itself only: there is too much to compare."""

    list_version_id: str
    entries: tuple[Entry, ...]
    exact: ExactIndex
    rows: tuple[Row, ...]
    weights: Weights
    names_by_id: Mapping[str, str]
    """The primary name of every entry."""
    channel: Channel
    spellings: Spellings
    sounds: tuple[str, ...]
    """The sound of every row."""
    _schema: tantivy.Schema
    _searcher: tantivy.Searcher

    @classmethod
    def build(cls, entries: Sequence[Entry], list_version_id: str) -> "ListIndex":
        """The index of these entries. Takes seconds and holds the interpreter: call it from a worker thread."""
        with _uncollected():
            names = [(name, fold(name.text)) for name in listed_names(entries)]
            names = [(name, folded) for name, folded in names if folded.key]
            rows = tuple(_rows(entries, names))
            spellings = Spellings.of(Spelled(row.key, row.ordered) for row in rows)
            schema, searcher = _indexed(rows)
            return cls(
                list_version_id,
                tuple(entries),
                ExactIndex.build(entries, names),
                rows,
                Weights(
                    (row.words for row in rows),
                    {word for row in rows if row.is_person for word in row.words},
                ),
                {entry.entry_id: entry.name for entry in entries},
                Channel.build(tuple(_organisations(entries, rows))),
                spellings,
                tuple(row.sound for row in rows),
                schema,
                searcher,
            )

    def among(self, entries: Sequence[Entry]) -> "ListIndex":
        """A small index of these entries only, in which a name scores as it does in this whole one."""
        small = ListIndex.build(entries, self.list_version_id)
        return replace(small, weights=self.weights, channel=small.channel.weighed_as(self.channel))

    def candidates(self, name: Folded, kind: PartyKind, limit: int) -> tuple[int, ...]:
        """Positions of rows that may resemble a name.

        Every one that is spelled nearly alike; `limit` by words and their sounds; `limit` by pieces of letters and of
        the whole sound.
        """
        near = self.spellings.near(
            spelled(name, name_words(name.words, is_person=kind is PartyKind.PERSON))
        )
        terms = queried_terms(name, kind)
        found = (row for fields in PASSES for row in self._search(terms, fields, limit))
        return tuple(dict.fromkeys((*near, *found)))

    def _search(
        self, terms: Mapping[str, Iterable[str]], fields: Sequence[str], limit: int
    ) -> list[int]:
        should = tantivy.Occur.Should
        parts = [
            (should, tantivy.Query.term_query(self._schema, field, term, "freq"))
            for field in fields
            for term in sorted(set(terms[field]))
        ]
        if not parts:
            return []
        found = self._searcher.search(tantivy.Query.boolean_query(parts), limit, count=False)
        addresses = [address for _, address in found.hits]
        rows: list[int] = self._searcher.fast_field_values("row", addresses)  # type: ignore[assignment]  # all have one
        return rows


@contextmanager
def _uncollected() -> Iterator[None]:
    """While millions of objects come that stay, looking for garbage among them is more than half of the work.

    Nor is it looked for among them later: the first query to do so would take seconds. What nobody holds any more is
    freed all the same, there are no cycles in an index.
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


def kind_of(entry: Entry, words: tuple[str, ...]) -> PartyKind:
    """The kind of a listed name: as published, else organisation when a word of it says so."""
    if entry.kind is PartyKind.UNKNOWN and any(
        word in LEGAL_FORMS or word in GENERIC for word in words if len(word) > 2
    ):
        return PartyKind.ORGANISATION
    return entry.kind


def _rows(entries: Sequence[Entry], names: Iterable[tuple[ListedName, Folded]]) -> Iterable[Row]:
    by_key: dict[str, list[tuple[ListedName, Folded]]] = defaultdict(list)
    for name, folded in names:
        by_key[folded.key].append((name, folded))
    for key, bearers in by_key.items():
        words = bearers[0][1].words
        is_person = all(
            kind_of(entries[name.entry], words) is PartyKind.PERSON for name, _ in bearers
        )
        core = name_words(words, is_person=is_person)
        borne = tuple(dict.fromkeys(name for name, _ in bearers))
        yield Row(
            key, core, " ".join(sorted(core)), "".join(words), whole_sound(core), borne, is_person
        )


def _organisations(entries: Sequence[Entry], rows: Sequence[Row]) -> Iterable[Member]:
    for position, row in enumerate(rows):
        if any(entries[name.entry].kind in ORGANISED for name in row.names):
            yield Member(position, row.names[0].entry, tuple(row.key.split()), row.words)


def whole_sound(words: Sequence[str]) -> str:
    """The consonant sounds of a whole name, its words in alphabetical order."""
    return "".join(skeleton(word) for word in sorted(words))


def _terms(words: tuple[str, ...], core: tuple[str, ...]) -> Mapping[str, Iterable[str]]:
    joined = "".join(words)
    sounds = [sound for word in core if (sound := skeleton(word))]
    return {
        "words": tuple(dict.fromkeys((*words, *core))),
        "letters": trigrams(joined),
        "sounds": sounds,
        "whole_sound": trigrams("".join(sounds)),
    }


def listed_terms(row: Row) -> Mapping[str, Iterable[str]]:
    """What a listed name is found by, by field."""
    return _terms(tuple(row.key.split()), row.words)


def queried_terms(name: Folded, kind: PartyKind) -> Mapping[str, Iterable[str]]:
    """What a queried name finds listed names by, by field: those that share any of it."""
    core = name_words(name.words, is_person=kind is PartyKind.PERSON)
    terms = _terms(name.words, core)
    if not name.is_unvowelled:
        return terms
    otherwise = _terms(name.words, tuple(heard_otherwise(word) for word in core))
    return {field: {*terms[field], *otherwise[field]} for field in FIELDS}


def _indexed(rows: Sequence[Row]) -> tuple[tantivy.Schema, tantivy.Searcher]:
    builder = tantivy.SchemaBuilder()
    for field in FIELDS:
        builder.add_text_field(field, tokenizer_name="whitespace", index_option="freq")
    builder.add_unsigned_field("row", fast=True)
    schema = builder.build()
    index = tantivy.Index(schema)
    writer = index.writer(WRITER_MEMORY, num_threads=1)
    for position, row in enumerate(rows):
        document = tantivy.Document()
        for field, terms in listed_terms(row).items():
            document.add_text(field, " ".join(terms))
        document.add_unsigned("row", position)
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    return schema, index.searcher()
