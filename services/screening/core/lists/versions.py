"""The versions of one restricted-party list, and which of them is active: one stream for each list.

Commands, events, decisions and state of a list stand together here, since they are few. Knows
versions by name and digest, nothing of their entries. A version is never deleted, so that every
screening can be repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never
from uuid import UUID

from services.screening.core.errors import Kind, Reason, Refusal

LEAST_SHARE: Final = 0.8
"""A version with fewer entries than this share of the active one is refused."""
SEPARATOR: Final = " + "


class ListFormat(StrEnum):
    """File format in which a list is published."""

    CSL_CSV = "CSL_CSV"
    OFAC_SDN_CSV = "OFAC_SDN_CSV"
    UN_XML = "UN_XML"
    TARGETS_SIMPLE_CSV = "TARGETS_SIMPLE_CSV"


@dataclass(frozen=True, slots=True)
class ListVersion:
    """One version of a list. source_digest: SHA-256 of the source file, hexadecimal.

    format, list_code: None and empty in versions from when there was only one list.
    """

    list_version: str
    source_digest: str
    entry_count: int
    imported_at: datetime
    format: ListFormat | None = None
    list_code: str = ""

    @property
    def code(self) -> str:
        """Code of the list, for instance US-CSL."""
        return self.list_code or self.list_version.partition("/")[0]

    @property
    def kind(self) -> ListFormat:
        """Format of the source file."""
        return self.format or ListFormat.CSL_CSV


@dataclass(frozen=True, slots=True)
class ListImported:
    """A version was imported and stored."""

    list_id: UUID
    version: ListVersion


@dataclass(frozen=True, slots=True)
class ListActivated:
    """A version was activated: parties are screened against it from now on."""

    list_id: UUID
    list_version: str


Event = ListImported | ListActivated


@dataclass(frozen=True, slots=True)
class ImportList:
    """Store this version."""

    list_id: UUID
    version: ListVersion


@dataclass(frozen=True, slots=True)
class ActivateList:
    """Screen against this version from now on."""

    list_id: UUID
    list_version: str


@dataclass(frozen=True, slots=True)
class StartList:
    """Import and activate this version, unless a version is active already."""

    list_id: UUID
    version: ListVersion


Command = ImportList | ActivateList | StartList


class ListState(StrEnum):
    """State of a list. IMPORTED: it has versions, and none was activated yet."""

    IMPORTED = "IMPORTED"
    ACTIVE = "ACTIVE"


TRANSITIONS: Final[Mapping[ListState | None, Mapping[type[Event], ListState]]] = {
    None: {ListImported: ListState.IMPORTED},
    ListState.IMPORTED: {ListImported: ListState.IMPORTED, ListActivated: ListState.ACTIVE},
    ListState.ACTIVE: {ListImported: ListState.ACTIVE, ListActivated: ListState.ACTIVE},
}


STATE_SCHEMA: Final = 1
"""Number of the shape of ScreeningList and of its events (see Stream.schema)."""


@dataclass(frozen=True, slots=True)
class ScreeningList:
    """A list with all its versions, oldest first. active: name of the active version, or None."""

    list_id: UUID
    version: int
    state: ListState
    versions: tuple[ListVersion, ...]
    active: str | None = None

    def find(self, list_version: str) -> ListVersion | None:
        """Returns the version of this name, or None."""
        return next((each for each in self.versions if each.list_version == list_version), None)

    @property
    def active_version(self) -> ListVersion | None:
        """The active version, or None."""
        return None if self.active is None else self.find(self.active)


class ImpossibleEvent(AssertionError):  # noqa: N818 - a defect of this service, no error of a caller
    """An event that the table does not allow in the present state."""


def decide(current: ScreeningList | None, command: Command) -> tuple[Event, ...] | Refusal:
    """Returns the events that follow from the command, `()` if it already holds, or a refusal."""
    match command:
        case ImportList(list_id, version):
            if (refusal := _refuse_implausible(current, version)) is not None:
                return refusal
            return () if _is_known(current, version) else (ListImported(list_id, version),)
        case ActivateList(list_id, list_version):
            if current is None or current.find(list_version) is None:
                message = "this version of the list was not imported"
                return Refusal(Kind.NOT_FOUND, Reason.NOT_FOUND, message)
            is_active = current.active == list_version
            return () if is_active else (ListActivated(list_id, list_version),)
        case StartList(list_id, version):
            if current is not None and current.active is not None:
                return ()
            activated = ListActivated(list_id, version.list_version)
            is_known = _is_known(current, version)
            return (activated,) if is_known else (ListImported(list_id, version), activated)
        case _:
            assert_never(command)


def _is_known(current: ScreeningList | None, version: ListVersion) -> bool:
    return current is not None and current.find(version.list_version) is not None


def _refuse_implausible(current: ScreeningList | None, version: ListVersion) -> Refusal | None:
    """Returns LIST_IMPLAUSIBLE if over a fifth of the active version's entries would be gone.

    A half file that parses is more likely than a publisher who delists so many at once.
    """
    active = current.active_version if current is not None else None
    if active is None or version.entry_count >= LEAST_SHARE * active.entry_count:
        return None
    metadata = {
        "listCode": version.code,
        "entries": str(version.entry_count),
        "activeEntries": str(active.entry_count),
    }
    message = (
        f"the list has {version.entry_count} parties, over 20 % fewer than the active version,"
        f" which has {active.entry_count}"
    )
    return Refusal(Kind.PRECONDITION, Reason.LIST_IMPLAUSIBLE, message, metadata)


def index_version(versions: Iterable[ListVersion]) -> str:
    """Returns the name of an index: its list versions, by list code, joined by " + "."""
    return SEPARATOR.join(
        version.list_version for version in sorted(versions, key=lambda each: each.code)
    )


def list_versions_in(index_version: str) -> tuple[str, ...]:
    """Returns the names of the list versions in the name of an index."""
    return tuple(filter(None, index_version.split(SEPARATOR)))


def evolve(current: ScreeningList | None, event: Event) -> ScreeningList:
    """Returns the list after the event. Raises ImpossibleEvent."""
    state = TRANSITIONS[current.state if current is not None else None].get(type(event))
    if state is None:
        raise ImpossibleEvent(type(event).__name__)
    match event:
        case ListImported(list_id, version):
            known = current or ScreeningList(list_id, 0, state, ())
            return replace(
                known, version=known.version + 1, state=state, versions=(*known.versions, version)
            )
        case ListActivated(_, list_version):
            assert current is not None, "the table has no activation without a list"
            return replace(current, version=current.version + 1, state=state, active=list_version)
        case _:
            assert_never(event)
