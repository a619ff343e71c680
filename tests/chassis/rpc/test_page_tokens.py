from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safeconduct.applications.v1 import model_pb2, service_pb2

from chassis.rpc.errors import RpcError
from chassis.rpc.page_tokens import (
    MAX_PAGE_BYTES,
    PageTokens,
    list_purpose,
    page_size,
    read_keys,
)

OLD, NEW = b"k" * 32, b"n" * 32
TOKENS = PageTokens([OLD])
TIME = datetime(2026, 11, 30, 12, 0, 0, 123_456, tzinfo=UTC)


@given(
    st.lists(st.text(max_size=40) | st.integers(-(2**63), 2**63 - 1), max_size=4).map(tuple),
    st.text(max_size=20),
)
def test_a_token_decodes_to_the_fields_that_were_encoded(fields: Any, purpose: Any) -> None:
    try:
        token = TOKENS.encode(purpose, fields)
    except ValueError:  # the fields do not fit
        assert len(repr(fields)) > 200
    else:
        assert fields == TOKENS.decode(purpose, token)


def test_positions_in_all_partitions_of_a_topic_fit_into_a_token() -> None:
    offsets = tuple(10**13 + 7_777_777 * number for number in range(16))

    assert offsets == TOKENS.decode("watch", TOKENS.encode("watch", offsets))


@given(st.text(max_size=450))
def test_anything_else_is_refused(text: Any) -> None:
    with pytest.raises(RpcError) as caught:
        TOKENS.decode("list", text)

    assert caught.value.reason == "INVALID_TOKEN"


@given(st.data())
def test_a_token_with_one_changed_byte_is_refused(data: Any) -> None:
    token = TOKENS.encode("list", ("2026-01-01", 7))
    payload, signature = (
        bytearray(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        for part in token.split(".")
    )
    part = data.draw(st.sampled_from([payload, signature]))
    part[data.draw(st.integers(0, len(part) - 1))] ^= data.draw(st.integers(1, 255))
    changed = b".".join(
        base64.urlsafe_b64encode(bytes(each)).rstrip(b"=") for each in (payload, signature)
    )

    with pytest.raises(RpcError):
        TOKENS.decode("list", changed.decode())


@pytest.mark.parametrize("purpose", ["list|partner/example-2", "list|partner/example-", ""])
def test_a_token_of_another_query_or_caller_is_refused(purpose: Any) -> None:
    token = TOKENS.encode("list|partner/example-1", (1,))

    with pytest.raises(RpcError):
        TOKENS.decode(purpose, token)


def test_a_token_of_another_key_is_refused() -> None:
    with pytest.raises(RpcError):
        PageTokens([NEW]).decode("list", TOKENS.encode("list", (1,)))


def test_a_token_of_an_older_key_is_accepted_while_that_key_is_in_the_file() -> None:
    token = TOKENS.encode("list", (1,))

    assert PageTokens([NEW, OLD]).decode("list", token) == (1,)


def test_the_first_key_signs() -> None:
    token = PageTokens([NEW, OLD]).encode("list", (1,))

    assert PageTokens([NEW]).decode("list", token) == (1,)
    with pytest.raises(RpcError):
        TOKENS.decode("list", token)


def test_a_short_key_is_no_key() -> None:
    with pytest.raises(ValueError, match="key 2 has 5 bytes; at least 32"):
        PageTokens([OLD, b"short"])


def test_at_least_one_key_is_needed() -> None:
    with pytest.raises(ValueError, match="no key"):
        PageTokens([])


def test_a_key_file_of_text_has_a_key_in_each_line() -> None:
    assert read_keys(NEW + b"\r\n\n" + OLD + b"\n") == [NEW, OLD]


def test_a_key_file_of_other_bytes_is_one_key() -> None:
    assert read_keys(b"\n\xff" * 16) == [b"\n\xff" * 16]


def test_a_token_that_no_contract_accepts_is_not_made() -> None:
    with pytest.raises(ValueError, match="400"):
        TOKENS.encode("list", tuple(str(uuid4()) for _ in range(20)))


def request(size: int, token: str = "") -> Any:
    return service_pb2.ListApplicationsRequest(page_size=size, page_token=token)


ROW = (TIME, UUID(int=7))


def test_the_first_page_begins_nowhere_and_asks_for_one_row_more() -> None:
    page = TOKENS.page("list", request(2))

    assert (page.after, page.total, page.limit) == (None, None, 3)


def test_the_next_page_begins_after_the_last_row_of_this_one_and_knows_the_total() -> None:
    token = TOKENS.page("list", request(2)).next_token(ROW, 9)
    following = TOKENS.page("list", request(2, token))

    assert (following.after, following.total) == (ROW, 9)


def test_a_page_of_another_query_is_refused() -> None:
    token = TOKENS.page("list", request(2)).next_token(ROW, 9)

    with pytest.raises(RpcError) as caught:
        TOKENS.page("another", request(2, token))

    assert caught.value.reason == "INVALID_TOKEN"


@pytest.mark.parametrize(
    ("sizes", "held"),
    [
        ([], 0),
        ([1, 1], 2),
        ([1, 1, 1, 1], 3),
        ([MAX_PAGE_BYTES, 1], 1),
        ([MAX_PAGE_BYTES - 1, 1, 1], 2),
        ([4 * MAX_PAGE_BYTES, 1], 1),
    ],
)
def test_a_page_holds_what_fits_its_size_and_its_bytes_and_at_least_one(
    sizes: list[int], held: int
) -> None:
    assert TOKENS.page("list", request(3)).fitting(sizes) == held


def test_the_purpose_of_a_list_names_caller_and_filter_and_not_the_page() -> None:
    state = model_pb2.APPLICATION_STATE_DENIED
    wanted = service_pb2.ApplicationFilter(state=state)
    filtered = service_pb2.ListApplicationsRequest(filter=wanted)

    assert list_purpose("partner/a", request(2)) == list_purpose("partner/a", request(3, "token"))
    assert list_purpose("partner/a", request(2)) != list_purpose("partner/b", request(2))
    assert list_purpose("partner/a", request(2)) != list_purpose("partner/a", filtered)


@pytest.mark.parametrize(
    ("requested", "size"), [(0, 50), (1, 1), (200, 200), (201, 200), (2**31 - 1, 200)]
)
def test_a_page_has_the_default_size_or_at_most_the_maximum(requested: Any, size: Any) -> None:
    assert size == page_size(requested)
    assert size == TOKENS.page("list", request(requested)).size


def test_a_negative_page_size_is_refused() -> None:
    with pytest.raises(RpcError) as caught:
        page_size(-1)

    assert caught.value.reason == "VALIDATION_FAILED"
