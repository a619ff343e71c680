"""`safeconduct violations`: reports, findings and measures."""

from __future__ import annotations

from pathlib import Path

from safeconduct.enforcement.v1 import model_pb2 as enforcement

from tests.sdk.cli.running import RATIONALE, Command
from tests.sdk.fake_services import (
    LICENSE,
    RECOMMENDATION,
    VIOLATION,
    FakeServices,
)


async def test_evidence_stays_here_and_its_digest_goes_in(
    command: Command, services: FakeServices, tmp_path: Path
) -> None:
    (tmp_path / "evidence").write_bytes(b"abc")

    ran = await command(
        "violations",
        "report",
        LICENSE,
        "--clause",
        "MILITARY_SURVEILLANCE",
        "--kind",
        "PUBLIC",
        "--evidence",
        str(tmp_path / "evidence"),
        "--json",
    )

    sent = services.last("ReportConduct")
    assert ran.json == {"violationId": VIOLATION, "reportId": RECOMMENDATION}
    assert (sent.clause, sent.reporter_kind) == (1, enforcement.REPORTER_KIND_PUBLIC)
    assert sent.evidence_digests[0].hex().startswith("ba7816bf")


async def test_a_confirmation_names_the_finding_that_was_read(
    command: Command, services: FakeServices
) -> None:
    yes = ("--yes", RECOMMENDATION, *RATIONALE)
    proposed = await command(
        "violations", "propose-finding", VIOLATION, "--severity", "CRITICAL", *RATIONALE
    )
    early = await command("violations", "confirm-finding", VIOLATION, *yes)
    services.violation.state = enforcement.VIOLATION_STATE_FINDING_PROPOSED
    services.violation.finding.finding_id = RECOMMENDATION
    confirmed = await command("violations", "confirm-finding", VIOLATION, *yes)
    rejected = await command("violations", "reject-finding", VIOLATION, *yes)

    assert (proposed.code, early.code, confirmed.code, rejected.code) == (0, 4, 0, 0)
    first = services.last("ProposeFinding")
    assert (first.is_violation, first.severity, first.etag) == (
        True,
        enforcement.SEVERITY_CRITICAL,
        "v7",
    )
    for method in ("ConfirmFinding", "RejectFinding"):
        (sent,) = services.requests[method]
        assert (sent.violation_id, sent.finding_id, sent.etag) == (VIOLATION, RECOMMENDATION, "v7")


async def test_a_finding_is_a_severity_or_none_never_both(command: Command) -> None:
    both = await command(
        "violations", "propose-finding", VIOLATION, "--none", "--severity", "MINOR", *RATIONALE
    )
    neither = await command("violations", "propose-finding", VIOLATION, *RATIONALE)

    assert (both.code, neither.code) == (2, 2)


async def test_a_confirmation_names_the_measure_that_was_read(
    command: Command, services: FakeServices
) -> None:
    yes = ("--yes", RECOMMENDATION, *RATIONALE)
    services.violation.state = enforcement.VIOLATION_STATE_MEASURE_PROPOSED
    services.violation.measures.add(
        measure_id=RECOMMENDATION, kind=enforcement.MEASURE_KIND_REVOCATION
    )
    rejected = await command("violations", "reject-measure", VIOLATION, *yes)
    confirmed = await command("violations", "confirm-measure", VIOLATION, *yes)

    assert (rejected.code, confirmed.code) == (0, 0)
    for method in ("RejectMeasure", "ConfirmMeasure"):
        sent = services.last(method)
        assert (sent.measure_id, sent.etag) == (RECOMMENDATION, "v7")


async def test_a_warning_needs_no_proposal(command: Command, services: FakeServices) -> None:
    words = ("violations", "propose-measure", VIOLATION, "--kind")
    warned = await command(*words, "WARNING", *RATIONALE)
    proposed = await command(*words, "SUSPENSION", *RATIONALE)

    assert (warned.code, proposed.code) == (0, 0)
    assert services.last("ImposeWarning").etag == "v7"
    assert services.last("ProposeMeasure").kind == enforcement.MEASURE_KIND_SUSPENSION
