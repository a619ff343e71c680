"""The exceptions of this package.

Imports neither gRPC nor protobuf, so that they can be caught cheaply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import grpc


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field that breaks a rule.

    `path` is that of the request, for instance `details.parties[1].country`.
    """

    path: str
    reason: str
    description: str


class SafeconductError(Exception):
    """A call that a service refused, or that did not reach a service.

    `reason` is a name of the services' published enums without prefix; if no service answered, it
    is the name of `code`. `metadata` holds every value that the message mentions. `retry_after` is
    in seconds, None if the service named none. `request_id` is that of the command, empty for a
    read: if the outcome is unknown, the same command with the same id is carried out once.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        metadata: Mapping[str, str] | None = None,
        violations: tuple[FieldViolation, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{reason}: {message}" if message else reason)
        self.code = code
        self.reason = reason
        self.message = message
        self.metadata: Mapping[str, str] = dict(metadata or {})
        self.violations = violations
        self.retry_after = retry_after
        self.request_id = ""


class NotConfiguredError(Exception):
    """An address or a certificate file is missing or cannot be used.

    The message names it and how to set it.
    """


class KeyFileError(Exception):
    """A signatory's key file that is missing, exists already, or holds no Ed25519 key.

    The message names it.
    """


class InvalidDocumentError(Exception):
    """A license document whose signature cannot be verified with the given keys.

    The message says why.
    """
