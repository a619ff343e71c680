"""What applications knows of the world besides the applicant's words: countries, models, what uses and sectors mean.

Values only; the shell reads them from `policy/reference.yaml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.applications.core.model import EndUse


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """A model of the catalogue. Training compute in FLOP; open weights are published and leave nothing to license."""

    model_id: str
    training_compute_flop: float
    has_open_weights: bool


@dataclass(frozen=True, slots=True)
class ReferenceData:
    """Reference data of one version. Countries are ISO 3166-1 alpha-2."""

    version: str
    countries: frozenset[str]
    embargoed_countries: frozenset[str]
    allied_countries: frozenset[str]
    home_countries: frozenset[str]
    models: Mapping[str, CatalogueModel]
    forbidden_uses: frozenset[EndUse]
    surveillance_uses: frozenset[EndUse]
    blocking_lists: frozenset[str]
    """Codes of the lists whose parties' property is blocked, so that the OFAC 50 % rule reads them."""
