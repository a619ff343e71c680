"""`safeconduct audit replay`: what was kept of a decision gives the decision again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from safeconduct.applications.v1 import events_pb2 as applications

from chassis.store.hash_chain import GENESIS_HASH, chain_hash, event_id_of
from services.applications.core.application_details import EndUse, RedFlag
from services.applications.core.commands import ReviseScreening, RevisionCause
from services.applications.core.model import Outcome
from services.applications.shell.policy import Policy
from services.applications.shell.policy_file import load_policy
from tests.applications import builders as b
from tests.operations.applications_store import ApplicationsStore, evaluated
from tests.operations.conftest import Ran, safeconduct

ABOUT = {
    "approved by policy": b.details(),
    "proposed for denial": b.details(destinations=("KP",)),
    "referred": b.details(destinations=("CN",)),
    "barred from approval by policy": b.details(red_flags=(RedFlag.UNUSUAL_PAYMENT,)),
    "military": b.details(end_uses=(EndUse.MILITARY,)),
}


async def replayed(store: ApplicationsStore, *arguments: str) -> Ran:
    return await safeconduct(store.environ, "audit", "replay", *arguments, "--json")


def results(ran: Ran) -> dict[str, int]:
    return {name: count for name, count in ran.json["outcomes"].items() if count}


async def decided(store: ApplicationsStore, outcome: Outcome) -> UUID:
    """An application that officers have decided."""
    application_id = await store.screened(ABOUT["referred"])
    recommendation = replace(b.recommend(what=outcome), recommendation_id=uuid4())
    application = await store.execute(application_id, recommendation)
    assert application.policy is not None
    number = max(1, application.policy.countersignatures)
    signatures = [
        replace(
            b.countersign(officer),
            recommendation_id=recommendation.recommendation_id,
            terms=b.REFERENCE_FILE.signing_terms,
        )
        for officer in (b.TWO, b.THREE)[:number]
    ]
    await store.execute(application_id, *signatures)
    return application_id


def other_policy(folder: Path) -> Policy:
    """A later policy that refers every application with an end use."""
    text = (b.FOLDER / "policy.yaml").read_text()
    version = f'version: "{b.POLICY.version}"'
    assert version in text
    (folder / "policy.yaml").write_text(
        text.replace(version, 'version: "later"')
        + "\n  - id: use.any\n    effect: REFER\n    when: size(facts.end_uses) > 0\n"
        "    legal_basis: a test\n    explanation: An officer looks at each end use.\n"
    )
    return load_policy(folder / "policy.yaml")


@pytest.mark.parametrize("name", ABOUT)
async def test_an_outcome_of_policy_is_equal(applications: ApplicationsStore, name: str) -> None:
    application_id = await applications.screened(ABOUT[name])

    ran = await replayed(applications, str(application_id))

    assert (ran.code, results(ran), ran.json["changedTexts"]) == (0, {"EQUAL": 1}, []), ran.json
    assert ran.json["replays"][0]["applicationId"] == str(application_id)


@pytest.mark.parametrize("outcome", Outcome)
async def test_a_decision_of_officers_is_equal(
    applications: ApplicationsStore, outcome: Outcome
) -> None:
    application_id = await decided(applications, outcome)

    ran = await replayed(applications, str(application_id))

    assert (ran.code, results(ran)) == (0, {"EQUAL": 2}), ran.json


async def test_a_revised_outcome_is_equal(applications: ApplicationsStore) -> None:
    application_id = await applications.screened(ABOUT["referred"])
    summary = b.screening(ABOUT["referred"], b.LISTED)
    outcome, basis = evaluated(b.POLICY, ABOUT["referred"], summary, b.NOW)
    revision = ReviseScreening(RevisionCause.LISTED, summary, outcome, basis)
    await applications.execute(application_id, revision)

    ran = await replayed(applications, "--all")

    assert (ran.code, results(ran)) == (0, {"EQUAL": 2}), ran.json


async def test_after_a_change_of_the_policy_all_are_equal_and_the_file_is_named(
    applications: ApplicationsStore, tmp_path: Path
) -> None:
    later = other_policy(tmp_path)
    await applications.screened()
    changed = await applications.with_policy(later).start()
    await changed.screened()

    ran = await replayed(applications, "--all")

    assert (ran.code, results(ran)) == (0, {"EQUAL": 2})
    assert ran.json["changedTexts"] == [
        {
            "kind": "POLICY",
            "fileName": "policy.yaml",
            "keptVersion": b.POLICY.version,
            "keptDigest": b.POLICY.text.digest.hex(),
            "presentDigest": later.text.digest.hex(),
            "presentFile": "policy.yaml",
            "outcomes": 1,
        }
    ]


async def test_a_file_that_was_changed_on_disk_is_named_before_the_service_starts_with_it(
    applications: ApplicationsStore, tmp_path: Path
) -> None:
    await applications.screened()
    file = tmp_path / "reference.yaml"
    file.write_bytes((b.FOLDER / "reference.yaml").read_bytes() + b"# changed\n")

    ran = await replayed(applications, "--all", "--reference-data-file", str(file))

    (named,) = ran.json["changedTexts"]
    assert (ran.code, named["kind"], named["presentFile"]) == (0, "REFERENCE_DATA", str(file))
    assert named["keptDigest"] == b.REFERENCE_DATA.digest.hex() != named["presentDigest"]


async def rewrite(
    store: ApplicationsStore, application_id: UUID, change: Any, *, with_hashes: bool
) -> None:
    """Changes the outcome in the database; with hashes, the chain is made anew as a whole."""
    rows = await store.pool.fetch(
        "select * from event where stream_id = $1 order by version", application_id
    )
    previous, statements = GENESIS_HASH, []
    for row in rows:
        payload = row["payload"]
        if row["name"] == "ApplicationApproved":
            event = applications.ApplicationApproved.FromString(payload)
            change(event)
            payload = event.SerializeToString(deterministic=True)
        hash_ = row["hash"]
        if with_hashes:
            hash_ = chain_hash(
                previous, application_id, row["version"], row["occurred_at"], row["name"],
                row["actor"], payload,
            )  # fmt: skip
        statements.append(
            f"update event set payload = '\\x{payload.hex()}', hash = '\\x{hash_.hex()}',"
            f" previous_hash = '\\x{(previous if with_hashes else row['previous_hash']).hex()}',"
            f" event_id = '{event_id_of(hash_)}'"
            f" where stream_id = '{application_id}' and version = {row['version']}"
        )
        previous = hash_
    statements.append(
        f"update stream set latest_hash = '\\x{previous.hex()}' where id = '{application_id}'"
    )
    await store.tamper(*statements)


def set_fact(event: applications.ApplicationApproved) -> None:
    event.basis.facts.has_embargoed_country = True


def set_rule(event: applications.ApplicationApproved) -> None:
    event.decision.policy.fired[0].explanation = "Another sentence."


def set_lease(event: applications.ApplicationApproved) -> None:
    event.decision.policy.lease_seconds = 5


TAMPERED = {
    "a fact": (set_fact, "destination.embargoed fires and is not in the stored outcome"),
    "a rule": (set_rule, "has another content"),
    "the lease": (set_lease, "lease_seconds is 5 and should be 60"),
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_what_was_changed_with_all_its_hashes_is_named(
    applications: ApplicationsStore, what: str
) -> None:
    change, detail = TAMPERED[what]
    application_id = await applications.screened()
    await rewrite(applications, application_id, change, with_hashes=True)

    ran = await replayed(applications, "--all")

    assert (ran.code, results(ran)) == (1, {"DIFFERENT": 1})
    assert detail in ran.json["replays"][0]["detail"]


async def test_a_changed_fact_without_its_hash_is_named_as_changed(
    applications: ApplicationsStore,
) -> None:
    application_id = await applications.screened()
    await rewrite(applications, application_id, set_fact, with_hashes=False)

    ran = await replayed(applications, str(application_id))

    assert (ran.code, ran.json["outcomes"]["CHANGED"]) == (1, 1)


@pytest.mark.parametrize("kind", ["POLICY", "REFERENCE_DATA"])
async def test_a_changed_text_is_named(applications: ApplicationsStore, kind: str) -> None:
    await applications.screened()
    await applications.tamper(
        f"update stored_text set content = content || '\\x20'::bytea where kind = '{kind}'"
    )

    ran = await replayed(applications, "--all")

    assert (ran.code, results(ran)) == (1, {"TEXT_CHANGED": 1})
    assert ran.json["replays"][0]["detail"].startswith(kind)


async def test_a_missing_text_is_named(applications: ApplicationsStore) -> None:
    await applications.screened()
    await applications.tamper("delete from stored_text where kind = 'POLICY'")

    ran = await replayed(applications, "--all")

    assert (ran.code, results(ran)) == (1, {"TEXT_MISSING": 1})


async def test_an_outcome_of_an_earlier_release_is_counted_as_without_facts(
    applications: ApplicationsStore,
) -> None:
    application_id = await applications.screened()
    await rewrite(
        applications, application_id, lambda event: event.ClearField("basis"), with_hashes=True
    )

    ran = await replayed(applications, "--all")

    assert (ran.code, ran.json["ok"], results(ran)) == (3, True, {"NO_FACTS": 1})


@pytest.mark.parametrize(
    "arguments", [(), ("--all", str(UUID(int=7))), ("nothing",), (str(UUID(int=7)),)], ids=str
)
async def test_an_application_that_is_not_there_is_refused(
    applications: ApplicationsStore, arguments: tuple[str, ...]
) -> None:
    ran = await replayed(applications, *arguments)

    assert (ran.code, '"reason": "APPLICATION"' in ran.err) == (2, True)


async def test_people_read_a_table(applications: ApplicationsStore, tmp_path: Path) -> None:
    application_id = await applications.screened()
    await applications.with_policy(other_policy(tmp_path)).start()

    ran = await safeconduct(applications.environ, "audit", "replay", str(application_id))

    assert (ran.code, ran.err) == (0, "")
    assert "1 applications: 1 EQUAL" in ran.out
    assert b.POLICY.text.digest.hex() in ran.out
