"""`safeconduct audit`: verifies the audit log, and writes and checks case files."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from safeconduct.cli.failures import BROKEN
from safeconduct.cli.options import EXISTING_FILE, FILE, example, output_options
from safeconduct.cli.output import Output

from operations.complaints import run
from operations.environment import BOOTSTRAP_VARIABLES, check_bootstrap

if TYPE_CHECKING:
    from operations.audit.case_checks import CheckResult
    from operations.audit.verify import Progress, Report

SILENT_S: Final = 2.0
"""A run that takes longer than this prints its progress, and again each time so much has passed."""
_DATABASES: Final = click.option(
    "--database",
    multiple=True,
    metavar="SERVICE=DSN",
    help="Instead of SAFECONDUCT_AUDIT_<SERVICE>_URL, which hides the password.",
)


@click.group()
def app() -> None:
    """Verify the audit log, and write and check case files. For operators."""


@app.command(epilog=example("audit verify"))
@_DATABASES
@click.option(
    "--bootstrap",
    default="",
    envvar=BOOTSTRAP_VARIABLES,
    callback=check_bootstrap,
    metavar="HOST:PORT[,HOST:PORT]",
    help="Compare with the published records, too.",
)
@output_options
def verify(database: tuple[str, ...], bootstrap: str, out: Output) -> None:
    """Verify every hash chain of every service; exit 1 and name the rows that do not hold.

    Reads only: a role that may select from stream, event and outbox is enough.
    """
    from operations.audit.databases import databases
    from operations.audit.verify import verify as walk

    async def work() -> Report:
        return await walk(databases(database, os.environ), bootstrap, _progress())

    report = run(work(), as_json=out.is_json)
    if not out.printed(_document(report)):
        _show(report)
    raise click.exceptions.Exit(0 if report.ok else BROKEN)


@app.command(epilog=example("audit export 5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001 --out case.json"))
@click.argument("application_id", metavar="APPLICATION")
@click.option(
    "--out",
    "file",
    required=True,
    type=FILE,
    help="The case file; never replaced. It holds personal data.",
)
@click.option(
    "--codes",
    type=FILE,
    envvar="SAFECONDUCT_CONDUCT_CODES",
    help="Folder with the texts of the code of conduct, of all versions.",
)
@_DATABASES
@output_options
def export(
    application_id: str, file: Path, codes: Path | None, database: tuple[str, ...], out: Output
) -> None:
    """Write everything about one application into a file that `audit check` verifies without any of our systems.

    The license document and the keys are asked for with your certificate; the rest comes from the databases.
    """
    from operations.audit.case_file import write
    from operations.audit.databases import databases
    from operations.audit.export import collect

    async def work() -> str:
        return write(await collect(application_id, databases(database, os.environ), codes), file)

    digest = run(work(), as_json=out.is_json)
    if not out.printed({"file": str(file), "sha256": digest}, str(file)):
        from safeconduct.cli.tables import rows, show

        show(rows(("CASE FILE", "SHA-256"), [(str(file), digest)]))


@app.command(epilog=example("audit check case.json"))
@click.argument("file", type=EXISTING_FILE)
@output_options
def check(file: Path, out: Output) -> None:
    """Verify a case file offline; exit 1 and name what does not hold.

    What it cannot know is whose keys they are: compare the key ids it prints with those published.
    """
    from operations.audit.case_checks import check as judge
    from operations.audit.case_file import read

    async def work() -> tuple[CheckResult, ...]:
        return judge(read(file))

    verdicts = run(work(), as_json=out.is_json)
    ok = all(verdict.ok for verdict in verdicts)
    checks = [{"part": each.part, "holds": each.ok, "detail": each.detail} for each in verdicts]
    if not out.printed({"ok": ok, "checks": checks}):
        from safeconduct.cli.tables import rows, show

        lines = [
            (each.part, "holds" if each.ok else "DOES NOT HOLD", each.detail) for each in verdicts
        ]
        show(rows(("PART", "", "WHAT"), lines))
    raise click.exceptions.Exit(0 if ok else BROKEN)


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
                "waiting": covered.in_outbox,
                "broken": counted[name],
            }
            for name, covered in report.services.items()
        },
        "published": report.published,
        "foreign": report.unrecognized,
        "broken": [
            {
                "service": each.service,
                "streamId": str(each.stream_id),
                "version": each.fault.version,
                "kind": each.fault.kind,
                "detail": each.fault.detail,
            }
            for each in report.faults
        ],
    }


def _broken_by_service(report: Report) -> dict[str, int]:
    return {
        name: len({b.stream_id for b in report.faults if b.service == name})
        for name in report.services
    }


def _show(report: Report) -> None:
    from safeconduct.cli.tables import rows, show

    counted = _broken_by_service(report)
    lines: Sequence[tuple[str, ...]] = [
        (
            name,
            str(covered.streams),
            str(covered.events),
            str(covered.in_outbox),
            str(counted[name]),
        )
        for name, covered in report.services.items()
    ]
    show(rows(("SERVICE", "STREAMS", "EVENTS", "WAITING", "BROKEN"), lines))
    if report.published is not None:
        foreign = (
            f"; {report.unrecognized} record(s) that no service wrote"
            if report.unrecognized
            else ""
        )
        show(f"{report.published} published record(s) compared with what is stored{foreign}")
    if report.faults:
        broken = [
            (
                each.service,
                str(each.stream_id),
                str(each.fault.version),
                each.fault.kind,
                each.fault.detail,
            )
            for each in report.faults
        ]
        show("", rows(("SERVICE", "STREAM", "VERSION", "FAULT", "WHAT"), broken))
    show("every chain is whole" if report.ok else f"{len(report.faults)} fault(s)")
