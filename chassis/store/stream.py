"""The interface of one kind of stream, and a stream as stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

import grpc

from chassis.rpc.errors import CommonReason, RpcError
from chassis.store.outbox import SeparateOutbox

S = TypeVar("S")
E = TypeVar("E")


class UnknownEventError(LookupError):
    """This release has no event of this name: a newer release has stored it."""


class Versioned(Protocol):
    """A state with a version."""

    @property
    def version(self) -> int:
        """Number of events folded into this state."""


@dataclass(frozen=True, slots=True)
class Projection:
    """A table that is updated in the same transaction as its stream, for instance for listings."""

    table: str
    columns: tuple[tuple[str, str], ...]
    """Name and SQL type of every column, the key included."""
    key: str
    """Name of the primary key: a row with the same key replaces the one before."""


@dataclass(frozen=True, slots=True)
class EventTable(Generic[S, E]):
    """A table with rows for some events, which are stored in the transaction that stores the event.

    A row whose key exists is left as it is. Rebuilding a stream does not touch the table.
    """

    table: str
    columns: tuple[tuple[str, str], ...]
    """Name and SQL type of every column that is written."""
    rows: Callable[[E, S, bytes, datetime], Sequence[tuple[object, ...]]]
    """Returns the rows of an event from the event, the state after it, its hash and its time.

    It may be called for an event that is not stored in the end.
    """


class Stream(Protocol[S, E]):
    """How one kind of stream is folded, stored and indexed. Each service's shell implements it."""

    @property
    def kind(self) -> str:
        """Kind of the streams in one word, for span names, for instance application."""

    @property
    def id_attribute(self) -> str:
        """Name of the span attribute with the stream's id, for instance application.id."""

    @property
    def state_type(self) -> type[S]:
        """The frozen dataclass that is stored as the state."""

    @property
    def schema(self) -> int:
        """Number of the shape of the state and of the events, 1 or more.

        It grows with every release that changes one of them (docs/upgrading.md). A row with a lower
        number is folded again from its events. A row with a higher number is left to newer
        replicas.
        """

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that this service added to table `stream`."""

    @property
    def owner_column(self) -> str | None:
        """The one of `columns` with the stream's owner, by whom the change feed filters, or None.

        Table `event` then has a column of the same name, and an index by it.
        """

    @property
    def projection(self) -> Projection | None:
        """The table that is updated together with the stream; None without one."""

    @property
    def separate_outbox(self) -> SeparateOutbox | None:
        """The outbox of events that no other event may delay; None if there are none."""

    def evolve(self, state: S | None, event: E) -> S:
        """Returns the state after the event. `state` is None before the first event."""

    def encode_event(self, event: E) -> tuple[str, bytes]:
        """Returns the event's short name, for instance LicenseIssued, and its payload."""

    def decode_event(self, name: str, payload: bytes) -> E:
        """Returns the event that `encode_event` encoded. Raises UnknownEventError."""

    def state_name(self, state: S) -> str:
        """Returns the lifecycle state, for instance SCREENING."""

    def due_at(self, state: S) -> datetime | None:
        """Returns when the stream's timer fires, or None."""

    def index(self, state: S) -> tuple[object, ...]:
        """Returns the values of `columns`, in their order."""

    def project(self, state: S) -> Sequence[tuple[object, ...]]:
        """Returns the rows to insert or replace in the projection's table."""


@dataclass(frozen=True, slots=True)
class StoredStream(Generic[S]):
    """A row of table `stream`."""

    id: UUID
    state: S
    version: int
    latest_hash: bytes
    """Hash of the newest event."""
    updated_at: datetime


def etag_of(version: int) -> str:
    """Returns the etag of a version. A caller sends it back to change only what it has read."""
    return f"v{version}"


def check_etag(etag: str, version: int) -> None:
    """Raises RpcError STALE_ETAG if the etag is of another version. Empty means no check."""
    if etag and etag != etag_of(version):
        raise RpcError(
            grpc.StatusCode.ABORTED,
            CommonReason.STALE_ETAG,
            "it has changed since you read it; read it again and repeat with the new etag",
            {"currentEtag": etag_of(version)},
        )
