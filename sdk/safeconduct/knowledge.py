"""The standings that a gate knows, and the time as of which they are complete.

Knows no network and no clock. Times are nanoseconds of the gate's clock and come in as arguments.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from safeconduct.standing import NANOSECONDS, Standing, StandingState

FIRST_RENEW_NS: Final = NANOSECONDS
"""Time between two renewals while no license is known."""
SHORTEST_RENEW_NS: Final = NANOSECONDS
"""The service learns its own freshness once a second, so more renewals bring nothing."""


class Knowledge:
    """A gate's copy of the standings, over several streams and replicas.

    The version of a standing never falls, and `known_as_of` never moves back. So what one replica
    sent stays true if another replica, which lags, takes over. A license that is missing in a new
    replica's snapshot is removed only if that replica's knowledge is at least as new.
    """

    def __init__(self) -> None:
        self._standings: dict[str, Standing] = {}
        self._known_as_of: int | None = None
        self._is_complete = False
        self._snapshot_ids: set[str] | None = None

    @property
    def standings(self) -> MappingProxyType[str, Standing]:
        """The standings by license id; a live view."""
        return MappingProxyType(self._standings)

    @property
    def known_as_of(self) -> int | None:
        """The time before which every committed change is known. None before the first lease."""
        return self._known_as_of

    @property
    def is_complete(self) -> bool:
        """Whether the current stream has sent its whole snapshot or backlog."""
        return self._is_complete

    def start_stream(self, *, resumes: bool) -> None:
        """Starts a new stream. `resumes`: it continues after the last token, without a snapshot."""
        if not (resumes and self._is_complete):
            # A snapshot that broke off does not show which licenses are missing.
            self._snapshot_ids = None
        self._is_complete = resumes

    def apply_changes(
        self, standings: Iterable[Standing], *, is_snapshot: bool, has_more: bool
    ) -> list[Standing]:
        """Stores the standings of one message, in order. Returns those with a higher version."""
        changed = []
        if is_snapshot and self._snapshot_ids is None:
            self._snapshot_ids = set()
        for standing in standings:
            if self._snapshot_ids is not None:
                self._snapshot_ids.add(standing.license_id)
            known = self._standings.get(standing.license_id)
            if known is None or standing.version > known.version:
                self._standings[standing.license_id] = standing
                changed.append(standing)
        self._is_complete = not has_more
        return changed

    def apply_lease(self, sent_at: int, age: int) -> bool:
        """Applies a lease: when the renewal was sent, the replica's knowledge was `age` old.

        Both in nanoseconds; a negative age counts as 0. Returns False, and changes nothing, if the
        snapshot or backlog is not complete yet.
        """
        if not self._is_complete:
            return False
        as_of = sent_at - max(age, 0)
        if self._known_as_of is None or as_of >= self._known_as_of:
            self._known_as_of = as_of
            self._drop_missing()
        return True

    def age_ns(self, now: int) -> int | None:
        """Returns the age of the knowledge in nanoseconds, or None before the first lease."""
        return None if self._known_as_of is None else now - self._known_as_of

    def renew_every(self) -> int:
        """Nanoseconds between two renewals: a third of the shortest lease.

        The leases of revoked licenses do not count, because a revocation is final.
        """
        leases = [
            one.lease_seconds
            for one in self._standings.values()
            if one.state is not StandingState.REVOKED
        ]
        return max(min(leases) * NANOSECONDS // 3, SHORTEST_RENEW_NS) if leases else FIRST_RENEW_NS

    def _drop_missing(self) -> None:
        """Removes the licenses that a complete snapshot did not name."""
        if self._snapshot_ids is not None:
            for license_id in self._standings.keys() - self._snapshot_ids:
                del self._standings[license_id]
            self._snapshot_ids = None
