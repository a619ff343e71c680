"""Checks, and the command that runs them."""

from __future__ import annotations

import json

import pytest

from checks.__main__ import main
from checks.all_checks import CHECKS
from checks.check import Check, Finding, faults, run_all


def test_every_check_runs_even_if_others_fail_or_break() -> None:
    def breaks() -> Finding:
        raise RuntimeError("broken")

    checks = [
        Check("fails", lambda: faults(["a fault"])),
        Check("breaks", breaks),
        Check("holds", lambda: faults([])),
    ]

    assert [result.finding.verdict for result in run_all(checks, lambda _: None)] == [
        "failed",
        "failed",
        "ok",
    ]


def test_the_result_as_json_names_every_requested_check(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(["lifecycle pages", "--json"])
    document = json.loads(capsys.readouterr().out)

    assert (code, document["ok"]) == (0, True)
    assert [check["name"] for check in document["checks"]] == ["lifecycle pages"]


def test_the_names_of_the_checks_are_different() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
