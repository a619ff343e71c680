"""The versions of a list and which of them is active."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.screening.core.errors import Refusal
from services.screening.core.lists.versions import (
    TRANSITIONS,
    ActivateList,
    Command,
    Event,
    ImportList,
    ImpossibleEvent,
    ListActivated,
    ListFormat,
    ListImported,
    ListState,
    ListVersion,
    ScreeningList,
    StartList,
    decide,
    evolve,
    index_version,
    list_versions_in,
)

LIST = UUID(int=1)
FIRST = ListVersion("US-CSL/2025-02/0", "00", 14_159, datetime(2026, 3, 1, 12, tzinfo=UTC))
SECOND = ListVersion("US-CSL/2026-01/1", "01", 15_000, datetime(2026, 3, 2, 12, tzinfo=UTC))
EVENTS: tuple[Event, ...] = (ListImported(LIST, SECOND), ListActivated(LIST, FIRST.list_version))
IN: dict[ListState | None, tuple[Event, ...]] = {
    None: (),
    ListState.IMPORTED: (ListImported(LIST, FIRST),),
    ListState.ACTIVE: (ListImported(LIST, FIRST), ListActivated(LIST, FIRST.list_version)),
}


def after(*commands: Command) -> ScreeningList | None:
    register: ScreeningList | None = None
    for command in commands:
        decided = decide(register, command)
        assert isinstance(decided, tuple)
        for event in decided:
            register = evolve(register, event)
    return register


def test_a_list_starts_with_its_first_version_active() -> None:
    register = after(StartList(LIST, FIRST))

    assert register == ScreeningList(LIST, 2, ListState.ACTIVE, (FIRST,), FIRST.list_version)


def test_a_list_with_an_active_version_does_not_start_again() -> None:
    assert decide(after(StartList(LIST, FIRST)), StartList(LIST, SECOND)) == ()


def test_a_list_whose_first_version_was_only_imported_starts_with_it() -> None:
    register = after(ImportList(LIST, FIRST))

    assert decide(register, StartList(LIST, FIRST)) == (ListActivated(LIST, FIRST.list_version),)


def test_an_imported_version_is_kept_beside_the_active_one() -> None:
    register = after(StartList(LIST, FIRST), ImportList(LIST, SECOND))

    assert register is not None
    assert (register.versions, register.active) == ((FIRST, SECOND), FIRST.list_version)


def test_an_earlier_version_can_be_made_active_again() -> None:
    register = after(
        StartList(LIST, FIRST),
        ImportList(LIST, SECOND),
        ActivateList(LIST, SECOND.list_version),
        ActivateList(LIST, FIRST.list_version),
    )

    assert register is not None
    assert register.active == FIRST.list_version


@pytest.mark.parametrize(
    "command", [ImportList(LIST, FIRST), ActivateList(LIST, FIRST.list_version)]
)
def test_what_holds_already_is_not_said_again(command: Command) -> None:
    assert decide(after(StartList(LIST, FIRST)), command) == ()


@pytest.mark.parametrize(
    "register", [None, after(ImportList(LIST, FIRST))], ids=["no list", "another version"]
)
def test_a_version_that_was_not_imported_cannot_be_activated(
    register: ScreeningList | None,
) -> None:
    refusal = decide(register, ActivateList(LIST, SECOND.list_version))

    assert isinstance(refusal, Refusal)
    assert refusal.reason == "NOT_FOUND"


def folded(events: tuple[Event, ...]) -> ScreeningList | None:
    register: ScreeningList | None = None
    for event in events:
        register = evolve(register, event)
    return register


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("state", [None, *ListState])
def test_each_cell_of_the_table_is_walked_and_each_missing_one_is_impossible(
    state: ListState | None, event: Event
) -> None:
    expected = TRANSITIONS[state].get(type(event))
    if expected is None:
        with pytest.raises(ImpossibleEvent):
            evolve(folded(IN[state]), event)
    else:
        assert evolve(folded(IN[state]), event).state is expected


def smaller(count: int) -> ListVersion:
    return replace(SECOND, entry_count=count)


@pytest.mark.parametrize("count", [11_328, 14_159, 50_000])
def test_a_version_that_keeps_four_fifths_of_the_active_one_is_imported(count: int) -> None:
    assert decide(after(StartList(LIST, FIRST)), ImportList(LIST, smaller(count))) == (
        ListImported(LIST, smaller(count)),
    )


@pytest.mark.parametrize("count", [0, 1, 11_327])
def test_a_version_with_over_a_fifth_fewer_parties_is_refused_and_the_old_one_stays(
    count: int,
) -> None:
    register = after(StartList(LIST, FIRST))

    refusal = decide(register, ImportList(LIST, smaller(count)))

    assert isinstance(refusal, Refusal)
    assert refusal.reason == "LIST_IMPLAUSIBLE"
    assert refusal.metadata == {
        "listCode": "US-CSL",
        "entries": str(count),
        "activeEntries": "14159",
    }


def test_a_first_version_is_measured_against_nothing() -> None:
    assert decide(None, ImportList(LIST, smaller(1))) == (ListImported(LIST, smaller(1)),)


def test_a_generation_names_the_active_versions_of_all_lists_by_code() -> None:
    other = ListVersion("UN-SC/2026-01/2", "02", 800, FIRST.imported_at, ListFormat.UN_XML, "UN-SC")

    name = index_version((FIRST, other))

    assert name == index_version((other, FIRST)) == "UN-SC/2026-01/2 + US-CSL/2025-02/0"
    assert list_versions_in(name) == (other.list_version, FIRST.list_version)


def test_a_version_of_before_formats_were_told_apart_is_the_consolidated_list() -> None:
    assert (FIRST.code, FIRST.kind) == ("US-CSL", ListFormat.CSL_CSV)
