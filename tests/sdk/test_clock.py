"""The clock of the gate: it must keep counting while the machine sleeps, on Linux and on macOS."""

from __future__ import annotations

import sys
import time

import pytest
from safeconduct.clock import boottime


def test_the_clock_goes_forward() -> None:
    readings = [boottime(), boottime(), boottime()]

    assert readings == sorted(readings)


def asked_clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of the clocks that are read from now on."""
    asked: list[int] = []
    monkeypatch.setattr(time, "clock_gettime_ns", lambda clock: asked.append(clock) or 7)
    return asked


def test_on_linux_it_is_the_clock_since_boot_which_counts_sleep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "CLOCK_BOOTTIME", 4242, raising=False)
    asked = asked_clock(monkeypatch)

    assert (boottime(), asked) == (7, [4242])


def test_on_macos_which_has_no_such_clock_it_is_the_monotonic_one_which_counts_sleep_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    monkeypatch.setattr(sys, "platform", "darwin")
    asked = asked_clock(monkeypatch)

    assert (boottime(), asked) == (7, [time.CLOCK_MONOTONIC])


def test_a_system_without_a_known_clock_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    monkeypatch.setattr(sys, "platform", "win32")

    with pytest.raises(NotImplementedError, match="win32 has no clock"):
        boottime()
