"""`safeconduct dlq`: lists dead letters, shows one, and sends them again."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Final

import click
from safeconduct.cli.options import example, output_options
from safeconduct.cli.output import Output

from operations.complaints import Unusable, run
from operations.environment import BOOTSTRAP_VARIABLES, check_bootstrap

if TYPE_CHECKING:
    from operations.dlq.records import DeadLetter

_BOOTSTRAP: Final = click.option(
    "--bootstrap",
    default="",
    envvar=BOOTSTRAP_VARIABLES,
    callback=check_bootstrap,
    metavar="HOST:PORT[,HOST:PORT]",
    help="The brokers.",
)
_TOPIC: Final = click.option("--topic", default="", help="Only what came from this topic.")
_SERVICE: Final = click.option(
    "--service", default="", help="Only what this service could not handle."
)
_REASON: Final = click.option(
    "--reason", default="", help="Only letters with this reason, for instance HANDLER_FAILED."
)


@click.group()
def app() -> None:
    """Dead letters: records that a service could not handle. For operators."""


@app.command("list", epilog=example("dlq list --reason HANDLER_FAILED"))
@_BOOTSTRAP
@_TOPIC
@_SERVICE
@_REASON
@click.option("--waiting", is_flag=True, help="Only letters that were not sent again.")
@output_options
def list_(
    bootstrap: str, topic: str, service: str, reason: str, waiting: bool, out: Output
) -> None:
    """List dead letters, oldest first: why, from where, when, and whether they were sent again."""
    from operations.dlq.redrive import Filter, read_dead_letters

    wanted = Filter(topic, service, reason, waiting)

    async def work() -> list[DeadLetter]:
        return [
            letter
            for letter in await read_dead_letters(_brokers(bootstrap))
            if wanted.selects(letter)
        ]

    found = run(work(), as_json=out.is_json)
    if out.printed({"letters": [_document(letter) for letter in found]}):
        return
    from safeconduct.cli.tables import rows, show

    lines = [
        (
            letter.id,
            letter.at[:19] + "Z" if letter.at else "",
            letter.reason,
            letter.error,
            letter.group,
            letter.event_type.rpartition(".")[2],
            letter.origin,
            letter.redrives[-1].at[:19] + "Z" if letter.redrives else "",
        )
        for letter in found
    ]
    show(
        rows(("LETTER", "SINCE", "REASON", "ERROR", "GROUP", "EVENT", "FROM", "SENT AGAIN"), lines)
    )


@app.command("show", epilog=example("dlq show safeconduct.applications.v1.dlq/0/3"))
@click.argument("letter")
@_BOOTSTRAP
@click.option("--payload", is_flag=True, help="Show the content too, which may hold personal data.")
@output_options
def show_(letter: str, bootstrap: str, payload: bool, out: Output) -> None:
    """Show one dead letter: headers, event, and of its content the size and the digest."""
    from operations.dlq.redrive import find_dead_letters

    (found,) = run(_found(find_dead_letters, bootstrap, [letter]), as_json=out.is_json)
    document = _document(found, with_payload=payload)
    if out.printed(document, found.id):
        return
    from safeconduct.cli.tables import pairs, show

    headers = document.pop("headers")
    sent = document.pop("redriven")
    lines = [
        (name, value if isinstance(value, str) else str(value)) for name, value in document.items()
    ]
    lines += [("sent again", f"{each['at']} to {each['to']}") for each in sent]
    show(pairs([*lines, *((f"header {name}", str(value)) for name, value in headers.items())]))


@app.command("redrive", epilog=example("dlq redrive --reason HANDLER_FAILED --service screening"))
@click.argument("letters", nargs=-1, metavar="[LETTER...]")
@_BOOTSTRAP
@_TOPIC
@_SERVICE
@_REASON
@click.option("--again", is_flag=True, help="Also those that were sent again before.")
@click.option("--dry-run", is_flag=True, help="Print which letters would be sent; send none.")
@output_options
def redrive_(
    letters: tuple[str, ...],
    bootstrap: str,
    topic: str,
    service: str,
    reason: str,
    again: bool,
    dry_run: bool,
    out: Output,
) -> None:
    """Send dead letters back to their topics: those named, or all of a reason.

    Only the service that could not handle a letter handles it, in a new trace that is linked to the old one. What it
    had handled meanwhile it does not handle again.
    """
    from operations.dlq.redrive import Filter, find_dead_letters, read_dead_letters, redrive

    if bool(letters) == bool(reason):
        raise click.BadParameter("name letters, or give --reason", param_hint="LETTER")
    wanted = Filter(topic, service, reason)

    async def work() -> tuple[dict[str, str], list[str]]:
        brokers = _brokers(bootstrap)
        found = (
            await find_dead_letters(brokers, list(letters))
            if letters
            else await read_dead_letters(brokers)
        )
        chosen = [letter for letter in found if wanted.selects(letter)]
        waiting = [letter for letter in chosen if again or not letter.redrives]
        left = [letter.id for letter in chosen if letter not in waiting]
        return (
            {letter.id: "" for letter in waiting} if dry_run else await redrive(brokers, waiting)
        ), left

    sent, left = run(work(), as_json=out.is_json)
    redriven = [{"letter": name, "to": to} for name, to in sent.items()]
    if out.printed({"redriven": redriven, "left": left}):
        return
    from safeconduct.cli.tables import rows, show

    show(
        rows(
            ("LETTER", "WOULD BE SENT" if dry_run else "SENT TO"),
            [(name, to) for name, to in sent.items()],
        )
    )
    if left:
        show(f"{len(left)} were sent again before and were left; --again takes them too")


async def _found(find: Any, bootstrap: str, ids: list[str]) -> list[DeadLetter]:
    found: list[DeadLetter] = await find(_brokers(bootstrap), ids)
    return found


def _brokers(given: str) -> str:
    if not given:
        raise Unusable(
            "NOT_CONFIGURED",
            "No broker is named.",
            "Set SAFECONDUCT_KAFKA_BOOTSTRAP_SERVERS or give --bootstrap.",
        )
    return given


def _document(letter: DeadLetter, *, with_payload: bool = False) -> dict[str, Any]:
    value = letter.record.value or b""
    document: dict[str, Any] = {
        "letter": letter.id,
        "at": letter.at,
        "reason": letter.reason,
        "error": letter.error,
        "attempts": letter.attempts,
        "group": letter.group,
        "origin": letter.origin,
        "eventType": letter.event_type,
        "eventId": letter.event_id,
        "subject": letter.subject,
        "traceId": letter.trace_id,
        "was": letter.previous_id,
        "bytes": len(value),
        "sha256": hashlib.sha256(value).hexdigest(),
        "redriven": [{"at": each.at, "to": each.to} for each in letter.redrives],
        "headers": {
            name: None if raw is None else raw.decode(errors="backslashreplace")
            for name, raw in letter.record.headers.items()
        },
    }
    if with_payload:
        document |= {"payload": base64.b64encode(value).decode(), "says": _says(letter, value)}
    return document


def _says(letter: DeadLetter, value: bytes) -> dict[str, Any] | None:
    """What the content says, if one of the contracts knows it."""
    from operations.audit.events import decode_event, to_json

    package, _, name = letter.event_type.rpartition(".")
    parts = package.split(".")
    try:
        message = decode_event(parts[1], name, value) if len(parts) > 1 else None
    except ValueError:
        return None
    return to_json(message) if message is not None else None
