"""Runs every call through the same steps, in one place and one order, for all four kinds of method.

The steps: trace, authenticate, check limits, authorize, read, check size, validate, deadline,
handler, errors, metrics, access log. No message is read before the caller is known and within its
limits: a refused call costs no memory for its request. Requests arrive as bytes. Responses leave as
bytes, so that a handler may return a message or its serialized form.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias, TypeVar

import grpc
from google.protobuf.message import Message
from grpc import aio

from chassis.rpc.authentication import (
    Principal,
    authenticate,
    current_principal,
    set_principal,
)
from chassis.rpc.authorization import NOBODY, AccessRule, authorize
from chassis.rpc.call_limits import CallLimits
from chassis.rpc.call_record import CallRecorder
from chassis.rpc.calls_in_flight import CallsInFlight
from chassis.rpc.error_mapping import internal_error, to_rpc_error
from chassis.rpc.errors import CommonReason, RpcError, draining, status_of
from chassis.rpc.officers import Officers
from chassis.rpc.partners import Partners
from chassis.rpc.validation import Sentences, check_size, parse
from chassis.telemetry.tracing import Telemetry

Context: TypeAlias = aio.ServicerContext[Any, Any]
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # generic in the stubs only

T = TypeVar("T")

_DETAILS: Final = "grpc-status-details-bin"

FIRST_MESSAGE_SECONDS: Final = 10.0
"""Time for a client to send the first message of a stream."""


class Interceptor(aio.ServerInterceptor):
    """The one interceptor of a server. It refuses a method that `access` does not have."""

    def __init__(
        self,
        telemetry: Telemetry,
        access: Mapping[str, AccessRule],
        trust_domain: str,
        officers: Officers,
        partners: Partners,
        calls: CallsInFlight,
        limits: CallLimits,
        deadline_s: float = 30.0,
        sentences: Sentences | None = None,
        first_message_s: float = FIRST_MESSAGE_SECONDS,
    ) -> None:
        self._domain = f"{telemetry.service_name}.safeconduct"
        self._recorder = CallRecorder(telemetry)
        self._access = access
        self._trust_domain = trust_domain
        self._officers, self._partners = officers, partners
        self._calls = calls
        self._limits = limits
        self._deadline_s = deadline_s
        self._first_message_s = first_message_s
        self._sentences = sentences or {}
        self._wrapped: dict[str, _Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler | None:
        """Returns the method's handler inside the steps. It is wrapped once and kept."""
        method = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is not None:
            return wrapped
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
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

        async def run(requests: Any, context: Context) -> bytes | None:
            if streams_in:
                first_message_s = self._first_message_s
                message: Any = _Requests(
                    requests, deserialize, self._sentences, self._calls, first_message_s
                )
            else:
                body = await self._read(context, is_stream=streams_out)
                check_size(body, deserialize)
                message = parse(body, deserialize, self._sentences)
            if streams_out:
                await _send_all(inner(message, context), context, serialize, self._calls)
                return None
            return _bytes(await self._within_deadline(inner(message, context)), serialize)

        # It must be `async def`: grpc.aio runs anything else in its thread pool.
        async def call(requests: Any, context: Context) -> bytes | None:
            return await self._serve(method, streams_in or streams_out, run, requests, context)

        # gRPC reads a single request before it calls the handler, and a stream of requests when the
        # handler asks for them. So all methods are served as streams of requests.
        kind: Any = (
            grpc.stream_stream_rpc_method_handler
            if streams_out
            else grpc.stream_unary_rpc_method_handler
        )
        handler_of_stream: _Handler = kind(call)
        return handler_of_stream

    async def _read(self, context: Context, *, is_stream: bool) -> bytes:
        """Returns the one request of a call, and counts its size."""
        within_s = self._first_message_s if is_stream else self._deadline_s
        with self._calls.waiting_for_client(_current_task()):
            body = await _first(context.read(), within_s)
        if body is aio.EOF:
            raise _without_request()
        assert isinstance(body, bytes), "no deserializer was given"
        self._limits.charge(current_principal(), len(body))
        return body

    async def _within_deadline(self, response: Awaitable[Message | bytes]) -> Message | bytes:
        """Raises RpcError SERVER_DEADLINE if the handler takes longer than the server allows.

        The client's own deadline arrives as a cancellation.
        """
        try:
            async with asyncio.timeout(self._deadline_s) as deadline:
                return await response
        except TimeoutError:
            if not deadline.expired():
                raise
            message = f"the server's time limit of {self._deadline_s:g} s for a call has passed"
            raise RpcError(
                grpc.StatusCode.DEADLINE_EXCEEDED, CommonReason.SERVER_DEADLINE, message
            ) from None

    async def _serve(
        self,
        method: str,
        is_stream: bool,
        run: Callable[[Any, Context], Awaitable[bytes | None]],
        requests: Any,
        context: Context,
    ) -> bytes | None:
        metadata = context.invocation_metadata() or ()
        call = self._recorder.begin(method, metadata, is_stream=is_stream)
        task = _current_task()
        entered: Principal | None = None
        try:
            try:
                self._calls.add(task)
                principal = authenticate(
                    context, self._trust_domain, self._officers.find, self._partners.find
                )
                set_principal(principal)
                call.principal = principal.name
                with self._calls.waiting_for_client(task), call.not_counted():
                    await self._limits.enter(principal, is_stream=is_stream)
                entered = principal
                authorize(principal, self._access.get(method, NOBODY))
                return await run(requests, context)
            except asyncio.CancelledError as cancelled:
                if self._calls.is_cancelled_by_us(task) and not context.cancelled():
                    task.uncancel()  # the answer below is awaited in this task
                    error = draining()
                elif task.cancelling():
                    call.code = _why_cancelled(context)
                    raise  # a handler that returns normally instead leaks in grpc.aio
                else:
                    # The handler raised it by itself. The client would wait until its deadline.
                    error = internal_error(cancelled, method)
            except aio.AbortError:
                call.code = context.code()
                raise
            except _ClientGoneError:
                call.code = grpc.StatusCode.CANCELLED
                return None
            except Exception as exception:  # noqa: BLE001 - the text of none may reach the wire
                if isinstance(exception, aio.InternalError) and context.done():
                    # The client left while the answer was being sent.
                    call.code = grpc.StatusCode.CANCELLED
                    return None
                error = to_rpc_error(exception, method)
            call.fail(error)
            status = status_of(error, self._domain)
            trailers = ((_DETAILS, status.SerializeToString()),)
            await context.abort(error.code, status.message, trailers)
        finally:
            if entered is not None:
                self._limits.leave(entered, is_stream=is_stream)
            self._calls.remove(task)
            self._recorder.end(call)


async def _first(message: Awaitable[T], within_s: float) -> T:
    """Returns the message. Raises RpcError FIRST_MESSAGE_LATE if it does not come in time."""
    try:
        async with asyncio.timeout(within_s) as deadline:
            return await message
    except TimeoutError:
        if not deadline.expired():
            raise
    raise RpcError(
        grpc.StatusCode.DEADLINE_EXCEEDED,
        CommonReason.FIRST_MESSAGE_LATE,
        f"the first message did not come within {within_s:g} s",
        {"seconds": f"{within_s:g}"},
    )


def _without_request() -> RpcError:
    message = "the call ended without a request"
    return RpcError(grpc.StatusCode.INVALID_ARGUMENT, CommonReason.VALIDATION_FAILED, message)


class _Requests:
    """The messages of a client's stream. Each is checked like a single request."""

    def __init__(
        self,
        requests: Any,
        deserialize: Callable[[bytes], Message],
        sentences: Sentences,
        calls: CallsInFlight,
        first_message_s: float,
    ) -> None:
        self._requests: AsyncIterator[bytes] = aiter(requests)
        self._first_message_s: float | None = first_message_s
        self._calls, self._call = calls, _current_task()
        self._deserialize, self._sentences = deserialize, sentences

    def __aiter__(self) -> _Requests:
        return self

    async def __anext__(self) -> Message:
        within_s, self._first_message_s = self._first_message_s, None
        with self._calls.waiting_for_client(self._call):
            following = anext(self._requests)
            request = await (following if within_s is None else _first(following, within_s))
        check_size(request, self._deserialize)
        return parse(request, self._deserialize, self._sentences)


class _ClientGoneError(Exception):
    """The client has left, so that a response cannot be sent."""


async def _send_all(
    responses: AsyncIterator[Message | bytes],
    context: Context,
    serialize: Callable[[Message], bytes],
    calls: CallsInFlight,
) -> None:
    """Writes the handler's responses, and always closes the handler's generator.

    A write fails only if the call is over, which `context` may learn a little later. Raises
    _ClientGoneError then.
    """
    call = _current_task()
    try:
        async for response in responses:
            body = _bytes(response, serialize)
            try:
                with calls.waiting_for_client(call):
                    await context.write(body)
            except aio.InternalError as error:
                raise _ClientGoneError from error
    finally:
        if isinstance(responses, AsyncGenerator):
            await responses.aclose()


def _bytes(response: Message | bytes, serialize: Callable[[Message], bytes]) -> bytes:
    return response if isinstance(response, bytes) else serialize(response)


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None, "gRPC runs every call in a task"
    return task


def _why_cancelled(context: Context) -> grpc.StatusCode:
    return (
        grpc.StatusCode.DEADLINE_EXCEEDED
        if context.time_remaining() == 0
        else grpc.StatusCode.CANCELLED
    )
