"""Structured logging: one JSON object a line on standard output.

A line holds ids, reasons and numbers. The text of an exception may quote what a person wrote, so a
line shows the types and frames of an exception and never its text.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, ClassVar, Final

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, WrappedLogger

log = structlog.get_logger()

_MAX_TYPES: Final = 10
_MAX_FRAMES: Final = 30
_MAX_MESSAGES: Final = 1_000
_FLUSH_SECONDS: Final = 0.02
_ids: Final[ContextVar[Mapping[str, str]]] = ContextVar("ids", default=MappingProxyType({}))


def setup_logging(service_name: str, version: str, level: str) -> None:
    """Makes structlog and the standard library's loggers write lines from `level` on.

    Libraries write from WARNING on. A second call replaces the configuration of the process.
    """
    number = logging.getLevelNamesMapping()[level]

    def add_common_fields(_: WrappedLogger, level: str, event: EventDict) -> EventDict:
        # One processor for all fields: calling a processor costs more than its work.
        event.update(
            _ids.get(),
            level=level,
            time=datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            service=service_name,
            service_version=version,
        )
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            event.update(
                trace_id=trace.format_trace_id(span.trace_id),
                span_id=trace.format_span_id(span.span_id),
            )
        return _describe_exception(event) if "exc_info" in event else event

    # One encoder for all lines: `json.dumps` makes a new one for each call that has a default.
    encode = json.JSONEncoder(default=_type_name).encode
    render = structlog.processors.JSONRenderer(serializer=lambda event, **_: encode(event))
    structlog.configure(
        processors=[add_common_fields, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_LineWriter,
        cache_logger_on_first_use=False,
    )
    handler = _StandardOutputHandler()
    handler.addFilter(RepeatFilter())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, add_common_fields],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)
    # The standard library would explain a line that it cannot write with the exception's text.
    logging.raiseExceptions = False


def add_ids(ids: Mapping[str, str]) -> None:
    """Adds these fields to every later log line of the current task."""
    _ids.set({**_ids.get(), **ids})


def clear_ids() -> None:
    """Removes the fields of `add_ids` from later log lines of the current task."""
    _ids.set({})


def report_unhandled(loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """Logs an error in an event loop. asyncio's own handler would print the exception's text."""
    exception = context.get("exception")
    log.error("unhandled_in_loop", what=str(context.get("message", "")), exc_info=exception)


def exception_types(exception: BaseException) -> list[str]:
    """Returns the names of the exception and its causes, the outermost first.

    The members of a group come after the group. At most 10 names are returned.
    """
    names: list[str] = []
    waiting: list[BaseException | None] = [exception]
    while waiting and len(names) < _MAX_TYPES:
        each = waiting.pop(0)
        if each is not None:
            names.append(
                f"{type(each).__module__}.{type(each).__qualname__}".removeprefix("builtins.")
            )
            waiting += each.exceptions if isinstance(each, BaseExceptionGroup) else ()
            waiting.append(
                each.__cause__ or (None if each.__suppress_context__ else each.__context__)
            )
    return names


def exception_frames(exception: BaseException) -> list[str]:
    """Returns file, line and function of the innermost 30 frames, the outermost first."""
    frames = traceback.extract_tb(exception.__traceback__)[-_MAX_FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


class RepeatFilter(logging.Filter):
    """Lets a library's message through once in `seconds`, with the number of suppressed repeats.

    Without its broker a Kafka client retries a hundred times a second and logs each time.
    """

    def __init__(self, seconds: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seconds, self._clock = seconds, clock
        self._last: dict[tuple[str, str], tuple[float, int]] = {}
        """Time of the last record that passed and repeats since, by logger and message template."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Returns whether the record is written."""
        kind, now = (record.name, str(record.msg)), self._clock()
        written_at, suppressed = self._last.get(kind, (-math.inf, 0))
        if now - written_at < self._seconds:
            self._last[kind] = written_at, suppressed + 1
            return False
        # A library that puts values into its templates must not fill the memory.
        if len(self._last) >= _MAX_MESSAGES:
            self._last.clear()
        self._last[kind] = now, 0
        if suppressed:
            record.msg = f"{record.msg} (and {suppressed} more like it)"
        return True


class _LineWriter:
    """Writes lines to standard output. Lines below WARNING are flushed together after 20 ms."""

    _flush_timer: ClassVar[asyncio.TimerHandle | None] = None

    def __init__(self, *_: object) -> None:
        """Ignores the arguments of `get_logger`, which structlog passes on."""

    @staticmethod
    def _flush() -> None:
        sys.stdout.flush()

    def warning(self, line: str) -> None:
        """Writes the line and everything before it at once."""
        sys.stdout.write(line + "\n")
        self._flush()

    error = critical = exception = fatal = warning

    def info(self, line: str) -> None:
        """Writes the line. Without a running loop it is flushed at once."""
        sys.stdout.write(line + "\n")
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._flush()
            return
        timer = _LineWriter._flush_timer
        if timer is None or timer.when() < loop.time():
            _LineWriter._flush_timer = loop.call_later(_FLUSH_SECONDS, self._flush)

    debug = msg = log = info


class _StandardOutputHandler(logging.Handler):
    """Writes to `sys.stdout` of the time of the line, as structlog does; tests replace it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(self.format(record), flush=True)
        except Exception:  # noqa: BLE001 - logging's own contract
            self.handleError(record)


def _describe_exception(event: EventDict) -> EventDict:
    given = event.pop("exc_info")
    if given is True:
        given = sys.exc_info()
    exception = given[1] if isinstance(given, tuple) else given
    if isinstance(exception, BaseException):
        event["exception"] = {
            "types": exception_types(exception),
            "frames": exception_frames(exception),
        }
    return event


def _type_name(value: Any) -> str:
    """Returns the type of a value that JSON does not have. Its text could hold personal data."""
    return f"<{type(value).__name__}>"
