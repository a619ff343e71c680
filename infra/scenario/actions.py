"""The actions of which the steps of the scenario consist, over the public API only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from safeconduct import conduct
from safeconduct.applications.v1 import model_pb2, service_pb2
from safeconduct.client import Client, SafeconductError
from safeconduct.gate import Verdict

from infra.scenario.clients import DEADLINE_S, Clients

EXAMPLE_OF: Final = {
    "a": "hospital-hosted-access",
    "b": "listed-end-user",
    "c": "fine-tuning-service",
    "f": "similar-name",
}
"""The example application of each step that submits one."""
_SCREENING: Final = model_pb2.APPLICATION_STATE_SCREENING

T = TypeVar("T")

Report = Callable[[str, float], None]
"""Called for each event of the scenario, with a text and milliseconds; 0 if it took no time."""


class ScenarioError(Exception):
    """The services behaved in another way than the scenario expects. The text says how."""


async def _nothing() -> None:
    """Does nothing between two actions."""


@dataclass(slots=True)
class Actions:
    """The clients and what they have created: application and license ids by step.

    `between` is awaited after each action. A test may restart services there.
    """

    clients: Clients
    examples: Mapping[str, model_pb2.ApplicationDetails]
    report: Report
    between: Callable[[], Awaitable[None]] = _nothing
    applications: dict[str, str] = field(default_factory=dict)
    licenses: dict[str, str] = field(default_factory=dict)

    async def submit(self, step: str) -> model_pb2.Application:
        """Submits the example of the step as the partner."""
        example = EXAMPLE_OF[step]
        application = await self.timed(
            self.clients.partner.applications.submit(self.examples[example]),
            lambda answer: f"{example} submitted: application {answer.application_id}",
        )
        self.applications[step] = application.application_id
        await self.between()
        return application

    async def wait_for_decision(
        self, application: model_pb2.Application, state: str
    ) -> model_pb2.Application:
        """Returns the application after screening and policy; ScenarioError if not in `state`."""
        began = time.perf_counter()
        watch = self.clients.partner.applications.watch(
            application.application_id, give_up_after=DEADLINE_S
        )
        try:
            async with asyncio.timeout(DEADLINE_S):
                async for change in watch:
                    if change.state != _SCREENING:
                        break
        finally:
            await watch.aclose()
        self.report(
            f"every party screened, policy evaluated: {state}", (time.perf_counter() - began) * 1e3
        )
        await self.between()
        decided = await self.clients.partner.applications.get(application.application_id)
        expect_state(decided, state)
        return decided

    async def explain(
        self,
        application_id: str,
        until: Callable[[service_pb2.ExplainDecisionResponse], bool] = lambda _: True,
    ) -> service_pb2.ExplainDecisionResponse:
        """Returns the explanation of the case, as an officer sees it, once `until` accepts it.

        A verdict on a hit reaches the case as an event, so it is visible a moment later.
        """
        officer = self.clients.licensing_officers[0]
        async with asyncio.timeout(DEADLINE_S):
            while not until(answer := await officer.reviews.explain(application_id)):  # noqa: ASYNC110 - another process changes it
                await asyncio.sleep(0.02)
        return answer

    async def decide_by_two(
        self,
        application_id: str,
        outcome: model_pb2.Outcome.ValueType,
        rationale: str,
        *,
        tries_alone: bool = False,
    ) -> service_pb2.Case:
        """One officer recommends the outcome, another one countersigns; returns the case.

        With `tries_alone` the first officer tries to countersign, which must be refused.
        """
        first, second = self.clients.licensing_officers
        etag = (await first.reviews.explain(application_id)).case.application.etag
        case = await self.timed(
            first.reviews.recommend(
                application_id, outcome=outcome, rationale=rationale, etag=etag
            ),
            lambda answer: f"recommended by {answer.recommendation.officer_id}: {rationale}",
        )
        await self.between()
        if tries_alone:
            await self._expect_refusal_alone(first, case, rationale)
        case = await self.timed(
            second.reviews.countersign(
                application_id,
                recommendation_id=case.recommendation.recommendation_id,
                rationale=rationale,
                etag=case.application.etag,
            ),
            lambda answer: (
                "countersigned by " + answer.recommendation.countersignatures[-1].officer_id
            ),
        )
        await self.between()
        return case

    async def _expect_refusal_alone(
        self, officer: Client, case: service_pb2.Case, rationale: str
    ) -> None:
        try:
            await officer.reviews.countersign(
                case.application.application_id,
                recommendation_id=case.recommendation.recommendation_id,
                rationale=rationale,
                etag=case.application.etag,
            )
        except SafeconductError as error:
            expect(error.reason == "SELF_COUNTERSIGNATURE", "SELF_COUNTERSIGNATURE")
            self.report(
                f"the same officer may not countersign: {error.reason}, {error.message}", 0.0
            )
        else:
            raise ScenarioError("an officer countersigned the own recommendation")

    async def sign(self, step: str, application: model_pb2.Application) -> None:
        """The signatory signs the code of conduct; the license is stored under the step."""
        signer = next(
            party.party_id
            for party in application.details.parties
            if party.HasField("signing_authority")
        )
        answer = await self.timed(
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

    async def wait_for_gate(self, step: str, reason: str) -> float:
        """Returns the `perf_counter` time at which the gate first answers with `reason`.

        On a busy machine the gate may deny earlier because its knowledge is stale. That is another
        reason, and the wait continues.
        """
        async with asyncio.timeout(DEADLINE_S):
            while self.check_gate(step).reason != reason:  # noqa: ASYNC110 - the gate's answer is polled, as a caller does
                await asyncio.sleep(0.0005)
        return time.perf_counter()

    async def report_gate(self, step: str, reason: str) -> Verdict:
        """Waits until the gate answers with `reason`, reports the delay and returns the verdict."""
        began = time.perf_counter()
        answered_at = await self.wait_for_gate(step, reason)
        verdict = self.check_gate(step)
        self.report(
            f"the gate answers {verdict.reason}: {verdict.explanation}", (answered_at - began) * 1e3
        )
        return verdict

    def check_gate(self, step: str) -> Verdict:
        """Returns the gate's verdict on the first model, destination and use of the license."""
        details = self.examples[EXAMPLE_OF[step]]
        item = details.items[0]
        use = model_pb2.EndUse.Name(details.end_uses[0]).removeprefix("END_USE_")
        mode = model_pb2.AccessMode.Name(item.access_mode).removeprefix("ACCESS_MODE_")
        return self.clients.gate.check(
            self.licenses[step], item.model_id, mode, details.destinations[0], use
        )

    async def timed(self, call: Awaitable[T], text: Callable[[T], str]) -> T:
        """Awaits the call, reports its milliseconds with `text` of the answer, and returns it."""
        began = time.perf_counter()
        answer = await call
        self.report(text(answer), (time.perf_counter() - began) * 1e3)
        return answer


def expect(condition: bool, expected: str) -> None:
    """Raises ScenarioError, which names `expected`, unless the condition is true."""
    if not condition:
        raise ScenarioError(f"expected {expected}")


def expect_state(application: model_pb2.Application, state: str) -> None:
    """Raises ScenarioError unless the application is in `state`, such as AWAITING_SIGNATURE."""
    found = model_pb2.ApplicationState.Name(application.state).removeprefix("APPLICATION_STATE_")
    if found != state:
        raise ScenarioError(f"expected {state}, found {found}")
