"""The clocks that a gate measures leases with."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from threading import Lock
from typing import Final

PAUSE_NS: Final = 10_000_000
"""A difference of the two clocks below this is no pause: they are read one after the other."""


class ElapsedClock:
    """Nanoseconds of a clock that also counts the time in which a virtual machine was paused.

    A paused machine counts no time, not even as sleep. When it goes on, its wall clock is set to
    the present. So each forward step of the wall clock against the boot clock is counted. If the
    wall clock was only wrong and is corrected, knowledge looks older until the next lease: a gate
    denies, and never allows, because of it. May be read from any thread.
    """

    def __init__(
        self,
        boot_clock: Callable[[], int] | None = None,
        wall_clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._boot_clock, self._wall_clock = boot_clock or boottime, wall_clock
        self._lock = Lock()
        self._difference = self._wall_clock() - self._boot_clock()
        self._paused = 0

    def __call__(self) -> int:
        """Returns the time. It never goes back."""
        with self._lock:
            now = self._boot_clock()
            step = self._wall_clock() - now - self._difference
            if step > PAUSE_NS:
                self._paused += step
            if abs(step) > PAUSE_NS:
                self._difference += step
            return now + self._paused


def boottime() -> int:
    """Nanoseconds of a clock that never jumps and that keeps counting while the machine sleeps.

    A clock that stops during sleep would make old knowledge look fresh, and the gate would allow
    accesses under a revoked license. Raises NotImplementedError if the system has no such clock.
    """
    if hasattr(time, "CLOCK_BOOTTIME"):  # Linux
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        # On macOS this clock counts sleep, on Linux it does not. CLOCK_UPTIME_RAW, which
        # `time.monotonic` reads there, stops during sleep.
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    message = (
        f"{sys.platform} has no clock that is known to count while the machine sleeps; "
        "pass one to Gate(clock=...)"
    )
    raise NotImplementedError(message)
