"""After decisions, and after a change of the policy, every decision follows from what it kept."""

from __future__ import annotations

from pathlib import Path

from infra.local.profiles import OPERATOR
from infra.local.stack import CONDUCT_CODES, Stack
from infra.scenario.clients import Clients
from infra.scenario.scenario import Scenario
from tests.operations.conftest import Ran, safeconduct

from .conftest import Examples


async def replayed(stack: Stack) -> Ran:
    return await safeconduct(stack.operator_env(OPERATOR), "audit", "replay", "--all", "--json")


def unequal(ran: Ran) -> list[tuple[str, str]]:
    return [(each["result"], each["detail"]) for each in ran.json["replays"]]


async def test_all_decisions_replay_before_and_after_a_change_of_the_policy(
    stack: Stack, clients: Clients, examples: Examples, tmp_path: Path
) -> None:
    def scenario() -> Scenario:
        return Scenario(clients, examples, lambda *_: None)

    first = scenario()
    await first.approve_by_policy()
    await first.deny_listed_party()
    await first.approve_by_officers()
    before = await replayed(stack)
    source = (CONDUCT_CODES / "policy.yaml").read_text()
    changed = tmp_path / "changed.yaml"
    changed.write_text(source + "\n# A comment makes it another text.\n")
    applications = stack.service("applications")
    own = applications.env
    try:
        applications.restart(env={**own, "SAFECONDUCT_POLICY_FILE": str(changed)})
        await scenario().approve_by_policy()
        after = await replayed(stack)
    finally:
        applications.restart(env=own)
    restored = await replayed(stack)

    assert (before.code, unequal(before), before.json["changedTexts"]) == (0, [], [])
    assert (after.code, unequal(after)) == (0, [])
    (policy,) = after.json["changedTexts"]
    assert (policy["kind"], policy["fileName"]) == ("POLICY", "policy.yaml")
    assert (policy["presentFile"], policy["outcomes"]) == (
        "changed.yaml",
        before.json["outcomes"]["EQUAL"],
    )
    # The former policy is the present one again; what was decided meanwhile rests on the other.
    (other,) = restored.json["changedTexts"]
    assert (other["fileName"], other["keptDigest"]) == ("changed.yaml", policy["presentDigest"])
