"""`safeconduct dlq`: list, show and redrive dead letters."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Final

import click
from safeconduct.cli.options import output_options
from safeconduct.cli.output import Output

from chassis.transport.brokers import Bootstrap
from operations.environment import BOOTSTRAP_VARIABLES, check_bootstrap
from operations.error_messages import InputError, run
from operations.help import epilog

if TYPE_CHECKING:
    from operations.dlq.records import DeadLetter

_BOOTSTRAP: Final = click.option(
    "--bootstrap",
    default="",
    envvar=BOOTSTRAP_VARIABLES,
    callback=check_bootstrap,
    metavar="HOST:PORT[,HOST:PORT]",
    help=f"The Kafka brokers; or set {BOOTSTRAP_VARIABLES[0]}.",
)
_TOPIC: Final = click.option(
    "--topic", default="", help="Only records that were consumed from this topic."
)
_SERVICE: Final = click.option(
    "--service", default="", help="Only records that this service could not handle."
)
_REASON: Final = click.option(
    "--reason", default="", help="Only dead letters with this reason, for instance HANDLER_FAILED."
)


@click.group()
def app() -> None:
    """List, show and redrive dead letters. For operators.

    A dead letter is a record without readable headers. An event that a service cannot handle is
    listed by `safeconduct parked`.
    """


@app.command(
    "list",
    epilog=epilog(
        "0 the list was printed",
        "dlq list --waiting",
        "dlq list --service screening --reason HANDLER_FAILED --json",
    ),
)
@_BOOTSTRAP
@_TOPIC
@_SERVICE
@_REASON
@click.option("--waiting", is_flag=True, help="Only dead letters that were never redriven.")
@output_options
def list_(
    bootstrap: Bootstrap, topic: str, service: str, reason: str, waiting: bool, out: Output
) -> None:
    """List dead letters, oldest first."""
    from operations.dlq.redrive import Filter, read_dead_letters

    chosen = Filter(topic, service, reason, waiting)

    async def work() -> list[DeadLetter]:
        return [
            each for each in await read_dead_letters(_brokers(bootstrap)) if chosen.selects(each)
        ]

    found = run(work(), as_json=out.is_json)
    if out.quiet:
        print(*(each.id for each in found), sep="\n", end="\n" if found else "")
        return
    if out.printed({"deadLetters": [_to_json(each) for each in found]}):
        return
    from safeconduct.cli.tables import Column, rows, show

    columns = (
        Column("DEAD LETTER", whole=True), Column("REASON"), Column("SERVICE"),
        Column("SINCE", rank=1), Column("REDRIVEN", rank=2), Column("EVENT", rank=3),
        Column("ERROR", rank=4), Column("ORIGIN", rank=5),
    )  # fmt: skip
    lines = [
        (
            each.id,
            each.reason,
            each.group.rpartition(".")[2],
            _to_the_second(each.at),
            _to_the_second(each.redrives[-1].at) if each.redrives else "",
            each.event_type.rpartition(".")[2],
            each.error,
            each.origin,
        )
        for each in found
    ]
    show(rows(columns, lines))


@app.command(
    "show",
    epilog=epilog(
        "0 the dead letter was printed",
        "dlq show safeconduct.applications.v1.dlq/0/3",
        "dlq show safeconduct.applications.v1.dlq/0/3 --payload --json",
    ),
)
@click.argument("dead_letter", metavar="DEAD_LETTER")
@_BOOTSTRAP
@click.option("--payload", is_flag=True, help="Print the payload, too; it may hold personal data.")
@output_options
def show_(dead_letter: str, bootstrap: Bootstrap, payload: bool, out: Output) -> None:
    """Show one dead letter by its id: headers, event, and size and digest of the payload."""
    from operations.dlq.redrive import find_dead_letters

    async def work() -> list[DeadLetter]:
        return await find_dead_letters(_brokers(bootstrap), [dead_letter])

    (found,) = run(work(), as_json=out.is_json)
    document = _to_json(found, with_payload=payload)
    if out.printed(document, found.id):
        return
    from safeconduct.cli.tables import pairs, show

    headers = document.pop("headers")
    redrives = document.pop("redrives")
    lines = [
        (name, value if isinstance(value, str) else str(value)) for name, value in document.items()
    ]
    lines += [("redriven", f"{each['at']} to {each['to']}") for each in redrives]
    show(pairs([*lines, *((f"header {name}", str(value)) for name, value in headers.items())]))


@app.command(
    "redrive",
    epilog=epilog(
        "0 all chosen dead letters were redriven",
        "dlq redrive safeconduct.applications.v1.dlq/0/3",
        "dlq redrive --reason HANDLER_FAILED --dry-run",
    ),
)
@click.argument("dead_letters", nargs=-1, metavar="[DEAD_LETTER...]")
@_BOOTSTRAP
@_TOPIC
@_SERVICE
@_REASON
@click.option("--again", is_flag=True, help="Also dead letters that were redriven before.")
@click.option("--dry-run", is_flag=True, help="Print which would be redriven; redrive none.")
@output_options
def redrive_(
    dead_letters: tuple[str, ...],
    bootstrap: Bootstrap,
    topic: str,
    service: str,
    reason: str,
    again: bool,
    dry_run: bool,
    out: Output,
) -> None:
    """Publish dead letters to their topics again: the given ids, or all of a reason.

    Only the service that could not handle a record receives it, in a new trace that is linked to
    the old one. If the service has handled the event or a later one of its stream
    meanwhile, nothing changes.
    """
    from operations.dlq.redrive import Filter, find_dead_letters, read_dead_letters, redrive

    if bool(dead_letters) == bool(reason):
        raise click.BadParameter("give ids or --reason, not both", param_hint="DEAD_LETTER")
    chosen = Filter(topic, service, reason)

    async def work() -> tuple[dict[str, str], list[str]]:
        brokers = _brokers(bootstrap)
        found = (
            await find_dead_letters(brokers, dead_letters)
            if dead_letters
            else await read_dead_letters(brokers)
        )
        selected = [each for each in found if chosen.selects(each)]
        due = [each for each in selected if again or not each.redrives]
        skipped = [each.id for each in selected if each not in due]
        redriven = {each.id: "" for each in due} if dry_run else await redrive(brokers, due)
        return redriven, skipped

    redriven, skipped = run(work(), as_json=out.is_json)
    document = {
        "redriven": [{"id": name, "to": to} for name, to in redriven.items()],
        "skipped": skipped,
    }
    if out.printed(document):
        return
    from safeconduct.cli.tables import rows, show

    heading = "WOULD BE REDRIVEN" if dry_run else "REDRIVEN TO"
    show(rows(("DEAD LETTER", heading), list(redriven.items())))
    if skipped:
        show(f"{len(skipped)} were redriven before and skipped; --again includes them")


def _brokers(bootstrap: Bootstrap) -> Bootstrap:
    if not bootstrap:
        raise InputError(
            "NOT_CONFIGURED",
            "No Kafka broker is configured.",
            f"Set {BOOTSTRAP_VARIABLES[0]} or --bootstrap.",
        )
    return bootstrap


def _to_the_second(time: str) -> str:
    return time[:19] + "Z" if time else ""


def _to_json(dead_letter: DeadLetter, *, with_payload: bool = False) -> dict[str, Any]:
    value = dead_letter.record.value or b""
    document: dict[str, Any] = {
        "id": dead_letter.id,
        "at": dead_letter.at,
        "reason": dead_letter.reason,
        "error": dead_letter.error,
        "attempts": dead_letter.attempts,
        "group": dead_letter.group,
        "origin": dead_letter.origin,
        "eventType": dead_letter.event_type,
        "eventId": dead_letter.event_id,
        "subject": dead_letter.subject,
        "traceId": dead_letter.trace_id,
        "previousId": dead_letter.previous_id,
        "bytes": len(value),
        "sha256": hashlib.sha256(value).hexdigest(),
        "redrives": [{"at": each.at, "to": each.to} for each in dead_letter.redrives],
        "headers": {
            name: None if raw is None else raw.decode(errors="backslashreplace")
            for name, raw in dead_letter.record.headers.items()
        },
    }
    if with_payload:
        content = _decoded_payload(dead_letter, value)
        document |= {"payload": base64.b64encode(value).decode(), "content": content}
    return document


def _decoded_payload(dead_letter: DeadLetter, value: bytes) -> dict[str, Any] | None:
    """Returns the payload as proto3 JSON; None if the contracts do not know it."""
    from operations.audit.events import decode_event, to_json

    package, _, name = dead_letter.event_type.rpartition(".")
    parts = package.split(".")
    try:
        message = decode_event(parts[1], name, value) if len(parts) > 1 else None
    except ValueError:
        return None
    return to_json(message) if message is not None else None
