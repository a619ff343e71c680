"""The keys that an auditor trusts come from files of his own."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from safeconduct import conduct

from operations.audit.trusted_keys import read_trusted_keys, thumbprint
from operations.error_messages import InputError
from tests.applications import builders as b

PUBLIC = conduct.public_bytes(b.KEY)
ID = thumbprint(PUBLIC)


def published(key_id: str = ID, key: bytes = PUBLIC) -> str:
    """The output of `safeconduct licenses keys --json`."""
    entry = {
        "keyId": key_id,
        "publicKey": base64.b64encode(key).decode(),
        "validFrom": "2026-11-24T09:00:00Z",
    }
    return json.dumps({"keys": [entry]})


def test_the_published_keys_and_a_pem_file_are_read(tmp_path: Path) -> None:
    other = conduct.generate_key()
    conduct.save_key(other, tmp_path / "auditor.pem")
    (tmp_path / "keys.json").write_text(published())

    found = read_trusted_keys([tmp_path / "keys.json", tmp_path / "auditor.pem"], ["an-id"])

    assert set(found.keys) == {ID, thumbprint(conduct.public_bytes(other))}
    assert [found.trusts(each) for each in (ID, "an-id", "another")] == [True, True, False]


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"keys": [{"keyId": "a"}]}', "-----BEGIN PUBLIC KEY-----", "\udcff",
     published("another-id"), published(key=bytes(31))],
)  # fmt: skip
def test_a_file_without_keys_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "keys").write_bytes(content.encode(errors="surrogateescape"))

    with pytest.raises(InputError) as refused:
        read_trusted_keys([tmp_path / "keys"], [])

    assert refused.value.reason == "KEYS"


@pytest.mark.parametrize("name", ["missing", "/dev/zero", "."])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot read"):
        read_trusted_keys([tmp_path / name], [])
