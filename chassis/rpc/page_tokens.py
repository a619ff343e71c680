"""Page and resume tokens: positions that a client gives back and that no client can forge.

A token is signed, not encrypted: it carries positions, never personal data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

import grpc
from google.protobuf.message import Message
from itsdangerous import BadData, URLSafeSerializer

from chassis.rpc.errors import CommonReason, RpcError, bad_request

MIN_KEY_BYTES: Final = 32
MAX_TOKEN_CHARACTERS: Final = 400
"""The contracts accept no longer token."""
DEFAULT_PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 200
MAX_PAGE_BYTES: Final = 1_048_576
"""Greatest size of a page's elements. A page with one element may be larger."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Field = str | int


class PageRequest(Protocol):
    """A request of a list method."""

    page_size: int
    page_token: str


class PageTokens:
    """Encodes and decodes tokens.

    The first of `keys` signs, and all of them verify. To rotate keys, put a new one in front on
    every replica, and delete the old one when its tokens are no longer used. Raises ValueError if a
    key has less than 32 bytes.

    The `purpose` of a token names the query with its arguments and the caller. A token of another
    query or caller is invalid.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("there is no key")
        for number, key in enumerate(keys, 1):
            if len(key) < MIN_KEY_BYTES:
                raise ValueError(
                    f"key {number} has {len(key)} bytes; at least {MIN_KEY_BYTES} are needed"
                )
        # The library signs with the last key.
        self._keys = list(reversed(keys))

    def encode(self, purpose: str, fields: tuple[Field, ...]) -> str:
        """Returns the token of these fields, in URL-safe characters.

        Raises ValueError if it has more than 400 characters.
        """
        token = str(self._serializer(purpose).dumps(fields))
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise ValueError(
                f"the token has {len(token)} characters; contracts accept {MAX_TOKEN_CHARACTERS}"
            )
        return token

    def decode(self, purpose: str, token: str) -> tuple[Field, ...]:
        """Returns the fields that were encoded for this purpose.

        Raises RpcError INVALID_TOKEN for anything else.
        """
        try:
            if len(token) > MAX_TOKEN_CHARACTERS:
                raise _invalid_token()
            return tuple(self._serializer(purpose).loads(token))
        except (BadData, UnicodeError):
            raise _invalid_token() from None

    def page(self, purpose: str, request: PageRequest) -> Page:
        """Returns the page that the request asks for.

        Raises RpcError INVALID_TOKEN, or VALIDATION_FAILED for a negative size.
        """
        size, after, total = page_size(request.page_size), None, None
        if request.page_token:
            microseconds, row_id, counted = self.decode(purpose, request.page_token)
            after = _EPOCH + int(microseconds) * _MICROSECOND, UUID(str(row_id))
            total = int(counted)
        return Page(self, purpose, size, after, total)

    def _serializer(self, purpose: str) -> URLSafeSerializer:
        return URLSafeSerializer(
            self._keys,
            salt=purpose,
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list that is sorted by a time and an id.

    The query takes `after` and `limit`: rows behind `after` in the order of the list, and one row
    more than the page has, which shows that there is a next page.
    """

    tokens: PageTokens
    purpose: str
    size: int
    after: tuple[datetime, UUID] | None
    """Time and id of the previous page's last row; None on the first page."""
    total: int | None
    """Number of elements of the whole list, counted for the first page; None on that page."""

    @property
    def limit(self) -> int:
        """Returns the number of rows to read."""
        return self.size + 1

    def fitting(self, sizes: Iterable[int]) -> int:
        """Returns how many elements of these sizes in bytes the page holds, in their order.

        It holds `size` at most, and as many as fit MAX_PAGE_BYTES, but at least one.
        """
        count = room = 0
        for size in sizes:
            room += size
            if count == self.size or (count and room > MAX_PAGE_BYTES):
                break
            count += 1
        return count

    def next_token(self, last: tuple[datetime, UUID], total: int) -> str:
        """Returns the token of the page behind the row with this time and id."""
        time, row_id = last
        microseconds = (time - _EPOCH) // _MICROSECOND
        return self.tokens.encode(self.purpose, (microseconds, str(row_id), total))


def list_purpose(caller: str, request: Message) -> str:
    """Returns the purpose of the page tokens of a list: method, caller, filter and order.

    Page size and page token are no part of it, so that the size may change between two pages.
    """
    query = type(request)()
    query.CopyFrom(request)
    for name in ("page_size", "page_token"):
        query.ClearField(name)
    digest = hashlib.sha256(query.SerializeToString(deterministic=True)).hexdigest()
    return f"{request.DESCRIPTOR.full_name}/{caller}/{digest}"


def page_size(requested: int) -> int:
    """Returns the number of rows of a page (AIP-158): 50 if 0 is requested, 200 at most.

    Raises RpcError VALIDATION_FAILED for a negative number.
    """
    if requested < 0:
        detail = bad_request([("page_size", "INT32_GTE", "must not be negative")])
        metadata = {"violationCount": "1"}
        message = "page_size: must not be negative"
        code = grpc.StatusCode.INVALID_ARGUMENT
        raise RpcError(code, CommonReason.VALIDATION_FAILED, message, metadata, detail)
    return min(requested or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


def read_keys(content: bytes) -> list[bytes]:
    """Returns the keys in the content of a key file, in their order.

    A text file has one key a line. Any other content is one key, as in files of earlier releases.
    """
    if not content.isascii():
        return [content]
    return [line.strip() for line in content.splitlines() if line.strip()]


def _invalid_token() -> RpcError:
    message = "the token was not made by this service for this query; begin without a token"
    return RpcError(grpc.StatusCode.INVALID_ARGUMENT, CommonReason.INVALID_TOKEN, message)
