"""Spans of the span store as a tree; a linked span is below the span it links to.

Knows no network and no terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Span:
    """One span. Times in nanoseconds since 1970."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    kind: str
    service: str
    start_ns: int
    end_ns: int
    links: tuple[Key, ...]
    is_error: bool

    @property
    def key(self) -> Key:
        """Trace id and span id, which identify the span."""
        return self.trace_id, self.span_id

    @property
    def milliseconds(self) -> float:
        """The duration in milliseconds."""
        return (self.end_ns - self.start_ns) / 1_000_000


@dataclass(frozen=True, slots=True)
class Branch:
    """A span with its children in order of time.

    `is_linked`: it began a trace of its own and links to the span above.
    """

    span: Span
    is_linked: bool
    children: tuple[Branch, ...]


def decode(document: Mapping[str, Any]) -> Span:
    """A span from its JSON.

    Raises KeyError, ValueError or TypeError if the document is not a span.
    """
    return Span(
        trace_id=str(document["trace_id"]),
        span_id=str(document["span_id"]),
        parent_span_id=str(document.get("parent_span_id") or ""),
        name=str(document.get("name", "")),
        kind=str(document.get("kind", "")),
        service=str(document.get("service", "")),
        start_ns=int(document["start_ns"]),
        end_ns=int(document["end_ns"]),
        links=tuple(
            (str(link["trace_id"]), str(link["span_id"])) for link in document.get("links") or ()
        ),
        is_error="ERROR" in str(document.get("status", "")).upper(),
    )


def tree(spans: Iterable[Span]) -> list[Branch]:
    """The roots in order of time.

    A span without a known parent is put under the first known span that it links to.
    """
    known = {span.key: span for span in sorted(spans, key=lambda span: (span.start_ns, span.key))}
    above = {key: _above(span, known) for key, span in known.items()}
    below: dict[Key | None, list[Key]] = {}
    for key in known:
        below.setdefault(None if _is_circular(key, above) else above[key], []).append(key)

    def branch(key: Key) -> Branch:
        span = known[key]
        is_linked = above[key] is not None and above[key] != (span.trace_id, span.parent_span_id)
        return Branch(span, is_linked, tuple(branch(child) for child in below.get(key, ())))

    return [branch(key) for key in below.get(None, ())]


def linked_traces(spans: Iterable[Span]) -> set[str]:
    """The ids of the traces that these spans link to."""
    return {trace_id for span in spans for trace_id, _ in span.links}


def _above(span: Span, known: Mapping[Key, Span]) -> Key | None:
    parent = (span.trace_id, span.parent_span_id)
    candidates = [parent, *span.links]
    return next((key for key in candidates if key in known and key != span.key), None)


def _is_circular(key: Key, above: Mapping[Key, Key | None]) -> bool:
    seen = {key}
    at = above[key]
    while at is not None:
        if at in seen:
            return at == key
        seen.add(at)
        at = above[at]
    return False
