"""One watch of applications: the backlog, then changes from the change feed, with resume tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from safeconduct.applications.v1 import service_pb2 as pb

from chassis.proto_mapping import to_timestamp
from chassis.rpc.authentication import Principal
from chassis.store.change_feed import Change, Cursor
from services.applications.shell import codec
from services.applications.shell.dependencies import Dependencies


@dataclass(frozen=True, slots=True)
class ApplicationWatch:
    """One watch.

    With an `application_id` it starts at that application's first event; without, it starts now and
    covers all applications of the partner.
    """

    dependencies: Dependencies
    principal: Principal
    application_id: UUID | None
    heartbeat_s: float = 10.0
    """Seconds without a change after which a response has only a new resume token."""

    async def responses(self, token: str) -> AsyncIterator[pb.WatchApplicationsResponse]:
        """Yields responses; the resume token of each one continues after its last change."""
        feed = self.dependencies.change_feed
        if token:
            xid, position, version = (
                int(each) for each in self.dependencies.page_tokens.decode(self._purpose, token)
            )
            cursor = Cursor(xid, position)
        else:
            # The cursor is taken before the history is read. An event in between arrives twice and
            # is dropped by its version; the other order would lose it.
            cursor, version = await feed.current_cursor(), 0
            history = []
            if self.application_id is not None:
                history = await feed.read_stream(self.application_id)
            version = history[-1].version if history else 0
            yield self._response(history, cursor, version)
        owner = self.principal.partner_id if self.principal.kind == "partner" else None
        async for batch in feed.watch(cursor, owner, self.application_id, self.heartbeat_s):
            new = [
                change
                for change in batch.changes
                if self.application_id is None or change.version > version
            ]
            if new and self.application_id is not None:
                version = new[-1].version
            if new or not batch.changes:
                yield self._response(new, batch.cursor, version)

    @property
    def _purpose(self) -> str:
        return f"WatchApplications/{self.principal.name}/{self.application_id}"

    def _response(
        self, changes: list[Change], cursor: Cursor, version: int
    ) -> pb.WatchApplicationsResponse:
        position = (cursor.xid, cursor.position, version)
        return pb.WatchApplicationsResponse(
            changes=[_change(change) for change in changes],
            resume_token=self.dependencies.page_tokens.encode(self._purpose, position),
        )


def _change(change: Change) -> pb.ApplicationChange:
    return pb.ApplicationChange(
        application_id=str(change.stream_id),
        version=change.version,
        event_type=change.name,
        state=codec.state_number(change.state),
        occurred_at=to_timestamp(change.occurred_at),
        trace_id=change.trace_id,
    )
