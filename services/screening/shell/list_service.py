"""ListService: versions of lists come in, are checked against what is active, and are made active."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from safeconduct.screening.v1 import service_pb2 as pb
from safeconduct.screening.v1 import service_pb2_grpc

from chassis.rpc.authentication import current_principal
from chassis.rpc.errors import RefusalLike, rpc_error
from chassis.store.idempotency import IdempotencyKey
from chassis.store.journal import Journal
from chassis.store.stream import check_etag
from chassis.telemetry.tracing import annotate
from services.screening.core.errors import Kind, Reason, Refusal
from services.screening.core.lists.formats import delta, read
from services.screening.core.lists.parsed_list import ListUnreadable, Part, bundled
from services.screening.core.lists.versions import (
    ActivateList,
    Event,
    ImportList,
    ListFormat,
    ListVersion,
    ScreeningList,
    decide,
)
from services.screening.core.model import Entry
from services.screening.shell import codec
from services.screening.shell.active_lists import Lists, Source
from services.screening.shell.projections import list_id_of
from services.screening.shell.rescreening import Rescreening
from services.screening.shell.screener import Screener

MOST_BYTES: Final = 128 << 20
"""More than this of one list is not taken; the largest published one has about a third of it."""


@dataclass(frozen=True, slots=True)
class _Upload:
    """What came in, before it is read."""

    request_id: str
    is_dry: bool
    code: str
    kind: ListFormat
    published: str
    parts: dict[Part, bytes]


class ListServicer(service_pb2_grpc.ListServiceServicer):
    """The list officers' desk."""

    def __init__(
        self,
        journal: Journal[ScreeningList, Event],
        lists: Lists,
        desk: Screener,
        rescreening: Rescreening,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._journal, self._lists, self._desk, self._rescreening = (
            journal,
            lists,
            desk,
            rescreening,
        )
        self._clock, self._most_bytes = clock, most_bytes

    async def ImportList(
        self, request_iterator: AsyncIterator[pb.ImportListRequest], context: Any
    ) -> pb.ImportListResponse:
        """Reads the whole list, says what it changes, and keeps it unless something is wrong with it."""
        upload = await self._received(request_iterator)
        annotate({"safeconduct.list.code": upload.code})
        source = Source(
            upload.code,
            upload.published,
            await asyncio.to_thread(bundled, upload.parts),
            upload.kind,
        )
        entries = await self._read(source)
        version = source.version(len(entries), self._clock())
        command, list_id = ImportList(list_id_of(source.code), version), list_id_of(source.code)
        current = await self._journal.read(list_id)
        decided = decide(current.state if current is not None else None, command)
        if isinstance(decided, Refusal):
            raise rpc_error(decided)
        changed = codec.list_delta(
            delta(await self._active_entries(current.state if current else None), entries)
        )
        if not upload.is_dry:
            # The source lies there before any event speaks of it.
            await self._lists.keep(source)

        def respond(state: ScreeningList) -> pb.ImportListResponse:
            kept = state.find(version.list_version) or version
            return pb.ImportListResponse(version=codec.list_version(kept), delta=changed)

        principal = current_principal()
        answer = await self._journal.execute(
            list_id, _key(principal.name, upload, source), principal.name,
            lambda state: decide(state, command), respond, pb.ImportListResponse, dry_run=upload.is_dry,
        )  # fmt: skip
        assert answer is not None, "a list that is imported is there"
        return answer

    async def ActivateList(
        self, request: pb.ActivateListRequest, context: Any
    ) -> pb.ActivateListResponse:
        """Makes a version the one screened against. Every replica loads it, and one compares what it changes."""
        principal, list_id = current_principal(), list_id_of(request.list_code)
        annotate(
            {
                "safeconduct.list.code": request.list_code,
                "safeconduct.list.version": request.list_version,
            }
        )
        command = ActivateList(list_id, request.list_version)

        def judge(state: ScreeningList | None) -> tuple[Event, ...] | RefusalLike:
            if state is not None:
                check_etag(request.etag, state.version)
            return decide(state, command)

        answer = await self._journal.execute(
            list_id, IdempotencyKey.of_request(principal.name, "ActivateList", request), principal.name,
            judge, lambda state: pb.ActivateListResponse(list=codec.list_status(state)), pb.ActivateListResponse,
            dry_run=request.validate_only,
        )  # fmt: skip
        assert answer is not None, "a list that can be activated is there"
        if not request.validate_only:
            self._lists.wake()
        return answer

    async def GetListStatus(
        self, request: pb.GetListStatusRequest, context: Any
    ) -> pb.GetListStatusResponse:
        """Every list, and how far this replica is."""
        generation = self._desk.generation
        return pb.GetListStatusResponse(
            lists=map(codec.list_status, await self._lists.registers()),
            loaded_version=generation.list_version_id if generation is not None else "",
            entry_count=len(generation.entries) if generation is not None else 0,
            is_current=await self._lists.is_current(),
            waiting_applications=await self._rescreening.waiting(),
        )

    async def _received(self, messages: AsyncIterator[pb.ImportListRequest]) -> _Upload:
        first: pb.ImportListRequest | None = None
        pieces: dict[Part, list[bytes]] = defaultdict(list)
        size = 0
        async for message in messages:
            if first is None:
                first = message
                if not (first.list_code and first.format and first.publication):
                    raise rpc_error(
                        _unclear("the first message says list_code, format and publication")
                    )
            elif not _continues(first, message):
                raise rpc_error(_unclear("a later message speaks of another import"))
            size += len(message.content)
            if size > self._most_bytes:
                metadata = {"listCode": first.list_code, "maximumBytes": str(self._most_bytes)}
                raise rpc_error(
                    Refusal(Kind.INVALID, Reason.LIST_TOO_LARGE, "the list is too large", metadata)
                )
            pieces[codec.list_part(message.part)].append(message.content)
        if first is None:
            raise rpc_error(_unclear("the stream ended before its first message"))
        # The parties are always there, and be it as an empty file.
        parts = {Part.PRIMARY: b""} | {
            part: b"".join(chunks) for part, chunks in pieces.items() if any(chunks)
        }
        kind = codec.list_format(first.format)
        return _Upload(
            first.request_id, first.validate_only, first.list_code, kind, first.publication, parts
        )

    async def _read(self, source: Source) -> tuple[Entry, ...]:
        try:
            return await asyncio.to_thread(read, source.kind, source.code, source.content)
        except ListUnreadable as flawed:
            reason = Reason(f"LIST_{flawed.flaw}")
            raise rpc_error(
                Refusal(Kind.INVALID, reason, str(flawed), {"listCode": source.code})
            ) from flawed

    async def _active_entries(self, register: ScreeningList | None) -> tuple[Entry, ...]:
        active: ListVersion | None = (
            register.find(register.active) if register and register.active else None
        )
        return await self._lists.entries_of(active) if active is not None else ()


def _unclear(message: str) -> Refusal:
    return Refusal(Kind.INVALID, Reason.IMPORT_UNCLEAR, message)


def _continues(first: pb.ImportListRequest, message: pb.ImportListRequest) -> bool:
    """A later message repeats the id, and says of the import what the first said or nothing."""
    return message.request_id == first.request_id and all(
        getattr(message, name) in {getattr(first, name), type(getattr(first, name))()}
        for name in ("list_code", "format", "publication", "validate_only")
    )


def _key(principal: str, upload: _Upload, source: Source) -> IdempotencyKey:
    """The same import, sent again in other pieces, is the same."""
    asked = pb.ImportListRequest(
        request_id=upload.request_id,
        list_code=source.code,
        format=f"LIST_FORMAT_{source.kind}",  # type: ignore[arg-type]  # protobuf takes names
        publication=source.published,
        content=hashlib.sha256(source.content).digest(),
    )
    return IdempotencyKey.of_request(principal, "ImportList", asked)
