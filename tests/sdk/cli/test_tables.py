"""Tables: whole ids at eighty columns, and a note about what did not fit."""

from __future__ import annotations

from rich.console import Console
from safeconduct.cli.tables import Column, RenderableType, listed, pairs, rows

from tests.sdk.fake_services import APPLICATION

COLUMNS = (
    Column("APPLICATION", whole=True),
    Column("STATE", whole=True),
    Column("END USER", least=12),
    Column("RULES", rank=2),
    Column("SUBMITTED", whole=True, rank=1),
)
LINE = (
    APPLICATION,
    "PENDING_COUNTERSIGN",
    "Example Teaching Hospital",
    "a-rule, another-rule",
    "2026-11-30T12:00:00Z",
)


def printed(width: int) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(rows(COLUMNS, [LINE], width=width))
    return capture.get()


def test_ids_are_whole_at_eighty_columns_and_the_least_needed_columns_are_left_out() -> None:
    out = printed(80)

    assert APPLICATION in out
    assert "PENDING_COUNTERSIGN" in out
    assert "not shown at this width: RULES, SUBMITTED" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_wide_terminal_shows_everything() -> None:
    out = printed(160)

    assert "a-rule, another-rule" in out
    assert "not shown" not in out


def shown(part: RenderableType) -> list[str]:
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        console.print(part)
    return [line.rstrip() for line in capture.get().splitlines()]


FORGED = "Lf\nCorp\nstate APPROVED\x1b[2J\u202e"


def test_no_name_adds_a_line_to_a_table() -> None:
    assert shown(pairs([("holder", FORGED)])) == ["holder  Lf↵Corp↵state APPROVED�[2J�"]
    assert shown(rows(("HOLDER",), [(FORGED,)])) == ["HOLDER", "Lf↵Corp↵state APPROVED�[2J�"]


def test_each_of_several_texts_has_one_line() -> None:
    assert shown(pairs([("conditions", listed(["first", FORGED]))])) == [
        "conditions  first",
        "            Lf↵Corp↵state APPROVED�[2J�",
    ]
    assert listed([]) == ""
