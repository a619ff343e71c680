"""Officers and their roles: read from a YAML file, and again when the file changes."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chassis.rpc.authentication import Principal
from chassis.rpc.principal_ids import SEGMENT, confusable_pairs
from chassis.yaml_files import YamlFileError, load_yaml

OfficerRole = Literal["LICENSING_OFFICER", "COUNTERSIGNER", "ENFORCEMENT_OFFICER", "LIST_OFFICER"]

_RELOAD_SECONDS: Final = 1.0

log = structlog.get_logger()


_Id = Annotated[str, Field(pattern=rf"^{SEGMENT}$")]


class Officer(BaseModel):
    """One account of the officers file.

    `affiliation` is the partner that the officer belongs to. `person` is the id of another entry:
    the same person has both accounts, and they are one pair of eyes. An account has the affiliation
    of its person.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: _Id
    roles: Annotated[tuple[OfficerRole, ...], Field(strict=False)]
    tier: Annotated[int, Field(ge=1, le=3)]
    affiliation: _Id | None = None
    person: _Id | None = None

    def principal(self, affiliation: str | None) -> Principal:
        """Returns the officer as a caller with the affiliation of the person."""
        roles = frozenset(self.roles)
        return Principal("officer", self.id, affiliation, roles, self.tier, self.person)


class _OfficersFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    officers: list[Officer]


class OfficersFileError(ValueError):
    """The officers file is invalid. The message names every fault and its place."""


class Officers:
    """The officers of one file. A changed file is noticed within a second.

    If a new file is invalid or missing, that is logged and the officers of the last valid one stay.
    Raises OfficersFileError if the first file is invalid.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._signature = _signature(path)
        self._officers = _read(path)
        self._checked_at = time.monotonic()

    def find(self, officer_id: str) -> Principal | None:
        """Returns the officer with the roles that the file gives now, or None."""
        if time.monotonic() - self._checked_at >= _RELOAD_SECONDS:
            self.refresh()
        return self._officers.get(officer_id)

    def refresh(self) -> None:
        """Reads the file again if it has changed since it was last read."""
        self._checked_at = time.monotonic()
        signature = _signature(self._path)
        if signature == self._signature:
            return
        # The signature of an invalid file is kept, too: one log line a file, not one a second.
        self._signature = signature
        try:
            self._officers = _read(self._path)
        except OfficersFileError as error:
            log.error("officers_file_rejected", faults=str(error))  # noqa: TRY400 - the text names all
        else:
            log.info("officers_file_read", officers=len(self._officers))


def _signature(path: Path) -> Hashable:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> Mapping[str, Principal]:
    try:
        officers = _OfficersFile.model_validate(load_yaml(path)).officers
    except YamlFileError as error:
        raise OfficersFileError(str(error)) from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()
        )
        raise OfficersFileError(f"{path}: {faults}") from error
    if faults := "; ".join(_faults(officers)):
        raise OfficersFileError(f"{path}: {faults}")
    affiliations = {officer.id: officer.affiliation for officer in officers}
    return {
        officer.id: officer.principal(affiliations[officer.person or officer.id])
        for officer in officers
    }


def _faults(officers: Sequence[Officer]) -> Iterator[str]:
    """Yields the faults that several entries make together, each with its place."""
    for first, later in confusable_pairs(officer.id for officer in officers):
        one, other = officers[first].id, officers[later].id
        what = "is taken by" if one == other else f"can be taken for {one!r}, the id of"
        yield f"officers.{later}.id: {other!r} {what} officers.{first}; choose a distinct id"
    by_id = {officer.id: officer for officer in officers}
    for place, officer in enumerate(officers):
        if officer.person is None:
            continue
        field, person = f"officers.{place}.person", by_id.get(officer.person)
        if person is None or person is officer:
            yield f"{field}: {officer.person!r} is not the id of another entry"
        elif person.person is not None:
            yield f"{field}: {officer.person!r} has a person itself; name {person.person!r}"
        elif officer.affiliation not in {None, person.affiliation}:
            yield (
                f"officers.{place}.affiliation: differs from that of {officer.person!r}, the same"
                " person; leave it out"
            )
