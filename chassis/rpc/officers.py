"""Officers and their roles: read from a YAML file, and again when the file changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chassis.rpc.authentication import Principal
from chassis.rpc.principal_ids import SEGMENT, confusable_pairs
from chassis.rpc.reread_file import RereadFile
from chassis.yaml_files import YamlFileError, load_yaml

OfficerRole = Literal["LICENSING_OFFICER", "COUNTERSIGNER", "ENFORCEMENT_OFFICER", "LIST_OFFICER"]


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
    """The officers of one file. A changed file is noticed within a second (see `RereadFile`).

    `is_partner` returns whether the partner registry has a partner. Raises OfficersFileError if the
    first file is invalid.
    """

    def __init__(self, path: Path, is_partner: Callable[[str], bool] = lambda _: True) -> None:
        self._file = RereadFile(path, "officers", lambda path: _read(path, is_partner))

    def find(self, officer_id: str) -> Principal | None:
        """Returns the officer with the roles that the file gives now, or None."""
        return self._file.current().get(officer_id)

    def refresh(self) -> None:
        """Reads the file again if it has changed since it was last read."""
        self._file.refresh()


def _read(path: Path, is_partner: Callable[[str], bool]) -> Mapping[str, Principal]:
    try:
        officers = _OfficersFile.model_validate(load_yaml(path)).officers
    except YamlFileError as error:
        raise OfficersFileError(str(error)) from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()
        )
        raise OfficersFileError(f"{path}: {faults}") from error
    if faults := "; ".join((*_faults(officers), *_unknown_partners(officers, is_partner))):
        raise OfficersFileError(f"{path}: {faults}")
    affiliations = {officer.id: officer.affiliation for officer in officers}
    return {
        officer.id: officer.principal(affiliations[officer.person or officer.id])
        for officer in officers
    }


def _unknown_partners(
    officers: Sequence[Officer], is_partner: Callable[[str], bool]
) -> Iterator[str]:
    for place, officer in enumerate(officers):
        if officer.affiliation is not None and not is_partner(officer.affiliation):
            yield (
                f"officers.{place}.affiliation: {officer.affiliation!r} is no partner of the"
                " partner registry"
            )


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
