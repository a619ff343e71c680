"""`safeconduct violations`: conduct reports, findings about them, and measures.

Four eyes, except for a warning.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from safeconduct.cli.connection import call
from safeconduct.cli.listing import first
from safeconduct.cli.named_file import sha256_of
from safeconduct.cli.options import (
    EXISTING_FILE,
    confirmation_options,
    example,
    examples,
    id_argument,
    limit_option,
    mutation_options,
    output_options,
    partner_option,
    rationale_option,
)
from safeconduct.cli.output import Output

if TYPE_CHECKING:
    from safeconduct.client import Client
    from safeconduct.enforcement.v1 import model_pb2

ID = "7a1f0cbb-3f0e-4f9e-b8a0-1f7f0cde5001"
LICENSE = "0c9fd6cf-6ac9-4bb4-a36e-8b6f1bd6a001"


@click.group()
def command() -> None:
    """Report conduct; judge it and impose measures."""


@command.command(
    epilog=example(
        f"violations report {LICENSE} --clause MILITARY_SURVEILLANCE --kind"
        " PUBLIC --evidence report.pdf"
    )
)
@id_argument("license")
@click.option(
    "--clause",
    required=True,
    help="Clause of the code of conduct, for instance MILITARY_SURVEILLANCE.",
)
@click.option(
    "--kind", required=True, help="DEVELOPER_TELEMETRY, SELF_DISCLOSURE, AUTHORITY or PUBLIC."
)
@click.option(
    "--evidence",
    required=True,
    multiple=True,
    type=EXISTING_FILE,
    help="File that stays here; only its SHA-256 digest is sent. Repeatable.",
)
@mutation_options
@output_options
def report(
    license_id: str,
    clause: str,
    kind: str,
    evidence: tuple[Path, ...],
    out: Output,
    request_id: str,
    validate_only: bool,
) -> None:
    """Report conduct under a license.

    Reports about the same license and clause join one violation.
    """
    from safeconduct.cli.enum_names import choose
    from safeconduct.enforcement.v1 import model_pb2 as model

    named_clause, reporter_kind = choose(model.Clause, clause), choose(model.ReporterKind, kind)
    digests = [sha256_of(file) for file in evidence]
    answer = call(
        lambda client: client.conduct.report(
            license_id,
            clause=named_clause,
            reporter_kind=reporter_kind,
            evidence_digests=digests,
            request_id=request_id,
            validate_only=validate_only,
        )
    )
    if not out.printed(answer, answer.violation_id):
        from safeconduct.cli.tables import pairs, show

        show(pairs([("violation", answer.violation_id), ("report", answer.report_id)]))


@command.command(
    "list",
    epilog=examples(
        ("which reports have waited longest?", "violations list --state REPORTED --oldest-first"),
        ("what was reported about a partner?", "violations list --partner example-1"),
        (
            "which reports of this clause can be relied on?",
            "violations list --clause OVER_USE --credibility HIGH",
        ),
        ("what was reported about this license?", f"violations list --license {LICENSE}"),
    ),
)
@click.option("--license", "license_id", default="", metavar="LICENSE", help="Only this license.")
@click.option("--state", default="", help="Only this state, for instance REPORTED.")
@partner_option
@click.option("--clause", default="", help="Only this clause, for instance OVER_USE.")
@click.option("--severity", default="", help="Only findings of MINOR, SERIOUS or CRITICAL.")
@click.option("--credibility", default="", help="Only reports of LOW, MEDIUM or HIGH credibility.")
@click.option("--oldest-first", is_flag=True, help="Sort by the first report, oldest first.")
@limit_option
@output_options
def list_(limit: int, out: Output, **options: Any) -> None:
    """List violations, newest first."""
    from safeconduct.cli.enum_names import choose_or_unset
    from safeconduct.enforcement.v1 import model_pb2 as model
    from safeconduct.enforcement.v1 import service_pb2 as service

    oldest = service.VIOLATION_ORDER_OLDEST_FIRST
    wanted = {
        "license_id": options["license_id"],
        "partner_id": options["partner_id"],
        "state": choose_or_unset(model.ViolationState, options["state"]),
        "clause": choose_or_unset(model.Clause, options["clause"]),
        "severity": choose_or_unset(model.Severity, options["severity"]),
        "credibility": choose_or_unset(model.Credibility, options["credibility"]),
        "order_by": oldest if options["oldest_first"] else service.VIOLATION_ORDER_UNSPECIFIED,
    }
    found = first(limit, lambda client, size: client.violations.list(**wanted, page_size=size))
    if not out.printed_page("violations", found, lambda one: str(one.violation_id)):
        from safeconduct.cli.violation_view import show_list

        show_list(found.elements)
        found.report_rest()


@command.command(epilog=example(f"violations get {ID}"))
@id_argument("violation")
@output_options
def get(violation_id: str, out: Output) -> None:
    """Show one violation with its finding and measures, and the standing of its license.

    With --quiet it prints the id of the pending finding or measure, which --yes takes.
    """
    answer = call(lambda client: client.violations.get(violation_id))
    if not out.printed(answer, _pending(answer.violation)[1]):
        from safeconduct.cli.license_view import show_standing
        from safeconduct.cli.violation_view import show_violation

        show_violation(answer.violation)
        show_standing(answer.standing)


@command.command(
    "propose-finding",
    epilog=example(
        f"violations propose-finding {ID} --severity CRITICAL --rationale 'the telemetry shows it'"
    ),
)
@id_argument("violation")
@rationale_option
@click.option("--severity", default="", help="There is a violation: MINOR, SERIOUS or CRITICAL.")
@click.option("--none", is_flag=True, help="There is no violation.")
@mutation_options
@output_options
def propose_finding(
    violation_id: str, severity: str, none: bool, out: Output, **options: Any
) -> None:
    """Propose whether the clause was violated, and how severely. Another officer must confirm."""
    from safeconduct.cli.enum_names import choose_or_unset
    from safeconduct.enforcement.v1 import model_pb2 as model

    if bool(severity) == none:
        raise click.BadParameter("give exactly one of them", param_hint="--severity or --none")
    chosen = choose_or_unset(model.Severity, severity)

    async def send(client: Client) -> model_pb2.Violation:
        case = (await client.violations.get(violation_id)).violation
        return await client.violations.propose_finding(
            violation_id, is_violation=not none, severity=chosen, etag=case.etag, **options
        )

    _print_violation(call(send), out)


@command.command(
    "confirm-finding",
    epilog=example(f"violations confirm-finding {ID} --rationale 'the same pattern'"),
)
@id_argument("violation")
@rationale_option
@confirmation_options
@mutation_options
@output_options
def confirm_finding(violation_id: str, out: Output, yes: str, **options: Any) -> None:
    """Confirm the finding of another officer. Shows it and asks first."""
    _decide(violation_id, "Confirm this finding?", "finding", "confirm_finding", out, yes, options)


@command.command(
    "reject-finding",
    epilog=example(f"violations reject-finding {ID} --rationale 'another tenant did it'"),
)
@id_argument("violation")
@rationale_option
@confirmation_options
@mutation_options
@output_options
def reject_finding(violation_id: str, out: Output, yes: str, **options: Any) -> None:
    """Reject the finding of another officer; the violation is open again. Asks first."""
    _decide(violation_id, "Reject this finding?", "finding", "reject_finding", out, yes, options)


@command.command(
    "propose-measure",
    epilog=example(
        f"violations propose-measure {ID} --kind REVOCATION --rationale 'a critical violation'"
    ),
)
@id_argument("violation")
@rationale_option
@click.option("--kind", required=True, help="WARNING, SUSPENSION or REVOCATION.")
@mutation_options
@output_options
def propose_measure(violation_id: str, kind: str, out: Output, **options: Any) -> None:
    """Propose a suspension or a revocation, or issue a warning.

    Another officer must confirm a suspension and a revocation. A warning is in force at once.
    """
    from safeconduct.cli.enum_names import choose
    from safeconduct.enforcement.v1 import model_pb2 as model

    chosen = choose(model.MeasureKind, kind)

    async def send(client: Client) -> model_pb2.Violation:
        etag = (await client.violations.get(violation_id)).violation.etag
        if chosen == model.MEASURE_KIND_WARNING:
            return await client.violations.impose_warning(violation_id, etag=etag, **options)
        return await client.violations.propose_measure(
            violation_id, kind=chosen, etag=etag, **options
        )

    _print_violation(call(send), out)


@command.command(
    "confirm-measure",
    epilog=example(f"violations confirm-measure {ID} --rationale 'a critical clause'"),
)
@id_argument("violation")
@rationale_option
@confirmation_options
@mutation_options
@output_options
def confirm_measure(violation_id: str, out: Output, yes: str, **options: Any) -> None:
    """Confirm the measure of another officer. Shows it and asks first."""
    _decide(violation_id, "Confirm this measure?", "measure", "confirm_measure", out, yes, options)


@command.command(
    "reject-measure",
    epilog=example(f"violations reject-measure {ID} --rationale 'a warning is enough'"),
)
@id_argument("violation")
@rationale_option
@confirmation_options
@mutation_options
@output_options
def reject_measure(violation_id: str, out: Output, yes: str, **options: Any) -> None:
    """Reject the measure of another officer. A measure in force stays in force. Asks first."""
    _decide(violation_id, "Reject this measure?", "measure", "reject_measure", out, yes, options)


def _decide(
    violation_id: str,
    question: str,
    kind: str,
    method: str,
    out: Output,
    yes: str,
    options: dict[str, Any],
) -> None:
    """Confirms or rejects the pending `kind` by calling `method` of the client's violations."""
    from safeconduct.cli.confirmation import Confirmation
    from safeconduct.cli.license_view import show_standing
    from safeconduct.cli.violation_view import show_violation

    is_unseen = options.pop("yes_to_pending")

    async def act(client: Client) -> Any:
        async def read() -> model_pb2.Violation:
            return (await client.violations.get(violation_id)).violation

        def pending(case: model_pb2.Violation) -> str:
            return _require_pending(case, kind)

        async def send(case: model_pb2.Violation) -> Any:
            decide = getattr(client.violations, method)
            return await decide(violation_id, pending(case), etag=case.etag, **options)

        confirmation = Confirmation(read, pending, show_violation, send, question)
        return await confirmation.run(yes, is_unseen=is_unseen)

    answer = call(act)
    if out.printed(answer, violation_id):
        return
    show_violation(getattr(answer, "violation", answer))
    if hasattr(answer, "standing"):
        show_standing(answer.standing)


def _pending(case: model_pb2.Violation) -> tuple[str, str]:
    """The kind and the id of what is pending: a finding, a measure, or nothing (empty texts)."""
    from safeconduct.enforcement.v1 import model_pb2 as model

    if case.state == model.VIOLATION_STATE_FINDING_PROPOSED:
        return "finding", case.finding.finding_id
    if case.state == model.VIOLATION_STATE_MEASURE_PROPOSED:
        return "measure", case.measures[-1].measure_id
    return "", ""


def _require_pending(case: model_pb2.Violation, kind: str) -> str:
    """The id of the pending act of this kind. Raises WRONG_STATE if there is none."""
    from safeconduct.cli.confirmation import nothing_pending
    from safeconduct.cli.enum_names import short
    from safeconduct.enforcement.v1 import model_pb2 as model

    found, identifier = _pending(case)
    if found != kind:
        raise nothing_pending(kind, short(model.ViolationState, case.state))
    return identifier


def _print_violation(case: model_pb2.Violation, out: Output) -> None:
    """`--quiet` prints the id of what is pending, which --yes takes."""
    if not out.printed(case, _pending(case)[1]):
        from safeconduct.cli.violation_view import show_violation

        show_violation(case)
