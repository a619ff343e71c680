"""Runs one mutating RPC: idempotency key, visibility, etag, decision and answer.

Every mutation of every service takes this path. All that varies is in the request: its type gives
the method and the response type, `request_id` is the idempotency key, `etag` is the version that
the caller read, `validate_only` asks for a dry run. The caller is the current principal.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from chassis.rpc.authentication import Principal, current_principal
from chassis.rpc.errors import CommonReason, RefusalLike, RpcError, with_largest_field
from chassis.rpc.field_sizes import largest_field
from chassis.store.idempotency import IdempotencyKey
from chassis.store.journal import Journal
from chassis.store.stream import Versioned, check_etag

S = TypeVar("S", bound=Versioned)
E = TypeVar("E")
C = TypeVar("C")
M = TypeVar("M", bound=Message)


class Mutations(Generic[S, E, C]):
    """Runs the mutating RPCs on one kind of stream.

    `decide(state, command, now)` is the service's decider. `refuse_access(state, principal)`
    returns the refusal of a caller who may not read the stream, or None. It is called before the
    etag is compared, so that an etag reveals nothing about a stream of another caller. By default
    nobody is refused and only the decider answers.
    """

    def __init__(
        self,
        journal: Journal[S, E],
        decide: Callable[[S | None, C, datetime], tuple[E, ...] | RefusalLike],
        clock: Callable[[], datetime],
        refuse_access: Callable[[S | None, Principal], RefusalLike | None] = lambda *_: None,
    ) -> None:
        self._journal, self._decide, self._clock = journal, decide, clock
        self._refuse_access = refuse_access

    async def run(
        self,
        stream_id: UUID,
        request: Message,
        command: C,
        view: Callable[[S], M],
        *,
        creates: bool = False,
    ) -> M:
        """Returns `view` of the state after the command, or the stored answer of the same request.

        `creates` promises that `stream_id` is new, which saves a round trip; `refuse_access` is not
        called then. Raises RpcError for a refusal, and STALE_ETAG, REQUEST_ID_REUSED, CONTENTION,
        STORAGE_UNAVAILABLE or RECORD_TOO_LARGE, which names the largest field of the request.
        """
        principal = current_principal()
        request_type: Any = type(request)
        method = method_of(request_type)
        etag: str = getattr(request, "etag", "")

        def decide(state: S | None) -> tuple[E, ...] | RefusalLike:
            # A stream that this request creates belongs to its caller.
            refusal = None if creates else self._refuse_access(state, principal)
            if refusal is not None:
                return refusal
            if state is not None:
                check_etag(etag, state.version)
            return self._decide(state, command, self._clock())

        response_type: Any = message_factory.GetMessageClass(method.output_type)
        try:
            answer: M | None = await self._journal.execute(
                stream_id,
                IdempotencyKey.of_request(principal.name, method.name, request),
                principal.name,
                decide,
                view,
                response_type,
                dry_run=request.validate_only,  # type: ignore[attr-defined]  # a contract test checks it
                creates=creates,
            )
        except RpcError as error:
            if error.reason != CommonReason.RECORD_TOO_LARGE:
                raise
            raise with_largest_field(error, *largest_field(request)) from error
        assert answer is not None, "the journal answers whenever it is given a view"
        return answer


@cache
def method_of(request_type: Any) -> MethodDescriptor:
    """Returns the method that takes this request. Each RPC has a request type of its own.

    Raises LookupError when no service in the request's file takes it.
    """
    wanted = request_type.DESCRIPTOR
    for service in wanted.file.services_by_name.values():
        for method in service.methods:
            if method.input_type.full_name == wanted.full_name:
                return cast("MethodDescriptor", method)
    raise LookupError(f"no method takes {wanted.full_name}")
