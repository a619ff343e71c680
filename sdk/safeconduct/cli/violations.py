"""`safeconduct violations`: conduct reports, findings about them, and measures.

Four eyes, except for a warning.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from safeconduct.cli.connection import call
from safeconduct.cli.options import (
    EXISTING_FILE,
    confirmation_options,
    example,
    id_argument,
    limit_option,
    mutation_options,
    output_options,
    rationale_option,
)
from safeconduct.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeVar

    from safeconduct.client import Client
    from safeconduct.enforcement.v1 import model_pb2, service_pb2

    Answer = TypeVar("Answer")

ID = "7a1f0cbb-3f0e-4f9e-b8a0-1f7f0cde5001"
LICENSE = "0c9fd6cf-6ac9-4bb4-a36e-8b6f1bd6a001"


@click.group()
def command() -> None:
    """Report conduct; judge it and impose measures."""


@command.command(
    epilog=example(
        f"violations report {LICENSE} --clause MILITARY_SURVEILLANCE --kind PUBLIC --evidence report.pdf"
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
    digests = [hashlib.sha256(file.read_bytes()).digest() for file in evidence]
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


@command.command("list", epilog=example("violations list --state REPORTED"))
@click.option("--license", "license_id", default="", metavar="LICENSE", help="Only this license.")
@click.option("--state", default="", help="Only this state, for instance REPORTED.")
@limit_option
@output_options
def list_(license_id: str, state: str, limit: int, out: Output) -> None:
    """List violations, newest first."""
    from safeconduct.cli.enum_names import choose_or_unset
    from safeconduct.enforcement.v1 import model_pb2 as model
    from safeconduct.rpc.calls import at_most

    wanted = choose_or_unset(model.ViolationState, state)
    found = call(
        lambda client: at_most(
            limit,
            client.violations.list(license_id=license_id, state=wanted, page_size=min(limit, 200)),
        )
    )
    if not out.printed_list("violations", found, lambda one: one.violation_id):
        from safeconduct.cli.violation_view import show_list

        show_list(found)


@command.command(epilog=example(f"violations get {ID}"))
@id_argument("violation")
@output_options
def get(violation_id: str, out: Output) -> None:
    """Show one violation with its finding and measures, and the standing of its license.

    With --quiet it prints the id of the pending finding or measure, which --yes takes.
    """
    answer = call(lambda client: client.violations.get(violation_id))
    if not out.printed(answer, _pending(answer.violation)):
        from safeconduct.cli.violation_view import show_standing, show_violation

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
        return await client.violations.record_finding(
            violation_id,
            is_violation=not none,
            severity=chosen,
            etag=case.etag,
            **options,
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
def confirm_finding(violation_id: str, out: Output, **options: Any) -> None:
    """Confirm the finding of another officer. Shows it and asks first."""
    _print_violation(_decide_finding(violation_id, is_rejection=False, **options), out)


@command.command(
    "reject-finding",
    epilog=example(f"violations reject-finding {ID} --rationale 'another tenant did it'"),
)
@id_argument("violation")
@rationale_option
@confirmation_options
@mutation_options
@output_options
def reject_finding(violation_id: str, out: Output, **options: Any) -> None:
    """Reject the finding of another officer; the violation is open again. Asks first."""
    _print_violation(_decide_finding(violation_id, is_rejection=True, **options), out)


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
    """Propose a suspension or a revocation, which another officer must confirm, or issue a warning."""
    from safeconduct.cli.enum_names import choose
    from safeconduct.enforcement.v1 import model_pb2 as model

    chosen = choose(model.MeasureKind, kind)

    async def send(client: Client) -> service_pb2.ImposeMeasureResponse:
        case = (await client.violations.get(violation_id)).violation
        return await client.violations.impose_measure(
            violation_id, kind=chosen, etag=case.etag, **options
        )

    _print_measure(call(send), out)


@command.command(
    "confirm-measure",
    epilog=example(f"violations confirm-measure {ID} --rationale 'a critical clause'"),
)
@id_argument("violation")
@rationale_option
@confirmation_options
@mutation_options
@output_options
def confirm_measure(violation_id: str, out: Output, **options: Any) -> None:
    """Confirm the measure of another officer. Shows it and asks first."""
    _print_measure(_decide_measure(violation_id, is_rejection=False, **options), out)


@command.command(
    "reject-measure",
    epilog=example(f"violations reject-measure {ID} --rationale 'a warning is enough'"),
)
@id_argument("violation")
@rationale_option
@confirmation_options
@mutation_options
@output_options
def reject_measure(violation_id: str, out: Output, **options: Any) -> None:
    """Reject the measure of another officer. A measure in force stays in force. Asks first."""
    _print_measure(_decide_measure(violation_id, is_rejection=True, **options), out)


def _decide_finding(
    violation_id: str, *, is_rejection: bool, yes: str, yes_to_pending: bool, **options: Any
) -> model_pb2.Violation:
    async def act(client: Client) -> model_pb2.Violation:
        async def send(case: model_pb2.Violation) -> model_pb2.Violation:
            return await client.violations.record_finding(
                violation_id,
                is_violation=case.finding.is_violation,
                severity=case.finding.severity,
                etag=case.etag,
                is_rejection=is_rejection,
                **options,
            )

        question = f"{'Reject' if is_rejection else 'Confirm'} this finding?"
        return await _confirm(client, violation_id, _pending_finding, send, question, yes,
                              yes_to_pending)  # fmt: skip

    return call(act)


def _decide_measure(
    violation_id: str, *, is_rejection: bool, yes: str, yes_to_pending: bool, **options: Any
) -> service_pb2.ImposeMeasureResponse:
    async def act(client: Client) -> service_pb2.ImposeMeasureResponse:
        async def send(case: model_pb2.Violation) -> service_pb2.ImposeMeasureResponse:
            return await client.violations.impose_measure(
                violation_id,
                kind=case.measures[-1].kind,
                etag=case.etag,
                is_rejection=is_rejection,
                **options,
            )

        question = f"{'Reject' if is_rejection else 'Confirm'} this measure?"
        return await _confirm(client, violation_id, _pending_measure, send, question, yes,
                              yes_to_pending)  # fmt: skip

    return call(act)


async def _confirm(
    client: Client,
    violation_id: str,
    pending: Callable[[model_pb2.Violation], str],
    send: Callable[[model_pb2.Violation], Awaitable[Answer]],
    question: str,
    yes: str,
    is_unseen: bool,
) -> Answer:
    from safeconduct.cli.confirmation import Confirmation
    from safeconduct.cli.violation_view import show_violation

    async def read() -> model_pb2.Violation:
        return (await client.violations.get(violation_id)).violation

    confirmation = Confirmation(read, pending, show_violation, send, question)
    return await confirmation.run(yes, is_unseen=is_unseen)


def _pending(case: model_pb2.Violation) -> str:
    """The id of the pending finding or measure; empty if there is none."""
    from safeconduct.enforcement.v1 import model_pb2 as model

    if case.state == model.VIOLATION_STATE_FINDING_PROPOSED:
        return _pending_finding(case)
    if case.state == model.VIOLATION_STATE_MEASURE_PROPOSED:
        return _pending_measure(case)
    return ""


def _pending_finding(case: model_pb2.Violation) -> str:
    from safeconduct.enforcement.v1 import model_pb2 as model

    _require_state(case, model.VIOLATION_STATE_FINDING_PROPOSED, "finding")
    return case.etag


def _pending_measure(case: model_pb2.Violation) -> str:
    from safeconduct.enforcement.v1 import model_pb2 as model

    _require_state(case, model.VIOLATION_STATE_MEASURE_PROPOSED, "measure")
    return case.measures[-1].measure_id


def _require_state(case: model_pb2.Violation, state: int, kind: str) -> None:
    from safeconduct.cli.confirmation import nothing_pending
    from safeconduct.cli.enum_names import short
    from safeconduct.enforcement.v1 import model_pb2 as model

    if case.state != state:
        raise nothing_pending(kind, short(model.ViolationState, case.state))


def _print_violation(case: model_pb2.Violation, out: Output) -> None:
    if not out.printed(case, case.violation_id):
        from safeconduct.cli.violation_view import show_violation

        show_violation(case)


def _print_measure(answer: service_pb2.ImposeMeasureResponse, out: Output) -> None:
    """`--quiet` prints the measure's id, which `--yes` of confirm-measure takes."""
    measures = answer.violation.measures
    if not out.printed(answer, measures[-1].measure_id if measures else ""):
        from safeconduct.cli.violation_view import show_standing, show_violation

        show_violation(answer.violation)
        show_standing(answer.standing)
