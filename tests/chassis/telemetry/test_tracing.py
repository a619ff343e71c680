from __future__ import annotations

import asyncio
import contextvars
import json
import logging
from typing import Any

import pytest
from opentelemetry.semconv._incubating.attributes import messaging_attributes, rpc_attributes
from opentelemetry.semconv.attributes import error_attributes

from chassis.telemetry import semconv, tracing

SECRET = "Wilhelmina Geheim"


@pytest.fixture
def measured() -> Any:
    measured = tracing.setup("applications", "0.0.0")
    yield measured
    measured.close()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


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


def test_a_log_line_names_the_service_and_the_span(
    measured: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with measured.tracer.start_as_current_span("step"):
        trace = tracing.trace_id()
        tracing.log.info("stored", version=3)
    (line,) = lines(capsys)

    shown = [line[name] for name in ("event", "version", "service", "service_version", "trace_id")]
    assert ["stored", 3, "applications", "0.0.0", trace] == shown


def test_outside_of_a_span_there_is_no_trace() -> None:
    assert (tracing.trace_id(), tracing.traceparent()) == ("", "")


def test_an_exception_is_shown_by_types_and_frames_and_never_by_its_text(
    measured: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        try:
            raise KeyError(SECRET)  # noqa: TRY301 - one after the other is the point
        except KeyError as inner:
            raise ValueError(SECRET) from inner
    except ValueError as exception:
        tracing.log.error("broken", exc_info=exception, value=object())
        logging.getLogger("library").exception("broken")
    ours, theirs = lines(capsys)

    assert ["ValueError", "KeyError"] == ours["exception"]["types"] == theirs["exception"]["types"]
    assert ours["exception"]["frames"][0].endswith(
        "test_an_exception_is_shown_by_types_and_frames_and_never_by_its_text"
    )
    assert SECRET not in json.dumps([ours, theirs])


def test_what_a_library_says_again_and_again_is_said_seldom_and_counted() -> None:
    moment = 0.0
    seldom = tracing.Seldom(seconds=5, clock=lambda: moment)

    def said(text: str, *arguments: object) -> str | None:
        record = logging.LogRecord("library", logging.ERROR, __file__, 1, text, arguments, None)
        return record.getMessage() if seldom.filter(record) else None

    first = [said("no node %s", number) for number in range(100)]
    other = said("no leader")
    moment = 5.0
    later = said("no node %s", 7)

    assert first == ["no node 0", *99 * [None]]
    assert (other, later) == ("no leader", "no node 7 (and 99 more like it)")


async def test_what_fails_in_a_forgotten_task_is_logged_without_its_text(
    measured: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    loop = asyncio.get_running_loop()
    tracing.report_unhandled(
        loop, {"message": "Task exception was never retrieved", "exception": ValueError(SECRET)}
    )
    (line,) = lines(capsys)

    assert line["exception"]["types"] == ["ValueError"]
    assert SECRET not in json.dumps(line)


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


def test_ids_go_on_the_span_and_on_later_log_lines(
    measured: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> Any:
        with measured.tracer.start_as_current_span("step") as span:
            tracing.annotate({"application.id": "a-1"})
            tracing.log.info("stored")
        return span

    span = contextvars.copy_context().run(work)
    (line,) = lines(capsys)

    assert "a-1" == line["application.id"] == span.attributes["application.id"]
