"""Environment variables of the operators' commands that have been renamed."""

from __future__ import annotations

import os
from typing import Final

import click

from chassis.renamed_settings import RenamedVariable

_BOOTSTRAP: Final = RenamedVariable(
    "bootstrap", "SAFECONDUCT_KAFKA_BOOTSTRAP", "SAFECONDUCT_KAFKA_BOOTSTRAP_SERVERS"
)
BOOTSTRAP_VARIABLES: Final = [_BOOTSTRAP.new, _BOOTSTRAP.old]
"""Names of the variable with the brokers, the new one first."""


def check_bootstrap(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Returns the value of an option that reads BOOTSTRAP_VARIABLES. Warns if the old name is set.

    Raises click.BadParameter if both names are set and to different values.
    """
    if _BOOTSTRAP.is_contradicted(os.environ):
        raise click.BadParameter(_BOOTSTRAP.contradiction)
    if _BOOTSTRAP.is_used(os.environ):
        click.echo(f"warning: {_BOOTSTRAP.warning}", err=True)
    return value
