"""The span receiver of the local stack."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, Tracer

from infra.local.ports import LOOPBACK, free_port
from infra.local.processes import wait_until
from infra.local.span_receiver import SpanReceiver
from infra.local.span_store import Span, SpanStore

SPAN = Span(
    trace_id="0" * 31 + "1",
    span_id="0" * 15 + "1",
    parent_span_id=None,
    name="submit",
    kind="SERVER",
    service="applications",
    start_ns=1,
    end_ns=2,
    attributes={},
    events=(),
    links=(),
    status="UNSET",
)


@pytest.fixture
def receiver() -> Iterator[SpanReceiver]:
    with SpanReceiver() as running:
        yield running


@pytest.fixture
def tracer(receiver: SpanReceiver) -> Iterator[Tracer]:
    provider = TracerProvider(
        resource=Resource.create({"service.name": "screening"}), shutdown_on_exit=False
    )
    provider.add_span_processor(
        SimpleSpanProcessor(OTLPSpanExporter(receiver.otlp_endpoint, insecure=True))
    )
    yield provider.get_tracer("tests")
    provider.shutdown()


def _get(receiver: SpanReceiver, path: str) -> list[dict[str, object]]:
    with urllib.request.urlopen(receiver.http_address + path, timeout=10) as answer:
        content: list[dict[str, object]] = json.load(answer)
        return content


def test_a_trace_that_was_exported_is_read_back_over_http(
    receiver: SpanReceiver, tracer: Tracer
) -> None:
    with tracer.start_as_current_span("earlier") as earlier:
        linked = earlier.get_span_context()
    with tracer.start_as_current_span(
        "process", kind=SpanKind.CONSUMER, links=[Link(linked)]
    ) as root:
        trace_id = f"{root.get_span_context().trace_id:032x}"
        with tracer.start_as_current_span(
            "decide", attributes={"hits": 2, "lists": ["one", "two"]}
        ) as child:
            child.set_status(Status(StatusCode.ERROR))

    first, second = _get(receiver, f"/traces/{trace_id}")

    assert (first["name"], first["kind"], first["service"], first["parent_span_id"]) == (
        "process",
        "CONSUMER",
        "screening",
        None,
    )
    assert first["links"] == [
        {"trace_id": f"{linked.trace_id:032x}", "span_id": f"{linked.span_id:016x}"}
    ]
    assert (second["parent_span_id"], second["status"]) == (first["span_id"], "ERROR")
    assert second["attributes"] == {"hits": 2, "lists": ["one", "two"]}


def test_an_unknown_trace_is_empty(receiver: SpanReceiver) -> None:
    assert _get(receiver, "/traces/" + "a" * 32) == []


@pytest.mark.parametrize(
    "path", ["/", "/traces/", "/traces/12", "/traces/" + "g" * 32, "/traces/" + "a" * 32 + "/x"]
)
def test_what_is_no_trace_is_not_found(receiver: SpanReceiver, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404") as caught:
        _get(receiver, path)
    caught.value.close()


def test_a_viewer_gets_every_export(receiver: SpanReceiver) -> None:
    with SpanReceiver(forward_to=receiver.otlp_endpoint.removeprefix("http://")) as first:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(
            SimpleSpanProcessor(OTLPSpanExporter(first.otlp_endpoint, insecure=True))
        )
        with provider.get_tracer("tests").start_as_current_span("submit") as span:
            trace_id = f"{span.get_span_context().trace_id:032x}"
        provider.shutdown()

        wait_until(lambda: bool(receiver.store.trace(trace_id)), 10, "forwarded span")


def test_a_viewer_that_is_gone_stops_nobody() -> None:
    with SpanReceiver(forward_to=f"{LOOPBACK}:{free_port()}") as running:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(
            SimpleSpanProcessor(OTLPSpanExporter(running.otlp_endpoint, insecure=True))
        )
        with provider.get_tracer("tests").start_as_current_span("submit") as span:
            trace_id = f"{span.get_span_context().trace_id:032x}"
        provider.shutdown()

        assert [span.name for span in running.store.trace(trace_id)] == ["submit"]


def test_the_oldest_trace_is_forgotten_first() -> None:
    store = SpanStore(most_spans=2)

    for number in range(3):
        store.add([replace(SPAN, trace_id=f"{number:032x}")])

    assert store.trace_ids() == [f"{1:032x}", f"{2:032x}"]


def test_a_span_that_comes_twice_is_kept_once() -> None:
    store = SpanStore()

    store.add([SPAN, replace(SPAN, name="submitted")])

    assert [span.name for span in store.trace(SPAN.trace_id)] == ["submitted"]
