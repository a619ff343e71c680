"""`safeconduct audit`: verify the audit log, and write and check case files."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from safeconduct.cli.failures import BROKEN, REFUSED
from safeconduct.cli.options import EXISTING_FILE, FILE, output_options
from safeconduct.cli.output import Output

from chassis.transport.brokers import Bootstrap
from operations.audit.replay_command import replay
from operations.audit.text_command import text
from operations.environment import BOOTSTRAP_VARIABLES, check_bootstrap
from operations.error_messages import run
from operations.help import epilog

if TYPE_CHECKING:
    from operations.audit.case_checks import CheckResult
    from operations.audit.case_trust import Trust
    from operations.audit.checkpoint import Checkpoint
    from operations.audit.verify import Progress, Report

PROGRESS_S: Final = 2.0
"""Interval of progress messages. A shorter run prints none."""
_DATABASES: Final = click.option(
    "--database",
    multiple=True,
    metavar="SERVICE=DSN",
    help="A database, for instance applications=postgresql://... Repeat it for each service."
    " SAFECONDUCT_AUDIT_<SERVICE>_URL does the same without a password on the command line.",
)


_KEYS: Final = click.option(
    "--keys",
    "key_files",
    multiple=True,
    type=FILE,
    help="Trusted public keys: output of `licenses keys --json`, or a PEM file. Repeatable.",
)
_CHECKPOINT: Final = click.option(
    "--checkpoint",
    "checkpoint_file",
    type=FILE,
    help="A checkpoint of `audit checkpoint`; --keys must have its key.",
)


@click.group()
def app() -> None:
    """Verify the audit log, and write and check case files. For operators."""


app.add_command(replay)
app.add_command(text)


@app.command(
    epilog=epilog(
        "0 no faults; 1 faults were found",
        "audit verify",
        "audit verify --bootstrap broker-1:9092 --json",
        "audit verify --database screening=postgresql://audit@db/s",
        "audit verify --checkpoint monday --keys auditor.pem",
    )
)
@_DATABASES
@_CHECKPOINT
@_KEYS
@click.option(
    "--bootstrap",
    default="",
    envvar=BOOTSTRAP_VARIABLES,
    callback=check_bootstrap,
    metavar="HOST:PORT[,HOST:PORT]",
    help="Kafka brokers: compare the published events with the stored ones, too.",
)
@output_options
def verify(
    database: tuple[str, ...],
    bootstrap: Bootstrap,
    checkpoint_file: Path | None,
    key_files: tuple[Path, ...],
    out: Output,
) -> None:
    """Verify every hash chain of every service.

    It prints each fault with its service, stream and version. It only reads: a role that may select
    from the tables stream, event and outbox is enough.
    """
    from operations.audit.databases import databases
    from operations.audit.verify import verify as verify_all

    async def work() -> Report:
        found = databases(database, os.environ)
        checkpoint = _read_checkpoint(checkpoint_file, key_files, ())
        return await verify_all(found, bootstrap, _progress(), checkpoint)

    report = run(work(), as_json=out.is_json)
    if not out.printed(_to_json(report)):
        _show(report)
    raise click.exceptions.Exit(0 if report.ok else BROKEN)


@app.command(
    epilog=epilog(
        "0 the file was written",
        "audit export 5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001 --out c.json",
    )
)
@click.argument("application_id", metavar="APPLICATION")
@click.option(
    "--out",
    "file",
    required=True,
    type=FILE,
    help="The new case file; an existing file is never overwritten. It holds personal data.",
)
@click.option(
    "--codes",
    type=FILE,
    envvar="SAFECONDUCT_CONDUCT_CODES",
    help="Folder with the texts of all versions of the code of conduct.",
)
@_DATABASES
@output_options
def export(
    application_id: str, file: Path, codes: Path | None, database: tuple[str, ...], out: Output
) -> None:
    """Write everything about one application into a case file.

    `audit check` verifies the file without any other system. The license document and the keys are
    requested with your certificate; everything else is read from the databases.
    """
    from operations.audit.case_file import write
    from operations.audit.databases import databases
    from operations.audit.export import collect

    async def work() -> str:
        return write(await collect(application_id, databases(database, os.environ), codes), file)

    digest = run(work(), as_json=out.is_json)
    if not out.printed({"file": str(file), "sha256": digest}, str(file)):
        from safeconduct.cli.tables import pairs, show

        show(pairs([("case file", str(file)), ("SHA-256", digest)]))


@app.command(
    epilog=epilog(
        "0 the checkpoint was written",
        "audit checkpoint --signing-key auditor.pem --out monday",
    )
)
@click.option(
    "--signing-key",
    "key_file",
    required=True,
    type=FILE,
    envvar="SAFECONDUCT_AUDIT_SIGNING_KEY",
    help="The auditor's Ed25519 private key, PEM.",
)
@click.option("--out", "file", required=True, type=FILE, help="The new file; none is overwritten.")
@_DATABASES
@output_options
def checkpoint(key_file: Path, file: Path, database: tuple[str, ...], out: Output) -> None:
    """Write the newest hash of every chain into a signed file.

    Keep it where the operators of the databases cannot change it. `audit verify` and `audit check`
    compare chains with it later. Run `audit verify` before. The file holds no personal data.
    """
    from datetime import UTC, datetime

    from safeconduct.conduct import load_key

    from operations.audit.databases import databases
    from operations.audit.verify import take_checkpoint

    key = load_key(key_file)

    async def work() -> Mapping[str, int]:
        found = databases(database, os.environ)
        return await take_checkpoint(found, file, key, datetime.now(UTC))

    streams = run(work(), as_json=out.is_json)
    if not out.printed({"file": str(file), "streams": dict(streams)}, str(file)):
        from safeconduct.cli.tables import pairs, show

        counts = [(name, f"{count} streams") for name, count in streams.items()]
        show(pairs([("checkpoint", str(file)), *counts]))


@app.command(
    epilog=epilog(
        "0 every check passed and its keys are trusted; 1 a check failed;"
        " 3 consistent in itself, keys not trusted",
        "audit check case.json --keys published.json",
        "audit check case.json --trusted-key B3f1wFHEbN0a1nJ0YQ",
        "audit check case.json --checkpoint monday --keys auditor.pem",
        is_offline=True,
    )
)
@click.argument("file", type=EXISTING_FILE)
@_KEYS
@click.option(
    "--trusted-key",
    "key_ids",
    multiple=True,
    metavar="ID",
    help="Id of a trusted key, its RFC 7638 thumbprint. Repeatable.",
)
@_CHECKPOINT
@output_options
def check(
    file: Path,
    key_files: tuple[Path, ...],
    key_ids: tuple[str, ...],
    checkpoint_file: Path | None,
    out: Output,
) -> None:
    """Check a case file offline.

    A file that was forged as a whole is consistent in itself. Name the published keys, or a
    checkpoint, from another source than the file.
    """
    from operations.audit.case_checks import CheckResult
    from operations.audit.case_checks import check as check_file
    from operations.audit.case_file import read
    from operations.audit.case_trust import find_trust
    from operations.audit.trusted_keys import read_trusted_keys

    async def work() -> tuple[list[CheckResult], Trust]:
        content, trusted = read(file), read_trusted_keys(key_files, key_ids)
        found = find_trust(content, trusted, _read_checkpoint(checkpoint_file, key_files, key_ids))
        results = list(check_file(content))
        if checkpoint_file is not None:
            detail = found.summary if found.faults else "it does not contradict the checkpoint"
            results.append(CheckResult("checkpoint", not found.faults, detail))
        return results, found

    results, trust = run(work(), as_json=out.is_json)
    ok = all(result.ok for result in results)
    is_trusted = ok and trust.is_given
    checks = [{"part": each.part, "ok": each.ok, "detail": each.detail} for each in results]
    document = {"ok": ok, "trusted": is_trusted, "trust": trust.summary, "checks": checks}
    if not out.printed(document):
        from safeconduct.cli.tables import rows, show

        lines = [(each.part, "ok" if each.ok else "FAILED", each.detail) for each in results]
        show(rows(("CHECK", "RESULT", "DETAIL"), lines), "")
        show(trust.summary if ok else "the file is not what was recorded")
    raise click.exceptions.Exit((0 if is_trusted else REFUSED) if ok else BROKEN)


def _read_checkpoint(
    file: Path | None, key_files: tuple[Path, ...], key_ids: tuple[str, ...]
) -> Checkpoint | None:
    """Returns the verified checkpoint, if one was named. Raises InputError."""
    if file is None:
        return None
    from operations.audit.checkpoint import read
    from operations.audit.trusted_keys import read_trusted_keys

    return read(file, read_trusted_keys(key_files, key_ids))


def _progress() -> Progress:
    printed = time.monotonic()

    def report(service: str, streams: int, events: int) -> None:
        nonlocal printed
        if time.monotonic() - printed > PROGRESS_S:
            printed = time.monotonic()
            print(f"{service}: {streams} streams, {events} events", file=sys.stderr, flush=True)

    return report


def _to_json(report: Report) -> dict[str, Any]:
    faulty = _faulty_streams(report)
    return {
        "ok": report.ok,
        "services": {
            name: {
                "streams": counts.streams,
                "events": counts.events,
                "inOutbox": counts.in_outbox,
                "faultyStreams": faulty[name],
            }
            for name, counts in report.services.items()
        },
        "published": report.published,
        "unrecognized": report.unrecognized,
        "checkpointed": report.checkpointed,
        "texts": report.texts,
        "textFaults": [
            {"digest": each.digest, "detail": each.detail} for each in report.text_faults
        ],
        "faults": [
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


def _faulty_streams(report: Report) -> dict[str, int]:
    return {
        name: len({each.stream_id for each in report.faults if each.service == name})
        for name in report.services
    }


def _show(report: Report) -> None:
    from safeconduct.cli.tables import Column, rows, show

    from operations.audit.chain_faults import LEGEND

    faulty = _faulty_streams(report)
    lines = [
        (name, *map(str, (counts.streams, counts.events, counts.in_outbox, faulty[name])))
        for name, counts in report.services.items()
    ]
    show(rows(("SERVICE", "STREAMS", "EVENTS", "IN OUTBOX", "FAULTY STREAMS"), lines))
    if report.published is not None:
        show(f"{report.published} published events were compared with the stored ones")
    if report.checkpointed is not None:
        show(f"{sum(report.checkpointed.values())} chains were compared with the checkpoint")
    if report.unrecognized:
        show(f"{report.unrecognized} records on the topics were written by no service")
    if report.faults:
        columns = (
            Column("SERVICE"), Column("STREAM", whole=True), Column("VERSION"), Column("FAULT"),
            Column("DETAIL", rank=1, least=20),
        )  # fmt: skip
        faults = [
            (
                each.service,
                str(each.stream_id),
                str(each.fault.version),
                each.fault.kind,
                each.fault.detail,
            )
            for each in report.faults
        ]
        kinds = sorted({each.fault.kind for each in report.faults})
        show("", rows(columns, faults), "")
        show(*(f"{kind}: {LEGEND[kind]}" for kind in kinds), "")
    if report.text_faults:
        faulty_texts = [(each.digest, each.detail) for each in report.text_faults]
        show("", rows((Column("TEXT", whole=True), Column("FAULT", least=20)), faulty_texts), "")
    kept = f"; {report.texts} kept texts have their digests" if report.texts else ""
    faults_found = len(report.faults) + len(report.text_faults)
    show(f"all hash chains are valid{kept}" if report.ok else f"faults: {faults_found}")
