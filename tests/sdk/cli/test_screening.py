"""`safeconduct screening`: one party, and a file of parties."""

from __future__ import annotations

import json
from pathlib import Path

from tests.sdk.cli.running import Command
from tests.sdk.fake_services import (
    FakeServices,
)


async def test_a_party_is_screened_with_all_that_is_known(
    command: Command, services: FakeServices
) -> None:
    ran = await command(
        "screening",
        "screen",
        "A Name",
        "An Alias",
        "--kind",
        "organisation",
        "--country",
        "de",
        "--identifier",
        "LEI=5299000000",
        "--birth-date",
        "1970",
    )

    party = services.last("ScreenParty").party
    assert ran.code == 0
    assert "A [listed] name" in ran.out
    assert (list(party.names), party.kind, list(party.countries)) == (
        ["A Name", "An Alias"],
        2,
        ["DE"],
    )
    assert (party.identifiers[0].type, party.identifiers[0].value) == ("LEI", "5299000000")


async def test_a_book_is_screened_line_by_line_and_its_bad_lines_are_told(
    command: Command, services: FakeServices, tmp_path: Path
) -> None:
    file = tmp_path / "book.jsonl"
    lines = [
        '{"id": 7, "name": "A Name", "schema": "Person", "birth_date": 1970, "countries": "de"}',
        "no JSON",
        "",
        (
            '{"id": "x", "names": ["One", "Other"], "countries": ["Germany"],'
            ' "identifiers": ["5299000000"]}'
        ),
        '{"id": "nameless"}',
    ]
    file.write_text("\n".join(lines), encoding="utf-8")

    ran = await command("screening", "bulk", str(file), "--json")
    for_people = await command("screening", "bulk", str(file))

    answers = [json.loads(line) for line in ran.out.splitlines()]
    told = {answer["queryId"]: answer for answer in answers}
    asked = [request.party for request in services.requests["ScreenParties"][:2]]
    assert (ran.code, for_people.code) == (2, 2)
    assert told["7"]["party"]["result"] == "SCREENING_RESULT_CLEAR"
    assert told["x"]["refusal"]["faults"][0]["field"] == "party.countries[0]"
    assert told[""]["refusal"]["message"] == "line 2 is not JSON in UTF-8"
    assert told["nameless"]["refusal"]["reason"] == "LINE_MALFORMED"
    assert (list(asked[0].names), asked[0].kind, asked[0].birth_date) == (["A Name"], 1, "1970")
    assert list(asked[0].countries) == ["DE"]
    assert (list(asked[1].names), asked[1].identifiers[0].value) == (["One", "Other"], "5299000000")
    assert "REFUSED x: party.countries[0]: must be two [letters]" in for_people.out
    assert "1 CLEAR, 3 REFUSED" in for_people.err


async def test_an_identifier_without_a_type_is_refused(command: Command) -> None:
    ran = await command("screening", "screen", "A Name", "--identifier", "5299000000")

    assert ran.code == 2
    assert "TYPE=VALUE" in ran.err
