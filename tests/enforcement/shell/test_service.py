"""Two replicas of the service as processes, on real PostgreSQL and real Kafka, over mutual TLS."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import grpc
import pytest
from safeconduct.client import SafeconductError
from safeconduct.enforcement.v1 import model_pb2 as pb
from safeconduct.gate import Gate, StandingState
from safeconduct.screening.v1 import events_pb2 as screening
from safeconduct.screening.v1 import model_pb2 as screening_model

from chassis.store.journal import Journal
from chassis.telemetry.tracing import setup
from infra.local.stack import Stack
from services.enforcement.shell.projections import LicenseStream
from tests.enforcement.shell.callers import EVIDENCE, SECONDS, WHY, Callers, eventually, issue_event


@pytest.fixture(scope="module")
def stack(run_folder: Path) -> Iterator[Stack]:
    with Stack(run_folder / "enforcement", services=("enforcement",), replicas=2) as running:
        yield running


@pytest.fixture(scope="module")
async def callers(stack: Stack) -> AsyncIterator[Callers]:
    async with Callers(stack) as opened:
        yield opened


def allows(gate: Gate, license_id: str) -> bool:
    return gate.check(license_id, "frontier-1", "HOSTED_ACCESS", "DE", "HEALTHCARE").allowed


def reason(gate: Gate, license_id: str) -> str:
    return gate.check(license_id, "frontier-1", "HOSTED_ACCESS", "DE", "HEALTHCARE").reason.value


async def test_a_license_that_is_issued_is_allowed_at_the_gate_until_two_officers_revoke_it(
    callers: Callers,
) -> None:
    license_id = await callers.issue()
    async with callers.gate() as gate:
        await gate.ready(SECONDS)
        await eventually(lambda: allows(gate, license_id))
        case_id = await callers.found(license_id)
        await callers.propose_measure(1, case_id, pb.MEASURE_KIND_REVOCATION)
        assert allows(gate, license_id)

        began = time.monotonic()
        standing = await callers.confirm_measure(2, case_id)
        await eventually(lambda: not allows(gate, license_id))
        print(f"countersignature to denial {(time.monotonic() - began) * 1000:.0f} ms")

        assert standing.state == pb.STANDING_STATE_REVOKED
        assert reason(gate, license_id) == "REVOKED"


async def test_a_suspended_license_denies_until_two_other_officers_reinstate_it(
    callers: Callers,
) -> None:
    license_id = await callers.issue()
    async with callers.gate() as gate:
        case_id = await callers.found(license_id)
        await callers.impose(case_id, pb.MEASURE_KIND_SUSPENSION)
        await gate.ready(SECONDS)
        await eventually(lambda: reason(gate, license_id) == "SUSPENDED")

        with pytest.raises(SafeconductError, match="SUSPENDER_CANNOT_REINSTATE"):
            await callers.propose_reinstatement(1, license_id)
        await callers.propose_reinstatement(3, license_id)
        with pytest.raises(SafeconductError, match="SELF_CONFIRMATION"):
            await callers.confirm_reinstatement(3, license_id)
        assert reason(gate, license_id) == "SUSPENDED"
        standing = await callers.confirm_reinstatement(4, license_id)
        assert standing.state == pb.STANDING_STATE_ACTIVE

        await eventually(lambda: allows(gate, license_id))


def listed(license_id: str) -> bytes:
    return screening.PartyListed(
        application_id=str(uuid.uuid4()),
        license_id=license_id,
        party_id="end-user",
        screening_id=str(uuid.uuid4()),
        strength=screening_model.MATCH_STRENGTH_EXACT,
        entry_ids=["EL-1"],
        new_entry_ids=["EL-1"],
        list_codes=["EL"],
        list_version="US-CSL/2026-11/0",
    ).SerializeToString()


def false_positive(license_id: str) -> bytes:
    return screening.HitAdjudicated(
        application_id=str(uuid.uuid4()),
        license_id=license_id,
        party_id="end-user",
        hit_id=str(uuid.uuid4()),
        verdict=screening_model.HIT_VERDICT_FALSE_POSITIVE,
        party_result=screening_model.SCREENING_RESULT_FALSE_POSITIVE,
    ).SerializeToString()


async def test_a_list_match_suspends_with_no_officer_and_two_reinstate_once_it_is_settled(
    callers: Callers,
) -> None:
    license_id = await callers.issue()
    first = await callers.officer(1)

    async with callers.gate() as gate:
        await eventually(lambda: allows(gate, license_id))
        await callers.publish("PartyListed", listed(license_id), service="screening")
        await eventually(lambda: reason(gate, license_id) == "SUSPENDED")
        with pytest.raises(SafeconductError, match="LIST_MATCH_OPEN"):
            await callers.propose_reinstatement(1, license_id)

        await callers.publish("HitAdjudicated", false_positive(license_id), service="screening")

        async def is_settled() -> bool:
            entries = (await first.standing.timeline(license_id)).entries
            return entries[-1].event_type == "ListMatchSettled"

        await eventually(is_settled)
        await callers.propose_reinstatement(1, license_id)
        assert reason(gate, license_id) == "SUSPENDED"
        standing = await callers.confirm_reinstatement(2, license_id)
        assert standing.state == pb.STANDING_STATE_ACTIVE
        await eventually(lambda: allows(gate, license_id))


async def test_a_license_whose_list_match_came_first_begins_suspended(
    callers: Callers,
) -> None:
    issued = issue_event()
    license_id = issued.license.license_id
    await callers.publish("PartyListed", listed(license_id), service="screening")
    await callers.publish("LicenseIssued", issued.SerializeToString())
    await callers.until_registered(license_id)

    async with callers.gate() as gate:
        await eventually(lambda: reason(gate, license_id) == "SUSPENDED")


async def test_an_officer_of_the_partner_reads_and_changes_nothing_about_it(
    callers: Callers,
) -> None:
    license_id = await callers.issue()
    case_id = await callers.report(license_id)
    case = (await (await callers.officer(1)).violations.get(case_id)).violation
    officer = await callers.officer(5)

    refusals = []
    for call in (
        officer.violations.get(case_id),
        officer.violations.propose_finding(
            case_id,
            is_violation=True,
            severity=pb.SEVERITY_CRITICAL,
            rationale=WHY,
            etag=case.etag,
        ),
        officer.standing.timeline(license_id),
        officer.conduct.report(
            license_id,
            clause=pb.CLAUSE_MILITARY_SURVEILLANCE,
            reporter_kind=pb.REPORTER_KIND_AUTHORITY,
            evidence_digests=EVIDENCE,
        ),
    ):
        with pytest.raises(SafeconductError) as refusal:
            await call
        refusals.append((refusal.value.code, refusal.value.reason))

    conflict = (grpc.StatusCode.PERMISSION_DENIED, "CONFLICT_OF_INTEREST")
    assert refusals == [conflict] * len(refusals)


async def test_a_stale_etag_is_refused(callers: Callers) -> None:
    license_id = await callers.issue()
    case_id = await callers.report(license_id)
    officer = await callers.client("officer/enforcement-2")
    stale = (await officer.violations.get(case_id)).violation.etag
    pending = await callers.propose_finding(1, case_id)

    with pytest.raises(SafeconductError, match="STALE_ETAG") as refusal:
        await officer.violations.confirm_finding(
            case_id, pending.finding.finding_id, rationale=WHY, etag=stale
        )

    assert refusal.value.code is grpc.StatusCode.ABORTED


async def test_another_finding_than_the_pending_one_is_not_confirmed(callers: Callers) -> None:
    license_id = await callers.issue()
    case_id = await callers.report(license_id)
    pending = await callers.propose_finding(1, case_id)
    officer = await callers.officer(2)

    with pytest.raises(SafeconductError, match="PENDING_ACT_DIFFERS") as refusal:
        await officer.violations.confirm_finding(
            case_id, str(uuid.uuid4()), rationale=WHY, etag=pending.etag
        )

    assert refusal.value.code is grpc.StatusCode.ABORTED
    assert refusal.value.metadata == {"pending": pending.finding.finding_id}


async def test_rejected_acts_leave_the_case_and_the_license_as_they_were(callers: Callers) -> None:
    license_id = await callers.issue()
    case_id = await callers.report(license_id)
    officer = await callers.officer(2)
    calls = officer.violations

    finding = await callers.propose_finding(1, case_id)
    rejected = await calls.reject_finding(
        case_id, finding.finding.finding_id, rationale=WHY, etag=finding.etag
    )
    assert rejected.state == pb.VIOLATION_STATE_REPORTED

    await callers.propose_finding(1, case_id)
    await callers.confirm_finding(2, case_id)
    measure = await callers.propose_measure(1, case_id, pb.MEASURE_KIND_REVOCATION)
    rejected = await calls.reject_measure(
        case_id, measure.measures[-1].measure_id, rationale=WHY, etag=measure.etag
    )
    assert rejected.state == pb.VIOLATION_STATE_FOUND

    warned = await calls.impose_warning(case_id, rationale=WHY, etag=rejected.etag)
    assert warned.state == pb.VIOLATION_STATE_MEASURED

    await callers.impose(case_id, pb.MEASURE_KIND_SUSPENSION)
    await callers.propose_reinstatement(3, license_id)
    other = await callers.officer(4)
    answer = await other.violations.get(case_id)
    kept = await other.violations.reject_reinstatement(
        license_id,
        answer.pending_reinstatement.reinstatement_id,
        rationale=WHY,
        etag=answer.violation.etag,
    )
    assert kept.standing.state == pb.STANDING_STATE_SUSPENDED
    timeline = await other.standing.timeline(license_id)
    assert timeline.entries[-1].event_type == "ReinstatementRejected"
    assert not timeline.HasField("pending_reinstatement")


async def test_a_refused_command_names_the_allowed_ones(callers: Callers) -> None:
    license_id = await callers.issue()
    case_id = await callers.report(license_id)

    with pytest.raises(SafeconductError, match="WRONG_STATE") as refusal:
        await callers.propose_measure(1, case_id, pb.MEASURE_KIND_REVOCATION)

    assert refusal.value.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refusal.value.metadata == {
        "state": "REPORTED",
        "command": "ProposeMeasure",
        "allowedCommands": "ProposeFinding",
    }


async def test_a_request_sent_twice_is_done_once_and_another_body_is_refused(
    callers: Callers,
) -> None:
    license_id = await callers.issue()
    gate = await callers.client("gate/example-1/gate-1")
    request_id = str(uuid.uuid4())

    async def report(evidence: bytes) -> str:
        answer = await gate.conduct.report(
            license_id,
            clause=pb.CLAUSE_OVER_USE,
            reporter_kind=pb.REPORTER_KIND_DEVELOPER_TELEMETRY,
            evidence_digests=[evidence * 32],
            request_id=request_id,
        )
        return answer.report_id

    assert await report(b"a") == await report(b"a")
    with pytest.raises(SafeconductError, match="REQUEST_ID_REUSED"):
        await report(b"b")


async def test_a_dry_run_of_a_report_stores_nothing_and_names_nothing(callers: Callers) -> None:
    license_id = await callers.issue()
    await callers.report(license_id)
    stranger = await callers.client("partner/example-2")

    answer = await stranger.conduct.report(
        license_id,
        clause=pb.CLAUSE_MILITARY_SURVEILLANCE,
        reporter_kind=pb.REPORTER_KIND_PUBLIC,
        evidence_digests=EVIDENCE,
        validate_only=True,
    )

    assert (answer.violation_id, answer.report_id) == ("", "")
    officer = await callers.client("officer/enforcement-1")
    cases = officer.violations.list(license_id=license_id)
    assert [case.report_count async for case in cases] == [1]


async def test_another_partners_license_is_answered_like_an_unknown_one(callers: Callers) -> None:
    license_id = await callers.issue()
    stranger = await callers.client("partner/example-2")

    for asked in (license_id, str(uuid.uuid4())):
        checked = await stranger.standing.check_access(
            asked,
            model_id="frontier-1",
            access_mode="HOSTED_ACCESS",
            destination="DE",
            end_use="HEALTHCARE",
        )
        assert (checked.verdict, checked.standing_version) == (pb.ACCESS_VERDICT_UNKNOWN_LICENSE, 0)
        with pytest.raises(SafeconductError, match="NOT_VISIBLE") as refusal:
            await stranger.standing.timeline(asked)
        assert refusal.value.code is grpc.StatusCode.PERMISSION_DENIED
        with pytest.raises(SafeconductError, match="NOT_VISIBLE"):
            await stranger.conduct.report(
                asked,
                clause=pb.CLAUSE_OVER_USE,
                reporter_kind=pb.REPORTER_KIND_SELF_DISCLOSURE,
                evidence_digests=EVIDENCE,
            )


@pytest.mark.parametrize("replica", [0, 1])
async def test_the_server_decides_as_the_gate_does(callers: Callers, replica: int) -> None:
    license_id = await callers.issue()
    partner = await callers.client("partner/example-1", replica)
    accesses = [
        ("frontier-1", "HOSTED_ACCESS", "DE", "HEALTHCARE"),
        ("frontier-2", "HOSTED_ACCESS", "DE", "HEALTHCARE"),
        ("frontier-1", "MODEL_WEIGHTS", "DE", "HEALTHCARE"),
        ("frontier-1", "HOSTED_ACCESS", "US", "HEALTHCARE"),
        ("frontier-1", "HOSTED_ACCESS", "DE", "MILITARY"),
        ("frontier-1", "HOSTED_ACCESS", "DE", "SOMETHING_ELSE"),
    ]

    async def decided(
        model_id: str, access_mode: str, destination: str, end_use: str
    ) -> tuple[str, str]:
        answer = await partner.standing.check_access(
            license_id,
            model_id=model_id,
            access_mode=access_mode,
            destination=destination,
            end_use=end_use,
        )
        verdict = pb.AccessVerdict.Name(answer.verdict).removeprefix("ACCESS_VERDICT_")
        return verdict, answer.explanation

    async def is_allowed() -> bool:
        return (await decided(*accesses[0]))[0] == "ALLOWED"

    await eventually(is_allowed)
    async with callers.gate(replica=replica) as gate:
        await eventually(lambda: allows(gate, license_id))
        for access in accesses:
            verdict = gate.check(license_id, *access)
            assert await decided(*access) == (verdict.reason, verdict.explanation)


async def test_cases_are_listed_newest_first_page_by_page(callers: Callers) -> None:
    license_id = await callers.issue()
    clauses = [pb.CLAUSE_OVER_USE, pb.CLAUSE_FALSE_STATEMENT, pb.CLAUSE_POLITICAL_MANIPULATION]
    for clause in clauses:
        await callers.report(license_id, clause)
    case_id = await callers.found(license_id)
    officer = await callers.client("officer/enforcement-1")

    listed = [case async for case in officer.violations.list(license_id=license_id, page_size=2)]
    found = [
        case
        async for case in officer.violations.list(
            license_id=license_id, state=pb.VIOLATION_STATE_FOUND, page_size=1
        )
    ]

    assert [case.clause for case in listed] == [pb.CLAUSE_MILITARY_SURVEILLANCE, *reversed(clauses)]
    assert [case.violation_id for case in found] == [case_id]


async def test_the_partner_reads_what_is_in_force_and_no_names(callers: Callers) -> None:
    license_id = await callers.issue()
    case_id = await callers.found(license_id)
    await callers.impose(case_id, pb.MEASURE_KIND_SUSPENSION)
    partner, officer = (
        await callers.client("partner/example-1"),
        await callers.client("officer/enforcement-1"),
    )

    seen = (await partner.standing.timeline(license_id)).entries
    everything = (await officer.standing.timeline(license_id)).entries

    assert [entry.event_type for entry in seen] == [
        "LicenseRegistered",
        "StandingChanged",
        "MeasureImposed",
        "LicenseSuspended",
        "StandingChanged",
    ]
    assert {entry.actor for entry in seen} == {"service/applications", "officer"}
    assert [entry.version for entry in everything] == list(range(1, len(everything) + 1))
    assert all(len(entry.hash) == 32 and entry.trace_id for entry in everything)
    assert "officer/enforcement-1" in {entry.actor for entry in everything}


async def test_a_license_that_is_published_again_changes_nothing(callers: Callers) -> None:
    issued, event_id = issue_event(), uuid.uuid4()
    payload = issued.SerializeToString()
    await callers.publish("LicenseIssued", payload, event_id)
    license_id = issued.license.license_id
    await callers.until_registered(license_id)
    case_id = await callers.found(license_id)
    await callers.impose(case_id, pb.MEASURE_KIND_REVOCATION)
    officer = await callers.client("officer/enforcement-1")
    before = (await officer.standing.timeline(license_id)).entries

    await callers.publish("LicenseIssued", payload, event_id)
    await callers.publish("LicenseIssued", payload)
    await callers.issue()  # follows them on the same partition

    assert (await officer.standing.timeline(license_id)).entries == before


async def test_an_undecodable_event_is_parked_and_the_partition_goes_on(callers: Callers) -> None:
    await callers.publish("LicenseIssued", b"\xff\xff\xff")

    await callers.issue()

    owner = await asyncpg.connect(callers.stack.database("enforcement").owner_dsn)
    parked = await owner.fetch("select type, payload from parked")
    await owner.close()
    assert ("LicenseIssued", b"\xff\xff\xff") in [tuple(row) for row in parked]


async def test_every_license_is_the_fold_of_its_events_and_every_case_has_its_row(
    callers: Callers,
) -> None:
    license_id = await callers.issue()
    await callers.found(license_id)
    pool = await asyncpg.create_pool(
        callers.stack.database("enforcement").app_dsn, min_size=1, max_size=1
    )
    journal = Journal(pool, LicenseStream(), setup("enforcement", "0"), lambda: None)

    stored = await journal.select("")
    for each in stored:
        assert journal.rebuild(await journal.history(each.id)) == each.state
    rows = {
        (row["violation_id"], row["state"])
        for row in await journal.fetch("select * from violation")
    }

    assert stored
    assert rows == {
        (case.violation_id, case.state) for each in stored for case in each.state.violations
    }
    await pool.close()


async def test_a_revocation_is_one_connected_trace_from_the_officer_to_the_cache(
    callers: Callers,
) -> None:
    license_id = await callers.issue()
    case_id = await callers.found(license_id)
    await callers.impose(case_id, pb.MEASURE_KIND_REVOCATION)
    officer = await callers.client("officer/enforcement-1")
    entries = (await officer.standing.timeline(license_id)).entries
    (trace_id,) = {entry.trace_id for entry in entries if entry.event_type == "LicenseRevoked"}
    began = "safeconduct.enforcement.v1.ViolationService/ConfirmMeasure"
    expected = {
        began: 1,
        "commit license": 1,
        "send safeconduct.enforcement.v1": 2,  # MeasureImposed and LicenseRevoked
        "send safeconduct.standing.v1": 1,
        "process safeconduct.standing.v1": 2,  # once for each replica
    }
    store = callers.stack.spans.store

    # Each process exports its spans at its own intervals.
    await eventually(lambda: Counter(span.name for span in store.trace(trace_id)) == expected)

    spans = store.trace(trace_id)
    ids = {span.span_id for span in spans}
    assert [span.name for span in spans if span.parent_span_id not in ids] == [began]
    assert not any(WHY in str(span.attributes) for span in spans)


async def test_a_replica_that_is_stopped_drains_its_gates_and_exits_with_0(
    callers: Callers,
) -> None:
    license_id = await callers.issue()
    replica = callers.stack.service("enforcement", 1)
    async with callers.gate() as gate:
        await gate.ready(SECONDS)

        code = await asyncio.to_thread(replica.stop)

        assert code == 0
        await eventually(lambda: gate.fault is None and allows(gate, license_id))
        replica.start()
        await asyncio.to_thread(replica.wait_ready)


async def test_a_gate_resumes_on_the_other_replica_while_one_is_killed(callers: Callers) -> None:
    license_id = await callers.issue()
    async with callers.gate() as gate:
        await gate.ready(SECONDS)
        await eventually(lambda: allows(gate, license_id))
        replica = callers.stack.service("enforcement", 1)
        before = replica.starts

        replica.kill()
        await eventually(lambda: gate.fault is not None)
        await eventually(lambda: gate.fault is None and allows(gate, license_id))

        await eventually(lambda: replica.starts > before and replica.is_ready)


async def test_a_revocation_reaches_the_gate_after_the_broker_was_away(callers: Callers) -> None:
    license_id = await callers.issue(lease_seconds=60)
    async with callers.gate() as gate:
        await gate.ready(SECONDS)
        await eventually(lambda: gate.standings.get(license_id) is not None)
        case_id = await callers.found(license_id)
        await callers.propose_measure(1, case_id, pb.MEASURE_KIND_REVOCATION)
        callers.stack.kafka.kill()

        standing = await callers.confirm_measure(2, case_id)
        assert standing.state == pb.STANDING_STATE_REVOKED
        assert gate.standings[license_id].state is StandingState.ACTIVE

        callers.stack.kafka.start_node()
        await eventually(lambda: reason(gate, license_id) == "REVOKED")


async def test_a_gate_denies_by_itself_if_its_lease_is_not_renewed(callers: Callers) -> None:
    license_id = await callers.issue(lease_seconds=2)
    async with callers.gate() as gate:
        await gate.ready(SECONDS)
        await eventually(lambda: allows(gate, license_id))

        callers.stack.kafka.kill()
        await eventually(lambda: reason(gate, license_id) == "LEASE_EXPIRED")

        callers.stack.kafka.start_node()
        await eventually(lambda: allows(gate, license_id))
