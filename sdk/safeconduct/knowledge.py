"""What a gate knows: the standing of licenses, and since which moment of its own clock that is the truth.

Knows no network and no clock: moments are integers, nanoseconds of the gate's clock, and come in as arguments.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from safeconduct.standing import NANOSECONDS, Standing, StandingState

FIRST_RENEW_NS: Final = NANOSECONDS
"""Time between two renewals while no license is known."""
SHORTEST_RENEW_NS: Final = NANOSECONDS
"""Knowledge is confirmed once a second on the service's side; asking more often says nothing new."""


class Knowledge:
    """A gate's copy of the standings, over several streams and replicas.

    A standing only ever rises in version, and the moment only ever moves forward: what one replica told stays true when
    another one, which lags, takes over. Licenses that a new replica's snapshot does not name are forgotten only when
    that replica's knowledge is at least as new.
    """

    def __init__(self) -> None:
        self._standings: dict[str, Standing] = {}
        self._moment: int | None = None
        self._is_complete = False
        self._named: set[str] | None = None

    @property
    def standings(self) -> MappingProxyType[str, Standing]:
        """By license id; a live view."""
        return MappingProxyType(self._standings)

    @property
    def moment(self) -> int | None:
        """Everything committed before this moment is known. None: nothing was ever confirmed."""
        return self._moment

    @property
    def is_complete(self) -> bool:
        """Whether the current stream has told its whole snapshot or backlog."""
        return self._is_complete

    def begin(self, *, resumes: bool) -> None:
        """A new stream begins; it goes on after the last token, or from a snapshot."""
        if not (resumes and self._is_complete):
            self._named = None  # a snapshot that broke off says nothing about what is missing in it
        self._is_complete = resumes

    def learn(
        self, standings: Iterable[Standing], *, is_snapshot: bool, has_more: bool
    ) -> list[Standing]:
        """Takes in what the stream told, in order. Gives those that are news; a lower or equal version is not."""
        news = []
        if is_snapshot and self._named is None:
            self._named = set()
        for standing in standings:
            if self._named is not None:
                self._named.add(standing.license_id)
            known = self._standings.get(standing.license_id)
            if known is None or standing.version > known.version:
                self._standings[standing.license_id] = standing
                news.append(standing)
        self._is_complete = not has_more
        return news

    def confirm(self, sent_at: int, age: int) -> bool:
        """A lease came: at `sent_at`, when the renewal was sent, the replica's knowledge was at most `age` old.

        Both in nanoseconds; a negative age counts as none. Gives whether the lease counts: it does not before the
        snapshot or backlog is complete.
        """
        if not self._is_complete:
            return False
        told = sent_at - max(age, 0)
        if self._moment is None or told >= self._moment:
            self._moment = told
            self._forget_unnamed()
        return True

    def age_ns(self, now: int) -> int | None:
        """Returns the age of the knowledge in nanoseconds, or None before the first lease."""
        return None if self._moment is None else now - self._moment

    def renew_every(self) -> int:
        """Nanoseconds between two renewals: a third of the shortest lease that still matters."""
        leases = [
            one.lease_seconds
            for one in self._standings.values()
            if one.state is not StandingState.REVOKED
        ]
        return max(min(leases) * NANOSECONDS // 3, SHORTEST_RENEW_NS) if leases else FIRST_RENEW_NS

    def _forget_unnamed(self) -> None:
        if self._named is not None:
            for license_id in self._standings.keys() - self._named:
                del self._standings[license_id]
            self._named = None
