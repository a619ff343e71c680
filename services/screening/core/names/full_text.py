"""An in-memory full-text index (tantivy) from terms to rows.

A row is a number that the caller assigns to a name.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import tantivy

from services.screening.core.names.search_terms import FIELDS

WORD_OPTION: Final = "freq"
"""Name fields count how often a term occurs in a name, which its score depends on."""
KEYWORD_OPTION: Final = "basic"
"""Other fields store only whether a term occurs."""
ROW: Final = "row"


class FullTextIndex:
    """Finds rows by their terms, best match first.

    keyword_fields: fields besides the name fields (`search_terms.FIELDS`). whole_fields: fields
    whose text is one term. memory: bytes that the writer may use.
    """

    __slots__ = ("_index", "_schema", "_searcher", "_writer")

    def __init__(
        self, memory: int, keyword_fields: Sequence[str] = (), whole_fields: Sequence[str] = ()
    ) -> None:
        builder = tantivy.SchemaBuilder()
        for field in FIELDS:
            builder.add_text_field(field, tokenizer_name="whitespace", index_option=WORD_OPTION)
        for field in whole_fields:
            builder.add_text_field(field, tokenizer_name="raw", index_option=KEYWORD_OPTION)
        for field in keyword_fields:
            builder.add_text_field(field, tokenizer_name="whitespace", index_option=KEYWORD_OPTION)
        builder.add_unsigned_field(ROW, fast=True)
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema)
        # One thread: with more, the order of equally good rows would depend on timing.
        self._writer = self._index.writer(memory, num_threads=1)
        self._searcher = self._index.searcher()

    def add(self, row: int, texts: Mapping[str, str]) -> None:
        """Adds a row with the text of each field. It is found after the next commit."""
        document = tantivy.Document()
        for field, text in texts.items():
            document.add_text(field, text)
        document.add_unsigned(ROW, row)
        self._writer.add_document(document)

    def commit(self) -> None:
        """Makes all added rows findable."""
        self._writer.commit()
        self._refresh()

    def close(self) -> None:
        """Waits until all parts of the index are merged and ends the writer.

        No row can be added afterwards.
        """
        self._writer.wait_merging_threads()
        del self._writer
        self._refresh()

    def _refresh(self) -> None:
        self._index.reload()
        self._searcher = self._index.searcher()

    def term(self, field: str, term: str) -> tantivy.Query:
        """Returns a query for the rows with a term in a field."""
        option = WORD_OPTION if field in FIELDS else KEYWORD_OPTION
        return tantivy.Query.term_query(self._schema, field, term, option)

    def pattern(self, field: str, regex: str) -> tantivy.Query:
        """Returns a query for the rows with a term that matches a regular expression as a whole."""
        return tantivy.Query.regex_query(self._schema, field, regex)

    def search_terms(
        self, terms: Mapping[str, Iterable[str]], fields: Sequence[str], limit: int
    ) -> list[int]:
        """Returns the rows that share most terms in these fields, at most `limit`."""
        queries = [self.term(field, term) for field in fields for term in terms[field]]
        return self.search(any_of(queries), limit) if queries else []

    def search(self, query: tantivy.Query, limit: int) -> list[int]:
        """Returns the rows that match a query, best first, at most `limit`."""
        hits = self._searcher.search(query, limit, count=False).hits
        addresses = [address for _, address in hits]
        rows: list[int] = self._searcher.fast_field_values(ROW, addresses)  # type: ignore[assignment]  # all have one
        return rows


def any_of(queries: Iterable[tantivy.Query]) -> tantivy.Query:
    """Returns a query for what matches any of the queries."""
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in queries])


def all_of(queries: Iterable[tantivy.Query], preferred: Iterable[tantivy.Query]) -> tantivy.Query:
    """Returns a query for what matches all of the queries.

    What matches more preferred ones comes first.
    """
    must, should = tantivy.Occur.Must, tantivy.Occur.Should
    parts = [*((must, query) for query in queries), *((should, query) for query in preferred)]
    return tantivy.Query.boolean_query(parts)
