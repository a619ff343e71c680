"""The clock of the gate: it must keep counting while the machine sleeps, on Linux and on macOS."""

from __future__ import annotations

import sys
import time

import pytest
from safeconduct.clock import PAUSE_NS, ElapsedClock, boottime


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


class Machine:
    """The two clocks of a machine, in nanoseconds."""

    def __init__(self) -> None:
        self.boot, self.wall = 10**12, 10**18

    def run(self, nanoseconds: int) -> None:
        self.boot += nanoseconds
        self.wall += nanoseconds

    def clock(self) -> ElapsedClock:
        return ElapsedClock(lambda: self.boot, lambda: self.wall)


SECOND = 10**9


def test_the_time_in_which_a_machine_was_paused_is_counted() -> None:
    machine = Machine()
    clock = machine.clock()
    begun = clock()

    machine.run(SECOND)
    machine.wall += 60 * SECOND  # the hypervisor paused it, and no clock of it ran
    machine.run(SECOND)

    assert clock() - begun == 62 * SECOND


def test_every_pause_is_counted_though_the_wall_clock_was_set_back_between_them() -> None:
    machine = Machine()
    clock = machine.clock()
    begun = clock()

    machine.wall += 5 * SECOND
    assert clock() - begun == 5 * SECOND
    machine.wall -= 5 * SECOND
    assert clock() - begun == 5 * SECOND
    machine.wall += 5 * SECOND

    assert clock() - begun == 10 * SECOND


def test_a_wall_clock_that_is_set_back_takes_nothing_back() -> None:
    machine = Machine()
    clock = machine.clock()
    begun = clock()

    machine.run(SECOND)
    machine.wall -= 3600 * SECOND

    assert clock() - begun == SECOND


def test_the_jitter_of_two_readings_is_no_pause_and_does_not_add_up() -> None:
    machine = Machine()
    clock = machine.clock()
    begun = clock()

    for _ in range(1000):
        machine.wall += PAUSE_NS // 2
        clock()
        machine.wall -= PAUSE_NS // 2
        clock()

    assert clock() == begun


def test_a_wall_clock_that_drifts_away_slowly_is_counted_in_the_end() -> None:
    machine = Machine()
    clock = machine.clock()
    begun = clock()

    for _ in range(1000):
        machine.wall += PAUSE_NS // 10
        clock()

    assert 99 * PAUSE_NS <= clock() - begun <= 100 * PAUSE_NS
