"""Our spans say what the SDK's would say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import DEFAULT_OFF, DEFAULT_ON, Sampler, TraceIdRatioBased
from opentelemetry.trace import SpanKind, Status, StatusCode

from chassis.telemetry.spans import tracer_of
from chassis.telemetry.tracing import context_of, link_to

SENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
NOT_TRACED = SENT[:-2] + "00"
SECRET = "Wilhelmina Geheim"


class Kept(SpanProcessor):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def providing(sampler: Sampler = DEFAULT_ON) -> tuple[TracerProvider, Kept]:
    provider = TracerProvider(sampler, Resource({"service.name": "things"}), shutdown_on_exit=False)
    kept = Kept()
    provider.add_span_processor(kept)
    return provider, kept


def stock_tracer(provider: TracerProvider, name: str) -> trace.Tracer:
    return provider.get_tracer(name)


def exported(
    make: Callable[[TracerProvider, str], trace.Tracer], stories: list[dict[str, Any]]
) -> Any:
    """What goes out, without the ids and moments that are drawn anew each time, attributes in order."""
    provider, kept = providing()
    tracer = make(provider, "tracer")
    for story in stories:
        span = tracer.start_span(
            story["name"],
            context_of(story["parent"], story["state"]),
            story["kind"],
            story["attributes"],
            link_to(SENT) if story["is_linked"] else [],
        )
        span.set_attribute("one", "more")
        span.set_attributes(story["attributes"])
        span.add_event("happened", story["attributes"], 7)
        if story["is_linked"]:
            span.add_link(link_to(SENT)[0].context, {"why": "again"})
        if story["is_fault"]:
            span.set_status(Status(StatusCode.ERROR, "OSError"))
        span.end()
    request = encode_spans(kept.spans)
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for sent in scope.spans:
                assert len(sent.span_id) == 8
                assert 0 < sent.start_time_unix_nano <= sent.end_time_unix_nano
                sent.span_id, sent.start_time_unix_nano, sent.end_time_unix_nano = b"", 0, 0
                sent.attributes.sort(key=lambda each: each.key)
                if not sent.parent_span_id:
                    assert len(sent.trace_id) == 16
                    sent.trace_id = b""
    return request


attributes = st.dictionaries(
    st.text(min_size=1), st.text() | st.booleans() | st.integers(-(2**63), 2**63 - 1)
)
stories = st.fixed_dictionaries(
    {
        "name": st.text(),
        "parent": st.sampled_from(["", SENT, NOT_TRACED]),
        "state": st.sampled_from(["", "vendor=one"]),
        "kind": st.sampled_from(SpanKind),
        "attributes": attributes,
        "is_linked": st.booleans(),
        "is_fault": st.booleans(),
    }
)


@given(st.lists(stories, max_size=4))
def test_our_spans_say_what_the_stock_ones_say(told: list[dict[str, Any]]) -> None:
    assert exported(tracer_of, told) == exported(stock_tracer, told)


@pytest.mark.parametrize(
    "sampler", [DEFAULT_ON, DEFAULT_OFF, TraceIdRatioBased(0.0), TraceIdRatioBased(1.0)]
)
@pytest.mark.parametrize("parent", ["", SENT, NOT_TRACED])
def test_the_same_calls_are_traced_as_by_the_stock_tracer(sampler: Sampler, parent: str) -> None:
    provider, _ = providing(sampler)

    ours, stock = (
        make(provider, "tracer").start_span("step", context_of(parent)).get_span_context()
        for make in (tracer_of, stock_tracer)
    )

    assert ours.trace_flags == stock.trace_flags
    assert (ours.trace_id == stock.trace_id) == bool(parent)
    assert ours.span_id != stock.span_id


@pytest.fixture
def failed() -> ReadableSpan:
    provider, kept = providing()
    with (
        pytest.raises(ValueError, match=SECRET),
        tracer_of(provider, "tracer").start_as_current_span("step"),
    ):
        raise ValueError(SECRET)
    (span,) = kept.spans
    return span


def test_an_exception_is_shown_by_its_type_and_never_by_its_text(failed: ReadableSpan) -> None:
    (event,) = failed.events

    assert (failed.status.status_code, failed.status.description) == (
        StatusCode.ERROR,
        "ValueError",
    )
    assert dict(event.attributes or {}) == {"exception.type": "builtins.ValueError"}
    assert SECRET not in failed.to_json()


def test_what_is_ok_stays_ok_an_invalid_link_is_none_and_a_span_ends_once() -> None:
    provider, kept = providing()
    span = tracer_of(provider, "tracer").start_span("step")
    span.set_status(StatusCode.OK)
    span.set_status(StatusCode.ERROR, "late")
    span.add_link(trace.INVALID_SPAN_CONTEXT)
    span.end()
    span.end()

    (ended,) = kept.spans
    assert (ended.status.status_code, list(ended.links)) == (StatusCode.OK, [])
