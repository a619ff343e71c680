"""Readiness and liveness of a replica by the age of the standings that it knows."""

from __future__ import annotations

from safeconduct.standing import NANOSECONDS

from services.enforcement.shell.settings import EnforcementSettings
from services.enforcement.shell.standing_cache import StandingCache


def not_ready_reason(cache: StandingCache, settings: EnforcementSettings) -> str | None:
    """Returns why gates should not use this replica, or None."""
    if cache.withheld is not None:
        return cache.withheld
    return _too_old(cache, settings.ready_knowledge_age_seconds)


def not_live_reason(cache: StandingCache, settings: EnforcementSettings) -> str | None:
    """Returns why this replica should be started again, or None.

    A replica that never knew all standings waits for database and broker, and a new start of it
    would change nothing.
    """
    if cache.heartbeats.known_as_of is None:
        return None
    return _too_old(cache, settings.live_knowledge_age_seconds)


def _too_old(cache: StandingCache, limit_seconds: float) -> str | None:
    age_ns = cache.heartbeats.age_ns()
    if age_ns is None:
        return "the standings are not completely known yet"
    age = age_ns / NANOSECONDS
    return f"the standings were completely known {age:.0f} s ago" if age > limit_seconds else None
