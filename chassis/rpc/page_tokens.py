"""Page and resume tokens: what the server said earlier, given back by the client and proved to be the server's own.

A token is authenticated, not secret: it carries positions, never personal data.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final

import grpc
import msgspec

from chassis.rpc.errors import CommonReason, RpcError, bad_request

MIN_KEY_BYTES: Final = 32
MAX_TOKEN_CHARACTERS: Final = 400
"""What the contracts accept in a token field."""

_MAC_BYTES: Final = 32
_FIELDS: Final = msgspec.msgpack.Decoder(tuple[str | int, ...])


class PageTokens:
    """Seals and opens tokens with HMAC-SHA256 under one key (at least 32 bytes, else `ValueError`).

    `purpose` names the query with its arguments and the caller: a token of another query or caller does not open.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < MIN_KEY_BYTES:
            raise ValueError(f"the key has {len(key)} bytes; it needs at least {MIN_KEY_BYTES}")
        self._key = key

    def seal(self, purpose: str, fields: tuple[str | int, ...]) -> str:
        """The token of these fields, in URL-safe characters. `ValueError` if it grew over 400 characters."""
        payload = msgspec.msgpack.encode(fields)
        token = (
            base64.urlsafe_b64encode(self._mac(purpose, payload) + payload)
            .rstrip(b"=")
            .decode("ascii")
        )
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise ValueError(
                f"the token has {len(token)} characters; contracts accept {MAX_TOKEN_CHARACTERS}"
            )
        return token

    def open(self, purpose: str, token: str) -> tuple[str | int, ...]:
        """The fields sealed for this purpose; `RpcError` INVALID_TOKEN for anything else."""
        sealed = _decode(token)
        mac, payload = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(purpose, payload)):
            raise _invalid()
        return _FIELDS.decode(payload)

    def _mac(self, purpose: str, payload: bytes) -> bytes:
        name = purpose.encode()
        return hmac.digest(self._key, len(name).to_bytes(4) + name + payload, hashlib.sha256)


def page_size(requested: int, default: int = 50, maximum: int = 200) -> int:
    """How many rows a page has (AIP-158): 0 means the default, more than the maximum means the maximum.

    Negative is refused as VALIDATION_FAILED.
    """
    if requested < 0:
        detail = bad_request([("page_size", "INT32_GTE", "must not be negative")])
        metadata = {"violationCount": "1"}
        message = "the page size is negative"
        code = grpc.StatusCode.INVALID_ARGUMENT
        raise RpcError(code, CommonReason.VALIDATION_FAILED, message, metadata, detail)
    return min(requested or default, maximum)


def _decode(token: str) -> bytes:
    try:
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise _invalid()
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):  # ValueError: characters beyond ASCII
        raise _invalid() from None


def _invalid() -> RpcError:
    message = "the token was not made by this service for this query"
    return RpcError(grpc.StatusCode.INVALID_ARGUMENT, CommonReason.INVALID_TOKEN, message)
