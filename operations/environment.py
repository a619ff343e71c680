"""Environment variables of the operators' commands that have been renamed."""

from __future__ import annotations

import os
from typing import Final

import typer

from chassis.renamed_settings import RenamedVariable

_BOOTSTRAP: Final = RenamedVariable(
    "bootstrap", "SAFECONDUCT_KAFKA_BOOTSTRAP", "SAFECONDUCT_KAFKA_BOOTSTRAP_SERVERS"
)
BOOTSTRAP_VARIABLES: Final = [_BOOTSTRAP.new, _BOOTSTRAP.old]
"""Names of the variable with the brokers, the new one first."""


def check_bootstrap(value: str) -> str:
    """Returns the value of an option that reads BOOTSTRAP_VARIABLES. Warns if the old name is set.

    Raises typer.BadParameter if both names are set and to different values.
    """
    if _BOOTSTRAP.is_contradicted(os.environ):
        raise typer.BadParameter(_BOOTSTRAP.contradiction)
    if _BOOTSTRAP.is_used(os.environ):
        typer.echo(f"warning: {_BOOTSTRAP.warning}", err=True)
    return value
