"""How one call is made: with a deadline, with the caller's metadata, and with a typed error when it fails.

Knows gRPC. Knows no service.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

import grpc
from google.protobuf.message import Message
from grpc import aio

from safeconduct.backoff import Backoff
from safeconduct.errors import SafeconductError, from_rpc

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)
T = TypeVar("T")
MetadataSource = Callable[[], Iterable[tuple[str, str]]]

# CANCELLED comes from a server that stopped, or whose queue was full, before a handler saw the call.
RECONNECTS: Final = frozenset(
    {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED}
)


def no_metadata() -> Iterable[tuple[str, str]]:
    """For callers without a trace of their own."""
    return ()


def new_request_id() -> str:
    """A request id for one command. Keep it to repeat the command; the first answer comes again."""
    return str(uuid.uuid4())


class ResumableMessage(Protocol):
    """A message of a watch, with the token to resume after it."""

    @property
    def resume_token(self) -> str:
        """Resume with it."""


Watched = TypeVar("Watched", bound=ResumableMessage)


@dataclass(frozen=True, slots=True)
class Calls:
    """How calls of one client are made. `deadline` in seconds, over all attempts of a call."""

    metadata: MetadataSource = no_metadata
    deadline: float = 10.0
    waits_for_ready: bool = False

    async def unary(
        self, method: aio.UnaryUnaryMultiCallable[Request, Response], request: Request
    ) -> Response:
        """The answer to one request. Raises SafeconductError."""
        try:
            return await method(
                request,
                timeout=self.deadline,
                metadata=tuple(self.metadata()),
                wait_for_ready=self.waits_for_ready or None,
            )
        except aio.AioRpcError as error:
            raise from_rpc(error) from error

    async def upload(
        self,
        method: aio.StreamUnaryMultiCallable[Request, Response],
        requests: Iterable[Request],
        *,
        deadline: float,
    ) -> Response:
        """The answer to a stream of requests, sent once. Raises SafeconductError."""
        try:
            return await method(
                iter(requests),
                timeout=max(self.deadline, deadline),
                metadata=tuple(self.metadata()),
                wait_for_ready=self.waits_for_ready or None,
            )
        except aio.AioRpcError as error:
            raise from_rpc(error) from error

    async def stream(
        self, method: aio.UnaryStreamMultiCallable[Request, Response], request: Request
    ) -> AsyncGenerator[Response]:
        """The messages of one stream, without a deadline. Raises SafeconductError when it breaks."""
        call = method(request, metadata=tuple(self.metadata()))
        try:
            async for message in call:
                yield message
        except aio.AioRpcError as error:
            raise from_rpc(error) from error
        finally:
            call.cancel()


_WRITE_FAILED: Final = "Internal error from Core"
"""What grpc.aio makes of a write to a stream that has ended, before it has read with which status."""


class Exchange(Generic[Request, Response]):
    """A stream of requests, each answered once and in order. When it breaks, it is opened again after the last answer.

    At most `ahead` requests are sent and not answered: so many are kept to be sent again. `patience`: seconds without
    any answer from a broken stream after which the error is raised instead.
    """

    def __init__(
        self,
        method: aio.StreamStreamMultiCallable[Request, Response],
        requests: AsyncIterator[Request],
        calls: Calls,
        *,
        ahead: int = 128,
        patience: float = 30.0,
    ) -> None:
        self._method, self._calls, self._patience = method, calls, patience
        self._source = requests
        self._next: asyncio.Future[Request | None] | None = None
        self._room = asyncio.Semaphore(ahead)
        self._unanswered: deque[Request] = deque()

    async def answers(self) -> AsyncGenerator[Response]:
        """The answers. Raises SafeconductError."""
        backoff, heard = Backoff(), time.monotonic()
        try:
            while True:
                try:
                    async with aclosing(self._once()) as answers:
                        async for answer in answers:
                            self._unanswered.popleft()
                            self._room.release()
                            backoff.reset()
                            yield answer
                            heard = time.monotonic()
                except SafeconductError as error:
                    if not can_reconnect(error) or time.monotonic() - heard > self._patience:
                        raise
                    wait_at_least = error.retry_after or 0.0
                else:
                    return
                await asyncio.sleep(backoff.step(wait_at_least))
        finally:
            if self._next is not None:
                self._next.cancel()

    async def _once(self) -> AsyncGenerator[Response]:
        call = self._method(metadata=tuple(self._calls.metadata()))
        writing = asyncio.ensure_future(self._write(call, tuple(self._unanswered)))
        try:
            async for answer in call:
                yield answer
            await writing  # what is wrong with the requests themselves
        except aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.INTERNAL and error.details() == _WRITE_FAILED:
                raise SafeconductError(
                    grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", "the stream broke"
                ) from error
            raise from_rpc(error) from error
        finally:
            writing.cancel()
            call.cancel()
            await asyncio.wait({writing})

    async def _write(
        self, call: aio.StreamStreamCall[Request, Response], again: tuple[Request, ...]
    ) -> None:
        # A stream that broke says so to whoever reads.
        with suppress(aio.AioRpcError, asyncio.InvalidStateError):
            try:
                for request in again:
                    await call.write(request)
                while (new := await self._following()) is not None:
                    self._unanswered.append(new)
                    await call.write(new)
            finally:
                # Also when the requests themselves end in an error: what was sent is still answered.
                await call.done_writing()

    async def _following(self) -> Request | None:
        """The next request; asked for once, however often the stream breaks meanwhile."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._pull())
        request = await asyncio.shield(self._next)
        if request is not None:
            self._next = None
        return request

    async def _pull(self) -> Request | None:
        await self._room.acquire()
        return await anext(self._source, None)


async def pages(fetch: Callable[[str], Awaitable[tuple[Sequence[T], str]]]) -> AsyncIterator[T]:
    """Every element of a list, page after page. `fetch` takes a page token and gives elements and the next token."""
    token = ""
    while True:
        elements, token = await fetch(token)
        for element in elements:
            yield element
        if not token:
            return


def can_reconnect(error: SafeconductError) -> bool:
    """Whether the same stream may be opened again: the server went away, or said when to come back."""
    return error.code in RECONNECTS or error.retry_after is not None


async def resumed(
    open_stream: Callable[[str], AsyncGenerator[Watched]], resume_token: str, patience: float
) -> AsyncGenerator[Watched]:
    """The messages of a watch that is opened again, after the last token, whenever it breaks.

    `patience`: seconds without any message from the server after which the error is raised instead.
    """
    backoff = Backoff()
    heard = time.monotonic()
    while True:
        wait_at_least = 0.0
        try:
            async with aclosing(open_stream(resume_token)) as messages:
                async for message in messages:
                    backoff.reset()
                    resume_token = message.resume_token or resume_token
                    yield message
                    heard = time.monotonic()
        except SafeconductError as error:
            if not can_reconnect(error) or time.monotonic() - heard > patience:
                raise
            wait_at_least = error.retry_after or 0.0
        await asyncio.sleep(backoff.step(wait_at_least))
