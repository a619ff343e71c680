"""The command answers every line in order; its exit code tells what went wrong."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services.screening.batch.command import Exit, main

LIST = """\
id,schema,name,aliases,birth_date,countries,addresses,identifiers,dataset
NK-1,Company,TGO General Trading LLC,Three Green Orbit;T.G.O.,,ae,"Festival Tower, Dubai",\
AE-778899123,Example list
NK-2,Person,Halis Bektas,,1966-02-13,ch,,X0906223,Example list
NK-3,LegalEntity,810 Aircraft Repair Plant,,,ru,,,Example list
"""
BOOK: tuple[Any, ...] = (
    {"id": "alias", "name": "Three Green Orbit", "schema": "Company"},
    {
        "id": 7,
        "names": ["Nobody Whatsoever", "BEKTAS, Halis"],
        "schema": "Person",
        "birth_date": "1966-02-13",
    },
    {"id": "number", "name": "Wholly Unrelated Person", "identifiers": ["AE-778899123"]},
    {
        "id": "passport",
        "name": "H. B.",
        "identifiers": [{"type": "Passport", "value": "X 0906223"}],
    },
    '{"id": "cut", "name": ',
    {"id": "empty", "name": " "},
    {"id": "clear", "name": "Ingeborg Abrahamsen", "schema": "Person", "countries": ["no"]},
    {"id": "no name"},
    {"name": "no id"},
    {"id": "odd", "name": {"first": "Halis"}},
    {"id": "half", "name": "Halis \ud800 Bektas"},
    {"id": "long", "name": "A" * 5000},
    [1],
)


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("list") / "targets.simple.csv"
    path.write_text(LIST, encoding="utf-8")
    return path


def bulk_file(path: Path, lines: tuple[Any, ...] = BOOK) -> Path:
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


def run(
    tmp_path: Path, listed: Path, *more: str, queries: Path | None = None, workers: int = 1
) -> list[dict[str, Any]]:
    out = tmp_path / "out.jsonl"
    given = ["--list", str(listed), "--list-format", "targets-simple"]
    asked = ["--queries", str(queries or bulk_file(tmp_path / "in.jsonl")), "--out", str(out)]
    arguments = ["match", *given, *asked, "--workers", str(workers), *more]

    if workers == 1:
        assert main(arguments) == Exit.ANSWERED
    else:  # it forks, so it needs a process of its own: this one has threads of other tests
        command = [sys.executable, "-m", "services.screening.batch", *arguments]
        assert subprocess.run(command, capture_output=True, check=False).returncode == Exit.ANSWERED

    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def test_every_line_is_answered_in_order_and_what_cannot_be_judged_is_never_clear(
    tmp_path: Path, listed: Path
) -> None:
    answers = run(tmp_path, listed)

    assert [(each["id"], each["result"], each.get("reasons")) for each in answers] == [
        ("alias", "POSSIBLE_MATCH", None),
        (7, "POSSIBLE_MATCH", None),
        ("number", "POSSIBLE_MATCH", None),
        ("passport", "POSSIBLE_MATCH", None),
        (None, "UNDETERMINED", ["LINE_MALFORMED"]),
        ("empty", "UNDETERMINED", ["NAME_MISSING"]),
        ("clear", "CLEAR", None),
        ("no name", "UNDETERMINED", ["FIELD_INVALID"]),
        (None, "UNDETERMINED", ["FIELD_INVALID"]),
        ("odd", "UNDETERMINED", ["FIELD_INVALID"]),
        ("half", "UNDETERMINED", ["FIELD_INVALID"]),
        ("long", "UNDETERMINED", ["NAME_TOO_LONG"]),
        (None, "UNDETERMINED", ["LINE_MALFORMED"]),
    ]


def test_a_hit_carries_the_id_of_the_list_file_and_its_score(tmp_path: Path, listed: Path) -> None:
    alias, person, number, passport, *_ = run(tmp_path, listed)

    assert [
        (each["hits"][0]["entry_id"], each["hits"][0]["score"])
        for each in (alias, person, number, passport)
    ] == [
        ("NK-1", 1.0),
        ("NK-2", 1.0),
        ("NK-1", 1.0),
        ("NK-2", 1.0),
    ]
    assert alias["hits"][0]["name"] == "TGO General Trading LLC"
    assert alias["hits"][0]["list"] == "targets"
    assert alias["ms"] > 0


def test_an_answer_that_cannot_be_screened_names_its_line(tmp_path: Path, listed: Path) -> None:
    answers = run(tmp_path, listed)

    assert [each["line"] for each in answers if "line" in each] == [5, 8, 9, 10, 11, 13]


def test_several_workers_give_the_same_answers_in_the_same_order(
    tmp_path: Path, listed: Path
) -> None:
    lines = tuple({"id": number, "name": f"Person number {number}"} for number in range(150))
    queries = bulk_file(tmp_path / "many.jsonl", (*BOOK, *lines))

    alone = run(tmp_path, listed, queries=queries)
    shared = run(tmp_path, listed, queries=queries, workers=3)

    assert [{**each, "ms": 0} for each in shared] == [{**each, "ms": 0} for each in alone]
    assert len(shared) == len(BOOK) + len(lines)


def test_scores_below_the_threshold_are_told_when_asked_for_and_do_not_change_the_result(
    tmp_path: Path, listed: Path
) -> None:
    queries = bulk_file(
        tmp_path / "low.jsonl", ({"id": "low", "name": "Anton Bektas", "schema": "Person"},)
    )

    (silent,) = run(tmp_path, listed, queries=queries)
    (told,) = run(tmp_path, listed, "--min-score", "0", "--limit", "2", queries=queries)

    assert (silent["result"], silent["hits"]) == ("CLEAR", [])
    assert told["result"] == "CLEAR"
    assert told["hits"][0]["entry_id"] == "NK-2"
    assert len(told["hits"]) == 2
    assert told["hits"][0]["score"] > told["hits"][1]["score"]


def test_an_explanation_reads_as_a_sentence_and_names_program_and_source(
    tmp_path: Path, listed: Path
) -> None:
    alias, *_ = run(tmp_path, listed, "--explain")

    hit = alias["hits"][0]
    assert hit["explanation"][0]["detail"] == (
        '"Three Green Orbit" is "Three Green Orbit", an alias of "TGO General Trading LLC".'
    )
    assert hit["source"] == "Example list"


def test_a_blank_line_asks_nothing(tmp_path: Path, listed: Path) -> None:
    queries = tmp_path / "blank.jsonl"
    queries.write_bytes(
        b'\xef\xbb\xbf{"id": 1, "name": "T.G.O."}\r\n\r\n{"id": 2, "name": "T.G.O."}'
    )

    answers = run(tmp_path, listed, queries=queries)

    assert [each["id"] for each in answers] == [1, 2]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"--list": "absent.csv"}, Exit.LIST_UNREADABLE),
        ({"--list-format": "un"}, Exit.LIST_UNREADABLE),
        ({"--queries": "absent.jsonl"}, Exit.QUERIES_UNREADABLE),
        ({"--out": "absent/out.jsonl"}, Exit.OUT_UNWRITABLE),
    ],
)
def test_what_cannot_be_read_or_written_ends_the_command_with_its_code(
    tmp_path: Path, listed: Path, given: dict[str, str], code: Exit
) -> None:
    arguments = {
        "--list": str(listed),
        "--list-format": "targets-simple",
        "--queries": str(bulk_file(tmp_path / "in.jsonl")),
        "--out": str(tmp_path / "out.jsonl"),
        **{
            key: value if key == "--list-format" else str(tmp_path / value)
            for key, value in given.items()
        },
    }

    assert main(["match", *(each for pair in arguments.items() for each in pair)]) == code
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl"]


def test_the_primary_file_of_the_sdn_list_is_enough(tmp_path: Path) -> None:
    empty = ",-0- " * 8
    listed = tmp_path / "sdn.csv"
    listed.write_bytes(f'36,"AEROCARIBBEAN AIRLINES",-0- ,"CUBA"{empty}\r\n\x1a'.encode())
    queries = bulk_file(tmp_path / "in.jsonl", ({"id": 1, "name": "Aerocaribbean Airlines"},))
    out = tmp_path / "out.jsonl"

    given = [
        "--list",
        str(listed),
        "--list-format",
        "sdn",
        "--queries",
        str(queries),
        "--out",
        str(out),
        "--workers",
        "1",
    ]

    code = main(["match", *given])

    assert code == Exit.ANSWERED
    assert json.loads(out.read_text())["hits"][0]["entry_id"] == "36"
