"""The clock that a gate measures leases with."""

from __future__ import annotations

import sys
import time


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
