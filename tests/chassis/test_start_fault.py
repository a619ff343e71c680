from __future__ import annotations

import pytest
import structlog

from chassis.start_fault import ExitCode, StartFault


@pytest.mark.parametrize("code", list(ExitCode))
def test_a_fault_is_one_line_with_setting_cause_and_exit_code(code: ExitCode) -> None:
    with structlog.testing.capture_logs() as lines:
        returned = StartFault("SAFECONDUCT_X", "is wrong", code).report()

    assert returned == code
    assert lines == [
        {
            "event": "the service cannot start",
            "log_level": "critical",
            "setting": "SAFECONDUCT_X",
            "cause": "is wrong",
            "exit_code": int(code),
        }
    ]


def test_the_exit_codes_are_distinct() -> None:
    assert sorted(int(code) for code in ExitCode) == [2, 3, 4, 5]
