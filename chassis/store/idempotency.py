"""Idempotency keys: recognise a request, event or timer that was carried out before."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_OID, UUID, uuid5

from google.protobuf.message import Message


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The id of a command, the method it calls, and a digest of its content.

    Two commands with the same id are the same command only if method and digest are equal, too.
    """

    id: UUID
    method: str
    digest: bytes
    is_stored_alone: bool = True
    """Whether a decision without events stores the key, so that a repeat decides nothing again."""

    @classmethod
    def of_request(cls, principal: str, method: str, request: Message) -> IdempotencyKey:
        """Returns the key of a request with a `request_id`. Two principals never share a key.

        `validate_only` is left out of the digest, so that the live call after a dry run may use the
        same request id.
        """
        body = request
        if request.validate_only:  # type: ignore[attr-defined]  # same as below
            body = type(request)()
            body.CopyFrom(request)
            body.ClearField("validate_only")
        digest = hashlib.sha256(body.SerializeToString(deterministic=True)).digest()
        request_id: str = request.request_id  # type: ignore[attr-defined]  # a contract test: every mutation has one
        return cls(uuid5(NAMESPACE_OID, f"{principal}/{request_id.lower()}"), method, digest)

    @classmethod
    def of_event(cls, event_id: UUID, name: str) -> IdempotencyKey:
        """Returns the key by which releases before the fence remembered a consumed event.

        It is still read, and not written any more (see `EventKey`).
        """
        return cls(uuid5(NAMESPACE_OID, f"event/{event_id}"), f"event:{name}", event_id.bytes)

    @classmethod
    def of_timer(cls, stream_id: UUID, version: int) -> IdempotencyKey:
        """Returns the key of a timer that fires on a stream at a version: at most once there.

        A timer that decides nothing is not remembered. It may have been asked too early, by a clock
        that was set back, and must be asked again.
        """
        fired = uuid5(NAMESPACE_OID, f"timer-fired/{stream_id}/{version}")
        return cls(fired, "timer", stream_id.bytes, is_stored_alone=False)

    def read_arguments(self) -> tuple[object, ...]:
        """Returns the parameters of READ after the first."""
        return (self.id,)

    def write_arguments(self, response: bytes, at: datetime) -> tuple[object, ...]:
        """Returns the parameters by which a WRITE stores the key with its response."""
        return self.id, self.method, self.digest, response
