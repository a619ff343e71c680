"""Whether the spans of several traces form one connected graph, by parents and links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra.local.span_store import Span, SpanStore


@dataclass(frozen=True, slots=True)
class TraceGraph:
    """The spans of some traces and the shape of their graph."""

    spans: tuple[Span, ...]
    services: frozenset[str]
    parts: int
    """The number of connected components."""
    orphans: int
    """The number of spans whose parent is missing."""

    @property
    def is_whole(self) -> bool:
        """Whether the graph is connected and no parent is missing."""
        return bool(self.spans) and self.parts == 1 and not self.orphans


def trace_graph(store: SpanStore, trace_ids: Sequence[str]) -> TraceGraph:
    """Returns the graph of these traces. Links to other traces are ignored."""
    spans = tuple(span for trace_id in dict.fromkeys(trace_ids) for span in store.trace(trace_id))
    known = {(span.trace_id, span.span_id): number for number, span in enumerate(spans)}
    root = list(range(len(spans)))

    def find(number: int) -> int:
        while root[number] != number:
            root[number] = number = root[root[number]]
        return number

    orphans = 0
    for number, span in enumerate(spans):
        others = [(link.trace_id, link.span_id) for link in span.links]
        if span.parent_span_id:
            others.append((span.trace_id, span.parent_span_id))
            orphans += (span.trace_id, span.parent_span_id) not in known
        for other in others:
            if other in known:
                root[find(number)] = find(known[other])
    parts = len({find(number) for number in range(len(spans))})
    return TraceGraph(spans, frozenset(span.service for span in spans), parts, orphans)
