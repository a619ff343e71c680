"""A case file cannot vouch for itself: only keys or a checkpoint from elsewhere can."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from safeconduct import conduct

from operations.audit import checkpoint
from operations.audit.case_checks import check
from operations.audit.case_file import CaseFile, with_digests, write
from operations.audit.case_trust import UNTRUSTED
from operations.audit.checkpoint import Head
from operations.audit.trusted_keys import thumbprint
from tests.applications import builders as b
from tests.operations.conftest import Ran, safeconduct
from tests.operations.made_case import AT, made_case, messages_of, stream, with_stream

GENUINE, REMADE = made_case(b.KEY), made_case(b.OTHER_KEY)
PUBLISHED = thumbprint(conduct.public_bytes(b.KEY))
AUDITOR = conduct.generate_key()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with the genuine and the re-made file, and the keys to trust."""
    for name, case in (("genuine", GENUINE), ("remade", REMADE)):
        write(case, tmp_path / f"{name}.json")
    conduct.save_key(b.KEY, tmp_path / "published.pem")
    conduct.save_key(AUDITOR, tmp_path / "auditor.pem")
    return tmp_path


async def checked(file: Path, *options: str | Path) -> Ran:
    return await safeconduct({}, "audit", "check", str(file), "--json", *map(str, options))


async def write_checkpoint(file: Path, *cases: CaseFile, skip: int = 0) -> Path:
    """A checkpoint of the chains of cases, signed by the auditor."""

    async def heads() -> Any:
        for case in cases:
            for each in case.streams:
                event = each.events[-1 - skip] if len(each.events) > skip else each.events[-1]
                yield Head(each.service, each.stream_id, event.version, bytes.fromhex(event.hash))

    await checkpoint.write(heads(), file, AUDITOR, AT)
    return file


async def test_a_file_that_was_made_anew_as_a_whole_is_consistent_and_not_trusted(
    files: Path,
) -> None:
    assert all(each.ok for each in check(REMADE))

    ran = await checked(files / "remade.json")

    assert (ran.code, ran.json["ok"], ran.json["trusted"]) == (3, True, False)
    assert ran.json["trust"] == UNTRUSTED
    shown = await safeconduct({}, "audit", "check", str(files / "remade.json"))
    assert (shown.code, UNTRUSTED in shown.out) == (3, True)


@pytest.mark.parametrize("option", [("--keys", "published.pem"), ("--trusted-key", PUBLISHED)])
async def test_trusted_keys_tell_the_genuine_file_from_the_one_made_anew(
    files: Path, option: tuple[str, str]
) -> None:
    name, value = option
    value = str(files / value) if name == "--keys" else value
    genuine = await checked(files / "genuine.json", name, value)
    remade = await checked(files / "remade.json", name, value)

    assert (genuine.code, genuine.json["trusted"]) == (0, True)
    assert PUBLISHED in genuine.json["trust"]
    assert (remade.code, remade.json["trusted"]) == (3, False)


async def test_a_file_that_calls_another_key_by_a_trusted_id_fails(files: Path) -> None:
    assert REMADE.license is not None
    other = conduct.public_bytes(b.OTHER_KEY)
    forged = replace(REMADE.license, signing_keys={PUBLISHED: other, thumbprint(other): other})
    write(with_digests(replace(REMADE, license=forged)), files / "named.json")

    ran = await checked(files / "named.json", "--trusted-key", PUBLISHED)

    assert (ran.code, ran.json["trusted"]) == (1, False)


async def test_a_broken_file_fails_whatever_keys_are_trusted(files: Path) -> None:
    document = json.loads((files / "genuine.json").read_bytes())
    document["streams"][0]["events"][0]["actor"] = "officer/nobody"
    (files / "broken.json").write_text(json.dumps(document))

    ran = await checked(files / "broken.json", "--keys", files / "published.pem")

    assert (ran.code, ran.json["ok"], ran.json["trusted"]) == (1, False, False)


@pytest.mark.parametrize("skip", [0, 1])
async def test_a_checkpoint_vouches_for_the_chains_that_it_has(files: Path, skip: int) -> None:
    point = await write_checkpoint(files / "point", GENUINE, skip=skip)
    options = ("--checkpoint", point, "--keys", files / "auditor.pem")
    genuine = await checked(files / "genuine.json", *options)

    assert (genuine.code, genuine.json["trusted"]) == (0, True)
    assert f"applications up to version {3 - skip}" in genuine.json["trust"]


async def test_a_stream_that_was_made_anew_contradicts_the_checkpoint(files: Path) -> None:
    point = await write_checkpoint(files / "point", GENUINE)
    messages = messages_of(GENUINE, "enforcement")
    forged = with_stream(GENUINE, stream("enforcement", b.LICENSE_ID, [*messages[:1], messages[0]]))
    write(forged, files / "forged.json")

    ran = await checked(
        files / "forged.json", "--checkpoint", point, "--keys", files / "auditor.pem",
        "--keys", files / "published.pem",
    )  # fmt: skip

    assert (ran.code, ran.json["ok"], ran.json["trusted"]) == (1, False, False)
    assert "the checkpoint has another event as version 2 of enforcement" in ran.json["trust"]


async def test_a_file_that_leaves_out_a_stream_contradicts_the_checkpoint(files: Path) -> None:
    point = await write_checkpoint(files / "point", GENUINE)
    streams = tuple(each for each in GENUINE.streams if each.service != "enforcement")
    write(with_digests(replace(GENUINE, streams=streams)), files / "cut.json")

    ran = await checked(files / "cut.json", "--checkpoint", point, "--keys", files / "auditor.pem")

    assert (ran.code, ran.json["trust"]) == (1, "the file lacks the stream of enforcement")


async def test_a_checkpoint_that_does_not_have_the_case_vouches_for_nothing(files: Path) -> None:
    point = await write_checkpoint(files / "point")

    ran = await checked(
        files / "remade.json", "--checkpoint", point, "--keys", files / "auditor.pem"
    )

    assert (ran.code, ran.json["trust"]) == (3, UNTRUSTED)


async def test_a_checkpoint_of_a_key_that_is_not_trusted_is_refused(files: Path) -> None:
    point = await write_checkpoint(files / "point", GENUINE)
    for options in ((), ("--keys", files / "published.pem")):
        ran = await checked(files / "genuine.json", "--checkpoint", point, *options)

        assert (ran.code, '"reason": "CHECKPOINT"' in ran.err) == (2, True)
