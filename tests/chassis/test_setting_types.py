from __future__ import annotations

from typing import Any

import pytest

from chassis.setting_types import host_and_port


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("127.0.0.1:7001", ("127.0.0.1", 7001)),
        ("[::1]:1", ("::1", 1)),
        ("db-0.db:5", ("db-0.db", 5)),
    ],
)
def test_an_address_has_a_host_and_a_port(address: Any, parts: Any) -> None:
    assert parts == host_and_port(address)


@pytest.mark.parametrize(
    "address", ["", ":1", "7001", "h", "h:65536", "h:1 ", "h:01", "h:1/", "u@h:1", "h:1?x", "::1:1"]
)
def test_any_other_text_is_no_address(address: str) -> None:
    with pytest.raises(ValueError, match="is not host:port"):
        host_and_port(address)
