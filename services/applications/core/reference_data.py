"""The data that policy and the submission check read besides the application itself.

The shell reads them from `policy/reference.yaml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.applications.core.application_details import EndUse
from services.applications.core.countries import Countries


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """A model of the catalogue.

    `training_compute_flop` is in FLOP. Open weights are published, so handing them over needs no
    license.
    """

    model_id: str
    training_compute_flop: float
    has_open_weights: bool


@dataclass(frozen=True, slots=True)
class ReferenceData:
    """One version of the reference data. Countries are ISO 3166-1 alpha-2 codes.

    `digest` is the SHA-256 of the file, 32 bytes.

    `blocking_lists` are the codes of the lists whose parties' property is blocked: the OFAC 50
    percent rule counts the shares that these parties hold.
    """

    version: str
    digest: bytes
    countries: Countries
    embargoed_countries: frozenset[str]
    allied_countries: frozenset[str]
    home_countries: frozenset[str]
    models: Mapping[str, CatalogueModel]
    forbidden_uses: frozenset[EndUse]
    surveillance_uses: frozenset[EndUse]
    blocking_lists: frozenset[str]
