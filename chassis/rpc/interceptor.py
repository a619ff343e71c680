"""Everything that happens around a handler, in one place and one order, for all four kinds of method.

Trace, authenticate, authorize, size, validate, deadline, handler, errors, metrics, one access log line. Requests arrive
as bytes, so nobody's message is parsed before the caller is known; responses leave as bytes, so a handler may return a
message or its serialized form.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

import grpc
import structlog
from google.protobuf.message import Message
from grpc import aio
from opentelemetry import context as otel_context
from opentelemetry.context import Context as OtelContext
from opentelemetry.trace import SpanKind, format_trace_id, set_span_in_context

from chassis.rpc.authentication import Officers, authenticate, set_principal
from chassis.rpc.authorization import authorize
from chassis.rpc.calls_in_flight import CallsInFlight
from chassis.rpc.error_mapping import Call, describe, refusal_of, unhandled
from chassis.rpc.errors import CommonReason, RpcError, draining, status_of
from chassis.rpc.metrics import RpcMetrics
from chassis.rpc.validation import Sentences, check_size, parse
from chassis.telemetry import semconv
from chassis.telemetry.tracing import Telemetry, context_of

log = structlog.get_logger()

Context: TypeAlias = aio.ServicerContext[Any, Any]
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # generic in the stubs only

_DETAILS: Final = "grpc-status-details-bin"
_REFLECTION: Final = "/grpc.reflection."


class Interceptor(aio.ServerInterceptor):
    """The one interceptor of a server. A method that the access table does not know is refused to everybody."""

    def __init__(
        self,
        telemetry: Telemetry,
        access: Mapping[str, frozenset[str]],
        trust_domain: str,
        officers: Officers,
        calls: CallsInFlight,
        deadline_s: float = 30.0,
        sentences: Sentences | None = None,
    ) -> None:
        self._calls = calls
        self._domain = f"{telemetry.service_name}.safeconduct"
        self._tracer = telemetry.tracer
        self._metrics = RpcMetrics(telemetry.registry)
        self._access = access
        self._trust_domain = trust_domain
        self._officers = officers
        self._deadline_s = deadline_s
        self._sentences = sentences or {}
        self._log = log.bind()  # once and not for each line
        self._wrapped: dict[str, _Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler | None:
        """The handler of the method inside its envelope, wrapped once."""
        method = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is not None:
            return wrapped
        handler = await continuation(handler_call_details)
        if handler is None or method.startswith(_REFLECTION):
            return handler
        self._wrapped[method] = wrapped = self._wrap(method, handler)
        return wrapped

    def _wrap(self, method: str, handler: _Handler) -> _Handler:
        inner: Any = (
            handler.unary_unary
            or handler.unary_stream
            or handler.stream_unary
            or handler.stream_stream
        )
        deserialize: Any = handler.request_deserializer
        serialize: Any = handler.response_serializer
        streams_in, streams_out = handler.request_streaming, handler.response_streaming

        async def run(request: Any, context: Context) -> bytes | None:
            if streams_in:
                message: Any = _Requests(request, deserialize, self._sentences)
            else:
                check_size(request)
                message = parse(request, deserialize, self._sentences)
            if streams_out:
                await _send_all(inner(message, context), context, serialize)
                return None
            return _bytes(await self._within_deadline(inner(message, context)), serialize)

        # Must be `async def`: grpc.aio would run anything else in its thread pool.
        async def call(request: Any, context: Context) -> bytes | None:
            return await self._serve(method, streams_in or streams_out, run, request, context)

        return _KINDS[streams_in, streams_out](call)

    async def _within_deadline(self, response: Awaitable[Message | bytes]) -> Message | bytes:
        """Our own cap; the client's deadline reaches us as a cancellation."""
        try:
            async with asyncio.timeout(self._deadline_s) as cap:
                return await response
        except TimeoutError:
            if not cap.expired():
                raise
            message = "the server's time limit for this method passed"
            raise RpcError(
                grpc.StatusCode.DEADLINE_EXCEEDED, CommonReason.SERVER_DEADLINE, message
            ) from None

    async def _serve(
        self,
        method: str,
        is_stream: bool,
        run: Callable[[Any, Context], Awaitable[bytes | None]],
        request: Any,
        context: Context,
    ) -> bytes | None:
        call = self._begin(method, is_stream, context)
        task = asyncio.current_task()
        assert task is not None, "gRPC runs every call in a task"
        try:
            try:
                self._calls.add(task)
                principal = authenticate(context, self._trust_domain, self._officers)
                set_principal(principal)
                call.principal = principal.name
                authorize(principal, self._access.get(method, frozenset()))
                return await run(request, context)
            except asyncio.CancelledError as cancelled:
                if self._calls.is_cancelled_by_us(task) and not context.cancelled():
                    task.uncancel()  # the answer below is awaited in this task
                    refusal = draining()
                elif task.cancelling():
                    call.code = _why_cancelled(context)
                    raise  # a handler that returns normally instead leaks in grpc.aio
                else:
                    # The handler raised it by itself. The client would wait until its deadline.
                    refusal = unhandled(call, cancelled)
            except aio.AbortError:
                call.code = context.code()
                raise
            except _CallerLeft:
                call.code = grpc.StatusCode.CANCELLED
                return None
            except Exception as exception:  # noqa: BLE001 - whatever it is, its text must not reach the wire
                if isinstance(exception, aio.InternalError) and context.done():
                    call.code = grpc.StatusCode.CANCELLED  # the client left while we were answering
                    return None
                refusal = refusal_of(call, exception)
            call.code, call.reason = refusal.code, refusal.reason
            details = status_of(refusal, self._domain)
            trailers = ((_DETAILS, details.SerializeToString()),)
            await context.abort(refusal.code, details.message, trailers)
        finally:
            self._calls.remove(task)
            self._end(call)

    def _begin(self, method: str, is_stream: bool, context: Context) -> Call:
        parent = _sender(context)
        name = method.removeprefix("/")
        attributes = {semconv.RPC_SYSTEM: "grpc", semconv.RPC_METHOD: name}
        span = self._tracer.start_span(
            name, context=parent, kind=SpanKind.SERVER, attributes=attributes
        )
        # Each call is a task with a context of its own, so nothing has to be put back at the end.
        otel_context.attach(set_span_in_context(span, parent))
        self._metrics.begin(method)
        return Call(method, span, is_stream)

    def _end(self, call: Call) -> None:
        seconds = time.perf_counter() - call.begun
        describe(call)
        of_span = call.span.get_span_context()
        exemplar = (
            {"trace_id": format_trace_id(of_span.trace_id)} if of_span.trace_flags.sampled else None
        )
        self._metrics.end(
            call.method, call.code.name, None if call.is_stream else seconds, exemplar
        )
        more = {
            key: value
            for key in ("principal", "reason", "error_ref")
            if (value := getattr(call, key))
        }
        self._log.info(
            "rpc",
            method=call.method,
            code=call.code.name,
            milliseconds=round(seconds * 1000, 2),
            **more,
        )
        call.span.end()


_NO_SENDER: Final = OtelContext()


def _sender(context: Context) -> OtelContext:
    """Where the caller's trace stands, if it told us."""
    traceparent, tracestate = "", ""
    for key, value in context.invocation_metadata() or ():
        if key == semconv.TRACEPARENT:
            traceparent = str(value)
        elif key == semconv.TRACESTATE:
            tracestate = str(value)
    return context_of(traceparent, tracestate) if traceparent else _NO_SENDER


_KINDS: Final[Mapping[tuple[bool, bool], Callable[..., _Handler]]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
"""By (requests are a stream, responses are a stream); without serializers, so that they carry bytes."""


class _Requests:
    """The messages of a client's stream, each checked like a single request; a bad one raises `RpcError`."""

    def __init__(
        self, requests: Any, deserialize: Callable[[bytes], Message], sentences: Sentences
    ) -> None:
        self._requests: AsyncIterator[bytes] = aiter(requests)
        self._deserialize, self._sentences = deserialize, sentences

    def __aiter__(self) -> _Requests:
        return self

    async def __anext__(self) -> Message:
        request = await anext(self._requests)
        check_size(request)
        return parse(request, self._deserialize, self._sentences)


class _CallerLeft(Exception):  # noqa: N818 - no fault of anybody
    """There is nobody to send to any more."""


async def _send_all(
    responses: AsyncIterator[Message | bytes],
    context: Context,
    serialize: Callable[[Message], bytes],
) -> None:
    """Write what the handler yields, and close the handler's generator whatever happens.

    A write fails only when the call is over, which the context may learn a moment later. Raises _CallerLeft then.
    """
    try:
        async for response in responses:
            body = _bytes(response, serialize)
            try:
                await context.write(body)
            except aio.InternalError as error:
                raise _CallerLeft from error
    finally:
        if isinstance(responses, AsyncGenerator):
            await responses.aclose()


def _bytes(response: Message | bytes, serialize: Callable[[Message], bytes]) -> bytes:
    return response if isinstance(response, bytes) else serialize(response)


def _why_cancelled(context: Context) -> grpc.StatusCode:
    return (
        grpc.StatusCode.DEADLINE_EXCEEDED
        if context.time_remaining() == 0
        else grpc.StatusCode.CANCELLED
    )
