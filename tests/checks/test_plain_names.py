"""Names without metaphors."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks import plain_names, project_files
from checks.check import Verdict

SETTINGS = "class OwnSettings:\n    %s: int = 1\n"


@pytest.mark.parametrize(
    ("file", "text", "is_fault"),
    [
        ("core/desk.py", "", True),
        ("core/screener.py", "", False),
        ("a.py", "class StandingBoard: ...", True),
        ("a.py", "class Keyboard: ...", False),
        ("a.py", "def hear_event(): ...", True),
        ("a.py", "def test_an_officer_is_told(): ...", False),
        ("a.py", "told = 1", False),
        ("a.py", SETTINGS % "desk_size", True),
        ("a.py", SETTINGS % "pool_size", False),
        ("a.py", 'Counter("safeconduct_news_total")', True),
        ("a.py", '@app.command("tell")\ndef send(): ...', True),
        ("a.sql", "create table if not exists story (id uuid)", True),
        ("a.sql", "alter table done rename to shelf", True),
        ("a.sql", "create table event (id uuid)", False),
        ("a_pb2.py", "class Desk: ...", False),
        ("a.md", "class Desk", False),
    ],
)
def test_a_banned_word_in_a_name_is_found(
    monkeypatch: pytest.MonkeyPatch, file: str, text: str, is_fault: bool
) -> None:
    monkeypatch.setattr(project_files, "texts", lambda: [(Path(file), text)])

    assert (plain_names.no_banned_word().verdict is Verdict.FAILED) == is_fault


def test_the_sentence_proposes_another_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_files, "texts", lambda: [(Path("a.py"), "\nclass Desk: ...")])

    output = plain_names.no_banned_word().output

    assert output.startswith("a.py:2: the class Desk contains 'desk'")
    assert output.endswith(repr(plain_names.BANNED["desk"]))
