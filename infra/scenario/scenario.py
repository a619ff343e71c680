"""The main scenario in steps: licenses issued, denied, revoked and suspended, over the public API.

It knows no process and no port: the clients are given.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from safeconduct.applications.v1 import model_pb2, service_pb2
from safeconduct.client import Client
from safeconduct.enforcement.v1 import model_pb2 as enforcement_pb2
from safeconduct.screening.v1 import model_pb2 as screening_pb2

from infra.scenario.actions import Actions, expect, expect_state


@dataclass(slots=True)
class Scenario(Actions):
    """The steps. Each one returns a sentence about its result, or raises ScenarioError."""

    propagation_ms: float = 0.0
    """From the confirmation of a revocation to the denial at the gate."""
    list_update_ms: float = 0.0
    """From the activation of a list that names a licensed party to the denial at the gate."""

    async def approve_by_policy(self) -> str:
        """(a) A hospital abroad applies for hosted access: policy approves, the gate allows."""
        application = await self.submit("a")
        application = await self.wait_for_decision(application, "AWAITING_SIGNATURE")
        explained = await self.timed(
            self.explain(application.application_id),
            lambda answer: (
                f"approved by policy {answer.decision.policy.policy_version}: " + _rules(answer)
            ),
        )
        expect(explained.decision.by_policy, "a decision by policy alone")
        await self.sign("a", application)
        verdict = await self.report_gate("a", "ALLOWED")
        return (
            f"license {self.licenses['a']} issued; "
            f"the gate answers {verdict.reason}: {verdict.explanation}"
        )

    async def deny_listed_party(self) -> str:
        """(b) The end user is on the Entity List under an alias: two officers deny."""
        application = await self.submit("b")
        application = await self.wait_for_decision(application, "INTENT_TO_DENY")
        for reason in application.reasons:
            self.report(f"intent to deny: {reason}", 0.0)
        expect(bool(application.reasons), "reasons for the applicant")
        screening = (await self.explain(application.application_id)).case.screening
        finding = next(each for each in screening.findings if each.entry_ids)
        self.report(
            f"{finding.party_id} matches {', '.join(finding.entry_ids)} "
            f"on {', '.join(finding.list_codes)}, list version {screening.list_version}",
            0.0,
        )
        case = await self.decide_by_two(
            application.application_id, model_pb2.OUTCOME_DENY, "listed party, match confirmed"
        )
        expect_state(case.application, "DENIED")
        return f"denied by two officers: {'; '.join(case.application.reasons)}"

    async def approve_by_officers(self) -> str:
        """(c) Policy refers a fine-tuning service: two officers approve, the gate allows."""
        application = await self.submit("c")
        application = await self.wait_for_decision(application, "UNDER_REVIEW")
        explained = await self.explain(application.application_id)
        self.report(f"referred by policy: {_rules(explained)}", 0.0)
        case = await self.decide_by_two(
            application.application_id,
            model_pb2.OUTCOME_APPROVE,
            "use, user and safeguards were examined",
            tries_alone=True,
        )
        expect_state(case.application, "AWAITING_SIGNATURE")
        await self.sign("c", case.application)
        verdict = await self.report_gate("c", "ALLOWED")
        return (
            "approved by two officers, after one of them could not decide alone; "
            f"the gate answers {verdict.reason}"
        )

    async def revoke_license(self) -> str:
        """(d) Military surveillance is reported on (a): two officers revoke, the gate denies."""
        first, second = self.clients.enforcement_officers
        violation_id = await self._find_violation(first, second)
        await self._revoke(violation_id, first, second)
        verdict = self.check_gate("a")
        return (
            f"revoked by two officers; {self.propagation_ms:.0f} ms from the confirmation to the "
            f"denial; the gate answers {verdict.reason}: {verdict.explanation}"
        )

    async def clear_false_hits(self) -> str:
        """(f) An institute with a common name: officers clear the hits, two approve."""
        application = await self.submit("f")
        application = await self.wait_for_decision(application, "UNDER_REVIEW")
        cleared = await self._clear_hits(application.application_id)
        explained = await self.explain(
            application.application_id, until=lambda answer: not _matched_parties(answer)
        )
        self.report(f"no open hit is left; policy: {_rules(explained)}", 0.0)
        case = await self.decide_by_two(
            application.application_id,
            model_pb2.OUTCOME_APPROVE,
            "the institutes differ in country, address and work",
        )
        expect_state(case.application, "AWAITING_SIGNATURE")
        await self.sign("f", case.application)
        verdict = await self.report_gate("f", "ALLOWED")
        return (
            f"{cleared} hit(s) found false, approved by two officers; "
            f"the gate answers {verdict.reason}"
        )

    async def suspend_after_list_update(self, content: bytes, publication: str) -> str:
        """(g) A new list version names the end user of (c): the license is suspended at once."""
        code, lists = "US-CSL", self.clients.list_officer.lists
        await self.wait_for_gate("c", "ALLOWED")
        imported = await self.timed(
            lists.import_list(
                code,
                {screening_pb2.LIST_PART_PRIMARY: content},
                format=screening_pb2.LIST_FORMAT_CSL_CSV,
                publication=publication,
            ),
            lambda answer: (
                f"list imported: {answer.version.list_version}, "
                f"{answer.version.entry_count} parties, {answer.delta.added} added, "
                f"{answer.delta.changed} changed, {answer.delta.removed} removed"
            ),
        )
        await self.between()
        began = time.perf_counter()
        denial = asyncio.ensure_future(self.wait_for_gate("c", "SUSPENDED"))
        await self.timed(
            lists.activate(code, imported.version.list_version),
            lambda answer: f"a list officer activates {answer.active_version}",
        )
        self.list_update_ms = (await denial - began) * 1e3
        verdict = self.check_gate("c")
        self.report("the gate denies, counted from the activation", self.list_update_ms)
        return (
            f"suspended without a person; {self.list_update_ms:.0f} ms from the activation to the "
            f"denial; the gate answers {verdict.reason}: {verdict.explanation}"
        )

    async def _clear_hits(self, application_id: str) -> int:
        """Clears every hit of the application as a false positive; returns their number."""
        (officer, second), cleared = self.clients.licensing_officers, 0
        async for summary in officer.hits.list(application_id=application_id):
            case = await officer.hits.get(summary.hit_id)
            hit = case.hit
            self.report(
                f"hit: {hit.queried_name!r} may be {hit.matched_name!r} [{hit.list_code}], "
                f"{_strength(hit)} {hit.score:.3f}: {hit.evidence[-1].detail}",
                0.0,
            )
            judged = await self.timed(
                officer.hits.adjudicate(
                    case.hit_id,
                    verdict=screening_pb2.HIT_VERDICT_FALSE_POSITIVE,
                    rationale="another institute in another country",
                    etag=case.etag,
                ),
                lambda case: f"an officer judges it: {_hit_state(case)}",
            )
            if judged.clearing_id:
                await self.timed(
                    second.hits.confirm_clearing(
                        case.hit_id,
                        judged.clearing_id,
                        rationale="another institute in another country",
                        etag=judged.etag,
                    ),
                    lambda case: f"another officer confirms it: {_hit_state(case)}",
                )
            cleared += 1
            await self.between()
        expect(cleared > 0, "a hit to judge")
        return cleared

    async def _find_violation(self, first: Client, second: Client) -> str:
        """Reports a violation of license (a) and lets two officers confirm it; returns its id."""
        digest = hashlib.sha256(b"telemetry that shows military surveillance").digest()
        report = await self.timed(
            self.clients.telemetry.conduct.report(
                self.licenses["a"],
                clause=enforcement_pb2.CLAUSE_MILITARY_SURVEILLANCE,
                reporter_kind=enforcement_pb2.REPORTER_KIND_DEVELOPER_TELEMETRY,
                evidence_digests=[digest],
            ),
            lambda answer: (
                f"military surveillance reported by telemetry: case {answer.violation_id}"
            ),
        )
        violation_id, rationale = report.violation_id, "the evidence shows the pattern"
        etag = (await first.violations.get(violation_id)).violation.etag
        await self.timed(
            first.violations.propose_finding(
                violation_id,
                is_violation=True,
                severity=enforcement_pb2.SEVERITY_CRITICAL,
                rationale=rationale,
                etag=etag,
            ),
            _text_of("an officer proposes the finding"),
        )
        await self.between()
        pending = (await second.violations.get(violation_id)).violation
        await self.timed(
            second.violations.confirm_finding(
                violation_id, pending.finding.finding_id, rationale=rationale, etag=pending.etag
            ),
            _text_of("another officer confirms the finding"),
        )
        await self.between()
        return str(violation_id)

    async def _revoke(self, violation_id: str, first: Client, second: Client) -> None:
        """Lets two officers revoke license (a); measures the time until the gate denies."""
        kind = enforcement_pb2.MEASURE_KIND_REVOCATION
        rationale = "critical clause, credible evidence"
        etag = (await first.violations.get(violation_id)).violation.etag
        await self.timed(
            first.violations.propose_measure(
                violation_id, kind=kind, rationale=rationale, etag=etag
            ),
            _text_of("an officer proposes revocation"),
        )
        await self.wait_for_gate("a", "ALLOWED")  # a proposal alone changes nothing
        await self.between()
        pending = (await second.violations.get(violation_id)).violation
        began = time.perf_counter()
        denial = asyncio.ensure_future(self.wait_for_gate("a", "REVOKED"))
        await self.timed(
            second.violations.confirm_measure(
                violation_id,
                pending.measures[-1].measure_id,
                rationale=rationale,
                etag=pending.etag,
            ),
            lambda _: "another officer confirms the revocation",
        )
        self.propagation_ms = (await denial - began) * 1e3
        self.report("the gate denies, counted from the confirmation", self.propagation_ms)


def _rules(answer: service_pb2.ExplainDecisionResponse) -> str:
    return ", ".join(rule.rule_id for rule in answer.case.policy.fired) or "no rule fired"


def _matched_parties(answer: service_pb2.ExplainDecisionResponse) -> list[str]:
    """Returns the parties that may be on a list."""
    return [finding.party_id for finding in answer.case.screening.findings if finding.entry_ids]


def _strength(hit: screening_pb2.Hit) -> str:
    return screening_pb2.MatchStrength.Name(hit.strength).removeprefix("MATCH_STRENGTH_")


def _hit_state(case: screening_pb2.HitCase) -> str:
    return screening_pb2.HitState.Name(case.state).removeprefix("HIT_STATE_")


def _text_of(action: str) -> Callable[[enforcement_pb2.Violation], str]:
    """Returns a function that adds the state of the violation case to the text."""
    return lambda violation: (
        f"{action}: "
        + enforcement_pb2.ViolationState.Name(violation.state).removeprefix("VIOLATION_STATE_")
    )
