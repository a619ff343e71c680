"""Decides whether a call may begin: token buckets, and counts of what runs. Pure, with `now` given.

A caller that goes on although it was refused gets its refusals late. So a client that sends the
next call as soon as one was refused costs little, and other callers keep their times.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chassis.rpc.authentication import Kind
from chassis.rpc.limits import Capacity, Limit

BYTES_PER_TOKEN: Final = 64 * 1024
"""A request costs one token, and one more for each so many bytes."""
LONGEST_RETRY_S: Final = 10.0
HOLD_S: Final = 2.0
"""Seconds by which a refusal is held back from a caller that does not wait."""

_BUSY_RETRY_S: Final = 0.5
_STREAM_RETRY_S: Final = 5.0
_PROMPT_REFUSALS: Final = 20.0
_PROMPT_PER_SECOND: Final = 5.0
_MOST_HELD: Final = 1_000
_MOST_HELD_TOGETHER: Final = 4_000
_PRUNED_FROM: Final = 4_096


class Exceeded(StrEnum):
    """The limit that a refused call exceeds."""

    RATE = "RATE"
    CALLS = "CALLS"
    STREAMS = "STREAMS"
    CAPACITY = "CAPACITY"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that may not begin.

    `retry_after_s` differs between the calls that are refused at the same time, so that they do not
    come back together. If `hold_s` is not 0, the answer is sent after so many seconds, and then
    `release` is called.
    """

    exceeded: Exceeded
    retry_after_s: float
    hold_s: float


@dataclass(slots=True)
class _Bucket:
    """A token bucket. Its tokens may be negative: what a call costs is known after it began."""

    tokens: float
    filled_at: float

    def fill(self, rate: float, burst: float, now: float) -> None:
        self.tokens = min(burst, self.tokens + (now - self.filled_at) * rate)
        self.filled_at = now


@dataclass(slots=True)
class _Account:
    """One principal at one replica."""

    calls_left: _Bucket
    prompt_refusals_left: _Bucket
    promised_until: float = 0.0
    calls: int = 0
    streams: int = 0
    held: int = 0


class Admission:
    """The state of all principals at one replica. Times are seconds of a monotonic clock."""

    def __init__(self, capacity: Capacity | None = None) -> None:
        self._capacity = capacity or Capacity()
        self._accounts: dict[str, _Account] = {}
        self._prune_at = _PRUNED_FROM
        self._calls = self._streams = self._held = 0

    def enter(
        self, kind: Kind, name: str, limit: Limit, now: float, *, is_stream: bool
    ) -> Refusal | None:
        """Returns None if the call may begin, which `leave` must undo; else the refusal."""
        account = self._account(name, limit, now)
        account.calls_left.fill(limit.calls_per_second, limit.burst, now)
        exceeded = self._exceeded(kind, account, limit, is_stream=is_stream)
        if exceeded is not None:
            return self._refuse(account, limit, exceeded, now)
        account.calls_left.tokens -= 1
        if is_stream:
            account.streams += 1
            self._streams += 1
        else:
            account.calls += 1
            self._calls += 1
        return None

    def charge(self, name: str, size: int) -> None:
        """Takes the tokens that a request of `size` bytes costs beyond the first one."""
        self._accounts[name].calls_left.tokens -= size // BYTES_PER_TOKEN

    def leave(self, name: str, *, is_stream: bool) -> None:
        """Ends a call that began."""
        account = self._accounts[name]
        if is_stream:
            account.streams -= 1
            self._streams -= 1
        else:
            account.calls -= 1
            self._calls -= 1

    def release(self, name: str) -> None:
        """Ends a refusal that was held back."""
        self._accounts[name].held -= 1
        self._held -= 1

    def _exceeded(
        self, kind: Kind, account: _Account, limit: Limit, *, is_stream: bool
    ) -> Exceeded | None:
        own = account.streams if is_stream else account.calls
        if own >= (limit.streams if is_stream else limit.concurrent_calls):
            return Exceeded.STREAMS if is_stream else Exceeded.CALLS
        if account.calls_left.tokens < 1:
            return Exceeded.RATE
        capacity = self._capacity
        total = self._streams if is_stream else self._calls
        most = capacity.streams if is_stream else capacity.calls
        if kind != "gate":
            most -= capacity.streams_for_gates if is_stream else capacity.calls_for_gates
        return Exceeded.CAPACITY if total >= most else None

    def _refuse(self, account: _Account, limit: Limit, exceeded: Exceeded, now: float) -> Refusal:
        prompt = account.prompt_refusals_left
        prompt.fill(_PROMPT_PER_SECOND, _PROMPT_REFUSALS, now)
        hold = 0.0
        if prompt.tokens >= 1:
            prompt.tokens -= 1
        elif account.held < _MOST_HELD and self._held < _MOST_HELD_TOGETHER:
            account.held += 1
            self._held += 1
            hold = HOLD_S
        return Refusal(exceeded, _retry_after(account, limit, exceeded, now), hold)

    def _account(self, name: str, limit: Limit, now: float) -> _Account:
        account = self._accounts.get(name)
        if account is None:
            if len(self._accounts) >= self._prune_at:
                self._prune(now)
            account = _Account(_Bucket(limit.burst, now), _Bucket(_PROMPT_REFUSALS, now))
            self._accounts[name] = account
        return account

    def _prune(self, now: float) -> None:
        """Forgets the principals for whom nothing runs and who have been away for a minute."""
        self._accounts = {
            name: each
            for name, each in self._accounts.items()
            if each.calls or each.streams or each.held or each.calls_left.filled_at > now - 60
        }
        self._prune_at = max(_PRUNED_FROM, 2 * len(self._accounts))


def _retry_after(account: _Account, limit: Limit, exceeded: Exceeded, now: float) -> float:
    if exceeded is Exceeded.STREAMS:
        return _STREAM_RETRY_S
    # Each refused call is promised the time of one more token.
    step = 1 / limit.calls_per_second
    missing = max(0.0, 1 - account.calls_left.tokens) * step
    earliest = now + (missing if exceeded is Exceeded.RATE else _BUSY_RETRY_S)
    account.promised_until = max(earliest, account.promised_until + step)
    wait = min(account.promised_until - now, LONGEST_RETRY_S)
    account.promised_until = now + wait
    return wait
