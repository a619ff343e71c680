"""The kept texts are listed, printed byte for byte, and verified by their digests."""

from __future__ import annotations

import hashlib
from typing import Any

from operations.audit.texts import KeptText
from tests.applications import builders as b
from tests.operations.applications_store import ApplicationsStore
from tests.operations.conftest import Ran, safeconduct

POLICY, REFERENCE, CODE = (each.digest.hex() for each in (b.POLICY.text, *b.REFERENCE_FILE.texts))


async def ran(store: ApplicationsStore, *arguments: str) -> Ran:
    return await safeconduct(store.environ, "audit", *arguments, "--json")


async def listed(store: ApplicationsStore) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await ran(store, "text")).json["texts"]
    return found


def test_a_text_is_whole_if_its_content_has_its_digest() -> None:
    digest = hashlib.sha256(b"text").digest()

    whole = KeptText(digest, "POLICY", "1", "policy.yaml", b"text", is_in_use=True)
    changed = KeptText(digest, "POLICY", "1", "policy.yaml", b"other", is_in_use=True)

    assert (whole.is_whole, changed.is_whole) == (True, False)


async def test_the_texts_in_use_are_listed(applications: ApplicationsStore) -> None:
    found = await listed(applications)

    assert {each["digest"] for each in found} == {POLICY, REFERENCE, CODE}
    assert all(each["inUse"] and each["ok"] for each in found)


async def test_a_text_is_printed_byte_for_byte(applications: ApplicationsStore) -> None:
    printed = await safeconduct(applications.environ, "audit", "text", CODE[:8])

    assert (printed.code, printed.out) == (0, b.REFERENCE_FILE.code_of_conduct.text)


async def test_an_unknown_digest_is_refused(applications: ApplicationsStore) -> None:
    refused = await ran(applications, "text", "00ff")

    assert (refused.code, '"reason": "DIGEST"' in refused.err) == (2, True)


async def test_whole_texts_are_verified_with_the_chains(applications: ApplicationsStore) -> None:
    await applications.screened()

    verified = await ran(applications, "verify")

    assert (verified.code, verified.json["faults"], verified.json["textFaults"]) == (0, [], [])
    assert verified.json["texts"] == 3


async def test_a_changed_text_is_named(applications: ApplicationsStore) -> None:
    await applications.tamper("update stored_text set content = 'x' where kind = 'POLICY'")

    verified, printed = await ran(applications, "verify"), await ran(applications, "text", POLICY)

    assert (verified.code, printed.code) == (1, 1)
    detail = f"the content of POLICY {b.POLICY.version} (policy.yaml) was changed"
    assert verified.json["textFaults"] == [{"digest": POLICY, "detail": detail}]


async def test_a_text_that_events_rest_on_and_that_is_gone_is_named(
    applications: ApplicationsStore,
) -> None:
    await applications.screened()
    await applications.tamper("delete from stored_text where kind = 'REFERENCE_DATA'")

    verified = await ran(applications, "verify")

    detail = "events rest on this REFERENCE_DATA, which is not kept"
    assert verified.json["textFaults"] == [{"digest": REFERENCE, "detail": detail}]
