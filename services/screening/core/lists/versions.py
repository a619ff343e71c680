"""The versions of one restricted-party list, and which of them is screened against: one stream a list.

Knows versions by name and digest, nothing of what a list says. A version that was activated is never forgotten.
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
"""A version with fewer parties than this share of the active one is refused."""
SEPARATOR: Final = " + "


class ListFormat(StrEnum):
    """How a list is published."""

    CSL_CSV = "CSL_CSV"
    OFAC_SDN_CSV = "OFAC_SDN_CSV"
    UN_XML = "UN_XML"
    TARGETS_SIMPLE_CSV = "TARGETS_SIMPLE_CSV"


@dataclass(frozen=True, slots=True)
class ListVersion:
    """One version of a list. source_digest: SHA-256 of the source file, hexadecimal.

    format: None in versions that were imported when there was but one. list_code: empty in those.
    """

    list_version: str
    source_digest: str
    entry_count: int
    imported_at: datetime
    format: ListFormat | None = None
    list_code: str = ""

    @property
    def code(self) -> str:
        """The list's code."""
        return self.list_code or self.list_version.partition("/")[0]

    @property
    def kind(self) -> ListFormat:
        """How it is published."""
        return self.format or ListFormat.CSL_CSV


@dataclass(frozen=True, slots=True)
class ListImported:
    """A version was imported and is kept."""

    list_id: UUID
    version: ListVersion


@dataclass(frozen=True, slots=True)
class ListActivated:
    """A version is the one screened against from now on."""

    list_id: UUID
    list_version: str


Event = ListImported | ListActivated


@dataclass(frozen=True, slots=True)
class ImportList:
    """Keep this version."""

    list_id: UUID
    version: ListVersion


@dataclass(frozen=True, slots=True)
class ActivateList:
    """Screen against this version from now on."""

    list_id: UUID
    list_version: str


@dataclass(frozen=True, slots=True)
class StartList:
    """Import and activate this version, unless there is one to screen against already."""

    list_id: UUID
    version: ListVersion


Command = ImportList | ActivateList | StartList


class ListState(StrEnum):
    """Where a list stands."""

    IMPORTED = "IMPORTED"
    ACTIVE = "ACTIVE"


TRANSITIONS: Final[Mapping[ListState | None, Mapping[type[Event], ListState]]] = {
    None: {ListImported: ListState.IMPORTED},
    ListState.IMPORTED: {ListImported: ListState.IMPORTED, ListActivated: ListState.ACTIVE},
    ListState.ACTIVE: {ListImported: ListState.ACTIVE, ListActivated: ListState.ACTIVE},
}


@dataclass(frozen=True, slots=True)
class ScreeningList:
    """A list with all its versions, oldest first. active: the version screened against, or None."""

    list_id: UUID
    version: int
    state: ListState
    versions: tuple[ListVersion, ...]
    active: str | None = None

    def find(self, list_version: str) -> ListVersion | None:
        """The version of this name."""
        return next((each for each in self.versions if each.list_version == list_version), None)


class ImpossibleEvent(AssertionError):  # noqa: N818 - a broken promise of ours
    """An event that the table does not have here."""


def decide(register: ScreeningList | None, command: Command) -> tuple[Event, ...] | Refusal:
    """What follows from the command; nothing when it already holds."""
    match command:
        case ImportList(list_id, version):
            known = register is not None and register.find(version.list_version) is not None
            return _implausible(register, version) or (
                () if known else (ListImported(list_id, version),)
            )
        case ActivateList(list_id, list_version):
            if register is None or register.find(list_version) is None:
                return Refusal(
                    Kind.NOT_FOUND, Reason.NOT_FOUND, "this version of the list was not imported"
                )
            return (
                () if register.active == list_version else (ListActivated(list_id, list_version),)
            )
        case StartList(list_id, version):
            if register is not None and register.active is not None:
                return ()
            known = register is not None and register.find(version.list_version) is not None
            activated = ListActivated(list_id, version.list_version)
            return (activated,) if known else (ListImported(list_id, version), activated)
        case _:
            assert_never(command)


def _implausible(register: ScreeningList | None, version: ListVersion) -> Refusal | None:
    """LIST_IMPLAUSIBLE when over a fifth of the active version would be gone: rather half a file than an amnesty."""
    active = (
        register.find(register.active)
        if register is not None and register.active is not None
        else None
    )
    if active is None or version.entry_count >= LEAST_SHARE * active.entry_count:
        return None
    counts = {"entries": str(version.entry_count), "activeEntries": str(active.entry_count)}
    message = f"{version.entry_count} parties where the active version has {active.entry_count}"
    return Refusal(
        Kind.PRECONDITION, Reason.LIST_IMPLAUSIBLE, message, {"listCode": version.code, **counts}
    )


def generation_id(versions: Iterable[ListVersion]) -> str:
    """The name of what is screened against: the active versions of all lists, by code."""
    return SEPARATOR.join(
        version.list_version for version in sorted(versions, key=lambda each: each.code)
    )


def versions_in(generation: str) -> tuple[str, ...]:
    """The versions that a generation's name names."""
    return tuple(filter(None, generation.split(SEPARATOR)))


def evolve(register: ScreeningList | None, event: Event) -> ScreeningList:
    """The list after the event. Raises ImpossibleEvent where the table has no such step."""
    state = TRANSITIONS[register.state if register is not None else None].get(type(event))
    if state is None:
        raise ImpossibleEvent(type(event).__name__)
    match event:
        case ListImported(list_id, version):
            known = register or ScreeningList(list_id, 0, state, ())
            return replace(
                known, version=known.version + 1, state=state, versions=(*known.versions, version)
            )
        case ListActivated(_, list_version):
            assert register is not None, "the table has no activation without a list"
            return replace(register, version=register.version + 1, state=state, active=list_version)
        case _:
            assert_never(event)
