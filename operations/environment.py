"""Environment variables of the operators' commands that have been renamed."""

from __future__ import annotations

import os
from typing import Final

import click

from chassis.renamed_settings import RenamedVariable
from chassis.transport.brokers import Bootstrap
from chassis.transport.renewed_tls import RenewedContext

_BOOTSTRAP: Final = RenamedVariable(
    "bootstrap", "SAFECONDUCT_KAFKA_BOOTSTRAP", "SAFECONDUCT_KAFKA_BOOTSTRAP_SERVERS"
)
BOOTSTRAP_VARIABLES: Final = [_BOOTSTRAP.new, _BOOTSTRAP.old]
"""Names of the variable with the brokers, the new one first."""


def check_bootstrap(_context: click.Context, _parameter: click.Parameter, value: str) -> Bootstrap:
    """Returns the brokers of an option that reads BOOTSTRAP_VARIABLES, with TLS if it is set.

    Warns if the old name is set.

    Raises click.BadParameter if both names are set and to different values.
    """
    if _BOOTSTRAP.is_contradicted(os.environ):
        raise click.BadParameter(_BOOTSTRAP.contradiction)
    if _BOOTSTRAP.is_used(os.environ):
        click.echo(f"warning: {_BOOTSTRAP.warning}", err=True)
    if not value:
        return value
    # Only here: settings import more than most commands need.
    from chassis.settings import load
    from chassis.transport.settings import KafkaTlsSettings

    return load(KafkaTlsSettings).brokers(value)


def database_tls() -> RenewedContext | None:
    """Returns the context of connections to PostgreSQL; None if no authority is set.

    Ends the command with exit code 2 if the variables SAFECONDUCT_DATABASE_ are not complete.
    """
    from chassis.settings import load
    from chassis.transport.settings import DatabaseTlsSettings

    files = load(DatabaseTlsSettings).database_tls
    return RenewedContext(files) if files else None
