"""`safeconduct enforcement`: report conduct; as an officer judge it and act on it. Four eyes but for a warning."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import grpc
import typer
from rich.console import RenderableType

from safeconduct.cli.connection import call
from safeconduct.cli.names import choose, short
from safeconduct.cli.output import (
    Json,
    Limit,
    RequestId,
    ValidateOnly,
    coloured,
    example,
    moment,
    pairs,
    print_json,
    proto_json,
    rows,
    show,
)
from safeconduct.client import Client
from safeconduct.enforcement.v1 import model_pb2 as model
from safeconduct.enforcement.v1 import service_pb2 as service
from safeconduct.errors import SafeconductError

app = typer.Typer(help="Report conduct; judge it and act on it.", no_args_is_help=True)

ViolationId = Annotated[str, typer.Argument(metavar="VIOLATION", help="Id of the case.")]
LicenseId = Annotated[str, typer.Argument(metavar="LICENSE", help="License id.")]
Rationale = Annotated[str, typer.Option(help="Why, for the record; at least ten characters.")]
Confirm = Annotated[bool, typer.Option("--confirm", help="Confirm what another officer proposed.")]
Reject = Annotated[bool, typer.Option("--reject", help="Reject what another officer proposed.")]


@app.command(
    epilog=example(
        "enforcement report 0c9fd6cf-6ac9-4bb4-a36e-8b6f1bd6a001 --clause MILITARY_SURVEILLANCE --kind PUBLIC "
        "--evidence report.pdf"
    )
)
def report(
    license_id: LicenseId,
    clause: Annotated[
        str, typer.Option(help="Clause of the code of conduct, for instance MILITARY_SURVEILLANCE.")
    ],
    kind: Annotated[
        str, typer.Option(help="DEVELOPER_TELEMETRY, SELF_DISCLOSURE, AUTHORITY or PUBLIC.")
    ],
    evidence: Annotated[
        list[Path],
        typer.Option(
            exists=True, dir_okay=False, help="Stays here; its SHA-256 goes in; repeatable."
        ),
    ],
    json: Json = False,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
) -> None:
    """Report conduct under a license. Reports about the same license and clause join one case."""
    named_clause, reporter_kind = choose(model.Clause, clause), choose(model.ReporterKind, kind)
    digests = [_digest(file) for file in evidence]
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
    if json:
        print_json(proto_json(answer))
    else:
        show(pairs([("violation", answer.violation_id), ("report", answer.report_id)]))


@app.command(epilog=example("enforcement violations --state REPORTED"))
def violations(
    license_id: Annotated[str, typer.Option("--license", help="Only this license.")] = "",
    state: Annotated[str, typer.Option(help="Only this state, for instance REPORTED.")] = "",
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List cases, newest first."""
    wanted = choose(model.ViolationState, state) if state else model.VIOLATION_STATE_UNSPECIFIED

    async def read(client: Client) -> list[model.Violation]:
        found: list[model.Violation] = []
        async for one in client.violations.list(
            license_id=license_id, state=wanted, page_size=min(limit, 200)
        ):
            found.append(one)
            if len(found) == limit:
                break
        return found

    cases = call(read)
    if json:
        print_json({"violations": [proto_json(one) for one in cases]})
        return
    lines = [
        (
            one.violation_id,
            one.license_id,
            short(model.Clause, one.clause),
            coloured(short(model.ViolationState, one.state)),
            short(model.Credibility, one.credibility),
            str(len(one.reports)),
        )
        for one in cases
    ]
    show(rows(("VIOLATION", "LICENSE", "CLAUSE", "STATE", "CREDIBILITY", "REPORTS"), lines))


@app.command(
    epilog=example(
        "enforcement find 7a1f0cbb-3f0e-4f9e-b8a0-1f7f0cde5001 --severity CRITICAL --rationale 'the telemetry shows it'"
    )
)
def find(
    violation_id: ViolationId,
    rationale: Rationale,
    severity: Annotated[
        str, typer.Option(help="A violation, so grave: MINOR, SERIOUS or CRITICAL.")
    ] = "",
    none: Annotated[bool, typer.Option("--none", help="No violation.")] = False,
    confirm: Confirm = False,
    reject: Reject = False,
    json: Json = False,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
) -> None:
    """Propose a finding, or confirm or reject another officer's."""
    _exactly_one("--severity, --none, --confirm or --reject", bool(severity), none, confirm, reject)
    chosen = choose(model.Severity, severity) if severity else model.SEVERITY_UNSPECIFIED

    async def act(client: Client) -> model.Violation:
        case = (await client.violations.get(violation_id)).violation
        common = _Common(rationale, case.etag, request_id, validate_only)
        if not (confirm or reject):
            return await client.violations.propose_finding(
                violation_id, is_violation=not none, severity=chosen, **asdict(common)
            )
        _require(case, model.VIOLATION_STATE_FINDING_PROPOSED, "finding")
        answer = client.violations.reject_finding if reject else client.violations.confirm_finding
        return await answer(violation_id, case.finding.finding_id, **asdict(common))

    found = call(act)
    if json:
        print_json(proto_json(found))
    else:
        _show_case(found)


@app.command(
    epilog=example(
        "enforcement impose 7a1f0cbb-3f0e-4f9e-b8a0-1f7f0cde5001 --kind REVOCATION --rationale 'a critical violation'"
    )
)
def impose(
    violation_id: ViolationId,
    rationale: Rationale,
    kind: Annotated[str, typer.Option(help="WARNING, SUSPENSION or REVOCATION.")] = "",
    confirm: Confirm = False,
    reject: Reject = False,
    json: Json = False,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
) -> None:
    """Impose a measure, or confirm or reject another officer's. A suspension and a revocation need two officers."""
    _exactly_one("--kind, --confirm or --reject", bool(kind), confirm, reject)
    chosen = choose(model.MeasureKind, kind) if kind else model.MEASURE_KIND_UNSPECIFIED

    async def act(client: Client) -> tuple[model.Violation, model.Standing | None]:
        calls = client.violations
        case = (await calls.get(violation_id)).violation
        common = asdict(_Common(rationale, case.etag, request_id, validate_only))
        if confirm:
            confirmed = await calls.confirm_measure(violation_id, _pending_measure(case), **common)
            return confirmed.violation, confirmed.standing
        if reject:
            return await calls.reject_measure(violation_id, _pending_measure(case), **common), None
        if chosen == model.MEASURE_KIND_WARNING:
            return await calls.impose_warning(violation_id, **common), None
        return await calls.propose_measure(violation_id, kind=chosen, **common), None

    case, standing = call(act)
    if json:
        document = {"violation": proto_json(case)}
        print_json(document if standing is None else {**document, "standing": proto_json(standing)})
        return
    _show_case(case)
    if standing is not None:
        _show_standing(standing)


@app.command(
    epilog=example(
        "enforcement reinstate 0c9fd6cf-6ac9-4bb4-a36e-8b6f1bd6a001 --rationale 'the cause is removed'"
    )
)
def reinstate(
    license_id: LicenseId,
    rationale: Rationale,
    confirm: Confirm = False,
    reject: Reject = False,
    json: Json = False,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
) -> None:
    """Propose to reinstate a suspended license, or confirm or reject another officer's proposal."""
    if confirm and reject:
        raise typer.BadParameter("give at most one of them", param_hint="--confirm or --reject")

    async def act(client: Client) -> _Reinstated:
        calls = client.violations
        timeline = await client.standing.timeline(license_id)
        common = asdict(_Common(rationale, timeline.etag, request_id, validate_only))
        if not (confirm or reject):
            return await calls.propose_reinstatement(license_id, **common)
        if not timeline.HasField("pending_reinstatement"):
            raise SafeconductError(
                grpc.StatusCode.FAILED_PRECONDITION, "WRONG_STATE", "no reinstatement is pending"
            )
        pending = timeline.pending_reinstatement.reinstatement_id
        if reject:
            return await calls.reject_reinstatement(license_id, pending, **common)
        return await calls.confirm_reinstatement(license_id, pending, **common)

    answer = call(act)
    if json:
        print_json(proto_json(answer))
    elif isinstance(answer, service.ProposeReinstatementResponse):
        show(pairs([("reinstatement", answer.reinstatement.reinstatement_id)]))
        show("Another officer must still confirm.")
    else:
        _show_standing(answer.standing)


@dataclass(frozen=True)
class _Common:
    """The fields that all commands of an officer have."""

    rationale: str
    etag: str
    request_id: str
    validate_only: bool


_Reinstated = (
    service.ProposeReinstatementResponse
    | service.ConfirmReinstatementResponse
    | service.RejectReinstatementResponse
)


def _digest(file: Path) -> bytes:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").digest()


def _exactly_one(options: str, *given: bool) -> None:
    if sum(given) != 1:
        raise typer.BadParameter("give exactly one of them", param_hint=options)


def _pending_measure(case: model.Violation) -> str:
    """Returns the id of the pending measure."""
    _require(case, model.VIOLATION_STATE_MEASURE_PROPOSED, "measure")
    return case.measures[-1].measure_id


def _require(case: model.Violation, state: model.ViolationState.ValueType, act: str) -> None:
    """Confirming or rejecting without anything pending would read as a proposal."""
    if case.state != state:
        raise SafeconductError(
            grpc.StatusCode.FAILED_PRECONDITION,
            "WRONG_STATE",
            f"no {act} is pending",
            {"state": short(model.ViolationState, case.state)},
        )


def _act(act: model.OfficerAct) -> str:
    return (
        f"{act.officer_id} at {moment(act.acted_at)}: {act.rationale}"
        if act.officer_id
        else "not yet"
    )


def _show_case(case: model.Violation) -> None:
    finding = case.finding
    verdict = (
        f"violation, {short(model.Severity, finding.severity)}"
        if finding.is_violation
        else "no violation"
    )
    lines: list[tuple[str, RenderableType]] = [
        ("violation", case.violation_id),
        ("license", case.license_id),
        ("clause", short(model.Clause, case.clause)),
        ("state", coloured(short(model.ViolationState, case.state))),
        ("credibility", short(model.Credibility, case.credibility)),
        ("reports", str(len(case.reports))),
    ]
    if case.HasField("finding"):
        lines += [
            ("finding", verdict),
            ("found by", _act(finding.found_by)),
            ("confirmed", _act(finding.confirmed_by)),
        ]
    for measure in case.measures:
        force = "in force" if measure.is_in_force else "not in force"
        lines += [
            ("measure", f"{short(model.MeasureKind, measure.kind)}, {force}"),
            ("imposed by", _act(measure.imposed_by)),
            ("confirmed", _act(measure.confirmed_by)),
        ]
    show(pairs(lines))


def _show_standing(standing: model.Standing) -> None:
    show(
        pairs(
            [
                ("standing", coloured(short(model.StandingState, standing.state))),
                ("version", str(standing.version)),
                ("reason", standing.reason),
            ]
        )
    )
