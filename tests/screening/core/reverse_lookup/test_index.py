"""The index of monitored parties."""

from services.screening.core.model import Entry, PartyQuery
from services.screening.core.names.index import ListIndex
from tests.screening.core.reverse_lookup.searches import found, index_of, screened


def test_an_identifier_finds_a_party_with_another_name(listed: ListIndex) -> None:
    entry = next(entry for entry in listed.entries if entry.identifiers)
    party = PartyQuery(("Bergholz Orchard Museum Friends",), identifiers=entry.identifiers[:1])

    (hit,) = found(index_of(party), listed, (entry,)).values()

    assert hit == {entry.entry_id: 1.0}


def test_an_identifier_with_a_country_prefix_finds_one_without(
    listed: ListIndex,
) -> None:
    entry = Entry("X-1", "X", "Karim Bergholzer", "1", identifiers=(("VAT", "123456789"),))
    index = ListIndex.build([*listed.entries, entry], "more")
    party = PartyQuery(("Orchard Museum Friends",), identifiers=(("VAT", "DE123456789"),))

    hits = found(index_of(party), index, (entry,))

    assert hits == screened([party], index, (entry,))
    assert hits


def test_removed_and_replaced_parties_are_not_found(
    listed: ListIndex, changed: tuple[Entry, ...]
) -> None:
    entry = changed[0]
    party = PartyQuery((entry.name,), entry.kind)
    other = PartyQuery(("Bergholz Orchard Museum Friends",))
    parties = index_of(party, party, party)

    parties.remove(0)
    parties.put(1, 2, [other])
    parties.put(2, 2, [party])
    parties.commit()

    assert set(found(parties, listed, (entry,))) == {2}
    assert [parties.version_of(application) for application in (0, 1, 2)] == [0, 2, 2]
    assert (len(parties), parties.removed) == (2, 2)
    assert [each.query for each in parties] == [party, other]


def test_a_party_that_is_added_later_is_found_beside_the_others(
    listed: ListIndex, changed: tuple[Entry, ...], innocents: list[PartyQuery]
) -> None:
    parties = index_of(*innocents)
    assert not found(parties, listed, changed[:1])

    parties.put(9_999, 1, [PartyQuery((changed[0].name,), changed[0].kind)])
    parties.commit()

    assert set(found(parties, listed, changed[:1])) == {9_999}


def test_names_that_cannot_be_judged_are_not_indexed(
    listed: ListIndex, changed: tuple[Entry, ...]
) -> None:
    parties = index_of(PartyQuery(("", " ", "...", "x" * 5_000)), PartyQuery(()))

    assert not found(parties, listed, changed)


def test_an_unchanged_application_only_takes_the_new_version() -> None:
    party = PartyQuery(("Bergholz Orchard Museum Friends",))
    parties = index_of(party)

    parties.put(0, 7, [party])

    assert (parties.version_of(0), parties.removed, len(parties)) == (7, 0, 1)
