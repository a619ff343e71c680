"""The main job as a scenario in steps, told by a partner, officers and a gate over the public API only.

It knows no process and no port: clients are given. Between two happenings it calls `between`, where a caller may do
harm to the services; the scenario must end the same.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from safeconduct import conduct
from safeconduct.applications.v1 import model_pb2, service_pb2
from safeconduct.client import Client, SafeconductError
from safeconduct.enforcement.v1 import model_pb2 as enforcement_pb2
from safeconduct.gate import Gate, Verdict
from safeconduct.screening.v1 import model_pb2 as screening_pb2

OPEN = "APPLICATION_STATE_SCREENING"
PATIENCE_S = 120.0
EXAMPLE_OF = {"a": "hospital-hosted-access", "c": "fine-tuning-service", "f": "similar-name"}
"""Of the steps that end with a license."""

T = TypeVar("T")

Tell = Callable[[str, float], None]
"""Told of each happening: what and why, and how many milliseconds it took."""


class ScenarioError(Exception):
    """Something happened that the scenario does not tell; the text says what was expected."""


@dataclass(frozen=True, slots=True)
class Clients:
    """Everybody who plays a part."""

    partner: Client
    licensing_officers: tuple[Client, Client]
    enforcement_officers: tuple[Client, Client]
    list_officer: Client
    """Brings in restricted-party lists."""
    telemetry: Client
    """The gate's own identity, which reports what the developer's telemetry saw."""
    gate: Gate
    key: Ed25519PrivateKey
    """The signatory's key."""


async def _nothing() -> None:
    """Nothing comes between."""


@dataclass(slots=True)
class Scenario:
    """The scenario, as far as it has come. `applications` maps a step to its application."""

    clients: Clients
    examples: Mapping[str, model_pb2.ApplicationDetails]
    tell: Tell
    between: Callable[[], Awaitable[None]] = _nothing
    applications: dict[str, str] = field(default_factory=dict)
    licenses: dict[str, str] = field(default_factory=dict)
    propagation_ms: float = 0.0
    list_update_ms: float = 0.0
    """From the activation of a list that names a licensed party to the denial at the gate."""

    async def approve_by_policy(self) -> str:
        """(a) A hospital abroad asks for hosted access: cleared, approved by policy, signed, licensed, allowed."""
        application = await self._submit("a", "hospital-hosted-access")
        application = await self._reach(application, "AWAITING_SIGNATURE")
        explained = await self._timed(
            self.clients.licensing_officers[0].reviews.explain(application.application_id),
            lambda answer: (
                f"approved by policy {answer.decision.policy.policy_version}: " + _rules(answer)
            ),
        )
        expect(explained.decision.by_policy, "a decision by policy alone")
        await self._sign("a", application)
        verdict = await self._gate_says("a", "ALLOWED")
        return f"license {self.licenses['a']} issued; the gate says {verdict.reason}: {verdict.explanation}"

    async def deny_listed_party(self) -> str:
        """(b) An end user on the Entity List, written as one of its aliases: intent to deny, denied by two officers."""
        application = await self._submit("b", "listed-end-user")
        application = await self._reach(application, "INTENT_TO_DENY")
        for reason in application.reasons:
            self.tell(f"intent to deny: {reason}", 0.0)
        expect(bool(application.reasons), "reasons for the applicant")
        explained = await self.clients.licensing_officers[0].reviews.explain(
            application.application_id
        )
        hit = next(finding for finding in explained.case.screening.findings if finding.entry_ids)
        self.tell(
            f"{hit.party_id} matches {', '.join(hit.entry_ids)} on {', '.join(hit.list_codes)}, "
            f"list version {explained.case.screening.list_version}",
            0.0,
        )
        case = await self._decide(
            application.application_id, model_pb2.OUTCOME_DENY, "listed party, match confirmed"
        )
        expect_state(case.application, "DENIED")
        return f"denied by two officers: {'; '.join(case.application.reasons)}"

    async def approve_by_officers(self) -> str:
        """(c) A fine-tuning service: referred by policy, recommended, countersigned by somebody else, licensed."""
        application = await self._submit("c", "fine-tuning-service")
        application = await self._reach(application, "UNDER_REVIEW")
        explained = await self.clients.licensing_officers[0].reviews.explain(
            application.application_id
        )
        self.tell(f"referred by policy: {_rules(explained)}", 0.0)
        rationale = "use, user and safeguards were examined"
        case = await self._decide(
            application.application_id, model_pb2.OUTCOME_APPROVE, rationale, tries_alone=True
        )
        expect_state(case.application, "AWAITING_SIGNATURE")
        await self._sign("c", case.application)
        verdict = await self._gate_says("c", "ALLOWED")
        return (
            f"approved by two officers, one of them refused alone; the gate says {verdict.reason}"
        )

    async def revoke_license(self) -> str:
        """(d) Military surveillance is reported on (a): finding and revocation by two officers each; denial."""
        license_id = self.licenses["a"]
        first, second = self.clients.enforcement_officers
        digest = hashlib.sha256(
            b"telemetry window with the pattern of military surveillance"
        ).digest()
        report = await self._timed(
            self.clients.telemetry.conduct.report(
                license_id,
                clause=enforcement_pb2.CLAUSE_MILITARY_SURVEILLANCE,
                reporter_kind=enforcement_pb2.REPORTER_KIND_DEVELOPER_TELEMETRY,
                evidence_digests=[digest],
            ),
            lambda answer: (
                f"military surveillance reported by telemetry: case {answer.violation_id}"
            ),
        )
        case = report.violation_id
        rationale = "the evidence shows the pattern"
        etag = (await first.violations.get(case)).violation.etag
        await self._timed(
            first.violations.propose_finding(
                case,
                is_violation=True,
                severity=enforcement_pb2.SEVERITY_CRITICAL,
                rationale=rationale,
                etag=etag,
            ),
            _finding_said("proposes"),
        )
        await self.between()
        pending = (await second.violations.get(case)).violation
        await self._timed(
            second.violations.confirm_finding(
                case, pending.finding.finding_id, rationale=rationale, etag=pending.etag
            ),
            _finding_said("confirms"),
        )
        await self.between()
        await self._revoke(case, first, second)
        verdict = self._judge("a")
        return (
            f"revoked by two officers; {self.propagation_ms:.0f} ms from the countersignature to the denial; "
            f"the gate says {verdict.reason}: {verdict.explanation}"
        )

    async def clear_false_hits(self) -> str:
        """(f) An institute with a common name: a possible match, found false by an officer, approved by two."""
        application = await self._submit("f", "similar-name")
        application = await self._reach(application, "UNDER_REVIEW")
        judged = await self._clear_hits(application.application_id)
        explained = await self._explained(
            application.application_id, lambda answer: not _open_parties(answer)
        )
        self.tell(f"no open hit is left; policy: {_rules(explained)}", 0.0)
        rationale = "the institutes differ in country, address and work"
        case = await self._decide(application.application_id, model_pb2.OUTCOME_APPROVE, rationale)
        expect_state(case.application, "AWAITING_SIGNATURE")
        await self._sign("f", case.application)
        verdict = await self._gate_says("f", "ALLOWED")
        return (
            f"{judged} hit(s) found false, approved by two officers; the gate says {verdict.reason}"
        )

    async def _clear_hits(self, application_id: str) -> int:
        officer, judged = self.clients.licensing_officers[0], 0
        async for hit in officer.hits.list(application_id=application_id):
            found = hit.hit
            self.tell(
                f"hit: {found.queried_name!r} may be {found.matched_name!r} [{found.list_code}], "
                f"{_strength(found)} {found.score:.3f}: {found.evidence[-1].detail}",
                0.0,
            )
            etag = (await officer.hits.get(hit.hit_id)).etag
            await self._timed(
                officer.hits.adjudicate(
                    hit.hit_id,
                    verdict=screening_pb2.HIT_VERDICT_FALSE_POSITIVE,
                    rationale="another institute in another country",
                    etag=etag,
                ),
                lambda case: f"an officer judges it: {_hit_state(case)}",
            )
            judged += 1
            await self.between()
        expect(judged > 0, "a hit to judge")
        return judged

    async def _explained(
        self, application_id: str, holds: Callable[[service_pb2.ExplainDecisionResponse], bool]
    ) -> service_pb2.ExplainDecisionResponse:
        """The case once it says so: a verdict reaches it as a fact, a moment later."""
        async with asyncio.timeout(PATIENCE_S):
            officer = self.clients.licensing_officers[0]
            while not holds(answer := await officer.reviews.explain(application_id)):  # noqa: ASYNC110 - same
                await asyncio.sleep(0.02)
        return answer

    async def suspend_after_list_update(self, content: bytes, publication: str) -> str:
        """(g) A new version of the list names the end user of (c): suspended with no human step, the gate denies."""
        code, lists = "US-CSL", self.clients.list_officer.lists
        await self._says("c", "ALLOWED")  # until the list changes
        imported = await self._timed(
            lists.import_list(
                code,
                {screening_pb2.LIST_PART_PRIMARY: content},
                format=screening_pb2.LIST_FORMAT_CSL_CSV,
                publication=publication,
            ),
            lambda answer: (
                f"list imported: {answer.version.list_version}, {answer.version.entry_count} parties, "
                f"{answer.delta.added} added, {answer.delta.changed} changed, {answer.delta.removed} removed"
            ),
        )
        await self.between()
        began = time.perf_counter()
        denial = asyncio.ensure_future(self._says("c", "SUSPENDED"))
        await self._timed(
            lists.activate(code, imported.version.list_version),
            lambda answer: f"a list officer activates {answer.active_version}",
        )
        denied_at = await denial
        self.list_update_ms = (denied_at - began) * 1e3
        verdict = self._judge("c")
        self.tell("the gate denies, counted from the activation", self.list_update_ms)
        return (
            f"suspended with no human step; {self.list_update_ms:.0f} ms from the activation to the denial; "
            f"the gate says {verdict.reason}: {verdict.explanation}"
        )

    async def _revoke(self, case: str, first: Client, second: Client) -> None:
        kind, rationale = (
            enforcement_pb2.MEASURE_KIND_REVOCATION,
            "critical clause, credible evidence",
        )
        etag = (await first.violations.get(case)).violation.etag
        await self._timed(
            first.violations.propose_measure(case, kind=kind, rationale=rationale, etag=etag),
            lambda violation: f"an officer proposes revocation: {_violation_state(violation)}",
        )
        await self._says("a", "ALLOWED")  # until a second officer confirms
        await self.between()
        pending = (await second.violations.get(case)).violation
        began = time.perf_counter()
        denial = asyncio.ensure_future(self._says("a", "REVOKED"))
        await second.violations.confirm_measure(
            case, pending.measures[-1].measure_id, rationale=rationale, etag=pending.etag
        )
        answered_ms = (time.perf_counter() - began) * 1e3
        denied_at = await denial
        self.propagation_ms = (denied_at - began) * 1e3
        self.tell("another officer confirms the revocation", answered_ms)
        self.tell("the gate denies, counted from the countersignature", self.propagation_ms)

    async def _says(self, step: str, reason: str) -> float:
        """When the gate says this. On a busy machine it may deny earlier, for want of news; that is no order."""
        async with asyncio.timeout(PATIENCE_S):
            while self._judge(step).reason != reason:  # noqa: ASYNC110 - a user's program asks again and again, too
                await asyncio.sleep(0.0005)
        return time.perf_counter()

    async def _submit(self, step: str, example: str) -> model_pb2.Application:
        application = await self._timed(
            self.clients.partner.applications.submit(self.examples[example]),
            lambda answer: f"{example} submitted: application {answer.application_id}",
        )
        self.applications[step] = application.application_id
        await self.between()
        return application

    async def _reach(self, application: model_pb2.Application, state: str) -> model_pb2.Application:
        """Watches until screening and policy are through."""
        began = time.perf_counter()
        watch = self.clients.partner.applications.watch(
            application.application_id, give_up_after=PATIENCE_S
        )
        try:
            async with asyncio.timeout(PATIENCE_S):
                async for change in watch:
                    if model_pb2.ApplicationState.Name(change.state) != OPEN:
                        break
        finally:
            await watch.aclose()
        self.tell(
            f"every party screened, policy evaluated: {state}", (time.perf_counter() - began) * 1e3
        )
        await self.between()
        reached = await self.clients.partner.applications.get(application.application_id)
        expect_state(reached, state)
        return reached

    async def _decide(
        self,
        application_id: str,
        outcome: model_pb2.Outcome.ValueType,
        rationale: str,
        *,
        tries_alone: bool = False,
    ) -> service_pb2.Case:
        first, second = self.clients.licensing_officers
        etag = (await first.reviews.explain(application_id)).case.application.etag
        case = await self._timed(
            first.reviews.recommend(
                application_id, outcome=outcome, rationale=rationale, etag=etag
            ),
            lambda answer: f"recommended by {answer.recommendation.officer_id}: {rationale}",
        )
        recommendation = case.recommendation.recommendation_id
        await self.between()
        if tries_alone:
            await self._refused_alone(
                first, application_id, recommendation, case.application.etag, rationale
            )
        case = await self._timed(
            second.reviews.countersign(
                application_id,
                recommendation_id=recommendation,
                rationale=rationale,
                etag=case.application.etag,
            ),
            lambda answer: (
                "countersigned by " + answer.recommendation.countersignatures[-1].officer_id
            ),
        )
        await self.between()
        return case

    async def _refused_alone(
        self, officer: Client, application_id: str, which: str, etag: str, why: str
    ) -> None:
        try:
            await officer.reviews.countersign(
                application_id, recommendation_id=which, rationale=why, etag=etag
            )
        except SafeconductError as refusal:
            expect(refusal.reason == "SELF_COUNTERSIGNATURE", "SELF_COUNTERSIGNATURE")
            self.tell(
                f"the same officer countersigns and is refused: {refusal.reason}, {refusal.message}",
                0.0,
            )
        else:
            raise ScenarioError("an officer countersigned alone")

    async def _sign(self, step: str, application: model_pb2.Application) -> None:
        signer = next(
            party.party_id
            for party in application.details.parties
            if party.HasField("signing_authority")
        )
        answer = await self._timed(
            self.clients.partner.applications.accept_conduct_code(
                application.application_id,
                code_version=application.code_of_conduct.version,
                signatory_party_id=signer,
                signature=conduct.sign(application.acceptance_text, self.clients.key),
                etag=application.etag,
            ),
            lambda answer: (
                f"code of conduct {answer.license.acceptance.code_version} signed by {signer}: "
                f"license {answer.license.license_number}"
            ),
        )
        self.licenses[step] = answer.license.license_id
        await self.between()

    async def _gate_says(self, step: str, reason: str) -> Verdict:
        began = time.perf_counter()
        said_at = await self._says(step, reason)
        verdict = self._judge(step)
        self.tell(f"the gate says {verdict.reason}: {verdict.explanation}", (said_at - began) * 1e3)
        return verdict

    def _judge(self, step: str) -> Verdict:
        details = self.examples[EXAMPLE_OF[step]]
        use = model_pb2.EndUse.Name(details.end_uses[0]).removeprefix("END_USE_")
        return self.clients.gate.check(
            self.licenses[step], details.items[0].model_id, details.destinations[0], use
        )

    async def _timed(self, call: Awaitable[T], say: Callable[[T], str]) -> T:
        began = time.perf_counter()
        answer = await call
        self.tell(say(answer), (time.perf_counter() - began) * 1e3)
        return answer


def expect(holds: bool, what: str) -> None:
    """Raises ScenarioError when the scenario went another way."""
    if not holds:
        raise ScenarioError(f"expected {what}")


def expect_state(application: model_pb2.Application, state: str) -> None:
    """Raises ScenarioError when the application stands elsewhere."""
    found = model_pb2.ApplicationState.Name(application.state).removeprefix("APPLICATION_STATE_")
    if found != state:
        raise ScenarioError(f"expected {state}, found {found}")


def _rules(answer: service_pb2.ExplainDecisionResponse) -> str:
    return ", ".join(rule.rule_id for rule in answer.case.policy.fired) or "no rule fired"


def _open_parties(answer: service_pb2.ExplainDecisionResponse) -> list[str]:
    """Parties that may be somebody on a list."""
    return [finding.party_id for finding in answer.case.screening.findings if finding.entry_ids]


def _strength(hit: screening_pb2.Hit) -> str:
    return screening_pb2.MatchStrength.Name(hit.strength).removeprefix("MATCH_STRENGTH_")


def _hit_state(case: screening_pb2.HitCase) -> str:
    return screening_pb2.HitState.Name(case.state).removeprefix("HIT_STATE_")


def _violation_state(violation: enforcement_pb2.Violation) -> str:
    return enforcement_pb2.ViolationState.Name(violation.state).removeprefix("VIOLATION_STATE_")


def _finding_said(act: str) -> Callable[[enforcement_pb2.Violation], str]:
    return lambda violation: f"an officer {act} the finding: {_violation_state(violation)}"
