"""The encoder makes exactly the message that the SDK's encoder makes."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from chassis.telemetry.otlp import encode
from chassis.telemetry.tracing import context_of, link_to

SENDER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Colour(StrEnum):
    RED = "RED"


class Kept(SpanProcessor):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


scalars = st.text() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
values = (
    scalars
    | st.binary(max_size=8)
    | st.lists(st.text(), max_size=3)
    | st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3)
    | st.just(Colour.RED)
)
attributes = st.dictionaries(st.text(min_size=1), values, max_size=5)


def recorded(descriptions: list[dict[str, Any]]) -> list[ReadableSpan]:
    kept = Kept()
    provider = TracerProvider(
        resource=Resource({"service.name": "samples"}), shutdown_on_exit=False
    )
    provider.add_span_processor(kept)
    for number, description in enumerate(descriptions):
        span = provider.get_tracer(f"tracer-{number % 2}", "1").start_span(
            description["name"],
            context=context_of(SENDER, description["state"]) if description["is_child"] else None,
            kind=description["kind"],
            attributes=description["attributes"],
            links=[Link(link.context, {"why": "again"}) for link in link_to(SENDER)]
            if description["is_linked"]
            else [],
        )
        span.add_event("happened", description["attributes"])
        if description["is_fault"]:
            span.set_status(Status(StatusCode.ERROR, "OSError"))
        span.end()
    return kept.spans


descriptions = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.text(),
            "state": st.sampled_from(["", "vendor=one"]),
            "kind": st.sampled_from(SpanKind),
            "attributes": attributes,
            "is_child": st.booleans(),
            "is_linked": st.booleans(),
            "is_fault": st.booleans(),
        }
    ),
    max_size=5,
)


@given(descriptions)
def test_both_encoders_make_the_same_message(descriptions: list[dict[str, Any]]) -> None:
    spans = recorded(descriptions)

    assert encode(spans) == encode_spans(spans)
