"""`safeconduct audit`: walk the chains, write a case file, check one."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from safeconduct.cli.failures import BROKEN
from safeconduct.cli.output import Json, example, print_json, rows, show

from operations.complaints import run
from operations.environment import BOOTSTRAP_VARIABLES, check_bootstrap

if TYPE_CHECKING:
    from operations.audit.check import Verdict
    from operations.audit.verify import Progress, Report

app = typer.Typer(
    help="Check that what is recorded is what happened. For operators.", no_args_is_help=True
)

Databases = Annotated[
    list[str] | None,
    typer.Option(
        "--database",
        metavar="SERVICE=DSN",
        help="Instead of SAFECONDUCT_AUDIT_<SERVICE>_URL, which hides the password.",
    ),
]
SILENT_S: Final = 2.0
"""A run that takes longer than this says how far it has come, and again each time so much has passed."""


@app.command(epilog=example("audit verify"))
def verify(
    database: Databases = None,
    bootstrap: Annotated[
        str,
        typer.Option(
            envvar=BOOTSTRAP_VARIABLES,
            callback=check_bootstrap,
            help="Compare with what was published, too.",
        ),
    ] = "",
    json: Json = False,
) -> None:
    """Walk every chain of every service; exit 1 and name the rows when something does not hold.

    Reads only: a role that may select from stream, event and outbox is enough.
    """
    from operations.audit.databases import databases
    from operations.audit.verify import verify as walk

    async def work() -> Report:
        return await walk(databases(database or (), os.environ), bootstrap, _progress())

    report = run(work(), as_json=json)
    if json:
        print_json(_document(report))
    else:
        _show(report)
    raise typer.Exit(0 if report.ok else BROKEN)


@app.command(epilog=example("audit export 5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001 --out case.json"))
def export(
    application_id: Annotated[str, typer.Argument(metavar="APPLICATION", help="Application id.")],
    out: Annotated[
        Path, typer.Option(help="The case file; never replaced. It holds personal data.")
    ],
    codes: Annotated[
        Path | None,
        typer.Option(
            envvar="SAFECONDUCT_CONDUCT_CODES",
            help="Folder with the texts of the code of conduct, of all versions.",
        ),
    ] = None,
    database: Databases = None,
    json: Json = False,
) -> None:
    """Write everything about one application into a file that `audit check` verifies without any of our systems.

    The license document and the keys are asked for with your certificate; the rest comes from the databases.
    """
    from operations.audit.casefile import write
    from operations.audit.databases import databases
    from operations.audit.export import collect

    async def work() -> str:
        return write(
            await collect(application_id, databases(database or (), os.environ), codes), out
        )

    digest = run(work(), as_json=json)
    if json:
        print_json({"file": str(out), "sha256": digest})
    else:
        show(rows(("CASE FILE", "SHA-256"), [(str(out), digest)]))


@app.command(epilog=example("audit check case.json"))
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A case file.")], json: Json = False
) -> None:
    """Verify a case file offline; exit 1 and name what does not hold.

    What it cannot know is whose keys they are: compare the key ids it prints with those published.
    """
    from operations.audit.casefile import read
    from operations.audit.check import check as judge

    async def work() -> tuple[Verdict, ...]:
        return judge(read(file))

    verdicts = run(work(), as_json=json)
    ok = all(verdict.holds for verdict in verdicts)
    if json:
        checks = [
            {"part": each.part, "holds": each.holds, "detail": each.detail} for each in verdicts
        ]
        print_json({"ok": ok, "checks": checks})
    else:
        lines = [
            (each.part, "holds" if each.holds else "DOES NOT HOLD", each.detail)
            for each in verdicts
        ]
        show(rows(("PART", "", "WHAT"), lines))
    raise typer.Exit(0 if ok else BROKEN)


def _progress() -> Progress:
    said = time.monotonic()

    def tell(service: str, streams: int, events: int) -> None:
        nonlocal said
        if time.monotonic() - said > SILENT_S:
            said = time.monotonic()
            print(
                f"{service}: {streams} streams, {events} events so far", file=sys.stderr, flush=True
            )

    return tell


def _document(report: Report) -> dict[str, Any]:
    counted = _broken_by_service(report)
    return {
        "ok": report.ok,
        "services": {
            name: {
                "streams": covered.streams,
                "events": covered.events,
                "waiting": covered.waiting,
                "broken": counted[name],
            }
            for name, covered in report.services.items()
        },
        "published": report.published,
        "foreign": report.foreign,
        "broken": [
            {
                "service": each.service,
                "streamId": str(each.stream_id),
                "version": each.fault.version,
                "kind": each.fault.kind,
                "detail": each.fault.detail,
            }
            for each in report.broken
        ],
    }


def _broken_by_service(report: Report) -> dict[str, int]:
    return {
        name: len({b.stream_id for b in report.broken if b.service == name})
        for name in report.services
    }


def _show(report: Report) -> None:
    counted = _broken_by_service(report)
    lines: Sequence[tuple[str, ...]] = [
        (name, str(covered.streams), str(covered.events), str(covered.waiting), str(counted[name]))
        for name, covered in report.services.items()
    ]
    show(rows(("SERVICE", "STREAMS", "EVENTS", "WAITING", "BROKEN"), lines))
    if report.published is not None:
        foreign = f"; {report.foreign} record(s) that no service wrote" if report.foreign else ""
        show(f"{report.published} published record(s) compared with what is stored{foreign}")
    if report.broken:
        broken = [
            (
                each.service,
                str(each.stream_id),
                str(each.fault.version),
                each.fault.kind,
                each.fault.detail,
            )
            for each in report.broken
        ]
        show("", rows(("SERVICE", "STREAM", "VERSION", "FAULT", "WHAT"), broken))
    show("every chain is whole" if report.ok else f"{len(report.broken)} fault(s)")
