"""Encodes the standings that a gate's stream sends, with the token to resume after them.

A changed standing goes to all gates of its partner, and most of them have read the same offsets. So
the last messages of each partner are kept, and encoded and signed once for all of its streams.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from chassis.rpc.page_tokens import PageTokens
from services.enforcement.shell import standing_codec
from services.enforcement.shell.subscriber import CachedStanding

PAGE_SIZE: Final = 200
"""Standings in one message."""


class _Encoded(NamedTuple):
    topic_name: str
    offsets: tuple[int, ...]
    changes: Sequence[CachedStanding]
    messages: list[bytes]


class ChangeMessages:
    """Encodes and decodes for all streams of a replica."""

    def __init__(self, tokens: PageTokens) -> None:
        self._tokens = tokens
        self._last: dict[str, _Encoded] = {}

    def read_token(self, partner_id: str, topic_name: str, token: str) -> tuple[int, ...]:
        """Returns the offsets of a token of this partner, or `()` if they are of another topic.

        Raises RpcError INVALID_TOKEN.
        """
        topic, *offsets = self._tokens.decode(_purpose(partner_id), token)
        return tuple(int(offset) for offset in offsets) if topic == _digest(topic_name) else ()

    def changes(
        self,
        partner_id: str,
        topic_name: str,
        offsets: tuple[int, ...],
        changes: Sequence[CachedStanding],
    ) -> list[bytes]:
        """Returns the serialized messages of these changes, as `pages` gives them."""
        last = self._last.get(partner_id)
        if (
            last is None
            or last.offsets != offsets
            or last.topic_name != topic_name
            or len(last.changes) != len(changes)
            or any(kept is not each for kept, each in zip(last.changes, changes, strict=True))
        ):
            messages = list(self.pages(partner_id, topic_name, offsets, changes, is_snapshot=False))
            last = self._last[partner_id] = _Encoded(topic_name, offsets, changes, messages)
        return last.messages

    def pages(
        self,
        partner_id: str,
        topic_name: str,
        offsets: tuple[int, ...],
        standings: Sequence[CachedStanding],
        *,
        is_snapshot: bool,
    ) -> Iterator[bytes]:
        """Yields at least one message. Only the last one has a token, which covers all of them."""
        token = self._tokens.encode(_purpose(partner_id), (_digest(topic_name), *offsets))
        for start in range(0, max(len(standings), 1), PAGE_SIZE):
            page = [each.serialized for each in standings[start : start + PAGE_SIZE]]
            has_more = start + PAGE_SIZE < len(standings)
            yield standing_codec.encode_changes(
                page, "" if has_more else token, is_snapshot=is_snapshot, has_more=has_more
            )


def _purpose(partner_id: str) -> str:
    return f"WatchStanding/{partner_id}"


def _digest(topic_name: str) -> str:
    # Tokens are short: contracts accept 400 characters.
    return hashlib.sha256(topic_name.encode()).hexdigest()[:16]
