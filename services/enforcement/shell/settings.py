"""Settings of the enforcement service beyond those of every service."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chassis.settings import ServiceSettings, variable


class EnforcementSettings(ServiceSettings):
    """Settings of the command `serve`."""

    ready_knowledge_age_seconds: Annotated[float, Field(gt=0)] = variable("15", default=15.0)
    """Age of the standings from which the replica is not ready, so that gates go to others."""
    live_knowledge_age_seconds: Annotated[float, Field(gt=0)] = variable("300", default=300.0)
    """Age of the standings from which the replica is not live, so that it is started again."""
