"""Officers and their roles: read from a YAML file, and again when the file changes."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chassis.rpc.authentication import SEGMENT, Principal
from chassis.yaml_files import YamlFileError, load_yaml

OfficerRole = Literal["LICENSING_OFFICER", "COUNTERSIGNER", "ENFORCEMENT_OFFICER", "LIST_OFFICER"]

_RELOAD_SECONDS: Final = 1.0

log = structlog.get_logger()


class Officer(BaseModel):
    """One entry of the officers file. `affiliation` is the partner that the officer belongs to."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Annotated[str, Field(pattern=rf"^{SEGMENT}$")]
    roles: Annotated[tuple[OfficerRole, ...], Field(strict=False)]
    tier: Annotated[int, Field(ge=1, le=3)]
    affiliation: Annotated[str, Field(pattern=rf"^{SEGMENT}$")] | None = None

    def principal(self) -> Principal:
        """Returns the officer as a caller."""
        return Principal("officer", self.id, self.affiliation, frozenset(self.roles), self.tier)


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
    ids = [officer.id for officer in officers]
    if repeated := sorted({each for each in ids if ids.count(each) > 1}):
        raise OfficersFileError(f"{path}: two officers have the id {', '.join(repeated)}")
    return {officer.id: officer.principal() for officer in officers}
