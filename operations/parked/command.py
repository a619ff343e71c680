"""`safeconduct parked`: list, show, retry and drop parked events."""

from __future__ import annotations

import base64
import getpass
import hashlib
import os
from typing import TYPE_CHECKING, Any, Final

import click
from safeconduct.cli.options import output_options
from safeconduct.cli.output import Output

from operations.error_messages import run
from operations.help import epilog

if TYPE_CHECKING:
    from operations.parked.events import Parked

_DATABASE: Final = click.option(
    "--database",
    "given",
    multiple=True,
    metavar="SERVICE=DSN",
    help="A service's database; or set SAFECONDUCT_AUDIT_<SERVICE>_URL.",
)
_REASON: Final = click.option(
    "--reason", default="", help="Only streams that wait for this reason, e.g. HANDLER_FAILED."
)


@click.group()
def app() -> None:
    """List, show, retry and drop parked events. For operators.

    A parked event could not be handled. Later events of its stream wait behind it.
    """


@app.command(
    "list",
    epilog=epilog(
        "0 the list was printed",
        "parked list",
        "parked list --reason HANDLER_FAILED --json",
    ),
)
@_DATABASE
@_REASON
@output_options
def list_(given: tuple[str, ...], reason: str, out: Output) -> None:
    """List parked events: by stream, and in the order in which they will be handled."""
    from operations.parked.events import read_parked

    found = run(read_parked(_databases(given, out), reason), as_json=out.is_json)
    if out.quiet:
        print(*(each.id for each in found), sep="\n", end="\n" if found else "")
        return
    if out.printed({"parkedEvents": [_to_json(each) for each in found]}):
        return
    from safeconduct.cli.tables import show

    from operations.parked.view import parked_table

    show(parked_table(found))


@app.command(
    "show",
    epilog=epilog(
        "0 the event was printed",
        "parked show enforcement/12",
        "parked show enforcement/12 --payload --json",
    ),
)
@click.argument("name", metavar="PARKED_EVENT")
@_DATABASE
@click.option("--payload", is_flag=True, help="Print the payload, too; it may hold personal data.")
@output_options
def show_(name: str, given: tuple[str, ...], payload: bool, out: Output) -> None:
    """Show one parked event by its id: reason, origin, and size and digest of the payload."""
    from operations.parked.events import find_parked

    found = run(find_parked(_databases(given, out), name), as_json=out.is_json)
    document = _to_json(found, with_payload=payload)
    if out.printed(document, found.id):
        return
    from safeconduct.cli.tables import pairs, show

    show(pairs([(key, "" if value is None else str(value)) for key, value in document.items()]))


@app.command(
    "retry",
    epilog=epilog(
        "0 the services will try the streams within seconds",
        "parked retry enforcement/12",
        "parked retry --reason HANDLER_FAILED",
    ),
)
@click.argument("names", nargs=-1, metavar="[PARKED_EVENT...]")
@_DATABASE
@_REASON
@output_options
def retry_(names: tuple[str, ...], given: tuple[str, ...], reason: str, out: Output) -> None:
    """Try parked events again: the streams of the given ids, or all that wait for a reason.

    Each stream is tried from its first event on, so that the order is kept.
    """
    from operations.parked.events import read_parked, retry

    if bool(names) == bool(reason):
        raise click.BadParameter("give ids or --reason, not both", param_hint="PARKED_EVENT")
    databases = _databases(given, out)

    async def work() -> list[str]:
        chosen = names or tuple(each.id for each in await read_parked(databases, reason))
        return await retry(databases, list(chosen))

    retried = run(work(), as_json=out.is_json)
    if out.printed({"retried": retried}):
        return
    from safeconduct.cli.tables import rows, show

    show(rows(("FIRST EVENT OF THE STREAM",), [(each,) for each in retried]))


@app.command(
    "drop",
    epilog=epilog(
        "0 the event was dropped",
        'parked drop enforcement/12 --because "the license was never issued"',
    ),
)
@click.argument("name", metavar="PARKED_EVENT")
@_DATABASE
@click.option("--because", required=True, help="Reason, which is kept with the event.")
@output_options
def drop_(name: str, given: tuple[str, ...], because: str, out: Output) -> None:
    """Give up one parked event. It is never handled; the events behind it are tried.

    The event, your login name and the reason stay in the service's database.
    """
    from operations.parked.events import drop

    if not because.strip():
        raise click.BadParameter("the reason is empty", param_hint="--because")
    who = os.environ.get("SUDO_USER") or getpass.getuser()
    run(drop(_databases(given, out), name, who, because), as_json=out.is_json)
    if out.printed({"dropped": name, "droppedBy": who, "reason": because}, name):
        return
    print(f"{name} is dropped")


def _databases(given: tuple[str, ...], out: Output) -> dict[str, str]:
    from operations.audit.databases import databases

    async def read() -> dict[str, str]:
        return databases(given, os.environ)

    return run(read(), as_json=out.is_json)


def _time(at: Any) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at is not None else ""


def _to_json(parked: Parked, *, with_payload: bool = False) -> dict[str, Any]:
    event = parked.event
    document: dict[str, Any] = {
        "id": parked.id,
        "reason": event.reason,
        "error": event.error,
        "attempts": event.attempts,
        "parkedAt": _time(parked.parked_at),
        "retryAt": _time(parked.retry_at),
        "eventType": event.type,
        "eventId": str(event.event_id),
        "source": event.source,
        "stream": str(event.stream_id),
        "version": event.version,
        "origin": f"{event.topic}/{event.partition}/{event.offset}",
        "bytes": len(event.payload),
        "sha256": hashlib.sha256(event.payload).hexdigest(),
    }
    if with_payload:
        document["payload"] = base64.b64encode(event.payload).decode()
    return document
