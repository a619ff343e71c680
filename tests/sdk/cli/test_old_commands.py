"""The words of release 0.1: they keep working, and a warning names the new ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from safeconduct import conduct
from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.cli.old_commands import COMMANDS, CONFIRMS_UNSEEN, renamed
from safeconduct.cli.root import CONNECTION
from safeconduct.enforcement.v1 import model_pb2 as enforcement

from tests.sdk.cli.running import RATIONALE, Command
from tests.sdk.fake_services import APPLICATION, RECOMMENDATION, VIOLATION, FakeServices


@pytest.mark.parametrize(("old", "new"), COMMANDS.items())
def test_every_old_command_has_a_new_one_and_a_warning(
    old: tuple[str, ...], new: tuple[str, ...]
) -> None:
    words, (warning,) = renamed(["--profile", "a", *old, "x"], CONNECTION)

    assert words[2:5] == [*new, "x"]
    assert warning.startswith(f"`safeconduct {' '.join(old)}` is now `safeconduct {' '.join(new)}`")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("review countersign x --reject", "cases reject-recommendation x"),
        ("enforcement find x --confirm", "violations confirm-finding x"),
        ("enforcement impose x --reject", "violations reject-measure x"),
        ("enforcement reinstate x --confirm", "licenses confirm-reinstatement x"),
    ],
)
def test_an_old_option_that_decided_is_a_command_now_and_asks_nothing(old: str, new: str) -> None:
    words, _ = renamed(old.split(), CONNECTION)

    assert words == [*new.split(), CONFIRMS_UNSEEN]


def test_todays_words_give_no_warning() -> None:
    words = ["cases", "countersign", "x", "--yes", "y"]

    assert renamed(words, CONNECTION) == (words, [])


async def test_old_commands_still_do_what_they_did(
    command: Command, services: FakeServices
) -> None:
    services.violation.state = enforcement.VIOLATION_STATE_FINDING_PROPOSED
    services.violation.finding.finding_id = RECOMMENDATION

    confirmed = await command("enforcement", "find", VIOLATION, "--confirm", *RATIONALE)

    assert confirmed.code == 0
    assert confirmed.err == (
        "warning: `safeconduct enforcement find` is now `safeconduct violations confirm-finding`; "
        "the old spelling ends with the next release\n"
    )
    assert services.last("ConfirmFinding").finding_id == RECOMMENDATION


async def test_the_old_spelling_of_the_signing_key_signs(
    command: Command, services: FakeServices, tmp_path: Path
) -> None:
    conduct.save_key(conduct.generate_key(), tmp_path / "key.pem")
    services.application.acceptance_text = b"I accept"
    services.application.details.parties.add(
        party_id="signatory", roles=[model.PARTY_ROLE_SIGNATORY]
    )

    ran = await command("applications", "accept", APPLICATION, "--key", str(tmp_path / "key.pem"))

    assert ran.code == 0
    assert "is now `--signing-key`" in ran.err
