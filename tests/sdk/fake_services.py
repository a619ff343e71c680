"""All three services in one small server that keeps the contract, for the tests of the command."""

# ruff: noqa: ANN001, ANN201, N802 - names and types of the methods are the contract's
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc import aio
from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.applications.v1 import service_pb2 as rpc
from safeconduct.applications.v1 import service_pb2_grpc as applications_grpc
from safeconduct.enforcement.v1 import model_pb2 as enforcement
from safeconduct.enforcement.v1 import service_pb2 as enforcement_rpc
from safeconduct.enforcement.v1 import service_pb2_grpc as enforcement_grpc
from safeconduct.screening.v1 import model_pb2 as screening
from safeconduct.screening.v1 import service_pb2 as screening_rpc
from safeconduct.screening.v1 import service_pb2_grpc as screening_grpc

from tests.sdk.fake_replica import FakeReplica
from tests.sdk.servers import reason, refuse

APPLICATION = "5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001"
LICENSE = "0c9fd6cf-6ac9-4bb4-a36e-8b6f1bd6a001"
VIOLATION = "7a1f0cbb-3f0e-4f9e-b8a0-1f7f0cde5001"
HIT = "8a1f6f0e-0b53-5a8e-9d6c-2f4b3a7c9001"
VERSION = "US-CSL/2026-11/0123456789ab"
RECOMMENDATION = "1b7f0cbb-3f0e-4f9e-b8a0-1f7f0cde5002"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
LATER_TRACE = "aaaabbbbccccdddd0000111122223333"
Refusal = tuple[grpc.StatusCode, str, Message]


def wrong_state() -> Refusal:
    said = reason(
        "WRONG_STATE", state="SCREENING", command="X", allowedCommands="WithdrawApplication"
    )
    return grpc.StatusCode.FAILED_PRECONDITION, "not now", said


@dataclass
class FakeServices(
    applications_grpc.ApplicationServiceServicer,
    applications_grpc.ReviewServiceServicer,
    applications_grpc.LicenseServiceServicer,
    screening_grpc.ScreeningServiceServicer,
    screening_grpc.ListServiceServicer,
    screening_grpc.AdjudicationServiceServicer,
    enforcement_grpc.ConductServiceServicer,
    enforcement_grpc.ViolationServiceServicer,
):
    """Records requests; answers from the values below, or with the next prepared refusal."""

    application: model.Application = field(
        default_factory=lambda: model.Application(application_id=APPLICATION)
    )
    case: rpc.Case = field(default_factory=rpc.Case)
    violation: enforcement.Violation = field(
        default_factory=lambda: enforcement.Violation(
            violation_id=VIOLATION, license_id=LICENSE, etag="v7"
        )
    )
    screened: screening.Screening = field(default_factory=screening.Screening)
    breaks_after: int = -1
    """Requests of a stream after which it breaks once."""
    hit: screening.HitCase = field(
        default_factory=lambda: screening.HitCase(
            hit_id=HIT, application_id=APPLICATION, state=1, etag="v3"
        )
    )
    document: str = ""
    keys: dict[str, bytes] = field(default_factory=dict)
    refusals: dict[str, list[Any]] = field(default_factory=dict)
    requests: dict[str, list[Any]] = field(default_factory=dict)
    standing: FakeReplica = field(default_factory=FakeReplica)

    def last(self, method: str) -> Any:
        return self.requests[method][-1]

    async def _take(self, method: str, request: Message, context: aio.ServicerContext) -> None:
        self.requests.setdefault(method, []).append(request)
        if self.refusals.get(method):
            await refuse(context, *self.refusals[method].pop(0))

    async def SubmitApplication(self, request, context):
        await self._take("SubmitApplication", request, context)
        self.application.details.CopyFrom(request.details)
        self.application.state = model.APPLICATION_STATE_SCREENING
        return rpc.SubmitApplicationResponse(application=self.application)

    async def GetApplication(self, request, context):
        await self._take("GetApplication", request, context)
        return rpc.GetApplicationResponse(application=self.application)

    async def ListApplications(self, request, context):
        await self._take("ListApplications", request, context)
        found = rpc.ApplicationSummary(
            application_id=self.application.application_id, state=self.application.state
        )
        return rpc.ListApplicationsResponse(
            summaries=[found] * 3, next_page_token="more", total_size=7
        )

    async def WatchApplications(self, request, context):
        await self._take("WatchApplications", request, context)
        for version, (event, state) in enumerate(
            [("ApplicationSubmitted", 1), ("ApplicationApproved", 5)], 1
        ):
            change = rpc.ApplicationChange(
                application_id=APPLICATION,
                version=version,
                event_type=event,
                state=state,
                trace_id=TRACE,
            )
            yield rpc.WatchApplicationsResponse(changes=[change], resume_token=f"t{version}")

    async def WithdrawApplication(self, request, context):
        await self._take("WithdrawApplication", request, context)
        self.application.state = model.APPLICATION_STATE_WITHDRAWN
        return rpc.WithdrawApplicationResponse(application=self.application)

    async def AcceptConductCode(self, request, context):
        await self._take("AcceptConductCode", request, context)
        issued = model.License(license_id=LICENSE, license_number="SC-2026-00000001")
        return rpc.AcceptConductCodeResponse(application=self.application, license=issued)

    async def GetApplicationTimeline(self, request, context):
        await self._take("GetApplicationTimeline", request, context)
        entries = [
            _at(
                rpc.ApplicationTimelineEntry(
                    version=1, event_type="ApplicationSubmitted", trace_id=TRACE, state=1
                ),
                1,
            ),
            _at(
                rpc.ApplicationTimelineEntry(
                    version=2, event_type="LicenseIssued", trace_id=LATER_TRACE, state=6
                ),
                5,
            ),
        ]
        return rpc.GetApplicationTimelineResponse(
            entries=entries, trace_url_template="http://viewer/#{trace_id}"
        )

    async def ListCases(self, request, context):
        await self._take("ListCases", request, context)
        found = rpc.CaseSummary(rule_ids=[fired.rule_id for fired in self.case.policy.fired])
        found.application.application_id = APPLICATION
        return rpc.ListCasesResponse(summaries=[found], total_size=1)

    async def RecommendDecision(self, request, context):
        await self._take("RecommendDecision", request, context)
        return rpc.RecommendDecisionResponse(case=self.case)

    async def CountersignDecision(self, request, context):
        await self._take("CountersignDecision", request, context)
        return rpc.CountersignDecisionResponse(case=self.case)

    async def RejectRecommendation(self, request, context):
        await self._take("RejectRecommendation", request, context)
        return rpc.RejectRecommendationResponse(case=self.case)

    async def ExplainDecision(self, request, context):
        await self._take("ExplainDecision", request, context)
        return rpc.ExplainDecisionResponse(case=self.case)

    async def GetLicense(self, request, context):
        await self._take("GetLicense", request, context)
        found = model.License(
            license_id=request.license_id, state=model.LICENSE_STATE_ACTIVE, end_uses=[1]
        )
        return rpc.GetLicenseResponse(license=found)

    async def ListLicenses(self, request, context):
        await self._take("ListLicenses", request, context)
        found = rpc.LicenseSummary(license_id=LICENSE)
        return rpc.ListLicensesResponse(summaries=[found], total_size=1)

    async def GetDocument(self, request, context):
        await self._take("GetDocument", request, context)
        return rpc.GetDocumentResponse(document=self.document)

    async def GetSigningKeys(self, request, context):
        await self._take("GetSigningKeys", request, context)
        keys = [rpc.SigningKey(key_id=name, public_key=key) for name, key in self.keys.items()]
        return rpc.GetSigningKeysResponse(keys=keys)

    async def ScreenParty(self, request, context):
        await self._take("ScreenParty", request, context)
        evidence = screening.Evidence(
            kind="NAME_EXACT", effect=1, detail="The whole name is on the list."
        )
        hit = screening.Hit(
            entry_id="e1",
            list_code="EL",
            matched_name="A [listed] name",
            score=1.0,
            strength=3,
            evidence=[evidence],
        )
        return screening_rpc.ScreenPartyResponse(
            party=screening.PartyScreening(result=2, hits=[hit])
        )

    async def ScreenParties(self, request_iterator, context):
        answered = 0
        async for request in request_iterator:
            if answered == self.breaks_after:
                self.breaks_after = -1
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the server ends")
            await self._take("ScreenParties", request, context)
            answered += 1
            answer = screening_rpc.ScreenPartiesResponse(
                query_id=request.query_id, list_version=VERSION
            )
            if request.party.countries and len(request.party.countries[0]) != 2:
                fault = screening_rpc.PartyFault(
                    field="party.countries[0]", description="must be two [letters]"
                )
                answer.refusal.CopyFrom(
                    screening_rpc.PartyRefusal(reason="VALIDATION_FAILED", faults=[fault])
                )
            else:
                answer.party.result = 1
            yield answer

    async def GetScreening(self, request, context):
        await self._take("GetScreening", request, context)
        return screening_rpc.GetScreeningResponse(screening=self.screened)

    async def GetScreeningTimeline(self, request, context):
        await self._take("GetScreeningTimeline", request, context)
        entry = screening_rpc.ScreeningTimelineEntry(
            version=1, event_type="ScreeningCompleted", trace_id=TRACE
        )
        return screening_rpc.GetScreeningTimelineResponse(entries=[_at(entry, 3)])

    async def ImportList(self, request_iterator, context):
        received = [message async for message in request_iterator]
        for message in received:
            await self._take("ImportList", message, context)
        version = screening.ListVersion(list_version=VERSION, entry_count=14_160)
        return screening_rpc.ImportListResponse(
            version=version, delta=screening.ListDelta(added=1, removed=2)
        )

    async def ActivateList(self, request, context):
        await self._take("ActivateList", request, context)
        found = screening.ListStatus(
            list_code=request.list_code, active_version=request.list_version
        )
        return screening_rpc.ActivateListResponse(list=found)

    async def GetListStatus(self, request, context):
        await self._take("GetListStatus", request, context)
        version = screening.ListVersion(
            list_version=VERSION, entry_count=14_160, format=1, list_code="US-CSL"
        )
        found = screening.ListStatus(list_code="US-CSL", active_version=VERSION, versions=[version])
        return screening_rpc.GetListStatusResponse(
            lists=[found], loaded_version=VERSION, is_current=True
        )

    async def ListHits(self, request, context):
        await self._take("ListHits", request, context)
        found = screening_rpc.HitSummary(
            hit_id=self.hit.hit_id, application_id=APPLICATION, state=self.hit.state
        )
        return screening_rpc.ListHitsResponse(summaries=[found], total_size=1)

    async def GetHit(self, request, context):
        await self._take("GetHit", request, context)
        return screening_rpc.GetHitResponse(hit=self.hit)

    async def AdjudicateHit(self, request, context):
        await self._take("AdjudicateHit", request, context)
        return screening_rpc.AdjudicateHitResponse(hit=self.hit)

    async def ConfirmClearing(self, request, context):
        await self._take("ConfirmClearing", request, context)
        return screening_rpc.ConfirmClearingResponse(hit=self.hit)

    async def RejectClearing(self, request, context):
        await self._take("RejectClearing", request, context)
        return screening_rpc.RejectClearingResponse(hit=self.hit)

    async def WithdrawVerdict(self, request, context):
        await self._take("WithdrawVerdict", request, context)
        return screening_rpc.WithdrawVerdictResponse(hit=self.hit)

    async def ReportConduct(self, request, context):
        await self._take("ReportConduct", request, context)
        return enforcement_rpc.ReportConductResponse(
            violation_id=VIOLATION, report_id=RECOMMENDATION
        )

    async def ListViolations(self, request, context):
        await self._take("ListViolations", request, context)
        found = enforcement_rpc.ViolationSummary(
            violation_id=VIOLATION, license_id=LICENSE, state=self.violation.state
        )
        is_wanted = request.filter.license_id in ("", LICENSE)
        return enforcement_rpc.ListViolationsResponse(
            summaries=[found] if is_wanted else [], total_size=int(is_wanted)
        )

    async def GetViolation(self, request, context):
        await self._take("GetViolation", request, context)
        return enforcement_rpc.GetViolationResponse(violation=self.violation)

    async def ProposeFinding(self, request, context):
        await self._take("ProposeFinding", request, context)
        return enforcement_rpc.ProposeFindingResponse(violation=self.violation)

    async def ConfirmFinding(self, request, context):
        await self._take("ConfirmFinding", request, context)
        return enforcement_rpc.ConfirmFindingResponse(violation=self.violation)

    async def RejectFinding(self, request, context):
        await self._take("RejectFinding", request, context)
        return enforcement_rpc.RejectFindingResponse(violation=self.violation)

    async def ImposeWarning(self, request, context):
        await self._take("ImposeWarning", request, context)
        return enforcement_rpc.ImposeWarningResponse(violation=self.violation)

    async def ProposeMeasure(self, request, context):
        await self._take("ProposeMeasure", request, context)
        return enforcement_rpc.ProposeMeasureResponse(violation=self.violation)

    async def ConfirmMeasure(self, request, context):
        await self._take("ConfirmMeasure", request, context)
        return enforcement_rpc.ConfirmMeasureResponse(violation=self.violation)

    async def RejectMeasure(self, request, context):
        await self._take("RejectMeasure", request, context)
        return enforcement_rpc.RejectMeasureResponse(violation=self.violation)

    async def ProposeReinstatement(self, request, context):
        await self._take("ProposeReinstatement", request, context)
        return enforcement_rpc.ProposeReinstatementResponse(etag="v8")

    async def ConfirmReinstatement(self, request, context):
        await self._take("ConfirmReinstatement", request, context)
        return enforcement_rpc.ConfirmReinstatementResponse(etag="v8")

    async def RejectReinstatement(self, request, context):
        await self._take("RejectReinstatement", request, context)
        return enforcement_rpc.RejectReinstatementResponse(etag="v8")

    def register(self, server: aio.Server) -> None:
        applications_grpc.add_ApplicationServiceServicer_to_server(self, server)
        applications_grpc.add_ReviewServiceServicer_to_server(self, server)
        applications_grpc.add_LicenseServiceServicer_to_server(self, server)
        screening_grpc.add_ScreeningServiceServicer_to_server(self, server)
        screening_grpc.add_ListServiceServicer_to_server(self, server)
        screening_grpc.add_AdjudicationServiceServicer_to_server(self, server)
        enforcement_grpc.add_ConductServiceServicer_to_server(self, server)
        enforcement_grpc.add_ViolationServiceServicer_to_server(self, server)
        self.standing.register(server)


def bad_request(*paths: str) -> Refusal:
    bad = error_details_pb2.BadRequest()
    for path in paths:
        bad.field_violations.add(
            field=path, reason="string.pattern", description="two capital letters"
        )
    said = reason("VALIDATION_FAILED", violationCount=str(len(paths)))
    return (grpc.StatusCode.INVALID_ARGUMENT, "fields break the contract", said, bad)  # type: ignore[return-value]  # a tuple read by position


def _at(entry: Any, seconds: int) -> Any:
    entry.occurred_at.FromSeconds(1_780_000_000 + seconds)
    return entry
