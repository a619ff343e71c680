"""The partner registry: partners and their states from a YAML file, read again when it changes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chassis.rpc.principal_ids import SEGMENT, confusable_pairs
from chassis.rpc.reread_file import RereadFile
from chassis.yaml_files import YamlFileError, load_yaml


class PartnerState(StrEnum):
    """Whether a partner may enter into new obligations.

    A suspended partner reads, reports and withdraws, and its gates follow the standings. It does
    not submit applications and does not sign.
    """

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


PartnerStates: TypeAlias = Mapping[str, PartnerState]


class _Partner(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Annotated[str, Field(pattern=rf"^{SEGMENT}$")]
    state: Annotated[PartnerState, Field(strict=False)]


class _PartnersFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    partners: list[_Partner]


class PartnersFileError(ValueError):
    """The partner registry is invalid. The message names every fault and its place."""


class Partners:
    """The partners of one file, or every partner without one. See `RereadFile` for changes.

    Raises PartnersFileError if the first file is invalid.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else RereadFile(path, "partners", read_partners)

    def find(self, partner_id: str) -> PartnerState | None:
        """Returns the partner's state, or None if the registry does not have it.

        A new partner is found at once: for an unknown one the file is looked at again.
        """
        if self._file is None:
            return PartnerState.ACTIVE
        state = self._file.current().get(partner_id)
        return state if state is not None else self._file.refresh().get(partner_id)

    def has(self, partner_id: str) -> bool:
        """Returns whether the registry has the partner, in whatever state."""
        return self.find(partner_id) is not None


def read_partners(path: Path) -> PartnerStates:
    """Returns the partners of a file. Raises PartnersFileError."""
    try:
        partners = _PartnersFile.model_validate(load_yaml(path)).partners
    except YamlFileError as error:
        raise PartnersFileError(str(error)) from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()
        )
        raise PartnersFileError(f"{path}: {faults}") from error
    ids = [partner.id for partner in partners]
    pairs = confusable_pairs(ids)
    if pairs:
        faults = "; ".join(
            f"partners.{later}.id: {ids[later]!r} is the same as or can be taken for"
            f" {ids[first]!r}, the id of partners.{first}"
            for first, later in pairs
        )
        raise PartnersFileError(f"{path}: {faults}")
    return {partner.id: partner.state for partner in partners}
