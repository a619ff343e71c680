"""Spans at a fifth of the CPU of the SDK's own: its sampler, ids, resource and processors, without its span.

The SDK's span takes a lock for every change, copies and cleans every value, and counts what it would drop. A span of
ours belongs to one task, and its values are texts and numbers of our own code. What an exception says stays out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import time_ns
from typing import Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.sampling import Decision, ParentBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)
from opentelemetry.util.types import AnyValue, Attributes

_RANDOM: Final = TraceFlags.RANDOM_TRACE_ID
_FLAGS: Final = tuple(TraceFlags(number) for number in range(1 << 8))


def tracer_of(provider: sdk.TracerProvider, name: str) -> trace.Tracer:
    """The tracer of this name; one that does nothing where OTEL_SDK_DISABLED says so."""
    stock = provider.get_tracer(name)
    return _Tracer(stock, name) if isinstance(stock, sdk.Tracer) else stock


class _Tracer(trace.Tracer):
    """Processors hear of the end of a span and not of its start, since those that export do nothing then."""

    def __init__(self, stock: sdk.Tracer, name: str) -> None:
        self._sampler, self._ids, self._resource = stock.sampler, stock.id_generator, stock.resource
        self._processor, self._scope = stock.span_processor, InstrumentationScope(name, "")
        # What can be set by environment follows the caller's decision wherever there is a caller.
        self._follows = isinstance(stock.sampler, ParentBased)

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> trace.Span:
        """A span below the context's current one; the last two arguments are for spans used as context managers."""
        above = trace.get_current_span(context).get_span_context()
        parent = above if above.is_valid else None
        trace_id = parent.trace_id if parent is not None else self._ids.generate_trace_id()
        random = (
            parent.trace_flags & _RANDOM
            if parent is not None
            else self._ids.is_trace_id_random() and _RANDOM
        )
        state: TraceState | None
        if parent is not None and self._follows:
            is_sampled, state = parent.trace_flags.sampled, parent.trace_state
        else:
            result = self._sampler.should_sample(context, trace_id, name, kind, attributes, links)
            is_sampled, state = result.decision is Decision.RECORD_AND_SAMPLE, result.trace_state
            attributes = result.attributes
        flags = _FLAGS[random | is_sampled]
        own = SpanContext(
            trace_id,
            self._ids.generate_span_id(),
            is_remote=False,
            trace_flags=flags,
            trace_state=state,
        )
        if not is_sampled:
            return trace.NonRecordingSpan(own)
        return _Span(
            name, own, parent, kind, dict(attributes) if attributes else {}, list(links or ()), start_time or time_ns(),
            self._resource, self._scope, self._processor,
        )  # fmt: skip

    @contextmanager
    def start_as_current_span(  # type: ignore[override]  # the API's own decorator is one that also decorates functions
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Iterator[trace.Span]:
        """The same as the current span inside the block. An exception is shown by its type."""
        span = self.start_span(name, context, kind, attributes, links, start_time)
        token = otel_context.attach(trace.set_span_in_context(span))
        try:
            yield span
        except Exception as error:
            if record_exception:
                span.record_exception(error)
            if set_status_on_exception:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            otel_context.detach(token)
            if end_on_exit:
                span.end()


class _Span(trace.Span, sdk.ReadableSpan):
    """A span that records: what exporters read once it has ended. Nobody changes it then."""

    def __init__(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        attributes: dict[str, AnyValue],
        links: list[Link],
        start_time: int,
        resource: Resource,
        scope: InstrumentationScope,
        processor: sdk.SpanProcessor,
    ) -> None:
        self._own, self._values, self._links_so_far, self._processor = (
            context,
            attributes,
            links,
            processor,
        )
        self._events_so_far: list[sdk.Event] = []
        super().__init__(
            name, context, parent, resource, attributes, self._events_so_far, links, kind,
            start_time=start_time, instrumentation_scope=scope,
        )  # fmt: skip

    def get_span_context(self) -> SpanContext:
        """Its ids."""
        return self._own

    def is_recording(self) -> bool:
        """Until it ends."""
        return self._end_time is None

    def set_attribute(self, key: str, value: AnyValue) -> None:
        """Sets one; the value is a text, a number, a truth or a sequence of such."""
        self._values[key] = value

    def set_attributes(self, attributes: Mapping[str, AnyValue]) -> None:
        """Sets several."""
        self._values.update(attributes)

    def update_name(self, name: str) -> None:
        """Gives it another name."""
        self._name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """How it ended. Once OK it stays OK."""
        if self._status.status_code is not StatusCode.OK:
            self._status = status if isinstance(status, Status) else Status(status, description)

    def add_event(
        self, name: str, attributes: Attributes = None, timestamp: int | None = None
    ) -> None:
        """Something that happened meanwhile."""
        self._events_so_far.append(sdk.Event(name, attributes, timestamp))

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Another span that this one follows from."""
        if context.is_valid:
            self._links_so_far.append(Link(context, attributes))

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Its type only: an exception's text may quote what a person wrote."""
        kind = type(exception)
        self.add_event(
            "exception", {"exception.type": f"{kind.__module__}.{kind.__qualname__}"}, timestamp
        )

    def end(self, end_time: int | None = None) -> None:
        """Ends it, once."""
        if self._end_time is None:
            self._end_time = end_time or time_ns()
            self._processor.on_end(self)
