"""Two replicas of the service as processes, on real PostgreSQL and real Kafka, over mutual TLS."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self
from uuid import UUID

import asyncpg
import grpc
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from safeconduct.applications.v1 import events_pb2 as applications
from safeconduct.applications.v1 import model_pb2 as applications_model
from safeconduct.channel import Credentials, Endpoints
from safeconduct.client import Client, SafeconductError
from safeconduct.enforcement.v1 import model_pb2 as pb
from safeconduct.gate import Gate, StandingState
from safeconduct.screening.v1 import events_pb2 as screening
from safeconduct.screening.v1 import model_pb2 as screening_model

from chassis.proto_mapping import to_timestamp
from chassis.store.journal import Journal
from chassis.telemetry.tracing import setup
from infra.local.stack import Stack
from services.enforcement.shell.projections import LicenseStream

SECONDS = 60.0
WHY = "seen in the evidence of the report"
EVIDENCE = [b"\7" * 32]


@pytest.fixture(scope="module")
def stack(run_folder: Path) -> Iterator[Stack]:
    with Stack(run_folder / "enforcement", services=("enforcement",), replicas=2) as running:
        yield running


class Desk:
    """Everybody who calls, and what applications would tell."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._undo = AsyncExitStack()
        self._clients: dict[tuple[str, int], Client] = {}

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(bootstrap_servers=self.stack.kafka.bootstrap, acks="all")
        await self._undo.enter_async_context(self._producer)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._undo.aclose()

    async def client(self, principal: str, replica: int = 0) -> Client:
        if (principal, replica) not in self._clients:
            credentials = Credentials.from_env(self.stack.client_env(principal))
            address = self.stack.addresses("enforcement")[replica]
            client = Client(Endpoints(enforcement=address), credentials, waits_for_ready=True)
            self._clients[principal, replica] = await self._undo.enter_async_context(client)
        return self._clients[principal, replica]

    def gate(self, principal: str = "gate/example-1/gate-1", replica: int | None = None) -> Gate:
        addresses = self.stack.addresses("enforcement")
        chosen = addresses if replica is None else addresses[replica : replica + 1]
        return Gate(chosen, Credentials.from_env(self.stack.client_env(principal)))

    async def tell(
        self, name: str, payload: bytes, event_id: UUID | None = None, teller: str = "applications"
    ) -> None:
        headers = {
            "ce_id": str(event_id or uuid.uuid4()),
            "ce_type": f"safeconduct.{teller}.v1.{name}",
            "ce_source": f"/{teller}",
            "ce_time": datetime.now(UTC).isoformat(),
        }
        await self._producer.send_and_wait(
            f"safeconduct.{teller}.v1",
            payload,
            key=b"k",
            headers=[(k, v.encode()) for k, v in headers.items()],
        )

    async def issue(self, partner_id: str = "example-1", lease_seconds: int = 10) -> str:
        """A license that applications issued and enforcement took up."""
        issued = issue_event(partner_id, lease_seconds)
        await self.tell("LicenseIssued", issued.SerializeToString())
        await self.known(issued.license.license_id)
        return issued.license.license_id

    async def known(self, license_id: str) -> None:
        officer = await self.client("officer/enforcement-1")

        async def is_registered() -> bool:
            try:
                await officer.standing.timeline(license_id)
            except SafeconductError as refusal:
                if refusal.reason != "NOT_FOUND":
                    raise
                return False
            return True

        await eventually(is_registered)

    async def report(
        self, license_id: str, clause: pb.Clause.ValueType = pb.CLAUSE_MILITARY_SURVEILLANCE
    ) -> str:
        gate = await self.client("gate/example-1/gate-1")
        answer = await gate.conduct.report(
            license_id,
            clause=clause,
            reporter_kind=pb.REPORTER_KIND_DEVELOPER_TELEMETRY,
            evidence_digests=EVIDENCE,
        )
        return answer.violation_id

    async def found(
        self, license_id: str, clause: pb.Clause.ValueType = pb.CLAUSE_MILITARY_SURVEILLANCE
    ) -> str:
        case_id = await self.report(license_id, clause)
        await self.propose_finding(1, case_id)
        await self.confirm_finding(2, case_id)
        return case_id

    async def officer(self, number: int) -> Client:
        return await self.client(f"officer/enforcement-{number}")

    async def propose_finding(self, number: int, case_id: str) -> pb.Violation:
        officer = await self.officer(number)
        etag = (await officer.violations.get(case_id)).violation.etag
        return await officer.violations.propose_finding(
            case_id, is_violation=True, severity=pb.SEVERITY_CRITICAL, rationale=WHY, etag=etag
        )

    async def confirm_finding(self, number: int, case_id: str) -> pb.Violation:
        officer = await self.officer(number)
        case = (await officer.violations.get(case_id)).violation
        return await officer.violations.confirm_finding(
            case_id, case.finding.finding_id, rationale=WHY, etag=case.etag
        )

    async def propose_measure(
        self, number: int, case_id: str, kind: pb.MeasureKind.ValueType
    ) -> pb.Violation:
        officer = await self.officer(number)
        etag = (await officer.violations.get(case_id)).violation.etag
        return await officer.violations.propose_measure(
            case_id, kind=kind, rationale=WHY, etag=etag
        )

    async def confirm_measure(self, number: int, case_id: str) -> pb.Standing:
        officer = await self.officer(number)
        case = (await officer.violations.get(case_id)).violation
        return (
            await officer.violations.confirm_measure(
                case_id, case.measures[-1].measure_id, rationale=WHY, etag=case.etag
            )
        ).standing

    async def impose(self, case_id: str, kind: pb.MeasureKind.ValueType) -> pb.Standing:
        """Proposed by the first officer and confirmed by the second one."""
        await self.propose_measure(1, case_id, kind)
        return await self.confirm_measure(2, case_id)

    async def propose_reinstatement(self, number: int, license_id: str) -> str:
        officer = await self.officer(number)
        etag = (await officer.standing.timeline(license_id)).etag
        answer = await officer.violations.propose_reinstatement(
            license_id, rationale=WHY, etag=etag
        )
        return answer.reinstatement.reinstatement_id

    async def confirm_reinstatement(self, number: int, license_id: str) -> pb.Standing:
        officer = await self.officer(number)
        timeline = await officer.standing.timeline(license_id)
        return (
            await officer.violations.confirm_reinstatement(
                license_id,
                timeline.pending_reinstatement.reinstatement_id,
                rationale=WHY,
                etag=timeline.etag,
            )
        ).standing


@pytest.fixture(scope="module")
async def desk(stack: Stack) -> AsyncIterator[Desk]:
    async with Desk(stack) as open_desk:
        yield open_desk


def issue_event(
    partner_id: str = "example-1", lease_seconds: int = 10
) -> applications.LicenseIssued:
    now = datetime.now(UTC)
    grant = applications.LicenseGrant(
        license_id=str(uuid.uuid4()),
        license_number="SC-2026-000001",
        partner_id=partner_id,
        items=[
            applications_model.Item(
                model_id="frontier-1", access_mode=applications_model.ACCESS_MODE_HOSTED_ACCESS
            )
        ],
        destinations=["DE"],
        end_uses=[applications_model.END_USE_HEALTHCARE],
        not_before=to_timestamp(now - timedelta(days=1)),
        not_after=to_timestamp(now + timedelta(days=365)),
        lease_seconds=lease_seconds,
    )
    return applications.LicenseIssued(application_id=str(uuid.uuid4()), license=grant)


async def eventually(
    condition: Callable[[], Awaitable[bool]] | Callable[[], bool], seconds: float = SECONDS
) -> None:
    """Waits until the condition holds; fails when it does not in time."""
    async with asyncio.timeout(seconds):
        while True:
            holds = condition()
            if await holds if isinstance(holds, Awaitable) else holds:
                return
            await asyncio.sleep(0.02)


def allows(gate: Gate, license_id: str) -> bool:
    return gate.check(license_id, "frontier-1", "DE", "HEALTHCARE").allowed


def reason(gate: Gate, license_id: str) -> str:
    return gate.check(license_id, "frontier-1", "DE", "HEALTHCARE").reason.value


async def test_a_license_that_is_issued_is_allowed_at_the_gate_until_two_officers_revoke_it(
    desk: Desk,
) -> None:
    license_id = await desk.issue()
    async with desk.gate() as gate:
        await gate.ready(SECONDS)
        await eventually(lambda: allows(gate, license_id))
        case_id = await desk.found(license_id)
        await desk.propose_measure(1, case_id, pb.MEASURE_KIND_REVOCATION)
        assert allows(gate, license_id)

        began = time.monotonic()
        standing = await desk.confirm_measure(2, case_id)
        await eventually(lambda: not allows(gate, license_id))
        print(f"countersignature to denial {(time.monotonic() - began) * 1000:.0f} ms")

        assert standing.state == pb.STANDING_STATE_REVOKED
        assert reason(gate, license_id) == "REVOKED"


async def test_a_suspended_license_denies_until_two_other_officers_reinstate_it(desk: Desk) -> None:
    license_id = await desk.issue()
    async with desk.gate() as gate:
        case_id = await desk.found(license_id)
        await desk.impose(case_id, pb.MEASURE_KIND_SUSPENSION)
        await gate.ready(SECONDS)
        await eventually(lambda: reason(gate, license_id) == "SUSPENDED")

        with pytest.raises(SafeconductError, match="SUSPENDER_CANNOT_REINSTATE"):
            await desk.propose_reinstatement(1, license_id)
        await desk.propose_reinstatement(3, license_id)
        with pytest.raises(SafeconductError, match="SELF_CONFIRMATION"):
            await desk.confirm_reinstatement(3, license_id)
        assert reason(gate, license_id) == "SUSPENDED"
        standing = await desk.confirm_reinstatement(4, license_id)
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


def found_false(license_id: str) -> bytes:
    return screening.HitAdjudicated(
        application_id=str(uuid.uuid4()),
        license_id=license_id,
        party_id="end-user",
        hit_id=str(uuid.uuid4()),
        verdict=screening_model.HIT_VERDICT_FALSE_POSITIVE,
        party_result=screening_model.SCREENING_RESULT_FALSE_POSITIVE,
    ).SerializeToString()


async def test_a_list_match_suspends_with_no_officer_and_two_reinstate_once_it_is_settled(
    desk: Desk,
) -> None:
    license_id = await desk.issue()
    first = await desk.officer(1)

    async with desk.gate() as gate:
        await eventually(lambda: allows(gate, license_id))
        await desk.tell("PartyListed", listed(license_id), teller="screening")
        await eventually(lambda: reason(gate, license_id) == "SUSPENDED")
        with pytest.raises(SafeconductError, match="LIST_MATCH_OPEN"):
            await desk.propose_reinstatement(1, license_id)

        await desk.tell("HitAdjudicated", found_false(license_id), teller="screening")

        async def is_settled() -> bool:
            entries = (await first.standing.timeline(license_id)).entries
            return entries[-1].event_type == "ListMatchSettled"

        await eventually(is_settled)
        await desk.propose_reinstatement(1, license_id)
        assert reason(gate, license_id) == "SUSPENDED"
        standing = await desk.confirm_reinstatement(2, license_id)
        assert standing.state == pb.STANDING_STATE_ACTIVE
        await eventually(lambda: allows(gate, license_id))


async def test_a_list_match_heard_before_its_license_waits_for_it(desk: Desk) -> None:
    issued = issue_event()
    license_id = issued.license.license_id
    await desk.tell("PartyListed", listed(license_id), teller="screening")
    await desk.tell("LicenseIssued", issued.SerializeToString())
    await desk.known(license_id)

    async with desk.gate() as gate:
        await eventually(lambda: reason(gate, license_id) == "SUSPENDED")


async def test_an_officer_of_the_partner_cannot_act(desk: Desk) -> None:
    license_id = await desk.issue()
    case_id = await desk.report(license_id)

    with pytest.raises(SafeconductError, match="CONFLICT_OF_INTEREST") as refusal:
        await desk.propose_finding(5, case_id)

    assert refusal.value.code is grpc.StatusCode.PERMISSION_DENIED
    assert refusal.value.metadata == {"officerId": "enforcement-5"}


async def test_a_stale_etag_is_refused(desk: Desk) -> None:
    license_id = await desk.issue()
    case_id = await desk.report(license_id)
    officer = await desk.client("officer/enforcement-2")
    stale = (await officer.violations.get(case_id)).violation.etag
    pending = await desk.propose_finding(1, case_id)

    with pytest.raises(SafeconductError, match="STALE_ETAG") as refusal:
        await officer.violations.confirm_finding(
            case_id, pending.finding.finding_id, rationale=WHY, etag=stale
        )

    assert refusal.value.code is grpc.StatusCode.ABORTED


async def test_another_finding_than_the_pending_one_is_not_confirmed(desk: Desk) -> None:
    license_id = await desk.issue()
    case_id = await desk.report(license_id)
    pending = await desk.propose_finding(1, case_id)
    officer = await desk.officer(2)

    with pytest.raises(SafeconductError, match="PENDING_ACT_DIFFERS") as refusal:
        await officer.violations.confirm_finding(
            case_id, str(uuid.uuid4()), rationale=WHY, etag=pending.etag
        )

    assert refusal.value.code is grpc.StatusCode.ABORTED
    assert refusal.value.metadata == {"pending": pending.finding.finding_id}


async def test_rejected_acts_leave_the_case_and_the_license_as_they_were(desk: Desk) -> None:
    license_id = await desk.issue()
    case_id = await desk.report(license_id)
    officer = await desk.officer(2)
    calls = officer.violations

    finding = await desk.propose_finding(1, case_id)
    rejected = await calls.reject_finding(
        case_id, finding.finding.finding_id, rationale=WHY, etag=finding.etag
    )
    assert rejected.state == pb.VIOLATION_STATE_REPORTED

    await desk.propose_finding(1, case_id)
    await desk.confirm_finding(2, case_id)
    measure = await desk.propose_measure(1, case_id, pb.MEASURE_KIND_REVOCATION)
    rejected = await calls.reject_measure(
        case_id, measure.measures[-1].measure_id, rationale=WHY, etag=measure.etag
    )
    assert rejected.state == pb.VIOLATION_STATE_FOUND

    warned = await calls.impose_warning(case_id, rationale=WHY, etag=rejected.etag)
    assert warned.state == pb.VIOLATION_STATE_MEASURED

    await desk.impose(case_id, pb.MEASURE_KIND_SUSPENSION)
    await desk.propose_reinstatement(3, license_id)
    other = await desk.officer(4)
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


async def test_a_command_out_of_order_is_told_what_is_allowed(desk: Desk) -> None:
    license_id = await desk.issue()
    case_id = await desk.report(license_id)

    with pytest.raises(SafeconductError, match="WRONG_STATE") as refusal:
        await desk.propose_measure(1, case_id, pb.MEASURE_KIND_REVOCATION)

    assert refusal.value.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refusal.value.metadata == {
        "state": "REPORTED",
        "command": "ProposeMeasure",
        "allowedCommands": "ProposeFinding",
    }


async def test_a_request_sent_twice_is_done_once_and_another_body_is_refused(desk: Desk) -> None:
    license_id = await desk.issue()
    gate = await desk.client("gate/example-1/gate-1")
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


async def test_a_checked_report_stores_nothing_and_names_nothing(desk: Desk) -> None:
    license_id = await desk.issue()
    await desk.report(license_id)
    stranger = await desk.client("partner/example-2")

    answer = await stranger.conduct.report(
        license_id,
        clause=pb.CLAUSE_MILITARY_SURVEILLANCE,
        reporter_kind=pb.REPORTER_KIND_PUBLIC,
        evidence_digests=EVIDENCE,
        validate_only=True,
    )

    assert (answer.violation_id, answer.report_id) == ("", "")
    officer = await desk.client("officer/enforcement-1")
    assert [len(case.reports) async for case in officer.violations.list(license_id=license_id)] == [
        1
    ]


async def test_another_partners_license_cannot_be_told_from_none(desk: Desk) -> None:
    license_id = await desk.issue()
    stranger = await desk.client("partner/example-2")

    for asked in (license_id, str(uuid.uuid4())):
        checked = await stranger.standing.check_access(
            asked, model_id="frontier-1", destination="DE", end_use="HEALTHCARE"
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
async def test_the_server_decides_as_the_gate_does(desk: Desk, replica: int) -> None:
    license_id = await desk.issue()
    partner = await desk.client("partner/example-1", replica)
    accesses = [
        ("frontier-1", "DE", "HEALTHCARE"),
        ("frontier-2", "DE", "HEALTHCARE"),
        ("frontier-1", "US", "HEALTHCARE"),
        ("frontier-1", "DE", "MILITARY"),
        ("frontier-1", "DE", "SOMETHING_ELSE"),
    ]

    async def decided(model_id: str, destination: str, end_use: str) -> tuple[str, str]:
        answer = await partner.standing.check_access(
            license_id, model_id=model_id, destination=destination, end_use=end_use
        )
        verdict = pb.AccessVerdict.Name(answer.verdict).removeprefix("ACCESS_VERDICT_")
        return verdict, answer.explanation

    async def is_allowed() -> bool:
        return (await decided(*accesses[0]))[0] == "ALLOWED"

    await eventually(is_allowed)
    async with desk.gate(replica=replica) as gate:
        await eventually(lambda: allows(gate, license_id))
        for access in accesses:
            verdict = gate.check(license_id, *access)
            assert await decided(*access) == (verdict.reason, verdict.explanation)


async def test_cases_are_listed_newest_first_page_by_page(desk: Desk) -> None:
    license_id = await desk.issue()
    clauses = [pb.CLAUSE_OVER_USE, pb.CLAUSE_FALSE_STATEMENT, pb.CLAUSE_POLITICAL_MANIPULATION]
    for clause in clauses:
        await desk.report(license_id, clause)
    case_id = await desk.found(license_id)
    officer = await desk.client("officer/enforcement-1")

    listed = [case async for case in officer.violations.list(license_id=license_id, page_size=2)]
    found = [
        case
        async for case in officer.violations.list(
            license_id=license_id, state=pb.VIOLATION_STATE_FOUND, page_size=1
        )
    ]

    assert [case.clause for case in listed] == [pb.CLAUSE_MILITARY_SURVEILLANCE, *reversed(clauses)]
    assert [case.violation_id for case in found] == [case_id]


async def test_the_partner_reads_what_is_in_force_and_no_names(desk: Desk) -> None:
    license_id = await desk.issue()
    case_id = await desk.found(license_id)
    await desk.impose(case_id, pb.MEASURE_KIND_SUSPENSION)
    partner, officer = (
        await desk.client("partner/example-1"),
        await desk.client("officer/enforcement-1"),
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


async def test_a_license_told_again_and_late_changes_nothing(desk: Desk) -> None:
    issued, event_id = issue_event(), uuid.uuid4()
    payload = issued.SerializeToString()
    await desk.tell("LicenseIssued", payload, event_id)
    license_id = issued.license.license_id
    await desk.known(license_id)
    case_id = await desk.found(license_id)
    await desk.impose(case_id, pb.MEASURE_KIND_REVOCATION)
    officer = await desk.client("officer/enforcement-1")
    before = (await officer.standing.timeline(license_id)).entries

    await desk.tell("LicenseIssued", payload, event_id)
    await desk.tell("LicenseIssued", payload)
    await desk.issue()  # told behind them on the same partition

    assert (await officer.standing.timeline(license_id)).entries == before


async def test_a_record_that_cannot_be_read_is_put_aside_and_the_partition_goes_on(
    desk: Desk,
) -> None:
    await desk.tell("LicenseIssued", b"\xff\xff\xff")

    await desk.issue()

    letters = await read_all(desk.stack.kafka.bootstrap, "safeconduct.applications.v1.dlq")
    assert b"\xff\xff\xff" in letters


async def read_all(bootstrap: str, topic: str) -> list[bytes]:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        end = (await consumer.end_offsets([place]))[place]
        return [(await consumer.getone()).value for _ in range(end)]


async def test_every_license_is_the_fold_of_its_events_and_every_case_has_its_row(
    desk: Desk,
) -> None:
    license_id = await desk.issue()
    await desk.found(license_id)
    pool = await asyncpg.create_pool(
        desk.stack.database("enforcement").app_dsn, min_size=1, max_size=1
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


async def test_a_revocation_is_one_connected_trace_from_the_officer_to_the_board(
    desk: Desk,
) -> None:
    license_id = await desk.issue()
    case_id = await desk.found(license_id)
    await desk.impose(case_id, pb.MEASURE_KIND_REVOCATION)
    officer = await desk.client("officer/enforcement-1")
    entries = (await officer.standing.timeline(license_id)).entries
    (trace_id,) = {entry.trace_id for entry in entries if entry.event_type == "LicenseRevoked"}
    began = "safeconduct.enforcement.v1.ViolationService/ConfirmMeasure"
    expected = {
        began: 1,
        "commit license": 1,
        "send safeconduct.enforcement.v1": 2,  # MeasureImposed and LicenseRevoked
        "send safeconduct.standing.v1": 1,
        "process safeconduct.standing.v1": 2,  # once a replica
    }
    store = desk.stack.spans.store

    # The processes send their spans when they like.
    await eventually(lambda: Counter(span.name for span in store.trace(trace_id)) == expected)

    spans = store.trace(trace_id)
    ids = {span.span_id for span in spans}
    assert [span.name for span in spans if span.parent_span_id not in ids] == [began]
    assert not any(WHY in str(span.attributes) for span in spans)


async def test_a_replica_told_to_end_lets_its_gates_go_and_ends_with_0(desk: Desk) -> None:
    license_id = await desk.issue()
    replica = desk.stack.service("enforcement", 1)
    async with desk.gate() as gate:
        await gate.ready(SECONDS)

        code = await asyncio.to_thread(replica.stop)

        assert code == 0
        await eventually(lambda: gate.fault is None and allows(gate, license_id))
        replica.start()
        await asyncio.to_thread(replica.wait_ready)


async def test_a_gate_resumes_on_the_other_replica_while_one_is_killed(desk: Desk) -> None:
    license_id = await desk.issue()
    async with desk.gate() as gate:
        await gate.ready(SECONDS)
        await eventually(lambda: allows(gate, license_id))
        replica = desk.stack.service("enforcement", 1)
        before = replica.starts

        replica.kill()
        await eventually(lambda: gate.fault is not None)
        await eventually(lambda: gate.fault is None and allows(gate, license_id))

        await eventually(lambda: replica.starts > before and replica.is_ready)


async def test_a_revocation_reaches_the_gate_after_the_broker_was_away(desk: Desk) -> None:
    license_id = await desk.issue(lease_seconds=60)
    async with desk.gate() as gate:
        await gate.ready(SECONDS)
        await eventually(lambda: gate.standings.get(license_id) is not None)
        case_id = await desk.found(license_id)
        await desk.propose_measure(1, case_id, pb.MEASURE_KIND_REVOCATION)
        desk.stack.kafka.kill()

        standing = await desk.confirm_measure(2, case_id)
        assert standing.state == pb.STANDING_STATE_REVOKED
        assert gate.standings[license_id].state is StandingState.ACTIVE

        desk.stack.kafka.start_node()
        await eventually(lambda: reason(gate, license_id) == "REVOKED")


async def test_a_gate_denies_by_itself_when_nothing_comes_back_within_its_lease(desk: Desk) -> None:
    license_id = await desk.issue(lease_seconds=2)
    async with desk.gate() as gate:
        await gate.ready(SECONDS)
        await eventually(lambda: allows(gate, license_id))

        desk.stack.kafka.kill()
        await eventually(lambda: reason(gate, license_id) == "LEASE_EXPIRED")

        desk.stack.kafka.start_node()
        await eventually(lambda: allows(gate, license_id))
