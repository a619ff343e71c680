from __future__ import annotations

import asyncio
import contextvars
import json
import logging
from typing import Any

import pytest

from chassis.telemetry import tracing
from chassis.telemetry.logging import RepeatFilter, log, report_unhandled

SECRET = "Wilhelmina Geheim"


@pytest.fixture
def measured() -> Any:
    measured = tracing.setup("applications", "0.0.0")
    yield measured
    measured.close()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_log_line_names_the_service_and_the_span(
    measured: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with measured.tracer.start_as_current_span("step"):
        trace = tracing.trace_id()
        log.info("stored", version=3)
    (line,) = lines(capsys)

    shown = [line[name] for name in ("event", "version", "service", "service_version", "trace_id")]
    assert ["stored", 3, "applications", "0.0.0", trace] == shown


def test_an_exception_is_shown_by_types_and_frames_and_never_by_its_text(
    measured: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        try:
            raise KeyError(SECRET)  # noqa: TRY301 - one after the other is the point
        except KeyError as inner:
            raise ValueError(SECRET) from inner
    except ValueError as exception:
        log.error("broken", exc_info=exception, value=object())
        logging.getLogger("library").exception("broken")
    ours, theirs = lines(capsys)

    assert ["ValueError", "KeyError"] == ours["exception"]["types"] == theirs["exception"]["types"]
    assert ours["exception"]["frames"][0].endswith(
        "test_an_exception_is_shown_by_types_and_frames_and_never_by_its_text"
    )
    assert SECRET not in json.dumps([ours, theirs])


def test_a_message_that_a_library_repeats_is_logged_once_in_a_while_with_a_count() -> None:
    now = 0.0
    repeats = RepeatFilter(seconds=5, clock=lambda: now)

    def logged(text: str, *arguments: object) -> str | None:
        record = logging.LogRecord("library", logging.ERROR, __file__, 1, text, arguments, None)
        return record.getMessage() if repeats.filter(record) else None

    first = [logged("no node %s", number) for number in range(100)]
    other = logged("no leader")
    now = 5.0
    later = logged("no node %s", 7)

    assert first == ["no node 0", *99 * [None]]
    assert (other, later) == ("no leader", "no node 7 (and 99 more like it)")


async def test_an_exception_in_a_task_that_nobody_awaits_is_logged_without_its_text(
    measured: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    loop = asyncio.get_running_loop()
    report_unhandled(
        loop, {"message": "Task exception was never retrieved", "exception": ValueError(SECRET)}
    )
    (line,) = lines(capsys)

    assert line["exception"]["types"] == ["ValueError"]
    assert SECRET not in json.dumps(line)


def test_ids_go_on_the_span_and_on_later_log_lines(
    measured: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> Any:
        with measured.tracer.start_as_current_span("step") as span:
            tracing.annotate({"application.id": "a-1"})
            log.info("stored")
        return span

    span = contextvars.copy_context().run(work)
    (line,) = lines(capsys)

    assert "a-1" == line["application.id"] == span.attributes["application.id"]
