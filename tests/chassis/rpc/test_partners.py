from __future__ import annotations

from pathlib import Path

import pytest

from chassis.rpc.partners import Partners, PartnersFileError, PartnerState

GOOD = "partners: [{id: example-1, state: ACTIVE}, {id: example-2, state: SUSPENDED}]"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "partners.yaml"
    path.write_text(GOOD)
    return path


def replace(file: Path, content: str) -> None:
    draft = file.with_suffix(".new")
    draft.write_text(content)
    draft.replace(file)


def test_a_partner_has_the_state_of_the_registry(file: Path) -> None:
    partners = Partners(file)

    found = [partners.find(f"example-{number}") for number in (1, 2, 3)]

    assert found == [PartnerState.ACTIVE, PartnerState.SUSPENDED, None]


def test_without_a_registry_every_partner_is_active() -> None:
    assert Partners(None).find("example-9") is PartnerState.ACTIVE


def test_a_new_partner_is_found_at_once(file: Path) -> None:
    partners = Partners(file)
    before = partners.has("example-3")
    replace(file, GOOD.replace("]", ", {id: example-3, state: ACTIVE}]"))

    assert (before, partners.has("example-3")) == (False, True)


def test_a_suspension_is_noticed_within_a_second(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    partners = Partners(file)
    replace(file, GOOD.replace("ACTIVE", "SUSPENDED"))
    monkeypatch.setattr("chassis.rpc.reread_file.RELOAD_SECONDS", 0.0)

    assert partners.find("example-1") is PartnerState.SUSPENDED


def test_an_invalid_new_registry_leaves_the_last_valid_one_in_use(file: Path) -> None:
    partners = Partners(file)
    replace(file, "partners: [")

    assert not partners.has("example-3")
    assert partners.has("example-1")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("partners: [", "invalid YAML"),
        ("", "valid dictionary"),
        ("partners: [{id: a, state: ENDED}]", "partners.0.state"),
        ("partners: [{id: A, state: ACTIVE}]", "partners.0.id"),
        ("partners: [{id: a}]", "partners.0.state"),
        ("partners: [{id: a, state: ACTIVE, name: b}]", "partners.0.name"),
        (
            "partners: [{id: a-1, state: ACTIVE}, {id: a_1, state: ACTIVE}]",
            "partners.1.id: 'a_1' is the same as or can be taken for 'a-1'",
        ),
    ],
)
def test_an_invalid_registry_is_an_error_with_the_place_of_the_fault(
    file: Path, content: str, words: str
) -> None:
    file.write_text(content)

    with pytest.raises(PartnersFileError) as caught:
        Partners(file)

    assert words in str(caught.value)
