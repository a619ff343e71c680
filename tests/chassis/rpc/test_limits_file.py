from __future__ import annotations

from pathlib import Path

import pytest

from chassis.rpc.limits import DEFAULTS, Limit
from chassis.rpc.limits_file import LimitsFile, LimitsFileError, read_limits

GOOD = """
kinds:
  partner: {calls_per_second: 20, streams: 7}
principals:
  partner/example-1: {burst: 9}
  gate/example-1/g1: {concurrent_calls: 3}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "limits.yaml"
    path.write_text(GOOD)
    return path


def replace(file: Path, content: str) -> None:
    """Puts another file in the same place, like an editor or a mounted volume."""
    draft = file.with_suffix(".new")
    draft.write_text(content)
    draft.replace(file)


def test_a_principal_differs_from_its_kind_and_a_kind_from_the_defaults(file: Path) -> None:
    limits, partner, gate = read_limits(file), DEFAULTS["partner"], DEFAULTS["gate"]

    assert limits.of("partner", "partner/example-2") == Limit(
        20, partner.burst, partner.concurrent_calls, 7
    )
    assert limits.of("partner", "partner/example-1") == Limit(20, 9, partner.concurrent_calls, 7)
    assert limits.of("gate", "gate/example-1/g1") == Limit(
        gate.calls_per_second, gate.burst, 3, gate.streams
    )
    assert limits.of("officer", "officer/licensing-1") == DEFAULTS["officer"]


def test_without_a_file_the_defaults_hold() -> None:
    assert LimitsFile(None).current().by_kind == DEFAULTS


def test_an_empty_file_changes_nothing(file: Path) -> None:
    file.write_text("")

    assert read_limits(file).by_kind == DEFAULTS


def test_a_changed_file_is_read_by_itself_after_a_second(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = LimitsFile(file)
    replace(file, "kinds: {partner: {burst: 1}}")
    before = limits.current().by_kind["partner"].burst
    monkeypatch.setattr("chassis.rpc.reread_file.RELOAD_SECONDS", 0.0)

    assert (before, limits.current().by_kind["partner"].burst) == (DEFAULTS["partner"].burst, 1)


def test_an_invalid_new_file_leaves_the_last_valid_one_in_use(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.rpc.reread_file.RELOAD_SECONDS", 0.0)
    limits = LimitsFile(file)
    replace(file, "kinds: [")

    assert limits.current().by_kind["partner"].streams == 7


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("kinds: [", "invalid YAML"),
        ("kind: {}", "kind: Extra inputs"),
        ("kinds: {king: {}}", "kinds.king"),
        ("kinds: {partner: {rate: 1}}", "kinds.partner.rate"),
        ("kinds: {partner: {calls_per_second: 0}}", "kinds.partner.calls_per_second"),
        ("kinds: {partner: {calls_per_second: .nan}}", "kinds.partner.calls_per_second"),
        ("kinds: {partner: {burst: 0}}", "kinds.partner.burst"),
        ("kinds: {partner: {burst: 1.5}}", "kinds.partner.burst"),
        ("kinds: {partner: {streams: -1}}", "kinds.partner.streams"),
        ("principals: {example-1: {}}", "principals.example-1"),
        ("principals: {gate/example-1: {}}", "principals.gate/example-1"),
        ("principals: {partner/a: {}, partner/a: {}}", "duplicate key"),
    ],
)
def test_an_invalid_file_is_an_error_with_the_place_of_the_fault(
    file: Path, content: str, words: str
) -> None:
    file.write_text(content)

    with pytest.raises(LimitsFileError) as caught:
        read_limits(file)

    assert words in str(caught.value)
