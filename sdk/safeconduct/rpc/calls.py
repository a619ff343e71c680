"""Makes calls with a deadline, the caller's metadata, and a typed error on failure.

Knows gRPC and no service.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

import grpc
from google.protobuf.message import Message
from grpc import aio
from typing_extensions import Self

from safeconduct.backoff import Backoff
from safeconduct.errors import SafeconductError
from safeconduct.rpc.status import from_rpc

if TYPE_CHECKING:
    from typing_extensions import Self

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)
T = TypeVar("T")
MetadataSource = Callable[[], Iterable[tuple[str, str]]]

# CANCELLED comes from a server that stopped, or whose queue was full, before a handler saw the
# call.
RECONNECTS: Final = frozenset(
    {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED}
)
# Every method is a read or has a request id, so a call may be sent again.
_REPEATED: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED})


def no_metadata() -> Iterable[tuple[str, str]]:
    """No metadata, for callers without a trace of their own."""
    return ()


def new_request_id() -> str:
    """A request id for one command.

    If the command is repeated with it, the service returns the first answer.
    """
    return str(uuid.uuid4())


class ResumableMessage(Protocol):
    """A message of a watch."""

    @property
    def resume_token(self) -> str:
        """The token with which the watch resumes after this message."""


Watched = TypeVar("Watched", bound=ResumableMessage)


@dataclass(frozen=True, slots=True)
class Calls:
    """The settings of all calls of one client.

    `deadline`: seconds for one attempt of a call. `retry_seconds`: a call that ends as UNAVAILABLE,
    or as CANCELLED without the caller's wish, is sent again for so many seconds. So is a call that
    exceeds the caller's limits. gRPC itself sends an attempt again for about three seconds, except
    an upload.
    """

    metadata: MetadataSource = no_metadata
    deadline: float = 10.0
    waits_for_ready: bool = False
    retry_seconds: float = 0.0

    async def unary(
        self, method: aio.UnaryUnaryMultiCallable[Request, Response], request: Request
    ) -> Response:
        """Returns the answer to one request. Raises SafeconductError."""
        return await self._repeat(
            lambda: method(
                request,
                timeout=self.deadline,
                metadata=tuple(self.metadata()),
                wait_for_ready=self.waits_for_ready or None,
            ),
            getattr(request, "request_id", ""),
        )

    async def upload(
        self,
        method: aio.StreamUnaryMultiCallable[Request, Response],
        requests: Callable[[], Iterator[Request]],
        *,
        deadline: float,
        request_id: str = "",
    ) -> Response:
        """Returns the answer to a stream of requests, which each attempt sends from the start.

        Raises SafeconductError.
        """
        return await self._repeat(
            lambda: method(
                requests(),
                timeout=max(self.deadline, deadline),
                metadata=tuple(self.metadata()),
                wait_for_ready=self.waits_for_ready or None,
            ),
            request_id,
        )

    async def _repeat(
        self, attempt: Callable[[], Awaitable[Response]], request_id: str = ""
    ) -> Response:
        """Makes attempts until one succeeds, fails for good, or the time for retries is over."""
        backoff, began = Backoff(), time.monotonic()
        while True:
            try:
                return await attempt()
            except aio.AioRpcError as error:
                failure = from_rpc(error)
                failure.request_id = request_id
                pause = backoff.step(failure.retry_after or 0.0)
                is_over = time.monotonic() + pause > began + self.retry_seconds
                if is_over or not _may_repeat(failure):
                    raise failure from error
            await asyncio.sleep(pause)

    async def stream(
        self, method: aio.UnaryStreamMultiCallable[Request, Response], request: Request
    ) -> AsyncGenerator[Response]:
        """Yields the messages of one stream, without a deadline.

        Raises SafeconductError if it breaks.
        """
        call = method(request, metadata=tuple(self.metadata()))
        try:
            async for message in call:
                yield message
        except aio.AioRpcError as error:
            raise from_rpc(error) from error
        finally:
            call.cancel()


_WRITE_FAILED: Final = "Internal error from Core"
"""Text of grpc.aio's error for a write to an ended stream, before its status is read."""


class Exchange(Generic[Request, Response]):
    """A stream of requests, each answered once and in order.

    A broken stream is opened again after the last answer.

    At most `ahead` requests are sent and not yet answered; they are kept, because they are sent
    again. `give_up_after`: if no answer arrives for so many seconds, the error of the broken stream
    is raised.
    """

    def __init__(
        self,
        method: aio.StreamStreamMultiCallable[Request, Response],
        requests: AsyncIterator[Request],
        calls: Calls,
        *,
        ahead: int = 128,
        give_up_after: float = 30.0,
    ) -> None:
        self._method, self._calls, self._give_up_after = method, calls, give_up_after
        self._requests = requests
        self._next: asyncio.Future[Request | None] | None = None
        self._free = asyncio.Semaphore(ahead)
        self._unanswered: deque[Request] = deque()

    async def answers(self) -> AsyncGenerator[Response]:
        """Yields the answers. Raises SafeconductError."""
        backoff, answered_at = Backoff(), time.monotonic()
        try:
            while True:
                try:
                    async with aclosing(self._once()) as answers:
                        async for answer in answers:
                            self._unanswered.popleft()
                            self._free.release()
                            backoff.reset()
                            yield answer
                            answered_at = time.monotonic()
                except SafeconductError as error:
                    if (
                        not can_reconnect(error)
                        or time.monotonic() - answered_at > self._give_up_after
                    ):
                        raise
                    wait_at_least = error.retry_after or 0.0
                else:
                    return
                await asyncio.sleep(backoff.step(wait_at_least))
        finally:
            if self._next is not None:
                self._next.cancel()

    async def _once(self) -> AsyncGenerator[Response]:
        # A service ends a stream whose first message is late, so it is opened when there is one.
        if not self._unanswered:
            first = await self._following()
            if first is None:
                return
            self._unanswered.append(first)
        call = self._method(metadata=tuple(self._calls.metadata()))
        writing = asyncio.ensure_future(self._write(call, tuple(self._unanswered)))
        try:
            async for answer in call:
                yield answer
            await writing  # raises the error of the requests themselves, if any
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
        # The reader of a broken stream receives its error.
        with suppress(aio.AioRpcError, asyncio.InvalidStateError):
            try:
                for request in again:
                    await call.write(request)
                while (new := await self._following()) is not None:
                    self._unanswered.append(new)
                    await call.write(new)
            finally:
                # Even if the requests end in an error: those already sent are still answered.
                await call.done_writing()

    async def _following(self) -> Request | None:
        """Returns the next request, taken from the source once even if the stream breaks."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._pull())
        request = await asyncio.shield(self._next)
        if request is not None:
            self._next = None
        return request

    async def _pull(self) -> Request | None:
        await self._free.acquire()
        return await anext(self._requests, None)


class Listing(AsyncIterator[T]):
    """The elements of a list, page after page.

    `total_size` is the number of elements, `has_more_than_total` True if there are more than it
    says. Both are known after the first element has been read, and do not change afterwards.
    """

    def __init__(
        self, fetch: Callable[[str], Awaitable[Any]], select: Callable[[Any], Sequence[T]]
    ) -> None:
        """`fetch` returns the page of a token, `select` the elements of a page."""
        self.total_size = 0
        self.has_more_than_total = False
        self._elements = self._read(fetch, select)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        return await anext(self._elements)

    async def _read(
        self, fetch: Callable[[str], Awaitable[Any]], select: Callable[[Any], Sequence[T]]
    ) -> AsyncIterator[T]:
        page = await fetch("")
        self.total_size, self.has_more_than_total = page.total_size, page.has_more_than_total
        while True:
            elements = select(page)
            if not elements and not page.total_size and page.ByteSize():
                raise _too_old()
            for element in elements:
                yield element
            if not page.next_page_token:
                return
            page = await fetch(page.next_page_token)


def _too_old() -> SafeconductError:
    """Returns the error of a service that knows no filter and sends whole elements only."""
    return SafeconductError(
        grpc.StatusCode.UNIMPLEMENTED,
        "SERVICE_TOO_OLD",
        "the service is of an earlier release, which has no filters; upgrade it first",
    )


async def at_most(count: int, elements: AsyncIterator[T]) -> list[T]:
    """The first `count` elements of a list, or all if there are fewer."""
    found: list[T] = []
    async for element in elements:
        found.append(element)
        if len(found) == count:
            break
    return found


def _may_repeat(failure: SafeconductError) -> bool:
    """Returns whether to send the call again: nobody saw it, or its caller is to wait."""
    # Without a time it means a message that is too large for gRPC, now and later.
    is_limited = failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    return failure.code in _REPEATED or (is_limited and failure.retry_after is not None)


def can_reconnect(error: SafeconductError) -> bool:
    """Returns whether to open the stream again: server gone, or a retry time given."""
    return error.code in RECONNECTS or error.retry_after is not None


async def resumed(
    open_stream: Callable[[str], AsyncGenerator[Watched]], resume_token: str, give_up_after: float
) -> AsyncGenerator[Watched]:
    """Yields the messages of a watch. A broken watch is opened again after the last token.

    `give_up_after`: if no message arrives for so many seconds, the error of the broken watch is
    raised.
    """
    backoff = Backoff()
    received_at = time.monotonic()
    while True:
        wait_at_least = 0.0
        try:
            async with aclosing(open_stream(resume_token)) as messages:
                async for message in messages:
                    backoff.reset()
                    resume_token = message.resume_token or resume_token
                    yield message
                    received_at = time.monotonic()
        except SafeconductError as error:
            if not can_reconnect(error) or time.monotonic() - received_at > give_up_after:
                raise
            wait_at_least = error.retry_after or 0.0
        await asyncio.sleep(backoff.step(wait_at_least))
