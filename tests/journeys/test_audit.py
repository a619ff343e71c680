"""An auditor verifies every hash chain, exports a case file and checks it offline."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safeconduct import conduct
from safeconduct.applications.v1 import model_pb2

from chassis.store.migrations import migrate
from infra.local.profiles import OPERATOR
from infra.local.stack import Stack
from infra.scenario.clients import Clients
from infra.scenario.scenario import Scenario
from operations.audit.case_checks import check
from operations.audit.case_file import CaseFile, digests_of, parse, with_digests
from operations.error_messages import InputError
from services.applications import migrations
from tests.chassis.waiting import eventually
from tests.operations.conftest import safeconduct

from .conftest import Examples


@dataclass(frozen=True)
class CaseFiles:
    """Applications of the scenario by step, with a case file of each, and what to trust."""

    applications: dict[str, str]
    files: dict[str, Path]
    published: Path
    """The published keys."""
    auditor: Path
    """The key of the checkpoint."""
    checkpoint: Path

    def case(self, step: str) -> CaseFile:
        return parse(self.files[step].read_bytes(), step)


@pytest.fixture(scope="module")
async def case_files(
    stack: Stack, clients: Clients, examples: Examples, run_folder: Path
) -> CaseFiles:
    scenario = Scenario(clients, examples, lambda *_: None)
    for step in (
        scenario.approve_by_policy,
        scenario.deny_listed_party,
        scenario.approve_by_officers,
        scenario.clear_false_hits,
        scenario.revoke_license,
    ):
        await step()

    async def is_recorded() -> bool:
        return (
            await clients.partner.licenses.get(scenario.licenses["a"])
        ).state == model_pb2.LICENSE_STATE_REVOKED

    await eventually(is_recorded, "the revocation in the applications' record")
    folder = run_folder / "cases"
    folder.mkdir()
    files = {step: folder / f"{step}.json" for step in scenario.applications}
    for step, application in scenario.applications.items():
        ran = await safeconduct(
            stack.operator_env(OPERATOR),
            "audit",
            "export",
            application,
            "--out",
            str(files[step]),
            "--json",
        )
        assert (ran.code, ran.err) == (0, ""), ran.err
    found = CaseFiles(
        scenario.applications, files, folder / "keys.json", folder / "auditor.pem", folder / "point"
    )
    keys = await safeconduct(stack.operator_env(OPERATOR), "licenses", "keys", "--json")
    found.published.write_text(keys.out)
    conduct.save_key(conduct.generate_key(), found.auditor)
    ran = await safeconduct(
        stack.operator_env(OPERATOR),
        "audit",
        "checkpoint",
        "--signing-key",
        str(found.auditor),
        "--out",
        str(found.checkpoint),
    )
    assert (ran.code, ran.err) == (0, ""), ran.err
    return found


async def test_every_chain_is_whole_and_what_was_published_is_what_is_stored(
    stack: Stack, case_files: CaseFiles
) -> None:
    ran = await safeconduct(stack.operator_env(OPERATOR), "audit", "verify", "--json")

    assert (ran.code, ran.json["faults"]) == (0, [])
    assert set(ran.json["services"]) == {"applications", "screening", "enforcement"}
    assert all(service["events"] > 0 for service in ran.json["services"].values())
    stored = sum(
        service["events"] - service["inOutbox"] for service in ran.json["services"].values()
    )
    assert ran.json["published"] >= stored


@pytest.mark.parametrize("step", ["a", "b", "c", "f"])
async def test_a_case_file_is_checked_without_any_of_our_systems(
    case_files: CaseFiles, step: str
) -> None:
    check_file = ("audit", "check", str(case_files.files[step]), "--json")
    keys = ("--keys", str(case_files.published), "--keys", str(case_files.auditor))
    alone = await safeconduct({}, *check_file)
    with_keys = await safeconduct({}, *check_file, *keys)
    ran = await safeconduct({}, *check_file, *keys, "--checkpoint", str(case_files.checkpoint))

    assert [each for each in ran.json["checks"] if not each["ok"]] == []
    assert (ran.code, ran.json["ok"], ran.json["trusted"]) == (0, True, True)
    assert (alone.code, alone.json["ok"], alone.json["trusted"]) == (3, True, False)
    # Nothing in the file of a denied application is signed with a published key.
    assert with_keys.code == (3 if step == "b" else 0)
    assert {"applications", "screening"} <= {
        stream.service for stream in case_files.case(step).streams
    }
    assert (case_files.case(step).license is not None) == (step != "b")


async def test_every_chain_extends_its_checkpoint(stack: Stack, case_files: CaseFiles) -> None:
    ran = await safeconduct(
        stack.operator_env(OPERATOR),
        "audit",
        "verify",
        "--checkpoint",
        str(case_files.checkpoint),
        "--keys",
        str(case_files.auditor),
        "--json",
    )

    assert (ran.code, ran.json["faults"]) == (0, [])
    assert set(ran.json["checkpointed"]) == {"applications", "screening", "enforcement"}


async def test_a_license_document_is_read_with_the_same_bytes_every_time(
    clients: Clients, case_files: CaseFiles
) -> None:
    part = case_files.case("a").license
    license_id = case_files.case("a").about.license_id
    assert part is not None

    assert await clients.partner.licenses.document(str(license_id)) == part.document


async def test_a_case_file_is_never_replaced_and_read_by_its_owner_only(
    stack: Stack, case_files: CaseFiles
) -> None:
    environ = stack.operator_env(OPERATOR)
    ran = await safeconduct(
        environ,
        "audit",
        "export",
        case_files.applications["a"],
        "--out",
        str(case_files.files["a"]),
        "--json",
    )

    assert (ran.code, '"reason": "FILE"' in ran.err) == (2, True)
    assert case_files.files["a"].stat().st_mode & 0o777 == 0o600


async def test_an_application_that_is_not_there_has_no_case_file(
    stack: Stack, tmp_path: Path
) -> None:
    environ, nobody = stack.operator_env(OPERATOR), "00000000-0000-4000-8000-000000000000"
    ran = await safeconduct(
        environ, "audit", "export", nobody, "--out", str(tmp_path / "none.json"), "--json"
    )

    assert (ran.code, '"reason": "APPLICATION"' in ran.err) == (2, True)
    assert not (tmp_path / "none.json").exists()


def broken(file: CaseFile) -> list[str]:
    return [verdict.part for verdict in check(file) if not verdict.ok]


def event_of(document: dict[str, Any], service: str, name: str) -> dict[str, Any]:
    return next(
        event
        for stream in document["streams"]
        if stream["service"] == service
        for event in stream["events"]
        if event["name"] == name
    )


def flipped(text: str, at: int = -8) -> str:
    """Returns the text with one character replaced by another of the same alphabet."""
    other = "b" if text[at] == "a" else "a"
    return text[:at] + other + text[at:][1:]


Change = Callable[[dict[str, Any]], None]


def changed(path: str, by: Callable[[Any], Any] = flipped) -> Change:
    """Changes the value at a path such as `license/document`."""

    def change(document: dict[str, Any]) -> None:
        at: Any = document
        *before, last = (int(step) if step.isdecimal() else step for step in path.split("/"))
        for step in before:
            at = at[step]
        at[last] = by(at[last])

    return change


def changed_event(
    service: str, name: str, field: str, by: Callable[[Any], Any] = flipped
) -> Change:
    def change(document: dict[str, Any]) -> None:
        event = event_of(document, service, name)
        event[field] = by(event[field])

    return change


CHANGES: dict[str, tuple[Change, str]] = {
    "payload of an event": (
        changed_event("applications", "LicenseIssued", "payload"),
        "chain of applications",
    ),
    "actor of an event": (
        changed_event("screening", "ScreeningCompleted", "actor"),
        "chain of screening",
    ),
    "hash of an event": (
        changed_event("enforcement", "LicenseRevoked", "hash"),
        "chain of enforcement",
    ),
    "head of a stream": (changed("streams/0/head"), "chain of applications"),
    "what an event says": (
        changed_event("enforcement", "LicenseRevoked", "says", lambda _: {}),
        "events",
    ),
    "the application": (
        changed("about/application_id", lambda _: "0" * 8 + "-0000-4000-8000-" + "0" * 12),
        "events",
    ),
    "the decision": (
        changed("decisions/0/says/decision/byPolicy", lambda value: not value),
        "decisions",
    ),
    "the decision's hash": (changed("decisions/0/event_hash"), "decisions"),
    "a screening": (changed("screenings/0/says/listVersion"), "screenings"),
    "the text of the code": (
        changed("conduct/text", lambda text: text[:100] + "x" + text[101:]),
        "code of conduct",
    ),
    "its digest": (changed("conduct/sha256"), "code of conduct"),
    "the acceptance text": (changed("conduct/acceptance_text"), "signature"),
    "the end user's signature": (changed("conduct/signature"), "signature"),
    "the end user's key": (changed("conduct/public_key"), "signature"),
    "the signatory": (changed("conduct/signatory_party_id"), "signature"),
    "the text of the policy": (
        changed("texts/0/content", lambda text: flipped(text, 40)),
        "texts",
    ),
    "the name of a text": (changed("texts/0/sha256"), "texts"),
    "the document": (
        changed("license/document", lambda text: flipped(text, len(text) // 2)),
        "license",
    ),
    "the document's signature": (changed("license/document"), "license"),
    "its keys": (
        changed(
            "license/signing_keys", lambda keys: {name: flipped(key) for name, key in keys.items()}
        ),
        "license",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_a_change_of_any_part_is_named_even_when_the_file_was_sealed_anew(
    case_files: CaseFiles, what: str
) -> None:
    change, part = CHANGES[what]
    document = json.loads(case_files.files["a"].read_bytes())
    change(document)
    file = parse(json.dumps(document).encode(), what)

    assert {"digests", part} <= set(broken(file))
    assert part in broken(with_digests(file))


async def test_an_event_left_out_is_named(case_files: CaseFiles) -> None:
    document = json.loads(case_files.files["a"].read_bytes())
    for stream in document["streams"]:
        del stream["events"][1]
    file = with_digests(parse(json.dumps(document).encode(), "cut"))

    assert {"chain of applications", "chain of enforcement"} <= set(broken(file))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_byte_can_be_changed_unseen(case_files: CaseFiles, data: st.DataObject) -> None:
    content = bytearray(case_files.files["a"].read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.sampled_from([1, 2, 4, 16, 32]))

    try:
        file = parse(bytes(content), "changed")
    except InputError:
        return
    original = case_files.case("a")
    if msgspec.json.encode(file) == msgspec.json.encode(original):
        return  # white space, or another spelling of the same value
    assert broken(file) != [] or digests_of(file) != file.digests


async def test_a_tampered_copy_of_the_database_is_rejected_naming_the_row(
    stack: Stack, case_files: CaseFiles
) -> None:
    made = stack.postgres.provision("applications_copy", "copy_owner", "copy_app")
    migrate(made.owner_dsn, made.app_role, Path(migrations.__file__).parent)
    source = await asyncpg.connect(stack.database("applications").operator_dsn)
    copy = await asyncpg.connect(stack.postgres.dsn(made.name))
    for table in ("stream", "event", "stored_text"):
        rows = io.BytesIO()
        await source.copy_from_table(table, output=rows, format="binary")
        rows.seek(0)
        await copy.copy_to_table(table, source=rows, format="binary")
    await source.close()
    environ = {"SAFECONDUCT_AUDIT_APPLICATIONS_URL": made.operator_dsn}
    before = await safeconduct(environ, "audit", "verify", "--json")
    await copy.execute("alter table event disable trigger all")
    await copy.execute(
        "update event set actor = 'officer/nobody' where stream_id = $1 and version = 2",
        case_files.applications["b"],
    )
    await copy.close()

    ran = await safeconduct(environ, "audit", "verify", "--json")

    assert (before.code, before.json["faults"]) == (0, [])
    assert ran.code == 1
    assert [(each["streamId"], each["version"], each["kind"]) for each in ran.json["faults"]] == [
        (case_files.applications["b"], 2, "CHANGED")
    ]
