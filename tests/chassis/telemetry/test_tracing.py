from __future__ import annotations

import ast
from typing import Any

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import messaging_attributes, rpc_attributes
from opentelemetry.semconv.attributes import error_attributes
from opentelemetry.trace import StatusCode

from chassis.telemetry import semconv, tracing
from infra.cache import CHECKOUT

SECRET = "Wilhelmina Geheim"
SENDER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"


@pytest.fixture
def measured() -> Any:
    measured = tracing.setup("applications", "0.0.0")
    yield measured
    measured.close()


@pytest.fixture
def exported() -> Any:
    spans = InMemorySpanExporter()
    measured = tracing.setup("samples", "0.0.0", span_processors=(SimpleSpanProcessor(spans),))
    yield measured, spans
    measured.close()


def test_names_are_those_of_the_semantic_conventions() -> None:
    conventions = {
        value
        for module in (messaging_attributes, rpc_attributes, error_attributes)
        for value in vars(module).values()
        if isinstance(value, str)
    }
    ours = {
        value
        for name, value in vars(semconv).items()
        if name.startswith(("RPC_", "MESSAGING_", "ERROR_TYPE")) and isinstance(value, str)
    }

    assert ours <= conventions


def test_outside_of_a_span_there_is_no_trace() -> None:
    assert (tracing.trace_id(), tracing.traceparent()) == ("", "")


def test_a_traceparent_leads_back_to_its_span(measured: Any) -> None:
    with measured.tracer.start_as_current_span("sender") as sender:
        text = tracing.traceparent()
    with measured.tracer.start_as_current_span(
        "receiver", context=tracing.context_of(text)
    ) as receiver:
        pass

    (link,) = tracing.link_to(text)
    assert sender.get_span_context().span_id == receiver.parent.span_id == link.context.span_id


@pytest.mark.parametrize("text", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_a_text_that_is_no_traceparent_links_to_nothing(text: Any) -> None:
    assert tracing.link_to(text) == ()


def test_an_exception_is_recorded_by_its_type_and_never_by_its_text(exported: Any) -> None:
    measured, spans = exported

    with pytest.raises(ValueError, match=SECRET), tracing.current_span(measured.tracer, "step"):
        raise ValueError(SECRET)

    (span,) = spans.get_finished_spans()
    (event,) = span.events
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ValueError")
    assert dict(event.attributes) == {"exception.type": "builtins.ValueError"}
    assert SECRET not in span.to_json()


def test_no_code_lets_the_library_record_the_text_of_an_exception() -> None:
    calls = [
        (f"{path}:{node.lineno}", {each.arg: ast.unparse(each.value) for each in node.keywords})
        for folder in ("chassis", "services", "operations")
        for path in sorted((CHECKOUT / folder).glob("**/*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"start_as_current_span", "use_span", "record_exception"}
    ]
    safe = {"record_exception": "False", "set_status_on_exception": "False"}

    assert len(calls) >= 2
    assert [place for place, keywords in calls if not safe.items() <= keywords.items()] == []


@pytest.mark.parametrize(("flags", "count"), [("00", 0), ("01", 1)])
def test_a_call_is_traced_as_its_caller_decided(exported: Any, flags: str, count: int) -> None:
    measured, spans = exported
    sender = tracing.context_of(SENDER + flags)

    measured.tracer.start_span("step", context=sender).end()

    assert len(spans.get_finished_spans()) == count
