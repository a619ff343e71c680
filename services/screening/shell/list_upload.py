"""Collects the messages of one ImportList stream into the files of a list."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass

from safeconduct.screening.v1 import service_pb2 as pb

from chassis.rpc.errors import RpcError, rpc_error
from services.screening.core.errors import Kind, Reason, Refusal
from services.screening.core.lists.parsed_list import Part, bundled
from services.screening.core.lists.versions import ListFormat
from services.screening.shell import codec
from services.screening.shell.list_sources import ListSource


@dataclass(frozen=True, slots=True)
class ListUpload:
    """The files of a list and what the first message says about them."""

    first: pb.ImportListRequest
    parts: dict[Part, bytes]

    @property
    def kind(self) -> ListFormat:
        """Format of the files."""
        return codec.list_format(self.first.format)

    def source(self) -> ListSource:
        """Returns the list as one source. Bundling its files takes a moment of CPU."""
        return ListSource(
            self.first.list_code, self.first.publication, bundled(self.parts), self.kind
        )

    def request(self, source: ListSource) -> pb.ImportListRequest:
        """Returns the import as one request, the same in whatever pieces the import comes."""
        return pb.ImportListRequest(
            request_id=self.first.request_id,
            validate_only=self.first.validate_only,
            list_code=source.code,
            format=self.first.format,
            publication=source.published,
            content=hashlib.sha256(source.content).digest(),
        )


async def receive_list(
    messages: AsyncIterator[pb.ImportListRequest], most_bytes: int
) -> ListUpload:
    """Returns the upload once the stream ends. Raises RpcError IMPORT_UNCLEAR or LIST_TOO_LARGE."""
    first: pb.ImportListRequest | None = None
    pieces: dict[Part, list[bytes]] = defaultdict(list)
    size = 0
    async for message in messages:
        if first is None:
            first = message
            if not (first.list_code and first.format and first.publication):
                raise _unclear("the first message must have list_code, format and publication")
        elif not _continues(first, message):
            raise _unclear("a later message contradicts the first one, or has another request_id")
        size += len(message.content)
        if size > most_bytes:
            raise _too_large(first.list_code, most_bytes)
        pieces[codec.list_part(message.part)].append(message.content)
    if first is None:
        raise _unclear("the stream has no message")
    # The primary file is always there, if need be as an empty one, so that its reader refuses it.
    parts = {Part.PRIMARY: b""} | {
        part: b"".join(chunks) for part, chunks in pieces.items() if any(chunks)
    }
    return ListUpload(first, parts)


def _continues(first: pb.ImportListRequest, message: pb.ImportListRequest) -> bool:
    """Returns True if a later message has the first one's id and contradicts none of its fields."""
    return message.request_id == first.request_id and all(
        getattr(message, name) in {getattr(first, name), type(getattr(first, name))()}
        for name in ("list_code", "format", "publication", "validate_only")
    )


def _unclear(message: str) -> RpcError:
    return rpc_error(Refusal(Kind.INVALID, Reason.IMPORT_UNCLEAR, message))


def _too_large(list_code: str, most_bytes: int) -> RpcError:
    metadata = {"listCode": list_code, "maximumBytes": str(most_bytes)}
    message = f"the list is too large: at most {most_bytes} bytes are accepted"
    return rpc_error(Refusal(Kind.INVALID, Reason.LIST_TOO_LARGE, message, metadata))
