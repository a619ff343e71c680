"""`safeconduct audit replay`: evaluate kept facts under kept policy texts again."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import click
from safeconduct.bounded_file import read_bounded
from safeconduct.cli.options import EXISTING_FILE, output_options
from safeconduct.cli.output import Output

from operations.error_messages import InputError, run
from operations.help import epilog

if TYPE_CHECKING:
    from operations.audit.journal_reader import AuditedStream, SnapshotReader
    from operations.audit.replay import Progress, Report
    from operations.audit.texts import Texts

MAX_BYTES: Final = 16 * 1024 * 1024
PROGRESS_S: Final = 2.0
"""Interval of progress messages. A shorter run prints none."""


@dataclass(frozen=True, slots=True)
class ChangedText:
    """A kept text that outcomes rest on and that is not the present one of its kind."""

    kind: str
    file_name: str
    kept_version: str
    kept_digest: str
    present: str
    """SHA-256 of the present text, hexadecimal. Empty if no present text is known."""
    present_source: str
    """The present file's name, or its path if it was given."""
    outcomes: int


@click.command(
    epilog=epilog(
        "0 every outcome follows from its facts and its policy; 1 one does not; 3 none contradicts,"
        " but some outcomes of earlier releases have no kept facts",
        "audit replay 5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001",
        "audit replay --all --json",
        "audit replay --all --policy-file /etc/safeconduct/policy.yaml",
    )
)
@click.argument("application_id", metavar="[APPLICATION]", default="")
@click.option("--all", "is_all", is_flag=True, help="Replay all applications.")
@click.option(
    "--policy-file",
    type=EXISTING_FILE,
    envvar="SAFECONDUCT_POLICY_FILE",
    help="The present policy file. By default the text that the service last started with.",
)
@click.option(
    "--reference-data-file",
    type=EXISTING_FILE,
    envvar="SAFECONDUCT_REFERENCE_DATA_FILE",
    help="The present reference data file. By default as for the policy.",
)
@click.option(
    "--database",
    multiple=True,
    metavar="SERVICE=DSN",
    help="The database applications=postgresql://..., or set SAFECONDUCT_AUDIT_APPLICATIONS_URL.",
)
@output_options
def replay(
    application_id: str,
    is_all: bool,
    policy_file: Path | None,
    reference_data_file: Path | None,
    database: tuple[str, ...],
    out: Output,
) -> None:
    """Evaluate the kept facts of decisions under the kept policy again.

    The rules must be those that were stored, byte for byte. Texts that have changed since are
    named, and are no fault: a decision rests on the text of its day.
    """
    from safeconduct.cli.failures import BROKEN, REFUSED

    from operations.audit.databases import database_of, databases
    from operations.audit.journal_reader import open_snapshot
    from operations.audit.replay import Report, Result
    from operations.audit.replay import replay as replay_all
    from operations.audit.texts import TextKind

    async def work() -> tuple[Report, list[ChangedText]]:
        wanted = _wanted(application_id, is_all=is_all)
        files = {TextKind.POLICY: policy_file, TextKind.REFERENCE_DATA: reference_data_file}
        present = {
            kind.value: (str(file), hashlib.sha256(read_bounded(file, MAX_BYTES)).hexdigest())
            for kind, file in files.items()
            if file is not None
        }
        dsn = database_of("applications", databases(database, os.environ))
        report = Report(keeps_all=not is_all)
        async with open_snapshot(dsn) as journal:
            texts = await journal.texts()
            await replay_all(_streams(journal, wanted), texts, report, _progress())
        return report, _changed(report, texts, present)

    report, changed = run(work(), as_json=out.is_json)
    if not out.printed(_to_json(report, changed)):
        _show(report, changed)
    incomplete = REFUSED if report.counts[Result.NO_FACTS] else 0
    raise click.exceptions.Exit(BROKEN if report.has_faults else incomplete)


def _wanted(application_id: str, *, is_all: bool) -> UUID | None:
    """Returns the id of the one application, or None for all. Raises InputError."""
    if is_all == bool(application_id):
        raise InputError("APPLICATION", "Name one APPLICATION, or give --all.")
    try:
        return UUID(application_id) if application_id else None
    except ValueError:
        raise InputError(
            "APPLICATION", f"{application_id!r} is not an application id; it must be a UUID"
        ) from None


async def _streams(journal: SnapshotReader, wanted: UUID | None) -> AsyncIterator[AuditedStream]:
    if wanted is None:
        async for each in journal.streams():
            yield each
        return
    found = await journal.stream(wanted)
    if found is None:
        raise InputError("APPLICATION", f"there is no application {wanted}")
    yield found


def _changed(
    report: Report, texts: Texts, present: Mapping[str, tuple[str, str]]
) -> list[ChangedText]:
    """Returns the texts that outcomes rest on and that are not the present ones of their kinds."""
    in_use = {
        each.kind: (each.file_name, each.digest.hex()) for each in texts.values() if each.is_in_use
    } | dict(present)
    found: list[ChangedText] = []
    for (kind, digest), outcomes in sorted(report.uses.items()):
        source, now = in_use.get(kind.value, ("", ""))
        if now == digest.hex():
            continue
        kept = texts.get(digest)
        name, version = (kept.file_name, kept.version) if kept is not None else ("", "")
        found.append(ChangedText(kind.value, name, version, digest.hex(), now, source, outcomes))
    return found


def _progress() -> Progress:
    printed = time.monotonic()

    def report(applications: int, outcomes: int) -> None:
        nonlocal printed
        if time.monotonic() - printed > PROGRESS_S:
            printed = time.monotonic()
            print(f"{applications} applications, {outcomes} outcomes", file=sys.stderr, flush=True)

    return report


def _to_json(report: Report, changed: list[ChangedText]) -> dict[str, Any]:
    from operations.audit.replay import Result

    return {
        "ok": not report.has_faults,
        "applications": report.applications,
        "outcomes": {each.value: report.counts[each] for each in Result},
        "replays": [
            {
                "applicationId": str(each.application_id),
                "version": each.version,
                "event": each.event,
                "result": each.result.value,
                "detail": each.detail,
            }
            for each in report.replays
        ],
        "changedTexts": [
            {
                "kind": each.kind,
                "fileName": each.file_name,
                "keptVersion": each.kept_version,
                "keptDigest": each.kept_digest,
                "presentDigest": each.present,
                "presentFile": each.present_source,
                "outcomes": each.outcomes,
            }
            for each in changed
        ],
    }


def _show(report: Report, changed: list[ChangedText]) -> None:
    from safeconduct.cli.tables import Column, rows, show

    from operations.audit.replay import LEGEND

    columns = (
        Column("APPLICATION", whole=True), Column("VERSION"), Column("EVENT"), Column("RESULT"),
        Column("DETAIL", rank=1, least=20),
    )  # fmt: skip
    lines = [
        (str(each.application_id), str(each.version), each.event, each.result.value, each.detail)
        for each in report.replays
    ]
    if lines:
        show(rows(columns, lines), "")
    if changed:
        names = (
            "FILE", "KIND", Column("KEPT", whole=True), Column("PRESENT", whole=True), "OUTCOMES",
        )  # fmt: skip
        texts = [
            (each.file_name, each.kind, each.kept_digest, each.present, str(each.outcomes))
            for each in changed
        ]
        show("These texts have changed since:", rows(names, texts), "")
    show(*(f"{each}: {LEGEND[each]}" for each in sorted(report.counts) if report.counts[each]), "")
    counts = ", ".join(f"{report.counts[each]} {each}" for each in sorted(report.counts))
    show(f"{report.applications} applications: {counts or 'no outcome of policy'}")
