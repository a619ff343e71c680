"""ListService: imports versions of lists, activates them, and shows their status."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from safeconduct.screening.v1 import service_pb2 as pb
from safeconduct.screening.v1 import service_pb2_grpc

from chassis.rpc.errors import rpc_error
from chassis.telemetry.tracing import annotate
from services.screening.core.errors import Kind, Reason, Refusal
from services.screening.core.identity import list_id_of
from services.screening.core.lists.formats import delta, read
from services.screening.core.lists.parsed_list import ListUnreadable
from services.screening.core.lists.versions import (
    ActivateList,
    ImportList,
    ScreeningList,
    decide,
)
from services.screening.core.model import Entry
from services.screening.shell import codec
from services.screening.shell.dependencies import Dependencies
from services.screening.shell.list_sources import ListSource
from services.screening.shell.list_upload import receive_list

MOST_BYTES: Final = 128 << 20
"""A larger list is refused. The largest published one has about a third of it."""


class ListServicer(service_pb2_grpc.ListServiceServicer):
    """Serves `safeconduct.screening.v1.ListService`."""

    def __init__(self, dependencies: Dependencies, most_bytes: int = MOST_BYTES) -> None:
        self._dependencies, self._most_bytes = dependencies, most_bytes
        self._mutations = dependencies.list_mutations()

    async def ImportList(
        self, request_iterator: AsyncIterator[pb.ImportListRequest], context: Any
    ) -> pb.ImportListResponse:
        """Reads the whole list, counts what it changes, and stores it unless it is refused."""
        dependencies = self._dependencies
        upload = await receive_list(request_iterator, self._most_bytes)
        annotate({"safeconduct.list.code": upload.first.list_code})
        source = await asyncio.to_thread(upload.source)
        entries = await _read(source)
        list_id = list_id_of(source.code)
        version = source.version(len(entries), dependencies.clock())
        command = ImportList(list_id, version)
        stored = await dependencies.list_journal.read(list_id)
        current = stored.state if stored is not None else None
        # Checked before the source is stored, so that a refused list leaves nothing behind.
        if isinstance(refusal := decide(current, command), Refusal):
            raise rpc_error(refusal)
        changes = codec.list_delta(delta(await self._active_entries(current), entries))
        if not upload.first.validate_only:
            await dependencies.list_store.put_source(source)

        def view(state: ScreeningList) -> pb.ImportListResponse:
            kept = state.find(version.list_version) or version
            return pb.ImportListResponse(version=codec.list_version(kept), delta=changes)

        return await self._mutations.run(list_id, upload.request(source), command, view)

    async def ActivateList(
        self, request: pb.ActivateListRequest, context: Any
    ) -> pb.ActivateListResponse:
        """Activates a version. Every replica loads it, and one compares what it changes."""
        annotate(
            {
                "safeconduct.list.code": request.list_code,
                "safeconduct.list.version": request.list_version,
            }
        )
        list_id = list_id_of(request.list_code)
        answer = await self._mutations.run(
            list_id,
            request,
            ActivateList(list_id, request.list_version),
            lambda state: pb.ActivateListResponse(list=codec.list_status(state)),
        )
        if not request.validate_only:
            self._dependencies.active_lists.wake()
        return answer

    async def GetListStatus(
        self, request: pb.GetListStatusRequest, context: Any
    ) -> pb.GetListStatusResponse:
        """Returns all lists, and what this replica has loaded."""
        dependencies = self._dependencies
        index = dependencies.screener.index
        return pb.GetListStatusResponse(
            lists=map(codec.list_status, await dependencies.list_store.lists()),
            loaded_version=index.list_version_id if index is not None else "",
            entry_count=len(index.entries) if index is not None else 0,
            is_current=await dependencies.active_lists.is_current(),
            waiting_applications=await dependencies.rescreening.waiting(),
        )

    async def _active_entries(self, current: ScreeningList | None) -> tuple[Entry, ...]:
        active = current.active_version if current is not None else None
        return await self._dependencies.list_store.entries_of(active) if active is not None else ()


async def _read(source: ListSource) -> tuple[Entry, ...]:
    """Returns the entries of the list.

    Raises RpcError LIST_EMPTY, LIST_TRUNCATED or LIST_MALFORMED.
    """
    try:
        return await asyncio.to_thread(read, source.kind, source.code, source.content)
    except ListUnreadable as error:
        reason = Reason(f"LIST_{error.flaw}")
        refusal = Refusal(Kind.INVALID, reason, str(error), {"listCode": source.code})
        raise rpc_error(refusal) from error
