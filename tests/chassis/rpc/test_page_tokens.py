from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.rpc.errors import RpcError
from chassis.rpc.page_tokens import PageTokens, page_size

TOKENS = PageTokens(b"k" * 32)


@given(
    st.lists(st.text(max_size=40) | st.integers(-(2**63), 2**63 - 1), max_size=4).map(tuple),
    st.text(max_size=20),
)
def test_a_token_opens_to_what_was_sealed(fields: Any, purpose: Any) -> None:
    assert fields == TOKENS.open(purpose, TOKENS.seal(purpose, fields))


@given(st.text(max_size=450))
def test_anything_else_is_refused(text: Any) -> None:
    with pytest.raises(RpcError) as caught:
        TOKENS.open("list", text)

    assert caught.value.reason == "INVALID_TOKEN"


@given(st.data())
def test_a_token_with_one_changed_byte_is_refused(data: Any) -> None:
    token = TOKENS.seal("list", ("2026-01-01", 7))
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))

    with pytest.raises(RpcError):
        TOKENS.open("list", base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("="))


@pytest.mark.parametrize("purpose", ["list|partner/example-2", "list|partner/example-", ""])
def test_a_token_of_another_query_or_caller_is_refused(purpose: Any) -> None:
    token = TOKENS.seal("list|partner/example-1", (1,))

    with pytest.raises(RpcError):
        TOKENS.open(purpose, token)


def test_a_token_of_another_key_is_refused() -> None:
    with pytest.raises(RpcError):
        PageTokens(b"l" * 32).open("list", TOKENS.seal("list", (1,)))


def test_a_short_key_is_no_key() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        PageTokens(b"short")


def test_a_token_that_no_contract_accepts_is_not_made() -> None:
    with pytest.raises(ValueError, match="400"):
        TOKENS.seal("list", ("x" * 300,))


@pytest.mark.parametrize(
    ("requested", "size"), [(0, 50), (1, 1), (200, 200), (201, 200), (2**31 - 1, 200)]
)
def test_a_page_has_the_default_size_or_at_most_the_maximum(requested: Any, size: Any) -> None:
    assert size == page_size(requested)


def test_a_negative_page_size_is_refused() -> None:
    with pytest.raises(RpcError) as caught:
        page_size(-1)

    assert caught.value.reason == "VALIDATION_FAILED"
