"""`safeconduct dlq`: list dead letters, show one, send them on their way again."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Annotated, Any

import typer
from safeconduct.cli.output import Json, example, pairs, print_json, rows, show

from operations.complaints import Unusable, run
from operations.environment import BOOTSTRAP_VARIABLES, check_bootstrap

if TYPE_CHECKING:
    from operations.dlq.letters import Letter

app = typer.Typer(
    help="Dead letters: what could not be handled. For operators.", no_args_is_help=True
)

Bootstrap = Annotated[
    str,
    typer.Option(
        envvar=BOOTSTRAP_VARIABLES,
        callback=check_bootstrap,
        metavar="HOST:PORT[,HOST:PORT]",
        help="The brokers.",
    ),
]
FromTopic = Annotated[str, typer.Option("--topic", help="Only what came from this topic.")]
ForService = Annotated[
    str, typer.Option("--service", help="Only what this service could not handle.")
]
Reason = Annotated[
    str, typer.Option(help="Only letters with this reason, for instance HANDLER_FAILED.")
]


@app.command("list", epilog=example("dlq list --reason HANDLER_FAILED"))
def list_(
    bootstrap: Bootstrap = "",
    topic: FromTopic = "",
    service: ForService = "",
    reason: Reason = "",
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Only letters that were not sent again.")
    ] = False,
    json: Json = False,
) -> None:
    """List dead letters, oldest first: why, from where, when, and whether they were sent again."""
    from operations.dlq.post import Wanted, lying

    wanted = Wanted(topic, service, reason, waiting)

    async def work() -> list[Letter]:
        return [letter for letter in await lying(_brokers(bootstrap)) if wanted.takes(letter)]

    found = run(work(), as_json=json)
    if json:
        print_json({"letters": [_document(letter) for letter in found]})
        return
    lines = [
        (
            letter.id,
            letter.at[:19] + "Z" if letter.at else "",
            letter.reason,
            letter.error,
            letter.group,
            letter.event_type.rpartition(".")[2],
            letter.origin,
            letter.sent[-1].at[:19] + "Z" if letter.sent else "",
        )
        for letter in found
    ]
    show(
        rows(("LETTER", "SINCE", "REASON", "ERROR", "GROUP", "EVENT", "FROM", "SENT AGAIN"), lines)
    )


@app.command("show", epilog=example("dlq show safeconduct.applications.v1.dlq/0/3"))
def show_(
    letter: Annotated[str, typer.Argument(metavar="LETTER", help="As `dlq list` names it.")],
    bootstrap: Bootstrap = "",
    payload: Annotated[
        bool, typer.Option("--payload", help="Show the content too, which may hold personal data.")
    ] = False,
    json: Json = False,
) -> None:
    """Show one dead letter: headers, event, and of its content the size and the digest."""
    from operations.dlq.post import find

    (found,) = run(_found(find, bootstrap, [letter]), as_json=json)
    document = _document(found, with_payload=payload)
    if json:
        print_json(document)
        return
    headers = document.pop("headers")
    sent = document.pop("redriven")
    lines = [
        (name, value if isinstance(value, str) else str(value)) for name, value in document.items()
    ]
    lines += [("sent again", f"{each['at']} to {each['to']}") for each in sent]
    show(pairs([*lines, *((f"header {name}", str(value)) for name, value in headers.items())]))


@app.command("redrive", epilog=example("dlq redrive --reason HANDLER_FAILED --service screening"))
def redrive_(
    letters: Annotated[
        list[str] | None, typer.Argument(metavar="[LETTER...]", help="As `dlq list` names them.")
    ] = None,
    bootstrap: Bootstrap = "",
    topic: FromTopic = "",
    service: ForService = "",
    reason: Reason = "",
    again: Annotated[
        bool, typer.Option("--again", help="Also those that were sent again before.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say which, send none.")] = False,
    json: Json = False,
) -> None:
    """Send dead letters back to their topics: those named, or all of a reason.

    Only the service that could not handle a letter handles it, in a new trace that is linked to the old one. What it
    had handled meanwhile it does not handle again.
    """
    from operations.dlq.post import Wanted, find, lying, redrive

    if bool(letters) == bool(reason):
        raise typer.BadParameter("name letters, or give --reason", param_hint="LETTER")
    wanted = Wanted(topic, service, reason)

    async def work() -> tuple[dict[str, str], list[str]]:
        brokers = _brokers(bootstrap)
        found = await find(brokers, letters) if letters else await lying(brokers)
        chosen = [letter for letter in found if wanted.takes(letter)]
        waiting = [letter for letter in chosen if again or not letter.sent]
        left = [letter.id for letter in chosen if letter not in waiting]
        return (
            {letter.id: "" for letter in waiting} if dry_run else await redrive(brokers, waiting)
        ), left

    sent, left = run(work(), as_json=json)
    if json:
        print_json(
            {"redriven": [{"letter": name, "to": to} for name, to in sent.items()], "left": left}
        )
        return
    show(
        rows(
            ("LETTER", "WOULD BE SENT" if dry_run else "SENT TO"),
            [(name, to) for name, to in sent.items()],
        )
    )
    if left:
        show(f"{len(left)} were sent again before and were left; --again takes them too")


async def _found(find: Any, bootstrap: str, ids: list[str]) -> list[Letter]:
    found: list[Letter] = await find(_brokers(bootstrap), ids)
    return found


def _brokers(given: str) -> str:
    if not given:
        raise Unusable(
            "NOT_CONFIGURED",
            "No broker is named.",
            "Set SAFECONDUCT_KAFKA_BOOTSTRAP_SERVERS or give --bootstrap.",
        )
    return given


def _document(letter: Letter, *, with_payload: bool = False) -> dict[str, Any]:
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
        "was": letter.was,
        "bytes": len(value),
        "sha256": hashlib.sha256(value).hexdigest(),
        "redriven": [{"at": each.at, "to": each.to} for each in letter.sent],
        "headers": {
            name: None if raw is None else raw.decode(errors="backslashreplace")
            for name, raw in letter.record.headers.items()
        },
    }
    if with_payload:
        document |= {"payload": base64.b64encode(value).decode(), "says": _says(letter, value)}
    return document


def _says(letter: Letter, value: bytes) -> dict[str, Any] | None:
    """What the content says, if one of the contracts knows it."""
    from operations.audit.events import decoded, says

    package, _, name = letter.event_type.rpartition(".")
    parts = package.split(".")
    try:
        message = decoded(parts[1], name, value) if len(parts) > 1 else None
    except ValueError:
        return None
    return says(message) if message is not None else None
