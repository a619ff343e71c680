"""The command as people and programs use it: every one in a process of its own, against a real server."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import grpc
import pytest
from safeconduct import conduct
from safeconduct.applications.v1 import errors_pb2 as applications_errors
from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.cli.failures import ADVICE
from safeconduct.enforcement.v1 import errors_pb2 as enforcement_errors
from safeconduct.enforcement.v1 import model_pb2 as enforcement
from safeconduct.options.v1 import options_pb2
from safeconduct.screening.v1 import errors_pb2 as screening_errors
from safeconduct.screening.v1 import model_pb2 as screening

from infra.local.certificate_authority import Identity
from tests.sdk import agency as expected
from tests.sdk.agency import (
    APPLICATION,
    LICENSE,
    RECOMMENDATION,
    VIOLATION,
    Agency,
    bad_request,
    wrong_state,
)
from tests.sdk.contract import reason, serving
from tests.sdk.test_conduct import document
from tests.sdk.test_gate import standing

SDK = Path(__file__).resolve().parents[2] / "sdk"
RATIONALE = ("--rationale", "long enough a reason")
CLEARING = "0c7b3b1e-5d0e-5b39-8f0a-1d2c3b4a5e6f"


@dataclass
class Ran:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Awaitable[Ran]]


async def run(environ: dict[str, str], *arguments: str) -> Ran:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith("SAFECONDUCT_")
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-m", "safeconduct.cli", *arguments,
        env={**clean, "PYTHONPATH": str(SDK), **environ},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return Ran(process.returncode or 0, out.decode(), err.decode())


@pytest.fixture
async def agency() -> Agency:
    return Agency()


@pytest.fixture
async def command(
    agency: Agency, server_files: Identity, partner_files: Identity
) -> AsyncIterator[Command]:
    async with serving(server_files, agency.register) as port:
        address = f"127.0.0.1:{port}"
        environ = {
            "SAFECONDUCT_APPLICATIONS": address,
            "SAFECONDUCT_SCREENING": address,
            "SAFECONDUCT_ENFORCEMENT": address,
            "SAFECONDUCT_CA": str(partner_files.ca),
            "SAFECONDUCT_CERT": str(partner_files.cert),
            "SAFECONDUCT_KEY": str(partner_files.key),
        }

        async def ask(*arguments: str, **more: str) -> Ran:
            return await run({**environ, **more}, *arguments)

        yield ask


@pytest.fixture
def hospital(tmp_path: Path) -> Path:
    file = tmp_path / "hospital.yaml"
    file.write_text(
        (SDK / "examples" / "hospital-hosted-access.yaml").read_text(encoding="utf-8"),
        encoding="utf-8",
    )
    conduct.save_key(conduct.generate_key(), tmp_path / "keys" / "signatory.pem")
    return file


async def test_an_application_is_submitted_from_a_file(
    command: Command, agency: Agency, hospital: Path
) -> None:
    ran = await command("applications", "submit", str(hospital), "--json")

    assert (ran.code, ran.err) == (0, "")
    assert ran.json["applicationId"] == APPLICATION
    assert ran.json["state"] == "APPLICATION_STATE_SCREENING"
    assert ran.json["details"]["parties"][1]["name"] == "Example Teaching Hospital"
    assert not agency.last("SubmitApplication").validate_only


async def test_for_people_there_is_a_table_without_control_codes_in_a_pipe(
    command: Command, hospital: Path
) -> None:
    ran = await command("applications", "submit", str(hospital), "--validate-only")

    assert ran.code == 0
    assert "SCREENING" in ran.out
    assert "example-frontier-1 (HOSTED_ACCESS)" in ran.out
    assert "\x1b" not in ran.out


async def test_a_refusal_names_reason_fields_and_what_to_do(
    command: Command, agency: Agency, hospital: Path
) -> None:
    agency.refusals["SubmitApplication"] = [bad_request("details.parties[0].country")] * 2

    told = await command("applications", "submit", str(hospital))
    as_json = await command("applications", "submit", str(hospital), "--json")

    assert (told.code, told.out) == (2, "")
    assert told.err == (
        "VALIDATION_FAILED: fields break the contract\n"
        "  details.parties[0].country: two capital letters\n"
        "  violationCount: 1\n"
        "Correct the fields named and send it again.\n"
    )
    assert as_json.out == ""
    assert json.loads(as_json.err)["error"]["violations"][0]["path"] == "details.parties[0].country"


@pytest.mark.parametrize(
    ("code", "name", "exits"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, "NOT_VISIBLE", 3),
        (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED", 3),
        (grpc.StatusCode.FAILED_PRECONDITION, "WRONG_STATE", 4),
        (grpc.StatusCode.ABORTED, "STALE_ETAG", 4),
        (grpc.StatusCode.NOT_FOUND, "NOT_FOUND", 5),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE", 2),
        (grpc.StatusCode.INTERNAL, "INTERNAL", 1),
    ],
)
async def test_the_exit_code_says_what_kind_of_refusal_it_was(
    command: Command, agency: Agency, code: grpc.StatusCode, name: str, exits: int
) -> None:
    agency.refusals["GetApplication"] = [(code, "no", reason(name))]

    ran = await command("applications", "get", APPLICATION)

    assert ran.code == exits
    assert ran.err == f"{name}: no\n{ADVICE[name]}\n"


def test_every_published_reason_has_advice() -> None:
    published = {
        name.removeprefix(prefix)
        for enum, prefix in [
            (options_pb2.CommonReason, "COMMON_REASON_"),
            (applications_errors.ErrorReason, "ERROR_REASON_"),
            (screening_errors.ErrorReason, "ERROR_REASON_"),
            (enforcement_errors.ErrorReason, "ERROR_REASON_"),
        ]
        for name in enum.keys()  # noqa: SIM118 - no dict
    } - {"UNSPECIFIED"}

    assert published - ADVICE.keys() == set()


async def test_without_a_service_the_command_says_so_and_exits_6(command: Command) -> None:
    ran = await command("applications", "get", APPLICATION, "--applications", "127.0.0.1:1")

    assert ran.code == 6
    assert ran.err.startswith("UNAVAILABLE: ")
    assert ran.err.endswith(ADVICE["UNAVAILABLE"] + "\n")


async def test_without_settings_the_command_says_which_and_how() -> None:
    ran = await run({}, "applications", "list")

    assert ran.code == 2
    assert "SAFECONDUCT_CA=FILE.pem" in ran.err
    assert "--cert-key" in ran.err


async def test_identity_options_may_stand_anywhere(
    command: Command, partner_files: Identity
) -> None:
    blank = {"SAFECONDUCT_CERT": "", "SAFECONDUCT_KEY": ""}
    ran = await command(
        "applications", "list", f"--cert={partner_files.cert}", "--limit", "2", "--cert-key", str(partner_files.key),
        "--json", **blank,
    )  # fmt: skip

    assert ran.code == 0, ran.err
    assert len(ran.json["applications"]) == 2


async def test_a_watch_prints_json_lines_and_ends_at_a_state(command: Command) -> None:
    ran = await command(
        "applications", "watch", APPLICATION, "--until", "AWAITING_SIGNATURE", "--json"
    )

    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == 0
    assert [(line["version"], line["resumeToken"]) for line in lines] == [(1, "t1"), (2, "t2")]
    assert lines[1]["state"] == "APPLICATION_STATE_AWAITING_SIGNATURE"


async def test_an_unknown_state_is_refused_with_the_names_there_are(command: Command) -> None:
    ran = await command("applications", "list", "--state", "AWAITING_SIGNATUR")

    assert ran.code == 2
    assert "did you mean AWAITING_SIGNATURE?" in ran.err


async def test_the_code_is_signed_with_the_signatorys_key(
    command: Command, agency: Agency, tmp_path: Path
) -> None:
    made = await command("applications", "keygen", "--out", str(tmp_path / "key.pem"), "--json")
    agency.application.acceptance_text = b"I accept version 3"
    agency.application.code_of_conduct.version = "3"
    agency.application.etag = "v4"
    agency.application.details.parties.add(party_id="signatory", roles=[model.PARTY_ROLE_SIGNATORY])

    ran = await command(
        "applications", "accept", APPLICATION, "--key", str(tmp_path / "key.pem"), "--json"
    )

    sent = agency.last("AcceptConductCode")
    assert ran.json["license"]["licenseId"] == LICENSE
    assert (sent.code_version, sent.signatory_party_id, sent.etag) == ("3", "signatory", "v4")
    assert conduct.verify(
        b"I accept version 3", sent.signature, bytes.fromhex(made.json["publicKey"])
    )


async def test_nothing_is_signed_when_there_is_nothing_to_sign(
    command: Command, tmp_path: Path
) -> None:
    conduct.save_key(conduct.generate_key(), tmp_path / "key.pem")

    ran = await command("applications", "accept", APPLICATION, "--key", str(tmp_path / "key.pem"))

    assert ran.code == 4
    assert "there is nothing to sign" in ran.err


async def test_a_missing_key_says_how_to_make_one(command: Command, tmp_path: Path) -> None:
    ran = await command(
        "applications", "accept", APPLICATION, "--key", str(tmp_path / "nowhere.pem")
    )

    assert ran.code == 2
    assert "safeconduct applications keygen --out FILE" in ran.err


async def test_an_officer_decides_on_the_case_that_was_read(
    command: Command, agency: Agency
) -> None:
    agency.case.application.etag = "v9"

    recommended = await command(
        "review", "recommend", APPLICATION, "--deny", *RATIONALE, "--condition", "report weekly"
    )
    early = await command("review", "countersign", APPLICATION, *RATIONALE)
    agency.case.recommendation.recommendation_id = RECOMMENDATION
    signed = await command("review", "countersign", APPLICATION, *RATIONALE, "--json")
    rejected = await command("review", "countersign", APPLICATION, "--reject", *RATIONALE, "--json")

    assert (recommended.code, early.code, signed.code, rejected.code) == (0, 4, 0, 0)
    first, second = agency.last("RecommendDecision"), agency.last("CountersignDecision")
    third = agency.last("RejectRecommendation")
    assert (first.outcome, first.etag, list(first.conditions)) == (
        model.OUTCOME_DENY,
        "v9",
        ["report weekly"],
    )
    assert (second.recommendation_id, second.etag) == (RECOMMENDATION, "v9")
    assert (third.recommendation_id, third.etag) == (RECOMMENDATION, "v9")


async def test_a_recommendation_says_which_way(command: Command) -> None:
    ran = await command("review", "recommend", APPLICATION, *RATIONALE)

    assert ran.code == 2
    assert "--approve or --deny" in ran.err


async def test_cases_and_their_explanation_are_shown(command: Command, agency: Agency) -> None:
    fired = agency.case.policy.fired.add(
        rule_id="fine-tuning", effect=model.RULE_EFFECT_REFER, explanation="[look]\x1b[31m\u202e"
    )
    fired.inputs["access_modes"] = "FINE_TUNING_SERVICE"
    agency.case.screening.findings.add(party_id="end-user", result=1)

    listed = await command("review", "cases", "--state", "UNDER_REVIEW")
    explained = await command("review", "explain", APPLICATION)

    assert "fine-tuning" in listed.out
    assert "access_modes=FINE_TUNING_SERVICE" in explained.out
    assert "[look]�[31m�" in explained.out
    assert agency.last("ListCases").state == model.APPLICATION_STATE_UNDER_REVIEW


async def test_what_was_found_about_owners_is_shown_by_ids_with_a_case(
    command: Command, agency: Agency
) -> None:
    agency.case.screening.ownership.findings.add(
        party_id="end-user", result=1, rule_id="a-rule", most_restrictive_owner_id="owner-1", list_codes=["EL"],
        explanation="Listed parties own 55 % of end-user.",
    )  # fmt: skip

    explained = await command("review", "explain", APPLICATION)

    assert "BLOCKED" in explained.out
    assert "a-rule" in explained.out
    assert "Listed parties own 55 % of end-user." in " ".join(explained.out.split())


async def test_what_was_found_about_owners_is_read_aloud_with_names(
    command: Command, agency: Agency
) -> None:
    agency.screened.ownership.assessed_on = "2026-11-24"
    agency.screened.ownership.findings.add(party_id="end-user", result=1, rule_id="a-rule")
    agency.screened.ownership_explanations.append(
        '"Example Holding 1 Ltd" holds 55 % of "Example [Labs]".'
    )

    ran = await command("review", "owners", APPLICATION)
    as_json = await command("review", "owners", APPLICATION, "--json")

    assert "as of" in ran.out
    assert "BLOCKED end-user a-rule" in ran.out
    assert '"Example Holding 1 Ltd" holds 55 % of "Example [Labs]".' in " ".join(ran.out.split())
    assert json.loads(as_json.out)["ownership"]["findings"][0]["ruleId"] == "a-rule"


async def test_owners_that_were_never_assessed_are_not_shown_as_clear(command: Command) -> None:
    ran = await command("review", "owners", APPLICATION)

    assert "was not assessed" in ran.out


async def test_a_party_is_screened_with_all_that_is_known(command: Command, agency: Agency) -> None:
    ran = await command(
        "screening", "screen", "A Name", "An Alias", "--kind", "organisation", "--country", "de", "--identifier",
        "LEI=5299000000", "--birth-date", "1970",
    )  # fmt: skip

    party = agency.last("ScreenParty").party
    assert ran.code == 0
    assert "A [listed] name" in ran.out
    assert (list(party.names), party.kind, list(party.countries)) == (
        ["A Name", "An Alias"],
        2,
        ["DE"],
    )
    assert (party.identifiers[0].type, party.identifiers[0].value) == ("LEI", "5299000000")


async def test_a_book_is_screened_line_by_line_and_its_bad_lines_are_told(
    command: Command, agency: Agency, tmp_path: Path
) -> None:
    file = tmp_path / "book.jsonl"
    lines = [
        '{"id": 7, "name": "A Name", "schema": "Person", "birth_date": 1970, "countries": "de"}',
        "no JSON",
        "",
        '{"id": "x", "names": ["One", "Other"], "countries": ["Germany"], "identifiers": ["5299000000"]}',
        '{"id": "nameless"}',
    ]
    file.write_text("\n".join(lines), encoding="utf-8")

    ran = await command("screening", "book", str(file), "--json")
    for_people = await command("screening", "book", str(file))

    answers = [json.loads(line) for line in ran.out.splitlines()]
    told = {answer["queryId"]: answer for answer in answers}
    asked = [request.party for request in agency.requests["ScreenParties"][:2]]
    assert (ran.code, for_people.code) == (2, 2)
    assert told["7"]["party"]["result"] == "SCREENING_RESULT_CLEAR"
    assert told["x"]["refusal"]["faults"][0]["field"] == "party.countries[0]"
    assert told[""]["refusal"]["message"] == "line 2 is not JSON in UTF-8"
    assert told["nameless"]["refusal"]["reason"] == "LINE_MALFORMED"
    assert (list(asked[0].names), asked[0].kind, asked[0].birth_date) == (["A Name"], 1, "1970")
    assert list(asked[0].countries) == ["DE"]
    assert (list(asked[1].names), asked[1].identifiers[0].value) == (["One", "Other"], "5299000000")
    assert "REFUSED x: party.countries[0]: must be two [letters]" in for_people.out
    assert "1 CLEAR, 3 REFUSED" in for_people.err


async def test_a_list_goes_in_by_its_files_in_pieces_that_fit(
    command: Command, agency: Agency, tmp_path: Path
) -> None:
    files = {part: tmp_path / f"{part}.csv" for part in ("sdn", "alt", "add")}
    for number, file in enumerate(files.values(), 1):
        file.write_bytes(bytes([number]) * 600_000)

    ran = await command(
        "lists", "import", "US-SDN", str(files["sdn"]), "--alt", str(files["alt"]), "--add", str(files["add"]),
        "--format", "OFAC_SDN_CSV", "--publication", "2026-11-24", "--json",
    )  # fmt: skip

    first, *pieces = agency.requests["ImportList"]
    assert ran.json["version"]["listVersion"] == expected.VERSION
    assert (first.list_code, first.format, first.publication) == ("US-SDN", 2, "2026-11-24")
    assert {piece.request_id for piece in pieces} == {first.request_id}
    assert max(len(piece.content) for piece in pieces) < 1 << 20
    for part, file in zip((1, 2, 3), files.values(), strict=True):
        assert (
            b"".join(piece.content for piece in pieces if piece.part == part) == file.read_bytes()
        )


async def test_a_list_is_activated_and_its_status_shown(command: Command, agency: Agency) -> None:
    activated = await command("lists", "activate", "US-CSL", expected.VERSION)
    shown = await command("lists", "status")

    assert (activated.code, agency.last("ActivateList").list_version) == (0, expected.VERSION)
    assert "ACTIVE" in shown.out
    assert "up to date" in shown.out


async def test_a_verdict_on_a_hit_names_the_hit_as_it_was_read(
    command: Command, agency: Agency
) -> None:
    agency.hit.state = screening.HIT_STATE_CLEARING_PROPOSED

    listed = await command(
        "review", "hits", "--application", APPLICATION, "--state", "OPEN", "--json"
    )
    ran = await command("review", "adjudicate", expected.HIT, "--false-positive", *RATIONALE)

    asked, said = agency.last("ListHits"), agency.last("AdjudicateHit")
    assert listed.json["hits"][0]["hitId"] == expected.HIT
    assert (asked.application_id, asked.state) == (APPLICATION, screening.HIT_STATE_OPEN)
    assert (said.hit_id, said.etag, said.verdict) == (
        expected.HIT,
        "v3",
        screening.HIT_VERDICT_FALSE_POSITIVE,
    )
    assert "Another officer must confirm or reject it" in ran.out


@pytest.mark.parametrize(
    ("words", "method"),
    [("confirm-clearing", "ConfirmClearing"), ("reject-clearing", "RejectClearing")],
)
async def test_a_proposed_clearing_is_answered_by_its_id_and_the_etag_that_was_read(
    command: Command, agency: Agency, words: str, method: str
) -> None:
    ran = await command("review", words, expected.HIT, CLEARING, *RATIONALE)

    asked = agency.last(method)
    assert ran.code == 0
    assert (asked.hit_id, asked.clearing_id, asked.etag) == (expected.HIT, CLEARING, "v3")
    assert asked.rationale == RATIONALE[1]


async def test_a_verdict_says_which_way(command: Command) -> None:
    ran = await command("review", "adjudicate", expected.HIT, *RATIONALE)

    assert ran.code == 2
    assert "--false-positive or --confirmed" in ran.err


async def test_an_identifier_without_a_type_is_refused(command: Command) -> None:
    ran = await command("screening", "screen", "A Name", "--identifier", "5299000000")

    assert ran.code == 2
    assert "TYPE=VALUE" in ran.err


async def test_evidence_stays_here_and_its_digest_goes_in(
    command: Command, agency: Agency, tmp_path: Path
) -> None:
    (tmp_path / "evidence").write_bytes(b"abc")

    ran = await command(
        "enforcement", "report", LICENSE, "--clause", "MILITARY_SURVEILLANCE", "--kind", "PUBLIC", "--evidence",
        str(tmp_path / "evidence"), "--json",
    )  # fmt: skip

    sent = agency.last("ReportConduct")
    assert ran.json == {"violationId": VIOLATION, "reportId": RECOMMENDATION}
    assert (sent.clause, sent.reporter_kind) == (1, enforcement.REPORTER_KIND_PUBLIC)
    assert sent.evidence_digests[0].hex().startswith("ba7816bf")


async def test_a_confirmation_names_the_finding_that_was_read(
    command: Command, agency: Agency
) -> None:
    proposed = await command("enforcement", "find", VIOLATION, "--severity", "CRITICAL", *RATIONALE)
    early = await command("enforcement", "find", VIOLATION, "--confirm", *RATIONALE)
    agency.violation.state = enforcement.VIOLATION_STATE_FINDING_PROPOSED
    agency.violation.finding.finding_id = RECOMMENDATION
    confirmed = await command("enforcement", "find", VIOLATION, "--confirm", *RATIONALE)
    rejected = await command("enforcement", "find", VIOLATION, "--reject", *RATIONALE)

    assert (proposed.code, early.code, confirmed.code, rejected.code) == (0, 4, 0, 0)
    first = agency.last("ProposeFinding")
    assert (first.is_violation, first.severity, first.etag) == (
        True,
        enforcement.SEVERITY_CRITICAL,
        "v7",
    )
    for method in ("ConfirmFinding", "RejectFinding"):
        (sent,) = agency.requests[method]
        assert (sent.violation_id, sent.finding_id, sent.etag) == (VIOLATION, RECOMMENDATION, "v7")


async def test_a_measure_is_imposed_or_confirmed_never_both(
    command: Command, agency: Agency
) -> None:
    both = await command(
        "enforcement", "impose", VIOLATION, "--kind", "REVOCATION", "--confirm", *RATIONALE
    )
    agency.violation.state = enforcement.VIOLATION_STATE_MEASURE_PROPOSED
    agency.violation.measures.add(
        measure_id=RECOMMENDATION, kind=enforcement.MEASURE_KIND_REVOCATION
    )
    rejected = await command("enforcement", "impose", VIOLATION, "--reject", *RATIONALE)
    confirmed = await command("enforcement", "impose", VIOLATION, "--confirm", *RATIONALE)

    assert (both.code, rejected.code, confirmed.code) == (2, 0, 0)
    for method in ("RejectMeasure", "ConfirmMeasure"):
        sent = agency.last(method)
        assert (sent.measure_id, sent.etag) == (RECOMMENDATION, "v7")


async def test_a_warning_needs_no_proposal(command: Command, agency: Agency) -> None:
    warned = await command("enforcement", "impose", VIOLATION, "--kind", "WARNING", *RATIONALE)
    proposed = await command("enforcement", "impose", VIOLATION, "--kind", "SUSPENSION", *RATIONALE)

    assert (warned.code, proposed.code) == (0, 0)
    assert agency.last("ImposeWarning").etag == "v7"
    assert agency.last("ProposeMeasure").kind == enforcement.MEASURE_KIND_SUSPENSION


async def test_a_reinstatement_takes_the_etag_from_the_license(
    command: Command, agency: Agency
) -> None:
    agency.standing.etags[LICENSE] = "v7"
    ran = await command("enforcement", "reinstate", LICENSE, *RATIONALE)
    unknown = await command("enforcement", "reinstate", APPLICATION, *RATIONALE)
    early = await command("enforcement", "reinstate", LICENSE, "--confirm", *RATIONALE)

    assert (ran.code, unknown.code, early.code) == (0, 5, 4)
    assert agency.last("ProposeReinstatement").etag == "v7"
    assert "Another officer must still confirm." in ran.out


async def test_an_answer_to_a_reinstatement_names_the_one_that_was_read(
    command: Command, agency: Agency
) -> None:
    agency.standing.etags[LICENSE] = "v7"
    agency.standing.pending[LICENSE] = RECOMMENDATION
    confirmed = await command("enforcement", "reinstate", LICENSE, "--confirm", *RATIONALE)
    rejected = await command("enforcement", "reinstate", LICENSE, "--reject", *RATIONALE)

    assert (confirmed.code, rejected.code) == (0, 0)
    for method in ("ConfirmReinstatement", "RejectReinstatement"):
        sent = agency.last(method)
        assert (sent.reinstatement_id, sent.etag) == (RECOMMENDATION, "v7")


async def test_the_gate_exits_7_when_it_denies(command: Command, agency: Agency) -> None:
    agency.standing.tell(standing(LICENSE, state="REVOKED"))
    asked = ("--model", "example-frontier-1", "--destination", "de", "--end-use", "HEALTHCARE")

    revoked = await command("gate", "check", LICENSE, *asked, "--json")
    unknown = await command("gate", "check", APPLICATION, *asked)

    assert (revoked.code, revoked.json["verdict"]) == (7, "ACCESS_VERDICT_REVOKED")
    assert unknown.code == 7
    assert unknown.out.startswith("UNKNOWN_LICENSE")


async def test_the_gate_exits_0_when_it_allows(command: Command, agency: Agency) -> None:
    found = standing(LICENSE)
    found.not_after.FromJsonString("2199-01-01T00:00:00Z")
    agency.standing.tell(found)

    ran = await command(
        "gate",
        "check",
        LICENSE,
        "--model",
        "example-frontier-1",
        "--destination",
        "DE",
        "--end-use",
        "HEALTHCARE",
    )

    assert (ran.code, ran.out.split()[0]) == (0, "ALLOWED")


async def test_without_enforcement_the_gate_exits_6(command: Command) -> None:
    ran = await command(
        "gate", "check", LICENSE, "--model", "m", "--destination", "DE", "--end-use", "HEALTHCARE",
        "--enforcement", "127.0.0.1:1", "--timeout", "0.5",
    )  # fmt: skip

    assert ran.code == 6


async def test_a_license_document_is_verified_with_the_published_keys(
    command: Command, agency: Agency
) -> None:
    key = conduct.generate_key()
    agency.keys, agency.document = (
        {"one": conduct.public_bytes(key)},
        document(key, {"license_id": LICENSE}),
    )
    good = await command("license", "verify", LICENSE, "--json")
    agency.document = document(conduct.generate_key(), {"license_id": LICENSE})
    forged = await command("license", "verify", LICENSE)

    assert (good.code, good.json["claims"]) == (0, {"license_id": LICENSE})
    assert forged.code == 2
    assert "does not verify" in forged.err


async def test_licenses_are_shown(command: Command) -> None:
    shown, listed = (
        await command("license", "show", LICENSE, "--json"),
        await command("license", "list"),
    )

    assert shown.json["state"] == "LICENSE_STATE_ACTIVE"
    assert LICENSE in listed.out


class SpanStore(BaseHTTPRequestHandler):
    """Two traces; the second began later and links to the first."""

    spans: dict[str, list[dict[str, Any]]] = {  # noqa: RUF012 - never changed
        expected.TRACE: [
            {"trace_id": expected.TRACE, "span_id": "01", "parent_span_id": "", "name": "SubmitApplication",
             "kind": "SERVER", "service": "applications", "start_ns": 1_000_000, "end_ns": 9_000_000,
             "attributes": {}, "links": [], "status": "OK"},
            {"trace_id": expected.TRACE, "span_id": "02", "parent_span_id": "01", "name": "process", "kind": "CONSUMER",
             "service": "screening", "start_ns": 10_000_000, "end_ns": 14_500_000, "attributes": {}, "links": [],
             "status": "ERROR"},
        ],
        expected.LATER_TRACE: [
            {"trace_id": expected.LATER_TRACE, "span_id": "03", "parent_span_id": "", "name": "AcceptConductCode",
             "kind": "SERVER", "service": "applications", "start_ns": 50_000_000, "end_ns": 52_000_000,
             "attributes": {}, "links": [{"trace_id": expected.TRACE, "span_id": "02"}], "status": "UNSET"},
        ],
    }  # fmt: skip

    def do_GET(self) -> None:
        body = json.dumps(self.spans.get(self.path.removeprefix("/traces/"), [])).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Silence."""


@pytest.fixture
def span_store() -> Any:
    server = ThreadingHTTPServer(("127.0.0.1", 0), SpanStore)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


async def test_a_trace_is_the_timeline_of_all_services_and_the_tree_of_their_spans(
    command: Command, span_store: str
) -> None:
    told = await command("trace", APPLICATION, SAFECONDUCT_TRACES=span_store)
    as_json = await command("trace", APPLICATION, "--json", SAFECONDUCT_TRACES=span_store)

    assert told.code == 0, told.err
    assert [line.split()[2] for line in told.out.splitlines()[1:4]] == [
        "ApplicationSubmitted",
        "ScreeningCompleted",
        "LicenseIssued",
    ]
    assert f"http://viewer/#{expected.TRACE}" in told.out
    assert "applications SubmitApplication 8.0 ms at +0.0 ms" in told.out
    assert "└── screening process 4.5 ms at +9.0 ms ERROR" in told.out
    assert "    └── linked applications AcceptConductCode 2.0 ms at +49.0 ms" in told.out
    assert [entry["service"] for entry in as_json.json["entries"]] == [
        "applications",
        "screening",
        "applications",
    ]
    assert len(as_json.json["spans"]) == 3


async def test_a_service_that_does_not_answer_leaves_a_gap_that_is_named(command: Command) -> None:
    ran = await command("trace", APPLICATION, "--screening", "127.0.0.1:1")

    assert ran.code == 6
    assert "ApplicationSubmitted" in ran.out
    assert "screening did not tell its part" in ran.err


async def test_a_wrong_state_says_what_can_be_done(command: Command, agency: Agency) -> None:
    agency.refusals["WithdrawApplication"] = [wrong_state()]

    ran = await command("applications", "withdraw", APPLICATION)

    assert ran.code == 4
    assert "allowedCommands: WithdrawApplication" in ran.err


@pytest.mark.parametrize(
    "words",
    [
        "applications submit", "applications get", "applications list", "applications watch", "applications withdraw",
        "applications code", "applications accept", "applications keygen", "review cases", "review recommend",
        "review countersign", "review explain", "review owners", "review hits", "review adjudicate",
        "review confirm-clearing",
        "review reject-clearing", "lists import",
        "lists activate", "lists status", "screening screen", "enforcement report", "enforcement violations",
        "enforcement find", "enforcement impose", "enforcement reinstate", "gate check", "gate watch", "license show",
        "license list", "license verify", "trace",
    ],
)  # fmt: skip
def test_every_command_has_help_with_an_example_and_json(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from safeconduct.cli import main

    code = main([*words.split(), "--help"])

    shown = " ".join(capsys.readouterr().out.split())
    assert code == 0
    assert f"Example: safeconduct {words}" in shown
    assert "--json" in shown
