"""The command answers every name that says nothing with its reason, and none with CLEAR."""

import json

import pytest

from services.screening.batch.command import Exit, main
from tests.screening.batch.test_match import LIST

UNJUDGED: tuple[tuple[object, str], ...] = (
    ("\x00\x00", "NAME_UNREADABLE"),
    ("12345", "NAME_UNREADABLE"),
    ("🙂", "NAME_UNREADABLE"),
    ("?!", "NAME_UNREADABLE"),
    ("\u200f\u202e", "NAME_UNREADABLE"),
    ("Q", "NAME_TOO_SHORT"),
    ("n/a", "NAME_PLACEHOLDER"),
    ("Mr.", "NAME_PLACEHOLDER"),
    ("x" * 5000, "NAME_TOO_LONG"),
    ("Abc " * 1250, "NAME_TOO_LONG"),
    ("half \ud800 a sign", "FIELD_INVALID"),
    ([f"Somebody Number {number}" for number in range(65)], "TOO_MANY_NAMES"),
    ([], "NAME_MISSING"),
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    room = tmp_path_factory.mktemp("unjudged")
    listed, asked, out = room / "targets.simple.csv", room / "in.jsonl", room / "out.jsonl"
    listed.write_text(LIST, encoding="utf-8")
    lines = (
        json.dumps({"id": number, "names": names}) for number, (names, _) in enumerate(UNJUDGED)
    )
    asked.write_text("\n".join(lines), encoding="utf-8")
    files = [
        "--list",
        str(listed),
        "--list-format",
        "targets-simple",
        "--queries",
        str(asked),
        "--out",
        str(out),
    ]
    assert main(["match", *files, "--workers", "1"]) == Exit.ANSWERED
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def test_a_name_that_says_nothing_is_undetermined_with_its_reason(
    answers: list[dict[str, object]],
) -> None:
    assert [(each["result"], each["reasons"]) for each in answers] == [
        ("UNDETERMINED", [reason]) for _, reason in UNJUDGED
    ]
