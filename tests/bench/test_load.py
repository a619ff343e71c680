"""`safeconduct load`: what it counts, where it may go, and a run against nobody."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safeconduct.cli import main

from infra.scenario.examples import EXAMPLES, read_examples
from operations.error_messages import InputError
from operations.load.histogram import Histogram
from operations.load.mix import read_mix
from operations.load.report import Report, to_json
from operations.load.target import check_target, is_loopback

NOW = datetime(2026, 3, 1, tzinfo=UTC)
durations = st.lists(st.floats(0, 3_600), min_size=1, max_size=200)


@settings(deadline=None)
@given(durations, st.floats(0, 1))
def test_a_quantile_is_at_most_a_thousandth_above_the_true_one(
    seconds: list[float], share: float
) -> None:
    histogram = Histogram()
    for each in seconds:
        histogram.record(each)

    true = sorted(seconds)[max(0, -(-round(share * len(seconds) * 1e9) // 10**9) - 1)]
    assert true - 1e-6 <= histogram.quantile(share) <= true * 1.001 + 1e-6


@settings(deadline=None)
@given(durations)
def test_the_last_quantile_is_the_longest(seconds: list[float]) -> None:
    histogram = Histogram()
    for each in seconds:
        histogram.record(each)

    assert histogram.count == len(seconds)
    assert histogram.longest == max(seconds)
    assert histogram.quantile(1) <= histogram.longest


def test_nothing_recorded_has_no_duration() -> None:
    assert (Histogram().count, Histogram().quantile(0.99), Histogram().longest) == (0, 0, 0)


@pytest.mark.parametrize(
    "target",
    [
        "127.0.0.1:5000",
        "localhost:5000",
        "[::1]:5000",
        "dns:///localhost:5000",
        "unix:/run/it.sock",
        "ipv4:127.0.0.1:1,127.0.0.2:2",
    ],
)
def test_this_machine_is_a_target(target: str) -> None:
    assert is_loopback(target)
    check_target(target, is_owned=False)


@pytest.mark.parametrize(
    "target",
    [
        "10.0.0.1:5000",
        "services.example:443",
        "dns:///services.example",
        "ipv4:127.0.0.1:1,10.0.0.1:2",
        "localhost.example:1",
        "[2001:db8::1]:5000",
    ],
)
def test_another_machine_is_no_target_until_somebody_says_that_it_is_theirs(target: str) -> None:
    assert not is_loopback(target)
    with pytest.raises(InputError) as refused:
        check_target(target, is_owned=False)
    assert refused.value.reason == "FOREIGN_TARGET"
    check_target(target, is_owned=True)


@pytest.fixture(scope="module")
def example_files(run_folder: Path) -> Path:
    read_examples(run_folder / "load")
    return run_folder / "load" / "examples"


def test_a_mix_picks_by_weight(example_files: Path) -> None:
    first, second = (
        example_files / f"{name}.yaml" for name in ("hospital-hosted-access", "listed-end-user")
    )
    mix = read_mix([f"{first}=3", str(second)], NOW)
    chance = random.Random(1)

    picked = [mix.pick(chance) for _ in range(4_000)]

    assert mix.weights == {"hospital-hosted-access": 3.0, "listed-end-user": 1.0}
    assert 2_800 < picked.count("hospital-hosted-access") < 3_200


@pytest.mark.parametrize("weight", ["0", "-1", "many", "inf"])
def test_a_weight_that_is_no_number_above_zero_is_refused(weight: str, example_files: Path) -> None:
    with pytest.raises(InputError) as refused:
        read_mix([f"{example_files / 'listed-end-user.yaml'}={weight}"], NOW)
    assert refused.value.reason == "BAD_WEIGHT"


def test_an_empty_mix_is_refused() -> None:
    with pytest.raises(InputError) as refused:
        read_mix([], NOW)
    assert refused.value.reason == "NO_MIX"


def test_a_report_adds_up() -> None:
    report = Report(10.0)
    report.submitted["a"] += 3
    report.errors["UNAVAILABLE"] += 1
    for seconds in (0.1, 0.2):
        report.responses.record(seconds)
    report.decisions.record(0.5)
    report.outcomes["AWAITING_SIGNATURE"] += 1
    report.deciding_seconds = 2.0

    shown = to_json(report)

    assert (shown["sent"], shown["answered"], shown["decided"], shown["undecided"]) == (3, 2, 1, 1)
    assert shown["decidedPerSecond"] == 0.5
    assert shown["submitMilliseconds"]["max"] == 200.0
    assert shown["errors"] == {"UNAVAILABLE": 1}


def test_the_command_refuses_another_machine(
    example_files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("CA", "CERT", "KEY"):
        monkeypatch.setenv(f"SAFECONDUCT_{name}", str(EXAMPLES / "hospital-hosted-access.yaml"))
    monkeypatch.setenv("SAFECONDUCT_APPLICATIONS", "services.example:443")

    code = main(["load", "--mix", str(example_files / "listed-end-user.yaml"), "--json"])

    assert code == 2
    assert "FOREIGN_TARGET" in capsys.readouterr().err
