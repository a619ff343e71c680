"""`safeconduct licenses`: reading, verifying and reinstating licenses."""

from __future__ import annotations

import os
from pathlib import Path

from safeconduct import conduct
from safeconduct.documents import MAX_BYTES

from tests.sdk.cli.running import RATIONALE, Command, Ran
from tests.sdk.fake_services import (
    APPLICATION,
    LICENSE,
    RECOMMENDATION,
    FakeServices,
)
from tests.sdk.test_documents import HEADER, KEYS, encoded, signed


async def test_a_reinstatement_takes_the_etag_from_the_license(
    command: Command, services: FakeServices
) -> None:
    services.standing.etags[LICENSE] = "v7"
    ran = await command("licenses", "propose-reinstatement", LICENSE, *RATIONALE)
    unknown = await command("licenses", "propose-reinstatement", APPLICATION, *RATIONALE)
    early = await command("licenses", "confirm-reinstatement", LICENSE, *RATIONALE)

    assert (ran.code, unknown.code, early.code) == (0, 5, 4)
    assert services.last("ProposeReinstatement").etag == "v7"
    assert "Another officer must confirm or reject it." in ran.out


async def test_an_answer_to_a_reinstatement_names_the_one_that_was_read(
    command: Command, services: FakeServices
) -> None:
    services.standing.etags[LICENSE] = "v7"
    services.standing.pending[LICENSE] = RECOMMENDATION
    yes = ("--yes", RECOMMENDATION, *RATIONALE)
    confirmed = await command("licenses", "confirm-reinstatement", LICENSE, *yes)
    rejected = await command("licenses", "reject-reinstatement", LICENSE, *yes)

    assert (confirmed.code, rejected.code) == (0, 0)
    for method in ("ConfirmReinstatement", "RejectReinstatement"):
        sent = services.last(method)
        assert (sent.reinstatement_id, sent.etag) == (RECOMMENDATION, "v7")


async def test_a_license_document_is_verified_with_the_published_keys(
    command: Command, services: FakeServices
) -> None:
    key = conduct.generate_key()
    services.keys = {"one": conduct.public_bytes(key)}
    services.document = signed(claims={"jti": LICENSE}, key=key)
    good = await command("licenses", "verify", LICENSE, "--json")
    services.document = signed(claims={"jti": LICENSE}, key=conduct.generate_key())
    forged = await command("licenses", "verify", LICENSE)

    assert (good.code, good.json["claims"]) == (0, {"jti": LICENSE})
    assert forged.code == 2
    assert "does not verify" in forged.err


async def test_a_file_that_is_no_document_is_refused_in_one_line(
    command: Command, services: FakeServices, tmp_path: Path
) -> None:
    services.keys = KEYS
    os.mkfifo(tmp_path / "pipe")
    files = {
        "good.jws": signed(claims={"jti": LICENSE}).encode() + b"\n",
        "kid.jws": signed({**HEADER, "kid": ["a"]}).encode(),
        "utf8.jws": b"\xff\xfe\x00",
        "claims.jws": signed(claims=[1]).encode(),
        "text.jws": f"{encoded(b'[1]')}.e30.AA".encode(),
        "large.jws": b" " * (MAX_BYTES + 1),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)

    async def verify(file: str | Path) -> Ran:
        return await command("licenses", "verify", "--file", str(tmp_path / file))

    good = await verify("good.jws")
    bad = [await verify(name) for name in (*files, "missing.jws", "pipe", "/dev/zero")[1:]]

    assert (good.code, good.err) == (0, "")
    assert [each.code for each in bad] == [2] * len(bad)
    assert [len(each.err.splitlines()) for each in bad] == [1] * len(bad)
    assert not [each.out for each in bad if each.out]


async def test_licenses_are_shown(command: Command) -> None:
    shown, listed = (
        await command("licenses", "get", LICENSE, "--json"),
        await command("licenses", "list"),
    )

    assert shown.json["state"] == "LICENSE_STATE_ACTIVE"
    assert LICENSE in listed.out
