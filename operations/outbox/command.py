"""`safeconduct outbox`: list the records that cannot be sent, and try them again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import click
from safeconduct.cli.options import output_options
from safeconduct.cli.output import Output

from operations.error_messages import run
from operations.help import epilog

if TYPE_CHECKING:
    from operations.outbox.records import ParkedRecord

_DATABASES: Final = click.option(
    "--database",
    multiple=True,
    metavar="SERVICE=DSN",
    help="A database, for instance applications=postgresql://... Repeat it for each service."
    " SAFECONDUCT_AUDIT_<SERVICE>_URL does the same without a password on the command line.",
)
_REASON: Final = click.option(
    "--reason", default="", help="Only records with this reason, for instance RECORD_TOO_LARGE."
)
_SERVICE: Final = click.option("--service", default="", help="Only records of this service.")


@click.group()
def app() -> None:
    """List and retry records that cannot be sent. For operators.

    A record that Kafka refuses stays in its service's outbox, and behind it all later records of
    its stream. All other streams go on.
    """


@app.command(
    "list",
    epilog=epilog(
        "0 the list was printed",
        "outbox list",
        "outbox list --service screening --json",
        "outbox list --database screening=postgresql://app@db/s",
    ),
)
@_DATABASES
@_SERVICE
@_REASON
@output_options
def list_(database: tuple[str, ...], service: str, reason: str, out: Output) -> None:
    """List records that cannot be sent, oldest first.

    BEHIND is the number of later records of the same stream, which wait for it.
    """
    from operations.outbox.records import read_parked

    async def work() -> list[ParkedRecord]:
        return _chosen(await read_parked(_databases(database)), service, reason)

    found = run(work(), as_json=out.is_json)
    if out.quiet:
        print(*(each.id for each in found), sep="\n", end="\n" if found else "")
        return
    if out.printed({"parked": [_to_json(each) for each in found]}):
        return
    from safeconduct.cli.tables import show

    from operations.outbox.view import parked_table

    show(parked_table(found))


@app.command(
    "retry",
    epilog=epilog(
        "0 all chosen records were freed",
        "outbox retry applications/outbox/4711",
        "outbox retry --reason REFUSED_BY_BROKER --dry-run",
    ),
)
@click.argument("records", nargs=-1, metavar="[RECORD...]")
@_DATABASES
@_SERVICE
@_REASON
@click.option("--dry-run", is_flag=True, help="Print which would be freed; free none.")
@output_options
def retry_(
    records: tuple[str, ...],
    database: tuple[str, ...],
    service: str,
    reason: str,
    dry_run: bool,
    out: Output,
) -> None:
    """Let the relay send records again: the given ones, or all of a reason.

    The records behind them follow in their order. First remove the cause, for instance the size
    limit of the topic: a record that cannot be sent this time either is parked again.
    """
    from operations.outbox.records import read_parked, retry, select_by_id

    if bool(records) == bool(reason):
        raise click.BadParameter("give records or --reason, not both", param_hint="RECORD")

    async def work() -> list[ParkedRecord]:
        found = _databases(database)
        parked = await read_parked(found)
        given = select_by_id(parked, records) if records else parked
        chosen = _chosen(given, service, reason)
        if not dry_run:
            await retry(found, chosen)
        return chosen

    freed = run(work(), as_json=out.is_json)
    if out.printed({"retried": [each.id for each in freed], "dryRun": dry_run}):
        return
    from safeconduct.cli.tables import Column, rows, show

    heading = "WOULD BE SENT AGAIN" if dry_run else "SENT AGAIN"
    lines = [(each.id, str(each.behind)) for each in freed]
    show(rows((Column(heading, whole=True), Column("WITH RECORDS BEHIND")), lines))


def _databases(options: tuple[str, ...]) -> dict[str, str]:
    from operations.audit.databases import databases

    return databases(options, os.environ)


def _chosen(parked: list[ParkedRecord], service: str, reason: str) -> list[ParkedRecord]:
    return [
        each for each in parked if service in {"", each.service} and reason in {"", each.reason}
    ]


def _to_json(record: ParkedRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "service": record.service,
        "outbox": record.table,
        "streamId": None if record.stream_id is None else str(record.stream_id),
        "version": record.version,
        "eventType": record.event_type,
        "payloadBytes": record.payload_bytes,
        "traceId": record.trace_id,
        "reason": record.reason,
        "parkedAt": record.parked_at.isoformat().replace("+00:00", "Z"),
        "behind": record.behind,
    }
